"""Foot plants: when each foot of a person stands, and where on the character it is held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.contacts.contact_state import Stance
from dance_now.pose.contacts.foot_contacts import ANKLES, HEELS, TOES
from dance_now.pose.contacts.intervals import Mask, smooth_over_time, true_intervals, with_hysteresis
from dance_now.pose.model.vectors import length, normalised
from dance_now.pose.retarget.motion_state import MotionState

Array = npt.NDArray[np.float64]

SLOW, QUICK = 0.16, 0.3  # heights a second: a standing foot is slower, a stepping one quicker
_SPEED_SECONDS: Final = 0.05  # to each side
_LONG_SECONDS, _LONG_WAY = 0.2, 0.025  # a foot that goes further, in heights, slides on purpose
_SHORTEST_SECONDS: Final = 0.12
_STILL_SECONDS: Final = 0.4  # a foot so long at rest stands, wherever it is
_BRIDGED_SECONDS: Final = 0.07
_RETURN_SECONDS: Final = 0.3
_SAME_PLACE: Final = 0.035  # heights
_LOW: Final = 0.3  # mean ground contact of a foot that stands
_BLEND_SECONDS: Final = 0.16  # into and out of a stance
_FLAT_SECONDS: Final = 0.06  # standard deviation of the blend to and from a flat sole
_SEEN: Final = 0.3


@dataclass(frozen=True, eq=False)
class FootPath:
    """A character's feet over time, as they move when nothing holds them: view frame, pixels.

    Attributes:
        toes: (n, 2, 2) left and right big toe.
        headings: (n, 2, 3) unit directions from ankle to toe.
        lowest: (n, 2) lowest allowed height of each toe, so that its sole is not below the person's.
    """

    toes: Array
    headings: Array
    lowest: Array


def detect_plants(states: Sequence[MotionState], camera: Array) -> tuple[Mask, Mask]:
    """Masks (n, 2) of frames of a segment in which the ball of each foot stands, and the whole sole.

    Args:
        states: evenly spaced, smoothed.
        camera: (n, 2) pixels of the view frame by which the still scene is displaced, near the feet.
    """
    clock = np.array([state.time for state in states])
    step = max(float(np.median(np.diff(clock))), 1e-3) if len(states) > 1 else 1.0
    height = np.median([state.height for state in states])
    points = np.stack([state.points for state in states]).astype(np.float64) - camera[:, None]
    trust = np.stack([state.point_trust for state in states])
    contact = np.stack([state.foot_contact for state in states])
    balls, soles = np.zeros((len(states), 2), bool), np.zeros((len(states), 2), bool)
    for foot in range(2):
        rows = [TOES[foot], HEELS[foot], ANKLES[foot]]
        places = points[:, rows] / max(height, 1.0)
        speeds = _speeds(places, step)
        seen = trust[:, rows].min(axis=1) > _SEEN
        ball = _without_slides(_slow(speeds[:, 0], seen, step), places[:, 0], step)
        for first, after in true_intervals(ball):
            low = float(contact[first:after, foot].mean()) > _LOW
            if not low and (after - first) * step < _STILL_SECONDS:
                ball[first:after] = False
        balls[:, foot] = ball
        soles[:, foot] = ball & _slow(speeds[:, 1:].max(axis=1), seen, step)
    return balls, soles


def hold_feet(states: Sequence[MotionState], path: FootPath, camera: Array) -> list[MotionState]:
    """Adds to the states of a segment where the character's feet are held: one place for each stance.

    Args:
        states: evenly spaced, smoothed.
        path: of the character's feet in these states.
        camera: see ``detect_plants``.
    """
    if len(states) < 3:
        return list(states)
    clock = np.array([state.time for state in states])
    step = max(float(np.median(np.diff(clock))), 1e-3)
    balls, soles = detect_plants(states, camera)
    height = float(np.median([state.height for state in states]))
    stances = [_stances(balls[:, f], soles[:, f], _one_foot(path, f), camera, step, height) for f in range(2)]
    result = []
    for index, state in enumerate(states):
        contacts = state.contacts
        if contacts is None:
            result.append(state)
            continue
        planted, anchors, flat, headings = (
            np.stack([stances[foot][part][index] for foot in range(2)]) for part in range(4)
        )
        stance = Stance(planted, anchors, flat, headings)
        result.append(replace(state, contacts=replace(contacts, stance=stance)))
    return result


def _one_foot(path: FootPath, foot: int) -> FootPath:
    return FootPath(path.toes[:, foot], path.headings[:, foot], path.lowest[:, foot])


def _stances(
    ball: Mask, sole: Mask, path: FootPath, camera: Array, step: float, height: float
) -> tuple[Array, Array, Array, Array]:
    """Shares (n,) and anchors (n, 2) of the ball, shares (n,) and headings (n, 3) of the sole; one foot's."""
    count = len(ball)
    planted, anchors = np.zeros(count), path.toes.copy()
    flat, headings = np.zeros(count), path.headings.copy()
    parts = _joined(true_intervals(ball), path.toes - camera, height, step)
    blend = max(1, round(_BLEND_SECONDS / step))
    ground = path.toes - camera
    for index, (first, after) in enumerate(parts):
        whole = np.flatnonzero(sole[first:after]) + first
        used = whole if len(whole) else np.arange(first, after)
        anchor = np.median(ground[used], axis=0)
        anchor[1] = max(anchor[1], float(np.median((path.lowest - camera[:, 1])[used])))
        before = 0 if index == 0 else (parts[index - 1][1] + first + 1) // 2
        behind = count if index + 1 == len(parts) else (after + parts[index + 1][0] + 1) // 2
        begin, end = max(before, first - blend), min(behind, after + blend)
        anchors[begin:end] = anchor + camera[begin:end]
        planted[first:after] = 1.0
        planted[begin:first] = _ramp(first - begin)
        planted[after:end] = _ramp(end - after)[::-1]
        if len(whole):
            heading = normalised(path.headings[whole].mean(axis=0))
            headings[begin:end] = heading
            flat[whole[0] : whole[-1] + 1] = 1.0
    flat = smooth_over_time(flat, _FLAT_SECONDS / step)
    return planted, anchors, flat, headings


