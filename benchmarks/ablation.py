"""Prints what each loss and each kind of noise is worth: the same training with one change at a time.

Every line is one run of the same data set, seed, steps and batches; "another seed" shows how much is chance.
Scores are those of ``dance-now evaluate`` on the data set's test split, of the exported character. Runs are
kept and continued, so the script may be stopped at any time and called again.

python benchmarks/ablation.py DATASET -o FOLDER [--preset quick] [--steps 3000] [--only NAME ...]
"""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from dance_now.training.config import PRESETS, LossWeights, TrainingConfig
from dance_now.training.evaluation import Evaluation
from dance_now.training.pipeline import train
from dance_now.training.pose_noise import PoseNoise
from dance_now.training.shipping import Rights

RIGHTS = Rights("for measuring only", "nobody")
logger = logging.getLogger("ablation")


def with_losses(**weights: float) -> Callable[[TrainingConfig], TrainingConfig]:
    """The preset with other weights."""
    return lambda config: replace(config, losses=replace(config.losses, **weights))


CHANGES: dict[str, Callable[[TrainingConfig], TrainingConfig]] = {
    "reconstruction alone": lambda config: replace(config, losses=LossWeights(), adversarial_from=1.0),
    "preset": lambda config: config,
    "another seed": lambda config: replace(config, seed=config.seed + 1),
    "no feature matching": with_losses(matching=0.0),
    "no hinge loss": with_losses(adversarial=0.0),
    "discriminators from the start": lambda config: replace(config, adversarial_from=0.0),
    "face discriminator": with_losses(face=1.0),
    "perceptual": with_losses(perceptual=0.2),
    "temporal": with_losses(temporal=0.5),
    "pose noise": lambda config: replace(
        config, pose_noise=PoseNoise(degrees=3, finger_degrees=10, flipped=0.03)
    ),
}
COLUMNS = [
    "change",
    "PSNR dB",
    "SSIM",
    "IoU",
    "head dB",
    "face detail",
    "perceptual",
    "alpha error",
    "jitter px",
]
COLUMNS += ["s a step"]


def row(name: str, result: Evaluation, seconds: float) -> str:
    """One line of the table."""
    whole = result.overall
    numbers = [
        f"{whole.psnr:.2f}",
        f"{whole.ssim:.4f}",
        f"{whole.iou:.4f}",
        "" if whole.head_psnr is None else f"{whole.head_psnr:.2f}",
        "" if whole.face_detail is None else f"{whole.face_detail:.3f}",
        "" if whole.perceptual is None else f"{whole.perceptual:.4f}",
        f"{whole.alpha_error:.4f}",
        f"{result.jitter:.3f}",
        f"{seconds:.3f}",
    ]
    return f"| {name} | " + " | ".join(numbers) + " |"


def seconds_a_step(run: Path, steps: int) -> float:
    """Of training alone, from the run's log."""
    last = json.loads((run / "log.jsonl").read_text().splitlines()[-1])
    return float(last["seconds"]) / steps


def tell(stage: str, done: int, total: int, remark: str) -> None:
    """Logs how far it is."""
    if done == total or done % 500 == 0:
        logger.info("%s %d/%d %s", stage, done, total, remark)


def main() -> None:
    """Reads the arguments, trains what is not trained yet, and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--preset", choices=PRESETS, default="quick")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--only", nargs="+", choices=CHANGES, default=list(CHANGES))
    arguments = parser.parse_args()
    logger.setLevel(logging.INFO)
    logger.addHandler(logging.StreamHandler())
    arguments.output.mkdir(parents=True, exist_ok=True)
    config = PRESETS[arguments.preset]
    config = replace(config, steps=arguments.steps or config.steps)
    for line in (COLUMNS, ["---"] * len(COLUMNS)):
        print(f"| {' | '.join(line)} |")
    for name in arguments.only:
        output = arguments.output / f"{name.replace(' ', '-')}.dance"
        result = train(arguments.dataset, output, CHANGES[name](config), rights=RIGHTS, report=tell)
        assert result is not None  # all stages were run
        print(row(name, result, seconds_a_step(output.with_suffix(".run"), config.steps)), flush=True)


if __name__ == "__main__":
    main()
