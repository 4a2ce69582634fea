"""The stages of the points generator: one network, one training, the export."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dance_now.core.errors import DanceNowError
from dance_now.synthesis.surface.surface_points import MeshPoints
from dance_now.training.character_export import dataset_skeleton, export
from dance_now.training.data.crops import CropBatches
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.data.sample_cache import SampleCache
from dance_now.training.distributed import ALONE, training_device
from dance_now.training.metrics.evaluation import check_size
from dance_now.training.metrics.scores import Evaluation
from dance_now.training.networks.points_generator import ExportedPointsGenerator, PointsGenerator
from dance_now.training.preview import PreviewSheet
from dance_now.training.run_logger import Progress
from dance_now.training.train_config import TrainingConfig
from dance_now.training.training_loop import CHECKPOINT, Trainer
from dance_now.training.training_run import Run


def build_generator(dataset: Path, config: TrainingConfig) -> PointsGenerator:
    """A fresh generator for a data set; the same for the same seed."""
    torch.manual_seed(config.seed)
    mesh = MeshPoints.load(dataset / "points.npz").subset(config.generator.points, config.seed)
    return PointsGenerator(dataset_skeleton(dataset), mesh, config.generator)


def body_trainer(run: Run, generator: nn.Module, folder: Path) -> Trainer[Any]:
    """Trains a generator of whole figures on windows of the run's pictures, or goes on in its folder.

    Raises:
        DanceNowError: the pictures cannot be used, or what the folder holds is damaged or of another run.
    """
    device, pictures = training_device(), LabelledPictures(run.dataset, "train")
    check_size(pictures)
    held = SampleCache(pictures, device, lambda done, total: run.report("load", done, total, ""))
    sheet = PreviewSheet.of(LabelledPictures(run.dataset, "test"), device)
    batches = CropBatches(held, run.config, run.share)
    return Trainer(generator, batches, folder, run.config, sheet=sheet, share=run.share)


def train_to_the_end(trainer: Trainer[Any], run: Run, stage: str) -> None:
    """Runs a trainer, reporting under the stage's name."""

    def tell(progress: Progress) -> None:
        remark = f"loss {progress.loss:.4f}, {progress.rate:.1f} pictures/s"
        run.report(stage, progress.step, progress.steps, remark)

    trainer.run(tell)


def check_begun(folder: Path, stage: str) -> None:
    """Refuses to export what was never trained; a training that was interrupted may be exported.

    Raises:
        DanceNowError: the folder holds no checkpoint.
    """
    if not (folder / CHECKPOINT).exists():
        raise DanceNowError(f"{folder} holds nothing trained yet: run --stage {stage} first.")


def provenance(trainer: Trainer[Any]) -> dict[str, Any]:
    """What a card says of the training."""
    config = trainer.config
    return {
        "steps": trainer.step,
        "pictures_seen": trainer.step * config.batch,
        "config": config.to_json(),
        "torch": torch.__version__,
        "device": trainer.device.type,
    }


class PointsStages:
    """What ``--stage`` means for the points generator."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._trainer: Trainer[PointsGenerator] | None = None

    def body(self) -> None:
        """Trains."""
        train_to_the_end(self._opened(self._run), self._run, "train")

    def export(self) -> Evaluation:
        """Writes the character file with the averaged weights as they are; called by the first worker alone.

        Raises:
            DanceNowError: nothing is trained yet.
        """
        check_begun(self._run.folder, "body")
        trainer = self._opened(replace(self._run, share=ALONE))  # the others have left and answer no more
        generator = trainer.ema_generator()
        return export(
            ExportedPointsGenerator(generator),
            replace(self._run.card, extent=generator.extent()),
            self._run.dataset,
            self._run.output,
            provenance(trainer),
            self._run.report,
        )

    def _opened(self, run: Run) -> Trainer[PointsGenerator]:
        if self._trainer is None:
            generator = build_generator(run.dataset, run.config)
            self._trainer = body_trainer(run, generator, run.folder)
        return self._trainer
