"""Poses of a character's own body in the pixels of a 512x512 canvas, for comparing drawings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from skeletons import posed, posture

from dance_now.pose.model.skeleton import Skeleton

_DOWN = [[0, -1, 0.05], [0, -1, 0.05]]
_UP = [[0.3, 1, 0.1], [0.1, 1, 0.2]]
_ASIDE = [[1, 0.1, 0.1], [1, 0.2, 0.3]]


def canvas_poses(skeleton: Skeleton) -> npt.NDArray[np.float32]:
    """(12, 137, 4) x, y, depth, confidence: whole figures, three close-ups and two cut by the canvas."""
    generator = np.random.default_rng(5)
    usual = 400 / skeleton.height
    limbs = (
        {},
        {"left_arm": _UP},
        {"left_arm": _ASIDE, "right_arm": [[-1, 0, 0.5], [0, 1, 0.5]]},
        {"left_leg": [[0.5, -1, 0.6], [0, -1, -0.6]]},
        {"right_arm": [[-0.2, 0.2, 1], [0.3, 0.8, 0.5]], "right_leg": [[-0.2, -1, -0.5], [0, -1, -0.8]]},
        {"left_arm": _DOWN, "left_leg": [[0.9, -1, 0], [0.9, -1, 0]]},
    )
    rows = []
    for number in range(12):
        place = posture(
            skeleton,
            turn=-75 + 30 * number if number < 8 else 25 * (number - 9),
            head_turn=-20 + 8 * (number % 6),
            nod=-10 + 4 * number % 25,
            **limbs[number % len(limbs)],
        )
        face = 0.004 * generator.normal(size=(70, 3)) * np.array([0.3, 1, 0.3])
        scale, middle = usual * (1 - 0.02 * number), (256.0, 270.0)
        if 8 <= number < 11:  # close-ups of head and chest
            scale = (1.6, 2.2, 2.8)[number - 8] * usual
            middle = (250.0, 256.0 + 0.38 * scale * skeleton.height)
        elif number in (6, 11):  # cut by the canvas
            middle = (40.0, 330.0) if number == 6 else (430.0, 480.0)
        pose = posed(skeleton, replace(place, face=place.face + face), scale, middle)
        rows.append(np.column_stack([pose.points[:, :2], pose.depth, pose.points[:, 2]]))
    return np.stack(rows).astype(np.float32)
