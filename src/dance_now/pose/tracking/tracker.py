"""Who is who from picture to picture: by place, motion and colors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.pose import Pose
from dance_now.pose.tracking.assignment import cheapest_pairs
from dance_now.pose.tracking.reidentification import likeness

MOST_PEOPLE: Final = 8
_PATIENCE: Final = 90  # pictures that somebody hidden is remembered
_TRIAL: Final = 6  # pictures that somebody new is watched: two people who cross may be read as a third
_JOINTS: Final = 15  # the first body points: head, trunk, arms and legs
_SEEN: Final = 0.3  # confidence
_SAME_PLACE: Final = 0.09  # mean distance, of the figure's extent, of two readings of one person
_DOUBT: Final = 0.12  # of the extent: the error of a prediction from the last picture
_GROWING_DOUBT: Final = 0.03  # for each picture that somebody was hidden
_LARGEST_DOUBT: Final = 0.6
_FARTHEST: Final = 3.0  # doubts
# Likeness of colors: on cut-out people, one's own were 0.87 and more, half hidden 0.7, others' 0.8 and less.
_OWN: Final = 0.93
_NOT_OWN: Final = 0.63
_COLOR_WEIGHT: Final = 1.8
_NO_COLORS: Final = 0.3  # unlikeness taken where colors are not known
_STRANGER: Final = 1.7  # cost from which somebody is somebody else
_REUNION: Final = 0.3  # cost of recognising somebody hidden instead of somebody who was there
_VELOCITY_SHARE: Final = 0.3
_DAMPING: Final = 0.93  # of a hidden person's motion, each picture
_COLOR_SHARE: Final = 0.05
_FIRST_COLORS: Final = 10  # pictures over which the first colors are averaged
_APART: Final = 0.02  # overlap of boxes up to which colors are surely one's own


@dataclass(frozen=True, eq=False)
class Sighting:
    """Somebody in one picture.

    Attributes:
        pose: pixels.
        colors: what ``appearance.colors_of`` gives.
    """

    pose: Pose
    colors: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class _Track:
    """Somebody known.

    Attributes:
        identity: their number; negative while they are on trial.
        pose: where they were last seen, moved on while they are hidden.
        velocity: (2,) pixels a picture.
        colors: their own, gathered while nobody was near.
        sampled: pictures that the colors come from.
        missed: pictures since they were seen.
        shown: pictures in which they were seen.
    """

    identity: int
    pose: Pose
    velocity: npt.NDArray[np.float64]
    colors: FloatArray | None
    sampled: int
    missed: int = 0
    shown: int = 1

    def moved_on(self) -> _Track:
        """Where they would be in the next picture."""
        step = self.velocity.tolist()
        return replace(
            self,
            pose=self.pose.transformed(1.0, (step[0], step[1])),
            velocity=self.velocity * (_DAMPING if self.missed else 1.0),
            missed=self.missed + 1,
        )

    def seen(self, sighting: Sighting, is_apart: bool) -> _Track:
        """After they were seen again; ``self`` has been moved on."""
        step = displacement(self.pose, sighting.pose)
        known = self.missed == 1  # somebody who reappears has jumped, not moved
        velocity = self.velocity + (_VELOCITY_SHARE * step if known else 0.0)
        colors, sampled = self.colors, self.sampled
        if sighting.colors is not None and (is_apart or colors is None):
            share = max(_COLOR_SHARE, 1 / (sampled + 1)) if sampled < _FIRST_COLORS else _COLOR_SHARE
            held = sighting.colors if colors is None else colors
            colors = np.asarray(held + share * (sighting.colors - held), np.float32)
            sampled += 1
        return replace(
            self,
            pose=sighting.pose,
            velocity=velocity,
            colors=colors,
            sampled=sampled,
            missed=0,
            shown=self.shown + 1,
        )


class Tracker:
    """Gives everybody a number and keeps it: identities.

    Numbers count from 1 and are not used again before ``reset``. Each call is one picture; somebody who is
    not in it is expected back for a while, near where their motion would have carried them, the farther off
    the longer they stay away; what they wear tells them from others.

    Who joins others is on trial first, with a negative number.

    Example:
        >>> from dance_now.pose.model.pose import Pose
        >>> Tracker()([])
        []
    """

    def __init__(self, most: int = MOST_PEOPLE) -> None:
        """Knows nobody yet; follows at most ``most`` people at once."""
        self._most = most
        self.reset()

    def reset(self) -> None:
        """Forgets everybody; numbers begin at 1."""
        self._tracks: list[_Track] = []
        self._last = 0
        self._trials = 0

    def __call__(self, sightings: Sequence[Sighting]) -> list[int | None]:
        """The identity of everybody in the next picture, in the order given; None for one too many.

        Args:
            sightings: each person once, those who matter most first.
        """
        tracks = [
            track.moved_on()
            for track in self._tracks
            if track.missed < (_PATIENCE if track.identity > 0 else 1)
        ]
        if _light_has_changed(tracks, sightings):
            tracks = [replace(track, colors=None, sampled=0) for track in tracks]
        boxes = [box(seen.pose) for seen in sightings]
        found: dict[int, _Track] = {}
        for row, column in cheapest_pairs(_costs(tracks, sightings), _STRANGER):
            others = boxes[:column] + boxes[column + 1 :]
            apart = all(overlap(boxes[column], other) <= _APART for other in others)
            tracks[row] = found[column] = self._tried(tracks[row].seen(sightings[column], apart))
        joins = any(track.identity > 0 for track in found.values())
        for column, sighting in enumerate(sightings):
            if column not in found and len(found) < self._most:
                found[column] = _Track(self._number(joins), sighting.pose, np.zeros(2), sighting.colors, 1)
                tracks.append(found[column])
        self._tracks = tracks
        return [found[column].identity if column in found else None for column in range(len(sightings))]

    def _tried(self, track: _Track) -> _Track:
        passed = track.identity < 0 and track.shown >= _TRIAL
        return replace(track, identity=self._number(False)) if passed else track

    def _number(self, on_trial: bool) -> int:
        """The next identity."""
        if on_trial:
            self._trials += 1
            return -self._trials
        self._last += 1
        return self._last

    @property
    def hidden(self) -> list[Pose]:
        """Where those who are not seen now are expected, those lost last first."""
        return [
            track.pose
            for track in sorted(self._tracks, key=lambda each: each.missed)
            if track.missed > 0 and track.identity > 0
        ]


def same_person(one: Pose, other: Pose) -> bool:
    """Whether two readings of one picture are of the same person."""
    return distance(one, other) < _SAME_PLACE


def distance(one: Pose, other: Pose) -> float:
    """Mean distance of the joints that both have, as a share of the figures' extent; infinite without any."""
    both = _shown(one) & _shown(other)
    if not both.any():
        return float("inf")
    apart = np.linalg.norm(one.points[:_JOINTS, :2][both] - other.points[:_JOINTS, :2][both], axis=1)
    return float(apart.mean()) / max(extent(one), extent(other), 1.0)


