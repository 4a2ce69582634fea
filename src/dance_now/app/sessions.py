"""Sessions: who is replaced by which character, and how it moves; live, or recorded by an analysis pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from dance_now.app.analysis import Analysis
from dance_now.character.character import Character
from dance_now.core.errors import DanceNowError
from dance_now.media.frame import Frame
from dance_now.pose.estimators.people_finder import PeopleFinder
from dance_now.pose.model.detection import Person
from dance_now.pose.retarget.clip_motion import read_clip
from dance_now.pose.retarget.motion_state import MotionState
from dance_now.pose.retarget.retargeter import Retargeted, Retargeter
from dance_now.pose.tracking.person_choice import PersonChoice

_PERSON_METRES: Final = 1.7  # whoever plays with their own height, people are taken to have this one
_HEIGHTS: Final = (0.1, 10.0)  # times the person's


@dataclass(frozen=True, eq=False)
class Replacement:
    """One person's part in a picture.

    Attributes:
        person: whose place is taken.
        character: who takes it.
        retargeted: the character's pose in the picture.
    """

    person: Person
    character: Character
    retargeted: Retargeted


class CharacterAssignment:
    """Gives every person one of the characters, in turn, in the order in which the people appear."""

    def __init__(self, characters: Sequence[Character], height: str = "person") -> None:
        """Takes who plays, and how tall.

        Args:
            characters: at least one.
            height: ``person`` (as tall as the person), ``own`` (as tall as the character is beside people),
                or a factor of the person's height.

        Raises:
            DanceNowError: another height.
        """
        self._characters = characters
        self._height = _factor(height)
        self._places: dict[int, int] = {}

    def reset(self) -> None:
        """Forgets who plays whom."""
        self._places.clear()

    def __call__(self, identity: int) -> Character:
        """The character that takes a person's place."""
        place = self._places.setdefault(identity, len(self._places))
        return self._characters[place % len(self._characters)]

    def height_ratio(self, identity: int) -> float:
        """The height of a person's character over the person's."""
        return self._height or self(identity).skeleton.height / _PERSON_METRES


def _factor(height: str) -> float | None:
    """How many times as tall as the person; None for the character's own height."""
    if height in ("person", "own"):
        return 1.0 if height == "person" else None
    low, high = _HEIGHTS
    try:
        factor = float(height)
    except ValueError:
        factor = 0.0
    if not low <= factor <= high:
        raise DanceNowError(
            f"--height is person, own or a factor between {low:g} and {high:g}, not {height}."
        )
    return factor


class Session(Protocol):
    """Where a dancer's parts come from; its two steps may be called by two threads."""

    def find(self, frame: Frame) -> tuple[Person, ...]:
        """The people in the next picture."""
        ...

    def parts(self, frame: Frame, people: tuple[Person, ...]) -> list[Replacement]:
        """What is danced in the next picture: some of its people with their characters."""
        ...

    def reset(self) -> None:
        """Forgets everything."""
        ...


class LiveSession:
    """Every picture as it comes; motion is smoothed with what came before.

    Where somebody is missing for a few pictures only, the character stays, and the mask as it was.
    """

    def __init__(
        self, find: PeopleFinder, choose: PersonChoice, cast: CharacterAssignment, smooth: bool
    ) -> None:
        """Takes the finder, the choice among those found, the cast, and whether motion is smoothed."""
        self._find = find
        self._choose = choose
        self._cast = cast
        self._smooth = smooth
        self._retargeters: dict[int, Retargeter] = {}
        self._latest: dict[int, Person] = {}

    def find(self, frame: Frame) -> tuple[Person, ...]:
        """Asks the finder."""
        return self._find(frame.image, frame.index)

    def parts(self, frame: Frame, people: tuple[Person, ...]) -> list[Replacement]:
        """Retargets the people chosen."""
        there = {person.identity for person in people}
        parts = [self._part(frame, person) for person in self._choose(people)]
        if self._smooth:
            missing = [person for identity, person in self._latest.items() if identity not in there]
            parts += [part for part in (self._coasting(frame, person) for person in missing) if part]
        self._latest = {part.person.identity: part.person for part in parts}
        return parts

    def _part(self, frame: Frame, person: Person) -> Replacement:
        identity = person.identity
        character = self._cast(identity)
        if identity not in self._retargeters:
            self._retargeters[identity] = Retargeter(character.skeleton, self._smooth)
        height, width = frame.image.shape[:2]
        retargeted = self._retargeters[identity](
            person.detection.pose, frame.time, self._cast.height_ratio(identity), size=(width, height)
        )
        return Replacement(person, character, retargeted)

    def _coasting(self, frame: Frame, person: Person) -> Replacement | None:
        identity = person.identity
        retargeted = self._retargeters[identity].coast(frame.time, self._cast.height_ratio(identity))
        return None if retargeted is None else Replacement(person, self._cast(identity), retargeted)

    def reset(self) -> None:
        """Forgets the people and their motion."""
        self._find.reset()
        self._choose.reset()
        self._cast.reset()
        self._retargeters.clear()
        self._latest.clear()


class RecordedSession:
    """What an analysis has found: motion is smoothed with what comes before and after, and gaps are bridged.

    Where somebody is missing for a few pictures only, the motion goes on, and the mask stays as it was.
    """

    def __init__(
        self,
        analysis: Analysis,
        choose: PersonChoice,
        cast: CharacterAssignment,
        size: tuple[int, int] | None = None,
    ) -> None:
        """Reads the motion of everybody chosen.

        Args:
            analysis: of all pictures.
            choose: among those found.
            cast: who plays whom.
            size: width and height of the pictures.
        """
        self._analysis = analysis
        self._cast = cast
        choose.reset()
        self._chosen = {
            index: [person.identity for person in choose(analysis.poses_at(index))]
            for index in analysis.times
        }
        times = list(analysis.times.values())
        self._retargeters: dict[int, Retargeter] = {}
        self._readings: dict[int, dict[int, MotionState | None]] = {}
        for identity in dict.fromkeys(identity for chosen in self._chosen.values() for identity in chosen):
            retargeter = Retargeter(cast(identity).skeleton)
            readings = read_clip(retargeter, analysis.poses_of(identity), times, size)
            self._readings[identity] = dict(zip(analysis.times, readings, strict=True))
            self._retargeters[identity] = retargeter
        self._latest: dict[int, Person] = {}

    def find(self, frame: Frame) -> tuple[Person, ...]:
        """Looks it up."""
        return self._analysis.at(frame.index)

    def parts(self, frame: Frame, people: tuple[Person, ...]) -> list[Replacement]:
        """Builds the poses of the people chosen."""
        chosen = set(self._chosen.get(frame.index, ()))
        there = {person.identity: person for person in people}
        hidden = {identity: person for identity, person in self._latest.items() if identity not in there}
        playing = {identity: person for identity, person in there.items() if identity in chosen} | hidden
        parts = []
        for identity, person in sorted(playing.items()):
            reading = self._readings[identity].get(frame.index)
            if reading is not None:
                retargeted = self._retargeters[identity].build(reading, self._cast.height_ratio(identity))
                parts.append(Replacement(person, self._cast(identity), retargeted))
        self._latest = {part.person.identity: part.person for part in parts}
        return parts

    def reset(self) -> None:
        """Goes back to the beginning."""
        self._latest.clear()
        for retargeter in self._retargeters.values():
            retargeter.reset()
