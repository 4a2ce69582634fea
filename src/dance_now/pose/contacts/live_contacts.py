"""Live contacts: touches frame by frame, causally; and the contacts of photos.

Feet that stand are held in clips alone: without a look ahead, a stance is known late and let go late, so that
holding feet would make them tremble more than it keeps them from sliding.
"""

from __future__ import annotations

from dataclasses import replace

from dance_now.pose.contacts.contact_state import Stance
from dance_now.pose.contacts.touch_tracking import LiveTouchTracker, single_touch
from dance_now.pose.retarget.motion_state import MotionState


def photo_contacts(state: MotionState) -> MotionState:
    """The state of a photo with its touches, and feet that do not sink into the ground."""
    if state.contacts is None:
        return state
    return replace(state, contacts=replace(state.contacts, touch=single_touch(state), stance=Stance()))


class LiveContacts:
    """Detects touches frame by frame."""

    def __init__(self) -> None:
        self._touches = LiveTouchTracker()

    def reset(self) -> None:
        """Forgets all touches."""
        self._touches.reset()

    def __call__(self, state: MotionState) -> MotionState:
        """The smoothed state of the next frame with its touches."""
        if state.contacts is None:
            return state
        return replace(state, contacts=replace(state.contacts, touch=self._touches(state)))
