"""The first pass over a file: who is where in every picture, and what lies behind them."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.core.pipeline import run_pipeline
from dance_now.core.profiler import Profiler
from dance_now.media.frame import Frame
from dance_now.media.source import Source
from dance_now.pose.estimators.people_finder import PeopleFinder
from dance_now.pose.model.detection import Detection, Person, PersonMask
from dance_now.pose.model.pose import Pose
from dance_now.scene.background.clean_background import BackgroundCollector

Progress = Callable[[str, int, int | None], None]

_NO_MASK: Final = PersonMask(np.zeros((1, 1), np.float32), np.eye(2, 3, dtype=np.float32))


@dataclass(frozen=True, eq=False)
class PackedMask:
    """A person's mask in a few kilobytes: values in steps of 1/255, deflated."""

    content: bytes
    shape: tuple[int, ...]
    to_image: FloatArray

    @classmethod
    def of(cls, mask: PersonMask) -> PackedMask:
        """Packs a mask."""
        steps = np.rint(mask.alpha * 255).astype(np.uint8)
        return cls(zlib.compress(steps.tobytes(), 1), steps.shape, mask.to_image)

    def unpacked(self) -> PersonMask:
        """The mask, every value within 1/510 of what it was."""
        steps = np.frombuffer(zlib.decompress(self.content), np.uint8).reshape(self.shape)
        return PersonMask(steps.astype(np.float32) / np.float32(255), self.to_image)


@dataclass(frozen=True, eq=False)
class Record:
    """A person in one picture, without the large mask."""

    identity: int
    pose: Pose
    mask: PackedMask

    @classmethod
    def of(cls, person: Person) -> Record:
        """What is kept of a person."""
        return cls(person.identity, person.detection.pose, PackedMask.of(person.detection.mask))

    def person(self) -> Person:
        """The person again."""
        return Person(self.identity, Detection(self.pose, self.mask.unpacked()))


@dataclass
class Analysis:
    """What a first pass has found; about 6 kB for a person and picture.

    Attributes:
        times: seconds, by the picture's index (which skips what could not be read).
        people: in each picture, by its index.
        background: samples of what lies behind them; None where nobody asked for it.
    """

    times: dict[int, float] = field(default_factory=dict)
    people: dict[int, tuple[Record, ...]] = field(default_factory=dict)
    background: BackgroundCollector | None = None

    def at(self, index: int) -> tuple[Person, ...]:
        """The people in a picture; nobody in one that the first pass did not come to."""
        return tuple(record.person() for record in self.people.get(index, ()))

    def poses_at(self, index: int) -> tuple[Person, ...]:
        """The people in a picture with empty masks, which takes no time."""
        return tuple(
            Person(record.identity, Detection(record.pose, _NO_MASK)) for record in self.people[index]
        )

    def poses_of(self, identity: int) -> list[Pose | None]:
        """Somebody's poses in all pictures; None where they were not found."""
        return [
            next((record.pose for record in records if record.identity == identity), None)
            for records in self.people.values()
        ]

    def add(self, frame: Frame, people: Sequence[Person]) -> None:
        """Records the next picture."""
        self.times[frame.index] = frame.time
        self.people[frame.index] = tuple(Record.of(person) for person in people)
        if self.background is not None:
            self.background.add(frame.image, [person.detection for person in people])


def analyze(
    source: Source, find: PeopleFinder, tell: Progress, background: bool, profiler: Profiler | None = None
) -> Analysis:
    """Looks through a source once.

    Args:
        source: what is danced.
        find: finds the people.
        tell: called with ``"analysis"``, the pictures done, and all of them where known.
        background: whether to gather what lies behind the people.
        profiler: what the time of the stages is added to.
    """
    watch = profiler or Profiler()
    gathered = Analysis(background=BackgroundCollector(source.frame_count) if background else None)

    def look(frame: Frame) -> tuple[Frame, tuple[Person, ...]]:
        with watch.stage("pose"):
            return frame, find.detect_bodies(frame.image, frame.index)

    def look_closer(found: tuple[Frame, tuple[Person, ...]]) -> tuple[Frame, tuple[Person, ...]]:
        frame, people = found
        with watch.stage("pose"):
            return frame, find.add_hands_and_faces(frame.image, people)

    def record(found: tuple[Frame, tuple[Person, ...]]) -> int:
        with watch.stage("analysis"):
            gathered.add(*found)
        return found[0].index + 1

    with closing(run_pipeline(watch.iterate("read", source.frames()), look, look_closer, record)) as counts:
        for count in counts:
            tell("analysis", count, source.frame_count)
    return gathered
