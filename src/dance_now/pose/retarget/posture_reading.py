"""Posture measurement: 3D directions of a person's body parts from keypoints, with the trust in each."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.body_scale import (
    ANKLE_HEIGHT,
    SEGMENT_INDEX,
    SEGMENTS,
    BodyScaleEstimator,
    Proportions,
    height_lower_bound,
    visible_height_fraction,
)
from dance_now.pose.model.keypoints import BODY, LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.vectors import basis, cross, length, normalised
from dance_now.pose.networks.lifter import Lifter, open_lifter
from dance_now.pose.networks.temporal_lifter import LiftedFrame, LiveLifter, open_temporal_lifter
from dance_now.pose.retarget.head_rotation import HEAD_POINTS, fit_head
from dance_now.pose.retarget.limb_depth import (
    DepthLifter,
    SegmentObservation,
    estimate_yaw,
    leveling_rotation,
)
from dance_now.pose.retarget.stature import StatureCorrection

Array = npt.NDArray[np.float64]

_FARTHEST: Final = 32768.0  # pixels; what lies beyond is an error, not a point
_TRUST_FROM, _TRUST_RANGE = 0.03, 0.12  # confidence; hidden limbs are guessed well above it
_EDGE: Final = 0.03  # of the image's longer side
_NOSE_REACH: Final = 0.066  # from between the ears, of the standing height
# of the distance from wrist to knuckles: thumb, then index to little finger; from the palm outwards
_FINGER_SHARES: Final = np.array(
    [[0.48, 0.38, 0.3], [0.45, 0.27, 0.22], [0.48, 0.31, 0.23], [0.45, 0.29, 0.23], [0.36, 0.21, 0.2]]
)
_COARSE_HAND: Final = 0.6  # trust in a hand's rotation from only three points
_EARS: Final = np.array([17, 18])
_SOLES: Final = np.array([[14, 19, 21], [11, 22, 24]])  # ankle, big toe, heel
_GROUND_SOFTNESS: Final = 0.05  # of the standing height
_DEEPEST: Final = 1.3  # of a finger bone's usual length
_HANDS: Final = (LEFT_HAND.start, RIGHT_HAND.start)
_HAND_ROWS: Final = np.array([np.arange(start, start + 21) for start in _HANDS])
_WRISTS: Final = (7, 4)
_KNUCKLES: Final = np.array([1, 5, 9, 13, 17])
_READ_CONCENTRATION: Final = 2.0  # of directions read by limb lengths, beside the learned ones
_ALONE: Final = 0.15  # of the learned directions' share where there is but one frame
_LEARNED: Final = (
    np.arange(len(SEGMENTS)) < SEGMENT_INDEX["left_index"]
)  # hands are read from their own depth


def _as_drawn(directions: Array, projected: Array, trust: Array) -> Array:
    """Turns directions (n, 3) in the image's plane to where their segments (n, 2) are seen."""
    flat = length(directions[:, :2])
    seen = np.column_stack([normalised(projected) * flat, directions[:, 2]])
    return directions + (trust * (length(projected)[:, 0] > 1e-6))[:, None] * (seen - directions)


def _rows(*names: str) -> npt.NDArray[np.int_]:
    return np.array([[SEGMENT_INDEX[f"{side}_{name}"] for name in names] for side in ("left", "right")])


_ARMS: Final = _rows("upper_arm", "forearm")
_LEGS: Final = _rows("thigh", "shin")
_FEET: Final = _rows("foot")[:, 0]
_PALMS: Final = _rows("index", "little", "palm")
_HIPS, _SHOULDERS, _TRUNK = (SEGMENT_INDEX[name] for name in ("hips", "shoulders", "trunk"))


