"""Points to begin with for a figure without a mesh: on capsules around its limbs, an ellipsoid for the head.

Rays leave each bone to all sides, and a point lies on each as far out as nearly all pictures still show the
figure there: the visual hull (Laurentini 1994), found in the rest pose by way of the bones. Its color is the
median of the pictures that show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.bone_rule import BONE_INDEX, BoneRig, basis
from dance_now.pose.model.keypoints import FACE, FINGERS, LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.synthesis.surface.corrective_shapes import POSE_FEATURES
from dance_now.synthesis.surface.point_placement import INFLUENCES
from dance_now.synthesis.surface.surface_patches import CHANNELS, TEXELS
from dance_now.synthesis.surface.surface_points import MeshPoints

Array = npt.NDArray[np.float64]

_STEPS: Final = 14  # radii tried on a ray
_INSIDE: Final = 0.9  # share of the pictures that have to show the figure there
_FEWEST: Final = 4  # pictures in which a point is seen before its color is believed
_UNKNOWN: Final = 0.5  # of a ray's reach, where nobody knows better
_TRUNK: Final = tuple(BONE_INDEX[name] for name in ("hips", "spine", "chest"))
_FLAT: Final = 0.7  # depth of a trunk in its width
_ASIDE: Final = 0.9  # sine of the angle to the line of sight from which a radius is believed
_SIDEWAYS: Final = 6  # exponent of that sine in a picture's say
_USUAL: Final = 0.35  # quantile of believed radii: rays between two legs end in the other leg
_AROUND: Final = 40  # rays whose median radius one takes
_CELL: Final = 4  # pixels: how coarsely it is told what hides what
_BLEND: Final = 0.25  # of a limb's length: so far its skin follows the bone before it, too
_OVERSAMPLING: Final = 3


@dataclass(frozen=True)
class _Part:
    """Rays that leave a line from one place at rest to another.

    Attributes:
        bone: what they follow; ``before`` what they follow as well near the line's start.
        start, end: ends of the line, metres.
        reach: the greatest radius, metres.
        density: points a surface, beside that of a limb.
    """

    bone: str
    before: str
    start: Array
    end: Array
    reach: float
    density: float = 1.0


@dataclass(frozen=True, eq=False)
class _Rays:
    origin: Array  # (n, 3)
    direction: Array  # (n, 3)
    reach: Array  # (n,)
    bones: npt.NDArray[np.int64]  # (n, 2)
    weights: Array  # (n, 2)
    density: Array  # (n,)


def capsule_points(
    skeleton: Skeleton, count: int, poses: Sequence[Pose], pictures: Sequence[Image], seed: int = 0
) -> MeshPoints:
    """Points around a skeleton, as far out and in the colors that pictures show.

    Args:
        skeleton: whose.
        count: how many points.
        poses: complete poses of it, some dozens.
        pictures: (H, W, 4) uint8 RGBA, what each pose looks like.
        seed: of everything random.
    """
    views = _Views.of(skeleton, poses, pictures)
    chance = np.random.default_rng(seed)
    rays = _rays(_parts(skeleton), _OVERSAMPLING * count, chance)
    radius = _hull(rays, views)
    share = rays.density * np.maximum(radius, 0.15 * rays.reach) / rays.reach
    chosen = np.sort(chance.choice(len(radius), count, replace=False, p=share / share.sum()))
    position = rays.origin + rays.direction * radius[:, None]
    position, normal = position[chosen], rays.direction[chosen]
    bones, weights = rays.bones[chosen], rays.weights[chosen]
    color = _colors(position, normal, bones, weights, views)
    more = ((0, 0), (0, INFLUENCES - 2))
    return MeshPoints(
        position=position.astype(np.float32),
        normal=normal.astype(np.float32),
        color=color.astype(np.float32),
        bones=np.pad(bones, more),
        weights=np.pad(weights, more).astype(np.float32),
        reach=np.full(count, 0.5 * skeleton.height / np.sqrt(count), np.float32),
        two_sided=np.ones(count, np.bool_),
        patches=np.zeros((count, TEXELS, TEXELS, CHANNELS), np.uint8),
        morphs=np.zeros((count, 0, 3), np.float32),
        patch_morphs=np.zeros((count, 2, 0, 3), np.float32),
        face_basis=np.zeros((0, FACE.stop - FACE.start, 3), np.float32),
        pose_basis=np.zeros((POSE_FEATURES, 0), np.float32),
    )


def _parts(skeleton: Skeleton) -> list[_Part]:
    rest = skeleton.rest.astype(np.float64)
    ears = rest[[17, 18]].mean(axis=0)
    across = float(np.linalg.norm(rest[17] - rest[18]))
    shoulders = float(np.linalg.norm(rest[2] - rest[5]))
    trunk = rest[1] - rest[8]
    middle = ears + np.array([0, 0.25, 0.1]) * across
    third, two_thirds = rest[8] + trunk / 3, rest[8] + 2 * trunk / 3
    parts = [
        _Part("head", "neck", middle, middle + np.array([0, 0.01, 0]) * across, 1.6 * across, 2.0),
        _Part("hips", "hips", rest[8] - 0.1 * trunk, third, 0.9 * shoulders),
        _Part("spine", "hips", third, two_thirds, 0.9 * shoulders),
        _Part("chest", "spine", two_thirds, rest[1], 0.9 * shoulders),
        _Part("neck", "chest", rest[1], (rest[1] + ears) / 2, 0.5 * across),
    ]
    for side, arm, leg, toes, hand in (
        ("left", (5, 6, 7), (12, 13, 14), (19, 21), LEFT_HAND),
        ("right", (2, 3, 4), (9, 10, 11), (22, 24), RIGHT_HAND),
    ):
        upper, lower = f"{side}UpperArm", f"{side}LowerArm"
        parts += [
            _Part(upper, "chest", rest[arm[0]], rest[arm[1]], 0.5 * shoulders),
            _Part(lower, upper, rest[arm[1]], rest[arm[2]], 0.4 * shoulders),
            _Part(f"{side}UpperLeg", "hips", rest[leg[0]], rest[leg[1]], 0.6 * shoulders),
            _Part(f"{side}LowerLeg", f"{side}UpperLeg", rest[leg[1]], rest[leg[2]], 0.5 * shoulders),
            _Part(f"{side}Foot", f"{side}Foot", rest[toes[1]], rest[toes[0]], 0.4 * shoulders, 1.3),
            *_hand_parts(rest[hand], side),
        ]
    return parts


def _hand_parts(hand: Array, side: str) -> list[_Part]:
    size = float(np.linalg.norm(hand[9] - hand[0]))
    palm = f"{side}Hand"
    parts = [_Part(palm, f"{side}LowerArm", hand[0], hand[[5, 9, 13]].mean(axis=0), 0.7 * size, 1.5)]
    for finger, name in enumerate(FINGERS):
        first, before = 4 * finger + 1, palm
        for joint, phalanx in enumerate(("Proximal", "Intermediate", "Distal")):
            bone = f"{side}{name}{phalanx}"
            parts.append(_Part(bone, before, hand[first + joint], hand[first + joint + 1], 0.16 * size, 2.0))
            before = bone
    return parts


def _rays(parts: list[_Part], count: int, chance: np.random.Generator) -> _Rays:
    """About ``count`` rays, over the parts by the area of a capsule of a third of their reach."""
    lengths = np.array([float(np.linalg.norm(part.end - part.start)) for part in parts])
    radii = np.array([part.reach / 3 for part in parts])
    density = np.array([part.density for part in parts])
    area = 2 * np.pi * radii * (lengths + 2 * radii) * density
    counts = np.maximum(8, np.round(count * area / area.sum())).astype(int)
    found = [_part_rays(*each, chance) for each in zip(parts, counts.tolist(), radii.tolist(), strict=True)]
    return _Rays(
        *(np.concatenate([getattr(rays, name) for rays in found]) for name in _Rays.__dataclass_fields__)
    )


def _part_rays(part: _Part, count: int, radius: float, chance: np.random.Generator) -> _Rays:
    axis = part.end - part.start
    length = float(np.linalg.norm(axis))
    along = chance.uniform(-radius, length + radius, count)
    cap = np.clip(along, 0, length) - along  # beyond an end the rays spread over half a sphere
    angle = chance.uniform(0, 2 * np.pi, count)
    towards_y = np.array([0.0, 0.0, 1.0]) if abs(axis[1]) > 0.5 * length else np.array([0.0, 1.0, 0.0])
    frame = basis(axis[None], towards_y[None])[0]  # type: ignore[arg-type]
    lean = -cap / radius
    flat = np.sqrt(np.clip(1 - lean**2, 0, 1))
    local = np.stack([lean, flat * np.cos(angle), flat * np.sin(angle)], axis=1)
    place = np.clip(along, 0, length) / max(length, 1e-9)
    follow = np.clip(0.5 * (1 - place / _BLEND), 0, 0.5) if part.before != part.bone else np.zeros(count)
    bones = np.tile(np.array([BONE_INDEX[part.bone], BONE_INDEX[part.before]]), (count, 1))
    return _Rays(
        part.start + place[:, None] * axis,
        local @ frame.T,
        np.full(count, part.reach),
        bones,
        np.stack([1 - follow, follow], axis=1),
        np.full(count, part.density),
    )


@dataclass(frozen=True, eq=False)
class _Views:
    """Posed bones of some pictures: rest -> view frame in pixels by (n, 47, 3, 3) and (n, 47, 3)."""

    linear: Array
    shift: Array
    pictures: Sequence[Image]

    @classmethod
    def of(cls, skeleton: Skeleton, poses: Sequence[Pose], pictures: Sequence[Image]) -> _Views:
        points = np.stack([np.column_stack([pose.points[:, :2], pose.depth]) for pose in poses])
        points = points.astype(np.float64) * [1.0, -1.0, -1.0]
        rig = BoneRig.of(skeleton)
        rotations = rig.rotations(points)  # type: ignore[arg-type]
        lengths = np.array(
            [np.linalg.norm(points[:, a] - points[:, b], axis=1) for a, b in ((2, 5), (9, 10), (12, 13))]
        )
        scale = lengths.sum(axis=0) / skeleton.lengths(((2, 5), (9, 10), (12, 13))).sum()
        anchors = rig.anchors(points, rotations, scale).astype(np.float64)  # type: ignore[arg-type]
        linear = rotations * scale[:, None, None, None]
        shift = anchors - np.einsum("nbij,bj->nbi", linear, rig.pivots)
        return cls(linear, shift, pictures)

    def place(self, view: int, rest: Array, bones: npt.NDArray[np.int64], weights: Array) -> Array:
        """(m, 3) x, y (down) and depth (away) in pixels of points at rest (m, 3)."""
        placed = np.einsum("mkij,mj->mki", self.linear[view][bones], rest) + self.shift[view][bones]
        result: Array = (placed * weights[..., None]).sum(axis=1) * [1.0, -1.0, -1.0]
        return result

    def turn(self, view: int, normals: Array, bones: npt.NDArray[np.int64]) -> Array:
        """(m,) how far normals turn towards the viewer, -1 to 1."""
        turned = np.einsum("mij,mj->mi", self.linear[view][bones[:, 0]], normals)
        length = np.linalg.norm(turned, axis=1)
        result: Array = turned[:, 2] / np.maximum(length, 1e-9)
        return result


def _hull(rays: _Rays, views: _Views) -> Array:
    """(n,) how far out on each ray nearly all views still show the figure."""
    radii = np.arange(1, _STEPS + 1) / _STEPS
    inside = np.zeros((len(rays.reach), _STEPS))
    judged = np.zeros_like(inside)
    aside = np.zeros((len(views.pictures), len(rays.reach)), np.float32)
    for view, picture in enumerate(views.pictures):
        height, width = picture.shape[:2]
        covered = picture[..., 3] > 127
        start, end = (
            views.place(view, rays.origin + reach * rays.direction, rays.bones, rays.weights)
            for reach in (np.zeros((len(rays.reach), 1)), rays.reach[:, None])
        )
        way = end - start
        aside[view] = np.linalg.norm(way[:, :2], axis=1) / np.maximum(np.linalg.norm(way, axis=1), 1e-9)
        weight = aside[view] ** _SIDEWAYS  # who looks along the ray sees nothing of its length
        for step, radius in enumerate(radii):
            place = np.floor(start[:, :2] + radius * way[:, :2]).astype(int)
            within = ((place >= 0) & (place < (width, height))).all(axis=1)
            rows, columns = place[within, 1], place[within, 0]
            inside[within, step] += covered[rows, columns] * weight[within]
            judged[within, step] += weight[within]
    good = inside >= _INSIDE * judged
    steps = np.cumprod(good, axis=1).sum(axis=1)
    few = min(_FEWEST, len(aside))
    return _smooth(rays, rays.reach * np.maximum(steps, 1) / _STEPS, np.partition(aside, -few, axis=0)[-few])


def _smooth(rays: _Rays, radius: Array, aside: Array) -> Array:
    """(n,) radii like those around them, and believed only where a picture shows the ray from the side.

    Somebody who never turns aside ends nowhere towards the camera: there limbs are about round, and trunks
    flatter. Rays of their own radius each would make a thick fur, of which only the tips are seen.

    Args:
        rays: (n,) all of them.
        radius: (n,) how far out pictures show the figure, metres.
        aside: (n,) sine of the widest angle between the ray and the line of sight.
    """
    found = radius.copy()
    for bone in np.unique(rays.bones[:, 0]):
        own = np.flatnonzero(rays.bones[:, 0] == bone)
        sure = own[aside[own] > _ASIDE]
        unsure = own[aside[own] <= _ASIDE]
        if len(sure):
            around = _nearest(rays.origin[sure], rays.origin[unsure])
            width = np.quantile(radius[sure][around], _USUAL, axis=1)
        else:
            width = _UNKNOWN * rays.reach[unsure]
        depth = width * (_FLAT if bone in _TRUNK else 1.0)
        ellipse = 1 / np.hypot(aside[unsure] / width, np.sqrt(1 - aside[unsure] ** 2) / depth)
        found[unsure] = np.minimum(found[unsure], ellipse)
        middle = rays.origin[own] + rays.direction[own] * rays.reach[own, None] / 3
        near = _nearest(middle, middle)
        found[own] = np.median(found[own][near], axis=1)[near].mean(axis=1)  # tried radii are steps
    return found


def _nearest(places: Array, of: Array) -> npt.NDArray[np.int64]:
    """(m, k) which of (n, 3) places are nearest to each of (m, 3)."""
    k = min(_AROUND, len(places))
    result: npt.NDArray[np.int64] = cKDTree(places).query(of, k)[1].reshape(len(of), k)
    return result


def _colors(
    position: Array, normal: Array, bones: npt.NDArray[np.int64], weights: Array, views: _Views
) -> Array:
    """(n, 3) sRGB in [0, 1]: medians over the pictures; points never seen take that of the nearest seen."""
    samples = np.full((len(views.pictures), len(position), 3), np.nan, np.float32)
    for view, picture in enumerate(views.pictures):
        height, width = picture.shape[:2]
        place = views.place(view, position, bones, weights)
        within: npt.NDArray[np.bool_] = np.asarray(
            ((place[:, :2] >= 0) & (place[:, :2] < (width, height))).all(axis=1)
        )
        pixel = np.where(within[:, None], place[:, :2], 0).astype(int)
        cell = (pixel[:, 1] // _CELL) * (width // _CELL + 1) + pixel[:, 0] // _CELL
        front = np.full(int(cell.max()) + 1, np.inf)
        np.minimum.at(front, cell[within], place[within, 2])
        near = place[:, 2] < front[cell] + 3 * _CELL
        shown = within & near & (views.turn(view, normal, bones) > 0.3)
        solid = cv2.erode((picture[..., 3] > 250).astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
        shown &= solid[pixel[:, 1], pixel[:, 0]]
        samples[view, shown] = picture[pixel[shown, 1], pixel[shown, 0], :3] / 255
    counts = np.isfinite(samples[..., 0]).sum(axis=0)
    color = np.full((len(position), 3), 0.5)
    known: npt.NDArray[np.bool_] = np.asarray(counts >= _FEWEST)
    if known.any():
        color[known] = np.nanmedian(samples[:, known], axis=0)
        _, nearest = cKDTree(position[known]).query(position[~known])
        color[~known] = color[known][nearest]
    return color


def points_bounds(points: MeshPoints) -> FloatArray:
    """(2, 3) lowest and highest corner of the figure, without the farthest few of its points."""
    return np.quantile(points.position, [0.002, 0.998], axis=0).astype(np.float32)
