"""Tracker of people across frames: Hungarian assignment on position, motion and color.

Built like DeepSORT (Wojke, Bewley and Paulus, "Simple Online and Realtime Tracking with a Deep Association
Metric", ICIP 2017), with color histograms instead of a network's features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.pose import Pose
from dance_now.pose.tracking.assignment import linear_assignment
from dance_now.pose.tracking.reidentification import histogram_similarity

MAX_PEOPLE: Final = 8
_MAX_AGE: Final = 90  # frames that a hidden person's track is kept
_PROBATION: Final = 6  # frames until a new track is confirmed: two people who cross may be read as a third
_JOINTS: Final = 15  # the first body points: head, trunk, arms and legs
_SEEN: Final = 0.3  # confidence
_SAME_PLACE: Final = 0.09  # mean distance, of the figure's extent, of two detections of one person
_DOUBT: Final = 0.12  # of the extent: the error of a prediction from the last frame
_GROWING_DOUBT: Final = 0.03  # for each frame that the person was hidden
_LARGEST_DOUBT: Final = 0.6
_FARTHEST: Final = 3.0  # doubts
# Similarity of histograms: on cut-out people, one's own were 0.87 and more, half hidden 0.7, others' 0.8 and
# less.
_SAME_COLORS: Final = 0.93
_OTHER_COLORS: Final = 0.63
_COLOR_WEIGHT: Final = 1.8
_UNKNOWN_COLOR_COST: Final = 0.3  # used where a histogram is unknown
_MAX_COST: Final = 1.7  # cost from which a detection belongs to no track
_REIDENTIFICATION_COST: Final = 0.3  # cost of re-identifying a hidden person instead of a visible one
_VELOCITY_SHARE: Final = 0.3
_DAMPING: Final = 0.93  # of a hidden person's motion, each frame
_COLOR_SHARE: Final = 0.05
_FIRST_COLORS: Final = 10  # frames over which the first histograms are averaged
_APART: Final = 0.02  # overlap of boxes up to which a histogram is surely of one person


@dataclass(frozen=True, eq=False)
class Observation:
    """Detection of one person in one frame, as input of the tracker.

    Attributes:
        pose: pixels.
        histogram: see ``reidentification.color_histogram``.
    """

    pose: Pose
    histogram: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class _Track:
    """Track of one person.

    Attributes:
        identity: track ID; negative while the track is tentative.
        pose: last observed pose, extrapolated while the person is hidden.
        velocity: (2,) pixels a frame.
        histogram: running mean, sampled while nobody was near.
        sampled: frames in the mean.
        missed: frames since the last observation.
        shown: frames with an observation.
    """

    identity: int
    pose: Pose
    velocity: npt.NDArray[np.float64]
    histogram: FloatArray | None
    sampled: int
    missed: int = 0
    shown: int = 1

    def predicted(self) -> _Track:
        """Predicts the track in the next frame."""
        step = self.velocity.tolist()
        return replace(
            self,
            pose=self.pose.transformed(1.0, (step[0], step[1])),
            velocity=self.velocity * (_DAMPING if self.missed else 1.0),
            missed=self.missed + 1,
        )

    def updated(self, observation: Observation, is_apart: bool) -> _Track:
        """Updates the predicted track with an observation."""
        step = displacement(self.pose, observation.pose)
        known = self.missed == 1  # somebody who reappears has jumped, not moved
        velocity = self.velocity + (_VELOCITY_SHARE * step if known else 0.0)
        histogram, sampled = self.histogram, self.sampled
        if observation.histogram is not None and (is_apart or histogram is None):
            share = max(_COLOR_SHARE, 1 / (sampled + 1)) if sampled < _FIRST_COLORS else _COLOR_SHARE
            held = observation.histogram if histogram is None else histogram
            histogram = np.asarray(held + share * (observation.histogram - held), np.float32)
            sampled += 1
        return replace(
            self,
            pose=observation.pose,
            velocity=velocity,
            histogram=histogram,
            sampled=sampled,
            missed=0,
            shown=self.shown + 1,
        )


class Tracker:
    """Tracks people and assigns each a stable ID.

    IDs count from 1 and are not reused before ``reset``. Each call is one frame; a person missing in it is
    searched for a while near the position that the motion predicts, the farther off the longer ago, and told
    from others by color.

    A person who joins others has a tentative track first, with a negative ID.

    Example:
        >>> from dance_now.pose.model.pose import Pose
        >>> Tracker()([])
        []
    """

    def __init__(self, max_people: int = MAX_PEOPLE) -> None:
        """Creates a tracker without tracks that tracks at most ``max_people`` at once."""
        self._max_people = max_people
        self.reset()

    def reset(self) -> None:
        """Drops all tracks; IDs restart at 1."""
        self._tracks: list[_Track] = []
        self._last = 0
        self._tentative_count = 0

    def __call__(self, observations: Sequence[Observation]) -> list[int | None]:
        """Assigns IDs to the observations of the next frame, in their order; None beyond ``max_people``.

        Args:
            observations: one per person, the most important first.
        """
        tracks = [
            track.predicted()
            for track in self._tracks
            if track.missed < (_MAX_AGE if track.identity > 0 else 1)
        ]
        if _lighting_changed(tracks, observations):
            tracks = [replace(track, histogram=None, sampled=0) for track in tracks]
        boxes = [pose_box(seen.pose) for seen in observations]
        found: dict[int, _Track] = {}
        for row, column in linear_assignment(_costs(tracks, observations), _MAX_COST):
            others = boxes[:column] + boxes[column + 1 :]
            apart = all(iou(boxes[column], other) <= _APART for other in others)
            tracks[row] = found[column] = self._confirmed(tracks[row].updated(observations[column], apart))
        joins = any(track.identity > 0 for track in found.values())
        for column, observation in enumerate(observations):
            if column not in found and len(found) < self._max_people:
                found[column] = _Track(
                    self._next_id(joins), observation.pose, np.zeros(2), observation.histogram, 1
                )
                tracks.append(found[column])
        self._tracks = tracks
        return [found[column].identity if column in found else None for column in range(len(observations))]

    def drop(self, identity: int) -> None:
        """Drops a track that was never a person, or not the right one; its ID is not used again."""
        self._tracks = [track for track in self._tracks if track.identity != identity]

    def _confirmed(self, track: _Track) -> _Track:
        passed = track.identity < 0 and track.shown >= _PROBATION
        return replace(track, identity=self._next_id(False)) if passed else track

    def _next_id(self, on_trial: bool) -> int:
        """Next unused ID."""
        if on_trial:
            self._tentative_count += 1
            return -self._tentative_count
        self._last += 1
        return self._last

    @property
    def hidden(self) -> list[Pose]:
        """Predicted poses of confirmed people who are hidden now, the most recently lost first."""
        return [
            track.pose
            for track in sorted(self._tracks, key=lambda each: each.missed)
            if track.missed > 0 and track.identity > 0
        ]


def is_same_person(one: Pose, other: Pose) -> bool:
    """Tests whether two detections in one image are of the same person."""
    return pose_distance(one, other) < _SAME_PLACE


def pose_distance(one: Pose, other: Pose) -> float:
    """Mean distance of common joints, relative to the larger pose's extent; infinite without any."""
    both = _is_seen(one) & _is_seen(other)
    if not both.any():
        return float("inf")
    apart = np.linalg.norm(one.points[:_JOINTS, :2][both] - other.points[:_JOINTS, :2][both], axis=1)
    return float(apart.mean()) / max(pose_extent(one), pose_extent(other), 1.0)


