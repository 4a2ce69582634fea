"""Patch layer: depth-tested lookup of texture patches (surfels) at full resolution.

Splatted points are soft: the surface between two of them is their mixture. Here every pixel of the map
selects one point, the foremost whose patch covers it, and samples that patch at full resolution (surface
elements with a depth buffer: Pfister et al. 2000, Surfels; textures as part of a network: Thies et al. 2019,
Deferred Neural Rendering). The layer has no gradients: patches are fixed, and the soft splat gives better
gradients of the points' positions than the edges of a texture.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dance_now.synthesis.surface.surface_patches import HEIGHT_STEPS
from dance_now.training.networks.patch_table import DEPTHS, STEPS, PatchColumns, Patches, patch_table

# Size classes of patches: edges in map pixels of the square windows in which they are scattered.
_WINDOWS = (2, 3, 4, 6, 8, 10, 13, 16, 20, 25, 31, 37)
_ENTERED = 3 << 18  # entries at most per size class; heads that fill the map have up to 730,000
_NOWHERE = 255  # height where a patch has no surface
# Depth and point index are packed into one key, so that one scatter-minimum finds both.
_ROWS = 1 << 21  # points in a batch: 64 figures of 20,000 and more
_NOTHING = 1 << 42


class PatchLayer(nn.Module):
    """Patch layer: renders the patches of posed points with a depth test.

    Args:
        patches: (N, T, T, 5) uint8, see ``bake_patches``.
        inner: fraction of a patch that is used, from its centre to its edge. A larger one leaves curved
            surfaces, and figures get bumps; with a smaller one thin layers like hair have holes.
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
        """Renders a map of ``size`` = (H, W), each pixel as its 2x2 full-resolution pixels.

        Args:
            patches: of B figures.
            size: even numbers.
            gap: (B,) depth; a pixel that far behind its neighbours on both sides is a gap and takes theirs.

        Returns:
            (B, 16, H, W): sRGB, 0 where there is no surface, and alpha, of four pixels each.
        """
        table = patch_table(patches, self.texels, size)
        front = self._nearest_patches(table, patches, size).reshape(gap.shape[0], *size)
        front = _bridge_gaps(front, (gap * (STEPS * _ROWS)).long()[:, None, None])
        return self._sample_patches(table, front)

    def _nearest_patches(self, table: Tensor, patches: Patches, size: tuple[int, int]) -> Tensor:
        """Key (B * H * W,) of the foremost patch at every pixel of the map: packed depth and row."""
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
            pixel, key = self._scatter_entries(PatchColumns.of(table, rows), rows, edge, last)
            front = front.scatter_reduce(0, pixel, key, "amin")
            largest = float(edge)
        return front

    def _scatter_entries(
        self, point: PatchColumns, rows: Tensor, edge: int, last: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Scatter entries of m points of the table's ``rows``: pixels and keys, both (edge**2 * m,).

        ``last`` (2, 1, 1, 1) are the map's last column and line. Both coordinates are computed at once: there
        are many size classes, and each operator costs.
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
        # At a silhouette the tangent plane extends beyond the surface: the hit there is outside the patch.
        inside = inside & (height < _NOWHERE) & (torch.maximum(*_pair(place.abs())) < inner)
        depth = depth.clamp(0.0, 2 * DEPTHS * STEPS)
        column, line = _pair(kept)
        width = last[:1] + 1
        pixel = (point.image + line.transpose(1, 2) * width + column).long()
        key = torch.where(inside, depth.long() * _ROWS + rows, _NOTHING)
        return pixel.reshape(-1), key.reshape(-1)

    def _height(self, first: Tensor, place: Tensor) -> Tensor:
        """Stored height of the surface above the patch's plane, clamped at the patch's edge.

        Args:
            first: (1, ...) first texel of a patch.
            place: (2, ...) texels from its centre.
        """
        cell = torch.floor(place + self.texels / 2).clamp(0.0, self.texels - 1.0)
        column, row = _pair(cell)
        texel = (row * self.texels + (first + column)).long()
        return F.embedding(texel, self.height).squeeze(-1).to(place.dtype)

    def _sample_patches(self, table: Tensor, front: Tensor) -> Tensor:
        """Samples the patches (B, 16, H, W) of the points whose keys are in ``front`` (B, H, W)."""
        # The mipmap level is read whose texels are about as large as the image's pixels.
        pixel = (front < _NOTHING).flatten().nonzero().squeeze(1)
        point = PatchColumns.of(table, front.flatten().index_select(0, pixel) & (_ROWS - 1))
        middle = torch.cat(
            [way.expand(front.shape).reshape(1, -1) for way in _pixel_grid(front.shape[1:], table)]
        )
        x, y = _pair(middle.index_select(1, pixel)[:, None, None] - point.place)
        place = point.across * x + point.down * y  # (2, 1, 1, pixels seen)
        # Parallax: the height at the pixel's centre shifts what is visible of it.
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
        quads = self.pyramid.index_select(1, self.quads).reshape(-1, 16)  # runtimes fold this on loading
        quad = F.embedding(texel, quads).permute(2, 0, 1).to(place.dtype)
        line_pair = quad[:8] + (quad[8:] - quad[:8]) * down  # (8, 4, pixels seen)
        value = line_pair[:4] + (line_pair[4:] - line_pair[:4]) * across
        alpha = (value[3:] * (2 / 255)).clamp(0, 1)
        value = torch.cat([value[:3] * (alpha / 255), alpha]).flatten(0, 1)
        empty = torch.zeros(front.numel(), 16, device=value.device, dtype=value.dtype)
        return empty.index_put((pixel,), value.t()).unflatten(0, front.shape).permute(0, 3, 1, 2)


def closed_coverage(alphas: Tensor, sparseness: Tensor) -> Tensor:
    """Mask (B, 1, H, W) of the figure with small gaps between patches closed (morphological closing).

    1 where all of 3x3 pixels show a patch in one of their four parts, of alphas (B, 4, H, W). On a close
    figure, of ``sparseness`` (B,) 1 as for ``splat``, gaps are larger: where more than 15 of 25 pixels do.
    """
    shown = (alphas.amax(dim=1, keepdim=True) > 0.5).to(alphas.dtype)
    among_9, among_25 = F.avg_pool2d(shown, 3, 1, 1), F.avg_pool2d(shown, 5, 1, 2)
    return ((among_9 > 0.99) | (among_25 + sparseness[:, None, None, None] > 1.61)).to(alphas.dtype)


def _pyramid(patches: npt.NDArray[np.uint8]) -> list[npt.NDArray[np.uint8]]:
    """Mipmaps of patches (N, T, T, 4), sRGB and alpha, the largest first."""
    levels = [patches]
    while levels[-1].shape[1] > 1:
        finer = levels[-1].astype(np.float32)
        side = finer.shape[1] // 2
        block = (
            finer.reshape(-1, side, 2, side, 2, 4).transpose(0, 1, 3, 2, 4, 5).reshape(-1, side, side, 4, 4)
        )
        weight = np.maximum(block[..., 3:], 1)  # texels outside the surface have little weight
        mean = (block * weight).sum(axis=3) / weight.sum(axis=3)
        mean[..., 3] = block[..., 3].mean(axis=3)
        levels.append((mean + 0.5).astype(np.uint8))
    return levels


def _quads(side: int) -> npt.NDArray[np.int64]:
    """Bilinear neighbourhoods (4 * texels of all levels,): a texel, its right, lower and diagonal neighbour.

    At the edges a texel replaces its missing neighbours.
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


def _bridge_gaps(front: Tensor, gap: Tensor) -> Tensor:
    """Closes gaps one pixel wide in a map (B, H, W) of keys."""
    side, end = torch.full_like(front[:, :, :1], _NOTHING), torch.full_like(front[:, :1], _NOTHING)
    before, after = torch.cat([side, front[:, :, :-1]], dim=2), torch.cat([front[:, :, 1:], side], dim=2)
    above, below = torch.cat([end, front[:, :-1]], dim=1), torch.cat([front[:, 1:], end], dim=1)
    level, upright = torch.maximum(before, after), torch.maximum(above, below)
    bridge = torch.minimum(level, upright)
    return torch.where(bridge + gap < front, bridge, front)


def _pair(x: Tensor) -> tuple[Tensor, Tensor]:
    """Splits (2, ...) into two (1, ...)."""
    return x[:1], x[1:]


def _pixel_grid(size: tuple[int, ...], like: Tensor) -> tuple[Tensor, Tensor]:
    """Pixel grid: columns (1, W) and lines (H, 1) of a map."""
    line, column = (torch.arange(count, device=like.device).to(like.dtype) for count in size)
    return column.unsqueeze(0), line.unsqueeze(1)
