"""Points generator: neural rendering of a character from keypoints.

Surface points with learned features are skinned to the character's bones, splatted to a feature map and
decoded to an image. Everything from keypoints to pixels is in this network, and so in the ONNX graph.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dance_now.character.figure_bounds import FigureBounds
from dance_now.pose.model.bone_rule import BONE_INDEX, BoneRig
from dance_now.pose.model.keypoints import FACE
from dance_now.pose.model.skeleton import Skeleton
from dance_now.synthesis.surface.corrective_shapes import GRAVITY_BONES, LIMB_PARENTS, LIMBS
from dance_now.synthesis.surface.surface_patches import tangents
from dance_now.synthesis.surface.surface_points import MeshPoints
from dance_now.training.distributed import half_precision
from dance_now.training.networks.decoder import BinomialSmoothing, Decoder
from dance_now.training.networks.generator_config import GeneratorConfig
from dance_now.training.networks.patch_layer import PatchLayer, closed_coverage
from dance_now.training.networks.patch_table import Patches
from dance_now.training.networks.soft_splat import drawable_area, fill_holes, splat, visibility_weights
from dance_now.training.networks.torch_bone_rule import BONE_COUNT, BoneRule, IndexSelect, cross
from dance_now.training.rigging import figure_bounds, solve_expressions

_HEAD = BONE_INDEX["head"]
# At this height in canvas pixels, this many points cover about one pixel of the half-size map each.
_WHOLE_FIGURE, _WHOLE_POINTS = 200.0, 14000
_SPARSE_FROM = 450.0  # canvas px of the figure's height from which its points are sparse
_CLEAR = 0.03  # alpha below which exported pixels are clear: removes the decoder's residual noise
_SHOWN = 3 + 3 + 2 + 1  # channels of every point beside its learned ones: color, tint, normal, depth
_SHARP = 16  # channels of the patch layer
_SMOOTHED = 0.6  # centre tap of the binomial filter along each axis
_GAP = 0.015  # depth, in heights of the figure
_FACING = 0.1  # cosine of the angle to the viewer from which a patch is visible


class _Figure(NamedTuple):
    """Posed points and their attributes.

    Attributes:
        position: (B, 3, N) x, y in pixels of the half-size map, depth in px of the picture.
        weight: (B, N) visibility in [0, 1].
        channels: (B, C, N) color, tint, normal, depth and learned features.
        patches: input of the patch layer.
        gap: (B,) depth behind its neighbours from which a pixel is a gap between patches.
        sparseness: (B,) as for ``splat``.
        density: (B,) as for ``fill_holes``.
    """

    position: Tensor
    weight: Tensor
    channels: Tensor
    patches: Patches
    gap: Tensor
    sparseness: Tensor
    density: Tensor


class PointsGenerator(nn.Module):
    """Keypoints (B, 137, 4) = x, y, depth, confidence in canvas px -> premultiplied RGBA (B, 4, H, W)."""

    rest: Tensor
    frame: Tensor
    two_sided: Tensor
    skin: Tensor
    limb_rest: Tensor
    face_solve: Tensor
    face_rest: Tensor
    pose_basis: Tensor
    morphs: Tensor
    turns: Tensor

    def __init__(self, skeleton: Skeleton, mesh: MeshPoints, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.height = skeleton.height
        self._skeleton, self._mesh = skeleton, mesh
        rig = BoneRig.of(skeleton)
        self.gravity_bones, self.limbs, self.limb_parents = (
            IndexSelect(GRAVITY_BONES),
            IndexSelect(LIMBS),
            IndexSelect(LIMB_PARENTS),
        )
        self.rule = BoneRule(rig)
        count = len(mesh.position)
        dense = np.zeros((count, BONE_COUNT), np.float32)
        np.add.at(dense, (np.arange(count)[:, None], mesh.bones), mesh.weights)
        frame = tangents(mesh.normal) * mesh.reach[:, None, None]
        for name, array in (
            ("rest", mesh.position),
            ("frame", frame.transpose(1, 2, 0)),  # (2 tangents, 3, N) of the patches, metres
            ("skin", dense),
            ("limb_rest", rig.rest_directions[list(LIMBS)]),
        ):
            self.register_buffer(name, torch.from_numpy(np.array(array, np.float32)))
        self.register_buffer("two_sided", torch.from_numpy(np.array(mesh.two_sided)))
        whole = bool(mesh.patches[..., 3].any())
        self.surface = PatchLayer(mesh.patches, config.inner) if whole else None
        self._add_morphs(skeleton, mesh)
        color = torch.from_numpy(np.array(mesh.color, np.float32))
        self.lit = nn.Parameter(color)
        self.shade = nn.Parameter(torch.full_like(color, 0.85))  # factor of the color in shade
        self.tone = nn.Parameter(torch.tensor([0.3, 0.6, 0.75, 0.0]))  # light direction, threshold
        features = config.features if whole else config.bare_features
        self.softness = config.softness if whole else config.bare_softness
        self.features = nn.Parameter(torch.randn(count, features) * 0.1)
        self.opacity = nn.Parameter(torch.full((count,), 2.0))
        # Points with patches were sampled on a surface; others learn their position.
        self.offset = None if whole else nn.Parameter(torch.zeros(count, 3))
        self.decoder = Decoder(_SHOWN + features + 2 + _SHARP, config.width)
        self.smoothing = BinomialSmoothing(4, _SMOOTHED)

    def _add_morphs(self, skeleton: Skeleton, mesh: MeshPoints) -> None:
        """Registers the blend shapes of expressions and correctives, and the solver of their weights."""
        known = np.repeat(skeleton.known[FACE], 3).astype(np.float32)
        basis = mesh.face_basis.reshape(len(mesh.face_basis), known.size) * known  # metres at weight 1
        first = int(np.flatnonzero(mesh.moving()).max(initial=0)) + 1  # the few points that move come first
        morphs, turns = (
            mesh.morphs[:first].transpose(1, 2, 0),
            mesh.patch_morphs[:first].transpose(2, 1, 3, 0),
        )
        if not len(basis):  # a zero shape keeps the graph the same for faces that do not move
            basis = np.zeros((1, known.size), np.float32)
            morphs, turns = (np.pad(each, [(1, 0), *[(0, 0)] * (each.ndim - 1)]) for each in (morphs, turns))
        solve = solve_expressions(basis)
        for name, array in (
            ("face_solve", solve.T),
            ("face_rest", skeleton.rest[FACE]),
            ("pose_basis", mesh.pose_basis),
            ("morphs", morphs.reshape(len(morphs), -1)),  # (E + K, 3 * moving points), x of all first
            ("turns", turns.reshape(len(turns), -1)),  # (E + K, 2 * 3 * moving points)
        ):
            self.register_buffer(name, torch.from_numpy(np.array(array, np.float32)))

    def forward(self, keypoints: Tensor, size: tuple[int, int] = (512, 512)) -> Tensor:
        """Premultiplied RGBA (B, 4, height, width), not clamped; ``size`` is divisible by 16."""
        half = (size[0] // 2, size[1] // 2)
        figure = self._pose(keypoints, half)
        sums, weights = splat(figure.position, figure.weight, figure.channels, half)
        means, covers = fill_holes(sums, weights, figure.density, figure.sparseness)
        cover = covers[:, 1:]  # without holes
        if self.surface is None:
            sharp = torch.zeros(keypoints.shape[0], _SHARP, *half, device=means.device)
        else:
            sharp = self.surface(figure.patches, half, figure.gap)
        behind = torch.maximum(cover, closed_coverage(sharp[:, 12:], figure.sparseness)) * (1 - sharp[:, 12:])
        steps = [
            sharp[:, 4 * k : 4 * k + 4] * means[:, 3 + k :][:, :1] + means[:, k:][:, :1] * behind
            for k in range(3)
        ]
        # Patches and soft points end at pixels of the map, which are two of the image's.
        base = self.smoothing(torch.cat([*steps, sharp[:, 12:] + behind], dim=1))
        with half_precision(means.device):
            residual = self.decoder(torch.cat([means, covers, sharp], dim=1))
        return F.pixel_shuffle(base + residual.float() * drawable_area(cover), 2)

    def _pose(self, keypoints: Tensor, half: tuple[int, int]) -> _Figure:
        """Poses the points by keypoints (B, 137, 4), for a map of size ``half``."""
        flip = torch.tensor([1.0, -1.0, -1.0], device=keypoints.device)
        view = keypoints[..., :3] * flip  # view frame, px
        rotations, anchors, scale = self.rule(view)
        expression = self._expression(view, keypoints[..., 3], rotations, anchors, scale)
        weights = torch.cat([expression, self._correctives(rotations)], dim=1)
        rest = self.rest if self.offset is None else self.rest + self.offset
        rest = rest.t() + self._moves(weights, self.morphs).unflatten(1, (3, -1))
        turned = self.frame + self._moves(weights, self.turns).unflatten(1, (2, 3, -1))
        position, first, second = self._place(rotations, anchors, scale, rest, turned)
        upright = cross(first, second, 1)
        normal = upright / upright.square().sum(dim=1, keepdim=True).clamp_min(1e-12).sqrt()
        height = scale * self.height
        depth = (view[:, 8:9, 2:] - position[:, 2:]) / height[:, None, None]
        light = self.tone[:3] / self.tone[:3].square().sum().sqrt()
        tone = torch.sigmoid(12 * ((normal * light[:, None]).sum(dim=1, keepdim=True) - self.tone[3]))
        shade = self.shade.t()
        tint = shade + (1 - shade) * tone
        learned = self.features.t().expand(keypoints.shape[0], -1, -1)
        facing = torch.where(self.two_sided, normal[:, 2].abs(), normal[:, 2])
        weight = torch.sigmoid(facing * 8 + 1) * torch.sigmoid(self.opacity)
        flip = flip.unsqueeze(1)
        position, first, second = (vector * (flip / 2) for vector in (position, first, second))
        sparseness = (height / _SPARSE_FROM - 1).clamp(0, 1)
        return _Figure(
            position,
            visibility_weights(position, weight, height * (self.softness / 2), sparseness, half),
            torch.cat([self.lit.t() * tint, tint, normal[:, :2], depth * 4, learned], dim=1),
            Patches(position, first, second, normal * flip, facing > _FACING),
            height * (_GAP / 2),
            sparseness,
            (height / _WHOLE_FIGURE).square() * (_WHOLE_POINTS / len(self.rest)),
        )

    def _place(
        self, rotations: Tensor, anchors: Tensor, scale: Tensor, rest: Tensor, tangents: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Linear blend skinning: positions (B, 3, N) and the patches' two tangents in px, view frame."""
        turned = rotations * scale[:, None, None, None]
        shift = anchors - (turned @ self.rule.pivots.unsqueeze(-1)).squeeze(-1)
        affine = torch.cat([turned.flatten(2), shift], dim=2)  # (B, 47, 12)
        blended = affine.transpose(1, 2) @ self.skin.t()  # (B, 12, N)
        linear = blended[:, :9].unflatten(1, (3, 3))
        position = (linear * rest.unsqueeze(1)).sum(dim=2) + blended[:, 9:]
        first, second = ((linear * tangents[:, k].unsqueeze(1)).sum(dim=2) for k in range(2))
        return position, first, second

    def _moves(self, weights: Tensor, shapes: Tensor) -> Tensor:
        """Blend shape displacements (B, k * N), weights (B, E + K), ``shapes`` (E + K, k * moving points)."""
        moving = (weights @ shapes).unflatten(1, (-1, self.morphs.shape[1] // 3))
        count = len(self.rest) - moving.shape[2]
        still = torch.zeros(*moving.shape[:2], count, device=moving.device, dtype=moving.dtype)
        return torch.cat([moving, still], dim=2).flatten(1)

    def _correctives(self, rotations: Tensor) -> Tensor:
        """Corrective weights (B, K), from ``corrective_shapes.pose_features``."""
        up = torch.tensor([0.0, 1.0, 0.0], device=rotations.device)
        gravity = self.gravity_bones(rotations)[..., 1, :] - up
        limbs = (self.limbs(rotations) @ self.limb_rest.unsqueeze(-1)).squeeze(-1)
        parents = self.limb_parents(rotations)
        local = (parents.transpose(-1, -2) @ limbs.unsqueeze(-1)).squeeze(-1) - self.limb_rest
        features = torch.cat([gravity.flatten(1), local.flatten(1)], dim=1)
        return features @ self.pose_basis[:-1] + self.pose_basis[-1]

    def _expression(
        self, view: Tensor, confidence: Tensor, rotations: Tensor, anchors: Tensor, scale: Tensor
    ) -> Tensor:
        """Expression weights (B, E) in [0, 1], from the landmarks' displacement in the head's frame."""
        local = (view[:, FACE] - anchors[:, _HEAD : _HEAD + 1]) / scale[:, None, None]
        local = local @ rotations[:, _HEAD] + self.rule.pivots[_HEAD]
        seen = (confidence[:, FACE] > 0).to(local.dtype)
        departure = (local - self.face_rest) * seen.unsqueeze(2)
        return (departure.flatten(1) @ self.face_solve).clamp(0, 1)

    def bounds(self) -> FigureBounds:
        """Bounds of the figure around its keypoints, with the learned positions of its points."""
        mesh = self._mesh
        if self.offset is not None:
            mesh = replace(mesh, position=mesh.position + self.offset.detach().cpu().numpy())
        return figure_bounds(self._skeleton, mesh)

    def parameter_groups(self, rate: float) -> list[dict[str, object]]:
        """Adam's parameter groups: decoder at ``rate``, point features faster, geometry (metres) slower."""
        groups: list[tuple[list[nn.Parameter], float]] = [
            (list(self.decoder.parameters()), 1.0),
            ([self.lit, self.shade, self.tone], 0.25),
            ([self.features, self.opacity], 4.0),
        ]
        if self.offset is not None:
            groups.append(([self.offset], 0.05 * self.height))
        return [{"params": parameters, "scale": scale, "lr": rate * scale} for parameters, scale in groups]


class ExportedPointsGenerator(nn.Module):
    """Points generator as characters are drawn: straight RGBA, clear beside the figure."""

    def __init__(self, generator: PointsGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, points: Tensor, size: tuple[int, int] = (512, 512)) -> Tensor:
        """(B, 137, 4) px of a picture of ``size`` (height, width) -> (B, 4, *size) in [0, 1]."""
        premultiplied = self.generator(points, size)
        alpha = premultiplied[:, 3:]
        color = (premultiplied[:, :3] / alpha.clamp(1e-3, 1.0)).clamp(0, 1)
        return torch.cat([color, ((alpha - _CLEAR) / (1 - _CLEAR)).clamp(0, 1)], dim=1)
