"""The way of a frame: who is there, how the character moves, what the picture becomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dance_now.app.compositor import IN_PLACE, Compositor, Figure
from dance_now.app.sessions import CharacterAssignment, LiveSession, Replacement, Session
from dance_now.character.canvas_window import Window, canvas_window, head_window
from dance_now.character.character import Character
from dance_now.core.arrays import Image
from dance_now.core.profiler import Profiler
from dance_now.media.frame import Frame
from dance_now.pose.estimators.people_finder import PeopleFinder
from dance_now.pose.formats.openpose_files import OpenPoseFiles
from dance_now.pose.model.detection import Person, PoseEstimator
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.soles import sole_points
from dance_now.pose.retarget.retargeter import Retargeter
from dance_now.pose.tracking.person_choice import PersonChoice
from dance_now.scene.background.backdrop import Backdrop
from dance_now.scene.background.clean_background import Background, inpainted_background
from dance_now.scene.background.live_background import LiveBackground
from dance_now.scene.compositing.composition import Scene
from dance_now.scene.compositing.figure_lighting import PlacedCanvas, PlacedFigure


@dataclass(frozen=True, eq=False)
class DetectedFrame:
    """A frame, and who is in it.

    Attributes:
        frame: the picture.
        people: everybody in it.
        parts: those whose place is taken, and how their characters move; the farthest first.
    """

    frame: Frame
    people: tuple[Person, ...]
    parts: list[Replacement]


@dataclass(frozen=True, eq=False)
class PosedFrame:
    """A frame and the characters of its people.

    Attributes:
        found: the picture and who is in it.
        figures: a drawn character for each part.
    """

    found: DetectedFrame
    figures: list[Figure]


@dataclass(frozen=True, eq=False)
class ComposedFrame:
    """One frame's result.

    Attributes:
        image: (H, W, 3) uint8, or (H, W, 4) with straight alpha for ``Scene.ALPHA``.
        time: of the frame, seconds.
        name: of the frame, where it is a photo of its own.
        parts: who was replaced, by whom, in which pose; empty where nobody was found.
    """

    image: Image
    time: float
    name: str
    parts: list[Replacement]


class Dancer:
    """Puts characters in the place of people, frame by frame.

    ``dancer(frame)`` goes the whole way. Its three steps, ``find``, ``pose`` and ``compose``, may also be
    called by several threads, ``find`` and ``compose`` with the frames in their order. What these two
    remember from frame to frame (the people followed, filters) is forgotten by ``reset``.

    Args:
        character: who dances; of several, each person gets one in turn.
        scene: what the characters stand in.
        background: what lies behind people; by default it is learned while pictures come, or, for single
            pictures, invented.
        backdrop: what is shown instead of the scene's own background.
        match: how far the characters' colors follow the scene's light, 0 to 1.
        best: take more time: for finer faces, the source's grain and blur, hair, and better inpainting.
        keep_objects: what the people hold stays in the picture.
        estimator: finds people; that of the base install, opened with the first frame, if not given.
        poses: keypoint files that tell the people's poses: frame ``index`` takes file ``index``.
        smooth: pictures follow one another, and motion is filtered in time; off for single pictures.
        person: who is replaced: ``largest``, ``all``, ``left``, or a number; by default all if there are
            several characters.
        session: tells the people and their motion, instead of estimator, poses and person.
        profiler: what the time of the steps is added to.

    Raises:
        DanceNowError: there is no such ``person``.

    Example:
        >>> dancer = Dancer(Character.load("godette"))  # doctest: +SKIP
        >>> dancer(Frame(image, time=0.0, index=0)).image  # doctest: +SKIP
    """

    def __init__(
        self,
        character: Character | Sequence[Character],
        *,
        scene: Scene = Scene.REPLACE,
        background: Background | None = None,
        backdrop: Backdrop | None = None,
        match: float = 0.5,
        best: bool = False,
        keep_objects: bool = False,
        estimator: PoseEstimator | None = None,
        poses: OpenPoseFiles | None = None,
        smooth: bool = True,
        person: str | None = None,
        session: Session | None = None,
        profiler: Profiler | None = None,
    ) -> None:
        self.characters = tuple(character) if isinstance(character, Sequence) else (character,)
        self.scene = Scene(scene)
        self.profiler = profiler or Profiler()
        self._best = best
        self._stage = Compositor(
            self.scene,
            background or (LiveBackground() if smooth else inpainted_background(best=best)),
            backdrop,
            match=match,
            best=best,
            keep_objects=keep_objects,
            profiler=self.profiler,
        )
        if session is None:
            choose = PersonChoice(person or ("all" if len(self.characters) > 1 else "largest"))
            find = PeopleFinder(estimator, poses, masks=self.scene in IN_PLACE, max_people=choose.max_people)
            session = LiveSession(find, choose, CharacterAssignment(self.characters), smooth)
        self._session = session
        self._retarget = Retargeter(self.characters[0].skeleton, smooth=smooth)

    def reset(self) -> None:
        """Forgets the people followed: call it before a picture that has nothing to do with the last."""
        self._session.reset()
        self._retarget.reset()
        self._stage.reset()

    def __call__(self, frame: Frame) -> ComposedFrame:
        """Dances one frame; where nobody is found the picture is left as it is, without a character."""
        found = self.find(frame)
        with ThreadPoolExecutor(1) as beside:
            posed = beside.submit(self.pose, found)
            return self._composed(found, lambda: posed.result().figures)

    def draw(self, pose: Pose, time: float | None = None) -> npt.NDArray[np.uint8]:
        """The (first) character in a person's pose, alone in its own canvas.

        Args:
            pose: a person's, in pixels of any picture, with or without depth.
            time: seconds, rising, for smoothing between calls; a pose without a time stands alone, and
                the next one begins a new motion.

        Returns:
            (512, 512, 4) uint8 RGBA, straight alpha.
        """
        if time is None:
            self._retarget.reset()
        character, moved = self.characters[0], self._retarget(pose, time or 0.0)
        window = canvas_window(moved.pose, character.skeleton, moved.scale)
        return _drawing(character, moved.pose, window).canvas

    def find(self, frame: Frame) -> DetectedFrame:
        """The first step: who is in the picture, and how the characters move."""
        with self.profiler.stage("pose"):
            people = self._session.find(frame)
        with self.profiler.stage("retarget"):
            parts = sorted(self._session.parts(frame, people), key=_nearness)
        return DetectedFrame(frame, people, parts)

    def pose(self, found: DetectedFrame) -> PosedFrame:
        """The second step: what the characters look like. It remembers nothing."""
        height, width = found.frame.image.shape[:2]
        with self.profiler.stage("draw"):
            return PosedFrame(
                found,
                [
                    Figure(part.person.identity, _standing(part, (width, height), self._best))
                    for part in found.parts
                ],
            )

    def compose(self, posed: PosedFrame) -> ComposedFrame:
        """The last step: the picture without the people and with the characters."""
        return self._composed(posed.found, lambda: posed.figures)

    def _composed(self, found: DetectedFrame, figures: Callable[[], list[Figure]]) -> ComposedFrame:
        replaced = {part.person.identity for part in found.parts}
        leaving = [part.person.detection for part in found.parts]
        staying = [person.detection for person in found.people if person.identity not in replaced]
        image = self._stage(found.frame, leaving, staying, figures)
        return ComposedFrame(image, found.frame.time, found.frame.name, found.parts)


def _standing(part: Replacement, picture: tuple[int, int], best: bool) -> PlacedFigure:
    """Draws one part in a picture of some width and height; at its ``best``, the head once more and finer."""
    pose, skeleton, scale = part.retargeted.pose, part.character.skeleton, part.retargeted.scale
    window = canvas_window(pose, skeleton, scale, picture)
    head = head_window(pose, skeleton, scale, window) if best else None
    whole = _drawing(part.character, pose, window)
    return PlacedFigure(
        whole.canvas,
        whole.corner,
        whole.side,
        soles=sole_points(pose, skeleton, scale),
        height=skeleton.height * scale,
        detail=None if head is None else _drawing(part.character, pose, head),
    )


def _drawing(character: Character, pose: Pose, window: Window) -> PlacedCanvas:
    canvas = character.draw_unchecked(window.to_canvas(pose))
    return PlacedCanvas(canvas, (window.left, window.top), window.side)


def _nearness(part: Replacement) -> float:
    """The lowest point of a figure in the picture: of people on one floor, the nearest stands lowest."""
    pose = part.retargeted.pose
    return float(pose.points[pose.visible, 1].max())
