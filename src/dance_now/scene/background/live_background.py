"""The scene behind people who are seen live: learned while the pictures come.

A pixel is known once it was seen away from people. From then on it follows the median of what is seen
there, approximated one small step at a time (McFarlane and Schofield, "Segmentation and tracking of piglets
in images", Machine Vision and Applications 1995), so that nobody who walks by leaves a trace. What differs
from the plate for long, as furniture that was moved, replaces it. A camera that sways is followed; with one
that turns away all starts anew.
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
from dance_now.scene.background.camera_view import Cutout, Plate, View, at_full_size, difference, reduced
from dance_now.scene.background.clean_background import surroundings, view_in_hole
from dance_now.scene.background.inpainting import inpaint_smooth
from dance_now.scene.background.plate_samples import distance_from
from dance_now.scene.background.registration import Registrar

_EVERY: Final = 4  # pictures: learning from so many fewer is as good
_STEP: Final = 2  # grey levels that a median moves at a time
_TOLERANCE: Final = 18  # grey levels by which a picture may differ without anybody being there
_PATIENCE: Final = 8  # lessons in a row: what differs so long is the scene, who is not found is not there
_FAR: Final = 0.02  # of the longer side: so far from people hardly anything of them is seen
_SURELY_FAR: Final = 0.04  # and so far nothing at all: here pixels become known
_SURE, _LIKELY = 255, 128
_DOUBTED_EVERY: Final = 6  # lessons: what goes with people may be the scene where the plate is wrong
_LOST_AFTER: Final = 3  # lessons in which the camera shows another view: after so many, all starts anew


@dataclass(eq=False)
class _Scene:
    """What is known.

    Attributes:
        plate: as of now.
        differing: (h, w) uint8 at the work size: lessons in a row in which a pixel differed from the plate.
        registrar: compares the camera's place with that of the first picture.
    """

    plate: Plate
    differing: Image
    registrar: Registrar


class LiveBackground:
    """What lies behind people, as far as earlier pictures have shown it.

    Memory does not grow: it holds one picture, and at the work size four numbers for each pixel.

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
        self._pictures = 0
        self._alone = 0
        self._lost = 0

    def view(self, picture: Image, people: FloatArray, scale: float) -> View | None:
        """The plate as it is known by now; None at the beginning, and where the camera looks elsewhere."""
        scene = self._scene
        if scene is None or scene.plate.small.shape != picture.shape:
            return None
        motion = scene.registrar.locate(picture, people)
        if motion.to_reference is None:
            return None
        moved = None if motion.still else motion.to_reference
        return View.through(scene.plate, picture, surroundings(people), moved, scale)

    def fill(self, image: Image, cutout: Cutout) -> Image:
        """Shows the plate in the hole; what is not known yet continues its surroundings."""
        hole, view = cutout.hole, cutout.view
        gap = hole.astype(np.float32) / np.float32(255)
        if view is None:
            return inpaint_smooth(image, gap)
        size = (hole.shape[1], hole.shape[0])
        known = np.asarray(cv2.resize(view.known, size, interpolation=cv2.INTER_NEAREST), np.uint8)
        result = view_in_hole(image, hole & known, view)
        return inpaint_smooth(result, np.where(known > 0, np.float32(0), gap))

    def learn(self, image: Image, people: Sequence[Detection], cutout: Cutout | None) -> None:
        """Learns from a picture what lies away from the people and from what went with them."""
        lesson, between = divmod(self._pictures, _EVERY)
        self._pictures += 1
        if between:
            return
        self._alone = 0 if people else self._alone + 1
        if not people and self._alone < _PATIENCE:  # somebody may have been missed
            return
        small, scale = reduced(image)
        away = _away(distance_from(people, small, scale), cutout, lesson % _DOUBTED_EVERY == 0)
        if self._scene is None or self._scene.plate.image.shape != image.shape:
            self._scene = _begun(image, small, away)
            return
        motion = self._scene.registrar.locate(small, (away == 0).astype(np.float32))
        if motion.to_reference is None:
            self._lost += 1
            if self._lost >= _LOST_AFTER:
                self.reset()
            return
        self._lost = 0
        if not motion.still:
            matrix = at_full_size(motion.to_reference, scale)
            image = _seen_from_plate(image, matrix)
            small = _seen_from_plate(small, motion.to_reference)
            away = _seen_from_plate(away, motion.to_reference)
        self._scene = _improved(self._scene, image, small, away)


