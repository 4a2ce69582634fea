"""Stick-figure rendering of keypoints in torch; character/templates/stick_channels.py draws the same."""

from __future__ import annotations

from itertools import accumulate, pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dance_now.character.templates.stick_channels import RADIUS, SHORTEST, SOFTNESS, Channel


class Sticks(nn.Module):
    """Renders keypoints as lines; the last channel is the background.

    Args:
        channels: lines of each channel but the last.
        reduction: 2 renders at half resolution and upsamples, which is faster; the lines are soft anyway.
    """

    starts: Tensor
    ends: Tensor

    def __init__(self, channels: tuple[Channel, ...], reduction: int = 1) -> None:
        super().__init__()
        self.channels = len(channels) + 1
        self._reduction = reduction
        firsts = list(accumulate((len(channel) for channel in channels), initial=0))
        self._rows = [slice(first, end) for first, end in pairwise(firsts)]
        lines = [line for channel in channels for line in channel]
        self.register_buffer("starts", torch.tensor([start for start, _ in lines]), persistent=False)
        self.register_buffer("ends", torch.tensor([end for _, end in lines]), persistent=False)

    def forward(self, keypoints: Tensor, size: tuple[int, int]) -> Tensor:
        """(B, 137, 4) in pixels of a picture of ``size`` -> (B, channels, *size) in [0, 1]."""
        height, width = size[0] // self._reduction, size[1] // self._reduction
        scale = 1 / self._reduction
        start, end = keypoints.index_select(1, self.starts), keypoints.index_select(1, self.ends)
        along = (end - start)[..., :2] * scale
        origin = start[..., :2] * scale
        length = (along * along).sum(dim=-1, keepdim=True).clamp_min(SHORTEST).sqrt()
        unit = along / length
        shown = torch.minimum(start[..., 3], end[..., 3]) > 0
        x = (torch.arange(width, device=keypoints.device) + 0.5 - origin[..., :1]).unsqueeze(
            2
        )  # (B, n, 1, W)
        y = (torch.arange(height, device=keypoints.device) + 0.5 - origin[..., 1:]).unsqueeze(
            3
        )  # (B, n, H, 1)
        ux, uy = unit[..., 0, None, None], unit[..., 1, None, None]
        place = x * ux + y * uy
        beyond = place - torch.minimum(place.clamp_min(0), length.unsqueeze(3))
        beside = y * ux - x * uy
        # Lines of missing points have a negative squared radius.
        radius = torch.where(shown, (RADIUS * scale) ** 2 + SOFTNESS, -1e4)[..., None, None]
        values = (radius - beyond * beyond - beside * beside).clamp(0, 1)
        lines = torch.cat([values[:, rows].amax(dim=1, keepdim=True) for rows in self._rows], dim=1)
        if self._reduction > 1:
            lines = F.interpolate(
                lines, scale_factor=float(self._reduction), mode="bilinear", align_corners=False
            )
        return torch.cat([lines, 1 - lines.amax(dim=1, keepdim=True)], dim=1)
