"""Stick-figure generator: a pix2pixHD body network, and a residual head network.

Sources: pix2pixHD (Wang et al. 2018) for the body; Chan et al., "Everybody Dance Now", ICCV 2019, for the
residual on the head crop.
"""

from __future__ import annotations

import math
from typing import Any, Final

import torch
from torch import Tensor, nn

from dance_now.character.character_file import CANVAS
from dance_now.character.templates.stick_channels import BODY_CHANNELS, HEAD_CHANNELS
from dance_now.character.templates.sticks_arrays import HEAD_INPUTS, HEAD_LEVELS, PICTURE
from dance_now.character.templates.sticks_template import ABOVE, EARS, FADE, NECK
from dance_now.training.sticks.pix2pixhd import GlobalGenerator
from dance_now.training.sticks.stick_drawing import Sticks
from dance_now.training.sticks.sticks_config import SticksConfig

_RATE: Final = 0.2  # of the points decoder's learning rate: instance normalisation needs a lower one


class BodyGenerator(nn.Module):
    """Body network: keypoints (B, 137, 4) -> premultiplied RGBA (B, 4, H, W)."""

    def __init__(self, config: SticksConfig) -> None:
        super().__init__()
        self.sticks = Sticks(BODY_CHANNELS, reduction=2)
        self.network = GlobalGenerator(
            self.sticks.channels, PICTURE, config.width, config.levels, config.blocks
        )

    def forward(self, keypoints: Tensor, size: tuple[int, int] = (CANVAS, CANVAS)) -> Tensor:
        """Renders keypoints; ``size`` is divisible by 2 to the power of the levels."""
        with torch.no_grad():
            sticks = self.sticks(keypoints, size)
        with torch.autocast(keypoints.device.type, torch.bfloat16, enabled=self.training):
            drawn = self.network(sticks).float()
        straight = torch.sigmoid(drawn)
        return torch.cat([straight[:, :3] * straight[:, 3:], straight[:, 3:]], dim=1)

    def parameter_groups(self, rate: float) -> list[dict[str, Any]]:
        """Adam's one group."""
        return [{"params": list(self.parameters()), "scale": _RATE, "lr": rate * _RATE}]


class HeadCrop(nn.Module):
    """Crop of whole pixels around a head, and its paste.

    By matrix products that select rows and columns, so that the graph is the same for every position.
    """

    edge: Tensor

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        near = torch.minimum(torch.arange(side) + 0.5, side - torch.arange(side) - 0.5)
        ramp = (near / (FADE * side)).clamp(0, 1)
        self.register_buffer("edge", 0.5 - 0.5 * torch.cos(math.pi * ramp), persistent=False)

    def corner(self, keypoints: Tensor) -> Tensor:
        """Corner (B, 2) of the crop, whole pixels: left and top, from keypoints (B, 137, 4)."""
        ears = (keypoints[:, EARS[0], :2] + keypoints[:, EARS[1], :2]) / 2
        middle = ears + ABOVE * (ears - keypoints[:, NECK, :2])
        return torch.floor(middle - self.side / 2 + 0.5)

    def crop(self, picture: Tensor, corner: Tensor) -> Tensor:
        """Crops (B, C, H, W) to (B, C, side, side), 0 outside the image."""
        rows, columns = self._selection_matrices(picture, corner)
        return rows @ picture @ columns.transpose(2, 3)

    def paste(self, square: Tensor, picture: Tensor, corner: Tensor) -> Tensor:
        """Adds a crop (B, C, side, side) to the image (B, C, H, W), faded along its edge."""
        rows, columns = self._selection_matrices(picture, corner)
        faded = square * self.edge[:, None] * self.edge
        return picture + rows.transpose(2, 3) @ faded @ columns

    def _selection_matrices(self, picture: Tensor, corner: Tensor) -> tuple[Tensor, Tensor]:
        """Selection matrices (B, 1, side, H) and (B, 1, side, W), 1 where a crop pixel is an image pixel."""
        steps = torch.arange(self.side, device=picture.device, dtype=picture.dtype)
        found = []
        for axis, count in ((1, picture.shape[2]), (0, picture.shape[3])):
            pixels = torch.arange(count, device=picture.device, dtype=picture.dtype)
            place = corner[:, axis, None] + steps
            found.append((1 - (pixels - place.unsqueeze(2)).abs()).clamp_min(0).unsqueeze(1))
        return found[0], found[1]


class HeadGenerator(nn.Module):
    """Head network: generated head (B, 4, S, S) and sticks (B, 15, S, S) -> corrected head (B, 4, S, S)."""

    def __init__(self, config: SticksConfig) -> None:
        super().__init__()
        self.network = GlobalGenerator(
            HEAD_INPUTS, PICTURE, config.head_width, HEAD_LEVELS, config.head_blocks
        )
        nn.init.zeros_(self.network.last.weight)
        if self.network.last.bias is not None:
            nn.init.zeros_(self.network.last.bias)

    def residual(self, inputs: Tensor) -> Tensor:
        """Residual (B, 4, S, S) of the head, from inputs (B, 19, S, S)."""
        with torch.autocast(inputs.device.type, torch.bfloat16, enabled=self.training):
            residual: Tensor = self.network(inputs)
        return residual.float()

    def forward(self, inputs: Tensor, size: tuple[int, int]) -> Tensor:
        """(B, 19, S, S) -> premultiplied RGBA (B, 4, S, S); ``size`` is that of the inputs."""
        return inputs[:, :PICTURE] + self.residual(inputs)

    def parameter_groups(self, rate: float) -> list[dict[str, Any]]:
        """Adam's one group."""
        return [{"params": list(self.parameters()), "scale": _RATE, "lr": rate * _RATE}]


class SticksGenerator(nn.Module):
    """Body and head networks: keypoints (B, 137, 4) -> premultiplied RGBA (B, 4, H, W)."""

    def __init__(self, body: BodyGenerator, head: HeadGenerator | None, side: int) -> None:
        super().__init__()
        self.body, self.head = body, head
        self.square = HeadCrop(side)
        self.head_sticks = Sticks(HEAD_CHANNELS)

    def forward(self, keypoints: Tensor, size: tuple[int, int] = (CANVAS, CANVAS)) -> Tensor:
        """Renders keypoints to premultiplied RGBA (B, 4, *size)."""
        picture: Tensor = self.body(keypoints, size)
        if self.head is None:
            return picture
        corner = self.square.corner(keypoints)
        inputs = self.head_inputs(self.square.crop(picture, corner), keypoints, corner)
        return self.square.paste(self.head.residual(inputs), picture, corner)

    def head_inputs(self, heads: Tensor, keypoints: Tensor, corner: Tensor) -> Tensor:
        """Inputs (B, 19, S, S) of the head network: generated heads (B, 4, S, S) and their sticks."""
        shift = torch.cat([corner, torch.zeros_like(corner)], dim=1)
        sticks = self.head_sticks(keypoints - shift.unsqueeze(1), (self.square.side, self.square.side))
        return torch.cat([heads, sticks], dim=1)
