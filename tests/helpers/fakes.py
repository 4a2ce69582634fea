"""A scene with a magenta person, an estimator that finds magenta, and a character that is a red figure."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
from skeletons import adult_skeleton, chibi_skeleton, posed, posture

from dance_now.app.dance import DanceResult, dance
from dance_now.character.templates.template import FigurePicture
from dance_now.core.arrays import Image
from dance_now.media.open_media import open_source
from dance_now.pose.model.detection import Detection, Person, PersonMask
from dance_now.pose.model.keypoints import BODY_LIMBS
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.tracking.limb_hull import hull_mask

WIDTH, HEIGHT = 192, 144
HIP, TALL = 72.0, 104.0  # of the person: row of the mid-hip, pixels from head to foot
PERSON = (230, 20, 230)
FIGURE = (250, 10, 10)
ADULT = adult_skeleton()
_STANDING = posture(ADULT)


class RedCharacter:
    """What ``Character`` looks like to a dancer; it draws thick limbs, or nothing at all."""

    name = "red"

    def __init__(self, visible: bool = True) -> None:
        self.visible = visible
        self.skeleton: Skeleton = chibi_skeleton()
        self.poses: list[Pose] = []

    def draw_unchecked(self, pose: Pose, size: tuple[int, int] = (512, 512)) -> npt.NDArray[np.uint8]:
        """(height, width, 4) RGBA."""
        assert pose.visible.all()
        assert pose.has_depth.all()
        self.poses.append(pose)
        canvas = np.zeros((size[1], size[0], 4), np.uint8)
        points = pose.points[:, :2].round().astype(int)
        for start, end in BODY_LIMBS:
            line = (tuple(points[start].tolist()), tuple(points[end].tolist()))
            if self.visible:
                cv2.line(canvas, *line, (*FIGURE, 255), max(2, round(np.ptp(points[:25, 1]) / 14)))
        return canvas

    def draw_figure(
        self,
        pose: Pose,
        scale: float,
        picture: tuple[int, int],
        *,
        detail: bool = False,
        up: npt.ArrayLike | None = None,
        tails: npt.NDArray[np.float64] | None = None,
    ) -> tuple[FigurePicture, ...]:
        """The figure in the whole of a frame."""
        return (FigurePicture(self.draw_unchecked(pose, picture), 0, 0, *picture),)

    @property
    def body_surface(self) -> None:
        """None: it is a stick figure."""

    def spring_simulation(self) -> None:
        """Nothing swings."""


class MagentaEstimator:
    """Finds whatever is magenta; remembers nothing."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, image: Image) -> tuple[Person, ...]:
        """The person with the mask of the magenta pixels."""
        self.calls += 1
        mask = magenta(image)
        columns = np.nonzero(mask)[1]
        if len(columns) < 50:
            return ()
        pose = standing((float(columns.mean()), HIP), TALL)
        found = Detection(pose, PersonMask(mask.astype(np.float32), np.eye(2, 3, dtype=np.float32)))
        return (Person(1, found),)

    def reset(self) -> None:
        """Nothing to forget."""


class BlindEstimator(MagentaEstimator):
    """Finds nobody."""

    def __call__(self, image: Image) -> tuple[Person, ...]:
        """Nobody."""
        self.calls += 1
        return ()


class NoEstimator(MagentaEstimator):
    """May not be asked."""

    def __call__(self, image: Image) -> tuple[Person, ...]:
        """Fails."""
        raise AssertionError("nobody should have asked")


def standing(mid_hip: tuple[float, float], height: float, has_depth: bool = True) -> Pose:
    """An adult of ``height`` pixels who stands with the hips at a place."""
    return posed(ADULT, _STANDING, height / ADULT.height, mid_hip, has_depth)


def magenta(image: Image) -> npt.NDArray[np.bool_]:
    """Where the person is."""
    return (image[..., 0] > 150) & (image[..., 1] < 110) & (image[..., 2] > 150)


def red(image: Image) -> npt.NDArray[np.bool_]:
    """Where the character is."""
    return (image[..., 0] > 180) & (image[..., 1] < 90) & (image[..., 2] < 90)


def scenery() -> Image:
    """A smooth background without red or magenta."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.stack([40 + y // 4, 120 + x // 3, 90 + (x + y) // 5], axis=-1).astype(np.uint8)


def with_person(x: float | None, background: Image | None = None) -> Image:
    """The scenery with the person's middle at column ``x``, or with nobody."""
    image = (scenery() if background is None else background).copy()
    if x is not None:
        image[hull_mask(standing((x, HIP), TALL)).alpha_in(HEIGHT, WIDTH) > 0.5] = PERSON
    return image


def write_photo(path: Path, image: Image) -> Path:
    """Writes an RGB image."""
    assert cv2.imwrite(str(path), np.ascontiguousarray(image[..., ::-1]))
    return path


def write_video(
    path: Path, places: Sequence[float | None], times: Sequence[float] | None = None, sound: bool = False
) -> Path:
    """A clip of the scenery with the person at ``places``; 25 frames a second unless ``times`` are given."""
    times = times or [index / 25 for index in range(len(places))]
    with av.open(str(path), "w") as output:
        video = output.add_stream("libx264", rate=Fraction(25), options={"crf": "4"})
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv444p"
        video.codec_context.time_base = Fraction(1, 1000)
        track = output.add_stream("aac", rate=48000, layout="mono") if sound else None
        for place, time in zip(places, times, strict=True):
            frame = av.VideoFrame.from_ndarray(with_person(place), format="rgb24").reformat(format="yuv444p")
            frame.pts, frame.time_base = round(1000 * time), Fraction(1, 1000)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        if isinstance(track, av.AudioStream):
            tone = np.sin(np.arange(int(48000 * (times[-1] + 0.04))) * 0.06).astype(np.float32)[None]
            samples = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
            samples.sample_rate = 48000
            output.mux(track.encode(samples))
            output.mux(track.encode(None))
    return path


def put(source: str | Path, output: str | Path | None, **options: Any) -> DanceResult:
    """``dance`` with the fakes."""
    return dance(source, RedCharacter(), output, **{"estimator": MagentaEstimator(), **options})


def pictures(path: str | Path) -> list[Image]:
    """All frames of a photo, video or folder."""
    with open_source(path) as source:
        return [frame.image for frame in source.frames()]
