"""Bone rule of ``dance_now.pose.model.bone_rule`` in torch, as part of the generator's graph.

Vectorised over all bones of a level, so that it exports to few ONNX nodes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from dance_now.pose.model.bone_rule import (
    BLEND_BONES,
    BONE_INDEX,
    BONE_NAMES,
    FRAME_BONES,
    SWING_LEVELS,
    BoneRig,
)
from dance_now.pose.model.keypoints import LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.skeleton import RIGID_SEGMENTS


def cross(a: Tensor, b: Tensor, dim: int = -1) -> Tensor:
    """Cross product of vectors along a dimension of size 3."""
    return (a * b.roll(-1, dim) - a.roll(-1, dim) * b).roll(-1, dim)


def unit(vectors: Tensor) -> Tensor:
    """Normalises vectors (..., 3)."""
    return vectors / (vectors * vectors).sum(dim=-1, keepdim=True).clamp_min(1e-16).sqrt()


def basis(x_axis: Tensor, towards_y: Tensor) -> Tensor:
    """Rotation matrices (..., 3, 3) with columns x, y, z (Gram-Schmidt)."""
    x = unit(x_axis)
    z = unit(cross(x, towards_y))
    return torch.stack([x, cross(z, x), z], dim=-1)


def swing(start: Tensor, end: Tensor) -> Tensor:
    """Smallest rotations (..., 3, 3) of unit vectors ``start`` to ``end``, minus the identity.

    Rodrigues' formula; the matrix of the cross product of two vectors is the antisymmetric part of their
    outer product.
    """
    outer = end.unsqueeze(-1) * start.unsqueeze(-2)
    axis = outer - outer.transpose(-1, -2)
    w = (1 + (start * end).sum(dim=-1)).clamp_min(1e-6)[..., None, None]
    two = 2 / (w * w + (axis * axis).sum(dim=(-2, -1), keepdim=True) / 2)
    return two * (w * axis + axis @ axis)


class IndexSelect(nn.Module):
    """Selects rows of dimension 1; a single Gather in ONNX, where a list index exports as several nodes."""

    rows: Tensor

    def __init__(self, rows: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("rows", torch.tensor(list(rows)), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, n, ...) -> (B, len(rows), ...)."""
        return x.index_select(1, self.rows)


class BoneRule(nn.Module):
    """Bone rule: keypoints (B, 137, 3) in the view frame -> rotation and anchor of every bone."""

    rest_frames: Tensor
    relaxed: Tensor
    to_relaxed: Tensor
    pivots: Tensor
    spine_offset: Tensor
    neck_offset: Tensor

    def __init__(self, rig: BoneRig) -> None:
        super().__init__()
        self.parents = nn.ModuleList(
            IndexSelect([BONE_INDEX[swing.parent] for swing in level]) for level in SWING_LEVELS
        )
        self.starts = nn.ModuleList(IndexSelect([swing.start for swing in level]) for level in SWING_LEVELS)
        self.ends = nn.ModuleList(IndexSelect([swing.end for swing in level]) for level in SWING_LEVELS)
        self.all_starts = IndexSelect([swing.start for level in SWING_LEVELS for swing in level])
        first = len(FRAME_BONES) + len(BLEND_BONES)
        self._first_swing = first
        for name, array in (
            ("rest_frames", rig.rest_frames.transpose(0, 2, 1)),
            ("relaxed", rig.relaxed_directions[first:]),
            ("to_relaxed", rig.to_relaxed[first:]),
            ("pivots", rig.pivots),
            ("spine_offset", rig.pivots[BONE_INDEX["spine"]] - rig.skeleton.rest[8]),
            ("neck_offset", rig.pivots[BONE_INDEX["neck"]] - rig.skeleton.rest[1]),
        ):
            self.register_buffer(name, torch.from_numpy(np.array(array, np.float32)), persistent=False)
        self.segment_starts = IndexSelect([start for start, _ in RIGID_SEGMENTS])
        self.segment_ends = IndexSelect([end for _, end in RIGID_SEGMENTS])
        self._rest_length = float(rig.skeleton.lengths().sum())

    def forward(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Returns rotations (B, 47, 3, 3), anchors (B, 47, 3) in px, and scale (B,) in px per metre."""
        rotations = self._rotations(points)
        segments = self.segment_starts(points) - self.segment_ends(points)
        squares = (segments * segments).sum(dim=-1)
        scale = squares.sqrt().sum(dim=1) / self._rest_length
        return rotations, self._anchors(points, rotations, scale), scale

    def _rotations(self, points: Tensor) -> Tensor:
        left, right = LEFT_HAND.start, RIGHT_HAND.start
        trunk = points[:, 1] - points[:, 8]
        ears = points[:, 18] - points[:, 17]
        forward = points[:, 0] - (points[:, 17] + points[:, 18]) / 2
        x = torch.stack(
            [
                points[:, 12] - points[:, 9],
                points[:, 5] - points[:, 2],
                ears,
                points[:, left + 9] - points[:, left],
                points[:, right + 9] - points[:, right],
            ],
            dim=1,
        )
        y = torch.stack(
            [
                trunk,
                trunk,
                cross(forward, ears),
                points[:, left + 5] - points[:, left + 17],
                points[:, right + 5] - points[:, right + 17],
            ],
            dim=1,
        )
        frames = basis(x, y) @ self.rest_frames
        means = frames[:, 0:2] + frames[:, 1:3]  # spine: hips and chest; neck: chest and head
        found = torch.cat([frames, basis(means[..., 0], means[..., 1])], dim=1)
        done = self._first_swing
        for parents, starts, ends in zip(self.parents, self.starts, self.ends, strict=True):
            direction = unit(ends(points) - starts(points))
            parent = parents(found)
            rows = slice(done - self._first_swing, done - self._first_swing + parent.shape[1])
            local = (parent.transpose(-1, -2) @ direction.unsqueeze(-1)).squeeze(-1)
            turned = parent + parent @ swing(self.relaxed[rows], local)
            found = torch.cat([found, turned @ self.to_relaxed[rows]], dim=1)
            done += parent.shape[1]
        return found

    def _anchors(self, points: Tensor, rotations: Tensor, scale: Tensor) -> Tensor:
        offsets = torch.stack([self.spine_offset, self.neck_offset])
        turned = (rotations[:, 0:2] @ offsets.unsqueeze(-1)).squeeze(-1) * scale[:, None, None]
        frames = [points[:, 8], points[:, 1], (points[:, 17] + points[:, 18]) / 2]
        frames += [points[:, LEFT_HAND.start], points[:, RIGHT_HAND.start]]
        frames += [points[:, 8] + turned[:, 0], points[:, 1] + turned[:, 1]]
        return torch.cat([torch.stack(frames, dim=1), self.all_starts(points)], dim=1)


assert FRAME_BONES == ("hips", "chest", "head", "leftHand", "rightHand")
assert BLEND_BONES == (("spine", "hips", "chest"), ("neck", "chest", "head"))
BONE_COUNT = len(BONE_NAMES)
