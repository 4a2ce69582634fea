"""Adversarial training: the discriminators of a run, their optimiser and losses."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from dance_now.training.distributed import Worker, half_precision, to_device
from dance_now.training.losses.image_losses import (
    FACE_SIDE,
    DiscriminatorOutputs,
    MultiScaleDiscriminator,
    adversarial_loss,
    discriminator_loss,
    face_crops,
)
from dance_now.training.train_config import LossWeights

_SLOWER = 5.0  # ratio of the generator's to their learning rate: they overfit the few details easily


class DiscriminatorTrainer:
    """Trainer of the patch discriminators: the whole image at two scales and, if weighted, the face crop."""

    def __init__(self, weights: LossWeights, rate: float, device: torch.device, worker: Worker) -> None:
        """Builds the discriminators.

        Args:
            weights: of the losses; discriminators of weight 0 are not built.
            rate: learning rate of the generator.
            device: where they train.
            worker: which of several workers this is.
        """
        self.weights, self.device, self.worker = weights, device, worker
        self.factors = {"picture": weights.picture, "face": weights.face}
        scales = {"picture": 2, "face": 1}
        discriminators = {
            name: MultiScaleDiscriminator(scales=scales[name]) for name in scales if self.factors[name]
        }
        self.discriminators = to_device(nn.ModuleDict(discriminators), device)
        worker.broadcast(self.discriminators.parameters())
        groups = [
            {"params": list(self.discriminators.parameters())}
        ]  # a group may be empty, a bare list may not
        self.optimiser = torch.optim.Adam(groups, lr=rate / _SLOWER, betas=(0.5, 0.99))

    def set_rate(self, rate: float) -> None:
        """Sets the learning rate from the generator's."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate / _SLOWER

    def train_step(self, drawn: Tensor, true: Tensor, inputs: Tensor) -> dict[str, Tensor]:
        """Trains the discriminators for one step; returns their losses by name.

        Args:
            drawn: (B, 4, H, W) premultiplied RGBA.
            true: of the same shape.
            inputs: of the generator: keypoints (B, 137, 4) if there is a face discriminator.
        """
        losses = {}
        for name, (pictures, weight) in self._regions(true, drawn.detach(), inputs).items():
            real, fake = self._outputs(name, pictures)
            losses[f"{name}_discriminator"] = (discriminator_loss(real, fake) * weight).mean()
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        self.worker.average_gradients(self.discriminators.parameters())
        self.optimiser.step()
        return losses

    def generator_losses(
        self, drawn: Tensor, true: Tensor, inputs: Tensor
    ) -> dict[str, tuple[float, Tensor]]:
        """Adversarial and feature-matching losses of the generator: weight and loss by name."""
        terms = {}
        self.discriminators.requires_grad_(False)
        for name, (pictures, weight) in self._regions(true, drawn, inputs).items():
            deceive, matching = adversarial_loss(*self._outputs(name, pictures))
            factor = self.factors[name]
            terms[f"{name}_adversarial"] = (factor * self.weights.adversarial, (deceive * weight).mean())
            terms[f"{name}_matching"] = (factor * self.weights.matching, (matching * weight).mean())
        self.discriminators.requires_grad_(True)
        return terms

    def state(self) -> dict[str, Any]:
        """State for a checkpoint."""
        return {"judges": self.discriminators.state_dict(), "optimiser": self.optimiser.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """Restores the state of a checkpoint."""
        self.discriminators.load_state_dict(state["judges"])
        self.optimiser.load_state_dict(state["optimiser"])

    def _regions(
        self, true: Tensor, drawn: Tensor, inputs: Tensor
    ) -> dict[str, tuple[tuple[Tensor, Tensor], Tensor]]:
        """Inputs by discriminator: true and drawn images, and each sample's weight."""
        regions = {}
        if "picture" in self.discriminators:
            regions["picture"] = ((true, drawn), true.new_ones(len(true)))
        if "face" in self.discriminators:
            crops, shown = face_crops(torch.cat([true, drawn], dim=1), inputs, FACE_SIDE)
            regions["face"] = ((crops[:, :4], crops[:, 4:]), shown)
        return regions

    def _outputs(
        self, name: str, pictures: tuple[Tensor, Tensor]
    ) -> tuple[DiscriminatorOutputs, DiscriminatorOutputs]:
        with half_precision(self.device):
            return self.discriminators[name](pictures[0]), self.discriminators[name](pictures[1])
