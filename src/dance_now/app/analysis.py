"""Analysis pass: people in every frame of a clip, and samples of the background behind them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.pipeline import run_pipeline
from dance_now.core.profiler import Profiler
from dance_now.media.frame import Frame
from dance_now.media.source import Source
from dance_now.pose.estimators.people_finder import PeopleFinder
from dance_now.pose.model.detection import Detection, Person, PersonMask, PosePart
from dance_now.pose.model.keypoints import BODY_INDEX
from dance_now.pose.model.packed_mask import PackedMask
from dance_now.pose.model.pose import Pose
from dance_now.pose.smoothing.carried_parts import interpolate_carried
from dance_now.scene.background.camera_drift import CameraDrift
from dance_now.scene.background.clean_background import BackgroundCollector

Progress = Callable[[str, int, int | None], None]

_NO_MASK: Final = PersonMask(np.zeros((1, 1), np.float32), np.eye(2, 3, dtype=np.float32))

_STILL_FRAMES: Final = 8  # of a camera that stands still, one is registered
_FEET: Final = [BODY_INDEX[f"{side}_ankle"] for side in ("left", "right")]


@dataclass(frozen=True, eq=False)
class Record:
    """A person in one frame, with a compressed mask, where masks are needed.

    Attributes:
        identity, pose, mask, carried: the person's.
        shift: pixels by which the camera moved the ground under the feet since it was measured last; None
            where it was not measured.
    """

    identity: int
    pose: Pose
    mask: PackedMask | None
    carried: frozenset[PosePart]
    shift: tuple[float, float] | None = None

    @classmethod
    def of(cls, person: Person, masks: bool, shift: tuple[float, float] | None = None) -> Record:
        """Compresses a person; ``masks``: whether to keep the mask."""
        found = person.detection
        mask = PackedMask.of(found.mask) if masks else None
        return cls(person.identity, found.pose, mask, found.carried, shift)

    def person(self) -> Person:
        """Decompresses the person; with an empty mask where none was kept."""
        mask = _NO_MASK if self.mask is None else self.mask.unpacked()
        return Person(self.identity, Detection(self.pose, mask, self.carried))


@dataclass
class Analysis:
    """Result of the analysis pass; about 6 kB per person and frame, 3 kB without masks.

    Attributes:
        masks: whether masks are kept.
        times: seconds, by the frame's index (which skips damaged frames).
        people: in each frame, by its index.
        background: samples of the background; None where nobody asked for it.
        drift: measures how the camera moves the scene; None where nobody sees the scene.
        moves: whether it has been seen to move.
    """

    masks: bool = True
    times: dict[int, float] = field(default_factory=dict)
    people: dict[int, tuple[Record, ...]] = field(default_factory=dict)
    background: BackgroundCollector | None = None
    drift: CameraDrift | None = None
    moves: bool = False

    def at(self, index: int) -> tuple[Person, ...]:
        """The people in a frame; nobody in one that the pass did not reach."""
        return tuple(record.person() for record in self.people.get(index, ()))

    def poses_at(self, index: int) -> tuple[Person, ...]:
        """The people in a frame with empty masks, which takes no time."""
        return tuple(
            Person(record.identity, Detection(record.pose, _NO_MASK)) for record in self.people[index]
        )

    def poses_of(self, identity: int) -> list[Pose | None]:
        """One person's poses in all frames; None where they were not found.

        Hands and faces that were not read in a frame lie between those of the frames around it.
        """
        found = [
            next((record for record in records if record.identity == identity), None)
            for records in self.people.values()
        ]
        return interpolate_carried(
            [None if record is None else record.pose for record in found],
            [frozenset() if record is None else record.carried for record in found],
        )

    def ground_of(self, identity: int) -> npt.NDArray[np.float64]:
        """Pixels (n, 2) by which the camera has moved the ground under a person's feet, in all frames."""
        shifts = [
            next((record.shift for record in records if record.identity == identity), None)
            for records in self.people.values()
        ]
        measured = [index for index, shift in enumerate(shifts) if shift is not None]
        path = np.zeros((len(shifts), 2))
        if measured:
            way = np.cumsum([shifts[index] for index in measured], axis=0)
            for axis in range(2):
                path[:, axis] = np.interp(np.arange(len(shifts)), measured, way[:, axis])
        return path

    def add(self, frame: Frame, people: Sequence[Person]) -> None:
        """Records the next frame."""
        self.times[frame.index] = frame.time
        shifts = self._shifts(frame, people)
        self.people[frame.index] = tuple(
            Record.of(person, self.masks, shift) for person, shift in zip(people, shifts, strict=True)
        )
        if self.background is not None:
            self.background.add(frame.image, [person.detection for person in people])

    def _shifts(self, frame: Frame, people: Sequence[Person]) -> Sequence[tuple[float, float] | None]:
        """The camera's way at each person's feet; seldom measured as long as the camera stands still."""
        due = self.moves or (len(self.people) % _STILL_FRAMES == 0)
        if self.drift is None or not people or not due:
            return [None] * len(people)
        self.drift.update(frame.image, [person.detection for person in people])
        shifts = []
        for person in people:
            feet = person.detection.pose.points[_FEET]
            feet = feet[feet[:, 2] > 0, :2]
            shifts.append(self.drift.at(feet.mean(axis=0)) if len(feet) else (0.0, 0.0))
        self.moves |= any(np.hypot(*shift) > 0 for shift in shifts)
        return shifts


def analyze(
    source: Source,
    finder: PeopleFinder,
    progress: Progress,
    background: bool,
    profiler: Profiler | None = None,
) -> Analysis:
    """Runs the analysis pass over a source.

    Args:
        source: the clip.
        finder: finds the people.
        progress: called with ``"analysis"``, frames done, and frames in all (None: unknown).
        background: whether to sample the background.
        profiler: what the time of the stages is added to.
    """
    profiler = profiler or Profiler()
    collector = BackgroundCollector(source.frame_count) if background else None
    analysis = Analysis(finder.masks, background=collector, drift=CameraDrift() if background else None)

    def detect(frame: Frame) -> tuple[Frame, tuple[Person, ...]]:
        with profiler.stage("pose"):
            return frame, finder.detect_bodies(frame.image, frame.index)

    def refine(found: tuple[Frame, tuple[Person, ...]]) -> tuple[Frame, tuple[Person, ...]]:
        frame, people = found
        with profiler.stage("pose"):
            return frame, finder.add_hands_and_faces(frame.image, people)

    def record(found: tuple[Frame, tuple[Person, ...]]) -> int:
        with profiler.stage("analysis"):
            analysis.add(*found)
        return found[0].index + 1

    with closing(run_pipeline(profiler.iterate("read", source.frames()), detect, refine, record)) as counts:
        for count in counts:
            progress("analysis", count, source.frame_count)
    return analysis
