"""Losses on premultiplied RGBA, and the discriminator.

Sources: patch discriminators at several scales with feature matching (Wang et al. 2018, pix2pixHD), hinge
loss (Lim and Ye 2017).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def reconstruction_loss(drawn: Tensor, true: Tensor) -> Tensor:
    """L1 and L1 of the gradients of (B, 4, H, W); the figure and its rim count four times."""
    weight = 1 + 3 * (F.max_pool2d(true[:, 3:], 9, 1, 4) > 0).to(drawn.dtype)
    difference = drawn - true
    across = (difference[..., 1:] - difference[..., :-1]).abs().mean()
    down = (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean()
    return (difference.abs() * weight).mean() + 2 * (across + down)


class PatchDiscriminator(nn.Module):
    """Judges patches of a picture; returns its verdicts and the features on the way."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Conv2d(inputs, width, 4, 2, 1),
                nn.Conv2d(width, 2 * width, 4, 2, 1),
                nn.Conv2d(2 * width, 4 * width, 3, 1, 1),
            ]
        )
        self.verdict = nn.Conv2d(4 * width, 1, 3, 1, 1)

    def forward(self, picture: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(B, inputs, H, W) -> verdicts (B, 1, H/4, W/4) and three feature maps."""
        features = []
        for layer in self.layers:
            picture = F.leaky_relu(layer(picture), 0.2)
            features.append(picture)
        return self.verdict(picture), features


class MultiScaleDiscriminator(nn.Module):
    """The same patch discriminator at full and half size, with its own weights at each."""

    def __init__(self, inputs: int = 4, width: int = 24, scales: int = 2) -> None:
        super().__init__()
        self.scales = nn.ModuleList([PatchDiscriminator(inputs, width) for _ in range(scales)])

    def forward(self, picture: Tensor) -> list[tuple[Tensor, list[Tensor]]]:
        """One (verdict, features) a scale."""
        results = []
        for discriminator in self.scales:
            results.append(discriminator(picture))
            picture = F.avg_pool2d(picture, 2)
        return results


def discriminator_loss(
    real: list[tuple[Tensor, list[Tensor]]], fake: list[tuple[Tensor, list[Tensor]]]
) -> Tensor:
    """Hinge loss of the discriminator."""
    losses = [
        F.relu(1 - r.float()).mean() + F.relu(1 + f.float()).mean()
        for (r, _), (f, _) in zip(real, fake, strict=True)
    ]
    return torch.stack(losses).mean()


def adversarial_loss(
    real: list[tuple[Tensor, list[Tensor]]], fake: list[tuple[Tensor, list[Tensor]]]
) -> tuple[Tensor, Tensor]:
    """The generator's hinge loss, and the distance of the discriminator's features (feature matching)."""
    deceive = torch.stack([-verdict.float().mean() for verdict, _ in fake]).mean()
    distances = [
        (f.float() - r.detach().float()).abs().mean()
        for (_, reals), (_, fakes) in zip(real, fake, strict=True)
        for r, f in zip(reals, fakes, strict=True)
    ]
    return deceive, torch.stack(distances).mean()
