"""Clip contacts: touches and standing feet of a whole clip, found with a look in both directions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dance_now.pose.contacts.foot_contacts import ANKLES, TOES, FootContacts
from dance_now.pose.contacts.foot_plants import FootPath, hold_feet
from dance_now.pose.contacts.intervals import true_intervals
from dance_now.pose.contacts.touch_tracking import track_clip_touches
from dance_now.pose.model.body_scale import SOLE_BELOW_POINTS
from dance_now.pose.model.vectors import normalised
from dance_now.pose.retarget.motion_state import MotionState
from dance_now.pose.retarget.retargeter import Retargeted, Retargeter

Array = npt.NDArray[np.float64]


def hold_clip_contacts(
    retargeter: Retargeter,
    states: Sequence[MotionState | None],
    height_ratio: float = 1.0,
    camera: Array | None = None,
) -> list[MotionState | None]:
    """Adds the contacts of a whole clip to its states.

    The clip is built once without feet that are held: a foot is then held in the middle of where it was.

    Args:
        retargeter: the character's; it begins anew afterwards.
        states: smoothed; None where the person is missing.
        height_ratio: the character's height over the person's, as ``Retargeter.build`` will be told.
        camera: (n, 2) pixels of the image (y down) by which the scene is displaced near the feet; None for a
            camera that stands still.
    """
    feet = FootContacts(retargeter.body)
    moved = np.zeros((len(states), 2)) if camera is None else camera * [1.0, -1.0]
    held: list[MotionState | None] = list(states)
    for first, after in _segments(states):
        part = track_clip_touches([state for state in states[first:after] if state is not None])
        built = [retargeter.build(state, height_ratio) for state in part]
        held[first:after] = hold_feet(part, _path(feet, part, built), moved[first:after])
    retargeter.restart()
    return held


def _segments(states: Sequence[MotionState | None]) -> list[tuple[int, int]]:
    return true_intervals(np.array([state is not None for state in states], bool))


def _path(feet: FootContacts, states: Sequence[MotionState], built: Sequence[Retargeted]) -> FootPath:
    """Path of the character's feet."""
    rows = np.stack([feet.toe_rows, ANKLES])
    poses = [each.pose for each in built]
    solid = np.stack([np.column_stack([pose.points[:, :2], pose.depth])[rows] for pose in poses]).astype(
        np.float64
    ) * [1.0, -1.0, -1.0]
    scales = np.array([each.scale for each in built])
    heights = np.array([state.height for state in states])
    theirs = np.stack([np.asarray(state.points, np.float64)[TOES, 1] for state in states])
    seen = np.stack([np.asarray(state.point_trust)[TOES] for state in states]) > 0.5
    lowest = theirs - SOLE_BELOW_POINTS * heights[:, None] + feet.sole_heights * scales[:, None]
    return FootPath(
        solid[:, 0, :, :2], normalised(solid[:, 0] - solid[:, 1]), np.where(seen, lowest, -np.inf)
    )
