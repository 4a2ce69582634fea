"""Idle motion: procedural breathing, weight shifts, glances and blinks of somebody who waits.

Everything is a function of time, without state: pseudo-random numbers come from the index of the interval.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.adult_skeleton import adult_skeleton
from dance_now.pose.model.keypoints import POINT_COUNT
from dance_now.pose.retarget.face_expression import Expression, expression_values
from dance_now.pose.retarget.imputation import NO_TURN
from dance_now.pose.retarget.kinematics import CharacterBody
from dance_now.pose.retarget.motion_state import MotionState

Array = npt.NDArray[np.float64]

_BREATH_SECONDS: Final = 3.8
_SHIFT_SECONDS: Final = 9.0  # from one leg to the other and back
_GLANCE_SECONDS: Final = 3.4
_TURN_SECONDS: Final = 0.55
_BLINK_SECONDS: Final = 0.16
_BLINK_PERIOD: Final = 3.1
_BREATH: Final = np.radians(1.1)  # of the chest, and the arms with it
_SHIFT: Final = np.radians(1.6)
_YAW, _PITCH = np.radians(22.0), np.radians(7.0)  # farthest glances
_GAZE: Final = 0.6  # of the eyes' range, at the farthest glance
_ARM: Final = np.array([[0.2, -0.97, 0.06], [0.09, -0.97, 0.22]])  # left upper arm and forearm, hanging
_LEG: Final = np.array([[0.05, -1.0, 0.02], [0.03, -1.0, -0.03]])  # left thigh and shin
_STANDING: Final = 0.84  # height in an empty frame, as a share of the frame's
_GROUND: Final = 0.95  # where the soles are then


class IdleMotion:
    """Motion states of a character that waits.

    Example:
        >>> idle = IdleMotion(CharacterBody(skeleton))  # doctest: +SKIP
        >>> idle(time=2.0, place=last_state)  # doctest: +SKIP
    """

    def __init__(self, body: CharacterBody) -> None:
        """Takes the character's body, whose relaxed fingers and feet at rest it uses."""
        self._fingers = body.finger_joints.relaxed_angles
        self._ends = np.concatenate([body.toes, NO_TURN])

    def __call__(self, time: float, place: MotionState) -> MotionState:
        """Motion state at a time in seconds, where somebody was seen last.

        Args:
            time: seconds.
            place: gives position, size and the camera's slope.
        """
        breath = _BREATH * np.sin(2 * np.pi * time / _BREATH_SECONDS)
        shift = _SHIFT * np.sin(2 * np.pi * time / _SHIFT_SECONDS)
        yaw, pitch = _glance(time)
        sway = np.array([np.sin(shift), np.cos(shift), 0.02 - 0.4 * breath])
        hips = np.array([np.cos(shift), np.sin(shift), 0.0])
        # The head's x and y axes: turned by the yaw, then lowered by the pitch.
        across = np.array([np.cos(yaw), 0.0, -np.sin(yaw)])
        up = np.array([np.sin(yaw) * np.sin(pitch), np.cos(pitch), np.cos(yaw) * np.sin(pitch)])
        outward = np.array([1.5 * breath, 0.0, 0.0])
        arms = np.concatenate([_ARM + outward, (_ARM + outward) * [-1, 1, 1]])
        legs = np.concatenate([_LEG, _LEG * [-1, 1, 1]]) - [np.sin(shift) / 2, 0, 0]
        shoulders = np.array([np.cos(shift), -0.5 * np.sin(shift), 0.0])
        limbs = np.concatenate([[hips, shoulders, sway, across, up], arms, legs])
        expression = Expression(
            left_eye=_lids(time),
            right_eye=_lids(time),
            gaze_left=float(_GAZE * yaw / _YAW),
            gaze_up=float(-0.5 * _GAZE * pitch / _PITCH),
        )
        return replace(
            place,
            time=time,
            limbs=limbs / np.linalg.norm(limbs, axis=1, keepdims=True),
            ends=self._ends,
            fingers=self._fingers,
            expression=expression_values(expression),
            foot_contact=np.ones(2),
            imputed=np.ones(POINT_COUNT, bool),
            contacts=None,
        )


def standing_place(time: float, size: tuple[int, int]) -> MotionState:
    """Motion state that places somebody who was never seen: standing in the middle of a frame.

    Args:
        time: seconds.
        size: width and height of the frame.
    """
    width, height = size
    adult = adult_skeleton()
    scale = _STANDING * height / adult.height
    body = adult.rest[:25, :2].astype(np.float64)
    points = body * scale + [width / 2, -_GROUND * height - body[:, 1].min() * scale]
    return MotionState(
        time=time,
        limbs=np.zeros((13, 3)),
        limb_trust=np.zeros(13),
        ends=np.zeros((6, 3)),
        end_trust=np.zeros(6),
        fingers=np.zeros((2, 25)),
        finger_trust=np.zeros(2),
        expression=np.zeros(8),
        points=points,
        point_trust=np.ones(25),
        foot_contact=np.ones(2),
        height=_STANDING * height,
        visible_fraction=1.0,
        slope=0.0,
        imputed=np.ones(POINT_COUNT, bool),
        hidden_below=np.inf,
    )


def _glance(time: float) -> tuple[float, float]:
    """Yaw to the character's left and pitch downwards of the head, radians."""
    index, passed = divmod(time, _GLANCE_SECONDS)
    share = _smooth_step(passed / _TURN_SECONDS)
    before, after = _glance_target(int(index) - 1), _glance_target(int(index))
    yaw, pitch = before + share * (after - before)
    return float(yaw), float(pitch)


def _glance_target(index: int) -> Array:
    """Where the head looks in an interval; straight ahead in every other one."""
    if index % 2:
        return np.zeros(2)
    return np.random.default_rng([index & 0xFFFF, 1]).uniform(-1, 1, 2) * [_YAW, _PITCH]


def _lids(time: float) -> float:
    """How far the eyes are closed: one blink in each interval, at a random moment."""
    index, passed = divmod(time, _BLINK_PERIOD)
    start = np.random.default_rng([int(index) & 0xFFFF, 2]).uniform(0, _BLINK_PERIOD - 2 * _BLINK_SECONDS)
    return float(max(0.0, 1 - abs(passed - start - _BLINK_SECONDS) / _BLINK_SECONDS))


def _smooth_step(share: float) -> float:
    """Smooth ramp from 0 to 1."""
    share = float(np.clip(share, 0.0, 1.0))
    return share * share * (3 - 2 * share)
