"""Soft splatting of points into a feature map.

Each point adds its features to the four pixels around it (bilinear), weighted by how near it is to the
foremost point there; the map is the weighted mean. Only additions and a minimum are scattered, which
ONNX knows as ScatterElements (opset 18), so that the same graph trains and ships.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def splat(
    position: Tensor, weight: Tensor, features: Tensor, softness: Tensor, size: tuple[int, int]
) -> Tensor:
    """Splats points to a map of ``size`` = (height, width).

    Args:
        position: (B, N, 3) x, y in pixels of the map, depth (away positive, any unit).
        weight: (B, N) opacity and facing in [0, 1]; points below 0.15 hide nothing.
        features: (B, N, C).
        softness: (B,) depth in the unit of ``position`` over which a hidden point fades by 1/e.
        size: height and width of the map.

    Returns:
        (B, C + 1, height, width): weighted mean of the features, and coverage in [0, 1).
    """
    height, width = size
    batch, _, channels = features.shape
    x, y, depth = position.unbind(-1)
    hidden = _depth_behind_front(x, y, depth, weight, size)
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
    total = canvas[..., -1:]
    canvas = torch.cat([canvas[..., :-1] / total.clamp_min(1e-2), 1 - torch.exp(-2 * total)], dim=2)
    return canvas.transpose(1, 2).unflatten(2, (height, width))


@torch.no_grad()
def _depth_behind_front(x: Tensor, y: Tensor, depth: Tensor, weight: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, N) how far each point lies behind the foremost point of its pixel and the eight around it."""
    height, width = size
    far = 1e6
    index = (torch.floor(x).clamp(0, width - 1) + torch.floor(y).clamp(0, height - 1) * width).long()
    hides = torch.where(weight > 0.15, depth, torch.full_like(depth, far))
    front = torch.full((x.shape[0], height * width), far, dtype=depth.dtype, device=depth.device)
    front = front.scatter_reduce(1, index, hides, "amin")
    front = -F.max_pool2d(-front.unflatten(1, (1, height, width)), 3, 1, 1).flatten(1)
    return (depth - front.gather(1, index)).clamp_min(0)
