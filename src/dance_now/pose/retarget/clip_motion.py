"""A person's motion over a whole clip: nothing drifts at its start, short gaps are bridged, no lag.

The clip is read twice. Backwards first, to learn the person's proportions, the neutral face and the camera's
slope; then forwards with all that known. The size of the person as seen from before and from behind is
averaged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.pose import Pose
from dance_now.pose.retarget.motion_state import PART_OF_LIMB, PART_OF_PLACE, TRUNK, Reading, middles
from dance_now.pose.retarget.retargeter import Retargeter
from dance_now.pose.smoothing.zero_phase import zero_phase

Array = npt.NDArray[np.float64]

_BRIDGED_SECONDS: Final = 0.3
_RETURN_SECONDS: Final = 0.3  # to what is seen again after a longer time
_SEEN: Final = 0.5  # trust
# how much noise there can be, see ``zero_phase``
_TURN_NOISE: Final = (0.02, 0.05)  # radians
_PLACE_NOISE: Final = (0.006, 0.012)  # of the standing height
_SHARE_NOISE: Final = (0.05, 0.1)
_SIZE_NOISE: Final = (0.01, 0.02)
_PART_NOISE: Final = (0.003, 0.008)  # of the standing height; of the middles of parts of the body


def read_clip(
    retargeter: Retargeter,
    poses: Sequence[Pose | None],
    times: Sequence[float],
    size: tuple[int, int] | None = None,
) -> list[Reading | None]:
    """What a person does in each frame of a clip, smoothed without lag; to be given to ``Retargeter.build``.

    Args:
        retargeter: the character's, with smoothing; it forgets what it knew.
        poses: the person's; None where it was not found.
        times: seconds, rising.
        size: width and height of the picture.

    Returns:
        As many as there are poses; None where the person is missing for more than 0.3 s.
    """
    found = [index for index, pose in enumerate(poses) if pose is not None]
    back = list(reversed(found))
    start = times[-1] if len(times) else 0.0
    heights = retargeter.learn(
        (pose for pose in reversed(poses) if pose is not None), (start - times[index] for index in back), size
    )
    behind = dict(zip(back, heights, strict=True))
    readings: list[Reading | None] = [None] * len(poses)
    for index in found:
        pose = poses[index]
        if pose is not None:
            reading = retargeter.read(pose, times[index], size)
            height = float(np.sqrt(reading.height * (behind[index] or reading.height)))
            readings[index] = replace(reading, height=height)
    for first, last in _scenes(found, times):
        readings[first : last + 1] = _smoothed(readings[first : last + 1], times[first : last + 1])
    return readings


def _scenes(found: Sequence[int], times: Sequence[float]) -> Iterator[tuple[int, int]]:
    """First and last frame of each time in which the person is never missing for long."""
    begin = 0
    for position in range(1, len(found) + 1):
        if position == len(found) or times[found[position]] - times[found[position - 1]] > _BRIDGED_SECONDS:
            yield found[begin], found[position - 1]
            begin = position


def _smoothed(readings: Sequence[Reading | None], times: Sequence[float]) -> list[Reading]:
    """Readings of one scene, its gaps bridged; its first and last frames are there."""
    scene = _Scene(readings, times)
    height = np.exp(
        scene.smooth("height", _SIZE_NOISE, turned_into=lambda rows: np.log(np.maximum(rows, 1.0)))
    )
    unit = float(np.median(height))
    parts = scene.parts(unit)
    tracks = {
        "limbs": scene.smooth("limbs", _TURN_NOISE, "limb_trust", signs=parts[:, PART_OF_LIMB]),
        "ends": scene.smooth("ends", _TURN_NOISE, "end_trust"),
        "fingers": scene.smooth("fingers", _TURN_NOISE, "finger_trust"),
        "places": unit
        * scene.smooth(
            "places", _PLACE_NOISE, "place_trust", lambda rows: rows / unit, signs=parts[:, PART_OF_PLACE]
        ),
        **{name: scene.smooth(name, _SHARE_NOISE) for name in ("expression", "place_trust", "standing")},
    }
    shown = scene.smooth("shown", _SHARE_NOISE)
    return [
        replace(
            reading,
            time=times[index],
            height=float(height[index]) if reading.height > 0 else 0.0,
            shown=float(shown[index]),
            **{name: rows[index].astype(np.float32) for name, rows in tracks.items()},
        )
        for index, reading in enumerate(scene.held)
    ]


class _Scene:
    """The readings of one scene as rows over time.

    Attributes:
        held: the readings, each missing one replaced by the last before it.
    """

    def __init__(self, readings: Sequence[Reading | None], times: Sequence[float]) -> None:
        self._clock = np.array(times, np.float64)
        self._step = float(np.median(np.diff(self._clock))) if len(times) > 1 else 1.0
        self._there = np.array([reading is not None for reading in readings])
        latest = np.maximum.accumulate(np.where(self._there, np.arange(len(readings)), 0))
        self.held = [reading for reading in (readings[index] for index in latest) if reading is not None]

    def smooth(
        self,
        name: str,
        noise: tuple[float, float],
        trust: str | None = None,
        turned_into: Callable[[Array], Array] = np.asarray,
        signs: Array | None = None,
    ) -> Array:
        """One attribute of the readings over time, bridged and smoothed.

        Args:
            name: the attribute: numbers, rows of vectors, or (fingers) a row of numbers for each side.
            noise: see ``zero_phase``.
            trust: the attribute that tells which rows were seen; without, all were.
            turned_into: what is to be smoothed.
            signs: of motion, see ``zero_phase``.
        """
        values = turned_into(self._rows(name))
        vectors = values.reshape(len(values), -1, 1) if trust is None or name == "fingers" else values
        seen = np.broadcast_to(self._there[:, None], vectors.shape[:2])
        if trust is not None:
            trusted = self._rows(trust) >= _SEEN
            seen = seen & np.repeat(trusted, vectors.shape[1] // trusted.shape[1], axis=1)
        bridged = _bridged(vectors, seen, self._clock)
        return zero_phase(bridged, self._step, noise, signs, _PART_NOISE).reshape(values.shape)

    def parts(self, unit: float) -> Array:
        """(n, 6, 2, 2) middles of each part of the body and of the trunk, which takes all along, in units."""
        where = middles(self._rows("places") / unit, self._rows("place_trust"))
        return np.stack([where, np.repeat(where[:, TRUNK, None], where.shape[1], axis=1)], axis=2)

    def _rows(self, name: str) -> Array:
        return np.stack([np.asarray(getattr(reading, name), np.float64) for reading in self.held])


def _bridged(rows: Array, seen: npt.NDArray[np.bool_], clock: Array) -> Array:
    """(n, k, d) rows; those not ``seen`` (n, k) for a short time lie between what is seen before and after.

    After a longer time, they come back slowly to what is seen again.
    """
    rows = rows.copy()
    for column in np.flatnonzero(~seen.all(axis=0)):
        edges = np.flatnonzero(np.diff(np.concatenate([[True], seen[:, column], [True]]).astype(np.int8)))
        for first, after in edges.reshape(-1, 2):
            if after == len(rows) or first == 0:
                continue
            begin, end = clock[first - 1], clock[after]
            slow = end - begin > _BRIDGED_SECONDS
            share = (clock[first:after] - begin) / (end - begin)
            if slow:
                share = np.clip(1 - (end - clock[first:after]) / _RETURN_SECONDS, 0.0, 1.0)
            start = rows[first:after, column] if slow else rows[first - 1, column]
            rows[first:after, column] = start + share[:, None] * (rows[after, column] - start)
    return rows
