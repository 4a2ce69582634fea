"""Training stages of the stick generator: real heads, body, generated heads, head, export."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Final

import numpy as np
import torch

from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.training.character_export import export
from dance_now.training.checkpoint import load, load_ema
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.distributed import SINGLE_WORKER, Worker, training_device
from dance_now.training.metrics.evaluation import check_size
from dance_now.training.metrics.scores import Evaluation
from dance_now.training.points_stages import body_trainer, provenance, require_checkpoint, run_trainer
from dance_now.training.sticks.head_crops import HeadBatches, typical_head_size, write_head_crops
from dance_now.training.sticks.sticks_config import SticksConfig
from dance_now.training.sticks.sticks_export import sticks_file
from dance_now.training.sticks.sticks_generator import BodyGenerator, HeadGenerator, SticksGenerator
from dance_now.training.train_config import TrainingConfig
from dance_now.training.training_loop import EMA_FILE, Trainer
from dance_now.training.training_run import Run

_BODY, _HEAD = "body", "head"  # folders of the run
_REAL, _DRAWN = "real_heads", "drawn_heads"
_ORIGINAL_SIDE: Final = 64


class SticksStages:
    """Training stages of the stick generator; each leaves files for the next."""

    def __init__(self, run: Run, sticks: SticksConfig) -> None:
        """Sets up the stages; the head crop has the configured size, else that of the data set's heads.

        Raises:
            DanceNowError: the images are unusable.
        """
        self._run, self._sticks = run, sticks
        self._pictures = LabelledPictures(run.dataset, "train")
        check_size(self._pictures)
        usual = _ORIGINAL_SIDE if run.small_heads else typical_head_size(self._pictures.keypoints)
        self._side = sticks.head_size or usual

    def heads(self) -> None:
        """Writes the head crops of the training images."""
        run, folder = self._run, self._run.folder / _REAL
        run.worker.run_first(
            lambda: write_head_crops(
                folder,
                self._generator(),
                self._pictures,
                self._pictures.picture,
                lambda done, total: run.report("heads", done, total, ""),
            )
        )

    def body(self) -> None:
        """Trains the body network."""
        folder = self._run.folder / _BODY
        folder.mkdir(exist_ok=True)
        run_trainer(body_trainer(self._run, self._fresh_body(), folder), self._run, "body")

    def fake_heads(self) -> None:
        """Writes the head crops of the body network's images.

        Raises:
            DanceNowError: the training of the body is not finished.
        """
        # The first worker alone knows that the body's weights are saved.
        self._run.worker.run_first(self._write_drawn_heads)

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

        write_head_crops(
            self._run.folder / _DRAWN,
            generator,
            self._pictures,
            draw,
            lambda done, total: self._run.report("fake-heads", done, total, ""),
        )

    def head(self) -> None:
        """Trains the head network, from generated heads to real ones."""
        run_trainer(self._head_trainer(self._run.worker), self._run, "head")

    def export(self) -> Evaluation:
        """Exports the character file; called by the first worker alone.

        Raises:
            DanceNowError: the training of the body is not finished, or that of the head not begun.
        """
        run, generator = self._run, self._with_body()
        require_checkpoint(run.folder / _HEAD, "head")
        trainer = self._head_trainer(SINGLE_WORKER)  # the other workers have finished
        generator.head = trainer.ema_generator().cpu()
        provenance_fields = {**provenance(trainer), "generator": "sticks", "sticks": vars(self._sticks)}
        return export(
            partial(sticks_file, generator.eval()),
            replace(run.card, template="sticks"),
            run.dataset,
            run.output,
            provenance_fields,
            run.report,
        )

    def _fresh_body(self) -> BodyGenerator:
        torch.manual_seed(self._run.config.seed)
        return BodyGenerator(self._sticks)

    def _generator(self) -> SticksGenerator:
        return SticksGenerator(self._fresh_body(), None, self._side)

    def _with_body(self) -> SticksGenerator:
        """Generator with the trained body and no head.

        Generated heads are kept, so an unfinished body is rejected.
        """
        path, steps = self._run.folder / _BODY / EMA_FILE, self._run.config.steps
        if not path.exists():
            raise DanceNowError(f"{path} is missing. Set stage to body and run it first.")
        done = load(path, torch.device("cpu")).get("step", 0)
        if done < steps:
            raise DanceNowError(
                f"{path} is from step {done} of {steps}. Set stage to body and finish it first."
            )
        generator = self._generator()
        load_ema(path, generator.body)
        return generator.eval()

    def _head_trainer(self, worker: Worker) -> Trainer[HeadGenerator]:
        run, config = self._run, self._head_config()
        torch.manual_seed(config.seed + 1)
        folder = run.folder / _HEAD
        folder.mkdir(exist_ok=True)
        batches = HeadBatches(
            run.folder / _REAL, run.folder / _DRAWN, self._generator(), self._pictures, config, worker
        )
        return Trainer(HeadGenerator(self._sticks), batches, folder, config, worker=worker)

    def _head_config(self) -> TrainingConfig:
        """Configuration of the head stage: face and temporal losses need keypoints, SSIM larger images."""
        config = self._run.config
        losses = replace(config.losses, face=0.0, face_detail=0.0, structure=0.0, temporal=0.0)
        return replace(config, losses=losses)
