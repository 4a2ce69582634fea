"""Initial surface points of a figure without a mesh: the visual hull around its bones.

Rays are cast from capsules around the bones, and a point is put on each at the largest distance at which
nearly all images still show the figure: the visual hull (Laurentini 1994), mapped to the rest pose by the
bones. Its color is the median of the images that show it.
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
from dance_now.pose.model.bone_rule import BONE_INDEX, BoneRig
from dance_now.pose.model.keypoints import FACE
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.synthesis.surface.corrective_shapes import POSE_FEATURES
from dance_now.synthesis.surface.point_placement import INFLUENCES, poisson_disk
from dance_now.synthesis.surface.surface_patches import CHANNELS, TEXELS
from dance_now.synthesis.surface.surface_points import MeshPoints
from dance_now.training.sources.capsule_rays import Rays, capsule_rays, skeleton_capsules

Array = npt.NDArray[np.float64]

_STEPS: Final = 14  # radii tried on a ray
_INSIDE: Final = 0.9  # fraction of the images that must show the figure there
_FEWEST: Final = 4  # images that must show a point for its color
_UNKNOWN: Final = 0.5  # of a ray's reach, the radius without any observation
_TRUNK: Final = tuple(BONE_INDEX[name] for name in ("hips", "spine", "chest"))
_LIMBS: Final = tuple(
    BONE_INDEX[side + part]
    for side in ("left", "right")
    for part in ("UpperArm", "LowerArm", "UpperLeg", "LowerLeg")
)
_WIDEST_LIMB: Final = 1.4  # times a limb's usual radius there, the largest
_FLAT: Final = 0.7  # depth of a trunk in its width
_ASIDE: Final = 0.9  # sine of the angle to the line of sight from which a radius is reliable
_SIDEWAYS: Final = 6  # exponent of that sine in an image's weight
_USUAL: Final = 0.35  # quantile of reliable radii: rays between two legs end in the other leg
_AROUND: Final = 40  # neighbouring rays of the median filter
_CELL: Final = 4  # pixels, cell size of the depth test
_OVERSAMPLING: Final = 5
_SPACING: Final = 8.0  # largest distance of chosen points that is tried, in usual ones of candidates


def capsule_points(
    skeleton: Skeleton, count: int, poses: Sequence[Pose], pictures: Sequence[Image], seed: int = 0
) -> MeshPoints:
    """Surface points around a skeleton, with positions and colors from images.

    Args:
        skeleton: of the figure.
        count: number of points.
        poses: complete poses of it, some dozens.
        pictures: (H, W, 4) uint8 RGBA image of each pose.
        seed: of everything random.
    """
    views = PosedViews.of(skeleton, poses)
    rng = np.random.default_rng(seed)
    rays = capsule_rays(skeleton_capsules(skeleton), _OVERSAMPLING * count, rng)
    radius = _visual_hull(rays, views, pictures)
    position = rays.origin + rays.direction * radius[:, None]
    chosen = _evenly_spaced(rng, position, rays, count)
    position, normal = position[chosen], rays.direction[chosen]
    bones, weights = rays.bones[chosen], rays.weights[chosen]
    color = _colors(position, normal, bones, weights, views, pictures)
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


def _evenly_spaced(
    rng: np.random.Generator, position: Array, rays: Rays, count: int
) -> npt.NDArray[np.int64]:
    """Rows (count,) of points (n, 3) on rays, evenly spaced: among random ones are holes."""
    usual = float(np.median(cKDTree(position).query(position, k=2)[0][:, 1]))
    spacing = _SPACING * usual / np.sqrt(rays.density)
    place = np.concatenate([position, 0.8 * spacing[:, None] * rays.direction], axis=1)
    return poisson_disk(rng, place.astype(np.float32), spacing.astype(np.float32), count)[0]


@dataclass(frozen=True, eq=False)
class PosedViews:
    """Bone transforms of some poses: rest -> view frame in pixels by (n, 47, 3, 3) and (n, 47, 3)."""

    linear: Array
    shift: Array

    @classmethod
    def of(cls, skeleton: Skeleton, poses: Sequence[Pose]) -> PosedViews:
        """Transforms of complete poses of a skeleton."""
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
        return cls(linear, shift)

    def place(self, view: int, rest: Array, bones: npt.NDArray[np.int64], weights: Array) -> Array:
        """Projects points at rest (m, 3) to (m, 3) x, y (down) and depth (away) in pixels."""
        placed = np.einsum("mkij,mj->mki", self.linear[view][bones], rest) + self.shift[view][bones]
        result: Array = (placed * weights[..., None]).sum(axis=1) * [1.0, -1.0, -1.0]
        return result

    def turn(self, view: int, normals: Array, bones: npt.NDArray[np.int64]) -> Array:
        """Cosine (m,) between normals and the direction to the viewer."""
        turned = np.einsum("mij,mj->mi", self.linear[view][bones[:, 0]], normals)
        length = np.linalg.norm(turned, axis=1)
        result: Array = turned[:, 2] / np.maximum(length, 1e-9)
        return result


def _visual_hull(rays: Rays, views: PosedViews, pictures: Sequence[Image]) -> Array:
    """Visual hull: distance (n,) on each ray up to which nearly all views show the figure."""
    radii = np.arange(1, _STEPS + 1) / _STEPS
    inside = np.zeros((len(rays.reach), _STEPS))
    judged = np.zeros_like(inside)
    aside = np.zeros((len(pictures), len(rays.reach)), np.float32)
    for view, picture in enumerate(pictures):
        height, width = picture.shape[:2]
        covered = picture[..., 3] > 127
        start, end = (
            views.place(view, rays.origin + reach * rays.direction, rays.bones, rays.weights)
            for reach in (np.zeros((len(rays.reach), 1)), rays.reach[:, None])
        )
        way = end - start
        aside[view] = np.linalg.norm(way[:, :2], axis=1) / np.maximum(np.linalg.norm(way, axis=1), 1e-9)
        weight = aside[view] ** _SIDEWAYS  # a view along the ray has no information
        for step, radius in enumerate(radii):
            place = np.floor(start[:, :2] + radius * way[:, :2]).astype(int)
            within = ((place >= 0) & (place < (width, height))).all(axis=1)
            rows, columns = place[within, 1], place[within, 0]
            inside[within, step] += covered[rows, columns] * weight[within]
            judged[within, step] += weight[within]
    good = inside >= _INSIDE * judged
    steps = np.cumprod(good, axis=1).sum(axis=1)
    few = min(_FEWEST, len(aside))
    return _smooth_radii(
        rays, rays.reach * np.maximum(steps, 1) / _STEPS, np.partition(aside, -few, axis=0)[-few]
    )


def _smooth_radii(rays: Rays, radius: Array, aside: Array) -> Array:
    """Smooths radii (n,) over neighbouring rays, replacing those that no image shows from the side.

    The extent of a person who never turns is unknown towards the camera: there limbs are assumed round, and
    trunks flatter. Limbs are round from wherever they are seen: rays of an arm that hangs down end in the
    trunk. Without smoothing, rays would form a thick fur, of which only the tips are visible.

    Args:
        rays: n rays.
        radius: (n,) distances of the hull, metres.
        aside: (n,) sine of the largest angle between the ray and the line of sight.
    """
    found = radius.copy()
    for bone in np.unique(rays.bones[:, 0]):
        own = np.flatnonzero(rays.bones[:, 0] == bone)
        sure = own[aside[own] > _ASIDE]
        unsure = own[aside[own] <= _ASIDE]
        if len(sure):
            around = _nearest(rays.origin[sure], rays.origin[own])
            usual = np.quantile(radius[sure][around], _USUAL, axis=1)
            if bone in _LIMBS:
                found[own] = np.minimum(found[own], _WIDEST_LIMB * usual)
            width = usual[aside[own] <= _ASIDE]
        else:
            width = _UNKNOWN * rays.reach[unsure]
        depth = width * (_FLAT if bone in _TRUNK else 1.0)
        ellipse = 1 / np.hypot(aside[unsure] / width, np.sqrt(1 - aside[unsure] ** 2) / depth)
        found[unsure] = np.minimum(found[unsure], ellipse)
        middle = rays.origin[own] + rays.direction[own] * rays.reach[own, None] / 3
        near = _nearest(middle, middle)
        found[own] = np.median(found[own][near], axis=1)[near].mean(axis=1)  # the tried radii are discrete
    return found


def _nearest(places: Array, of: Array) -> npt.NDArray[np.int64]:
    """Nearest neighbours (m, k) among (n, 3) positions of each of (m, 3)."""
    k = min(_AROUND, len(places))
    result: npt.NDArray[np.int64] = cKDTree(places).query(of, k)[1].reshape(len(of), k)
    return result


def _colors(
    position: Array,
    normal: Array,
    bones: npt.NDArray[np.int64],
    weights: Array,
    views: PosedViews,
    pictures: Sequence[Image],
) -> Array:
    """Colors (n, 3), sRGB in [0, 1]: medians over the images; unseen points take the nearest seen one's."""
    samples = np.full((len(pictures), len(position), 3), np.nan, np.float32)
    for view, picture in enumerate(pictures):
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
    """Bounding box (2, 3) of the figure, without outliers among its points."""
    return np.quantile(points.position, [0.002, 0.998], axis=0).astype(np.float32)
