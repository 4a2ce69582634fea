"""Frames on their way through a dancer: with bodies found, with people, with drawn characters, composed."""

from __future__ import annotations

from dataclasses import dataclass

from dance_now.app.compositor import Figure
from dance_now.app.motion.sessions import Replacement
from dance_now.core.arrays import Image
from dance_now.media.frame import Frame
from dance_now.pose.model.detection import Person


@dataclass(frozen=True, eq=False)
class BodiesFrame:
    """A frame with the people in it, whose hands and faces may still be missing.

    Attributes:
        frame: the frame.
        people: everybody in it.
    """

    frame: Frame
    people: tuple[Person, ...]


@dataclass(frozen=True, eq=False)
class DetectedFrame:
    """A frame with its people and their replacements.

    Attributes:
        frame: the frame.
        people: everybody in it.
        parts: the people who are replaced, with their characters' poses; the farthest first.
    """

    frame: Frame
    people: tuple[Person, ...]
    parts: list[Replacement]


@dataclass(frozen=True, eq=False)
class PosedFrame:
    """A frame with its drawn characters.

    Attributes:
        found: the frame and its people.
        figures: a drawn character for each part.
    """

    found: DetectedFrame
    figures: list[Figure]


@dataclass(frozen=True, eq=False)
class ComposedFrame:
    """A composed frame.

    Attributes:
        image: (H, W, 3) uint8, or (H, W, 4) with straight alpha for ``Scene.ALPHA`` and frames with alpha.
        time: of the frame, seconds.
        name: of the frame, where it is a photo of its own.
        parts: the people who were replaced, with their characters' poses; empty where nobody was found.
    """

    image: Image
    time: float
    name: str
    parts: list[Replacement]
