"""A body's proportions from drawn poses of it: which lengths it has, and how large each picture shows it.

A picture shows lengths shortened, never longer, so each length is a high quantile over all pictures; how
large a picture shows the body is a high quantile over its limbs. The two are found in turns.
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

SEEN: Final = 0.2  # confidence from which a point is measured
_LONGEST: Final = 0.95  # quantile over pictures
_NEAREST: Final = 0.8  # quantile over limbs
_ROUNDS: Final = 8
_STEADY: Final = 0.05  # relative spread of sizes below which all pictures are taken for equally large
_EARS: Final = (17, 18)
_LEFT: Final = np.array([5, 6, 7, 12, 13, 14, 16, 18, 19, 20, 21, *range(LEFT_HAND.start, LEFT_HAND.stop)])
_RIGHT: Final = np.array([2, 3, 4, 9, 10, 11, 15, 17, 22, 23, 24, *range(RIGHT_HAND.start, RIGHT_HAND.stop)])
_HEAD_ROWS: Final = (0, 15, 16, 17, 18)
# Lengths with left and right together; those from the ears on are measured here alone.
_NAMES: Final = tuple(
    dict.fromkeys(name.removeprefix("left_").removeprefix("right_") for name in SEGMENT_NAMES)
)
_OF_SEGMENT: Final = np.array(
    [_NAMES.index(name.removeprefix("left_").removeprefix("right_")) for name in SEGMENT_NAMES]
)
_MEASURES: Final = (*_NAMES, "ears", "neck_to_ears")
_SIZING: Final = ("shoulders", "trunk", "upper_arm", "forearm", "thigh", "shin")  # long enough to tell a size


@dataclass(frozen=True, eq=False)
class MeasuredBody:
    """A body and how large each pose shows it.

    Attributes:
        skeleton: in T-pose, with the face points where faces were seen; as tall as an adult up to the
            neck, since nothing tells metres.
        scales: (n,) pixels a metre of each pose.
    """

    skeleton: Skeleton
    scales: Array


def measure_body(poses: Sequence[Pose]) -> MeasuredBody:
    """Estimates the body that ``poses`` show, in 2D, of any size.

    Raises:
        DanceNowError: too few limbs are seen anywhere.
    """
    drawn = np.array([_drawn_lengths(pose) for pose in poses])  # (n, m) NaN where not seen
    usual = _adult_lengths()
    sizing = [_MEASURES.index(name) for name in _SIZING]
    if not np.isfinite(drawn[:, sizing]).any():
        raise DanceNowError("No label shows a whole limb: a body cannot be measured from these keypoints.")
    scales, lengths = np.ones(len(poses)), _high(drawn, _LONGEST)
    for _ in range(_ROUNDS):
        ratios = drawn[:, sizing] / lengths[sizing]
        scales = _filled(_high(ratios.T, _NEAREST))
        if np.median(np.abs(scales / np.median(scales) - 1)) < _STEADY:
            scales = np.full(len(poses), float(np.median(scales)))
        lengths = _high(drawn / scales[:, None], _LONGEST)
    trunk_and_legs = [_MEASURES.index(name) for name in ("trunk", "thigh", "shin")]
    seen = [index for index in trunk_and_legs if np.isfinite(lengths[index])] or sizing
    to_metres = float(np.nansum(usual[seen]) / np.nansum(lengths[seen]))
    lengths = np.where(np.isfinite(lengths), lengths * to_metres, usual)
    scales = scales / to_metres
    skeleton = _stretched(dict(zip(_MEASURES, lengths.tolist(), strict=True)))
    return MeasuredBody(_with_head(skeleton, poses, scales), scales)


def seen_points(pose: Pose) -> tuple[Array, npt.NDArray[np.bool_]]:
    """(137, 2) points in the view frame and which are seen; neck and mid-hip from their neighbours."""
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
    """(m,) drawn lengths in the order of _MEASURES, the longer of left and right."""
    points, seen = seen_points(pose)
    flat = np.linalg.norm(points[SEGMENTS[:, 1]] - points[SEGMENTS[:, 0]], axis=1)
    flat[~seen[SEGMENTS].all(axis=1)] = np.nan
    lengths = [np.fmax.reduce(flat[index == _OF_SEGMENT]) for index in range(len(_NAMES))]
    both = seen[list(_EARS)].all()
    ears = points[list(_EARS)]
    lengths.append(float(np.linalg.norm(ears[0] - ears[1])) if both else np.nan)
    lengths.append(float(np.linalg.norm(ears.mean(axis=0) - points[1])) if both and seen[1] else np.nan)
    return np.array(lengths)


def _high(values: Array, quantile: float) -> Array:
    """Quantile over axis 0 of what is not NaN; NaN where nothing is."""
    result = np.full(values.shape[1], np.nan)
    for column, row in enumerate(values.T):
        known = row[np.isfinite(row)]
        if known.size:
            result[column] = np.quantile(known, quantile)
    return result


def _filled(values: Array) -> Array:
    """NaN replaced by the median."""
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


def _stretched(size: dict[str, float]) -> Skeleton:
    """The average adult with other lengths, standing on the ground."""
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
    """The skeleton with nose, eyes, ears and face as the pictures show them."""
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
