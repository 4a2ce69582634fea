"""Fitting of complete 3D poses of a known body to 2D keypoints: depth from foreshortening.

A visible joint stays where the label has it, as far as its limb is long enough; the limb's depth follows from
its foreshortening, with the sign of the estimator's depth where there is one, else from joint limits
(``pose.retarget.limb_depth``). Missing parts are at rest.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.body_scale import SEGMENT_INDEX, SEGMENTS
from dance_now.pose.model.keypoints import LEFT_HAND, POINT_COUNT, RIGHT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.model.vectors import basis, cross, length, normalised
from dance_now.pose.retarget.head_rotation import clamp_head
from dance_now.pose.retarget.kinematics import CharacterBody, Posture
from dance_now.pose.retarget.limb_depth import estimate_yaw, lift_segments
from dance_now.training.sources.body_proportions import seen_points
from dance_now.training.sources.head_shape import HEAD_ROWS, head_turn

Array = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

TRUNK_POINTS: Final = (2, 5, 9, 12)  # required for a fit
_TRUNK_SEGMENTS: Final = [SEGMENT_INDEX[name] for name in ("hips", "shoulders", "trunk")]
_LIMBS: Final = ((5, 6, 7), (2, 3, 4), (12, 13, 14), (9, 10, 11))
_LIMB_SEGMENTS: Final = np.array(
    [
        [SEGMENT_INDEX[f"{side}_{part}"] for part in parts]
        for parts in (("upper_arm", "forearm"), ("thigh", "shin"))
        for side in ("left", "right")
    ]
)
_PALM_SEGMENTS: Final = np.array(
    [[SEGMENT_INDEX[f"{side}_{part}"] for part in ("index", "little", "palm")] for side in ("left", "right")]
)
_TOES: Final = (19, 22)
_HANDS: Final = (LEFT_HAND, RIGHT_HAND)
_KNUCKLES: Final = np.array([1, 5, 9, 13, 17])
_ARM_BLOCK: Final = np.array(
    [1, 2, 3, 4, 5, 6, 7, *range(LEFT_HAND.start, LEFT_HAND.stop), *range(RIGHT_HAND.start, RIGHT_HAND.stop)]
)
_RELAXED_ARMS: Final = normalised(
    np.array([[[0.25, -0.95, 0.05], [0.1, -0.95, 0.25]], [[-0.25, -0.95, 0.05], [-0.1, -0.95, 0.25]]])
)


class PoseFitter:
    """Fits one body to 2D poses of it."""

    def __init__(self, skeleton: Skeleton) -> None:
        self.skeleton = skeleton
        self._body = CharacterBody(skeleton)
        rest = skeleton.rest.astype(np.float64)
        self._segment_lengths = length(rest[SEGMENTS[:, 1]] - rest[SEGMENTS[:, 0]])[:, 0]
        self._limb_lengths = np.array(
            [[float(np.linalg.norm(rest[b] - rest[a])) for a, b in pairwise(limb)] for limb in _LIMBS]
        )
        self._nose_reach = float(rest[0, 2] - rest[[17, 18], 2].mean())
        self._rest_frames = np.swapaxes(self._body.rig.rest_frames[:2].astype(np.float64), 1, 2)

    def __call__(self, pose: Pose, scale: float) -> Pose:
        """Fits the body to a label.

        Args:
            pose: with visible shoulders and hips (TRUNK_POINTS); depth is optional.
            scale: pixels per metre.

        Returns:
            Every point that the body has, with depth and confidence 1.
        """
        points, seen = seen_points(pose)
        segments = self._segments(pose, points, seen, scale)
        hips, chest = self._trunk(segments)
        head, ears = self._head(points, seen, chest, scale)
        limbs, seen_limbs = self._directions(segments, seen, hips, chest)
        rest = self._body.rest_posture
        posture = Posture(
            normalised(segments[_TRUNK_SEGMENTS[2]]),
            hips,
            chest,
            head,
            limbs,
            rest.feet,
            rest.hands,
            rest.fingers,
        )
        placed = self._body.points(posture) * scale
        shift = self._shift(placed, points, ears)
        limbs = self._through_joints(placed + shift, points, seen_limbs, limbs, scale)
        posture = self._with_ends(posture, limbs, segments, points, seen)
        placed = self._body.points(posture) * scale + shift
        return self._to_pose(placed)

    def _segments(self, pose: Pose, points: Array, seen: BoolArray, scale: float) -> Array:
        """Segments (19, 3) in the order of SEGMENTS with estimated depth, pixels."""
        start, end = SEGMENTS.T
        depth = -pose.depth.astype(np.float64)
        known = pose.has_depth[start] & pose.has_depth[end]
        turn = 0.0
        if seen[0] and seen[[17, 18]].any():
            ears = points[[row for row in (17, 18) if seen[row]], 0].mean()
            turn = estimate_yaw(float(points[0, 0] - ears), self._nose_reach * scale)
        return lift_segments(
            points[end] - points[start],
            np.where(known, depth[end] - depth[start], 0.0),
            known,
            self._segment_lengths * scale,
            turn,
        )

    def _trunk(self, segments: Array) -> tuple[Array, Array]:
        """Rotations of pelvis and chest."""
        across, up = segments[_TRUNK_SEGMENTS[:2]], segments[_TRUNK_SEGMENTS[2]]
        for row in range(2):
            if length(cross(normalised(across[row]), normalised(up)))[0] < 1e-2:
                across[row] = across[row] + np.array([0.1, 0.0, 0.1]) * max(float(length(up)[0]), 1.0)
        hips, chest = basis(across, np.broadcast_to(up, (2, 3))) @ self._rest_frames
        return hips, chest

    def _head(self, points: Array, seen: BoolArray, chest: Array, scale: float) -> tuple[Array, Array | None]:
        """Rotation of the head, and position (2,) of the ears' middle, None if the head is not visible."""
        rest = self.skeleton.rest[HEAD_ROWS].astype(np.float64)
        found = head_turn(rest, self.skeleton.known[HEAD_ROWS], points[HEAD_ROWS] / scale, seen[HEAD_ROWS])
        if found is None:
            return chest, None
        head = clamp_head(found[0], chest)
        ears = rest[3:5].mean(axis=0)
        return head, (found[0] @ ears)[:2] * scale + found[1] * scale

    def _directions(
        self, segments: Array, seen: BoolArray, hips: Array, chest: Array
    ) -> tuple[Array, npt.NDArray[np.bool_]]:
        """Limb directions (4, 2, 3), at rest where not visible, and (4, 2) visibility."""
        resting = np.concatenate([_RELAXED_ARMS @ chest.T, self._body.rest_posture.limbs[2:] @ hips.T])
        shown = np.array(
            [[seen[limb[0]] and seen[limb[1]], seen[limb[1]] and seen[limb[2]]] for limb in _LIMBS]
        )
        return np.where(shown[..., None], normalised(segments[_LIMB_SEGMENTS]), resting), shown

    def _shift(self, placed: Array, points: Array, ears: Array | None) -> Array:
        """Shift (137, 3) that moves each block of the body to its visible position."""
        shift = np.zeros((POINT_COUNT, 3))
        shift[:, :2] = points[[9, 12]].mean(axis=0) - placed[[9, 12], :2].mean(axis=0)
        neck = points[[2, 5]].mean(axis=0) - placed[[2, 5], :2].mean(axis=0)
        shift[_ARM_BLOCK, :2] = neck
        shift[HEAD_ROWS, :2] = neck if ears is None else ears - placed[[17, 18], :2].mean(axis=0)
        return shift

    def _through_joints(
        self, placed: Array, points: Array, shown: BoolArray, directions: Array, scale: float
    ) -> Array:
        """Limb directions (4, 2, 3) that put visible joints at their labelled positions."""
        limbs = directions.copy()
        for number, limb in enumerate(_LIMBS):
            here = placed[limb[0]]
            for joint in range(2):
                reach = float(self._limb_lengths[number, joint]) * scale
                if shown[number, joint]:
                    flat = (points[limb[joint + 1]] - here[:2]) / reach
                    drawn = float(np.hypot(*flat))
                    ahead = np.sqrt(max(1 - drawn**2, 0.0))
                    side = -1.0 if directions[number, joint, 2] < 0 else 1.0
                    limbs[number, joint] = normalised(np.array([flat[0], flat[1], side * ahead]))
                here = here + limbs[number, joint] * reach
        return limbs

    def _with_ends(
        self, posture: Posture, limbs: Array, segments: Array, points: Array, seen: BoolArray
    ) -> Posture:
        """Posture with these limbs, and feet, hands and fingers from the label."""
        body = self._body
        carriers = body.carriers(posture.hips, posture.chest, limbs)
        forearms, shins = carriers[:2], carriers[2:]
        toes = (shins @ body.toes[..., None])[..., 0]
        hands, fingers = forearms.copy(), np.array(body.rest_posture.fingers)
        for side, name in enumerate(("left", "right")):
            if seen[[_LIMBS[2 + side][2], _TOES[side]]].all():
                toes[side] = normalised(segments[SEGMENT_INDEX[f"{name}_foot"]])
            index, little, across = segments[_PALM_SEGMENTS[side]]
            palm = basis(normalised(index) + normalised(little), across)
            rows = np.arange(_HANDS[side].start, _HANDS[side].stop)
            if body.has_hand[side] and seen[rows[[0, 5, 17]]].all() and abs(np.linalg.det(palm) - 1) < 1e-3:
                hands[side] = palm @ body.palm_frames[side].T
                if seen[rows].all():
                    fingers[side] = self._fingers(points[rows], palm, side) @ hands[side]
        return Posture(
            posture.trunk,
            posture.hips,
            posture.chest,
            posture.head,
            limbs,
            body.swing(2, shins, toes),
            hands,
            normalised(fingers),
        )

    def _fingers(self, hand: Array, palm: Array, side: int) -> Array:
        """Finger bone directions (5, 3, 3), view frame; foreshortened fingers bend inwards."""
        rest = self.skeleton.rest[_HANDS[side]].astype(np.float64)
        flat = np.stack([hand[_KNUCKLES + j + 1] - hand[_KNUCKLES + j] for j in range(3)], axis=1)
        true = np.stack([rest[_KNUCKLES + j + 1] - rest[_KNUCKLES + j] for j in range(3)], axis=1)
        share = float(np.linalg.norm(hand[[5, 17]] - hand[0], axis=1).max())
        true_share = float(np.linalg.norm(rest[[5, 17]] - rest[0], axis=1).max())
        drawn = np.linalg.norm(flat, axis=2)
        lengths = np.maximum(length(true)[..., 0] * share / max(true_share, 1e-6), drawn)
        hidden = np.sqrt(np.maximum(lengths**2 - drawn**2, 0.0))
        inward = palm[2, 0] + (0.7 if side == 0 else -0.7) * palm[2, 2]
        depth = np.sign(inward) * hidden**2 / (hidden + 0.4 * lengths + 1e-9)
        return normalised(np.concatenate([flat, depth[..., None]], axis=2))

    def _to_pose(self, points: Array) -> Pose:
        known = self.skeleton.known
        rows = np.column_stack([points[:, 0], -points[:, 1], np.ones(POINT_COUNT)])
        rows[~known] = 0
        return Pose(rows.astype(np.float32), (-points[:, 2]).astype(np.float32), known)
