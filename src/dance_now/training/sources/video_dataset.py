"""Extraction of labelled images from a video of a person (Chan et al., "Everybody Dance Now", ICCV 2019).

Poses and mattes come from the same modules as when a video is danced; frames that show the person whole and
sharp are written in the OpenPose layout with an alpha channel.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from dance_now.character.character_file import CANVAS
from dance_now.core.arrays import FloatArray, Image
from dance_now.core.atomic_write import Output
from dance_now.core.errors import DanceNowError
from dance_now.media.image.photo_sink import encode_image
from dance_now.media.open_media import open_source
from dance_now.media.source import Source
from dance_now.pose.estimators.people_finder import PeopleFinder
from dance_now.pose.model.detection import Detection, EstimatorOptions
from dance_now.pose.model.packed_mask import PackedMask
from dance_now.pose.model.pose import Pose
from dance_now.pose.tracking.limb_hull import standing_height
from dance_now.pose.tracking.limb_mask import coarse_mask
from dance_now.pose.tracking.person_choice import PersonChoice
from dance_now.scene.background.camera_view import to_work_size
from dance_now.scene.background.clean_background import BackgroundCollector, CleanBackground
from dance_now.scene.filters.region import bounding_box
from dance_now.scene.matting.difference_matte import difference_matte
from dance_now.scene.matting.matte import PersonMatting
from dance_now.training.sources.openpose_layout import FEWEST, HELD_OUT
from dance_now.training.sources.pose_smoothing import smooth_poses

logger = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]

MOST_FRAMES: Final = 3000
_NEEDED: Final = (0, 2, 5, 9, 12, 10, 13, 11, 14)  # nose, shoulders, hips, knees, ankles
_SEEN: Final = 0.3
_SIDE: Final = 1.25  # of the person's height
_SHARP: Final = 0.35  # of the clip's usual sharpness; less is a blur
_WIDE_ENOUGH: Final = 1.15  # of the keypoints' extent: hair and hands extend beyond them
_STRETCH: Final = 1500  # frames that are smoothed together
_AROUND: Final = 0.08  # of the person's size: what is matted around the mask


@dataclass(frozen=True, eq=False)
class _UsableFrame:
    """Frame that shows the whole person.

    Attributes:
        index: of the frame.
        pose: of the person.
        mask: of the person.
        height: standing height, pixels.
        sharpness: mean squared Laplacian on the person.
    """

    index: int
    pose: Pose
    mask: PackedMask
    height: float
    sharpness: float

    @property
    def detection(self) -> Detection:
        """The person, with the mask unpacked."""
        return Detection(self.pose, self.mask.unpacked())


class _FrameSampler:
    """Subsample of a stream of frames, evenly spread, with smoothed poses; memory is bounded.

    Attributes:
        frames: the sample; of a long video between MOST_FRAMES and twice as many.
    """

    def __init__(self, seconds_per_frame: float) -> None:
        self.frames: list[_UsableFrame] = []
        self._seen, self._step = 0, 1
        self._seconds = seconds_per_frame
        self._waiting: list[_UsableFrame] = []

    def add(self, frame: _UsableFrame) -> None:
        """Adds the next frame."""
        if len(self._waiting) == _STRETCH:
            self.finish()
        self._waiting.append(frame)

    def finish(self) -> None:
        """Smooths the frames that wait, and takes its sample of them."""
        if not self._waiting:
            return
        smooth = smooth_poses(
            [each.pose for each in self._waiting],
            [each.index for each in self._waiting],
            self._seconds,
            float(np.median([each.height for each in self._waiting])),
        )
        for frame, pose in zip(self._waiting, smooth, strict=True):
            self._sample(replace(frame, pose=pose))
        self._waiting.clear()

    def _sample(self, frame: _UsableFrame) -> None:
        if self._seen % self._step == 0:
            self.frames.append(frame)
        self._seen += 1
        if len(self.frames) > 2 * MOST_FRAMES:
            self.frames, self._step = self.frames[::2], 2 * self._step


def extract_frames(video: Path, output: Path, progress: Progress) -> None:
    """Extracts a video's usable frames as train_img, train_label, test_img and test_label.

    The last tenth of them is the test split. Labels hold the estimator's depth.

    Args:
        video: of one person; of several, the largest is tracked.
        output: the folder to create; complete once it exists.
        progress: called with the step, frames done, and frames in all.

    Raises:
        DanceNowError: the video cannot be read, or shows no whole and sharp person for long enough.
    """
    with open_source(video) as source:
        found, background = _first_pass(source, progress)
        chosen = _chosen(found)
        if len(chosen) < FEWEST:
            raise DanceNowError(
                f"{video} shows a whole person, from head to feet, in {len(found)} frames, sharp in "
                f"{len(chosen)}; at least {FEWEST} sharp ones are needed."
            )
        logger.info("%d of %d frames with a whole person are used", len(chosen), len(found))
        try:
            with Output(output, is_folder=True) as target:
                _write_frames(source, chosen, background, target.part, progress)
                target.commit()
        except OSError as error:
            raise DanceNowError(f"{output} cannot be written: {error.strerror or error}.") from error


def _first_pass(source: Source, progress: Progress) -> tuple[list[_UsableFrame], CleanBackground]:
    """First pass: detects the person in every frame, subsampled in long videos, and the background."""
    find, choose = PeopleFinder(options=EstimatorOptions(heavy=True)), PersonChoice()
    collector = BackgroundCollector(source.frame_count)
    found = _FrameSampler(float(1 / source.frame_rate))
    with closing(source.frames()) as frames:
        for frame in frames:
            people = find(frame.image, frame.index)
            if collector.wants_next:
                collector.add(frame.image, [person.detection for person in people])
            else:
                collector.skip()
            for person in choose(people):
                usable = _usable(frame.index, frame.image, person.detection)
                if usable is not None:
                    found.add(usable)
            progress("poses", frame.index + 1, source.frame_count or frame.index + 1)
    found.finish()
    return found.frames, collector.finish()


def _usable(index: int, image: Image, detection: Detection) -> _UsableFrame | None:
    body = detection.pose.body[list(_NEEDED)]
    size = np.array([image.shape[1], image.shape[0]])
    if (body[:, 2] < _SEEN).any() or ((body[:, :2] < 0) | (body[:, :2] > size)).any():
        return None
    seen = detection.pose.points[:25, 2] >= _SEEN
    height = standing_height(detection.pose, np.concatenate([seen, np.zeros(112, np.bool_)]))
    low, high = np.clip([body[:, :2].min(axis=0), body[:, :2].max(axis=0)], 0, size).astype(int)
    grey = cv2.cvtColor(image[low[1] : high[1] + 1, low[0] : high[0] + 1], cv2.COLOR_RGB2GRAY)
    edges = cv2.Laplacian(grey, cv2.CV_32F)
    sharpness = float(np.square(edges).mean())
    return _UsableFrame(index, detection.pose, PackedMask.of(detection.mask), height, sharpness)


def _chosen(found: list[_UsableFrame]) -> list[_UsableFrame]:
    """Selects sharp frames, no more than MOST_FRAMES, spread over the poses."""
    if not found:
        return []
    usual = float(np.median([each.sharpness for each in found]))
    sharp = [each for each in found if each.sharpness >= _SHARP * usual]
    if len(sharp) <= MOST_FRAMES:
        return sharp
    poses = np.stack([_normalised(each) for each in sharp])
    distance = np.full(len(sharp), np.inf)
    rows = [0]
    while len(rows) < MOST_FRAMES:  # farthest-point sampling
        distance = np.minimum(distance, np.square(poses - poses[rows[-1]]).sum(axis=1))
        rows.append(int(distance.argmax()))
    return [sharp[row] for row in sorted(rows)]


def _normalised(each: _UsableFrame) -> FloatArray:
    points = each.pose.body[list(_NEEDED), :2]
    result: FloatArray = ((points - points.mean(axis=0)) / each.height).ravel()
    return result


def _write_frames(
    source: Source, chosen: list[_UsableFrame], background: CleanBackground, folder: Path, progress: Progress
) -> None:
    """Second pass: mattes the person in the selected frames."""
    for split in ("train", "test"):
        for kind in ("img", "label"):
            (folder / f"{split}_{kind}").mkdir()
    side = _side(chosen)
    first_test = len(chosen) - max(1, len(chosen) // HELD_OUT)
    matting = _FullSizeMatting(background)
    for number, (image, usable) in enumerate(_frames_of(source, chosen)):
        picture = matting(image, usable.detection)
        crop, pose = _crop(picture, usable.pose, side)
        split = "train" if number < first_test else "test"
        name = f"{usable.index:06d}"
        (folder / f"{split}_img" / f"{name}.png").write_bytes(encode_image(crop, ".png"))
        label = {"version": 1.3, "people": [pose.to_openpose()]}
        (folder / f"{split}_label" / f"{name}_keypoints.json").write_text(json.dumps(label))
        progress("cut out", number + 1, len(chosen))


class _FullSizeMatting:
    """Cuts a person out at full size, from frame to frame of one video."""

    def __init__(self, background: CleanBackground) -> None:
        self._background = background
        self._matting = PersonMatting(background)

    def __call__(self, image: Image, person: Detection) -> Image:
        """RGBA (H, W, 4) uint8 of the person in a frame (H, W, 3)."""
        height, width = image.shape[:2]
        coarse = coarse_mask([person], height, width)
        box = bounding_box(coarse > 0.05, margin=_AROUND)
        small, scale = to_work_size(image, self._background.work_size)
        people = coarse_mask([person], small.shape[0], small.shape[1], scale)
        view = self._background.view(small, people, scale)
        if view is None or box is None:
            alpha = cv2.resize(
                self._matting(image, [person]).alpha, (width, height), interpolation=cv2.INTER_CUBIC
            )
            return np.dstack([image, np.round(np.clip(alpha, 0, 1) * 255)]).astype(np.uint8)
        matte = difference_matte(image, view, coarse, box)
        result = np.dstack([image, np.zeros((height, width), np.uint8)])
        result[box.slices] = np.dstack([matte.colors, matte.alpha * 255]).round()
        return result


def _frames_of(source: Source, chosen: list[_UsableFrame]) -> Iterator[tuple[Image, _UsableFrame]]:
    wanted = {each.index: each for each in chosen}
    with closing(source.frames()) as frames:
        for frame in frames:
            if frame.index in wanted:
                yield frame.image, wanted[frame.index]


def _side(chosen: list[_UsableFrame]) -> float:
    """Side of the square crops: one for the whole clip, so that scale is constant."""
    tall = _SIDE * float(np.quantile([each.height for each in chosen], 0.9))
    spans = [float(np.ptp(_shown(each.pose), axis=0).max()) for each in chosen]
    return max(tall, _WIDE_ENOUGH * float(np.quantile(spans, 0.98)))


def _shown(pose: Pose) -> FloatArray:
    return pose.points[pose.points[:, 2] >= _SEEN, :2]


def _crop(picture: Image, pose: Pose, side: float) -> tuple[Image, Pose]:
    """Crop around the person, resampled to the canvas, clear beyond the image; and the pose in it."""
    points = _shown(pose)
    corner = (points.min(axis=0) + points.max(axis=0) - side) / 2
    scale = CANVAS / side
    offset = -corner.astype(np.float64) * scale
    # OpenCV's origin is the centre of the first pixel, that of poses its corner
    matrix = np.array([[scale, 0, offset[0] + scale / 2 - 0.5], [0, scale, offset[1] + scale / 2 - 0.5]])
    premultiplied = picture.astype(np.float32)
    premultiplied[..., :3] *= premultiplied[..., 3:] / 255
    if scale < 1:  # anti-aliasing
        premultiplied = np.asarray(cv2.GaussianBlur(premultiplied, (0, 0), 0.4 / scale), np.float32)
    drawn = cv2.warpAffine(premultiplied, matrix, (CANVAS, CANVAS), flags=cv2.INTER_LINEAR)
    share = np.maximum(drawn[..., 3:] / 255, 1e-3)
    crop = np.concatenate([np.clip(drawn[..., :3] / share, 0, 255), drawn[..., 3:]], axis=2)
    return np.round(crop).astype(np.uint8), pose.transformed(scale, (float(offset[0]), float(offset[1])))
