"""Stick-figure rendering of keypoints, a channel per limb: the input of the stick generators.

Plain arithmetic, so that it exports: a pixel's value falls with its squared distance from the line. Limbs
with missing points are not drawn.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dance_now.pose.model.keypoints import BODY_LIMBS, FACE, HAND_LIMBS, LEFT_HAND, RIGHT_HAND

Channel = tuple[tuple[int, int], ...]  # the lines of one channel, each from one keypoint to another

_FINGER_BONES: Final = 4
_RADIUS: Final = 2.0  # pixels of the picture


def _fingers(hand: slice) -> list[Channel]:
    limbs = [(hand.start + start, hand.start + end) for start, end in HAND_LIMBS]
    return [tuple(limbs[finger : finger + _FINGER_BONES]) for finger in range(0, len(limbs), _FINGER_BONES)]


def _chain(*rows: int, closed: bool = False) -> Channel:
    places = [FACE.start + row for row in rows]
    return tuple(zip(places, places[1:] + places[:1] if closed else places[1:], strict=False))


BODY_CHANNELS: Final[tuple[Channel, ...]] = (
    *((limb,) for limb in BODY_LIMBS),
    *_fingers(LEFT_HAND),
    *_fingers(RIGHT_HAND),
)
HEAD_CHANNELS: Final[tuple[Channel, ...]] = (
    _chain(*range(9)),
    _chain(*range(8, 17)),
    _chain(*range(17, 22)),
    _chain(*range(22, 27)),
    _chain(*range(27, 31)),
    _chain(*range(31, 36)),
    _chain(*range(36, 42), closed=True),
    _chain(*range(42, 48), closed=True),
    _chain(*range(48, 55)),
    _chain(*range(54, 60), 48),
    _chain(*range(60, 65)),
    _chain(*range(64, 68), 60),
    _chain(68, 68),
    _chain(69, 69),
)


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
        length = (along * along).sum(dim=-1, keepdim=True).clamp_min(1e-6).sqrt()
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
        radius = torch.where(shown, (_RADIUS * scale) ** 2 + 0.5, -1e4)[..., None, None]
        values = (radius - beyond * beyond - beside * beside).clamp(0, 1)
        lines = torch.cat([values[:, rows].amax(dim=1, keepdim=True) for rows in self._rows], dim=1)
        if self._reduction > 1:
            lines = F.interpolate(
                lines, scale_factor=float(self._reduction), mode="bilinear", align_corners=False
            )
        return torch.cat([lines, 1 - lines.amax(dim=1, keepdim=True)], dim=1)
