"""The points generator: keypoints in, picture out.

Points with learned features ride on the bones of the character, are splatted to a feature map and
decoded to a picture. Everything from keypoints to pixels is in this module, and so in the ONNX graph.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from dance_now.pose.bones import BONE_INDEX, BoneRig
from dance_now.pose.keypoints import FACE
from dance_now.pose.skeleton import Skeleton
from dance_now.studio.points import MeshPoints
from dance_now.training.bones import BONE_COUNT, BoneRule, Rows
from dance_now.training.decoder import Decoder, Doubling, shuffled
from dance_now.training.splat import fill, splat, visible

_HEAD = BONE_INDEX["head"]
_GRAVITY_BONES = [BONE_INDEX[name] for name in ("head", "chest", "hips")]
_LIMBS = [BONE_INDEX[name] for name in ("leftUpperArm", "rightUpperArm", "leftUpperLeg", "rightUpperLeg")]
_LIMB_PARENTS = [BONE_INDEX[name] for name in ("chest", "chest", "hips", "hips")]
CORRECTIVES = 3 * (len(_GRAVITY_BONES) + len(_LIMBS))
# So many points on a figure of so many canvas pixels cover about one pixel of the half-size map each.
_WHOLE_FIGURE, _WHOLE_POINTS = 200.0, 14000
_SPARSE_FROM = 450.0  # canvas px of the figure from which its points lie apart
_CLEAR = 0.03  # alpha below which a pixel is shipped as clear: the decoder never quite silences its noise
_SHOWN = 3 + 2 + 1  # channels of every point beside its learned ones: colour, normal, depth


@dataclass(frozen=True, kw_only=True)
class GeneratorConfig:
    """Sizes of the generator.

    Attributes:
        points: how many of the data set's mesh points are kept.
        features: learned channels a point carries.
        width: channels of the decoder's first level.
        softness: depth over which a hidden point fades, in parts of the character's height.
    """

    points: int = 14000
    features: int = 6
    width: int = 16
    softness: float = 0.007


class _Figure(NamedTuple):
    """Points of a posed figure, and their measures.

    Attributes:
        position: (B, 3, N) x, y in pixels of the half-size map, depth in px of the picture.
        weight: (B, N) in [0, 1], what is hidden taken off.
        channels: (B, C, N) colour, normal, depth and what is learned.
        sparseness: (B,) as for ``splat``.
        density: (B,) as for ``fill``.
    """

    position: Tensor
    weight: Tensor
    channels: Tensor
    sparseness: Tensor
    density: Tensor


class PointsGenerator(nn.Module):
    """Keypoints (B, 137, 4) = x, y, depth, confidence in canvas px -> premultiplied RGBA (B, 4, H, W)."""

    rest: Tensor
    normal: Tensor
    skin: Tensor
    limb_rest: Tensor
    face_solve: Tensor
    face_rest: Tensor
    morphs: Tensor

    def __init__(self, skeleton: Skeleton, mesh: MeshPoints, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.height = skeleton.height
        rig = BoneRig.of(skeleton)
        self.gravity_bones, self.limbs, self.limb_parents = (
            Rows(_GRAVITY_BONES),
            Rows(_LIMBS),
            Rows(_LIMB_PARENTS),
        )
        self.rule = BoneRule(rig)
        count = len(mesh.position)
        dense = np.zeros((count, BONE_COUNT), np.float32)
        np.add.at(dense, (np.arange(count)[:, None], mesh.bones), mesh.weights)
        for name, array in (
            ("rest", mesh.position),
            ("normal", mesh.normal),
            ("skin", dense),
            ("limb_rest", rig.rest_directions[_LIMBS]),
        ):
            self.register_buffer(name, torch.from_numpy(np.array(array, np.float32)))
        self._add_expressions(skeleton, mesh)
        colour = torch.from_numpy(np.array(mesh.colour, np.float32))
        self.lit = nn.Parameter(colour.clone())
        self.shaded = nn.Parameter(colour * 0.85)
        self.tone = nn.Parameter(torch.tensor([0.3, 0.6, 0.75, 0.0]))  # light direction, threshold
        self.features = nn.Parameter(torch.randn(count, config.features) * 0.1)
        self.opacity = nn.Parameter(torch.full((count,), 2.0))
        self.offset = nn.Parameter(torch.zeros(count, 3))
        self.correctives = nn.Parameter(torch.zeros(CORRECTIVES, count * 3))
        self.decoder = Decoder(_SHOWN + config.features + 2, config.width)
        self.doubling = Doubling(4)

    def _add_expressions(self, skeleton: Skeleton, mesh: MeshPoints) -> None:
        """Linear map from departures of the face points to expression weights, and what they move."""
        known = np.repeat(skeleton.known[FACE], 3).astype(np.float32)
        basis = mesh.face_basis.reshape(len(mesh.face_basis), known.size) * known  # metres at weight 1
        morphs = mesh.morphs.transpose(1, 0, 2).reshape(len(basis), mesh.position.size)
        if not len(basis):  # one that moves nothing keeps the graph the same for faces that do not move
            basis, morphs = (
                np.zeros((1, known.size), np.float32),
                np.zeros((1, mesh.position.size), np.float32),
            )
        # Ridge regression: expressions that move the same landmarks share the evidence instead of fighting.
        gram = basis @ basis.T
        ridge = (1e-3 * np.trace(gram) / len(basis) + 1e-9) * np.eye(len(basis))
        for name, array in (
            ("face_solve", np.linalg.solve(gram + ridge, basis).T),
            ("face_rest", skeleton.rest[FACE]),
            ("morphs", morphs),
        ):
            self.register_buffer(name, torch.from_numpy(np.array(array, np.float32)))
        self.opacity_moves = nn.Parameter(torch.zeros(len(basis), len(mesh.position)))

    def forward(self, keypoints: Tensor, size: tuple[int, int] = (512, 512)) -> Tensor:
        """Premultiplied RGBA (B, 4, height, width), not clamped; ``size`` is divisible by 16."""
        return shuffled(self.unshuffled(keypoints, size))

    def unshuffled(self, keypoints: Tensor, size: tuple[int, int] = (512, 512)) -> Tensor:
        """The picture as (B, 16, height / 2, width / 2), the 2x2 pixels of each channel side by side."""
        half = (size[0] // 2, size[1] // 2)
        figure = self._pose(keypoints, half)
        sums, weights = splat(figure.position, figure.weight, figure.channels, half)
        means, covers = fill(sums, weights, figure.density, figure.sparseness)
        cover = covers[:, 1:]  # without holes
        base = self.doubling(torch.cat([means[:, :3] * cover, cover], dim=1))
        with torch.autocast(means.device.type, torch.bfloat16, enabled=self.training):
            residual = self.decoder(torch.cat([means, covers], dim=1))
        return base + residual.float()

    def _pose(self, keypoints: Tensor, half: tuple[int, int]) -> _Figure:
        """Puts the points where the keypoints (B, 137, 4) say, for a map of size ``half``."""
        flip = torch.tensor([1.0, -1.0, -1.0], device=keypoints.device)
        view = keypoints[..., :3] * flip  # view frame, px
        rotations, anchors, scale = self.rule(view)
        expression = self._expression(view, keypoints[..., 3], rotations, anchors, scale)
        moved = self._correct(rotations) + expression @ _by_axis(self.morphs)
        rest = (self.rest + self.offset).t() + moved.unflatten(1, (3, -1))
        position, normal = self._place(rotations, anchors, scale, rest)
        height = scale * self.height
        depth = (view[:, 8:9, 2:] - position[:, 2:]) / height[:, None, None]
        light = self.tone[:3] / self.tone[:3].square().sum().sqrt()
        tone = torch.sigmoid(12 * ((normal * light[:, None]).sum(dim=1, keepdim=True) - self.tone[3]))
        shaded = self.shaded.t()
        colour = shaded + (self.lit.t() - shaded) * tone
        learned = self.features.t().expand(keypoints.shape[0], -1, -1)
        # What an expression hides (an iris behind its lid) sinks too little for the depth test to tell.
        opacity = torch.sigmoid(self.opacity + expression @ self.opacity_moves)
        weight = torch.sigmoid(normal[:, 2] * 8 + 1) * opacity
        to_map = torch.tensor([0.5, -0.5, -1.0], device=position.device)
        position = position * to_map[:, None]
        sparseness = (height / _SPARSE_FROM - 1).clamp(0, 1)
        return _Figure(
            position,
            visible(position, weight, height * self.config.softness, sparseness, half),
            torch.cat([colour, normal[:, :2], depth * 4, learned], dim=1),
            sparseness,
            (height / _WHOLE_FIGURE).square() * (_WHOLE_POINTS / len(self.rest)),
        )

    def _place(
        self, rotations: Tensor, anchors: Tensor, scale: Tensor, rest: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Positions (B, 3, N) in px and normals (B, 3, N), view frame, by linear blend skinning."""
        turned = rotations * scale[:, None, None, None]
        shift = anchors - (turned @ self.rule.pivots.unsqueeze(-1)).squeeze(-1)
        affine = torch.cat([turned.flatten(2), shift], dim=2)  # (B, 47, 12)
        blended = affine.transpose(1, 2) @ self.skin.t()  # (B, 12, N)
        linear = blended[:, :9].unflatten(1, (3, 3))
        position = (linear * rest.unsqueeze(1)).sum(dim=2) + blended[:, 9:]
        normal = (linear * self.normal.t()).sum(dim=2) / scale[:, None, None]
        return position, normal

    def _correct(self, rotations: Tensor) -> Tensor:
        """(B, 3 * N) how hair and cloth shift with gravity and with the limbs, linear in both."""
        up = torch.tensor([0.0, 1.0, 0.0], device=rotations.device)
        gravity = self.gravity_bones(rotations)[..., 1, :] - up
        limbs = (self.limbs(rotations) @ self.limb_rest.unsqueeze(-1)).squeeze(-1)
        parents = self.limb_parents(rotations)
        local = (parents.transpose(-1, -2) @ limbs.unsqueeze(-1)).squeeze(-1) - self.limb_rest
        return torch.cat([gravity.flatten(1), local.flatten(1)], dim=1) @ _by_axis(self.correctives)

    def _expression(
        self, view: Tensor, confidence: Tensor, rotations: Tensor, anchors: Tensor, scale: Tensor
    ) -> Tensor:
        """(B, E) in [0, 1] from the face points' departure from rest in the head's own frame."""
        local = (view[:, FACE] - anchors[:, _HEAD : _HEAD + 1]) / scale[:, None, None]
        local = local @ rotations[:, _HEAD] + self.rule.pivots[_HEAD]
        seen = (confidence[:, FACE] > 0).to(local.dtype)
        departure = (local - self.face_rest) * seen.unsqueeze(2)
        return (departure.flatten(1) @ self.face_solve).clamp(0, 1)

    def parameter_groups(self, rate: float) -> list[dict[str, object]]:
        """Adam's groups: the decoder at ``rate``, point features faster, geometry in metres slower."""
        return [
            {"params": list(self.decoder.parameters()), "scale": 1.0, "lr": rate},
            {
                "params": [self.lit, self.shaded, self.features, self.opacity, self.tone],
                "scale": 4.0,
                "lr": rate * 4,
            },
            {
                "params": [self.offset, self.correctives],
                "scale": 0.05 * self.height,
                "lr": rate * 0.05 * self.height,
            },
            {"params": [self.opacity_moves], "scale": 10.0, "lr": rate * 10},
        ]


def _by_axis(moves: Tensor) -> Tensor:
    """Moves (n, N * 3) of N points -> (n, 3 * N), x of all points first."""
    return moves.unflatten(1, (-1, 3)).transpose(1, 2).flatten(1)


class ShippedGenerator(nn.Module):
    """What a character file holds: straight RGBA in [0, 1], 512x512."""

    def __init__(self, generator: PointsGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, points: Tensor) -> Tensor:
        """(B, 137, 4) canvas px -> (B, 4, 512, 512)."""
        premultiplied = self.generator.unshuffled(points).unflatten(1, (4, 4))
        alpha = premultiplied[:, 3:]
        colour = (premultiplied[:, :3] / alpha.clamp(1e-3, 1.0)).clamp(0, 1)
        alpha = ((alpha - _CLEAR) / (1 - _CLEAR)).clamp(0, 1)
        return shuffled(torch.cat([colour, alpha], dim=1).flatten(1, 2))
