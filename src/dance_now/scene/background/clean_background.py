"""Clean background: the scene without people, from median plates or inpainting.

A still or handheld camera reveals the background behind the person at other times: the median over a few
dozen samples is the clean plate. A moving camera gets a plate for each part of its path
(``moving_camera``). A photo is inpainted. For live video, the plate is built up as frames arrive
(``live_background``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import cv2
import numpy as np

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.detection import Detection
from dance_now.scene.background.camera_view import WORK_SIZE, Cutout, PlateView, to_work_size
from dance_now.scene.background.inpainting import inpaint_smooth, inpaint_texture
from dance_now.scene.background.moving_camera import Keyframe, moving_camera_keyframes, nearest_keyframes
from dance_now.scene.background.plate_samples import PERSON_THRESHOLD, build_plate
from dance_now.scene.background.registration import CameraRegistration
from dance_now.scene.background.sample_pool import SamplePool
from dance_now.scene.filters.region import bounding_box, dilate

Camera = Literal["photo", "still", "handheld", "moving"]

_AROUND = 0.012  # of the image's longer side: error of a person mask
_AGREEMENT = 0.6  # share of the samples that must register to one view
_CANDIDATES = 2  # keyframes that an image is registered with


class Background(Protocol):
    """Background model: known in advance, or learned as frames arrive.

    Attributes:
        work_size: longer side in pixels of the images in which people are told from it.
    """

    @property
    def work_size(self) -> int: ...

    def view(self, small_image: Image, people: FloatArray, scale: float) -> PlateView | None:
        """Computes the view of the background in a frame; None where it is not known.

        Args:
            small_image: (h, w, 3) uint8 RGB at the work size (``camera_view.to_work_size``).
            people: (h, w) float32 in [0, 1].
            scale: from full size to the work size.
        """
        ...

    def fill(self, image: Image, cutout: Cutout) -> Image:
        """Fills the hole with the background.

        Args:
            image: (H, W, 3) uint8 RGB: a frame of the source.
            cutout: what is removed; without a view of the scene behind, the hole is inpainted.

        Returns:
            (H, W, 3) uint8: the image to the bit where the hole is 0.
        """
        ...

    def learn(self, image: Image, people: Sequence[Detection], cutout: Cutout | None) -> None:
        """Updates the model with a frame.

        Args:
            image: (H, W, 3) uint8 RGB.
            people: all people in it.
            cutout: what was removed from the frame, if anything.
        """
        ...

    def reset(self) -> None:
        """Resets what was learned."""
        ...


@dataclass(frozen=True, eq=False)
class CleanBackground:
    """Background model of one source, computed in advance.

    Attributes:
        camera: the camera's motion, which decides the method.
        keyframes: plates along the camera's path; one for a still camera, none if the scene is unknown.
        best: whether a photo's fill may take a few seconds.
    """

    camera: Camera
    keyframes: tuple[Keyframe, ...] = ()
    best: bool = False

    @property
    def work_size(self) -> int:
        """The usual one."""
        return WORK_SIZE

    def view(self, small_image: Image, people: FloatArray, scale: float) -> PlateView | None:
        """View of the most similar keyframe that registers with the frame."""
        around = widened_people_mask(people)
        for keyframe in nearest_keyframes(self.keyframes, small_image, _CANDIDATES):
            to_plate = keyframe.locate(small_image, (around > 0).astype(np.float32))
            if to_plate is not None:
                moved = None if keyframe.registration is None else to_plate
                return PlateView.through(keyframe.plate, small_image, around, moved, scale)
        return None

    def fill(self, image: Image, cutout: Cutout) -> Image:
        """Fills the hole from the keyframe, or inpaints it where there is none."""
        hole, view = cutout.hole, cutout.view
        if view is None:
            gap = hole.astype(np.float32) / np.float32(255)
            if self.camera != "photo":
                return inpaint_smooth(image, gap)
            return inpaint_texture(image, gap, best=self.best)
        return fill_hole_from_view(image, hole, view)

    def learn(self, image: Image, people: Sequence[Detection], cutout: Cutout | None) -> None:
        """Does nothing: the model is complete."""

    def reset(self) -> None:
        """Does nothing: there is no state."""


def widened_people_mask(people: FloatArray) -> Image:
    """Mask (h, w) uint8: 255 on people (h, w) float32 in [0, 1], dilated by the error of a mask."""
    return dilate(np.where(people > PERSON_THRESHOLD, 255, 0).astype(np.uint8), _AROUND * max(people.shape))


def fill_hole_from_view(image: Image, hole: Image, view: PlateView) -> Image:
    """Composites the view into the hole (H, W) uint8 of an image; returns (H, W, 3) uint8."""
    result = image.copy()
    box = bounding_box(hole > 0)
    if box is not None:
        part = result[box.slices]
        share = cv2.merge([hole[box.slices]] * 3)
        above = cv2.multiply(view.part(box), share, scale=1 / 255)
        below = cv2.multiply(part, cv2.bitwise_not(share), scale=1 / 255)
        cv2.add(above, below, dst=part)
    return result


def inpainted_background(camera: Camera = "photo", *, best: bool = False) -> CleanBackground:
    """Background model without any plate: every hole is inpainted.

    Args:
        camera: ``"photo"`` copies texture from around the hole (a quarter of a second); ``"moving"`` fills
            smoothly, fast and stable from frame to frame.
        best: fill a photo at higher quality; that takes a second more.
    """
    return CleanBackground(camera, best=best)


class BackgroundCollector:
    """Collects background samples in a first pass over a video, in bounded memory.

    Example:
        >>> collector = BackgroundCollector(expected=1)
        >>> collector.add(np.zeros((8, 8, 3), np.uint8), ())
        >>> collector.finish().camera
        'photo'
    """

    def __init__(self, expected: int | None = None, max_samples: int = 48) -> None:
        """Starts without samples.

        Args:
            expected: number of frames, where known.
            max_samples: upper limit; less for large frames (150 MB in all).
        """
        self._pool = SamplePool(expected, max_samples)

    @property
    def wants_next(self) -> bool:
        """Tests whether the next frame is a regular sample: if not, ``skip`` may save time."""
        return self._pool.wants_next

    def skip(self) -> None:
        """Skips a frame."""
        self._pool.skip()

    def add(self, image: Image, people: Sequence[Detection]) -> None:
        """Offers a frame; samples stay evenly spread whatever the length of the video.

        Args:
            image: (H, W, 3) uint8 RGB, the size of the earlier ones; others are skipped.
            people: all people who may move. An image without detections is not used, as a person may have
                been missed.
        """
        self._pool.offer(image, people)

    def finish(self) -> CleanBackground:
        """Classifies the camera's motion and builds the plates; releases the samples."""
        samples = self._pool.take_samples()
        if len(samples) < 2:
            return CleanBackground("photo" if self._pool.offered <= 1 else "moving")
        small = [to_work_size(sample.image)[0] for sample in samples]
        people = [sample.people_mask().astype(np.float32) for sample in samples]
        registration = CameraRegistration(small[0], people[0])
        motions = [registration.locate(*pair) for pair in zip(small, people, strict=True)]
        found = [
            (sample, motion.to_reference)
            for sample, motion in zip(samples, motions, strict=True)
            if motion.to_reference is not None
        ]
        if len(found) < max(2, _AGREEMENT * len(samples)):
            return CleanBackground("moving", moving_camera_keyframes(samples))
        if all(motion.still for motion in motions if motion.to_reference is not None):
            plate = build_plate([sample for sample, _ in found])
            return CleanBackground("still", (Keyframe(plate, small[0]),))
        plate = build_plate([sample.warped(matrix) for sample, matrix in found])
        return CleanBackground("handheld", (Keyframe(plate, small[0], registration),))
