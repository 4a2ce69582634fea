"""Temporal 2D-to-3D lifting network: directions of limbs, and the trust in them, from poses over time.

For each frame it sees what an estimator says of up to a second before it, and for files after it: 2D points,
their confidence, and the estimator's own depth where it has one. It returns directions of the trunk and limbs
in three dimensions with a concentration (that of a von Mises-Fisher distribution: the higher, the surer). It
also learned where the sky is and how tall the person is, which helps the directions and is not used itself.

Frames are encoded one by one; a frame's result is computed from its own code and those of the frames nearest
to ``SLOT_SECONDS`` before and after it, so any frame rate will do. It is trained by ``scripts/lifter.py``.

Source: after Martinez et al., "A simple yet effective baseline for 3d human pose estimation", ICCV 2017 (the
residual layers), and Pavllo et al., "3D human pose estimation in video with temporal convolutions and
semi-supervised training", CVPR 2019 (frames at growing distances in time).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.body_scale import SEGMENTS
from dance_now.pose.model.keypoints import BODY, LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.pose.networks.lifter import LiftingNetwork, linear

NETWORK: Final = Path(__file__).with_name("temporal_lifter.npz")
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
_SEEN: Final = 0.05  # confidence
MIN_POINTS: Final = 5
"""Fewer points do not determine a body."""
_MEMORY_SECONDS: Final = 1.1
_CALM_SECONDS: Final = 0.06  # of the live lifter's directions
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
    seen = (readings[..., 2] > _SEEN).astype(np.float32)
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
        segments = _unit(points[..., end, :] - points[..., start, :]) * both
        found.append(np.concatenate([segments, up], axis=-2))
    result: FloatArray = np.stack(found, axis=-3)
    return result


def _unit(vectors: FloatArray) -> FloatArray:
    result: FloatArray = vectors / np.maximum(
        np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32(1e-6)
    )
    return result


@dataclass(frozen=True, eq=False)
class LiftedFrame:
    """What the network makes of one frame: x right, y up, z towards the viewer along the ray to the hips.

    Attributes:
        directions: (19, 3) unit vectors along SEGMENTS.
        concentration: (19,) of each, of a von Mises-Fisher distribution.
        neighbours: how many of the slots had a frame; 0 for a photo.
    """

    directions: FloatArray
    concentration: FloatArray
    neighbours: int


def _mirrored(readings: FloatArray) -> FloatArray:
    """Readings (n, 29, 5) of the mirror images."""
    result: FloatArray = readings[:, MIRRORED_ROWS] * np.array([-1, 1, 1, 1, 1], np.float32)
    return result


@dataclass(frozen=True, eq=False)
class _Codes:
    """Codes of n frames and their mirror images.

    Attributes:
        hidden, code: (n, 2, W) and (n, 2, C).
        drawn: (n, 2, 2, 20, 3), see ``drawn_directions``.
        centre, size: (n, 2, 2) and (n, 2), see ``FrameInput``.
    """

    hidden: FloatArray
    code: FloatArray
    drawn: FloatArray
    centre: FloatArray
    size: FloatArray

    def rows(self, index: npt.NDArray[np.intp] | int | None) -> _Codes:
        return _Codes(
            self.hidden[index], self.code[index], self.drawn[index], self.centre[index], self.size[index]
        )


class TemporalLiftingNetwork:
    """The temporal network in numpy.

    Args:
        prior: depth of single frames, one of the features.
        arrays: weights (out, in) and biases (out,) by name, see ``training/lifter/temporal_network.py``.
    """

    def __init__(self, prior: LiftingNetwork, arrays: Mapping[str, np.ndarray]) -> None:
        single = {name: array.astype(np.float32) for name, array in arrays.items()}
        layers = {name.removesuffix(".weight") for name in single if name.endswith(".weight")}
        self._layers = {
            name: (np.ascontiguousarray(single[f"{name}.weight"].T), single[f"{name}.bias"])
            for name in layers
        }
        self._encoder = sorted({name.rpartition(".")[0] for name in layers if name.startswith("encoder.")})
        self._blocks = sorted({name.rpartition(".")[0] for name in layers if name.startswith("blocks.")})
        self._prior = prior

    def encode(self, readings: FloatArray) -> _Codes:
        """Encodes frames (n, 29, 5) and their mirror images, whose errors differ."""
        both = np.stack([readings, _mirrored(readings)], axis=1)
        frames = frame_input(both)
        seen = (both[..., 2:3] > _SEEN).astype(np.float32)
        points = np.concatenate([both[..., :2], seen], axis=-1)
        depth = self._prior(points.reshape(-1, *points.shape[2:])).reshape(seen.shape[:-1])
        depth = np.clip(depth / frames.size[..., None] * seen[..., 0], -5, 5)
        features = np.concatenate([frames.features, depth], axis=-1)
        hidden = self._layer("first", features)
        for block in self._encoder:
            hidden = self._block(block, hidden)
        hidden = np.maximum(hidden, 0)
        drawn = drawn_directions(features)
        return _Codes(hidden, self._layer("code", hidden), drawn, frames.centre, frames.size)

    def combine(
        self, own: _Codes, others: _Codes, near: npt.NDArray[np.bool_], seconds: npt.NDArray[np.float64]
    ) -> list[LiftedFrame]:
        """Results for n frames.

        Args:
            own: n frames.
            others: (n, 8) frames at the slots.
            near: (n, 8) which of them are there.
            seconds: (n, 8) between them and the frames.
        """
        code, centre, size = (
            np.swapaxes(each, 1, 2) for each in (others.code, others.centre, others.size)
        )  # (n, 2, 8, ...)
        flags = np.broadcast_to(near[:, None, :, None], (*code.shape[:3], 1)).astype(np.float32)
        since = np.broadcast_to(seconds[:, None].astype(np.float32), code.shape[:3])
        relations = slot_relations(own.centre[:, :, None], own.size[..., None], centre, size, since)
        slots = np.concatenate([code * flags, relations * flags, flags], axis=-1)
        values = self._layer(
            "join", np.concatenate([own.hidden, slots.reshape(*slots.shape[:2], -1)], axis=-1)
        )
        for block in self._blocks:
            values = self._block(block, values)
        found = self._layer("last", np.maximum(values, 0))
        vectors = found[..., : 4 * OUTPUTS].reshape(*found.shape[:2], OUTPUTS, 4)
        share = np.clip(found[..., 4 * OUTPUTS + 2 :, None] - LIFTED_MORE, -30, 30)
        share = 1 / (1 + np.exp(-share))
        drawn = share * own.drawn[..., 0, :, :] + (1 - share) * own.drawn[..., 1, :, :]
        directions = _unit(vectors[..., :3] + drawn)
        directions = _unit(directions[:, 0] + directions[:, 1, MIRRORED_OUTPUTS] * MIRRORED_SIGNS)
        surely = (vectors[:, 0, :, 3] + vectors[:, 1, MIRRORED_OUTPUTS, 3]) / 2
        surely = np.exp(np.clip(surely + USUAL_LOG_CONCENTRATION, -3, 7))
        counts = near.sum(axis=1).tolist()
        return [
            LiftedFrame(each[:-1], trust[:-1], count)
            for each, trust, count in zip(directions, surely, counts, strict=True)
        ]

    def _layer(self, name: str, values: FloatArray) -> FloatArray:
        return linear(values, *self._layers[name])

    def _block(self, name: str, values: FloatArray) -> FloatArray:
        inner = np.maximum(self._layer(f"{name}.inner", np.maximum(values, 0)), 0)
        return values + self._layer(f"{name}.outer", inner)


class LiveLifter:
    """Lifts one person's poses as they come."""

    def __init__(self, network: TemporalLiftingNetwork) -> None:
        self._network = network
        self.reset()

    def reset(self) -> None:
        """Forgets all frames."""
        self._times: list[float] = []
        self._codes: list[_Codes] = []
        self._latest: LiftedFrame | None = None

    def __call__(self, pose: Pose, time: float) -> LiftedFrame | None:
        """Lifts the next pose; None where it has too few points. ``time`` in seconds, rising."""
        if self._times and time <= self._times[-1]:
            self.reset()
        readings = readings_of([pose])
        if not is_liftable(readings)[0]:
            return None
        self._times.append(time)
        self._codes.append(self._network.encode(readings).rows(0))
        while time - self._times[0] > _MEMORY_SECONDS:
            del self._times[0], self._codes[0]
        times = np.array(self._times)
        others, near = choose_slots(times, len(times) - 1)
        seconds = times[others] - time
        codes = _stacked([self._codes[index] for index in others])
        (found,) = self._network.combine(
            self._codes[-1].rows(None), codes.rows(None), near[None], seconds[None]
        )
        return self._calmed(found)

    def _calmed(self, found: LiftedFrame) -> LiftedFrame:
        """Averages directions with those before: the drawn ones follow the image, so depth alone lags."""
        if self._latest is not None and len(self._times) > 1:
            keep = np.float32(np.exp((self._times[-2] - self._times[-1]) / _CALM_SECONDS))
            mixed = found.directions + keep * (self._latest.directions - found.directions)
            found = replace(found, directions=_unit(mixed))
        self._latest = found
        return found


