"""Estimation of body proportions and per-image scale from 2D poses.

Projection only shortens limbs, so each length is a high quantile over all images; the scale of an image is a
high quantile over its limbs. The two are estimated alternately.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.errors import DanceNowError
from dance_now.pose.model.adult_skeleton import adult_skeleton
from dance_now.pose.model.body_scale import SEGMENT_NAMES, SEGMENTS
from dance_now.pose.model.keypoints import LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.retarget.head_rotation import HEAD_POINTS
from dance_now.training.sources.head_shape import HEAD_ROWS, head_shape

Array = npt.NDArray[np.float64]

SEEN: Final = 0.2  # least confidence of a measured point
_LONGEST: Final = 0.95  # quantile over images
_NEAREST: Final = 0.8  # quantile over limbs
_ROUNDS: Final = 8
_STEADY: Final = 0.05  # relative spread of scales below which all images get the same scale
_EARS: Final = (17, 18)
_LEFT: Final = np.array([5, 6, 7, 12, 13, 14, 16, 18, 19, 20, 21, *range(LEFT_HAND.start, LEFT_HAND.stop)])
_RIGHT: Final = np.array([2, 3, 4, 9, 10, 11, 15, 17, 22, 23, 24, *range(RIGHT_HAND.start, RIGHT_HAND.stop)])
_HEAD_ROWS: Final = (0, 15, 16, 17, 18)
# Lengths, left and right combined; those from the ears on are used here only.
_NAMES: Final = tuple(
    dict.fromkeys(name.removeprefix("left_").removeprefix("right_") for name in SEGMENT_NAMES)
)
_OF_SEGMENT: Final = np.array(
    [_NAMES.index(name.removeprefix("left_").removeprefix("right_")) for name in SEGMENT_NAMES]
)
_MEASURES: Final = (*_NAMES, "ears", "neck_to_ears")
_SIZING: Final = (
    "shoulders",
    "trunk",
    "upper_arm",
    "forearm",
    "thigh",
    "shin",
)  # long enough to estimate the scale


@dataclass(frozen=True, eq=False)
class MeasuredBody:
    """Estimated body and scale of each pose.

    Attributes:
        skeleton: in T-pose, with face points if faces were visible; as tall as an adult up to the neck, since
            the absolute scale is unknown.
        scales: (n,) pixels per metre of each pose.
    """

    skeleton: Skeleton
    scales: Array


def measure_body(poses: Sequence[Pose]) -> MeasuredBody:
    """Estimates the body of 2D ``poses`` of any scale.

    Raises:
        DanceNowError: no limb is wholly visible anywhere.
    """
    drawn = np.array([_drawn_lengths(pose) for pose in poses])  # (n, m) NaN where not seen
    usual = _adult_lengths()
    sizing = [_MEASURES.index(name) for name in _SIZING]
    if not np.isfinite(drawn[:, sizing]).any():
        raise DanceNowError(
            "No label shows a whole limb, so the body's proportions are unknown: add images of whole limbs."
        )
    scales, lengths = np.ones(len(poses)), _upper_quantile(drawn, _LONGEST)
    for _ in range(_ROUNDS):
        ratios = drawn[:, sizing] / lengths[sizing]
        scales = _filled(_upper_quantile(ratios.T, _NEAREST))
        if np.median(np.abs(scales / np.median(scales) - 1)) < _STEADY:
            scales = np.full(len(poses), float(np.median(scales)))
        lengths = _upper_quantile(drawn / scales[:, None], _LONGEST)
    trunk_and_legs = [_MEASURES.index(name) for name in ("trunk", "thigh", "shin")]
    seen = [index for index in trunk_and_legs if np.isfinite(lengths[index])] or sizing
    to_metres = float(np.nansum(usual[seen]) / np.nansum(lengths[seen]))
    lengths = np.where(np.isfinite(lengths), lengths * to_metres, usual)
    scales = scales / to_metres
    skeleton = _scaled_adult(dict(zip(_MEASURES, lengths.tolist(), strict=True)))
    return MeasuredBody(_with_head(skeleton, poses, scales), scales)


def seen_points(pose: Pose) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Visible points: (137, 2) in the view frame and (137,) visibility; neck and mid-hip are interpolated."""
    points = pose.points[:, :2].astype(np.float64) * [1.0, -1.0]
    seen = pose.points[:, 2] >= SEEN
    for middle, first, second in ((1, 2, 5), (8, 9, 12)):
        if seen[first] and seen[second]:
            points[middle], seen[middle] = (points[first] + points[second]) / 2, True
    for start, wrist in ((LEFT_HAND.start, 7), (RIGHT_HAND.start, 4)):
        if seen[wrist] and not seen[start]:
            points[start], seen[start] = points[wrist], True
    return points, seen


