"""The scene without the person.

A camera that stands still, or sways in somebody's hands, shows behind the person at other times what it
hides now: the median over a few dozen samples is the clean plate. A camera that travels gets a plate for each
part of its way (``travelling``). A photo is inpainted. Where pictures come live, the plate grows with them
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
from dance_now.scene.background.camera_view import Cutout, View, reduced
from dance_now.scene.background.inpainting import inpaint_smooth, inpaint_texture
from dance_now.scene.background.moving_camera import Keyframe, moving_camera_keyframes, nearest_keyframes
from dance_now.scene.background.plate_samples import PERSON_FROM, build_plate
from dance_now.scene.background.registration import Registrar
from dance_now.scene.background.sample_pool import SamplePool
from dance_now.scene.filters.region import bounding_box, dilated

Camera = Literal["photo", "still", "handheld", "moving"]

_AROUND = 0.012  # of the picture's longer side: what a mask may miss of its person
_AGREEMENT = 0.6  # share of the samples that must show one view
_CANDIDATES = 2  # keyframes that a picture is compared with


class Background(Protocol):
    """What lies behind people: known before, or learned as pictures come."""

    def view(self, picture: Image, people: FloatArray, scale: float) -> View | None:
        """The scene as a picture shows it, or None where it is not known.

        Args:
            picture: (h, w, 3) uint8 RGB at the work size (``scene.view.reduced``).
            people: (h, w) float32 in [0, 1].
            scale: from full size to the work size.
        """
        ...

    def fill(self, image: Image, cutout: Cutout) -> Image:
        """Replaces what is in the hole by the background.

        Args:
            image: (H, W, 3) uint8 RGB: a picture of the source.
            cutout: what it loses; where it has no view of the scene behind, the hole is inpainted.

        Returns:
            (H, W, 3) uint8: the image to the bit where the hole is 0.
        """
        ...

    def learn(self, image: Image, people: Sequence[Detection], cutout: Cutout | None) -> None:
        """Takes notice of a picture.

        Args:
            image: (H, W, 3) uint8 RGB.
            people: everybody in it.
            cutout: what the picture has lost, if anything.
        """
        ...

    def reset(self) -> None:
        """Resets what was learned."""
        ...


@dataclass(frozen=True, eq=False)
class CleanBackground:
    """What lies behind the person, for every picture of one source.

    Attributes:
        camera: how the background is found.
        keyframes: the scene from where the camera was; one if it stays, none if the scene is unknown.
        best: whether a photo's fill may take a few seconds.
    """

    camera: Camera
    keyframes: tuple[Keyframe, ...] = ()
    best: bool = False

    def view(self, picture: Image, people: FloatArray, scale: float) -> View | None:
        """The keyframe that looks most like the picture, as the picture shows it."""
        around = surroundings(people)
        for keyframe in nearest_keyframes(self.keyframes, picture, _CANDIDATES):
            to_plate = keyframe.locate(picture, (around > 0).astype(np.float32))
            if to_plate is not None:
                moved = None if keyframe.registrar is None else to_plate
                return View.through(keyframe.plate, picture, around, moved, scale)
        return None

    def fill(self, image: Image, cutout: Cutout) -> Image:
        """Shows the keyframe in the hole, and inpaints where there is none."""
        hole, view = cutout.hole, cutout.view
        if view is None:
            gap = hole.astype(np.float32) / np.float32(255)
            if self.camera != "photo":
                return inpaint_smooth(image, gap)
            return inpaint_texture(image, gap, best=self.best)
        return view_in_hole(image, hole, view)

    def learn(self, image: Image, people: Sequence[Detection], cutout: Cutout | None) -> None:
        """Nothing: what can be known is known."""

    def reset(self) -> None:
        """Nothing."""


def surroundings(people: FloatArray) -> Image:
    """(h, w) uint8: 255 on people, (h, w) float32 in [0, 1], and on what a mask may miss of them."""
    return dilated(np.where(people > PERSON_FROM, 255, 0).astype(np.uint8), _AROUND * max(people.shape))


def view_in_hole(image: Image, hole: Image, view: View) -> Image:
    """(H, W, 3) uint8: a picture of which the hole, (H, W) uint8, shows the scene behind."""
    result = image.copy()
    box = bounding_box(hole > 0)
    if box is not None:
        part = result[box.slices]
        share = cv2.merge([hole[box.slices]] * 3)
        above = cv2.multiply(view.part(box), share, scale=1 / 255)
        below = cv2.multiply(part, cv2.bitwise_not(share), scale=1 / 255)
        cv2.add(above, below, dst=part)
    return result


def unknown_background(camera: Camera = "photo", *, best: bool = False) -> CleanBackground:
    """A background about which nothing is known yet: every hole is inpainted.

    Args:
        camera: ``"photo"`` copies texture from around the hole (a quarter of a second); ``"moving"`` fills
            smoothly, fast and steady from frame to frame.
        best: fill a photo with more care; that takes a second more.
    """
    return CleanBackground(camera, best=best)


class BackgroundCollector:
    """Collects background samples in a first pass over a video; memory stays bounded.

    Example:
        >>> survey = BackgroundCollector(expected=1)
        >>> survey.add(np.zeros((8, 8, 3), np.uint8), ())
        >>> survey.finish().camera
        'photo'
    """

    def __init__(self, expected: int | None = None, max_samples: int = 48) -> None:
        """Starts without samples.

        Args:
            expected: pictures that will be offered, where that is known.
            max_samples: kept at most; fewer of large pictures (150 MB in all).
        """
        self._pool = SamplePool(expected, max_samples)

    @property
    def wants_next(self) -> bool:
        """Whether the next picture would be kept in any case: if not, ``skip`` may save time."""
        return self._pool.wants_next

    def skip(self) -> None:
        """Passes a picture by."""
        self._pool.skip()

    def add(self, image: Image, people: Sequence[Detection]) -> None:
        """Offers a picture; samples stay spread whatever the length of the video.

        Args:
            image: (H, W, 3) uint8 RGB, the size of the earlier ones; others are passed by.
            people: everybody who may move. A picture in which nobody was found is not used: somebody may
                have been missed.
        """
        self._pool.offer(image, people)

    def finish(self) -> CleanBackground:
        """Decides what the camera does and makes the plates; gives the samples up."""
        samples = self._pool.taken()
        if len(samples) < 2:
            return CleanBackground("photo" if self._pool.offered <= 1 else "moving")
        small = [reduced(sample.image)[0] for sample in samples]
        people = [sample.near().astype(np.float32) for sample in samples]
        registrar = Registrar(small[0], people[0])
        motions = [registrar.locate(*pair) for pair in zip(small, people, strict=True)]
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
        plate = build_plate([sample.moved(matrix) for sample, matrix in found])
        return CleanBackground("handheld", (Keyframe(plate, small[0], registrar),))
