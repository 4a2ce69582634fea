"""The sharp layer: which point's patch each pixel sees, and what the patch shows there.

Splatted points are soft: what lies between two of them is their mixture. Here every pixel of the map takes
one point, the foremost whose patch covers it, and looks the surface up in that patch at full resolution
(surface elements with a depth buffer: Pfister et al. 2000, Surfels; textures as part of a network: Thies et
al. 2019, Deferred Neural Rendering). None of it has a gradient: patches are known, and where the points lie
their soft splat tells better than the edges of a texture.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dance_now.synthesis.surface.surface_patches import HEIGHT_STEPS
from dance_now.training.networks.patch_table import DEPTHS, STEPS, PatchColumns, Patches, patch_table

# Pixels of the map, square, in which patches of such a size are entered.
_WINDOWS = (2, 3, 4, 6, 8, 10, 13, 16, 20, 25, 31, 37)
_ENTERED = 3 << 18  # numbers at most, for windows of each size; heads that fill the map have up to 730,000
_NOWHERE = 255  # height where a patch shows no surface
# A pixel's depth and what is seen in it are entered as one number, so that one minimum finds both.
_ROWS = 1 << 21  # of points in a batch: 64 figures of 20,000 and more
_NOTHING = 1 << 42


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
        table = patch_table(patches, self.texels, size)
        front = self._front(table, patches, size).reshape(gap.shape[0], *size)
        front = _bridged(front, (gap * (STEPS * _ROWS)).long()[:, None, None])
        return self._look_up(table, front)

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
        last = torch.tensor([size[1] - 1.0, size[0] - 1.0], device=table.device)[:, None, None, None]
        largest = 0.0
        for edge in _WINDOWS:
            wide = window >= largest
            chosen = wide if edge == _WINDOWS[-1] else wide & (window < edge)
            rows = chosen.nonzero().squeeze(1)[: batch * (_ENTERED // edge**2)]
            pixel, key = self._entries(PatchColumns.of(table, rows), rows, edge, last)
            front = front.scatter_reduce(0, pixel, key, "amin")
            largest = float(edge)
        return front

    def _entries(self, point: PatchColumns, rows: Tensor, edge: int, last: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels around m points of the table's ``rows`` and what is entered there, both (edge**2 * m,).

        ``last`` (2, 1, 1, 1) are the map's last column and line. Both coordinates are worked out at once:
        there are many classes of sizes, and each operator costs.
        """
        inner = self.inner * (self.texels / 2)
        steps = torch.arange(edge, device=rows.device, dtype=point.place.dtype).unsqueeze(1)
        cells = torch.floor(point.place + (1 - edge / 2)) + steps  # (2, 1, edge, m)
        x, y = _pair(cells - point.place)
        place = point.across * x + point.down * y.transpose(1, 2)  # (2, edge, edge, m)
        inside = torch.maximum(*_pair(place.abs())) < inner
        kept = torch.minimum(cells.clamp_min(0.0), last)
        in_columns, in_lines = _pair(kept == cells)
        inside = inside & in_columns & in_lines.transpose(1, 2)
        height = self._height(point.texel, place)
        rise = height * (1 / HEIGHT_STEPS) - 128 / HEIGHT_STEPS
        place = place - rise * point.shift
        by_u, by_v = _pair((place * point.aside + point.slope) * place)
        depth = by_u + by_v + (point.depth + rise * point.upward)
        # Beside a curved surface the plane reaches out of the outline: what is met there is beyond the patch.
        inside = inside & (height < _NOWHERE) & (torch.maximum(*_pair(place.abs())) < inner)
        depth = depth.clamp(0.0, 2 * DEPTHS * STEPS)
        column, line = _pair(kept)
        width = last[:1] + 1
        pixel = (point.image + line.transpose(1, 2) * width + column).long()
        key = torch.where(inside, depth.long() * _ROWS + rows, _NOTHING)
        return pixel.reshape(-1), key.reshape(-1)

    def _height(self, first: Tensor, place: Tensor) -> Tensor:
        """How far the surface lies before the patch's plane, as stored; beside the patch that of its edge.

        Args:
            first: (1, ...) a patch's first texel.
            place: (2, ...) in texels from its middle.
        """
        cell = torch.floor(place + self.texels / 2).clamp(0.0, self.texels - 1.0)
        column, row = _pair(cell)
        texel = (row * self.texels + (first + column)).long()
        return F.embedding(texel, self.height).squeeze(-1).to(place.dtype)

    def _look_up(self, table: Tensor, front: Tensor) -> Tensor:
        """(B, 16, H, W) of the points whose keys are in ``front`` (B, H, W)."""
        # Of a patch's pyramid the level is read whose texels are about as large as the picture's pixels.
        pixel = (front < _NOTHING).flatten().nonzero().squeeze(1)
        point = PatchColumns.of(table, front.flatten().index_select(0, pixel) & (_ROWS - 1))
        middle = torch.cat([way.expand(front.shape).reshape(1, -1) for way in _ways(front.shape[1:], table)])
        x, y = _pair(middle.index_select(1, pixel)[:, None, None] - point.place)
        place = point.across * x + point.down * y  # (2, 1, 1, pixels seen)
        # How far the surface stands out in the pixel's middle shifts what is seen of it.
        height = self._height(point.texel, place)
        rise = torch.where(height < _NOWHERE, height * (1 / HEIGHT_STEPS) - 128 / HEIGHT_STEPS, 0.0)
        parts = torch.tensor([[-0.25, 0.25, -0.25, 0.25], [-0.25, -0.25, 0.25, 0.25]], device=table.device)
        x, y = _pair(parts[:, None, :, None])
        place = place - rise * point.shift + point.across * x + point.down * y  # (2, 1, 4, pixels seen)
        place = (place * (2 / self.texels) + 1) * (point.edge / 2) - 0.5
        place = torch.minimum(place.clamp_min(0), point.edge - 1)
        corner = torch.floor(place)
        left, top = _pair(corner)
        across, down = _pair((place - corner).flatten(1, 2))  # (1, 4, pixels seen)
        texel = (point.first + top * point.edge + left).flatten(0, 2).long()
        quads = self.pyramid.index_select(1, self.quads).reshape(-1, 16)  # runtimes work this out on loading
        quad = F.embedding(texel, quads).permute(2, 0, 1).to(place.dtype)
        line_pair = quad[:8] + (quad[8:] - quad[:8]) * down  # (8, 4, pixels seen)
        value = line_pair[:4] + (line_pair[4:] - line_pair[:4]) * across
        alpha = (value[3:] * (2 / 255)).clamp(0, 1)
        value = torch.cat([value[:3] * (alpha / 255), alpha]).flatten(0, 1)
        empty = torch.zeros(front.numel(), 16, device=value.device, dtype=value.dtype)
        return empty.index_put((pixel,), value.t()).unflatten(0, front.shape).permute(0, 3, 1, 2)


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
        weight = np.maximum(block[..., 3:], 1)  # what lies beside the surface gives its color to few
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


def _pair(x: Tensor) -> tuple[Tensor, Tensor]:
    """(2, ...) -> the first and the second (1, ...)."""
    return x[:1], x[1:]


def _ways(size: tuple[int, ...], like: Tensor) -> tuple[Tensor, Tensor]:
    """(1, W) and (H, 1): columns and lines of a map's pixels."""
    line, column = (torch.arange(count, device=like.device).to(like.dtype) for count in size)
    return column.unsqueeze(0), line.unsqueeze(1)
