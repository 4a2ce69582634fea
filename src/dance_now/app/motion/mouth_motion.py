"""Mouth motion: whether a character's mouth follows the person's face or a sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.keypoints import FACE
from dance_now.pose.model.pose import Pose
from dance_now.pose.retarget.motion_state import MotionState

_NEEDED: Final = 35  # of the 70 face points: with fewer, a face is not read


class MouthMotion:
    """Replaces the mouth of motion states by what a sound says.

    Args:
        vowels_at: weights (5,) of VOWELS at a time in seconds.
        always: also where the face can be read.
    """

    def __init__(self, vowels_at: Callable[[float], npt.NDArray[np.float64]], *, always: bool) -> None:
        self._vowels_at = vowels_at
        self._always = always

    def __call__(self, state: MotionState, pose: Pose, time: float) -> MotionState:
        """The state of a frame at a time in seconds, in which a person was seen in a pose."""
        if not self._always and is_face_seen(state, pose):
            return state
        return replace(state, vowels=self._vowels_at(time))


def is_face_seen(state: MotionState, pose: Pose) -> bool:
    """Whether a person's expression could be read."""
    return not state.imputed[FACE].all() and int(pose.visible[FACE].sum()) >= _NEEDED
