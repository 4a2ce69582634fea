"""Training of the lifters that ship: the one of single frames, then the temporal one that builds on it.

The first learns from the motion library (seven minutes on one core); the second also from rendered people, as
``scripts/lifter_people.py`` writes them (five minutes).

python scripts/lifter.py frames
python scripts/lifter.py clips out/people.npz [--steps 3000]
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

import numpy as np
import torch

from dance_now.pose.model.adult_skeleton import adult_skeleton
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.networks.lifter import NETWORK
from dance_now.pose.networks.lifter_input import LIFTED
from dance_now.pose.networks.temporal_lifter import NETWORK as TEMPORAL_NETWORK
from dance_now.training.lifter.lifter_data import project_people, sample_poses, split_motions
from dance_now.training.lifter.lifter_training import (
    LiftingConfig,
    mean_depth_error,
    train_lifter,
    write_lifter,
)
from dance_now.training.lifter.marked_joints import rendered_samples
from dance_now.training.lifter.motion_clips import sample_clip
from dance_now.training.lifter.temporal_training import (
    TemporalConfig,
    train_temporal_lifter,
    write_temporal_lifter,
)

_TEST_PEOPLE: Final = 8000
_CLIPS: Final = 7500


def train_frames() -> None:
    """Trains and writes the network of single frames, and prints its error on held-out motions."""
    network = train_lifter(LiftingConfig(), lambda step, loss: print(f"step {step}: {loss:.4f}"))
    write_lifter(network, NETWORK)
    generator = np.random.default_rng(1)
    test = project_people(sample_poses(split_motions()[1], generator, _TEST_PEOPLE), generator, _TEST_PEOPLE)
    print(f"{mean_depth_error(network, test):.2%} of the height, {NETWORK.stat().st_size} bytes")


def train_clips(people: Path, steps: int) -> None:
    """Trains and writes the temporal network."""
    generator, skeleton = np.random.default_rng(1), adult_skeleton()
    rig, motions = BoneRig.of(skeleton), split_motions()[0]
    leg = float(np.linalg.norm(np.diff(skeleton.rest[[12, 13, 14]], axis=0), axis=1).sum())
    clips = (sample_clip(rig, leg, motions, generator) for _ in range(_CLIPS))
    bank = np.stack([(clip.points + clip.hips[:, None])[:, list(LIFTED)] for clip in clips])
    config = TemporalConfig(steps=steps)
    with np.load(people, allow_pickle=False) as arrays:
        rendered = rendered_samples(dict(arrays))
    network = train_temporal_lifter(
        config, rendered, bank, lambda step, angle: print(f"step {step}: {angle:.1f} degrees", flush=True)
    )
    write_temporal_lifter(network, config, TEMPORAL_NETWORK)
    print(f"{TEMPORAL_NETWORK.stat().st_size} bytes")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("which", choices=("frames", "clips"))
    parser.add_argument("people", type=Path, nargs="?", help="of scripts/lifter_people.py")
    parser.add_argument("--steps", type=int, default=TemporalConfig.steps)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.which == "frames":
        train_frames()
    elif arguments.people is None:
        parser.error("clips needs the file of scripts/lifter_people.py")
    else:
        train_clips(arguments.people, arguments.steps)


if __name__ == "__main__":
    main()