@dataclass(frozen=True, eq=False)
class PostureMeasurement:
    """Measured directions in the view frame, sides in the order left, right; trust in [0, 1].

    Attributes:
        trunk: (3, 3) hip line, shoulder line (right to left) and trunk (upwards); ``trunk_trust`` (3,).
        head: (3, 3) rotation of the head from looking at the viewer; ``head_trust``.
        limbs: (4, 2, 3) left arm, right arm, left leg, right leg; ``limb_trust`` (4, 2).
        feet: (2, 3) from ankle to big toe; ``feet_trust`` (2,).
        foot_contact: (2,) ground contact of each foot in [0, 1], 0 where not seen.
        palms: (2, 3, 3) bases of wrist-to-knuckles and little-to-index direction; ``palm_trust`` (2,).
        fingers: (2, 5, 3, 3) bones in the palm's basis; ``finger_trust`` (2,).
        points, weights: (137, 2) in the view frame and (137,) trust.
        height: the person's standing height in pixels, such that a figure in these directions is as tall as
            the person in the image; 0 where nobody has been seen.
        visible_fraction: of the height, from the crown down, above the lower image edge, or above what hides
            the legs.
        hidden_below: row of the image below which something hides the person; infinite where nothing does.
        slope: of the camera, see ``leveling_rotation``: directions are those that a level one would see.
    """

    trunk: Array
    trunk_trust: Array
    head: Array
    head_trust: float
    limbs: Array
    limb_trust: Array
    feet: Array
    feet_trust: Array
    foot_contact: Array
    palms: Array
    palm_trust: Array
    fingers: Array
    finger_trust: Array
    points: Array
    weights: Array
    height: float
    visible_fraction: float
    hidden_below: float
    slope: float


class PostureReader:
    """Measures one person's posture from frame to frame.

    Args:
        slopes: least and greatest camera slope that the figure is drawn for, see ``leveling_rotation``.
    """

    def __init__(self, slopes: tuple[float, float] = (-np.inf, np.inf)) -> None:
        self._size = BodyScaleEstimator()
        self._depth = DepthLifter()
        self._stature = StatureCorrection(slopes)
        self._live = LiveLifter(open_temporal_lifter())
        self.reset()

    def reset(self) -> None:
        """Resets the estimate of the person."""
        self._size.reset()
        self._depth.reset()
        self._stature.reset()
        self._live.reset()

    @property
    def proportions(self) -> Proportions:
        """The person's proportions as estimated so far."""
        return self._size.proportions

    def start_with(self, proportions: Proportions) -> None:
        """Takes proportions as known, now and after a reset; they are still refined."""
        self._size.start_with(proportions)

    def record(self) -> None:
        """Starts to record a whole clip, before ``freeze``."""
        self._depth.record()

    def freeze(self) -> None:
        """Freezes the person's proportions and the camera's slope as estimated so far."""
        self._size.freeze()
        self._depth.freeze()

    def __call__(
        self,
        pose: Pose,
        time: float,
        size: tuple[float, float] | None = None,
        lifted: LiftedFrame | None = None,
    ) -> PostureMeasurement:
        """Measures one pose.

        Args:
            pose: the person's.
            time: seconds.
            size: width and height of the image.
            lifted: what the temporal lifter makes of this pose in its clip; without, of the poses so far.
        """
        lifted = lifted or self._live(pose, time)
        if size is not None:  # furniture cuts people as the lower edge of the image does
            size = size[0], min(size[1], pose.hidden_below)
        points, depth, weights, has_depth = _filled_midpoints(self._with_depth(pose))
        inside = np.ones(len(points)) if size is None else _inside(points, size)
        weights *= inside
        start, end = SEGMENTS.T
        projected = points[end] - points[start]
        trust = np.minimum(weights[start], weights[end])
        known = has_depth[start] & has_depth[end]
        raw = np.where(known, depth[end] - depth[start], 0.0)
        drawn = np.linalg.norm(projected, axis=1)
        precise = _precise_hands(weights, has_depth)
        exaggerated = raw.copy()
        exaggerated[_PALMS[precise].ravel()] = 0.0  # true to scale, so no evidence of the body's depth gain
        head, head_height, head_trust = fit_head(points[HEAD_POINTS], weights[HEAD_POINTS])
        head_height *= head_trust > 0.5
        whole = trust * (np.minimum(inside[start], inside[end]) == 1)
        self._size.update(drawn, exaggerated, whole, time, height_lower_bound(points, weights), head_height)
        segments = self._depth(
            SegmentObservation(projected, raw * self._size.depth_gain, known, trust, self._size.lengths),
            time,
            yaw=self._yaw(points, weights),
            height=self._size.height,
        )
        directions = normalised(segments)
        if lifted is not None:
            directions = self._fused(directions, lifted, projected, trust)
        trust = trust * (np.linalg.norm(segments, axis=1) > 1e-6)
        palms, palm_trust, fingers, finger_trust = _hands(
            np.column_stack([points, depth]),
            weights,
            precise,
            segments,
            trust,
            leveling_rotation(self._depth.slope),
        )
        slope, height = self._depth.slope, self._size.height
        head = leveling_rotation(slope) @ head
        height *= self._stature(directions, head[:, 1], points, weights, height, slope, time)
        trunk = [_HIPS, _SHOULDERS, _TRUNK]
        limbs = np.concatenate([_ARMS, _LEGS])
        return PostureMeasurement(
            directions[trunk],
            trust[trunk],
            head,
            head_trust,
            directions[limbs],
            trust[limbs],
            directions[_FEET],
            trust[_FEET],
            _foot_contact(points, weights, height),
            palms,
            palm_trust,
            fingers,
            finger_trust,
            points,
            weights,
            height,
            visible_height_fraction(points, pose.visible, height, size),
            pose.hidden_below,
            slope,
        )

    def _fused(self, directions: Array, lifted: LiftedFrame, projected: Array, trust: Array) -> Array:
        """Directions (19, 3) that a level camera would see, of those read and those learned."""
        learned = _as_drawn(lifted.directions.astype(np.float64), projected, trust)
        share = _LEARNED * lifted.concentration / (lifted.concentration + _READ_CONCENTRATION)
        if lifted.neighbours == 0:
            share *= _ALONE
        share = share[:, None]
        return normalised((1 - share) * directions + share * learned @ leveling_rotation(self._depth.slope).T)

    @cached_property
    def _lifter(self) -> Lifter:
        return open_lifter()

    def _with_depth(self, pose: Pose) -> Pose:
        """The pose; where its source has no depth, with what the lifter makes of it."""
        return pose if pose.has_depth[BODY].any() else self._lifter(pose)

    def _yaw(self, points: Array, weights: Array) -> float:
        ears = weights[[17, 18]]
        if weights[0] <= 0 or ears.sum() <= 0:
            return 0.0
        beside = points[0, 0] - float((points[[17, 18], 0] * ears).sum() / ears.sum())
        return estimate_yaw(beside, _NOSE_REACH * self._size.height)


