"""Patches of a posed figure, and the lookup table of their projection for the patch layer."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

DEPTHS, STEPS = 8192.0, 64.0
"""Depth range in map pixels, to both sides, and quantisation steps per pixel."""

_EDGE_ON = 0.15  # cosine of the viewing angle below which a patch is clamped as too oblique
_ASIDE = 0.4  # depth bias, in patch reaches, of a patch's edge against its centre
_FINE = 0.6  # pixels; texels finer than that are read from the next mipmap level


class Patches(NamedTuple):
    """Patches of a posed figure, in map pixels; depth as well, away from the viewer.

    Attributes:
        position: (B, 3, N) of the points.
        first: (B, 3, N) from a point to its patch's edge along the columns.
        second: (B, 3, N) the same along the rows.
        normal: (B, 3, N) of length 1, out of the surface.
        shown: (B, N) whether a point faces the viewer.
    """

    position: Tensor
    first: Tensor
    second: Tensor
    normal: Tensor
    shown: Tensor

    def inverse(self) -> Tensor:
        """Inverse projection (B, 4, N), row-major: from x and y relative to a point to patch coordinates."""
        a, c = self.first[:, 0], self.first[:, 1]
        b, d = self.second[:, 0], self.second[:, 1]
        determinant = a * d - b * c
        least = _EDGE_ON * self.reach().square() + 1e-6
        safe = torch.where(determinant < 0, -1.0, 1.0) * torch.maximum(determinant.abs(), least)
        return torch.stack([d, -b, -c, a], dim=1) / safe.unsqueeze(1)

    def reach(self) -> Tensor:
        """Half edge (B, N) of a patch."""
        return self.first.square().sum(dim=1).sqrt()


class PatchColumns(NamedTuple):
    """Columns of the patch table.

    In the table of all points each is (B, k, N), of m selected ones (k, 1, 1, m). Coordinates are the patch's
    own, in texels from its centre.

    Attributes:
        place: k = 2, x and y in pixels of the map less one half.
        across: 2, change of coordinates per pixel to the right.
        down: 2, per pixel downwards.
        shift: 2, per height of one reach.
        texel: 1, the patch's first in ``PatchLayer.height``.
        edge: 1, of the mipmap level, in texels.
        first: 1, that level's first texel in ``PatchLayer``'s quads.
        depth: 1, here and below in quantisation steps.
        slope: 2, change of depth per coordinate.
        upward: 1, per height of one reach.
        aside: 1, per squared coordinate: the depth bias of a patch's edge.
        image: 1, offset of its map in the batch, pixels.
    """

    place: Tensor
    across: Tensor
    down: Tensor
    shift: Tensor
    texel: Tensor
    edge: Tensor
    first: Tensor
    depth: Tensor
    slope: Tensor
    upward: Tensor
    aside: Tensor
    image: Tensor

    @classmethod
    def of(cls, table: Tensor, rows: Tensor) -> PatchColumns:
        """Selects rows of ``patch_table``."""
        columns = table.index_select(0, rows).t().reshape(17, 1, 1, -1)
        ends = np.cumsum((2, 2, 2, 2, 1, 1, 1, 1, 2, 1, 1, 1)).tolist()
        return cls(*(columns[start:end] for start, end in itertools.pairwise((0, *ends))))


def patch_table(patches: Patches, texels: int, size: tuple[int, int]) -> Tensor:
    """Builds the patch table (B * N, 17) of ``PatchColumns``.

    Args:
        patches: of B figures.
        texels: along a patch's edge.
        size: height and width of the map.
    """
    half, reach = texels / 2, patches.reach()
    inverse = patches.inverse() * half
    across, down = inverse[:, 0::2], inverse[:, 1::2]
    x, y, z = (patches.normal * reach.unsqueeze(1)).unbind(1)
    edge, first = _level(reach * (4 / texels), texels)
    batch, count = edge.shape
    number = torch.arange(count, device=edge.device, dtype=edge.dtype).expand_as(edge)
    image = torch.arange(batch, device=edge.device).unsqueeze(1).to(edge.dtype).expand_as(edge)
    columns = PatchColumns(
        place=patches.position[:, :2] - 0.5,
        across=across,
        down=down,
        shift=across * x.unsqueeze(1) + down * y.unsqueeze(1),
        texel=(number * texels**2).unsqueeze(1),
        edge=edge.unsqueeze(1),
        first=(first + number * ((4 * texels**2 - 1) // 3)).unsqueeze(1),
        depth=(patches.position[:, 2:] + DEPTHS) * STEPS,
        slope=torch.stack([patches.first[:, 2], patches.second[:, 2]], dim=1) * (STEPS / half),
        upward=(z * STEPS).unsqueeze(1),
        aside=(reach * (_ASIDE * STEPS / half**2)).unsqueeze(1),
        image=image.unsqueeze(1) * (size[0] * size[1]),
    )
    return torch.cat(columns, dim=1).transpose(1, 2).flatten(0, 1)


def _level(texel: Tensor, texels: int) -> tuple[Tensor, Tensor]:
    """Mipmap level (edge in texels, first texel) for patch texels of that many pixels."""
    edge = torch.full_like(texel, float(texels))
    first = torch.zeros_like(texel)
    side = texels
    while side > 1:
        finer = texel * (texels / side) < _FINE
        first = first + finer.to(texel.dtype) * side * side
        side //= 2
        edge = torch.where(finer, torch.full_like(edge, float(side)), edge)
    return edge, first