def _joined(parts: list[tuple[int, int]], places: Array, height: float, step: float) -> list[tuple[int, int]]:
    """Stances of which those are one that are at the same place and have only a short gap between them.

    An estimator that exchanges the legs for some frames makes such gaps.
    """
    joined: list[tuple[int, int]] = []
    for first, after in parts:
        if joined and (first - joined[-1][1]) * step <= _RETURN_SECONDS:
            before = np.median(places[slice(*joined[-1])], axis=0)
            if np.linalg.norm(np.median(places[first:after], axis=0) - before) < _SAME_PLACE * height:
                joined[-1] = (joined[-1][0], after)
                continue
        joined.append((first, after))
    return joined


def _ramp(count: int) -> Array:
    share = np.arange(1, count + 1) / (count + 1)
    return np.asarray(share * share * (3 - 2 * share))


def _speeds(points: Array, step: float) -> Array:
    """Speeds (n, k) of points (n, k, 2), over some frames."""
    reach = max(1, round(_SPEED_SECONDS / step))
    padded = np.concatenate([np.repeat(points[:1], reach, 0), points, np.repeat(points[-1:], reach, 0)])
    ways = padded[2 * reach :] - padded[: -2 * reach]
    index = np.arange(len(points))  # frames at the ends span less
    spans = np.minimum(index + reach, len(points) - 1) - np.maximum(index - reach, 0)
    result: Array = length(ways)[..., 0] / (np.maximum(spans, 1)[:, None] * step)
    return result


def _without_slides(mask: Mask, places: Array, step: float) -> Mask:
    """The mask (n,) without the frames in which a slow point (n, 2), in heights, goes on and on."""
    result = mask.copy()
    reach = max(1, round(_LONG_SECONDS / step))
    for first, after in true_intervals(mask):
        index = np.arange(first, after)
        behind = places[index] - places[np.maximum(index - reach, first)]
        ahead = places[np.minimum(index + reach, after - 1)] - places[index]
        ways = np.minimum(length(behind), length(ahead))[:, 0]
        result[first:after] = ways < _LONG_WAY
    return result


def _slow(speed: Array, seen: Mask, step: float) -> Mask:
    """Mask (n,) of a point that stands."""
    stillness = np.where(seen, QUICK - speed, -1.0)
    return with_hysteresis(stillness, QUICK - SLOW, 0.0, step, _SHORTEST_SECONDS, _BRIDGED_SECONDS)
