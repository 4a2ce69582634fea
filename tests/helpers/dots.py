"""A generator that draws a dot for each body point: trains in milliseconds."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


class Dots(nn.Module):
    """Keypoints (B, 137, 4) -> (B, 4, H, W)."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(25, 8, 3, 1, 1)
        self.paint = nn.Conv2d(8, 4, 1)
        self.sharpness = nn.Parameter(torch.tensor(0.1))

    def forward(self, inputs: Tensor, size: tuple[int, int]) -> Tensor:
        """Soft dots, mixed and painted."""
        x, y = inputs[:, :25, 0, None], inputs[:, :25, 1, None]
        across = (-((torch.arange(size[1]) - x) * self.sharpness).square()).exp()
        down = (-((torch.arange(size[0]) - y) * self.sharpness).square()).exp()
        return self.paint(torch.relu(self.mix(down[..., None] * across[:, :, None])))

    def parameter_groups(self, rate: float) -> list[dict[str, Any]]:
        """The convolutions, and how sharp the dots are."""
        network = [*self.mix.parameters(), *self.paint.parameters()]
        return [
            {"params": network, "scale": 1.0, "lr": rate},
            {"params": [self.sharpness], "scale": 0.5, "lr": rate / 2},
        ]


def dots(seed: int = 0) -> Dots:
    """The same for the same seed."""
    torch.manual_seed(seed)
    return Dots()