def trust_in(confidence: Array) -> Array:
    """Converts an estimator's confidence to trust in [0, 1]."""
    return np.clip((confidence - _TRUST_FROM) / _TRUST_RANGE, 0.0, 1.0)


def _filled_midpoints(pose: Pose) -> tuple[Array, Array, Array, npt.NDArray[np.bool_]]:
    """Converts a pose to view-frame points (137, 2), depth towards the viewer, trust and known depth.

    Missing midpoints and wrists are filled in.
    """
    points = pose.points[:, :2].astype(np.float64) * [1.0, -1.0]
    depth = -pose.depth.astype(np.float64)
    weights = trust_in(pose.points[:, 2].astype(np.float64))
    usable = (np.abs(points) < _FARTHEST).all(axis=1) & (np.abs(depth) < _FARTHEST)
    points[~usable], depth[~usable], weights[~usable] = 0.0, 0.0, 0.0
    has_depth = pose.has_depth & usable
    for middle, first, second in ((1, 2, 5), (8, 9, 12)):
        if weights[middle] < min(weights[first], weights[second]):
            points[middle] = (points[first] + points[second]) / 2
            depth[middle] = (depth[first] + depth[second]) / 2
            weights[middle] = min(weights[first], weights[second])
            has_depth[middle] = has_depth[first] and has_depth[second]
    for start, wrist in zip(_HANDS, _WRISTS, strict=True):
        if weights[start] <= 0:
            points[start], depth[start] = points[wrist], depth[wrist]
            weights[start], has_depth[start] = weights[wrist], has_depth[wrist]
    return points, depth, weights, has_depth


