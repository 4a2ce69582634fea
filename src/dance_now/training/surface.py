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

# Pixels of the map, square, in which patches of such a size are entered.
_WINDOWS = (2, 3, 4, 5, 6, 8, 10, 12, 14, 17, 20, 24, 28, 34)
_ENTERED = 3 << 17  # numbers at most, for windows of each size; heads that fill the map have up to 300,000
_NOWHERE = 255  # height where a patch shows no surface
_EDGE_ON = 0.15  # cosine of the angle from which a patch is seen too steeply
_ASIDE = 0.4  # depth, in patch reaches, by which a patch's edge ranks behind its middle
_FINE = 0.6  # pixels; of texels finer than that, the mean of four is read
# A pixel's depth and what is seen in it are entered as one number, so that one minimum finds both.
_ROWS = 1 << 20  # of points in a batch
_DEPTHS, _STEPS = 8192.0, 64.0  # depth in pixels of the map, to both sides, and how finely it is told apart
_NOTHING = 1 << 42


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
        inner: part of a patch that is looked up, from its middle to its edge. Further out it leaves a curved
            surface, and figures grow bumps; nearer, thin layers like hair have holes.
    """

    pyramid: Tensor
    quads: Tensor
    height: Tensor

    def __init__(self, patches: npt.NDArray[np.uint8], inner: float) -> None:
        super().__init__()
        self.inner = inner
        self.texels = patches.shape[1]
        height = np.where(patches[..., 3] > 127, patches[..., 4], _NOWHERE).astype(np.uint8)
        levels = _pyramid(patches[..., :4])
        texels = np.concatenate([level.reshape(len(level), -1, 4) for level in levels], axis=1)
        self.register_buffer("pyramid", torch.from_numpy(texels))  # (N, texels of all levels, 4)
        self.register_buffer("quads", torch.from_numpy(_quads(self.texels)), persistent=False)
        self.register_buffer("height", torch.from_numpy(height.reshape(-1, 1)))

    @torch.no_grad()
    def forward(self, patches: Patches, size: tuple[int, int], gap: Tensor) -> Tensor:
        """What a map of ``size`` = (H, W) sees: its pixels' 2x2 full-size ones side by side.

        Args:
            patches: of B figures.
            size: even numbers.
            gap: (B,) depth; a pixel that far behind its neighbours on both sides shows what they show.

        Returns:
            (B, 16, H, W): of each sRGB, which is 0 where there is no surface, and alpha.
        """
        table = self._table(patches)
        front = self._front(table, patches, size).reshape(gap.shape[0], *size)
        front = _bridged(front, (gap * (_STEPS * _ROWS)).long()[:, None, None])
        return self._look_up(table, front)

    def _table(self, patches: Patches) -> Tensor:
        """(17, B * N) what is read of a point that may be seen."""
        inverse = patches.inverse()
        edge, first = self._level(patches.reach() * (4 / self.texels))
        batch, count = edge.shape
        number = torch.arange(count, device=edge.device, dtype=edge.dtype).expand_as(edge)
        image = torch.arange(batch, device=edge.device).unsqueeze(1).to(edge.dtype).expand_as(edge)
        values = [patches.position, inverse, patches.slopes(inverse)]
        values += [torch.stack([number, image, edge, first + number * self.pyramid.shape[1]], dim=1)]
        return torch.cat(values, dim=1).transpose(0, 1).flatten(1)

    def _front(self, table: Tensor, patches: Patches, size: tuple[int, int]) -> Tensor:
        """(B * H * W,) depth and row of the foremost patch at every pixel of the map, as one number."""
        batch = patches.position.shape[0]
        front = torch.full((batch * size[0] * size[1],), _NOTHING, dtype=torch.int64, device=table.device)
        extent = (patches.first[:, :2].abs() + patches.second[:, :2].abs()).amax(dim=1)
        x, y = patches.position[:, 0], patches.position[:, 1]
        near = (x > -extent) & (x < size[1] + extent) & (y > -extent) & (y < size[0] + extent)
        window = torch.where(
            patches.shown & near, extent * (2 * self.inner), torch.full_like(extent, -1.0)
        ).flatten()
        largest = 0.0
        for edge in _WINDOWS:
            wide = window >= largest
            chosen = wide if edge == _WINDOWS[-1] else wide & (window < edge)
            rows = chosen.nonzero().squeeze(1)[: batch * (_ENTERED // edge**2)]
            pixel, key = self._entries(table.index_select(1, rows), rows, edge, size)
            front = front.scatter_reduce(0, pixel, key, "amin")
            largest = float(edge)
        return front

    def _entries(
        self, table: Tensor, rows: Tensor, edge: int, size: tuple[int, int]
    ) -> tuple[Tensor, Tensor]:
        """Pixels around points (18, m) and what is entered there, both (edge**2 * m,)."""
        across = torch.arange(edge, device=table.device, dtype=table.dtype)
        columns = torch.floor(table[0] - (edge - 1) / 2) + across.unsqueeze(1)  # (edge, m)
        lines = torch.floor(table[1] - (edge - 1) / 2) + across.unsqueeze(1)
        x, y = columns + 0.5 - table[0], lines + 0.5 - table[1]
        u = table[3] * x + (table[4] * y).unsqueeze(1)  # (edge, edge, m)
        v = table[5] * x + (table[6] * y).unsqueeze(1)
        inside = torch.maximum(u.abs(), v.abs()) < self.inner
        within = (columns >= 0) & (columns < size[1])
        inside = inside & within & ((lines >= 0) & (lines < size[0])).unsqueeze(1)
        height = self._height(table[13], u, v)
        rise = (height - 128) / HEIGHT_STEPS
        u, v = u - rise * table[11], v - rise * table[12]
        aside = _ASIDE * table[10] * (u * u + v * v)
        depth = table[2] + u * table[7] + v * table[8] + rise * table[9] + aside
        # Beside a curved surface the plane reaches out of the outline: what is met there is beyond the patch.
        inside = inside & (height < _NOWHERE) & (torch.maximum(u.abs(), v.abs()) < self.inner)
        depth = ((depth + _DEPTHS) * _STEPS).clamp(0.0, 2 * _DEPTHS * _STEPS)
        columns, lines = columns.clamp(0.0, size[1] - 1.0), lines.clamp(0.0, size[0] - 1.0)
        pixel = ((table[14] * size[0] + lines) * size[1]).unsqueeze(1).long() + columns.long()
        key = torch.where(inside, depth.long() * _ROWS + rows, _NOTHING)
        return pixel.reshape(-1), key.reshape(-1)

    def _height(self, number: Tensor, u: Tensor, v: Tensor) -> Tensor:
        """How far the surface lies before the patch's plane, as stored; beside the patch that of its edge."""
        half = self.texels / 2
        row, column = (((w + 1) * half).floor().clamp(0.0, self.texels - 1.0) for w in (v, u))
        texel = (number * self.texels**2 + row * self.texels + column).long()
        return F.embedding(texel, self.height).squeeze(-1).to(u.dtype)

    def _look_up(self, table: Tensor, front: Tensor) -> Tensor:
        """(B, 16, H, W) of the points whose keys are in ``front`` (B, H, W)."""
        # Of a patch's pyramid the level is read whose texels are about as large as the picture's pixels.
        pixel = (front < _NOTHING).flatten().nonzero().squeeze(1)
        seen = table.index_select(1, front.flatten().index_select(0, pixel) & (_ROWS - 1))
        line, column = (
            place.expand(front.shape).flatten().index_select(0, pixel)
            for place in _centres(front.shape[1:], table)
        )
        # How far the surface stands out in the pixel's middle shifts what is seen of it.
        x, y = column - seen[0], line - seen[1]
        u, v = seen[3] * x + seen[4] * y, seen[5] * x + seen[6] * y
        height = self._height(seen[13], u, v)
        rise = torch.where(height < _NOWHERE, (height - 128) / HEIGHT_STEPS, 0.0)
        u, v = u - rise * seen[11], v - rise * seen[12]
        inner = torch.tensor([[-0.25, 0.25, -0.25, 0.25], [-0.25, -0.25, 0.25, 0.25]], device=table.device)
        x, y = inner[0, :, None], inner[1, :, None]
        u, v = u + seen[3] * x + seen[4] * y, v + seen[5] * x + seen[6] * y  # (4, pixels seen)
        edge, first = seen[15], seen[16]
        u, v = (((w + 1) * edge - 1) / 2 for w in (u, v))
        u, v = (torch.minimum(w.clamp_min(0), edge - 1) for w in (u, v))
        left, top = torch.floor(u), torch.floor(v)
        quads = self.pyramid.index_select(1, self.quads).reshape(-1, 16)  # runtimes work this out on loading
        quad = F.embedding((first + top * edge + left).long(), quads).permute(2, 0, 1).to(u.dtype)
        line_pair = quad[:8] + (quad[8:] - quad[:8]) * (v - top)  # (8, 4, pixels seen)
        value = line_pair[:4] + (line_pair[4:] - line_pair[:4]) * (u - left)
        alpha = (value[3:] * (2 / 255)).clamp(0, 1)
        value = torch.cat([value[:3] * (alpha / 255), alpha]).flatten(0, 1)
        empty = torch.zeros(16, front.numel(), device=value.device, dtype=value.dtype)
        rows = torch.zeros(16, 1, device=pixel.device, dtype=pixel.dtype)
        return empty.scatter(1, pixel + rows, value).unflatten(1, front.shape).transpose(0, 1)

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


