"""The way of a frame, wired once: pose, retarget, draw, compose. Photo, video and live all go through it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.arrays import Image
from dance_now.character.character import Character, Device
from dance_now.errors import DanceNowError
from dance_now.media.blank_source import BlankSource
from dance_now.media.frame import Frame
from dance_now.media.opening import open_sink
from dance_now.media.sink import Sink
from dance_now.media.source import Source
from dance_now.pose.estimator import Detection, PoseEstimator
from dance_now.pose.finder import PersonFinder
from dance_now.pose.opening import open_estimator
from dance_now.pose.openpose_files import OpenPoseFiles
from dance_now.pose.pose import Pose
from dance_now.pose.retarget import Retargeted, Retargeter
from dance_now.pose.window import canvas_window
from dance_now.scene.background import BackgroundSurvey, CleanBackground, unknown_background
from dance_now.scene.compose import Scene, compose_at, place, plain_background
from dance_now.scene.matte import grow, refine
from dance_now.sources import open_pictures
from dance_now.stopwatch import Stopwatch

Progress = Callable[[str, int, int | None], None]

_SURVEY_SAMPLES: Final = 48
_KEPT_SUFFIXES: Final = {"photo": (".jpg", ".jpeg", ".webp"), "video": (".webm", ".gif"), "folder": ()}
_HOLE_MARGIN: Final = 0.012  # of the picture's longer side: a matte is a little tight around hair and cloth


@dataclass(frozen=True, eq=False)
class Drawn:
    """One frame's result.

    Attributes:
        image: (H, W, 3) uint8, or (H, W, 4) with straight alpha for ``Scene.ALPHA``.
        detection: the person found, or None.
        retargeted: the character's pose in the picture, or None.
    """

    image: Image
    detection: Detection | None
    retargeted: Retargeted | None


class Dancer:
    """Puts one character in the place of one person, frame by frame.

    What the stages remember from frame to frame (the person followed, filters) is forgotten by ``reset``.

    Args:
        character: who dances.
        scene: what the character stands in.
        background: the clean background of a surveyed video; without it, holes are inpainted.
        estimator: finds the person; BlazePose, opened with the first frame, if not given.
        poses: keypoint files that tell the person's poses: frame ``index`` takes file ``index``.
        smooth: filter the motion in time; off for single pictures.

    Example:
        >>> dancer = Dancer(Character.load("godette"))  # doctest: +SKIP
        >>> dancer(Frame(image, time=0.0, index=0)).image  # doctest: +SKIP
    """

    def __init__(
        self,
        character: Character,
        *,
        scene: Scene = Scene.REPLACE,
        background: CleanBackground | None = None,
        estimator: PoseEstimator | None = None,
        poses: OpenPoseFiles | None = None,
        smooth: bool = True,
    ) -> None:
        self.character = character
        self.scene = Scene(scene)
        self.stopwatch = Stopwatch()
        self._background = background or unknown_background()
        self._find = PersonFinder(estimator, poses, masks=self.scene is Scene.REPLACE)
        self._retargeter = Retargeter(character.skeleton, smooth=smooth)

    def reset(self) -> None:
        """Forgets the person followed: call it before a picture that has nothing to do with the last."""
        self._find.reset()
        self._retargeter.reset()

    def __call__(self, frame: Frame) -> Drawn:
        """Dances one frame; where nobody is found the picture is left as it is, without a character."""
        with self.stopwatch.stage("pose"):
            detection = self._find(frame.image, frame.index)
        if detection is None:
            self._retargeter.reset()
            return Drawn(self._without_person(frame.image), None, None)
        with self.stopwatch.stage("retarget"):
            height, width = frame.image.shape[:2]
            retargeted = self._retargeter(detection.pose, frame.time, size=(width, height))
        canvas, to_picture = self._draw(retargeted)
        return Drawn(self._compose(frame.image, detection, canvas, to_picture), detection, retargeted)

    def draw(self, pose: Pose, time: float | None = None) -> npt.NDArray[np.uint8]:
        """The character in a person's pose, alone in its own canvas.

        Args:
            pose: a person's, in pixels of any picture, with or without depth.
            time: seconds, for smoothing between calls; without it the pose stands alone.

        Returns:
            (512, 512, 4) uint8 RGBA, straight alpha.
        """
        if time is None:
            self._retargeter.reset()
        return self._draw(self._retargeter(pose, time or 0.0))[0]

    def _draw(self, retargeted: Retargeted) -> tuple[Image, npt.NDArray[np.float64]]:
        """The canvas (512, 512, 4) and the (2, 3) affine map from it to the picture."""
        with self.stopwatch.stage("draw"):
            scale, (x, y) = canvas_window(retargeted.pose, self.character.skeleton, retargeted.scale)
            canvas = self.character.draw_unchecked(retargeted.pose.transformed(scale, (x, y)))
        return canvas, np.array([[1 / scale, 0, -x / scale], [0, 1 / scale, -y / scale]])

    def _compose(
        self, image: Image, detection: Detection, canvas: Image, to_picture: npt.NDArray[np.float64]
    ) -> Image:
        height, width = image.shape[:2]
        with self.stopwatch.stage("place"):
            box, patch = place(canvas, to_picture, height, width)
        if self.scene is Scene.ALPHA:
            picture = np.zeros((height, width, 4), np.uint8)
            picture[box.slices] = patch
            return picture
        if self.scene is not Scene.REPLACE:
            return compose_at(plain_background(self.scene, height, width), patch, box)
        with self.stopwatch.stage("matte"):
            alpha = refine(detection.mask.alpha_in(height, width), image)
            hole = grow(alpha, _HOLE_MARGIN * max(height, width))
        with self.stopwatch.stage("background"):
            clean = self._background.fill(image, hole)
        with self.stopwatch.stage("compose"):
            return compose_at(clean, patch, box)

    def _without_person(self, image: Image) -> Image:
        height, width = image.shape[:2]
        if self.scene is Scene.REPLACE:
            return image
        if self.scene is Scene.ALPHA:
            return np.zeros((height, width, 4), np.uint8)
        return plain_background(self.scene, height, width)


@dataclass(frozen=True)
class DanceResult:
    """What ``dance`` did.

    Attributes:
        output: the file or folder written.
        frames: pictures written.
        skipped: broken pictures of the source, left out.
        missed: pictures in which nobody was found.
        seconds: from the first frame to the last.
        stages: milliseconds a frame by stage.
    """

    output: Path
    frames: int
    skipped: int
    missed: int
    seconds: float
    stages: dict[str, float]


def dance(
    source: str | Path,
    character: str | Path | Character = "godette",
    output: str | Path | None = None,
    *,
    scene: Scene | str | None = None,
    poses: str | Path | None = None,
    size: tuple[int, int] | None = None,
    frame_rate: float | None = None,
    start: float | None = None,
    end: float | None = None,
    overwrite: bool = False,
    device: Device = "auto",
    estimator: PoseEstimator | None = None,
    progress: Progress | None = None,
) -> DanceResult:
    """Replaces the person in a photo, video or folder of pictures by a character.

    Args:
        source: photo, video, folder or glob; or OpenPose JSON, a file or a folder with one a frame.
        character: name of one of the cast, path of a character file, or a loaded character.
        output: where to; its extension says what is written. By default the source's name with the
            character's appended, in the working folder.
        scene: ``replace``, ``alone``, ``green`` or ``alpha``; by default ``replace``, and ``alone`` for
            keypoints, which have no picture.
        poses: OpenPose JSON of the person in the source, instead of estimating it: frame i takes file i.
        size: (width, height) in pixels for keypoints without a picture; by default a common video size
            that holds them, 1280x720 first.
        frame_rate: pictures a second of a folder of pictures or keypoints; 30 by default.
        start: seconds into a video.
        end: seconds into a video.
        overwrite: replace an existing output.
        device: where the character is drawn.
        estimator: finds the person; the one of the base install by default.
        progress: called with a stage's name, pictures done, and pictures in all where known.

    Raises:
        DanceNowError: unusable source, keypoints, character or output, or nobody in any picture.
    """
    tell = progress or (lambda stage, done, total: None)
    opened, keypoints = open_pictures(source, poses, size, frame_rate, start, end)
    with opened:
        chosen = _scene(scene, opened)
        actor = Character.load(character, device) if isinstance(character, str | Path) else character
        target = Path(output) if output is not None else default_output(opened, actor.name, chosen)
        with open_sink(target, opened, alpha=chosen is Scene.ALPHA, overwrite=overwrite) as sink:
            background = None
            if estimator is None and (keypoints is None or chosen is Scene.REPLACE):
                # One for both passes; where the poses are given, only its masks are needed.
                estimator = open_estimator() if keypoints is None else open_estimator(hands=False, face=False)
            if chosen is Scene.REPLACE and opened.kind != "photo":
                background = survey(opened, tell, PersonFinder(estimator, keypoints))
            dancer = Dancer(
                actor,
                scene=chosen,
                background=background,
                estimator=estimator,
                poses=keypoints,
                smooth=opened.kind != "photo",
            )
            dancer.reset()
            begun = time.perf_counter()
            missed = _dance_through(opened, dancer, sink, tell)
            if sink.written == 0:
                raise DanceNowError(f"No picture of {source} could be read.")
            if missed == sink.written:
                raise DanceNowError(f"No person was found in {source}.")
        seconds = time.perf_counter() - begun
        stages = {name: 1000 * spent / sink.written for name, spent in dancer.stopwatch.seconds.items()}
        return DanceResult(target, sink.written, opened.skipped, missed, seconds, stages)


def default_output(source: Source, character: str, scene: Scene) -> Path:
    """NAME_CHARACTER in the working folder, with an extension that can hold the scene."""
    suffix = {"photo": ".png", "video": ".mp4", "folder": ""}[source.kind]
    if scene is Scene.ALPHA and source.kind == "video":
        suffix = ".mov"
    if scene is not Scene.ALPHA and source.path.suffix.lower() in _KEPT_SUFFIXES[source.kind]:
        suffix = source.path.suffix.lower()
    return Path(f"{source.name}_{character}{suffix}")


def survey(source: Source, tell: Progress, find: PersonFinder | None = None) -> CleanBackground:
    """Looks through a video once and gathers its clean background; ``find`` says where the person is."""
    gathered = BackgroundSurvey(max_samples=_SURVEY_SAMPLES)
    find = find or PersonFinder()
    for frame in source.frames():
        if gathered.wants_next:
            find.reset()  # the frames between were not seen
            detection = find(frame.image, frame.index)
            height, width = frame.image.shape[:2]
            person = None if detection is None else detection.mask.alpha_in(height, width)
            gathered.add(frame.image, person)
        else:
            gathered.skip()
        tell("survey", frame.index + 1, source.frame_count)
    return gathered.finish()


def _dance_through(source: Source, dancer: Dancer, sink: Sink, tell: Progress) -> int:
    """Draws and writes every frame; returns in how many of them nobody was found."""
    missed = 0
    for frame in source.frames():
        drawn = dancer(frame)
        missed += drawn.detection is None
        with dancer.stopwatch.stage("write"):
            sink.write(drawn.image, frame.time)
        tell("dance", sink.written, source.frame_count)
    return missed


def _scene(scene: Scene | str | None, source: Source) -> Scene:
    if scene is None:
        return Scene.ALONE if isinstance(source, BlankSource) else Scene.REPLACE
    try:
        chosen = Scene(scene)
    except ValueError as error:
        known = ", ".join(each.value for each in Scene)
        raise DanceNowError(f"There is no scene {scene!r}; known: {known}.") from error
    if chosen is Scene.REPLACE and isinstance(source, BlankSource):
        raise DanceNowError(
            "Keypoints alone have no picture in which somebody could be replaced: give the photo or video as "
            "the source and the keypoints with --poses, or use --scene alone, green or alpha."
        )
    return chosen
