"""Spring bone simulation of one figure: hair, skirts and ribbons that swing with its motion."""

from __future__ import annotations

import ctypes
import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dance_now.character.kernel.library import BONES, BonePose, SkeletonData, SpringsData, address
from dance_now.pose.model.keypoints import BODY_INDEX
from dance_now.pose.model.pose import Pose

SETTLING_STEPS: Final = 30
"""Steps of 1/60 s in a still pose after which hair and skirts hang still."""

SpringTails = npt.NDArray[np.float64]
"""(J, 3) tails of spring bones, metres from the middle of the hips: x right, y up, z towards the viewer."""

_STEP_SECONDS: Final = 1 / 60  # the format's forces are tuned for it
_LONGEST_GAP: Final = 0.35  # seconds after which a figure begins anew, hanging still
_FASTEST: Final = 12.0  # metres a second of the hips; what is faster is another place, not a motion
_IN_FLIGHT: Final = 0.015  # metres in the picture by which the lower foot has left the ground
_LANDING_SECONDS: Final = 0.6  # after which a foot that stays up is taken to have found other ground
_STEADY_SECONDS: Final = 0.13  # over which the speed in depth is averaged: depths of real people are rough
_PLANTED_SPEED: Final = 0.8  # metres a second in the picture at which a sole hardly counts as planted
_PLANTED_HEIGHT: Final = 0.03  # metres above the lowest sole, likewise
_LEAST_PLANTED: Final = 1e-3
_HIPS: Final = BODY_INDEX["mid_hip"]
_SOLES: Final = [
    BODY_INDEX[f"{side}_{part}"] for side in ("left", "right") for part in ("big_toe", "small_toe", "heel")
]