def _drawn_lengths(pose: Pose) -> Array:
    """Projected lengths (m,) in the order of _MEASURES, the longer of left and right."""
    points, seen = seen_points(pose)
    flat = np.linalg.norm(points[SEGMENTS[:, 1]] - points[SEGMENTS[:, 0]], axis=1)
    flat[~seen[SEGMENTS].all(axis=1)] = np.nan
    lengths = [np.fmax.reduce(flat[index == _OF_SEGMENT]) for index in range(len(_NAMES))]
    both = seen[list(_EARS)].all()
    ears = points[list(_EARS)]
    lengths.append(float(np.linalg.norm(ears[0] - ears[1])) if both else np.nan)
    lengths.append(float(np.linalg.norm(ears.mean(axis=0) - points[1])) if both and seen[1] else np.nan)
    return np.array(lengths)


def _upper_quantile(values: Array, quantile: float) -> Array:
    """Quantile over axis 0 of all but NaN; NaN where nothing is known."""
    result = np.full(values.shape[1], np.nan)
    for column, row in enumerate(values.T):
        known = row[np.isfinite(row)]
        if known.size:
            result[column] = np.quantile(known, quantile)
    return result


def _filled(values: Array) -> Array:
    """Replaces NaN by the median."""
    return np.where(np.isfinite(values), values, np.nanmedian(values))


def _adult_lengths() -> Array:
    rest = adult_skeleton().rest
    points = rest[:, :2].astype(np.float64)
    pose = np.concatenate([points * [1000, -1000], np.ones((len(points), 1))], axis=1)
    lengths = _drawn_lengths(Pose(pose.astype(np.float32))) / 1000
    # a T-pose seen from the front shows feet and palms end-on
    solid = np.linalg.norm(rest[SEGMENTS[:, 1]] - rest[SEGMENTS[:, 0]], axis=1)
    lengths[_OF_SEGMENT] = solid
    return lengths


def _scaled_adult(size: dict[str, float]) -> Skeleton:
    """Average adult with given lengths, standing on the ground."""
    adult = adult_skeleton()
    old = adult.rest.astype(np.float64)
    usual = dict(zip(_MEASURES, _adult_lengths().tolist(), strict=True))
    rest = np.zeros_like(old)
    foot, hand = size["foot"] / usual["foot"], size["index"] / usual["index"]
    ankle = -foot * float((old[19:22, 1] - old[14, 1]).min())
    heights = np.cumsum([ankle, size["shin"], size["thigh"], size["trunk"], size["neck_to_ears"]])
    ankle, knee, hip, neck, ears = heights.tolist()
    rest[1, 1], rest[8, 1] = neck, hip
    rest[5:8, 0] = np.cumsum([size["shoulders"] / 2, size["upper_arm"], size["forearm"]])
    rest[5:8, 1] = neck
    rest[12:15, 0] = size["hips"] / 2
    rest[12:15, 1] = hip, knee, ankle
    rest[19:22] = rest[14] + foot * (old[19:22] - old[14])
    rest[LEFT_HAND] = rest[7] + hand * (old[LEFT_HAND] - old[7])
    rest[_RIGHT] = rest[_LEFT] * [-1, 1, 1]
    old_ears = old[list(_EARS)].mean(axis=0)
    head = size["ears"] / usual["ears"]
    rest[list(_HEAD_ROWS)] = head * (old[list(_HEAD_ROWS)] - old_ears) + [0, ears, 0]
    pivots = np.zeros((4, 3))
    shares = (adult.pivots[:, 1] - old[8, 1]) / (old[1, 1] - old[8, 1])
    pivots[:2, 1] = hip + shares[:2] * (neck - hip)
    above = (adult.pivots[:, 1] - old[1, 1]) / (old_ears[1] - old[1, 1])
    pivots[2:, 1] = neck + above[2:] * (ears - neck)
    crown = ears + head * (float(adult.bounds[1, 1]) - old_ears[1])
    reach = float(rest[LEFT_HAND, 0].max())
    deep = head * 0.15
    bounds = np.array([[-reach, 0, -deep], [reach, crown, max(deep, float(rest[19, 2]))]])
    return Skeleton(rest, adult.known, pivots, bounds)  # type: ignore[arg-type]


def _with_head(skeleton: Skeleton, poses: Sequence[Pose], scales: Array) -> Skeleton:
    """Skeleton with nose, eyes, ears and face points reconstructed from the images."""
    rest = skeleton.rest.astype(np.float64)
    ears = rest[list(_EARS)].mean(axis=0)
    views = [seen_points(pose) for pose in poses]
    points = np.array([view[0][HEAD_ROWS] for view in views]) / scales[:, None, None]
    seen = np.array([view[1][HEAD_ROWS] for view in views])
    shape, known = head_shape(rest[HEAD_POINTS] - ears, points, seen)
    rest[HEAD_ROWS[known]] = shape[known] + ears
    complete = skeleton.known.copy()
    complete[HEAD_ROWS] = known
    return Skeleton(rest, complete, skeleton.pivots, skeleton.bounds)  # type: ignore[arg-type]
