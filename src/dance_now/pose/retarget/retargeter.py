"""Motion retargeting from a person's pose to a character's skeleton.

Invariant: whatever the input, the output is a complete pose that the character can have, with its own
proportions, at the person's position. Directions come from the person, lengths from the character.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray
from dance_now.pose.contacts.body_landmarks import BodySurface
from dance_now.pose.contacts.contact_solver import ContactSolver
from dance_now.pose.contacts.contact_state import read_contacts
from dance_now.pose.contacts.live_contacts import LiveContacts, photo_contacts
from dance_now.pose.model.body_scale import Proportions
from dance_now.pose.model.keypoints import BODY, FACE, LEFT_HAND, POINT_COUNT, RIGHT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.model.vectors import basis
from dance_now.pose.networks.temporal_lifter import LiftedFrame
from dance_now.pose.retarget import joint_limits as limits
from dance_now.pose.retarget.face_expression import Expression, ExpressionReader, expression_values
from dance_now.pose.retarget.face_rig import FaceRig
from dance_now.pose.retarget.finger_joints import FingerMotion
from dance_now.pose.retarget.head_rotation import clamp_head
from dance_now.pose.retarget.imputation import NO_TURN, PoseImputer
from dance_now.pose.retarget.kinematics import CharacterBody, Posture
from dance_now.pose.retarget.limb_depth import leveling_rotation
from dance_now.pose.retarget.motion_state import LiveSmoother, MotionState, safe_unit
from dance_now.pose.retarget.person_calibration import PersonCalibration
from dance_now.pose.retarget.placement import Placement, PlacementTarget
from dance_now.pose.retarget.posture_reading import PostureMeasurement, PostureReader
from dance_now.pose.smoothing.side_exchange import SideFilter

Array = npt.NDArray[np.float64]

_EASE_SECONDS: Final = 0.6
_COASTING_SECONDS: Final = 0.3
_FLATTEN: Final = 0.8  # of the way to a flat sole, for the foot on the ground
_UNSEEN_HEIGHT: Final = 256.0  # pixels, before anybody was seen


@dataclass(frozen=True, eq=False)
class Retargeted:
    """Retargeted pose of a character in the person's image.

    Attributes:
        pose: every point that the character has, in pixels of the image, with depth; confidence 1.
        scale: pixels of the image per metre of the character.
        posture: the rotations and directions behind the pose.
        imputed: (137,) bool: points that were not seen on the person (hidden, outside the image).
        height: the person's standing height in pixels.
        expression: of the person's face.
        up: (3,) where the sky is, for a camera of the slope by which the pose is drawn: x right, y up, z
            towards the viewer.
        hidden_below: row of the image below which something hides the person; infinite where nothing does.
    """

    pose: Pose
    scale: float
    posture: Posture
    imputed: BoolArray
    height: float
    expression: Expression
    up: Array
    hidden_below: float = np.inf


class Retargeter:
    """Retargets one person's poses to one character, frame by frame.

    Example:
        >>> retarget = Retargeter(skeleton)  # doctest: +SKIP
        >>> retarget(pose, time=0.04).pose.visible.all()  # doctest: +SKIP
        True
    """

    def __init__(self, skeleton: Skeleton, smooth: bool = True, surface: BodySurface | None = None) -> None:
        """Prepares a character.

        Args:
            skeleton: the character's body.
            smooth: filter over time; False for photos, each of which then stands alone.
            surface: of the character, where hands touch it; without, the skeleton tells roughly.
        """
        self._body = CharacterBody(skeleton)
        self._smooth = smooth
        self._read_expression = ExpressionReader()
        self._face = FaceRig(skeleton)
        self._fingers = FingerMotion(self._body.finger_joints)
        self._placement = Placement(self._body)
        self._live, self._live_contacts = LiveSmoother(), LiveContacts()
        self._sides = SideFilter()
        self._contacts = ContactSolver(self._body, surface)
        lowest, highest = np.tan(np.radians(skeleton.pitches)).tolist()
        self._slopes = (lowest, highest)
        self._read_posture = PostureReader(self._slopes)
        self._imputer = PoseImputer(self._body)
        self.reset()

    @property
    def body(self) -> CharacterBody:
        """The character's body."""
        return self._body

    @property
    def proportions(self) -> Proportions:
        """The person's proportions as estimated so far."""
        return self._read_posture.proportions

    def calibrate(self, calibration: PersonCalibration | None) -> None:
        """Takes what is known of the person from before, also after a reset; None learns it again."""
        self._read_expression.fix_neutral(None if calibration is None else calibration.neutral)
        self._read_posture.start_with(Proportions() if calibration is None else calibration.proportions)

    def reset(self) -> None:
        """Resets the person and the motion state; call it where a clip or person begins."""
        self._read_posture.reset()
        self._read_expression.reset()
        self.restart()

    def restart(self) -> None:
        """Resets the motion state alone; call it before states of a clip are built once more."""
        for each in (self._placement, self._live, self._fingers, self._imputer, self._sides):
            each.reset()
        self._live_contacts.reset()
        self._last: MotionState | None = None
        self._time = -np.inf

    def __call__(
        self,
        pose: Pose,
        time: float,
        height_ratio: float = 1.0,
        size: tuple[int, int] | None = None,
    ) -> Retargeted:
        """Retargets one pose, causally.

        Args:
            pose: the person in pixels of the image; parts may be missing, depth may be unknown.
            time: seconds, rising from call to call; ignored without smoothing.
            height_ratio: the character's height over the person's.
            size: width and height of the image: points that an estimator guesses outside it are not trusted.

        Raises:
            ValueError: a time that is not finite, or a ratio that is not positive.
        """
        return self.build(self.track(pose, time, size), height_ratio)

    def track(self, pose: Pose, time: float, size: tuple[int, int] | None = None) -> MotionState:
        """Reads and smooths the person's motion state, causally: a call without its last step, ``build``."""
        reading = self.read(pose, time, size)
        smoothed = self._live_contacts(self._live(reading)) if self._smooth else photo_contacts(reading)
        self._last = smoothed
        return smoothed

    def coast(self, time: float, height_ratio: float = 1.0) -> Retargeted | None:
        """Extrapolates a frame in which the person is not found: the last pose, for 0.3 s at most."""
        held = self.hold(time)
        return None if held is None else self.build(held, height_ratio)

    def hold(self, time: float) -> MotionState | None:
        """The last motion state, while a person is not found: for 0.3 s at most."""
        if self._last is None or not 0 <= time - self._last.time <= _COASTING_SECONDS:
            return None
        return replace(self._last, time=time)

    def learn(
        self,
        poses: Iterable[Pose],
        times: Iterable[float],
        size: tuple[int, int] | None,
        lifted: Iterable[LiftedFrame | None],
    ) -> list[float]:
        """Learns the person's proportions and the camera's slope from a whole clip, then resets the motion.

        Args:
            poses: the person's, in any order in which they follow each other.
            times: seconds, rising; they may run against the clip's own.
            size: width and height of the image.
            lifted: what the temporal lifter makes of each.

        Returns:
            The person's standing height at each time, pixels.
        """
        self.reset()
        self._read_posture.record()
        heights = []
        for pose, time, each in zip(poses, times, lifted, strict=True):
            heights.append(self._read_posture(pose, time, size, each).height)
            self._read_expression(pose, time)
        self._read_posture.freeze()
        self.restart()
        return heights

    def read(
        self,
        pose: Pose,
        time: float,
        size: tuple[int, int] | None = None,
        lifted: LiftedFrame | None = None,
    ) -> MotionState:
        """Reads the person's motion state, complete but not smoothed.

        Args:
            pose, time, size: as of a call.
            lifted: of a whole clip, see ``PostureReader``.
        """
        if not np.isfinite(time):
            raise ValueError("retargeting needs a finite time")
        if not self._smooth or time < self._time:
            self.reset()
        decay = self._decay(time)
        if lifted is None and self._smooth:
            pose = self._sides(pose, time)
        seen = self._read_posture(pose, time, size, lifted)
        expression = self._read_expression(pose, time)
        limbs = self._imputer.limbs(seen, decay)
        ends, end_trust = self._imputer.ends(limbs, seen, decay)
        finger_axes = np.swapaxes(self._body.palm_frames, 1, 2)[:, None]
        fingers = self._fingers(seen.fingers @ finger_axes, seen.finger_trust, decay, time, self._smooth)
        self._time = time
        return MotionState(
            time=time,
            limbs=limbs,
            limb_trust=np.concatenate([seen.trunk_trust, [seen.head_trust] * 2, seen.limb_trust.ravel()]),
            ends=ends,
            end_trust=end_trust,
            fingers=fingers,
            finger_trust=seen.finger_trust,
            expression=expression_values(expression),
            points=seen.points[BODY],
            point_trust=seen.weights[BODY],
            foot_contact=seen.foot_contact,
            height=seen.height,
            visible_fraction=seen.visible_fraction,
            hidden_below=seen.hidden_below,
            slope=seen.slope,
            imputed=_imputed_points(seen),
            contacts=read_contacts(seen.points, seen.weights, seen.palms[:, :, 0]),
        )

    def build(self, reading: MotionState, height_ratio: float = 1.0) -> Retargeted:
        """Builds the character's pose from a motion state; states of a clip must come in their order.

        Args:
            reading: from ``read``, or smoothed.
            height_ratio: the character's height over the person's.

        Raises:
            ValueError: a ratio that is not positive.
        """
        if not (np.isfinite(height_ratio) and height_ratio > 0):
            raise ValueError("retargeting needs a height ratio above 0")
        expression = Expression(*reading.expression.tolist())
        if reading.vowels is not None:
            expression = expression.speaking(reading.vowels)
        posture = self._with_ends(self._constrained_posture(reading.limbs), reading)
        turn = leveling_rotation(float(np.clip(reading.slope, *self._slopes))).T
        posture = _rotated(posture, turn)
        posture = replace(posture, face=self._face.displacement(expression))
        height = reading.height or _UNSEEN_HEIGHT
        posture = self._contacts.hold_hands(posture, reading)
        points = self._body.points(posture)
        seen, weights = np.zeros((POINT_COUNT, 2)), np.zeros(POINT_COUNT)
        seen[BODY], weights[BODY] = reading.points, reading.point_trust
        target = PlacementTarget(seen, weights, height, reading.visible_fraction, posture.head[:2, 1])
        scale, place = self._placement(points, target, reading.time, self._smooth, height_ratio)
        standing, place = self._contacts.hold_feet(posture, points, scale, place, reading)
        if standing is not posture:
            posture, points = standing, self._body.points(standing)
        points *= scale
        points[:, :2] += place
        pose, up = self._to_pose(points), turn[:, 1]
        return Retargeted(pose, scale, posture, reading.imputed, height, expression, up, reading.hidden_below)

    def _constrained_posture(self, limbs: Array) -> Posture:
        """Clamps trunk, head, arms and legs (13, 3) to joint limits; feet and hands at rest."""
        rest = self._body.rest_posture
        rows = safe_unit(limbs, np.array([0.0, -1.0, 0.0]))
        hips, chest = self._imputer.frames(rows[:3])
        chest = limits.clamp_chest(hips, chest)
        arms, legs = rows[5:9].reshape(2, 2, 3), rows[9:13].reshape(2, 2, 3)
        return Posture(
            trunk=rows[2],
            hips=hips,
            chest=chest,
            head=clamp_head(basis(rows[3], rows[4]), chest),
            limbs=np.concatenate([limits.clamp_arms(arms, chest), limits.clamp_legs(legs, hips)]),
            feet=rest.feet,
            hands=rest.hands,
            fingers=rest.fingers,
        )

    def _with_ends(self, posture: Posture, reading: MotionState) -> Posture:
        """Adds feet, hands and fingers to a posture."""
        body = self._body
        carriers = body.carriers(posture.hips, posture.chest, posture.limbs)
        forearms, shins = carriers[:2], carriers[2:]
        rows = safe_unit(reading.ends, np.concatenate([body.toes, NO_TURN]))
        toes = (shins @ limits.clamp_feet(rows[:2], body.toes)[..., None])[..., 0]
        share = _FLATTEN * reading.foot_contact * max(posture.trunk[1], 0.0)
        toes = limits.flatten_feet(toes, body.toes[:, 1], share)
        local = basis(rows[[2, 4]], rows[[3, 5]])
        return replace(
            posture,
            feet=body.swing(2, shins, toes),
            hands=limits.clamp_hands(forearms @ local, forearms, body.palm_frames[:, :, 0]),
            fingers=body.finger_joints.directions(reading.fingers),
        )

    def _decay(self, time: float) -> float:
        if not np.isfinite(self._time):
            return 1.0
        return 1.0 - float(np.exp(-max(time - self._time, 0.0) / _EASE_SECONDS))

    def _to_pose(self, points: Array) -> Pose:
        known = self._body.skeleton.known
        rows = np.column_stack([points[:, 0], -points[:, 1], np.ones(POINT_COUNT)])
        rows[~known] = 0
        return Pose(rows.astype(np.float32), (-points[:, 2]).astype(np.float32), known)


def _rotated(posture: Posture, turn: Array) -> Posture:
    """Rotates a posture from a level camera's view to that of a tilted one, so that limbs match the image."""
    return replace(
        posture,
        trunk=turn @ posture.trunk,
        hips=turn @ posture.hips,
        chest=turn @ posture.chest,
        head=turn @ posture.head,
        limbs=posture.limbs @ turn.T,
        feet=turn @ posture.feet,
        hands=turn @ posture.hands,
    )


def _imputed_points(seen: PostureMeasurement) -> BoolArray:
    filled = seen.weights < 0.5
    filled[FACE] = seen.head_trust < 0.5
    filled[LEFT_HAND], filled[RIGHT_HAND] = seen.palm_trust < 0.3
    return filled
