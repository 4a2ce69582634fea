"""Stages of the points generator: training and export."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from dance_now.core.errors import DanceNowError
from dance_now.synthesis.surface.surface_points import MeshPoints
from dance_now.training.character_card import dataset_skeleton, read_dataset_json
from dance_now.training.character_export import export
from dance_now.training.data.crops import CropBatches
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.data.sample_balance import pose_balance
from dance_now.training.data.sample_cache import SampleCache
from dance_now.training.distributed import SINGLE_WORKER, training_device
from dance_now.training.metrics.evaluation import check_size
from dance_now.training.metrics.scores import Evaluation
from dance_now.training.networks.points_generator import PointsGenerator
from dance_now.training.networks.pose_corrections import PoseCorrections
from dance_now.training.points_export import points_file, read_generator
from dance_now.training.preview import PreviewSheet
from dance_now.training.run_logger import Progress
from dance_now.training.train_config import TrainingConfig
from dance_now.training.training_loop import CHECKPOINT, Trainer
from dance_now.training.training_run import Run

_DECODER_OF = "tempo:network"  # CC0, as what is trained from it has to be free
_SAME_BODY = 0.02  # of the height: by how much keypoints at rest may differ


def continued_generator(character: str, dataset: Path) -> PointsGenerator:
    """The generator of a character file, to be trained further on a data set of the same body.

    Raises:
        DanceNowError: it is not a points character, or one of another body.
    """
    card, generator = read_generator(character)
    skeleton = dataset_skeleton(dataset)
    away = np.abs(card.skeleton.rest - skeleton.rest).max()
    if (card.skeleton.known != skeleton.known).any() or away > _SAME_BODY * skeleton.height:
        raise DanceNowError(
            f"{card.name} has another body than the data set: --from goes on with a character of the same "
            "avatar, video or pictures.",
            option="from",
        )
    return generator


def untrained_generator(dataset: Path, config: TrainingConfig) -> PointsGenerator:
    """Builds an untrained generator for a data set; the same for the same seed."""
    torch.manual_seed(config.seed)
    mesh = MeshPoints.load(dataset / "points.npz").subset(config.generator.points, config.seed)
    return PointsGenerator(dataset_skeleton(dataset), mesh, config.generator)


def build_generator(dataset: Path, config: TrainingConfig) -> PointsGenerator:
    """Builds the generator with which a training begins; the same for the same seed.

    A decoder of the usual sizes begins as that of a built-in character, and so does the light: closing gaps
    between patches and smoothing their edges is much the same for every character.
    """
    generator = untrained_generator(dataset, config)
    _, trained = read_generator(_DECODER_OF)
    if _have_like_decoders(generator, trained):
        generator.decoder.load_state_dict(trained.decoder.state_dict())
        generator.tone.data.copy_(trained.tone)
    return generator


def _have_like_decoders(one: PointsGenerator, other: PointsGenerator) -> bool:
    own, theirs = one.decoder.state_dict(), other.decoder.state_dict()
    return all(own[name].shape == value.shape for name, value in theirs.items())


def body_trainer(run: Run, generator: nn.Module, folder: Path) -> Trainer[Any]:
    """Sets up the trainer of a full-body generator on random crops, or resumes the one in its folder.

    Raises:
        DanceNowError: unusable images, or a damaged checkpoint or one of another run.
    """
    device, pictures = training_device(), LabelledPictures(run.dataset, "train")
    check_size(pictures)
    cache = SampleCache(pictures, device, lambda done, total: run.report("load", done, total, ""))
    sheet = PreviewSheet.of(LabelledPictures(run.dataset, "test"), device)
    # Rendered poses are chosen evenly; a clip's are not.
    is_rendered = bool(read_dataset_json(run.dataset).get("motions"))
    balance = None if is_rendered else pose_balance(cache.keypoints)
    batches = CropBatches(cache, run.config, run.worker, balance)
    # Rendered labels are exact, and sticks are drawn without gradients.
    exact = is_rendered or not isinstance(generator, PointsGenerator)
    corrections = None if exact else PoseCorrections(len(cache), batches.pictures)
    return Trainer(
        generator, batches, folder, run.config, sheet=sheet, worker=run.worker, corrections=corrections
    )


def run_trainer(trainer: Trainer[Any], run: Run, stage: str) -> None:
    """Runs a trainer to its last step, reporting under the stage's name."""

    def report_progress(progress: Progress) -> None:
        remark = f"loss {progress.loss:.4f}, {progress.rate:.1f} pictures/s"
        run.report(stage, progress.step, progress.steps, remark)

    trainer.run(report_progress)


def require_checkpoint(folder: Path, stage: str) -> None:
    """Raises DanceNowError without a checkpoint; an interrupted training may be exported.

    Raises:
        DanceNowError: the folder holds no checkpoint.
    """
    if not (folder / CHECKPOINT).exists():
        raise DanceNowError(f"{folder} has no checkpoint. Set stage to {stage} and run it first.")


def provenance(trainer: Trainer[Any]) -> dict[str, Any]:
    """Training provenance for a character card."""
    config = trainer.config
    return {
        "steps": trainer.step,
        "pictures_seen": trainer.step * config.batch,
        "config": config.to_json(),
        "torch": torch.__version__,
        "device": trainer.device.type,
    }


class PointsStages:
    """Training stages of the points generator.

    Attributes:
        config: of the training; its generator has the sizes of the one that is trained further, if any is.

    Raises:
        DanceNowError: the character to start from is not a points character, or one of another body.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self.config = run.config
        self._start = None if run.start is None else continued_generator(run.start, run.dataset)
        if self._start is not None:
            self.config = replace(run.config, generator=self._start.config)
        self._trainer: Trainer[PointsGenerator] | None = None

    def body(self) -> None:
        """Trains the generator."""
        run_trainer(self._open_trainer(self._run), self._run, "train")

    def export(self) -> Evaluation:
        """Exports the character file with the current EMA weights; called by the first worker alone.

        Raises:
            DanceNowError: there is no checkpoint.
        """
        require_checkpoint(self._run.folder, "body")
        alone = replace(self._run, worker=SINGLE_WORKER)  # the other workers have finished
        trainer = self._open_trainer(alone)
        generator = trainer.ema_generator()
        return export(
            partial(points_file, generator),
            replace(self._run.card, template="points", bounds=generator.bounds()),
            self._run.dataset,
            self._run.output,
            {**provenance(trainer), **self._beginning(generator)},
            self._run.report,
        )

    def _beginning(self, generator: PointsGenerator) -> dict[str, Any]:
        """What the card says of a decoder that began as another character's."""
        borrowed = self._start is None and _have_like_decoders(generator, read_generator(_DECODER_OF)[1])
        return {"decoder_from": _DECODER_OF} if borrowed else {}

    def _open_trainer(self, run: Run) -> Trainer[PointsGenerator]:
        if self._trainer is None:
            generator = self._start or build_generator(run.dataset, run.config)
            self._trainer = body_trainer(replace(run, config=self.config), generator, run.folder)
        return self._trainer
