"""Training objective: the weighted sum of all losses of the configuration."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from dance_now.training.distributed import Worker, half_precision
from dance_now.training.losses.discriminators import DiscriminatorTrainer
from dance_now.training.losses.image_losses import (
    face_detail_loss,
    reconstruction_loss,
    structure_loss,
    temporal_loss,
)
from dance_now.training.losses.perceptual import PerceptualNetwork, colors_over_grey, perceptual_distance
from dance_now.training.train_config import TrainingConfig

_SHIFTS = [(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1) if x or y]  # pixels
_JITTER = 0.3  # pixels, as in smoothed estimates of a person who stands still

RECONSTRUCTION = "reconstruction"


class ImageGenerator(Protocol):
    """Renders inputs at a size (height, width): premultiplied RGBA (B, 4, height, width)."""

    def __call__(self, inputs: Tensor, size: tuple[int, int]) -> Tensor: ...


class Objective:
    """Generator loss of a batch, with a discriminator step."""

    def __init__(self, config: TrainingConfig, device: torch.device, worker: Worker) -> None:
        """Builds the discriminators and the perceptual network.

        Raises:
            DanceNowError: a perceptual loss is configured and its network is not installed.
        """
        self.config = config
        self.discriminator_trainer = DiscriminatorTrainer(config.losses, config.rate, device, worker)
        self.perceptual = PerceptualNetwork.load().to(device) if config.losses.perceptual else None

    def __call__(
        self, generator: ImageGenerator, inputs: Tensor, true: Tensor, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Total loss of rendering ``inputs`` against ``true`` (B, 4 or 5, H, W), and all losses by name.

        A fifth channel is 1 where ``true`` is to be ignored. Face and temporal losses need keypoints
        (B, 137, 4) as ``inputs``.
        """
        weights, size = self.config.losses, (true.shape[2], true.shape[3])
        drawn = generator(inputs, size)
        if true.shape[1] > 4:
            known = 1 - true[:, 4:]
            true = true[:, :4]
            drawn = drawn * known + true * (1 - known)
        terms = {RECONSTRUCTION: (1.0, reconstruction_loss(drawn, true))}
        learned: dict[str, Tensor] = {}
        if (
            self.discriminator_trainer.discriminators
            and step >= self.config.adversarial_from * self.config.steps
        ):
            learned = self.discriminator_trainer.train_step(drawn, true, inputs)
            terms |= self.discriminator_trainer.generator_losses(drawn, true, inputs)
        if weights.face_detail:
            terms["face_detail"] = (weights.face_detail, face_detail_loss(drawn, true, inputs))
        if weights.structure:
            terms["structure"] = (weights.structure, structure_loss(drawn, true))
        if self.perceptual is not None:
            with half_precision(true.device):
                pair = colors_over_grey(drawn), colors_over_grey(true)
                distance = perceptual_distance(self.perceptual, *pair).mean()
            terms["perceptual"] = (weights.perceptual, distance)
        if weights.temporal:
            moved, shift = _moved(inputs, self.config.seed, step)
            terms["temporal"] = (weights.temporal, temporal_loss(drawn, generator(moved, size), shift))
        total = torch.stack([weight * loss for weight, loss in terms.values()]).sum()
        return total, {name: loss for name, (_, loss) in terms.items()} | learned


def _moved(keypoints: Tensor, seed: int, step: int) -> tuple[Tensor, tuple[int, int]]:
    """Shifts keypoints (B, 137, 4) by a pixel and jitters them; returns the shift (x, y), by the step."""
    rng = np.random.default_rng((seed, step))
    shift = _SHIFTS[rng.integers(len(_SHIFTS))]
    move = np.array(shift) + _JITTER * rng.normal(size=(keypoints.shape[1], 2))
    moved = keypoints.clone()
    moved[..., :2] += torch.from_numpy(move.astype(np.float32)).to(keypoints.device)
    return moved, shift
