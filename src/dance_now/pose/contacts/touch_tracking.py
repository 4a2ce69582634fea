"""Touch tracking: touches over time with hysteresis, eased in and out; for whole clips, and live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.contacts.contact_state import ContactReading, Touch
from dance_now.pose.contacts.intervals import smooth_over_time, true_intervals, with_hysteresis
from dance_now.pose.contacts.touch_detection import Touches, detect_touches, slowness
from dance_now.pose.retarget.limb_depth import leveling_rotation
from dance_now.pose.retarget.motion_state import MotionState

Array = npt.NDArray[np.float64]

_ON, _OFF = 0.6, 0.35  # evidence at which a touch begins, and at which it ends
_SHORTEST_SECONDS: Final = 0.2
_BRIDGED_SECONDS: Final = 0.15
_EASE_SECONDS: Final = 0.1  # standard deviation of the easing of a touch
_SPEED_SECONDS: Final = 0.1
_PLACE_SECONDS: Final = 0.08
_LIVE_EASE_SECONDS: Final = 0.12
_LIVE_PLACE_SECONDS: Final = 0.15
_LIVE_SPEED_SECONDS: Final = 0.08


def single_touch(state: MotionState) -> Touch:
    """The touch in a state that stands alone, as of a photo."""
    if state.contacts is None or state.height <= 0:
        return Touch()
    touches = _detected([state], [state.contacts.reading])[0]
    return Touch(touches.strength[0], touches.landmarks[0], touches.probes[0], touches.offsets[0])


def track_clip_touches(states: Sequence[MotionState]) -> list[MotionState]:
    """Adds the touches of a segment of a clip to its states, which are smoothed already; without lag."""
    contacts = [state.contacts for state in states if state.contacts is not None]
    if len(contacts) < len(states) or len(states) < 3:
        return list(states)
    clock = np.array([state.time for state in states])
    step = max(float(np.median(np.diff(clock))), 1e-3)
    touches, landmarks, probes = _detected(states, [each.reading for each in contacts])
    calm = slowness(touches, _speed(landmarks, step), _speed(probes, step))
    strength = smooth_over_time(touches.strength * calm, _PLACE_SECONDS / step)
    result = []
    share = np.zeros_like(strength)
    tables = []
    for hand in range(2):
        on = with_hysteresis(strength[:, hand], _ON, _OFF, step, _SHORTEST_SECONDS, _BRIDGED_SECONDS)
        share[:, hand] = smooth_over_time(on.astype(np.float64), _EASE_SECONDS / step)
        tables.append([_held(rows[:, hand], on, step) for rows in _rows(touches)])
    for index, (state, contact) in enumerate(zip(states, contacts, strict=True)):
        parts = [np.stack([tables[0][part][index], tables[1][part][index]]) for part in range(3)]
        touch = Touch(share[index], *parts)
        result.append(replace(state, contacts=replace(contact, touch=touch)))
    return result


class LiveTouchTracker:
    """Tracks touches frame by frame, causally."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Forgets all touches."""
        self._touch = Touch()
        self._on = np.zeros(2, bool)
        self._speed: Array | None = None
        self._before: Array | None = None
        self._time = -np.inf

    def __call__(self, state: MotionState) -> Touch:
        """The touch in the next frame's state."""
        if state.contacts is None or state.height <= 0:
            return self._touch
        touches, landmarks, probes = _detected([state], [state.contacts.reading])
        step = state.time - self._time
        self._time = state.time
        places = np.concatenate([landmarks.reshape(-1, 3), probes.reshape(-1, 3)])[:, :2]
        if self._before is None or not 0 < step < 1:
            self._before, self._speed = places, None
            return self._touch
        keep = float(np.exp(-step / _LIVE_SPEED_SECONDS))
        raw = (places - self._before) / step
        self._before = places
        self._speed = raw if self._speed is None else keep * self._speed + (1 - keep) * raw
        count = landmarks.shape[1]
        speeds = self._speed[None, :count], self._speed[count:].reshape(1, 2, -1, 2)
        strength = (touches.strength * slowness(touches, *speeds))[0]
        self._on = np.where(self._on, strength > _OFF, strength > _ON)
        self._touch = self._eased(touches, step)
        return self._touch

    def _eased(self, touches: Touches, step: float) -> Touch:
        """The last touch, moved on towards the detected ones."""
        old = self._touch
        ease = 1 - float(np.exp(-step / _LIVE_EASE_SECONDS))
        share = old.share + ease * (self._on - old.share)
        place = 1 - float(np.exp(-step / _LIVE_PLACE_SECONDS))
        # A hand that begins to touch is held where it touches; one that leaves, where it touched last.
        rate = np.where(self._on, np.where(old.share < 0.02, 1.0, place), 0.0)
        known = [
            before + rate.reshape((2,) + (1,) * (before.ndim - 1)) * (now[0] - before)
            for before, now in zip((old.landmarks, old.probes, old.offsets), _rows(touches), strict=True)
        ]
        return Touch(share, *known)


def _detected(
    states: Sequence[MotionState], readings: Sequence[ContactReading]
) -> tuple[Touches, Array, Array]:
    height = np.array([max(state.height, 1.0) for state in states])
    return detect_touches(
        np.stack([reading.points for reading in readings]),
        np.stack([reading.trust for reading in readings]),
        np.stack([reading.palms for reading in readings]),
        np.stack([np.asarray(state.limbs, np.float64) for state in states]),
        np.stack([leveling_rotation(state.slope) for state in states]),
        height,
    )


def _rows(touches: Touches) -> tuple[Array, Array, Array]:
    return touches.landmarks, touches.probes, touches.offsets


def _speed(places: Array, step: float) -> Array:
    """Speeds (n, ..., 2) in the image, over some frames."""
    smooth = smooth_over_time(places[..., :2], 0.5 * _SPEED_SECONDS / step)
    result: Array = np.gradient(smooth, step, axis=0)
    return result


def _held(rows: Array, on: npt.NDArray[np.bool_], step: float) -> Array:
    """Rows (n, ...) smoothed within each touch; outside of touches, those of the nearest one."""
    held = rows * 0.0
    parts = true_intervals(on)
    for index, (first, after) in enumerate(parts):
        smooth = smooth_over_time(rows[first:after], _PLACE_SECONDS / step)
        begin = 0 if index == 0 else (parts[index - 1][1] + first) // 2
        end = len(rows) if index + 1 == len(parts) else (after + parts[index + 1][0]) // 2
        held[begin:first], held[first:after], held[after:end] = smooth[0], smooth, smooth[-1]
    return held
