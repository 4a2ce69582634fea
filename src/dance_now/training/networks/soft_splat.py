"""Soft splatting of points into a feature map, with pull-push hole filling.

Each point adds its features to the four pixels around it (bilinear), weighted by its depth behind the
foremost point there (softmax splatting, Niklaus and Liu 2020); the map is the weighted mean. Pixels that few
points reach take theirs from coarser levels (pull-push interpolation, Gortler et al. 1996, The Lumigraph).
Only additions and a minimum are scattered, which ONNX has as ScatterElements (opset 18), so that the same
graph is trained and exported.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_FAINT = 0.02  # weight below which points are skipped: the image changes by less than 55 dB PSNR
_BLOCK, _TRACE = 8, 1e-3  # block size in pixels of the drawable area, and its least mean coverage
_FROM_AROUND = 0.01  # weight of the neighbourhood's mean at the coarsest level, which fills empty pixels


def visibility_weights(
    position: Tensor, weight: Tensor, softness: Tensor, sparseness: Tensor, size: tuple[int, int]
) -> Tensor:
    """Visibility weights of points: attenuated with depth behind the foremost point near them.

    Args:
        position: (B, 3, N) x, y in pixels of a map, depth (away positive, any unit).
        weight: (B, N) opacity and facing in [0, 1]; points below 0.15 occlude nothing.
        softness: (B,) depth in the unit of ``position`` over which an occluded point fades by 1/e.
        sparseness: (B,) from 0 (points are within a pixel of each other) to 1 (some pixels apart).
        size: height and width of the map, even numbers.

    Returns:
        (B, N).
    """
    x, y, depth = position.unbind(1)
    hidden = _depth_behind_front(x, y, depth, weight, sparseness, size)
    return weight * torch.exp(-hidden / softness[:, None])


def splat(position: Tensor, weight: Tensor, features: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Splats points bilinearly to a map of ``size`` = (height, width).

    Args:
        position: (B, 2 or more, N) of which the first two are x and y in pixels of the map.
        weight: (B, N).
        features: (B, C, N).
        size: height and width of the map.

    Returns:
        (B, C, height, width) features summed by weight, and (B, 1, height, width) summed weights.
    """
    height, width = size
    batch, channels = features.shape[:2]
    x, y = position[:, 0], position[:, 1]
    on_map = (x > -1) & (x < width + 1) & (y > -1) & (y < height + 1)
    rows = ((weight > _FAINT) & on_map).flatten().nonzero().squeeze(1)  # half of a figure faces away
    image = torch.arange(batch, device=x.device).unsqueeze(1).to(x.dtype).expand_as(x)
    values = torch.cat([torch.stack([x, y, image, weight, torch.ones_like(x)], dim=1), features], dim=1)
    values = values.transpose(0, 1).flatten(1).index_select(1, rows)
    left, top = torch.floor(values[0] - 0.5), torch.floor(values[1] - 0.5)
    right_share, bottom_share = values[0] - 0.5 - left, values[1] - 0.5 - top
    columns, in_columns = _clamped(left, width)
    lines, in_lines = _clamped(top, height)
    share_x = torch.stack([1 - right_share, right_share]) * in_columns * values[3]
    share_y = torch.stack([1 - bottom_share, bottom_share]) * in_lines
    shares = (share_y.unsqueeze(1) * share_x).flatten(0, 1)  # (4, m)
    index = ((values[2] * height + lines).unsqueeze(1) * width + columns).long().flatten().unsqueeze(0)
    values = (values[4:].unsqueeze(1) * shares).flatten(1)  # (1 + C, 4m)
    each = torch.zeros(channels + 1, 1, dtype=index.dtype, device=index.device)
    sums = torch.zeros(channels + 1, batch * height * width, dtype=values.dtype, device=values.device)
    sums = sums.scatter_add(1, index + each, values).unflatten(1, (batch, *size)).transpose(0, 1)
    return sums[:, 1:], sums[:, :1]


