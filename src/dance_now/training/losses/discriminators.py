"""The discriminators of a run, and how they learn."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from dance_now.training.distributed import Share, half_precision, placed
from dance_now.training.losses.image_losses import (
    FACE_SIDE,
    MultiScaleDiscriminator,
    Verdicts,
    adversarial_loss,
    discriminator_loss,
    face_crops,
)
from dance_now.training.train_config import LossWeights

_SLOWER = 5.0  # than the generator: it sees few details it could not learn by heart


class DiscriminatorTrainer:
    """Tells true pictures from drawn ones: the whole at two scales and, if wanted, the face alone."""

    def __init__(self, weights: LossWeights, rate: float, device: torch.device, share: Share) -> None:
        """Builds the discriminators.

        Args:
            weights: of the losses; what weighs nothing is not judged.
            rate: the generator's learning rate.
            device: where they train.
            share: which of several workers this is.
        """
        self.weights, self.device, self.share = weights, device, share
        self.factors = {"picture": weights.picture, "face": weights.face}
        scales = {"picture": 2, "face": 1}
        judges = {name: MultiScaleDiscriminator(scales=scales[name]) for name in scales if self.factors[name]}
        self.judges = placed(nn.ModuleDict(judges), device)
        share.agree(self.judges.parameters())
        groups = [{"params": list(self.judges.parameters())}]  # a group may be empty, a bare list may not
        self.optimiser = torch.optim.Adam(groups, lr=rate / _SLOWER, betas=(0.5, 0.99))

    def set_rate(self, rate: float) -> None:
        """Follows the generator's learning rate."""
        for group in self.optimiser.param_groups:
            group["lr"] = rate / _SLOWER

    def learn(self, drawn: Tensor, true: Tensor, inputs: Tensor) -> dict[str, Tensor]:
        """Trains the discriminators one step; returns their losses by name.

        Args:
            drawn: (B, 4, H, W) premultiplied RGBA.
            true: of the same shape.
            inputs: the generator's: keypoints (B, 137, 4) if faces are judged.
        """
        losses = {}
        for name, (pictures, weight) in self._regions(true, drawn.detach(), inputs).items():
            real, fake = self._verdicts(name, pictures)
            losses[f"{name}_discriminator"] = (discriminator_loss(real, fake) * weight).mean()
        self.optimiser.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        self.share.average_gradients(self.judges.parameters())
        self.optimiser.step()
        return losses

    def judge(self, drawn: Tensor, true: Tensor, inputs: Tensor) -> dict[str, tuple[float, Tensor]]:
        """What the discriminators add to the generator's loss: weight and loss by name."""
        terms = {}
        self.judges.requires_grad_(False)
        for name, (pictures, weight) in self._regions(true, drawn, inputs).items():
            deceive, matching = adversarial_loss(*self._verdicts(name, pictures))
            factor = self.factors[name]
            terms[f"{name}_adversarial"] = (factor * self.weights.adversarial, (deceive * weight).mean())
            terms[f"{name}_matching"] = (factor * self.weights.matching, (matching * weight).mean())
        self.judges.requires_grad_(True)
        return terms

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"judges": self.judges.state_dict(), "optimiser": self.optimiser.state_dict()}

    def restore(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        self.judges.load_state_dict(state["judges"])
        self.optimiser.load_state_dict(state["optimiser"])

    def _regions(
        self, true: Tensor, drawn: Tensor, inputs: Tensor
    ) -> dict[str, tuple[tuple[Tensor, Tensor], Tensor]]:
        """By discriminator: the true and drawn pictures it judges, and how much each of them counts."""
        regions = {}
        if "picture" in self.judges:
            regions["picture"] = ((true, drawn), true.new_ones(len(true)))
        if "face" in self.judges:
            crops, shown = face_crops(torch.cat([true, drawn], dim=1), inputs, FACE_SIDE)
            regions["face"] = ((crops[:, :4], crops[:, 4:]), shown)
        return regions

    def _verdicts(self, name: str, pictures: tuple[Tensor, Tensor]) -> tuple[Verdicts, Verdicts]:
        with half_precision(self.device):
            return self.judges[name](pictures[0]), self.judges[name](pictures[1])
