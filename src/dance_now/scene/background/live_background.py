"""Live background model: a running approximate median, learned as frames arrive.

A pixel is known once it was seen away from people. From then on it follows the median of its observed
values, approximated one small step at a time (McFarlane and Schofield, "Segmentation and tracking of piglets
in images", Machine Vision and Applications 1995), so that people who walk by leave no trace. What differs
from the plate for long, as furniture that was moved, replaces it. A swaying camera is registered; one that
turns away resets the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.detection import Detection
from dance_now.scene.background.camera_view import (
    WORK_SIZE,
    Cutout,
    Plate,
    PlateView,
    homography_at_full_size,
    max_channel_difference,
    to_work_size,
)
from dance_now.scene.background.clean_background import fill_hole_from_view, widened_people_mask
from dance_now.scene.background.inpainting import StreamInpainting
from dance_now.scene.background.plate_samples import distance_to_people
from dance_now.scene.background.registration import CameraMotion, CameraRegistration

_UPDATE_INTERVAL: Final = 6  # frames between two updates
_LESSON_SIZE: Final = 320  # longer side in pixels at which people are told from the scene for an update
_CHECK_INTERVAL: Final = 6  # frames between two registrations of a camera that stands still
_PROBE_STEP: Final = 8  # every eighth pixel tells whether much has changed
_PROBE_CHANGE: Final = 5.0  # grey levels
_STEP: Final = 2  # grey levels that a median moves at a time
_TOLERANCE: Final = 18  # grey levels by which an image without people may differ
# Updates in a row: what differs so long is the scene, and a frame without detections is empty
_PATIENCE: Final = 6
_FAR: Final = 0.02  # of the longer side: so far from people hardly anything of them is seen
_SURELY_FAR: Final = 0.04  # and so far nothing at all: here pixels become known
_SURE, _LIKELY = 255, 128
_DOUBTED_EVERY: Final = 4  # lessons: what goes with people may be the scene where the plate is wrong
_LOST_AFTER: Final = 3  # lessons in which the camera shows another view: after so many, all starts anew


@dataclass(eq=False)
class _Scene:
    """State of the model.

    Attributes:
        plate: the current plate.
        differing: (h, w) uint8 at the size of lessons: updates in a row in which a pixel differed from the
            plate; None before the first.
        registration: of the camera with the first frame.
    """

    plate: Plate
    differing: Image | None
    registration: CameraRegistration


class LiveBackground:
    """Background model that is learned from earlier frames.

    Memory is constant: one frame, and at the work size four numbers for each pixel. So is time: lessons are
    taken every few frames at a reduced size, and a camera that stands still is registered only now and then.

    Example:
        >>> background = LiveBackground()
        >>> background.view(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.float32), 1.0) is None
        True
    """

    def __init__(self, work_size: int = WORK_SIZE) -> None:
        """``work_size``: longer side in pixels of the images in which people are told from the scene."""
        self.work_size = work_size
        self.reset()

    def reset(self) -> None:
        """Resets the scene."""
        self._scene: _Scene | None = None
        self._motion: _LocatedFrame | None = None
        self._inpainting = StreamInpainting()
        self._frames = 0
        self._alone = 0
        self._lost = 0

    @property
    def is_complete(self) -> bool:
        """Whether the whole scene is known."""
        return self._scene is not None and bool(self._scene.plate.known.all())

    def take(self, image: Image) -> None:
        """Takes an image of the empty scene as the plate, known everywhere.

        Args:
            image: (H, W, 3) uint8 RGB, without people.
        """
        self.reset()
        small = self._work_copy(image)[0]
        self._scene = _initial_scene(image, small, np.full(small.shape[:2], _SURE, np.uint8))

    def view(self, small_image: Image, people: FloatArray, scale: float) -> PlateView | None:
        """View of the current plate; None at the beginning, and where the camera looks elsewhere."""
        scene = self._scene
        if scene is None or scene.plate.small.shape != small_image.shape:
            return None
        motion = self._locate(scene, small_image, people)
        if motion.to_reference is None:
            return None
        moved = None if motion.still else motion.to_reference
        return PlateView.through(scene.plate, small_image, widened_people_mask(people), moved, scale)

    def fill(self, image: Image, cutout: Cutout) -> Image:
        """Fills the hole from the plate; pixels not known yet are inpainted."""
        hole, view = cutout.hole, cutout.view
        if view is None:
            return self._inpainting(image, hole)
        size = (hole.shape[1], hole.shape[0])
        known = np.asarray(cv2.resize(view.known, size, interpolation=cv2.INTER_NEAREST), np.uint8)
        result = fill_hole_from_view(image, hole & known, view)
        return self._inpainting(result, hole & ~known)

    def learn(self, image: Image, people: Sequence[Detection], cutout: Cutout | None) -> None:
        """Updates the model with the pixels of a frame away from people and removed objects."""
        lesson, between = divmod(self._frames, _UPDATE_INTERVAL)
        self._frames += 1
        if between:
            return
        self._alone = 0 if people else self._alone + 1
        if not people and self._alone < _PATIENCE:  # somebody may have been missed
            return
        small, scale = self._work_copy(image)
        reduced = min(1.0, _LESSON_SIZE / max(small.shape))
        size = (max(1, round(small.shape[1] * reduced)), max(1, round(small.shape[0] * reduced)))
        lesson_image = np.asarray(cv2.resize(small, size, interpolation=cv2.INTER_AREA), np.uint8)
        distance = distance_to_people(people, lesson_image, scale * reduced)
        away = _scene_evidence(distance, cutout, lesson % _DOUBTED_EVERY == 0)
        if self._scene is None or self._scene.plate.image.shape != image.shape:
            self._scene, self._motion = _initial_scene(image, small, _resized(away, small)), None
            return
        motion = self._locate(self._scene, small, _resized(away == 0, small).astype(np.float32))
        if motion.to_reference is None:
            self._lost += 1
            if self._lost >= _LOST_AFTER:
                self.reset()
            return
        self._lost = 0
        if not motion.still:
            matrix = homography_at_full_size(motion.to_reference, scale)
            at_lesson_size = homography_at_full_size(motion.to_reference, 1 / reduced)
            image = _warp_to_plate(image, matrix)
            small = _warp_to_plate(small, motion.to_reference)
            lesson_image = _warp_to_plate(lesson_image, at_lesson_size)
            away = _warp_to_plate(away, at_lesson_size)
        self._scene = _updated_scene(self._scene, image, small, lesson_image, away)

    def _work_copy(self, image: Image) -> tuple[Image, float]:
        """Image at the work size and its scale; the image itself where it is no larger."""
        fits = max(image.shape[:2]) <= self.work_size
        return (image, 1.0) if fits else to_work_size(image, self.work_size)

    def _locate(self, scene: _Scene, small: Image, people: FloatArray) -> CameraMotion:
        """Motion of the camera; one that stands still is looked at every few frames, or if much changes."""
        probe = small[::_PROBE_STEP, ::_PROBE_STEP]
        last = self._motion
        if last is not None and last.motion.still and self._frames - last.index < _CHECK_INTERVAL:
            change = cv2.absdiff(probe, last.probe)
            if float(np.median(change)) < _PROBE_CHANGE:
                return last.motion
        motion = scene.registration.locate(small, people)
        self._motion = _LocatedFrame(motion, self._frames, probe.copy())
        return motion


@dataclass(frozen=True, eq=False)
class _LocatedFrame:
    """When the camera was registered last.

    Attributes:
        motion: of the camera then.
        index: of the frame.
        probe: a few of its pixels.
    """

    motion: CameraMotion
    index: int
    probe: Image


def _resized(mask: npt.NDArray[np.generic], like: Image) -> Image:
    """Mask at the size of an image."""
    size = (like.shape[1], like.shape[0])
    return np.asarray(cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST), np.uint8)


def _scene_evidence(distance: Image, cutout: Cutout | None, doubted: bool) -> Image:
    """Evidence (h, w) uint8: ``_SURE`` or ``_LIKELY`` where an image shows the scene, 0 where it may not.

    Args:
        distance: (h, w) uint8 pixels to the nearest person.
        cutout: what was removed with the people: held objects, or errors of the plate.
        doubted: whether to update behind these, too.
    """
    longer = max(distance.shape)
    away = np.where(distance >= _SURELY_FAR * longer, _SURE, _LIKELY).astype(np.uint8)
    away[distance < _FAR * longer] = 0
    if cutout is not None:
        size = (away.shape[1], away.shape[0])
        gone = cv2.resize(cutout.hole, size, interpolation=cv2.INTER_AREA) > 0
        away[gone] = np.minimum(away[gone], _LIKELY) if doubted else 0
    return away


def _initial_scene(image: Image, small: Image, away: Image) -> _Scene:
    known = np.where(away == _SURE, 255, 0).astype(np.uint8)
    plate_image = image.copy()
    plate_small = plate_image if small.shape == image.shape else small
    plate = Plate(plate_image, plate_small, known, np.full(known.shape, _TOLERANCE, np.uint8))
    return _Scene(plate, None, CameraRegistration(small, (away == 0).astype(np.float32)))


def _updated_scene(scene: _Scene, image: Image, small: Image, lesson: Image, away: Image) -> _Scene:
    """Updates the scene with one more frame.

    Args:
        scene: the scene so far.
        image: (H, W, 3) uint8 RGB, in the plate's view.
        small: the same at the work size.
        lesson: (h, w, 3) uint8, the same at the size of lessons.
        away: (h, w) uint8, of ``_scene_evidence``: where the frame shows the scene.
    """
    plate = scene.plate
    size = (lesson.shape[1], lesson.shape[0])
    before = np.asarray(cv2.resize(plate.small, size, interpolation=cv2.INTER_AREA), np.uint8)
    known = np.asarray(cv2.resize(plate.known, size, interpolation=cv2.INTER_NEAREST), np.uint8)
    differs = np.where(max_channel_difference(lesson, before) > _TOLERANCE, away, 0)
    # A pixel that is hidden keeps its count.
    counted = np.zeros_like(away) if scene.differing is None else scene.differing
    differing = np.asarray(cv2.add(counted, np.where(differs > 0, 1, 0).astype(np.uint8)), np.uint8)
    differing[(away > 0) & (differs == 0)] = 0
    new = (known == 0) & (away == _SURE)
    fresh = np.where(new | (differing >= _PATIENCE), 255, 0).astype(np.uint8)
    differing[fresh > 0] = 0
    steps = np.where((away > 0) & (fresh == 0) & (differs == 0), 255, 0).astype(np.uint8)
    plate_image = plate.image.copy()
    plate_small = plate_image if plate.small is plate.image else plate.small.copy()
    targets = (
        [(plate_image, image)] if plate_small is plate_image else [(plate_image, image), (plate_small, small)]
    )
    has_fresh = bool(fresh.any())
    for target, seen in targets:
        _step_towards(target, seen, _resized(steps, target))
        if has_fresh:
            cv2.copyTo(seen, _resized(fresh, target), target)
    grown = plate.known | _resized(fresh, plate.known) if has_fresh else plate.known
    return _Scene(Plate(plate_image, plate_small, grown, plate.tolerance), differing, scene.registration)


def _step_towards(target: Image, seen: Image, where: Image) -> None:
    """Moves an image one step towards another, in place, where a mask is not 0."""
    most = cv2.merge([np.where(where > 0, _STEP, 0).astype(np.uint8)] * 3)
    more = cv2.min(cv2.subtract(seen, target), most)
    less = cv2.min(cv2.subtract(target, seen), most)
    cv2.subtract(cv2.add(target, more), less, dst=target)


def _warp_to_plate(image: Image, to_plate: npt.NDArray[np.float64]) -> Image:
    """Warps an image to the plate's camera; black outside the image."""
    size = (image.shape[1], image.shape[0])
    flags = cv2.INTER_LINEAR if image.ndim == 3 else cv2.INTER_NEAREST
    return np.asarray(cv2.warpPerspective(image, to_plate, size, flags=flags), np.uint8)
