"""Input of the temporal lifting network: normalised poses, and frames at growing distances in time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.body_scale import SEGMENTS
from dance_now.pose.model.keypoints import BODY, LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.pose import Pose

# the body, and of each hand the first knuckles of index and little finger
LIFTED: Final = (
    *range(BODY.start, BODY.stop),
    *(hand.start + knuckle for hand in (LEFT_HAND, RIGHT_HAND) for knuckle in (5, 17)),
)
_ROW: Final = {point: row for row, point in enumerate(LIFTED)} | {
    LEFT_HAND.start: 7,
    RIGHT_HAND.start: 4,
}
SEGMENT_ROWS: Final = np.array([[_ROW[int(start)], _ROW[int(end)]] for start, end in SEGMENTS])
"""Rows (19, 2) of ``LIFTED`` where each of SEGMENTS starts and ends; hands start at the body's wrists."""
_SIDES: Final = (
    *((2, 5), (3, 6), (4, 7), (9, 12), (10, 13), (11, 14), (15, 16), (17, 18), (19, 22), (20, 23)),
    *((21, 24), (25, 27), (26, 28)),
)
_MIRROR: Final = {one: other for pair in _SIDES for one, other in (pair, pair[::-1])}
MIRRORED_ROWS: Final = np.array([_MIRROR.get(row, row) for row in range(len(LIFTED))])
"""Row of ``LIFTED`` of the other side."""
# Hips, shoulders, trunk, the others by pairs, the sky; hips and shoulders run from right to left.
MIRRORED_OUTPUTS: Final = np.array([0, 1, 2, *(3 + (row ^ 1) for row in range(len(SEGMENTS) - 3)), 19])
MIRRORED_SIGNS: Final = np.where(
    np.arange(len(SEGMENTS) + 1)[:, None] < 2,
    np.array([1, -1, -1], np.float32),
    np.array([-1, 1, 1], np.float32),
)
SLOT_SECONDS: Final = np.array([-0.8, -0.4, -0.2, -0.1, 0.1, 0.2, 0.4, 0.8])
_SLOT_TOLERANCE: Final = 0.3  # of a slot's time
LEAST_CONFIDENCE: Final = 0.05
"""Of a point that counts as seen."""
MIN_POINTS: Final = 5
"""Fewer points do not determine a body."""
# What the network's outputs are added to.
LIFTED_MORE: Final = np.float32(0.8)  # log odds that the single-frame network's depth is the better one
USUAL_LOG_CONCENTRATION: Final = 2.5
USUAL_LOG_HEIGHT: Final = 1.3  # of the standing height, in spreads of the points
SHORTEST: Final = 1e-4
"""Least size of a person, in the unit of the points: what the network divides by."""
OUTPUTS: Final = len(SEGMENTS) + 1
"""Directions: SEGMENTS, and where the sky is."""


@dataclass(frozen=True, eq=False)
class FrameInput:
    """What the network sees of frames, (...,) of them.

    Attributes:
        features: (..., 146) places from the mean of the points seen, in units of their spread; whether seen,
            confidence, depth in the same unit; whether there is depth.
        centre: (..., 2) mean of the points seen.
        size: (...,) their spread.
    """

    features: FloatArray
    centre: FloatArray
    size: FloatArray


def readings_of(poses: Sequence[Pose]) -> FloatArray:
    """Readings (n, 29, 5) of poses: x, y, confidence, depth, 1 where there is depth; of LIFTED."""
    rows = list(LIFTED)
    return np.stack(
        [
            np.column_stack([pose.points[rows], pose.depth[rows], pose.has_depth[rows]]).astype(np.float32)
            for pose in poses
        ]
    )


