"""Patches of a posed figure, and the table in which the sharp layer looks their measures up."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

DEPTHS, STEPS = 8192.0, 64.0
"""Depth in pixels of the map, to both sides, and in how many steps of a pixel it is told apart."""

_EDGE_ON = 0.15  # cosine of the angle from which a patch is seen too steeply
_ASIDE = 0.4  # depth, in patch reaches, by which a patch's edge ranks behind its middle
_FINE = 0.6  # pixels; of texels finer than that, the mean of four is read


class Patches(NamedTuple):
    """Patches of a posed figure, in pixels of the map; depth as well, away from the viewer.

    Attributes:
        position: (B, 3, N) of the points.
        first: (B, 3, N) from a point to its patch's edge along the columns.
        second: (B, 3, N) the same along the rows.
        normal: (B, 3, N) of length 1, out of the surface.
        shown: (B, N) whether a point can be seen at all.
    """

    position: Tensor
    first: Tensor
    second: Tensor
    normal: Tensor
    shown: Tensor

    def inverse(self) -> Tensor:
        """(B, 4, N) row by row the matrix from x and y, relative to a point, to its patch's coordinates."""
        a, c = self.first[:, 0], self.first[:, 1]
        b, d = self.second[:, 0], self.second[:, 1]
        determinant = a * d - b * c
        least = _EDGE_ON * self.reach().square() + 1e-6
        safe = torch.where(determinant < 0, -1.0, 1.0) * torch.maximum(determinant.abs(), least)
        return torch.stack([d, -b, -c, a], dim=1) / safe.unsqueeze(1)

    def reach(self) -> Tensor:
        """(B, N) half a patch's edge."""
        return self.first.square().sum(dim=1).sqrt()


class PatchColumns(NamedTuple):
    """What is read of points that may be seen.

    In the table of all points each is (B, k, N), of m chosen ones (k, 1, 1, m). Coordinates are the patch's
    own, in texels from its middle.

    Attributes:
        place: k = 2, x and y in pixels of the map less one half.
        across: 2, coordinates gained by a pixel to the right.
        down: 2, by one downwards.
        shift: 2, by a height of one reach.
        texel: 1, the patch's first in ``Surface.height``.
        edge: 1, of the level to read, in texels.
        first: 1, that level's first texel in ``Surface``'s quads.
        depth: 1, here and below in steps of a key.
        slope: 2, gained by the coordinates.
        upward: 1, by a height of one reach.
        aside: 1, by the coordinates' square: a patch's edge ranks behind its middle.
        image: 1, pixels of the batch's maps before its own.
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
        """Those of some rows of ``patch_table``."""
        columns = table.index_select(0, rows).t().reshape(17, 1, 1, -1)
        ends = np.cumsum((2, 2, 2, 2, 1, 1, 1, 1, 2, 1, 1, 1)).tolist()
        return cls(*(columns[start:end] for start, end in itertools.pairwise((0, *ends))))


def patch_table(patches: Patches, texels: int, size: tuple[int, int]) -> Tensor:
    """(B * N, 17) what ``PatchColumns`` names.

    Args:
        patches: of B figures.
        texels: of a patch's edge.
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
    """Edge in texels and first texel of the level to read where a patch's texels are of that many pixels."""
    edge = torch.full_like(texel, float(texels))
    first = torch.zeros_like(texel)
    side = texels
    while side > 1:
        finer = texel * (texels / side) < _FINE
        first = first + finer.to(texel.dtype) * side * side
        side //= 2
        edge = torch.where(finer, torch.full_like(edge, float(side)), edge)
    return edge, first
