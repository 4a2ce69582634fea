"""Hair and skirts of every figure in a scene, simulated along their motion."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from dance_now.app.motion.sessions import Replacement
from dance_now.character.templates.spring_simulation import SpringSimulation
from dance_now.media.frame import Frame
from dance_now.pose.model.keypoints import BODY_INDEX
from dance_now.scene.background.camera_drift import CameraDrift

_HIPS: Final = BODY_INDEX["mid_hip"]
_FORGOTTEN_SECONDS: Final = 2.0  # longer than any gap that hair swings across


class SpringMotion:
    """Simulates the springs of several figures, frame by frame, each person's for itself.

    Args:
        drift: tells how the camera moves the scene; without, the camera is taken to stand still.
    """

    def __init__(self, drift: CameraDrift | None = None) -> None:
        self._drift = drift
        self._simulations: dict[int, SpringSimulation | None] = {}
        self._seen: dict[int, float] = {}  # seconds

    def reset(self) -> None:
        """Forgets all motion."""
        self._simulations.clear()
        self._seen.clear()
        if self._drift is not None:
            self._drift.reset()

    def __call__(self, frame: Frame, parts: list[Replacement]) -> list[Replacement]:
        """Adds the springs' tails to the replacements of the next frame."""
        for identity, time in list(self._seen.items()):  # or a day of passers-by would stay in memory
            if not 0 <= frame.time - time <= _FORGOTTEN_SECONDS:
                del self._seen[identity], self._simulations[identity]
        for part in parts:
            self._seen[part.person.identity] = frame.time
            if part.person.identity not in self._simulations:
                self._simulations[part.person.identity] = part.character.spring_simulation()
        moving = [part for part in parts if self._simulations[part.person.identity] is not None]
        if self._drift is not None and moving:
            self._drift.update(frame.image, [part.person.detection for part in parts])
        return [self._swung(frame, part) for part in parts]

    def _swung(self, frame: Frame, part: Replacement) -> Replacement:
        simulate = self._simulations[part.person.identity]
        if simulate is None:
            return part
        pose = part.retargeted.pose
        shift = (0.0, 0.0) if self._drift is None else self._drift.at(pose.points[_HIPS, :2])
        return replace(part, tails=simulate(pose, frame.time, part.retargeted.up, shift))