def displacement(start: Pose, end: Pose) -> npt.NDArray[np.float64]:
    """(2,) pixels: how the joints that both have moved in the median."""
    both = _shown(start) & _shown(end)
    if not both.any():
        return np.zeros(2)
    moved = end.points[:_JOINTS, :2][both] - start.points[:_JOINTS, :2][both]
    return np.asarray(np.median(moved.astype(np.float64), axis=0))


def extent(pose: Pose) -> float:
    """The longer side of the box around the joints, pixels; 0 without any."""
    low, high = np.split(box(pose), 2)
    return float((high - low).max())


def box(pose: Pose) -> npt.NDArray[np.float64]:
    """(4,): left, top, right, bottom of the joints that are seen; of all points if none is."""
    shown = _shown(pose)
    points = pose.points[:_JOINTS, :2][shown] if shown.any() else pose.points[pose.visible, :2]
    if not len(points):
        return np.zeros(4)
    return np.concatenate([points.min(axis=0), points.max(axis=0)]).astype(np.float64)


def area(sides: npt.NDArray[np.float64]) -> float:
    """Of a box (4,)."""
    width, height = np.maximum(sides[2:] - sides[:2], 0)
    return float(width * height)


def overlap(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Intersection over union of two boxes (4,)."""
    shared = area(np.concatenate([np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])]))
    return shared / max(area(one) + area(other) - shared, 1e-9)


def _shown(pose: Pose) -> npt.NDArray[np.bool_]:
    return np.asarray(pose.points[:_JOINTS, 2] >= _SEEN)


def _costs(tracks: Sequence[_Track], sightings: Sequence[Sighting]) -> npt.NDArray[np.float64]:
    """(tracks, sightings): how little each looks like each; ``_STRANGER`` and more for somebody else."""
    costs = [
        _off_place(track, seen) + _COLOR_WEIGHT * _unlike(track, seen)
        for track in tracks
        for seen in sightings
    ]
    return np.array(costs, np.float64).reshape(len(tracks), len(sightings))


def _light_has_changed(tracks: Sequence[_Track], sightings: Sequence[Sighting]) -> bool:
    """Whether nobody looks like anybody; one person among several may just be badly seen."""
    several = len(sightings) > 1 or len(tracks) == 1
    return several and all(_unlike(track, seen) >= 1 for track in tracks for seen in sightings)


def _off_place(track: _Track, sighting: Sighting) -> float:
    """0 where somebody is expected, nearing 1, and far more where they cannot be."""
    doubt = min(_DOUBT + _GROWING_DOUBT * (track.missed - 1), _LARGEST_DOUBT)
    away = distance(track.pose, sighting.pose) / doubt
    if away > _FARTHEST:
        return 2 * _STRANGER
    return 1 - float(np.exp(-(away**2) / 2)) + (_REUNION if track.missed > 1 else 0.0)


def _unlike(track: _Track, sighting: Sighting) -> float:
    """0 in one's own colors, 1 and more in others'."""
    alike = likeness(track.colors, sighting.colors)
    return _NO_COLORS if alike is None else max(0.0, (_OWN - alike) / (_OWN - _NOT_OWN))
