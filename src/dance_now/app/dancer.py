"""Dancer: replaces people by characters, frame by frame; pose, retarget, draw, compose."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.app.character_loading import CharacterLike, load_characters
from dance_now.app.compositor import IN_PLACE, Compositor, Figure, figures_layer
from dance_now.app.dance_options import DEFAULT_CHARACTER, PersonName, SceneName, check_person, check_scene
from dance_now.app.dancer_frames import BodiesFrame, ComposedFrame, DetectedFrame, PosedFrame
from dance_now.app.motion.live_session import LiveSession
from dance_now.app.motion.sessions import CharacterAssignment, Replacement, Session, person_choice
from dance_now.app.motion.spring_motion import SpringMotion
from dance_now.character.canvas_window import canvas_window
from dance_now.character.character import DEFAULT_SIZE
from dance_now.core.argument_checks import check_flag, check_methods, check_number, check_type
from dance_now.core.profiler import Profiler
from dance_now.media.frame import Frame
from dance_now.pose.estimators.people_finder import PeopleFinder
from dance_now.pose.formats.openpose_files import OpenPoseFiles
from dance_now.pose.model.detection import EstimatorOptions, PoseEstimator
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.soles import sole_points
from dance_now.pose.retarget.retargeter import Retargeter
from dance_now.scene.background.backdrop import Backdrop
from dance_now.scene.background.camera_drift import CameraDrift
from dance_now.scene.background.clean_background import Background, CleanBackground, inpainted_background
from dance_now.scene.background.live_background import LiveBackground
from dance_now.scene.compositing.composition import Layer, Scene
from dance_now.scene.compositing.figure_lighting import PlacedCanvas, PlacedFigure


class Dancer:
    """Replaces people by characters, frame by frame.

    ``dancer(frame)`` runs all steps. The three steps, ``find``, ``pose`` and ``compose``, may also be called
    by several threads, ``find`` (or its halves, ``detect`` and ``refine``) and ``compose`` with the frames in
    order. The state that these two keep
    between frames (tracked people, filters) is cleared by ``reset``.

    Args:
        character: a built-in character's name, the path of a character file, or a loaded character; of
            several, each person gets one in turn.
        scene: what the characters appear in.
        background: model of the background; by default one that learns from the frames, or, for single
            photos, inpainting.
        backdrop: new background, shown instead of the source's.
        match: color-matching strength, 0 (off) to 1 (full).
        best: slower, with finer faces, the source's grain and blur, hair matting, and better inpainting.
        keep_objects: keep held objects; by default they are removed with the person.
        estimator: pose estimator; by default the base install's, opened with the first frame.
        poses: OpenPose files instead of estimated poses: frame ``index`` takes file ``index``.
        smooth: filter motion over time; off for single photos.
        person: who is replaced: ``largest``, ``all``, ``left``, or a person's ID; by default the largest, or
            all if there are several characters.
        session: people and their motion, instead of estimator, poses and person.
        springs: hair and skirts swing; they hang still where motion is not smoothed.
        profiler: what the time of the steps is added to.

    Raises:
        DanceNowError: an unknown character or scene, or a value out of range.
        TypeError: an argument of a wrong type.

    Example:
        >>> dancer = Dancer("tempo")  # doctest: +SKIP
        >>> dancer(Frame(image, time=0.0, index=0)).image  # doctest: +SKIP
    """

    def __init__(
        self,
        character: CharacterLike | Sequence[CharacterLike] = DEFAULT_CHARACTER,
        *,
        scene: Scene | SceneName = Scene.REPLACE,
        background: Background | None = None,
        backdrop: Backdrop | None = None,
        match: float = 0.5,
        best: bool = False,
        keep_objects: bool = False,
        estimator: PoseEstimator | None = None,
        poses: OpenPoseFiles | None = None,
        smooth: bool = True,
        person: PersonName | int | None = None,
        session: Session | None = None,
        springs: bool = True,
        profiler: Profiler | None = None,
    ) -> None:
        check_scene(scene)
        check_number("match", match, 0, 1)
        check_person(person)
        for option, flag in (
            ("best", best),
            ("keep_objects", keep_objects),
            ("smooth", smooth),
            ("springs", springs),
        ):
            check_flag(option, flag)
        _check_parts(
            background=background,
            backdrop=backdrop,
            estimator=estimator,
            poses=poses,
            session=session,
            profiler=profiler,
        )
        self.characters = load_characters(character)
        self.scene = Scene(scene)
        self.profiler = profiler or Profiler()
        self._best = best
        self._compositor = Compositor(
            self.scene,
            background or (LiveBackground() if smooth else inpainted_background(best=best)),
            backdrop,
            match=match,
            best=best,
            keep_objects=keep_objects,
            profiler=self.profiler,
        )
        if session is None:
            choice = person_choice(person, len(self.characters))
            options = EstimatorOptions(max_people=choice.max_people)
            finder = PeopleFinder(estimator, poses, self.scene in IN_PLACE, options)
            session = LiveSession(finder, choice, CharacterAssignment(self.characters), smooth)
        self._session = session
        moves = isinstance(background, CleanBackground) and background.camera in ("handheld", "moving")
        self._springs = SpringMotion(CameraDrift() if moves else None) if springs and smooth else None
        self._retarget = Retargeter(self.characters[0].skeleton, smooth=smooth)

    def __repr__(self) -> str:
        names = ", ".join(character.name for character in self.characters)
        return f"Dancer({names!r}, scene={self.scene.value!r})"

    def reset(self) -> None:
        """Clears all state: call it before a frame that does not follow the last one."""
        self._session.reset()
        if self._springs is not None:
            self._springs.reset()
        self._retarget.reset()
        self._compositor.reset()

    def __call__(self, frame: Frame) -> ComposedFrame:
        """Composes one frame; where nobody is found, the image stays as it is.

        Raises:
            DanceNowError: a malformed keypoint file, or networks that are missing.
            TypeError: no ``Frame``.
        """
        check_type("frame", frame, Frame, "a Frame")
        found = self.find(frame)
        with ThreadPoolExecutor(1) as executor:
            posed = executor.submit(self.pose, found)
            return self._composed(found, lambda: posed.result().figures)

    def draw(self, pose: Pose, time: float | None = None) -> npt.NDArray[np.uint8]:
        """Draws the (first) character in a person's pose, alone on its own canvas.

        Args:
            pose: a person's, in pixels of any image, with or without depth.
            time: seconds, rising, for smoothing between calls; a pose without a time is drawn on its own, and
                the next one begins a new motion.

        Returns:
            (512, 512, 4) uint8 RGBA, straight alpha.

        Raises:
            TypeError: no ``Pose``, or a time that is no number.
        """
        check_type("pose", pose, Pose, "a Pose")
        if time is not None:
            check_number("time", time, -math.inf)
        if time is None:
            self._retarget.reset()
        character, retargeted = self.characters[0], self._retarget(pose, time or 0.0)
        window = canvas_window(retargeted.pose, character.skeleton, retargeted.scale)
        return character.draw_unchecked(window.to_canvas(retargeted.pose), DEFAULT_SIZE)

    def find(self, frame: Frame) -> DetectedFrame:
        """First step: finds the people and retargets their poses."""
        return self.refine(self.detect(frame))

    def detect(self, frame: Frame) -> BodiesFrame:
        """First half of ``find``: finds bodies, while ``refine`` may have the frame before."""
        with self.profiler.stage("pose"):
            return BodiesFrame(frame, self._session.find(frame))

    def refine(self, bodies: BodiesFrame) -> DetectedFrame:
        """Second half of ``find``: reads hands and faces, and retargets the poses."""
        frame = bodies.frame
        with self.profiler.stage("pose"):
            people = self._session.refine(frame, bodies.people)
        with self.profiler.stage("retarget"):
            parts = sorted(self._session.parts(frame, people), key=_nearness)
        if self._springs is not None:
            with self.profiler.stage("springs"):
                parts = self._springs(frame, parts)
        return DetectedFrame(frame, people, parts)

    def pose(self, found: DetectedFrame) -> PosedFrame:
        """Second step: draws the characters. It keeps no state."""
        height, width = found.frame.image.shape[:2]
        with self.profiler.stage("draw"):
            return PosedFrame(
                found,
                [
                    Figure(part.person.identity, _placed_figure(part, (width, height), self._best))
                    for part in found.parts
                ],
            )

    def compose(self, posed: PosedFrame) -> ComposedFrame:
        """Last step: composes background and characters."""
        return self._composed(posed.found, lambda: posed.figures)

    def cut_out(self, posed: PosedFrame) -> Layer:
        """Last step for a transparent output that only takes what is drawn.

        Returns:
            The part of ``Scene.ALPHA``'s frame that the characters cover: RGBA, straight alpha.
        """
        height, width = posed.found.frame.image.shape[:2]
        with self.profiler.stage("compose"):
            return figures_layer(posed.figures, height, width)

    def _composed(self, found: DetectedFrame, figures: Callable[[], list[Figure]]) -> ComposedFrame:
        replaced = {part.person.identity for part in found.parts}
        leaving = [part.person.detection for part in found.parts if part.present]
        staying = [person.detection for person in found.people if person.identity not in replaced]
        image = self._compositor(found.frame, leaving, staying, figures)
        return ComposedFrame(image, found.frame.time, found.frame.name, found.parts)


_METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    "background": ("fill", "learn", "reset"),
    "backdrop": ("__call__", "close"),
    "estimator": ("__call__", "reset"),
    "poses": ("people",),
    "session": ("find", "refine", "parts", "reset"),
    "profiler": ("stage",),
}
"""What a dancer calls of each of its parts."""


def _check_parts(**parts: object) -> None:
    for option, part in parts.items():
        if part is not None:
            check_methods(option, part, _METHODS[option], f"an object with {', '.join(_METHODS[option])}")


def _placed_figure(part: Replacement, picture: tuple[int, int], best: bool) -> PlacedFigure:
    """Draws one character for a frame of (width, height); with ``best``, a network's head again, larger."""
    pose, skeleton, scale = part.retargeted.pose, part.character.skeleton, part.retargeted.scale
    drawn = part.character.draw_figure(
        pose, scale, picture, detail=best, up=part.retargeted.up, tails=part.tails
    )
    return PlacedFigure(
        tuple(PlacedCanvas(each.pixels, (each.left, each.top), (each.width, each.height)) for each in drawn),
        soles=sole_points(pose, skeleton, scale),
        height=skeleton.height * scale,
        hidden_below=part.retargeted.hidden_below,
    )


def _nearness(part: Replacement) -> float:
    """Lowest point of a figure in the frame: of people on one floor, the nearest stands lowest."""
    pose = part.retargeted.pose
    return float(pose.points[pose.visible, 1].max())
