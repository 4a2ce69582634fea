"""Ablation of losses and pose noise: continued training with one change at a time.

All runs start from the same trained weights, since discriminators are of little use on a blur, and see the
same images for the same number of steps. "start" are the unchanged weights, "none" is trained with the
reconstruction loss alone, "another seed" shows the variance. Scores are those of ``dance-now evaluate``,
before export; "wrong poses" is the score of images rendered from poses with the errors of retargeted ones.
The table is printed; FOLDER keeps it as ablation.json, with every run, so that the script may be stopped and
resumed.

python benchmarks/ablation.py DATASET NAME.run/ema.pt -o FOLDER [--steps 300] [--only CHANGE ...]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from dance_now.core.arrays import Image
from dance_now.pose.model.pose import Pose
from dance_now.training.checkpoint import load, load_ema
from dance_now.training.data.crops import CropBatches
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.data.pose_noise import RETARGETING_NOISE, add_pose_noise
from dance_now.training.data.sample_cache import SampleCache
from dance_now.training.metrics.evaluation import evaluate
from dance_now.training.metrics.image_metrics import score
from dance_now.training.metrics.scores import Evaluation
from dance_now.training.metrics.temporal_jitter import pose_from_label
from dance_now.training.networks.points_generator import ExportedPointsGenerator, PointsGenerator
from dance_now.training.points_stages import build_generator
from dance_now.training.train_config import LossWeights, TrainingConfig
from dance_now.training.training_loop import Trainer
from dataset_subset import link_subset

RATE: Final = 1e-3  # half of a fresh training's peak
WRONG_POSES: Final = 30
START: Final = "start"
Change = Callable[[TrainingConfig], TrainingConfig]
logger = logging.getLogger("ablation")


def with_losses(**weights: float) -> Change:
    """A change that sets loss weights."""
    return lambda config: replace(config, losses=replace(config.losses, **weights))


CHANGES: Final[dict[str, Change]] = {
    START: lambda config: replace(config, steps=0),
    "none": lambda config: config,
    "another seed": lambda config: replace(config, seed=config.seed + 1),
    "perceptual": with_losses(perceptual=0.2),
    "face detail": with_losses(face_detail=0.2),
    "structure": with_losses(structure=1.5),
    "face discriminator": with_losses(adversarial=0.004, matching=0.05, face=1.0),
    "whole discriminator": with_losses(adversarial=0.004, matching=0.05, picture=1.0),
    "whole discriminator, ten times": with_losses(adversarial=0.04, matching=0.5, picture=1.0),
    "temporal": with_losses(temporal=0.5),
    "pose noise": lambda config: replace(config, pose_noise=RETARGETING_NOISE),
}
COLUMNS: Final = {
    "dB": 2,
    "IoU": 4,
    "SSIM": 4,
    "head dB": 2,
    "face detail": 3,
    "perceptual": 4,
    "alpha error": 4,
    "jitter px": 3,
    "wrong poses dB": 2,
    "s a step": 3,
}  # and their digits


@dataclass(frozen=True)
class Ablation:
    """Ablation: data set, initial weights, folder and base configuration."""

    dataset: Path
    weights: Path
    folder: Path
    config: TrainingConfig

    def row(self, name: str, pictures: SampleCache) -> dict[str, float | None]:
        """Trains or resumes the run of a change, and evaluates it: a row of the table."""
        generator = build_generator(self.dataset, self.config)
        load_ema(self.weights, generator)
        config = CHANGES[name](self.config)
        run = self.folder / name.replace(",", "").replace(" ", "_")
        run.mkdir(exist_ok=True)
        logger.info("%s", name)
        trainer = Trainer(generator, CropBatches(pictures, config), run, config)
        trainer.run(lambda now: logger.info("%d/%d, %.0f s left", now.step, now.steps, now.remaining))
        drawing = TrainingCharacter(trainer.ema_generator())
        result = evaluate(drawing, self.dataset)
        wrong = wrong_poses_score(drawing, LabelledPictures(self.dataset, "test"))
        return result_row(result, wrong, trainer.seconds / max(trainer.step, 1))


class TrainingCharacter:
    """Renderer with a generator that is not exported yet."""

    name = "in training"

    def __init__(self, generator: PointsGenerator) -> None:
        self._network = ExportedPointsGenerator(generator).eval()

    def draw(self, pose: Pose, size: tuple[int, int]) -> Image:
        """Renders a pose at ``size`` (width, height), multiples of 16: (height, width, 4) RGBA."""
        keypoints = np.concatenate([pose.points[:, :2], pose.depth[:, None], pose.points[:, 2:]], axis=1)
        with torch.inference_mode():
            points = torch.from_numpy(keypoints[None].astype(np.float32))
            drawn = self._network(points, size[::-1])[0]
        return np.round(drawn.permute(1, 2, 0).numpy() * 255).astype(np.uint8)

    draw_unchecked = draw


def wrong_poses_score(drawing: TrainingCharacter, pictures: LabelledPictures) -> float:
    """Median PSNR in dB of images rendered from noisy labels."""
    scores = []
    for index in np.linspace(0, len(pictures) - 1, min(WRONG_POSES, len(pictures))).astype(int).tolist():
        label = add_pose_noise(pictures.keypoints[index], RETARGETING_NOISE, np.random.default_rng(index))
        drawn = drawing.draw(pose_from_label(label), pictures.size)
        scores.append(score(drawn, pictures.picture(index)).psnr)
    return float(np.median(scores))


def result_row(result: Evaluation, wrong: float, seconds: float) -> dict[str, float | None]:
    """Table row of an evaluation, by COLUMNS."""
    whole = result.overall
    values = (whole.psnr, whole.iou, whole.ssim, whole.head_psnr, whole.face_detail, whole.perceptual)
    more = (whole.alpha_error, result.jitter, wrong, seconds)
    return dict(zip(COLUMNS, (*values, *more), strict=True))


def line(name: str, row: dict[str, float | None]) -> str:
    """Formats one line of the table."""
    cells = ["" if row[key] is None else f"{row[key]:.{digits}f}" for key, digits in COLUMNS.items()]
    return f"| {name} | {' | '.join(cells)} |"


def load_results(folder: Path, setting: dict[str, Any]) -> dict[str, Any]:
    """Loads earlier results, if they have the same weights and steps."""
    path = folder / "ablation.json"
    known: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {**setting, "rows": {}}
    if {key: known[key] for key in setting} != setting:
        raise SystemExit(f"{path} was measured with other weights or steps; choose another folder.")
    return known


def main() -> None:
    """Command line: trains the missing runs and prints the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("dataset", type=Path)
    parser.add_argument("weights", type=Path, help="ema.pt of a run")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for the runs")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--pictures", type=int, default=1000, help="to train on")
    parser.add_argument("--tests", type=int, default=60, help="pictures to score")
    parser.add_argument("--only", nargs="+", choices=CHANGES, default=list(CHANGES))
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logger.setLevel(logging.INFO)
    folder: Path = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    start = TrainingConfig.from_json(load(arguments.weights, torch.device("cpu"))["config"])
    losses = LossWeights(adversarial=0.0, matching=0.0, picture=0.0)
    config = replace(start, steps=arguments.steps, rate=RATE, losses=losses, adversarial_from=0.0)
    setting = {
        "weights_sha256": hashlib.sha256(arguments.weights.read_bytes()).hexdigest(),
        "steps": config.steps,
        "batch": config.batch,
    }
    found = load_results(folder, setting)
    count = {"train": arguments.pictures, "test": arguments.tests}
    dataset = link_subset(arguments.dataset, folder / "dataset", count)  # type: ignore[arg-type]
    ablation = Ablation(dataset, arguments.weights, folder, config)
    pictures = SampleCache(LabelledPictures(dataset, "train"), torch.device("cpu"))
    for name in arguments.only:
        if name not in found["rows"]:
            found["rows"][name] = ablation.row(name, pictures)
            (folder / "ablation.json").write_text(json.dumps(found, indent=1))
    print(f"| trained on with | {' | '.join(COLUMNS)} |\n|---{'|---:' * len(COLUMNS)}|")
    for name, row in found["rows"].items():
        print(line(name, row))


if __name__ == "__main__":
    main()