def frame_input(readings: FloatArray) -> FrameInput:
    """Normalises readings (..., 29, 5); independent of where and how large a person is."""
    seen = (readings[..., 2] > LEAST_CONFIDENCE).astype(np.float32)
    count = np.maximum(seen.sum(axis=-1), np.float32(1))
    centre = (readings[..., :2] * seen[..., None]).sum(axis=-2) / count[..., None]
    offset = (readings[..., :2] - centre[..., None, :]) * seen[..., None]
    size = np.sqrt((offset * offset).sum(axis=(-2, -1)) / count)
    size = np.maximum(size, np.float32(SHORTEST))
    has = seen * readings[..., 4]
    known = has.sum(axis=-1)
    middle = (readings[..., 3] * has).sum(axis=-1) / np.maximum(known, np.float32(1))
    depth = (readings[..., 3] - middle[..., None]) * has / size[..., None]
    features = np.concatenate(
        [
            (offset / size[..., None, None]).reshape(*seen.shape[:-1], -1),
            seen,
            readings[..., 2] * seen,
            np.clip(depth, -5, 5),
            (known > 0)[..., None],
        ],
        axis=-1,
    )
    return FrameInput(features.astype(np.float32), centre.astype(np.float32), size.astype(np.float32))


def choose_slots(
    times: npt.NDArray[np.float64], index: int
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.bool_]]:
    """Frames (8,) nearest to SLOT_SECONDS from frame ``index``, and whether they are near enough."""
    wanted = times[index] + SLOT_SECONDS
    after = np.clip(np.searchsorted(times, wanted), 1, max(len(times) - 1, 1))
    after = np.minimum(after, len(times) - 1)
    before = np.maximum(after - 1, 0)
    nearest = np.where(np.abs(times[after] - wanted) < np.abs(times[before] - wanted), after, before)
    near = np.abs(times[nearest] - wanted) <= _SLOT_TOLERANCE * np.abs(SLOT_SECONDS)
    return nearest, near & (nearest != index)


def slot_relations(
    centre: FloatArray,
    size: FloatArray,
    other_centre: FloatArray,
    other_size: FloatArray,
    seconds: FloatArray,
) -> FloatArray:
    """How other frames relate to one (..., 4): shift in its unit, logarithm of the size ratio, seconds."""
    shift = np.clip((other_centre - centre) / size[..., None], -5, 5)
    return np.concatenate([shift, np.log(other_size / size)[..., None], seconds[..., None]], axis=-1).astype(
        np.float32
    )


def drawn_directions(features: FloatArray) -> FloatArray:
    """Directions (..., 2, 20, 3) as drawn, with the estimator's depth and with the single-frame network's.

    Those of segments of which a point is missing are 0; an estimator without depth gets the network's.

    Args:
        features: (..., 175) of ``FrameInput``, then the single-frame network's depth.
    """
    count = len(LIFTED)
    flat = features[..., : 2 * count].reshape(*features.shape[:-1], count, 2)
    seen = features[..., 2 * count : 3 * count]
    depth, has = features[..., 4 * count : 5 * count], features[..., 5 * count, None] > 0
    lifted = features[..., -count:]
    start, end = SEGMENT_ROWS.T
    both = (seen[..., start] * seen[..., end])[..., None]
    up = np.broadcast_to(np.array([0, 1, 0], np.float32), (*seen.shape[:-1], 1, 3))
    found = []
    for away in (np.where(has, depth, lifted), lifted):
        points = np.concatenate([flat * np.array([1, -1], np.float32), -away[..., None]], axis=-1)
        segments = unit(points[..., end, :] - points[..., start, :]) * both
        found.append(np.concatenate([segments, up], axis=-2))
    result: FloatArray = np.stack(found, axis=-3)
    return result


def unit(vectors: FloatArray) -> FloatArray:
    """Vectors (..., n) of length 1; zeros stay."""
    result: FloatArray = vectors / np.maximum(
        np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32(1e-6)
    )
    return result


def is_liftable(readings: FloatArray) -> npt.NDArray[np.bool_]:
    """Which of readings (n, 29, 5) have enough points."""
    enough: npt.NDArray[np.bool_] = (readings[..., 2] > LEAST_CONFIDENCE).sum(axis=-1) >= MIN_POINTS
    return enough