def _away(distance: Image, cutout: Cutout | None, doubted: bool) -> Image:
    """(h, w) uint8: ``_SURE`` or ``_LIKELY`` where a picture shows the scene, 0 where it may not.

    Args:
        distance: (h, w) uint8 pixels to the next person.
        cutout: what has gone with the people: things that they hold, or faults of the plate.
        doubted: whether to look behind these, too.
    """
    longer = max(distance.shape)
    away = np.where(distance >= _SURELY_FAR * longer, _SURE, _LIKELY).astype(np.uint8)
    away[distance < _FAR * longer] = 0
    if cutout is not None:
        size = (away.shape[1], away.shape[0])
        gone = cv2.resize(cutout.hole, size, interpolation=cv2.INTER_AREA) > 0
        away[gone] = np.minimum(away[gone], _LIKELY) if doubted else 0
    return away


def _begun(image: Image, small: Image, away: Image) -> _Scene:
    known = np.where(away == _SURE, 255, 0).astype(np.uint8)
    plate = Plate(image.copy(), small, known, np.full(known.shape, _TOLERANCE, np.uint8))
    return _Scene(plate, np.zeros_like(known), Registrar(small, (away == 0).astype(np.float32)))


def _improved(scene: _Scene, image: Image, small: Image, away: Image) -> _Scene:
    """The scene after one more picture of it, which shows it where ``_away`` says."""
    plate = scene.plate
    differs = np.where(difference(small, plate.small) > plate.tolerance, away, 0)
    # A pixel that is hidden keeps its count.
    longer = cv2.add(scene.differing, np.where(differs > 0, 1, 0).astype(np.uint8))
    differing = np.asarray(longer, np.uint8)
    differing[(away > 0) & (differs == 0)] = 0
    new = (plate.known == 0) & (away == _SURE)
    fresh = np.where(new | (differing >= _PATIENCE), 255, 0).astype(np.uint8)
    differing[fresh > 0] = 0
    steps = np.where((away > 0) & (fresh == 0) & (differs == 0), 255, 0).astype(np.uint8)
    picture, reduced_plate = plate.image.copy(), plate.small.copy()
    for target, seen in ((picture, image), (reduced_plate, small)):
        size = (target.shape[1], target.shape[0])
        where = np.asarray(cv2.resize(steps, size, interpolation=cv2.INTER_NEAREST), np.uint8)
        _step_towards(target, seen, where)
        cv2.copyTo(seen, cv2.resize(fresh, size, interpolation=cv2.INTER_NEAREST), target)
    known = plate.known | fresh
    return _Scene(Plate(picture, reduced_plate, known, plate.tolerance), differing, scene.registrar)


def _step_towards(target: Image, seen: Image, where: Image) -> None:
    """Moves a picture a little towards another, in place, where a mask is not 0."""
    most = cv2.merge([np.where(where > 0, _STEP, 0).astype(np.uint8)] * 3)
    more = cv2.min(cv2.subtract(seen, target), most)
    less = cv2.min(cv2.subtract(target, seen), most)
    cv2.subtract(cv2.add(target, more), less, dst=target)


def _seen_from_plate(picture: Image, to_plate: npt.NDArray[np.float64]) -> Image:
    """A picture moved to where the plate's camera is; black where it shows nothing."""
    size = (picture.shape[1], picture.shape[0])
    flags = cv2.INTER_LINEAR if picture.ndim == 3 else cv2.INTER_NEAREST
    return np.asarray(cv2.warpPerspective(picture, to_plate, size, flags=flags), np.uint8)
