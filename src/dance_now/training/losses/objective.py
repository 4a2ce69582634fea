"""What a generator is trained to minimise, by the weights of the configuration."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from dance_now.training.distributed import Share, half_precision
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
_JITTER = 0.3  # pixels, as of a steady estimate of a person who stands still

RECONSTRUCTION = "reconstruction"


class Draws(Protocol):
    """Draws inputs at a size (height, width): premultiplied RGBA (B, 4, height, width)."""

    def __call__(self, inputs: Tensor, size: tuple[int, int]) -> Tensor: ...


class Objective:
    """The generator's loss of a batch; trains the discriminators on the way."""

    def __init__(self, config: TrainingConfig, device: torch.device, share: Share) -> None:
        """Builds the networks that judge.

        Raises:
            DanceNowError: a perceptual loss is wanted and its network is not installed.
        """
        self.config = config
        self.adversary = DiscriminatorTrainer(config.losses, config.rate, device, share)
        self.perceptual = PerceptualNetwork.load().to(device) if config.losses.perceptual else None

    def __call__(
        self, generator: Draws, inputs: Tensor, true: Tensor, step: int
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of drawing ``inputs`` when ``true`` (B, 4, H, W) is wanted, and all losses by name.

        The faces' and the temporal losses need keypoints (B, 137, 4) as ``inputs``.
        """
        weights, size = self.config.losses, (true.shape[2], true.shape[3])
        drawn = generator(inputs, size)
        terms = {RECONSTRUCTION: (1.0, reconstruction_loss(drawn, true))}
        learned: dict[str, Tensor] = {}
        if self.adversary.judges and step >= self.config.adversarial_from * self.config.steps:
            learned = self.adversary.learn(drawn, true, inputs)
            terms |= self.adversary.judge(drawn, true, inputs)
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
    """Keypoints (B, 137, 4) a pixel on and a little off, and the shift (x, y); decided by the step."""
    chance = np.random.default_rng((seed, step))
    shift = _SHIFTS[chance.integers(len(_SHIFTS))]
    move = np.array(shift) + _JITTER * chance.normal(size=(keypoints.shape[1], 2))
    moved = keypoints.clone()
    moved[..., :2] += torch.from_numpy(move.astype(np.float32)).to(keypoints.device)
    return moved, shift
