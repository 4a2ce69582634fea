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
    Cutout,
    Plate,
    PlateView,
    homography_at_full_size,
    max_channel_difference,
    to_work_size,
)
from dance_now.scene.background.clean_background import fill_hole_from_view, widened_people_mask
from dance_now.scene.background.inpainting import inpaint_smooth
from dance_now.scene.background.plate_samples import distance_to_people
from dance_now.scene.background.registration import CameraRegistration

_UPDATE_INTERVAL: Final = 4  # frames between two updates
_STEP: Final = 2  # grey levels that a median moves at a time
_TOLERANCE: Final = 18  # grey levels by which an image without people may differ
# Updates in a row: what differs so long is the scene, and a frame without detections is empty
_PATIENCE: Final = 8
_FAR: Final = 0.02  # of the longer side: so far from people hardly anything of them is seen
_SURELY_FAR: Final = 0.04  # and so far nothing at all: here pixels become known
_SURE, _LIKELY = 255, 128
_DOUBTED_EVERY: Final = 6  # lessons: what goes with people may be the scene where the plate is wrong
_LOST_AFTER: Final = 3  # lessons in which the camera shows another view: after so many, all starts anew


@dataclass(eq=False)
class _Scene:
    """State of the model.

    Attributes:
        plate: the current plate.
        differing: (h, w) uint8 at the work size: updates in a row in which a pixel differed from the plate.
        registration: of the camera with the first frame.
    """

    plate: Plate
    differing: Image
    registration: CameraRegistration


class LiveBackground:
    """Background model that is learned from earlier frames.

    Memory is constant: one frame, and at the work size four numbers for each pixel.

    Example:
        >>> background = LiveBackground()
        >>> background.view(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.float32), 1.0) is None
        True
    """

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Resets the scene."""
        self._scene: _Scene | None = None
        self._frames = 0
        self._alone = 0
        self._lost = 0

    def view(self, small_image: Image, people: FloatArray, scale: float) -> PlateView | None:
        """View of the current plate; None at the beginning, and where the camera looks elsewhere."""
        scene = self._scene
        if scene is None or scene.plate.small.shape != small_image.shape:
            return None
        motion = scene.registration.locate(small_image, people)
        if motion.to_reference is None:
            return None
        moved = None if motion.still else motion.to_reference
        return PlateView.through(scene.plate, small_image, widened_people_mask(people), moved, scale)

    def fill(self, image: Image, cutout: Cutout) -> Image:
        """Fills the hole from the plate; pixels not known yet are inpainted."""
        hole, view = cutout.hole, cutout.view
        gap = hole.astype(np.float32) / np.float32(255)
        if view is None:
            return inpaint_smooth(image, gap)
        size = (hole.shape[1], hole.shape[0])
        known = np.asarray(cv2.resize(view.known, size, interpolation=cv2.INTER_NEAREST), np.uint8)
        result = fill_hole_from_view(image, hole & known, view)
        return inpaint_smooth(result, np.where(known > 0, np.float32(0), gap))

    def learn(self, image: Image, people: Sequence[Detection], cutout: Cutout | None) -> None:
        """Updates the model with the pixels of a frame away from people and removed objects."""
        lesson, between = divmod(self._frames, _UPDATE_INTERVAL)
        self._frames += 1
        if between:
            return
        self._alone = 0 if people else self._alone + 1
        if not people and self._alone < _PATIENCE:  # somebody may have been missed
            return
        small, scale = to_work_size(image)
        away = _scene_evidence(distance_to_people(people, small, scale), cutout, lesson % _DOUBTED_EVERY == 0)
        if self._scene is None or self._scene.plate.image.shape != image.shape:
            self._scene = _initial_scene(image, small, away)
            return
        motion = self._scene.registration.locate(small, (away == 0).astype(np.float32))
        if motion.to_reference is None:
            self._lost += 1
            if self._lost >= _LOST_AFTER:
                self.reset()
            return
        self._lost = 0
        if not motion.still:
            matrix = homography_at_full_size(motion.to_reference, scale)
            image = _warp_to_plate(image, matrix)
            small = _warp_to_plate(small, motion.to_reference)
            away = _warp_to_plate(away, motion.to_reference)
        self._scene = _updated_scene(self._scene, image, small, away)


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
    plate = Plate(image.copy(), small, known, np.full(known.shape, _TOLERANCE, np.uint8))
    return _Scene(plate, np.zeros_like(known), CameraRegistration(small, (away == 0).astype(np.float32)))


def _updated_scene(scene: _Scene, image: Image, small: Image, away: Image) -> _Scene:
    """Updates the scene with one more frame, where ``_scene_evidence`` is not 0."""
    plate = scene.plate
    differs = np.where(max_channel_difference(small, plate.small) > plate.tolerance, away, 0)
    # A pixel that is hidden keeps its count.
    longer = cv2.add(scene.differing, np.where(differs > 0, 1, 0).astype(np.uint8))
    differing = np.asarray(longer, np.uint8)
    differing[(away > 0) & (differs == 0)] = 0
    new = (plate.known == 0) & (away == _SURE)
    fresh = np.where(new | (differing >= _PATIENCE), 255, 0).astype(np.uint8)
    differing[fresh > 0] = 0
    steps = np.where((away > 0) & (fresh == 0) & (differs == 0), 255, 0).astype(np.uint8)
    plate_image, plate_small = plate.image.copy(), plate.small.copy()
    for target, seen in ((plate_image, image), (plate_small, small)):
        size = (target.shape[1], target.shape[0])
        where = np.asarray(cv2.resize(steps, size, interpolation=cv2.INTER_NEAREST), np.uint8)
        _step_towards(target, seen, where)
        cv2.copyTo(seen, cv2.resize(fresh, size, interpolation=cv2.INTER_NEAREST), target)
    known = plate.known | fresh
    return _Scene(Plate(plate_image, plate_small, known, plate.tolerance), differing, scene.registration)


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
