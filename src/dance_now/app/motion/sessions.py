"""Sessions: assign characters to people and retarget their motion, from a recorded analysis pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from dance_now.app.analysis import Analysis
from dance_now.app.dance_options import HeightName, PersonName
from dance_now.app.motion.mouth_motion import MouthMotion
from dance_now.character.character import Character
from dance_now.character.templates.spring_simulation import SpringTails
from dance_now.media.frame import Frame
from dance_now.pose.model.detection import Person
from dance_now.pose.retarget.clip_motion import read_clip
from dance_now.pose.retarget.motion_state import MotionState
from dance_now.pose.retarget.retargeter import Retargeted, Retargeter
from dance_now.pose.tracking.person_choice import PersonChoice

_PERSON_METRES: Final = 1.7  # assumed height of people, for characters of their own height


@dataclass(frozen=True, eq=False)
class Replacement:
    """A person in a frame and the character that replaces them.

    Attributes:
        person: the person.
        character: the character.
        retargeted: the character's pose, in pixels of the frame.
        tails: of its springs, where they swing; see ``SpringMotion``.
        present: whether the person is in the frame, and is to be removed from it; else the character idles.
    """

    person: Person
    character: Character
    retargeted: Retargeted
    tails: SpringTails | None = None
    present: bool = True


def person_choice(person: PersonName | int | None, characters: int) -> PersonChoice:
    """Which people are replaced; by default the largest, or all if there are several characters."""
    default = "all" if characters > 1 else "largest"
    return PersonChoice(default if person is None else str(person))


class CharacterAssignment:
    """Assigns a character to every person: in turn, in the order in which the people appear."""

    def __init__(self, characters: Sequence[Character], height: HeightName | float = "person") -> None:
        """Takes the characters and their height.

        Args:
            characters: at least one.
            height: ``person`` (the person's height), ``own`` (the character's real height), or a factor of
                the person's height; checked by ``DanceOptions``.
        """
        self._characters = characters
        self._height = height
        self._places: dict[int, int] = {}

    def reset(self) -> None:
        """Forgets all assignments."""
        self._places.clear()

    def __call__(self, identity: int) -> Character:
        """The character that replaces a person."""
        place = self._places.setdefault(identity, len(self._places))
        return self._characters[place % len(self._characters)]

    @property
    def first(self) -> tuple[Character, float]:
        """The character that the first person gets, and its height over the person's."""
        character = self._characters[0]
        return character, self._height_ratio(character)

    def height_ratio(self, identity: int) -> float:
        """Height of a person's character, divided by the person's height."""
        return self._height_ratio(self(identity))

    def _height_ratio(self, character: Character) -> float:
        if self._height == "own":
            return character.skeleton.height / _PERSON_METRES
        return 1.0 if self._height == "person" else float(self._height)


class Session(Protocol):
    """People and their characters' motion, frame by frame; each step may have a thread of its own."""

    def find(self, frame: Frame) -> tuple[Person, ...]:
        """The people in the next picture; their hands and faces may still be missing."""
        ...

    def refine(self, frame: Frame, people: tuple[Person, ...]) -> tuple[Person, ...]:
        """The same people with hands and faces."""
        ...

    def parts(self, frame: Frame, people: tuple[Person, ...]) -> list[Replacement]:
        """The people of the next picture who are replaced, with their characters."""
        ...

    def reset(self) -> None:
        """Forgets everything."""
        ...


class RecordedSession:
    """Recorded session: motion of an analysis pass, smoothed without delay (zero phase), gaps filled.

    Where a person is missing for a few frames only, the motion is interpolated, and the mask stays as it was.
    """

    def __init__(
        self,
        analysis: Analysis,
        choice: PersonChoice,
        assignment: CharacterAssignment,
        size: tuple[int, int] | None = None,
        mouth: MouthMotion | None = None,
    ) -> None:
        """Retargets the motion of everybody chosen.

        Args:
            analysis: of all pictures.
            choice: which of the people found are replaced.
            assignment: their characters.
            size: width and height of the pictures.
            mouth: lets mouths follow a sound; they follow the faces without.
        """
        self._analysis = analysis
        self._mouth = mouth
        self._assignment = assignment
        choice.reset()
        self._chosen = {
            index: [person.identity for person in choice(analysis.poses_at(index))]
            for index in analysis.times
        }
        times = list(analysis.times.values())
        self._retargeters: dict[int, Retargeter] = {}
        self._readings: dict[int, dict[int, MotionState | None]] = {}
        for identity in dict.fromkeys(identity for chosen in self._chosen.values() for identity in chosen):
            character = assignment(identity)
            retargeter = Retargeter(character.skeleton, surface=character.body_surface)
            ratio, ground = assignment.height_ratio(identity), analysis.ground_of(identity)
            readings = read_clip(retargeter, analysis.poses_of(identity), times, size, ratio, ground)
            self._readings[identity] = dict(zip(analysis.times, readings, strict=True))
            self._retargeters[identity] = retargeter
        self._latest: dict[int, Person] = {}

    def find(self, frame: Frame) -> tuple[Person, ...]:
        """Looks the people up in the analysis."""
        return self._analysis.at(frame.index)

    def refine(self, frame: Frame, people: tuple[Person, ...]) -> tuple[Person, ...]:
        """Returns the same people: the analysis has their hands and faces."""
        return people

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
                if self._mouth is not None:
                    reading = self._mouth(reading, person.detection.pose, frame.time)
                retargeted = self._retargeters[identity].build(
                    reading, self._assignment.height_ratio(identity)
                )
                parts.append(Replacement(person, self._assignment(identity), retargeted))
        self._latest = {part.person.identity: part.person for part in parts}
        return parts

    def reset(self) -> None:
        """Goes back to the beginning."""
        self._latest.clear()
        for retargeter in self._retargeters.values():
            retargeter.reset()
