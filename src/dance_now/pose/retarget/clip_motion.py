"""Offline motion of a person over a whole clip: two passes, gap interpolation, zero-phase smoothing.

Left and right get their sides back where they were exchanged for a while. Then the clip is read twice.
Backwards first, to learn the person's proportions, the neutral face and the camera's slope; then forwards
with all that known. The size of the person from the two passes is averaged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.contacts.clip_contacts import hold_clip_contacts
from dance_now.pose.model.pose import Pose
from dance_now.pose.networks.temporal_lifter import lift_clip, open_temporal_lifter
from dance_now.pose.retarget.motion_state import PART_OF_LIMB, PART_OF_POINT, TRUNK, MotionState, part_centers
from dance_now.pose.retarget.retargeter import Retargeter
from dance_now.pose.smoothing.side_exchange import undo_side_exchanges
from dance_now.pose.smoothing.zero_phase import zero_phase_filter

Array = npt.NDArray[np.float64]

_BRIDGED_SECONDS: Final = 0.3
_ROW_SECONDS: Final = 0.4  # to each side
_RETURN_SECONDS: Final = 0.3  # blend to a limb that reappears after a longer time
_SEEN: Final = 0.5  # trust
# bounds of the noise, see ``zero_phase_filter``
_TURN_NOISE: Final = (0.02, 0.05)  # radians
_POINT_NOISE: Final = (0.006, 0.012)  # of the standing height
_SHARE_NOISE: Final = (0.05, 0.1)
_SIZE_NOISE: Final = (0.01, 0.02)
_PART_NOISE: Final = (0.003, 0.008)  # of the standing height; of the centers of body parts


def read_clip(
    retargeter: Retargeter,
    poses: Sequence[Pose | None],
    times: Sequence[float],
    size: tuple[int, int] | None = None,
    height_ratio: float = 1.0,
    camera: Array | None = None,
) -> list[MotionState | None]:
    """Reads the motion of a clip, smoothed without lag; input of ``Retargeter.build``.

    Args:
        retargeter: the character's, with smoothing; its state is reset.
        poses: the person's; None where the person was not found.
        times: seconds, rising.
        size: width and height of the image.
        height_ratio: the character's height over the person's, as ``Retargeter.build`` will be told.
        camera: (n, 2) pixels of the image by which the scene is displaced; None for a still camera.

    Returns:
        As many as there are poses; None where the person is missing for more than 0.3 s.
    """
    poses = undo_side_exchanges(poses, times)
    lifted = lift_clip(open_temporal_lifter(), poses, times)
    found = [index for index, pose in enumerate(poses) if pose is not None]
    reversed_found = list(reversed(found))
    start = times[-1] if len(times) else 0.0
    heights = retargeter.learn(
        (pose for pose in reversed(poses) if pose is not None),
        (start - times[index] for index in reversed_found),
        size,
        (lifted[index] for index in reversed_found),
    )
    backward_heights = dict(zip(reversed_found, heights, strict=True))
    readings: list[MotionState | None] = [None] * len(poses)
    for index in found:
        pose = poses[index]
        if pose is not None:
            reading = retargeter.read(pose, times[index], size, lifted[index])
            height = float(np.sqrt(reading.height * (backward_heights[index] or reading.height)))
            readings[index] = replace(reading, height=height)
    for first, last in _segments(found, times):
        readings[first : last + 1] = _smoothed(readings[first : last + 1], times[first : last + 1])
    return hold_clip_contacts(retargeter, readings, height_ratio, camera)


def _segments(found: Sequence[int], times: Sequence[float]) -> Iterator[tuple[int, int]]:
    """Yields first and last frame of each segment in which the person is never missing for long."""
    begin = 0
    for position in range(1, len(found) + 1):
        if position == len(found) or times[found[position]] - times[found[position - 1]] > _BRIDGED_SECONDS:
            yield found[begin], found[position - 1]
            begin = position


def _smoothed(readings: Sequence[MotionState | None], times: Sequence[float]) -> list[MotionState]:
    """Smooths the states of one segment, its gaps interpolated; its first and last frames are present."""
    segment = _Segment(readings, times)
    height = np.exp(
        segment.smooth("height", _SIZE_NOISE, transform=lambda rows: np.log(np.maximum(rows, 1.0)))
    )
    unit = float(np.median(height))
    parts = segment.parts(unit)
    tracks = {
        "limbs": segment.smooth("limbs", _TURN_NOISE, "limb_trust", cues=parts[:, PART_OF_LIMB]),
        "ends": segment.smooth("ends", _TURN_NOISE, "end_trust"),
        "fingers": segment.smooth("fingers", _TURN_NOISE, "finger_trust"),
        "points": unit
        * segment.smooth(
            "points", _POINT_NOISE, "point_trust", lambda rows: rows / unit, cues=parts[:, PART_OF_POINT]
        ),
        **{
            name: segment.smooth(name, _SHARE_NOISE) for name in ("expression", "point_trust", "foot_contact")
        },
    }
    visible_fraction = segment.smooth("visible_fraction", _SHARE_NOISE)
    hidden_below = segment.median_row("hidden_below")
    return [
        replace(
            reading,
            time=times[index],
            height=float(height[index]) if reading.height > 0 else 0.0,
            visible_fraction=float(visible_fraction[index]),
            hidden_below=float(hidden_below[index]),
            **{name: rows[index].astype(np.float32) for name, rows in tracks.items()},
        )
        for index, reading in enumerate(segment.held)
    ]


class _Segment:
    """States of one segment as arrays over time.

    Attributes:
        held: the states, each missing one replaced by the last before it.
    """

    def __init__(self, readings: Sequence[MotionState | None], times: Sequence[float]) -> None:
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
        transform: Callable[[Array], Array] = np.asarray,
        cues: Array | None = None,
    ) -> Array:
        """Interpolates and smooths one attribute over time.

        Args:
            name: the attribute: numbers, rows of vectors, or (fingers) a row of numbers for each side.
            noise: see ``zero_phase_filter``.
            trust: the attribute with the trust in each row; without, all rows are trusted.
            transform: applied before smoothing.
            cues: of motion, see ``zero_phase_filter``.
        """
        values = transform(self._rows(name))
        vectors = values.reshape(len(values), -1, 1) if trust is None or name == "fingers" else values
        seen = np.broadcast_to(self._there[:, None], vectors.shape[:2])
        if trust is not None:
            trusted = self._rows(trust) >= _SEEN
            seen = seen & np.repeat(trusted, vectors.shape[1] // trusted.shape[1], axis=1)
        bridged = _interpolate_gaps(vectors, seen, self._clock)
        return zero_phase_filter(bridged, self._step, noise, cues, _PART_NOISE).reshape(values.shape)

    def median_row(self, name: str) -> Array:
        """Running median (n,) of a row of the image, infinite where most frames have none."""
        rows = self._rows(name)
        if not np.isfinite(rows).any():
            return rows
        half = max(1, round(_ROW_SECONDS / max(self._step, 1e-6)))
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(rows, half, mode="edge"), 2 * half + 1)
        return np.asarray(np.sort(windows, axis=1)[:, half])

    def parts(self, unit: float) -> Array:
        """Centers (n, 6, 2, 2) of each body part and of the trunk, which moves all parts, in units."""
        where = part_centers(self._rows("points") / unit, self._rows("point_trust"))
        return np.stack([where, np.repeat(where[:, TRUNK, None], where.shape[1], axis=1)], axis=2)

    def _rows(self, name: str) -> Array:
        return np.stack([np.asarray(getattr(reading, name), np.float64) for reading in self.held])


def _interpolate_gaps(rows: Array, seen: npt.NDArray[np.bool_], clock: Array) -> Array:
    """Interpolates short gaps of (n, k, d) rows, where not ``seen`` (n, k).

    After longer gaps, rows are blended slowly into what is seen again.
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
