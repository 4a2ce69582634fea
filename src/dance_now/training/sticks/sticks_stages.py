"""The original's stages: real heads, body, drawn heads, head, export; each leaves files for the next."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import torch

from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.training.character_export import export
from dance_now.training.checkpoint import load, load_ema
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.distributed import ALONE, Share, training_device
from dance_now.training.metrics.evaluation import check_size
from dance_now.training.metrics.scores import Evaluation
from dance_now.training.points_stages import body_trainer, check_begun, provenance, train_to_the_end
from dance_now.training.sticks.head_crops import HeadBatches, usual_side, write_heads
from dance_now.training.sticks.sticks_config import SticksConfig
from dance_now.training.sticks.sticks_generator import (
    BodyGenerator,
    ExportedSticks,
    HeadGenerator,
    SticksGenerator,
)
from dance_now.training.train_config import TrainingConfig
from dance_now.training.training_loop import AVERAGE, Trainer
from dance_now.training.training_run import Run

_BODY, _HEAD = "body", "head"  # folders of the run
_REAL, _DRAWN = "real_heads", "drawn_heads"
_ORIGINAL_SIDE: Final = 64


class SticksStages:
    """What ``--stage`` means for the stick generator."""

    def __init__(self, run: Run, sticks: SticksConfig) -> None:
        """Prepares a run; its head square is as large as asked, else as the data set's heads.

        Raises:
            DanceNowError: the pictures cannot be used.
        """
        self._run, self._sticks = run, sticks
        self._pictures = LabelledPictures(run.dataset, "train")
        check_size(self._pictures)
        usual = _ORIGINAL_SIDE if run.small_heads else usual_side(self._pictures.keypoints)
        self._side = sticks.head_size or usual

    def heads(self) -> None:
        """Cuts the heads out of the training pictures."""
        run, folder = self._run, self._run.folder / _REAL
        run.share.first(
            lambda: write_heads(
                folder,
                self._generator(),
                self._pictures,
                self._pictures.picture,
                lambda done, total: run.report("heads", done, total, ""),
            )
        )

    def body(self) -> None:
        """Trains sticks to body."""
        folder = self._run.folder / _BODY
        folder.mkdir(exist_ok=True)
        train_to_the_end(body_trainer(self._run, self._fresh_body(), folder), self._run, "body")

    def fake_heads(self) -> None:
        """Cuts the heads out of what the body network draws.

        Raises:
            DanceNowError: the body is not trained to its end.
        """
        self._run.share.first(self._write_drawn_heads)  # who alone knows that the body's weights are saved

    def _write_drawn_heads(self) -> None:
        device = training_device()
        generator = self._with_body().to(device).eval()

        def draw(index: int) -> Image:
            keypoints = torch.from_numpy(self._pictures.keypoints[index : index + 1]).to(device)
            with torch.no_grad():
                drawn = generator(keypoints)[0].cpu().numpy().transpose(1, 2, 0)
            alpha = drawn[..., 3:]
            straight = np.concatenate([drawn[..., :3] / np.maximum(alpha, 1e-3), alpha], axis=2)
            return np.round(np.clip(straight, 0, 1) * 255).astype(np.uint8)

        write_heads(
            self._run.folder / _DRAWN,
            generator,
            self._pictures,
            draw,
            lambda done, total: self._run.report("fake-heads", done, total, ""),
        )

    def head(self) -> None:
        """Trains the residual from drawn heads to real ones."""
        train_to_the_end(self._head_trainer(self._run.share), self._run, "head")

    def export(self) -> Evaluation:
        """Writes the character file; called by the first worker alone.

        Raises:
            DanceNowError: the body is not trained to its end, or the head not at all.
        """
        run, generator = self._run, self._with_body()
        check_begun(run.folder / _HEAD, "head")
        trainer = self._head_trainer(ALONE)  # the others have left and answer no more
        generator.head = trainer.ema_generator().cpu()
        said = {**provenance(trainer), "generator": "sticks", "sticks": vars(self._sticks)}
        return export(ExportedSticks(generator.eval()), run.card, run.dataset, run.output, said, run.report)

    def _fresh_body(self) -> BodyGenerator:
        torch.manual_seed(self._run.config.seed)
        return BodyGenerator(self._sticks)

    def _generator(self) -> SticksGenerator:
        return SticksGenerator(self._fresh_body(), None, self._side)

    def _with_body(self) -> SticksGenerator:
        """The generator with the trained body and no head.

        What is drawn with a body stays, so an unfinished one is refused.
        """
        path, steps = self._run.folder / _BODY / AVERAGE, self._run.config.steps
        if not path.exists():
            raise DanceNowError(f"{path} is missing: run --stage body first.")
        done = load(path, torch.device("cpu")).get("step", 0)
        if done < steps:
            raise DanceNowError(f"{path} is from step {done} of {steps}: let --stage body finish first.")
        generator = self._generator()
        load_ema(path, generator.body)
        return generator.eval()

    def _head_trainer(self, share: Share) -> Trainer[HeadGenerator]:
        run, config = self._run, self._head_config()
        torch.manual_seed(config.seed + 1)
        folder = run.folder / _HEAD
        folder.mkdir(exist_ok=True)
        batches = HeadBatches(
            run.folder / _REAL, run.folder / _DRAWN, self._generator(), self._pictures, config, share
        )
        return Trainer(HeadGenerator(self._sticks), batches, folder, config, share=share)

    def _head_config(self) -> TrainingConfig:
        """Pairs of poses and a face's place mean nothing for cut-out heads; structure wants larger ones."""
        config = self._run.config
        losses = replace(config.losses, face=0.0, face_detail=0.0, structure=0.0, temporal=0.0)
        return replace(config, losses=losses)
