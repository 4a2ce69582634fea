"""Soft splatting of points into a feature map without holes.

Each point adds its features to the four pixels around it (bilinear), weighted by how near it is to the
foremost point there; the map is the weighted mean. Pixels that few points reach take theirs from coarser
levels (pull-push interpolation, Gortler et al. 1996, The Lumigraph). Only additions and a minimum are
scattered, which ONNX knows as ScatterElements (opset 18), so that the same graph trains and ships.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def splat(
    position: Tensor,
    weight: Tensor,
    features: Tensor,
    softness: Tensor,
    sparseness: Tensor,
    size: tuple[int, int],
) -> Tensor:
    """Splats points to a map of ``size`` = (height, width).

    Args:
        position: (B, N, 3) x, y in pixels of the map, depth (away positive, any unit).
        weight: (B, N) opacity and facing in [0, 1]; points below 0.15 hide nothing.
        features: (B, N, C).
        softness: (B,) depth in the unit of ``position`` over which a hidden point fades by 1/e.
        sparseness: (B,) from 0, points lie within a pixel of each other, to 1, some pixels apart.
        size: height and width of the map, even numbers.

    Returns:
        (B, C + 1, height, width): weighted sum of the features, and of 1.
    """
    height, width = size
    batch, _, channels = features.shape
    x, y, depth = position.unbind(-1)
    hidden = _depth_behind_front(x, y, depth, weight, sparseness, size)
    weight = weight * torch.exp(-hidden / softness[:, None])

    left, top = torch.floor(x - 0.5), torch.floor(y - 0.5)
    right_share, bottom_share = x - 0.5 - left, y - 0.5 - top
    columns = torch.stack([left, left + 1, left, left + 1], dim=2)
    rows = torch.stack([top, top, top + 1, top + 1], dim=2)
    share_x = torch.stack([1 - right_share, right_share], dim=2)
    share_y = torch.stack([1 - bottom_share, bottom_share], dim=2)
    shares = (share_y.unsqueeze(3) * share_x.unsqueeze(2)).flatten(2)
    inside = (columns >= 0) & (columns < width) & (rows >= 0) & (rows < height)
    index = (columns.clamp(0, width - 1) + rows.clamp(0, height - 1) * width).long()  # (B, N, 4)
    shares = shares * weight.unsqueeze(2) * inside.to(shares.dtype)

    values = torch.cat([features, torch.ones_like(features[..., :1])], dim=2)
    values = (values.unsqueeze(2) * shares.unsqueeze(3)).flatten(1, 2)  # (B, 4N, C + 1)
    canvas = torch.zeros(batch, height * width, channels + 1, dtype=features.dtype, device=features.device)
    canvas = canvas.scatter_add(1, index.flatten(1).unsqueeze(2).expand(-1, -1, channels + 1), values)
    return canvas.transpose(1, 2).unflatten(2, (height, width))


def doubled(x: Tensor) -> Tensor:
    """(B, C, H, W) -> (B, C, 2H, 2W), bilinear."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def fill(sums: Tensor, density: Tensor, sparseness: Tensor, levels: int = 4) -> tuple[Tensor, Tensor]:
    """Weighted means of what ``splat`` summed, holes filled from coarser levels.

    Args:
        sums: (B, C + 1, H, W); H and W divisible by 8.
        density: (B,) by which the summed weight is multiplied to be about 1 where a surface is whole.
        sparseness: (B,) as for ``splat``.
        levels: how many times the size is halved, plus one.

    Returns:
        Means (B, C, H, W), and coverage (B, 2, H, W) in [0, 1): of the finest level, and of the level on
        which the points lie close enough to leave no holes.
    """
    pyramid = [sums]
    for _ in range(levels - 1):
        pyramid.append(F.avg_pool2d(pyramid[-1], 2))
    means = [level[:, :-1] / level[:, -1:].clamp_min(1e-4) for level in pyramid]
    covers = [1 - torch.exp(-2 * density[:, None, None, None] * level[:, -1:]) for level in pyramid]
    filled = means[-1]
    for mean, cover in zip(means[-2::-1], covers[-2::-1], strict=True):
        coarser = doubled(filled)
        filled = coarser + cover * (mean - coarser)
    coarser = doubled(covers[2])
    whole = covers[1] + sparseness[:, None, None, None] * (coarser - covers[1])
    return filled, torch.cat([covers[0], doubled(whole)], dim=1)


@torch.no_grad()
def _depth_behind_front(
    x: Tensor, y: Tensor, depth: Tensor, weight: Tensor, sparseness: Tensor, size: tuple[int, int]
) -> Tensor:
    """(B, N) how far each point lies behind the foremost point near it.

    Near means its pixel and the eight around it; for a figure drawn large, whose points lie far apart, the
    same at half the size, else the far side would show between the points of the near one.
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