class SpringSimulation:
    """Simulates the spring bones of one figure along its motion.

    The hips' way moves hair as well: across as the picture shows it, in metres of the character; and in
    depth, which no picture shows, as the soles tell that stand on the ground. Between two pictures the pose
    is interpolated, so that hair swings alike at any frame rate. The same input gives the same bits.

    Args:
        kernel: the drawing kernel.
        skeleton: the character's body, for the kernel.
        springs: its spring bones.
        owner: of the memory that these two point to.

    Example:
        >>> simulate = character.spring_simulation()  # doctest: +SKIP
        >>> tails = simulate(pose, time=0.04)  # doctest: +SKIP
    """

    def __init__(
        self, kernel: ctypes.CDLL, skeleton: SkeletonData, springs: SpringsData, owner: object
    ) -> None:
        self._kernel, self._skeleton, self._springs, self._owner = kernel, skeleton, springs, owner
        self._pose = BonePose()
        self._affines = np.zeros((BONES + springs.joints, 3, 4))
        self._state = np.zeros((2, springs.joints, 3))
        self._colliders = np.zeros((springs.colliders, 2, 3))
        self.reset()

    def reset(self) -> None:
        """Forgets the motion: the next pose hangs still."""
        self._time = -math.inf
        self._earlier = 0.0
        self._approaching = self._lift = 0.0
        self._before: tuple[npt.NDArray[np.float64], float] | None = None

    def __call__(
        self,
        pose: Pose,
        time: float,
        up: npt.ArrayLike | None = None,
        scene_shift: tuple[float, float] = (0.0, 0.0),
    ) -> SpringTails:
        """Moves the springs on to the next pose.

        Args:
            pose: of the character's own body, in pixels of the picture, with depth.
            time: seconds. What does not follow the last pose within 0.35 s begins anew.
            up: (3,) where the sky is, in the view frame; of a level camera where it is missing.
            scene_shift: pixels by which the camera moved the scene in the picture since the last pose, at the
                hips: that is no motion of the figure.

        Returns:
            (J, 3) tails, relative to the hips.

        Raises:
            ValueError: a time that is not finite.
        """
        points = np.column_stack([pose.points[:, :2], pose.depth, pose.points[:, 2]]).astype(np.float64)
        if not math.isfinite(time):
            raise ValueError("springs need a finite time")
        sky = np.array((0.0, 1.0, 0.0) if up is None else up, np.float64)
        sky /= np.linalg.norm(sky)
        scale = self._bones(points)
        if scale <= 0:
            self.reset()
            return self._state[0].copy()
        seconds = time - self._time
        if self._before is None or not 0 < seconds <= _LONGEST_GAP:
            self._settle(sky)
        else:
            self._move(points, scale, seconds, sky, scene_shift)
        self._time, self._before = time, (points, scale)
        return self._state[0].copy()

    def _settle(self, sky: npt.NDArray[np.float64]) -> None:
        self._kernel.settle_springs(*self._arguments(), address(sky), SETTLING_STEPS)
        self._earlier = _STEP_SECONDS

    def _move(
        self,
        points: npt.NDArray[np.float64],
        scale: float,
        seconds: float,
        sky: npt.NDArray[np.float64],
        scene_shift: tuple[float, float],
    ) -> None:
        assert self._before is not None
        before, scale_before = self._before
        steps = max(1, math.ceil(seconds / _STEP_SECONDS - 1e-3))
        # About the hips and in metres, so that only the body's own motion is interpolated.
        first, last = (_about_hips(each, size) for each, size in ((before, scale_before), (points, scale)))
        across, down = (points[_HIPS, :2] - before[_HIPS, :2] - scene_shift) * (2 / (scale + scale_before))
        fall = down + last[_SOLES, 1].max() - first[_SOLES, 1].max()
        self._lift = max(self._lift * math.exp(-seconds / _LANDING_SECONDS) - fall, 0.0)
        if self._lift < _IN_FLIGHT:
            moved = last[_SOLES, :3] - first[_SOLES, :3] + (across, down, 0)
            self._approach(moved / seconds, first[_SOLES, 1], seconds)
        travel = np.array([across, -down, self._approaching * seconds])
        if np.linalg.norm(travel) > _FASTEST * seconds:
            travel[:] = 0
        for share in np.linspace(0, 1, steps + 1)[1:]:
            self._bones(first + (last - first) * share)
            self._state -= travel / steps
            self._kernel.step_springs(*self._arguments(), address(sky), seconds / steps, self._earlier)
            self._earlier = seconds / steps

    def _approach(
        self, soles: npt.NDArray[np.float64], heights: npt.NDArray[np.float64], seconds: float
    ) -> None:
        """Reads how fast the hips come nearer, metres a second, off the soles that stand on the ground.

        Args:
            soles: (S, 3) their velocities: in the picture as it is seen, in depth relative to the hips.
            heights: (S,) metres, down.
            seconds: since the last pose.
        """
        fast = np.square(soles[:, :2]).sum(axis=1) / _PLANTED_SPEED**2
        planted = np.exp(-fast - (heights.max() - heights) / _PLANTED_HEIGHT)
        surest = float(planted.max())
        if surest < _LEAST_PLANTED:
            return
        speed = float(planted @ soles[:, 2] / planted.sum())
        share = 1 - math.exp(-surest * seconds / _STEADY_SECONDS)
        self._approaching += share * (float(np.clip(speed, -_FASTEST, _FASTEST)) - self._approaching)

    def _bones(self, points: npt.NDArray[np.float64]) -> float:
        """Poses the bones about the hips; returns pixels per metre, 0 for no pose."""
        around = np.ascontiguousarray(_about_hips(points, 1.0), np.float32)
        self._kernel.bone_rule(self._skeleton, address(around), self._pose)
        self._kernel.bone_affines(self._skeleton, self._pose, address(self._affines))
        return float(self._pose.scale)

    def _arguments(self) -> tuple[Any, ...]:
        return self._springs, address(self._affines), address(self._state), address(self._colliders)


def _about_hips(points: npt.NDArray[np.float64], scale: float) -> npt.NDArray[np.float64]:
    """Keypoints (137, 4) relative to the hips, divided by a scale."""
    around = points.copy()
    around[:, :3] = (points[:, :3] - points[_HIPS, :3]) / scale
    return around