def _inside(points: Array, size: tuple[float, float]) -> Array:
    """Weights (137,): 1 inside the image, fading to 0 a little outside it, where estimators guess."""
    beyond = np.maximum(-points[:, 0], points[:, 0] - size[0])
    across = np.maximum(points[:, 1], -points[:, 1] - size[1])
    result: Array = np.clip(1 - np.maximum(beyond, across) / (_EDGE * max(size)), 0.0, 1.0)
    return result


def _foot_contact(points: Array, weights: Array, height: float) -> Array:
    soles = points[_SOLES, 1] - np.array([ANKLE_HEIGHT, 0.0, 0.0]) * height
    lowest = np.where(weights[_SOLES] > 0, soles, np.inf).min(axis=1)
    if height <= 0 or not np.isfinite(lowest).any():
        return np.zeros(2)
    result: Array = np.exp(-(lowest - lowest.min()) / (_GROUND_SOFTNESS * height)) * weights[_SOLES].max(
        axis=1
    )
    return result


def _precise_hands(weights: Array, has_depth: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Mask (2,) of hands with all points and their depth, which is then true to scale within the hand."""
    return ((weights[_HAND_ROWS] > 0) & has_depth[_HAND_ROWS]).all(axis=1)


def _hands(
    solid: Array,
    weights: Array,
    precise: npt.NDArray[np.bool_],
    segments: Array,
    trust: Array,
    leveling: Array,
) -> tuple[Array, Array, Array, Array]:
    """Computes palm bases and, for complete hands, finger directions.

    Args:
        solid: (137, 3) points with the estimator's depth.
        weights: (137,) trust in them.
        precise: (2,) hands whose own depth gives the orientation of palm and fingers.
        segments: (19, 3) lifted and levelled, for the other hands; ``trust`` (19,) in them.
        leveling: (3, 3) rotation to the view of a level camera.
    """
    hands = solid[_HAND_ROWS]  # (2, 21, 3)
    own = hands @ leveling.T
    coarse = np.moveaxis(segments[_PALMS], 1, 0)  # (3, 2, 3)
    fine = np.stack([own[:, 5] - own[:, 0], own[:, 17] - own[:, 0], own[:, 5] - own[:, 17]])
    index, little, across = np.where(precise[None, :, None], fine, coarse)
    middle = normalised(index) + normalised(little)
    palms = basis(middle, across)
    flatness = length(cross(normalised(middle), normalised(across)))[:, 0]
    palm_trust = trust[_PALMS].min(axis=1) * np.clip((flatness - 0.3) / 0.4, 0.0, 1.0)
    whole = (weights[_HAND_ROWS] > 0).all(axis=1)
    finger_trust = np.where(whole, palm_trust * weights[_HAND_ROWS].mean(axis=1), 0.0)
    bones = np.stack([hands[:, _KNUCKLES + j + 1] - hands[:, _KNUCKLES + j] for j in range(3)], axis=2)
    reach = (length(index) + length(little)) / 2  # (2, 1)
    bones[..., 2] = _finger_depth(bones, precise, reach, palms)
    fingers = normalised(bones @ leveling.T @ palms[:, None])
    return palms, palm_trust * np.where(whole, 1.0, _COARSE_HAND), fingers, finger_trust


def _finger_depth(bones: Array, known: npt.NDArray[np.bool_], reach: Array, palms: Array) -> Array:
    """Depth (2, 5, 3) of finger bones: the estimator's where valid, else bent towards the palm.

    Args:
        bones: (2, 5, 3, 3) as projected, with the estimator's depth.
        known: (2,) whether that depth is valid.
        reach: (2, 1) from wrist to knuckles, pixels; a hand's bones are in proportion to it.
        palms: (2, 3, 3) palm bases.
    """
    lengths = reach[..., None] * _FINGER_SHARES
    hidden = np.sqrt(np.maximum(lengths**2 - (bones[..., :2] ** 2).sum(axis=-1), 0.0))
    inward = palms[:, 2, 0] + np.array([0.7, -0.7]) * palms[:, 2, 2]  # along the fingers and to the palm
    guessed = np.sign(inward)[:, None, None] * hidden**2 / (hidden + 0.4 * lengths + 1e-9)
    return np.where(
        known[:, None, None], np.clip(bones[..., 2], -_DEEPEST * lengths, _DEEPEST * lengths), guessed
    )
