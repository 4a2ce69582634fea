"""Contact state: what a person's hands touch and which feet stand, in one frame."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from dance_now.pose.contacts.body_landmarks import CONTACT_ROWS, LANDMARK_NAMES, PROBE_COUNT

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ContactReading:
    """Keypoints that contacts are detected from: CONTACT_ROWS of a person, view frame.

    Attributes:
        points: (49, 2) pixels; ``trust`` (49,) in [0, 1].
        palms: (2, 3) direction from wrist to knuckles as a level camera sees it.
    """

    points: Array
    trust: Array
    palms: Array


@dataclass(frozen=True, eq=False)
class Touch:
    """What both hands touch; weights of a hand that has never touched anything are 0.

    Attributes:
        share: (2,) in [0, 1].
        landmarks: (2, M) weights of the landmarks, sum 1.
        probes: (2, P) weights of the hand's places, sum 1.
        offsets: (2, M, 3) from each landmark to the hand, times its weight, in heights of the person.
    """

    share: Array = field(default_factory=lambda: np.zeros(2))
    landmarks: Array = field(default_factory=lambda: np.zeros((2, len(LANDMARK_NAMES))))
    probes: Array = field(default_factory=lambda: np.zeros((2, PROBE_COUNT)))
    offsets: Array = field(default_factory=lambda: np.zeros((2, len(LANDMARK_NAMES), 3)))


@dataclass(frozen=True, eq=False)
class Stance:
    """Feet that stand, and where the character's are held: view frame, pixels of the image.

    Attributes:
        planted: (2,) how far each ball of the foot is held, in [0, 1].
        anchors: (2, 2) where the big toes are held.
        flat: (2,) how far the whole sole is held.
        headings: (2, 3) the direction from ankle to big toe in which it is.
    """

    planted: Array = field(default_factory=lambda: np.zeros(2))
    anchors: Array = field(default_factory=lambda: np.zeros((2, 2)))
    flat: Array = field(default_factory=lambda: np.zeros(2))
    headings: Array = field(default_factory=lambda: np.zeros((2, 3)))


@dataclass(frozen=True, eq=False)
class Contacts:
    """Contacts of a person in one frame: the reading, and what was made of it over time.

    Attributes:
        reading: what contacts are detected from.
        touch: of the hands.
        stance: of the feet; None where they are not held and may sink, as live.
    """

    reading: ContactReading
    touch: Touch = field(default_factory=Touch)
    stance: Stance | None = None

    def faded(self, share: float) -> Contacts:
        """The same contacts, held less firmly; ``share`` in [0, 1]."""
        touch = replace(self.touch, share=self.touch.share * share)
        stance = self.stance
        if stance is not None:
            stance = replace(stance, planted=stance.planted * share, flat=stance.flat * share)
        return replace(self, touch=touch, stance=stance)


def read_contacts(points: Array, trust: Array, palms: Array) -> Contacts:
    """The reading of one frame, from all keypoints (137, 2) and the trust in them."""
    return Contacts(ContactReading(points[CONTACT_ROWS], trust[CONTACT_ROWS], palms))