def lift_clip(
    network: TemporalLiftingNetwork, poses: Sequence[Pose | None], times: Sequence[float]
) -> list[LiftedFrame | None]:
    """Lifts the poses of a clip, looking both ways; None where there is no pose, or too few points."""
    found = [index for index, pose in enumerate(poses) if pose is not None]
    if not found:
        return [None] * len(poses)
    readings = readings_of([pose for pose in poses if pose is not None])
    use = np.flatnonzero(is_liftable(readings))
    lifted: list[LiftedFrame | None] = [None] * len(poses)
    if len(use):
        clock = np.array([times[found[index]] for index in use], np.float64)
        results = _lifted(network, network.encode(readings[use]), clock, np.arange(len(use)))
        for index, result in zip(use, results, strict=True):
            lifted[found[index]] = result
    return lifted


def is_liftable(readings: FloatArray) -> npt.NDArray[np.bool_]:
    """Which of readings (n, 29, 5) have enough points."""
    enough: npt.NDArray[np.bool_] = (readings[..., 2] > _SEEN).sum(axis=-1) >= MIN_POINTS
    return enough


def _lifted(
    network: TemporalLiftingNetwork,
    codes: _Codes,
    times: npt.NDArray[np.float64],
    wanted: npt.NDArray[np.intp],
) -> list[LiftedFrame]:
    slots = [choose_slots(times, int(index)) for index in wanted]
    others, near = (np.stack(part) for part in zip(*slots, strict=True))
    return network.combine(
        codes.rows(wanted), codes.rows(others), near, times[others] - times[wanted][:, None]
    )


def _stacked(codes: Sequence[_Codes]) -> _Codes:
    names = ("hidden", "code", "drawn", "centre", "size")
    return _Codes(*(np.stack([getattr(each, name) for each in codes]) for name in names))


@cache
def open_temporal_lifter() -> TemporalLiftingNetwork:
    """The network that ships."""
    with np.load(NETWORK, allow_pickle=False) as arrays:
        return TemporalLiftingNetwork(LiftingNetwork.load(), dict(arrays))