def solid(alphas: Tensor, sparseness: Tensor) -> Tensor:
    """(B, 1, H, W) 1 where a figure has no openings, only gaps between its patches.

    That is where nine pixels all show a patch in one of their four parts, of alphas (B, 4, H, W). On a close
    figure, of ``sparseness`` (B,) 1 as for ``splat``, gaps are larger: where more than 15 of 25 pixels do.
    """
    shown = (alphas.amax(dim=1, keepdim=True) > 0.5).to(alphas.dtype)
    among_9, among_25 = F.avg_pool2d(shown, 3, 1, 1), F.avg_pool2d(shown, 5, 1, 2)
    return ((among_9 > 0.99) | (among_25 + sparseness[:, None, None, None] > 1.61)).to(alphas.dtype)


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


def _bridged(front: Tensor, gap: Tensor) -> Tensor:
    """A map (B, H, W) of keys whose gaps, a pixel wide, show what lies beside them."""
    side, end = torch.full_like(front[:, :, :1], _NOTHING), torch.full_like(front[:, :1], _NOTHING)
    before, after = torch.cat([side, front[:, :, :-1]], dim=2), torch.cat([front[:, :, 1:], side], dim=2)
    above, below = torch.cat([end, front[:, :-1]], dim=1), torch.cat([front[:, 1:], end], dim=1)
    level, upright = torch.maximum(before, after), torch.maximum(above, below)
    bridge = torch.minimum(level, upright)
    return torch.where(bridge + gap < front, bridge, front)


def _centres(size: tuple[int, ...], like: Tensor) -> tuple[Tensor, Tensor]:
    """(H, 1) and (1, W): y and x of the middles of a map's pixels."""
    line, column = (torch.arange(count, device=like.device).to(like.dtype) + 0.5 for count in size)
    return line.unsqueeze(1), column.unsqueeze(0)