def _clamped(first: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Clamped pixel pairs (2, m), ``first`` (m,) and the next, and 1 where they were inside."""
    pixels = torch.stack([first, first + 1])
    kept = pixels.clamp(0, count - 1)
    return kept, (kept == pixels).to(first.dtype)


def upsample(x: Tensor) -> Tensor:
    """Bilinear upsampling: (B, C, H, W) -> (B, C, 2H, 2W)."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def fill_holes(
    sums: Tensor, weights: Tensor, density: Tensor, sparseness: Tensor, levels: int = 4
) -> tuple[Tensor, Tensor]:
    """Pull-push hole filling: weighted means of splatted features, holes filled from coarser levels.

    Args:
        sums: (B, C, H, W); H and W divisible by 8.
        weights: (B, 1, H, W).
        density: (B,) factor that makes the summed weight about 1 on a closed surface.
        sparseness: (B,) as for ``splat``.
        levels: pyramid levels, the finest included.

    Returns:
        Means (B, C, H, W), and coverage (B, 2, H, W) in [0, 1): of the finest level, and of the level at
        which the points are dense enough to leave no holes.
    """
    pyramid = [(sums, weights)]
    for _ in range(levels - 1):
        sums, weights = F.avg_pool2d(sums, 2), F.avg_pool2d(weights, 2)
        pyramid.append((sums, weights))
    clears = [torch.exp(-2 * density[:, None, None, None] * weights) for _, weights in pyramid]
    # Points of a close figure may be further apart than the coarsest level reaches.
    sums, weights = (each + _FROM_AROUND * F.avg_pool2d(each, 5, 1, 2) for each in pyramid[-1])
    filled = sums / weights.clamp_min(1e-6)
    for (sums, weights), clear in zip(pyramid[-2::-1], clears[-2::-1], strict=True):
        # Quotients are computed on one channel before they are broadcast to all.
        filled = upsample(filled) * clear + sums * ((1 - clear) / weights.clamp_min(1e-4))
    covers = [1 - clear for clear in clears]
    coarser = upsample(covers[2])
    whole = covers[1] + sparseness[:, None, None, None] * (coarser - covers[1])
    return filled, torch.cat([covers[0], upsample(whole)], dim=1)


def drawable_area(cover: Tensor) -> Tensor:
    """Drawable area: coverage (B, 1, H, W) dilated by 8 to 16 pixels, 0 where nothing can be drawn."""
    around = F.max_pool2d(F.avg_pool2d(cover, _BLOCK), 3, 1, 1)
    return F.interpolate((around > _TRACE).to(cover.dtype), scale_factor=float(_BLOCK), mode="nearest")


@torch.no_grad()
def _depth_behind_front(
    x: Tensor, y: Tensor, depth: Tensor, weight: Tensor, sparseness: Tensor, size: tuple[int, int]
) -> Tensor:
    """Depth (B, N) of each point behind the foremost point near it.

    Near is its pixel and the eight around it; for a close figure, whose points are sparse, the same at half
    resolution, else the far side would be visible between the points of the near side.
    """
    height, width = size
    far = 1e6
    column, row = torch.floor(x).clamp(0, width - 1), torch.floor(y).clamp(0, height - 1)
    index = (column + row * width).long()
    hides = torch.where(weight > 0.15, depth, torch.full_like(depth, far))
    front = torch.full((x.shape[0], height * width), far, dtype=depth.dtype, device=depth.device)
    nearness = -front.scatter_reduce(1, index, hides, "amin").unflatten(1, (1, height, width))
    coarse_index = (torch.floor(column / 2) + torch.floor(row / 2) * (width // 2)).long()
    fine = F.max_pool2d(nearness, 3, 1, 1).flatten(1).gather(1, index)
    coarse = F.max_pool2d(F.max_pool2d(nearness, 2), 3, 1, 1).flatten(1).gather(1, coarse_index)
    behind_fine, behind_coarse = (depth + fine).clamp_min(0), (depth + coarse).clamp_min(0)
    return behind_fine + sparseness[:, None] * (behind_coarse - behind_fine)
