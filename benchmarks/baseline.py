"""Points against the original's sticks: the same data set, the same wall-clock time of training, one machine.

    python benchmarks/baseline.py DATASET -o FOLDER [--minutes 10] [--preset quick]

DATASET is a folder made by ``dance-now render``, or one in the original's layout. How many steps fit the time
is found by a few steps of each generator first; rendering, loading, export and scoring do not count.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from dance_now.character.character import Character
from dance_now.pose.pose import Pose
from dance_now.training.config import PRESETS, TrainingConfig
from dance_now.training.data import LabelledPictures
from dance_now.training.evaluation import Evaluation
from dance_now.training.generator import ShippedGenerator
from dance_now.training.pipeline import train
from dance_now.training.points_stages import build_generator
from dance_now.training.shipping import Rights
from dance_now.training.sticks.config import STICKS, SticksConfig
from dance_now.training.sticks.generator import BodyGenerator, HeadGenerator, ShippedSticks, SticksGenerator
from dance_now.training.sticks.heads import usual_side

PROBE_STEPS = 6
DRAWN = 10
RIGHTS = Rights("for measuring only", "nobody")
ROWS = (
    ("score, dB", lambda result: result.overall.psnr),
    ("silhouette IoU", lambda result: result.overall.iou),
    ("SSIM", lambda result: result.overall.ssim),
    ("perceptual distance", lambda result: result.overall.perceptual),
    ("alpha error", lambda result: result.overall.alpha_error),
    ("head score, dB", lambda result: result.overall.head_psnr),
    ("face detail", lambda result: result.overall.face_detail),
    ("jitter of a still pose, px", lambda result: result.jitter),
)


def seconds_a_step(dataset: Path, folder: Path, config: TrainingConfig, sticks: SticksConfig | None) -> float:
    """Seconds between the first and the last of a few steps that train with all losses on."""
    probe = replace(config, steps=PROBE_STEPS, adversarial_from=0.0, log_every=1)
    times: list[float] = []

    def note(stage: str, done: int, total: int, remark: str) -> None:
        if stage in ("train", "body"):
            times.append(time.monotonic())

    name = "probe-sticks" if sticks else "probe-points"
    train(dataset, folder / f"{name}.dance", probe, rights=RIGHTS, sticks=sticks, stage="body", report=note)
    return (times[-1] - times[0]) / (len(times) - 1)


def trained(
    dataset: Path, folder: Path, config: TrainingConfig, minutes: float, sticks: SticksConfig | None
) -> tuple[Evaluation, Path]:
    """A character after so many minutes of training, and its score."""
    pace = seconds_a_step(dataset, folder, config, sticks)
    # The sticks' head network trains as many steps as their body, on squares so small that they hardly count.
    steps = max(1, round(60 * minutes / pace))
    output = folder / ("sticks.dance" if sticks else "points.dance")
    result = train(
        dataset,
        output,
        replace(config, steps=steps),
        rights=RIGHTS,
        sticks=sticks,
        report=lambda *told: None,
    )
    assert result is not None
    print(f"{output.stem}: {steps} steps of {pace:.2f} s")
    return result, output


def work(network: torch.nn.Module, pose: np.ndarray) -> float:
    """Thousand million multiplications for one picture, convolutions and products of matrices."""
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network.eval()(torch.from_numpy(pose[None]))
    return counter.get_total_flops() / 2e9


def milliseconds(character: Character, poses: np.ndarray) -> float:
    """Least time of a picture."""
    times = []
    for label in poses:
        pose = Pose(label[:, [0, 1, 3]], label[:, 2], label[:, 3] > 0)
        begun = time.perf_counter()
        character.draw(pose)
        times.append(time.perf_counter() - begun)
    return 1000 * min(times)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--preset", choices=tuple(PRESETS), default="quick")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    config, sticks = PRESETS[arguments.preset], STICKS[arguments.preset]
    found = [
        trained(arguments.dataset, arguments.output, config, arguments.minutes, kind)
        for kind in (None, sticks)
    ]
    made = arguments.output / "points.run" / "dataset"
    dataset = made if made.exists() else arguments.dataset
    labels = LabelledPictures(dataset, "test").keypoints
    side = sticks.head_size or usual_side(LabelledPictures(dataset, "train").keypoints)
    networks = (
        ShippedGenerator(build_generator(dataset, config)),
        ShippedSticks(SticksGenerator(BodyGenerator(sticks), HeadGenerator(sticks), side)),
    )
    print("\n| | points | sticks |\n|---|---|---|")
    for name, value in ROWS:
        cells = [value(result) for result, _ in found]
        print(f"| {name} | " + " | ".join("-" if cell is None else f"{cell:.4g}" for cell in cells) + " |")
    print("| GMAC | " + " | ".join(f"{work(network, labels[0]):.2f}" for network in networks) + " |")
    print("| MB | " + " | ".join(f"{output.stat().st_size / 1e6:.1f}" for _, output in found) + " |")
    drawn = [milliseconds(Character.load(output), labels[:DRAWN]) for _, output in found]
    print("| ms a picture | " + " | ".join(f"{each:.0f}" for each in drawn) + " |")


if __name__ == "__main__":
    main()
