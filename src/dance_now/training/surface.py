"""The sharp layer: which point's patch each pixel sees, and what the patch shows there.

Splatted points are soft: what lies between two of them is their mixture. Here every pixel of the map takes
one point, the foremost whose patch covers it, and looks the surface up in that patch at full resolution
(surface elements with a depth buffer: Pfister et al. 2000, Surfels; textures as part of a network: Thies et
al. 2019, Deferred Neural Rendering). None of it has a gradient: patches are known, and where the points lie
their soft splat tells better than the edges of a texture.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dance_now.studio.surface_patches import HEIGHT_STEPS

_STRIDES = (1, 2, 4)  # of the maps in which points are entered; the coarser ones for points that lie apart
_FAR = 1.0e6
_NOWHERE = 255  # height where a patch shows no surface
_EDGE_ON = 0.15  # cosine of the angle from which a patch is seen too steeply
_ASIDE = 0.4  # depth, in patch reaches, by which a patch's edge ranks behind its middle
_SMALL = 0.75  # part of a patch that counts where it is smaller than a pixel
_BEYOND = 1.5  # of a patch: its outermost texels show that far
_FINE = 0.6  # pixels; of texels finer than that, the mean of four is read


class Patches(NamedTuple):
    """Patches of a posed figure, in pixels of the map; depth as well, away from the viewer.

    Attributes:
        position: (B, 3, N) of the points.
        first: (B, 3, N) from a point to its patch's edge along the columns.
        second: (B, 3, N) the same along the rows.
        normal: (B, 3, N) as long, out of the surface.
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

    def slopes(self, inverse: Tensor) -> Tensor:
        """(B, 6, N) depth gained by the coordinates and by height, the reach, and how height shifts both."""
        x, y = self.normal[:, 0], self.normal[:, 1]
        shift_u, shift_v = inverse[:, 0] * x + inverse[:, 1] * y, inverse[:, 2] * x + inverse[:, 3] * y
        return torch.stack(
            [self.first[:, 2], self.second[:, 2], self.normal[:, 2], self.reach(), shift_u, shift_v], dim=1
        )


