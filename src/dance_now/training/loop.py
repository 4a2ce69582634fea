"""The training loop: one file, one loop, resumable to the step."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dance_now.errors import DanceNowError
from dance_now.training.config import TrainingConfig
from dance_now.training.data import LabelledPictures
from dance_now.training.generator import PointsGenerator
from dance_now.training.losses import (
    MultiScaleDiscriminator,
    adversarial_loss,
    discriminator_loss,
    reconstruction_loss,
)

logger = logging.getLogger(__name__)

_WARM_UP_STEPS = 100


@dataclass(frozen=True)
class Progress:
    """Told to the caller now and then.

    Attributes:
        step: steps done.
        steps: steps in all.
        loss: smoothed reconstruction loss.
        rate: pictures a second since this process began.
    """

    step: int
    steps: int
    loss: float
    rate: float


class Trainer:
    """Trains a points generator and keeps its state on disk.

    Args:
        generator: freshly built; overwritten by the checkpoint where there is one.
        pictures: the training split.
        checkpoint: file the run is kept in; continued where it exists.
        config: the run's configuration.
    """

    def __init__(
        self, generator: PointsGenerator, pictures: LabelledPictures, checkpoint: Path, config: TrainingConfig
    ) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.config = config
        self.pictures = pictures
        self.checkpoint = checkpoint
        self.generator = generator.to(self.device)
        self.discriminator = MultiScaleDiscriminator().to(self.device)
        self.optimiser = torch.optim.Adam(generator.parameter_groups(config.rate), betas=(0.9, 0.99))
        self.discriminator_optimiser = torch.optim.Adam(
            self.discriminator.parameters(), lr=config.rate / 5, betas=(0.5, 0.99)
        )
        self.average = {name: value.detach().clone() for name, value in generator.named_parameters()}
        self.step = 0
        self.loss = 0.0
        if checkpoint.exists():
            self._load()

    def run(self, report: Callable[[Progress], None], report_every: int = 50) -> None:
        """Trains to the last step, saving every few minutes and at the end.

        Raises:
            DanceNowError: a picture of the data set is damaged, or the loss is no longer a number.
        """
        config = self.config
        if self.step >= config.steps:
            return
        begun, first = time.monotonic(), self.step
        saved = begun
        self.generator.train()
        with closing(self.pictures.stream(self.step, config.batch, config.window, config.seed)) as stream:
            for keypoints, true in stream:
                loss = self._train_step(keypoints.to(self.device), true.to(self.device))
                if not math.isfinite(loss):
                    raise DanceNowError(
                        f"The training diverged at step {self.step}; delete {self.checkpoint}."
                    )
                self.step += 1
                self.loss = loss if self.step == 1 else 0.99 * self.loss + 0.01 * loss
                if self.step % report_every == 0 or self.step == config.steps:
                    elapsed = max(time.monotonic() - begun, 1e-6)
                    done = (self.step - first) * config.batch
                    report(Progress(self.step, config.steps, self.loss, done / elapsed))
                if self.step == config.steps or time.monotonic() - saved > 60 * config.checkpoint_minutes:
                    self._save()
                    saved = time.monotonic()
                if self.step == config.steps:
                    break

    def averaged_generator(self) -> PointsGenerator:
        """The generator with the averaged weights, for export and evaluation. Ends training."""
        with torch.no_grad():
            for name, value in self.generator.named_parameters():
                value.copy_(self.average[name])
        return self.generator.eval()

    def _train_step(self, keypoints: Tensor, true: Tensor) -> float:
        config = self.config
        self._set_rates()
        true = true.contiguous(memory_format=torch.channels_last)
        drawn = self.generator(keypoints, (true.shape[2], true.shape[3]))
        reconstruction = reconstruction_loss(drawn, true)
        loss = reconstruction
        if self.step >= config.adversarial_from * config.steps:
            loss = loss + self._adversarial(drawn, true)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.generator.decoder.parameters(), 1.0)
        self.optimiser.step()
        decay = min(config.average, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for name, value in self.generator.named_parameters():
                self.average[name].lerp_(value, 1 - decay)
        return float(reconstruction.detach())

    def _adversarial(self, drawn: Tensor, true: Tensor) -> Tensor:
        """Trains the discriminator one step and returns what it adds to the generator's loss."""
        config = self.config
        with torch.autocast(self.device.type, torch.bfloat16):
            judged = discriminator_loss(self.discriminator(true), self.discriminator(drawn.detach()))
        self.discriminator_optimiser.zero_grad(set_to_none=True)
        judged.backward()
        self.discriminator_optimiser.step()
        self.discriminator.requires_grad_(False)
        with torch.autocast(self.device.type, torch.bfloat16):
            with torch.no_grad():
                real = self.discriminator(true)
            deceive, matching = adversarial_loss(real, self.discriminator(drawn))
        self.discriminator.requires_grad_(True)
        return config.adversarial_weight * deceive + config.matching_weight * matching

    def _set_rates(self) -> None:
        warm_up = min(1.0, (self.step + 1) / _WARM_UP_STEPS)
        cosine = 0.5 * (1 + math.cos(math.pi * self.step / self.config.steps))
        rate = self.config.rate * warm_up * (0.98 * cosine + 0.02)
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["scale"]
        for group in self.discriminator_optimiser.param_groups:
            group["lr"] = rate / 5

    def _save(self) -> None:
        state = {
            "step": self.step,
            "loss": self.loss,
            "config": self.config.to_json(),
            "generator": self.generator.state_dict(),
            "discriminator": self.discriminator.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "discriminator_optimiser": self.discriminator_optimiser.state_dict(),
            "average": self.average,
        }
        beside = self.checkpoint.with_name(f".{self.checkpoint.name}.part")
        torch.save(state, beside)
        os.replace(beside, self.checkpoint)
        logger.info("saved step %d", self.step)

    def _load(self) -> None:
        try:
            state: dict[str, Any] = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
            begun_with = state["config"]
        except Exception as error:  # torch raises whatever the damage provokes
            raise DanceNowError(f"{self.checkpoint} is damaged; delete it to begin anew.") from error
        if begun_with != self.config.to_json():
            raise DanceNowError(
                f"{self.checkpoint} was begun with other options; give the same, or delete it."
            )
        try:
            self.generator.load_state_dict(state["generator"])
            self.discriminator.load_state_dict(state["discriminator"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.discriminator_optimiser.load_state_dict(state["discriminator_optimiser"])
            self.average = state["average"]
            self.step, self.loss = state["step"], state["loss"]
        except (KeyError, RuntimeError, ValueError) as error:
            raise DanceNowError(
                f"{self.checkpoint} was begun with another data set or version; delete it to begin anew."
            ) from error
        logger.info("continuing at step %d", self.step)
