"""Training of the lifter that ships, src/dance_now/pose/networks/lifter.npz: seven minutes on one core.

python scripts/lifter.py
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch

from dance_now.pose.networks.lifter import NETWORK
from dance_now.training.lifter.lifter_data import project_people, sample_poses, split_motions
from dance_now.training.lifter.lifter_training import (
    LiftingConfig,
    mean_depth_error,
    train_lifter,
    write_lifter,
)

_TEST_PEOPLE: Final = 8000


def main() -> None:
    """Command line: trains and writes the network, and prints its error on held-out motions."""
    torch.set_num_threads(1)
    network = train_lifter(LiftingConfig(), lambda step, loss: print(f"step {step}: {loss:.4f}"))
    write_lifter(network, NETWORK)
    generator = np.random.default_rng(1)
    test = project_people(sample_poses(split_motions()[1], generator, _TEST_PEOPLE), generator, _TEST_PEOPLE)
    print(f"{mean_depth_error(network, test):.2%} of the height, {NETWORK.stat().st_size} bytes")


if __name__ == "__main__":
    main()