class Surface(nn.Module):
    """Looks patches up.

    Args:
        patches: (N, T, T, 5) uint8 as ``bake_patches`` makes them.
    """

    pyramid: Tensor
    quads: Tensor
    height: Tensor

    def __init__(self, patches: npt.NDArray[np.uint8]) -> None:
        super().__init__()
        self.texels = patches.shape[1]
        height = np.where(patches[..., 3] > 127, patches[..., 4], _NOWHERE).astype(np.uint8)
        levels = _pyramid(patches[..., :4])
        texels = np.concatenate([level.reshape(len(level), -1, 4) for level in levels], axis=1)
        self.register_buffer("pyramid", torch.from_numpy(texels))  # (N, texels of all levels, 4)
        self.register_buffer("quads", torch.from_numpy(_quads(self.texels)), persistent=False)
        self.register_buffer("height", torch.from_numpy(height.reshape(-1)))

    @torch.no_grad()
    def forward(self, patches: Patches, size: tuple[int, int]) -> Tensor:
        """(B, 16, H, W) what a map of ``size`` = (H, W) sees: its pixels' 2x2 full-size ones side by side.

        Of each sRGB, which is 0 where there is no surface, and alpha.
        """
        inverse = patches.inverse()
        row, found = self._choose(patches, inverse, size)
        return self._look_up(patches, inverse, row, found, size)

    def _choose(self, patches: Patches, inverse: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """(B, H * W) row of the point that each pixel of the map sees, and whether there is one.

        Points are entered in the nine pixels around them; where they lie further apart than that, they are
        found in coarser maps, and judged anew by what lies foremost in the pixel itself.
        """
        slopes = patches.slopes(inverse)
        table = torch.cat([patches.position, inverse, slopes], dim=1)
        line, column = _centres(size, inverse)
        row, depth = self._enter(patches, inverse, slopes, size, 1)
        for stride in _STRIDES[1:]:
            other, met = (
                _spread_out(values, size, stride)
                for values in self._enter(patches, inverse, slopes, size, stride)
            )
            index = other.long().unsqueeze(1).expand(-1, table.shape[1], -1)
            seen = table.gather(2, index).unsqueeze(2)
            x, y = column - seen[:, 0], line - seen[:, 1]
            u, v = seen[:, 3] * x + seen[:, 4] * y, seen[:, 5] * x + seen[:, 6] * y
            inside = (torch.maximum(u.abs(), v.abs()) < 1) & (met < _FAR).unsqueeze(1)
            met = self._depth(other.unsqueeze(1), u, v, inside, seen[:, 2], seen[:, 7:]).squeeze(1)
            row = torch.where(met < depth, other, row)
            depth = torch.minimum(met, depth)
        return row.long(), depth < _FAR

    def _enter(
        self, patches: Patches, inverse: Tensor, slopes: Tensor, size: tuple[int, int], stride: int
    ) -> tuple[Tensor, Tensor]:
        """(B, h * w) row and depth of the foremost patch at each pixel of a coarser map."""
        height, width = size[0] // stride, size[1] // stride
        position = patches.position
        column, line = (torch.floor(position[:, axis] / stride - 0.5) for axis in (0, 1))
        columns = torch.stack([column, column + 1, column, column + 1], dim=1)
        lines = torch.stack([line, line, line + 1, line + 1], dim=1)
        x = (columns + 0.5) * stride - position[:, :1]
        y = (lines + 0.5) * stride - position[:, 1:2]
        u, v = inverse[:, :1] * x + inverse[:, 1:2] * y, inverse[:, 2:3] * x + inverse[:, 3:] * y
        # Most of its full-size pixels should lie on the patch.
        slack = 1 - 0.15 * stride * inverse.abs().unflatten(1, (2, 2)).sum(dim=2)
        if stride == 1:
            slack = slack.clamp_min(_SMALL)
        inside = (u.abs() < slack[:, :1]) & (v.abs() < slack[:, 1:]) & patches.shown.unsqueeze(1)
        inside = inside & (columns >= 0) & (columns < width) & (lines >= 0) & (lines < height)
        row = torch.arange(position.shape[2], device=position.device, dtype=position.dtype).expand_as(u)
        depth = self._depth(row, u, v, inside, position[:, 2:], slopes.unsqueeze(2)).flatten(1)
        pixel = torch.where(inside, lines * width + columns, torch.zeros_like(lines)).long().flatten(1)
        empty = torch.full_like(depth[:, :1], 2 * _FAR).expand(-1, height * width)
        front = empty.scatter_reduce(1, pixel, depth, "amin")
        first = torch.where(depth <= front.gather(1, pixel), row.flatten(1), torch.zeros_like(depth))
        return torch.zeros_like(front).scatter_reduce(1, pixel, first, "amax"), front

    def _depth(
        self, row: Tensor, u: Tensor, v: Tensor, inside: Tensor, depth: Tensor, slopes: Tensor
    ) -> Tensor:
        """(B, k, n) depth at which patches are met at their coordinates; far away where they are not."""
        height = self._height(row, u, v, inside)
        across, down, out, reach, shift_u, shift_v = slopes.unbind(1)
        rise = (height - 128) / HEIGHT_STEPS
        u, v = u - rise * shift_u, v - rise * shift_v
        met = depth + u * across + v * down + rise * out + _ASIDE * reach * (u * u + v * v)
        # Beside a curved surface the plane reaches out of the outline: what is met there is beyond the patch.
        inside = inside & (height < _NOWHERE) & (torch.maximum(u.abs(), v.abs()) < 1)
        return torch.where(inside, met, torch.full_like(met, 2 * _FAR))

    def _height(self, row: Tensor, u: Tensor, v: Tensor, inside: Tensor) -> Tensor:
        """How far the surface lies before the patch's plane, as stored; anything where not inside."""
        half = self.texels / 2
        texel = row * self.texels**2 + torch.floor((v + 1) * half) * self.texels + torch.floor((u + 1) * half)
        texel = torch.where(inside, texel, torch.zeros_like(texel)).long()
        return self.height.index_select(0, texel.flatten()).unflatten(0, texel.shape).to(u.dtype)

    def _look_up(
        self, patches: Patches, inverse: Tensor, row: Tensor, found: Tensor, size: tuple[int, int]
    ) -> Tensor:
        # Of a patch's pyramid the level is read whose texels are about as large as the picture's pixels.
        edge, first = self._level(patches.reach() * (4 / self.texels))
        number = torch.arange(edge.shape[1], device=edge.device, dtype=edge.dtype).expand_as(edge)
        table = torch.cat(
            [
                patches.position[:, :2],
                inverse,
                torch.stack([edge, first + number * self.pyramid.shape[1]], dim=1),
                patches.normal[:, :2],
            ],
            dim=1,
        )
        seen = table.gather(2, row.unsqueeze(1).expand(-1, table.shape[1], -1)).unsqueeze(2)
        line, column = _centres(size, table)
        # How far the surface stands out in the pixel's middle shifts what is seen of it.
        x, y = column - seen[:, 0], line - seen[:, 1]
        u, v = seen[:, 2] * x + seen[:, 3] * y, seen[:, 4] * x + seen[:, 5] * y
        inside = (torch.maximum(u.abs(), v.abs()) < 1) & found.unsqueeze(1)
        height = self._height(row.unsqueeze(1).to(u.dtype), u, v, inside)
        rise = torch.where(inside & (height < _NOWHERE), (height - 128) / HEIGHT_STEPS, torch.zeros_like(u))
        inner = torch.tensor([[-0.25, 0.25, -0.25, 0.25], [-0.25, -0.25, 0.25, 0.25]], device=row.device)
        x, y = (
            x - rise * seen[:, 8] + inner[0, :, None],
            y - rise * seen[:, 9] + inner[1, :, None],
        )  # (B, 4, HW)
        u, v = seen[:, 2] * x + seen[:, 3] * y, seen[:, 4] * x + seen[:, 5] * y
        inside = (torch.maximum(u.abs(), v.abs()) < _BEYOND) & found.unsqueeze(1)
        edge, first = seen[:, 6], seen[:, 7]
        u, v = (((w + 1) * edge - 1) / 2 for w in (u, v))
        u, v = (torch.minimum(w.clamp_min(0), edge - 1) for w in (u, v))
        left, top = torch.floor(u), torch.floor(v)
        index = (first + top * edge + left).long()
        quads = self.pyramid.index_select(1, self.quads).reshape(-1, 16)  # runtimes work this out on loading
        quad = quads.index_select(0, index.flatten()).t()  # rows of the picture are worked out faster
        quad = quad.to(u.dtype).unflatten(0, (2, 2, 4)).unflatten(-1, index.shape)  # (2, 2, 4, B, 4, HW)
        line_pair = quad[0] + (quad[1] - quad[0]) * (v - top)
        value = (line_pair[0] + (line_pair[1] - line_pair[0]) * (u - left)).transpose(0, 1)
        alpha = (value[:, 3:] * (2 / 255)).clamp(0, 1) * inside.unsqueeze(1).to(value.dtype)
        return torch.cat([value[:, :3] * (alpha / 255), alpha], dim=1).flatten(1, 2).unflatten(2, size)

    def _level(self, texel: Tensor) -> tuple[Tensor, Tensor]:
        """Edge in texels and first texel of the level to read where texels are of that many pixels."""
        edge = torch.full_like(texel, float(self.texels))
        first = torch.zeros_like(texel)
        side = self.texels
        while side > 1:
            finer = texel * (self.texels / side) < _FINE
            first = first + finer.to(texel.dtype) * side * side
            side //= 2
            edge = torch.where(finer, torch.full_like(edge, float(side)), edge)
        return edge, first


def _pyramid(patches: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    """Patches (N, T, T, 4) of sRGB and alpha at half the size, a quarter and so on, the largest first."""
    levels = [patches]
    while levels[-1].shape[1] > 1:
        finer = levels[-1].astype(np.float32)
        side = finer.shape[1] // 2
        block = (
            finer.reshape(-1, side, 2, side, 2, 4).transpose(0, 1, 3, 2, 4, 5).reshape(-1, side, side, 4, 4)
        )
        weight = np.maximum(block[..., 3:], 1)  # what lies beside the surface gives its colour to few
        mean = (block * weight).sum(axis=3) / weight.sum(axis=3)
        mean[..., 3] = block[..., 3].mean(axis=3)
        levels.append((mean + 0.5).astype(np.uint8))
    return levels


def _quads(side: int) -> npt.NDArray[np.int64]:
    """(4 * texels of all levels,) rows of a texel, its neighbours to the right, below, and between.

    That is what bilinear interpolation reads; at the edges a texel stands in for its missing neighbours.
    """
    found, first = [], 0
    while side >= 1:
        row, column = np.divmod(np.arange(side * side), side)
        for down, right in ((0, 0), (0, 1), (1, 0), (1, 1)):
            near = np.minimum(row + down, side - 1) * side + np.minimum(column + right, side - 1)
            found.append((first + np.arange(side * side), down * 2 + right, first + near))
        first += side * side
        side //= 2
    quads = np.zeros((first, 4), np.int64)
    for texel, place, near in found:
        quads[texel, place] = near
    return quads.reshape(-1)


def _centres(size: tuple[int, int], like: Tensor) -> tuple[Tensor, Tensor]:
    """(H * W,) y and x of the middles of a map's pixels."""
    line = torch.arange(size[0], device=like.device, dtype=like.dtype) + 0.5
    column = torch.arange(size[1], device=like.device, dtype=like.dtype) + 0.5
    return line.repeat_interleave(size[1]), column.repeat(size[0])


def _spread_out(values: Tensor, size: tuple[int, int], stride: int) -> Tensor:
    """(B, h * w) of a coarser map -> (B, H * W)."""
    values = values.unflatten(1, (1, size[0] // stride, size[1] // stride))
    return F.interpolate(values, scale_factor=float(stride), mode="nearest").flatten(1)
