"""Live contacts: touches and standing feet frame by frame, causally; and the touches of photos."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.contacts.contact_state import ContactReading, Contacts, Stance
from dance_now.pose.contacts.foot_contacts import ANKLES, TOES
from dance_now.pose.contacts.foot_plants import QUICK
from dance_now.pose.contacts.touch_tracking import LiveTouchTracker, single_touch
from dance_now.pose.model.vectors import length, normalised
from dance_now.pose.retarget.motion_state import MotionState

Array = npt.NDArray[np.float64]

_SPEED_SECONDS: Final = 0.06
_STILL: Final = 0.16  # heights a second: a foot that comes to stand is slower
_SLIDES: Final = 0.045  # heights from where it came to stand: a foot that goes further slides on purpose
_PLACE_SECONDS: Final = 0.5
_RELEASE_SECONDS: Final = 0.1
_LOW: Final = 0.3  # ground contact
_SEEN: Final = 0.3
# Heights a second by which a foot that stands is moved: always, and at first.
_SETTLING, _FIRST_SETTLING = 0.003, 0.02
_FIRST_SECONDS: Final = 0.25
_UNSURE_SECONDS: Final = 0.3  # in which a new person's place is not known well
_EARLY_SETTLING, _EARLY_SECONDS = 0.01, 1.0  # and in which it gets better
_FEET: Final = np.stack([TOES, ANKLES])
_STRAIN: Final = 0.09  # of the height: a foot further from where it is held is let go


def photo_contacts(state: MotionState) -> MotionState:
    """The state of a photo with its touches."""
    if state.contacts is None:
        return state
    return replace(state, contacts=replace(state.contacts, touch=single_touch(state)))


class LiveContacts:
    """Detects contacts frame by frame."""

    def __init__(self) -> None:
        self._touches = LiveTouchTracker()
        self.reset()

    def reset(self) -> None:
        """Forgets all contacts."""
        self._touches.reset()
        self._before: Array | None = None
        self._velocity = self._places = np.zeros((2, 2, 2))
        self._on = np.zeros(2, bool)
        self._time = -np.inf

    def __call__(self, state: MotionState) -> MotionState:
        """The smoothed state of the next frame with its contacts; a stance without places yet."""
        if state.contacts is None:
            return state
        touch = self._touches(state)
        stance = Stance(planted=self._standing(state, state.contacts.reading).astype(np.float64), live=True)
        return replace(state, contacts=replace(state.contacts, touch=touch, stance=stance))

    def _standing(self, state: MotionState, reading: ContactReading) -> npt.NDArray[np.bool_]:
        """Mask (2,) of standing feet, from points without the lag of a smoother."""
        points = reading.points[_FEET] / max(state.height, 1.0)
        step, self._time = state.time - self._time, state.time
        if self._before is None or not 0 < step < 1:
            self._before, self._velocity = points, np.full(points.shape, np.inf)
            self._places = points
            self._on = np.zeros(2, bool)
            return self._on
        keep = float(np.exp(-step / _SPEED_SECONDS)) if np.isfinite(self._velocity).all() else 0.0
        raw = (points - self._before) / step
        self._velocity = raw + keep * (self._velocity - raw) if keep else raw
        self._before = points
        speed = length(self._velocity)[..., 0].max(axis=0)
        usable = (reading.trust[_FEET].min(axis=0) > _SEEN) & (np.asarray(state.foot_contact) > _LOW)
        away = length(points - self._places)[..., 0].max(axis=0)
        on = usable & np.where(self._on, (speed < QUICK) & (away < _SLIDES), speed < _STILL)
        follow = np.where(on & self._on, 1 - float(np.exp(-step / _PLACE_SECONDS)), 1.0)
        self._places = self._places + follow[None, :, None] * (points - self._places)
        self._on = on
        return self._on


class FootHolder:
    """Holds a character's feet where they came to stand, and lets them go smoothly; for live sources.

    What moves a foot to where it is held stays while the foot stands, and fades when it steps.
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Lets go of both feet."""
        self._move, self._turn = np.zeros((2, 2)), np.zeros((2, 3))
        self._anchors, self._headings = np.zeros((2, 2)), np.zeros((2, 3))
        self._held = np.zeros(2, bool)
        self._since, self._passed = np.zeros(2), 0.0
        self._time = -np.inf

    def __call__(
        self, contacts: Contacts, toes: Array, headings: Array, height: float, time: float
    ) -> Stance:
        """Where the feet are held in the next frame.

        Args:
            contacts: of ``LiveContacts``.
            toes: (2, 2) places of the character's toes if nothing held them, view frame, pixels.
            headings: (2, 3) unit directions from the ankles, likewise.
            height: of the person, pixels.
            time: seconds.
        """
        step, self._time = time - self._time, time
        step = step if 0 < step < 1 else 0.0
        self._passed += step
        keep = float(np.exp(-step / _RELEASE_SECONDS)) if step else 0.0
        strained = self._held & (length(toes - self._anchors)[:, 0] > _STRAIN * height)
        standing = (contacts.stance.planted > 0.5) & ~strained & (self._passed > _UNSURE_SECONDS)
        begins = (standing & ~self._held)[:, None]
        self._held = standing
        self._anchors = np.where(begins, toes + keep * self._move, self._anchors)
        self._since = np.where(begins[:, 0], 0.0, self._since + step)
        self._anchors = self._settled(toes, height * step)
        self._headings = np.where(begins, headings + keep * self._turn, self._headings)
        held = standing[:, None]
        self._move = np.where(held, self._anchors - toes, keep * self._move)
        self._turn = np.where(held, self._headings - headings, keep * self._turn)
        one = np.ones(2)
        return Stance(one, toes + self._move, one, normalised(headings + self._turn))

    def _settled(self, toes: Array, most: float) -> Array:
        """Anchors moved a little: the first moments are not exact, and who stands shifts."""
        away = toes - self._anchors
        size = length(away)
        early = float(np.exp(-self._passed / _EARLY_SECONDS))
        rate = _SETTLING + _FIRST_SETTLING * np.exp(-self._since / _FIRST_SECONDS) + _EARLY_SETTLING * early
        return np.asarray(
            self._anchors + away * np.minimum(1.0, most * rate[:, None] / np.maximum(size, 1e-9))
        )
