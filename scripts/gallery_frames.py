"""Danced frames of a clip for the gallery, and the same frames by the baseline method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.app.analysis import Analysis, analyze
from dance_now.app.dance_options import HeightName
from dance_now.app.dancer import Dancer
from dance_now.app.dancer_frames import PosedFrame
from dance_now.app.motion.sessions import CharacterAssignment, RecordedSession
from dance_now.character.character import Character
from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.media.frame import Frame
from dance_now.media.source import Source
from dance_now.pose.estimators.people_finder import PeopleFinder
from dance_now.pose.model.detection import EstimatorOptions
from dance_now.pose.model.pose import Pose
from dance_now.pose.tracking.person_choice import PersonChoice
from dance_now.scene.background.backdrop import Backdrop
from dance_now.scene.background.clean_background import CleanBackground
from dance_now.scene.compositing.composition import Scene, unpremultiply

RUN_UP: Final = 10  # frames danced before each shown one, to initialise matte, light and ground


@dataclass(frozen=True, eq=False)
class Moment:
    """Frame with its results.

    Attributes:
        index: of the frame.
        source: source image.
        original: result of the baseline method.
        ours: our result for each lineup of characters.
        poses: of people and characters.
    """

    index: int
    source: Image
    original: Image
    ours: list[Image] = field(default_factory=list)
    poses: list[Pose] = field(default_factory=list)


class AnalysedClip:
    """Clip after the analysis pass, to be danced by several lineups."""

    def __init__(self, source: Source, people: int) -> None:
        """Runs the analysis pass: people and background."""
        self.source = source
        self._which = "all" if people > 1 else "largest"
        find = PeopleFinder(options=EstimatorOptions(max_people=PersonChoice(self._which).max_people))
        find.reset()
        self._analysis: Analysis = analyze(source, find, _silent, background=True)
        assert self._analysis.background is not None
        self._background: CleanBackground = self._analysis.background.finish()

    def dancer(
        self, lineup: Sequence[Character], backdrop: Backdrop | None = None, height: HeightName = "person"
    ) -> Dancer:
        """Dancer for the clip, as of ``dance-now dance`` with these options."""
        session = RecordedSession(
            self._analysis, PersonChoice(self._which), CharacterAssignment(lineup, height), self.source.size
        )
        return Dancer(
            lineup,
            scene=Scene.REPLACE,
            background=self._background,
            backdrop=backdrop,
            session=session,
        )


def danced(source: Source, dancers: Sequence[Dancer], wanted: Sequence[int]) -> Iterator[Moment]:
    """Wanted frames of a clip, composed by every dancer."""
    for frame in source.frames():
        if frame.index > max(wanted):
            return
        if not any(0 <= index - frame.index <= RUN_UP for index in wanted):
            continue
        posed = [dancer.pose(dancer.find(frame)) for dancer in dancers]
        ours = [dancer.compose(each).image for dancer, each in zip(dancers, posed, strict=True)]
        if frame.index in wanted:
            parts = [part for each in posed for part in each.found.parts]
            poses = [part.retargeted.pose for part in parts] + [part.person.detection.pose for part in parts]
            yield Moment(frame.index, frame.image, original_of(frame, posed[0]), ours, poses)


def original_of(frame: Frame, posed: PosedFrame) -> Image:
    """Baseline result of a frame, with the same characters at the same positions."""
    height, width = frame.image.shape[:2]
    person = np.zeros((height, width), np.float32)
    for part in posed.found.parts:
        person = np.maximum(person, part.person.detection.mask.alpha_in(height, width))
    drawn = np.zeros((height, width, 4), np.uint8)
    for figure in posed.figures:
        figure.composite_over(drawn)
    return original_method(frame.image, person, unpremultiply(drawn))


def original_method(image: Image, person: npt.NDArray[np.float32], drawn: Image) -> Image:
    """Baseline compositing: hard mask, Navier-Stokes inpainting, pasted character.

    The method of the "Everybody Dance Now" reproduction: the mask is thresholded at 0.9, its hole is
    inpainted (Navier-Stokes), and the character is pasted with a hard edge, without relighting or shadow.

    Args:
        image: (H, W, 3) uint8 RGB.
        person: (H, W) in [0, 1], the network's mask of the replaced people.
        drawn: (H, W, 4) uint8 RGBA, straight alpha: the characters alone, positioned as in ours.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    hole = (person > 0.9).astype(np.uint8)
    result = np.asarray(cv2.inpaint(image, hole, 3, cv2.INPAINT_NS), np.uint8)
    figure = drawn[..., 3] > 127
    result[figure] = drawn[figure, :3]
    return result


def empty_frame(clip_analysis: AnalysedClip, characters: Sequence[Character], index: int) -> Image:
    """Empty frame: the background without people and characters."""
    dancer = clip_analysis.dancer(characters[:1])
    for frame in clip_analysis.source.frames():
        if index - RUN_UP <= frame.index:
            image = dancer.compose(replace(dancer.pose(dancer.find(frame)), figures=[])).image
        if frame.index == index:
            return image
    raise DanceNowError(f"The clip has no frame {index}.")


def _silent(stage: str, done: int, total: int | None) -> None:
    """Progress callback that does nothing."""