def displacement(start: Pose, end: Pose) -> npt.NDArray[np.float64]:
    """Median displacement (2,) of common joints in pixels."""
    both = _is_seen(start) & _is_seen(end)
    if not both.any():
        return np.zeros(2)
    moved = end.points[:_JOINTS, :2][both] - start.points[:_JOINTS, :2][both]
    return np.asarray(np.median(moved.astype(np.float64), axis=0))


def pose_extent(pose: Pose) -> float:
    """Extent of a pose: the longer side of the box around the joints, pixels; 0 without any."""
    low, high = np.split(pose_box(pose), 2)
    return float((high - low).max())


def pose_box(pose: Pose) -> npt.NDArray[np.float64]:
    """Bounding box (4,) left, top, right, bottom of the visible joints; of all points if none is visible."""
    shown = _is_seen(pose)
    points = pose.points[:_JOINTS, :2][shown] if shown.any() else pose.points[pose.visible, :2]
    if not len(points):
        return np.zeros(4)
    return np.concatenate([points.min(axis=0), points.max(axis=0)]).astype(np.float64)


def box_area(sides: npt.NDArray[np.float64]) -> float:
    """Area of a box (4,)."""
    width, height = np.maximum(sides[2:] - sides[:2], 0)
    return float(width * height)


def iou(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Intersection over union of two boxes (4,)."""
    shared = box_area(np.concatenate([np.maximum(one[:2], other[:2]), np.minimum(one[2:], other[2:])]))
    return shared / max(box_area(one) + box_area(other) - shared, 1e-9)


def _is_seen(pose: Pose) -> npt.NDArray[np.bool_]:
    return np.asarray(pose.points[:_JOINTS, 2] >= _SEEN)


def _costs(tracks: Sequence[_Track], observations: Sequence[Observation]) -> npt.NDArray[np.float64]:
    """Cost matrix (tracks, observations); ``_MAX_COST`` and more for different people."""
    costs = [
        _position_cost(track, seen) + _COLOR_WEIGHT * _color_cost(track, seen)
        for track in tracks
        for seen in observations
    ]
    return np.array(costs, np.float64).reshape(len(tracks), len(observations))


def _lighting_changed(tracks: Sequence[_Track], observations: Sequence[Observation]) -> bool:
    """Detects a change of lighting: no histogram is like any other; one among several may just be poor."""
    several = len(observations) > 1 or len(tracks) == 1
    return several and all(_color_cost(track, seen) >= 1 for track in tracks for seen in observations)


def _position_cost(track: _Track, observation: Observation) -> float:
    """Position cost: 0 at the predicted position, approaching 1, and far more where the person cannot be."""
    doubt = min(_DOUBT + _GROWING_DOUBT * (track.missed - 1), _LARGEST_DOUBT)
    away = pose_distance(track.pose, observation.pose) / doubt
    if away > _FARTHEST:
        return 2 * _MAX_COST
    return 1 - float(np.exp(-(away**2) / 2)) + (_REIDENTIFICATION_COST if track.missed > 1 else 0.0)


def _color_cost(track: _Track, observation: Observation) -> float:
    """Color cost: 0 for the same colors, 1 and more for another person's."""
    alike = histogram_similarity(track.histogram, observation.histogram)
    return (
        _UNKNOWN_COLOR_COST
        if alike is None
        else max(0.0, (_SAME_COLORS - alike) / (_SAME_COLORS - _OTHER_COLORS))
    )
