"""What every pose estimator does: a picture in, people's poses and masks out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import cv2
import numpy as np

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.affine import between_pixel_centres
from dance_now.pose.model.pose import Pose


@dataclass(frozen=True, eq=False)
class PersonMask:
    """How much of each pixel belongs to the person, in the estimator's own small window.

    Attributes:
        alpha: (H', W') float32 in [0, 1]; estimators give (256, 256).
        to_picture: (2, 3) float32 affine map from x, y in mask pixels to x, y in pixels of the picture
            (both with (0, 0) at the outer corner of the first pixel). The window may be turned and may
            reach over the picture's edge.
    """

    alpha: FloatArray
    to_picture: FloatArray

    def alpha_in(self, height: int, width: int) -> FloatArray:
        """The mask as (height, width) float32 over the picture, bilinear, 0 outside the window."""
        matrix = between_pixel_centres(self.to_picture)
        warped = cv2.warpAffine(self.alpha, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=0)
        return np.asarray(warped, np.float32)


@dataclass(frozen=True, eq=False)
class Detection:
    """A person found in a picture.

    Attributes:
        pose: keypoints in pixels of the picture.
        mask: the same person's mask.
    """

    pose: Pose
    mask: PersonMask


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody in a picture, and which of the people in the video it is.

    Attributes:
        identity: the same number for the same person in every picture, until the estimator is reset.
        detection: pose and mask.
    """

    identity: int
    detection: Detection


@dataclass(frozen=True, kw_only=True)
class EstimatorOptions:
    """What is wanted of an estimator.

    Attributes:
        threads: CPU threads for the networks.
        hands: read fingers, where hands are large enough to be seen.
        face: read the face, where it is large enough to be seen.
        most: how many people to follow: with 1 the most prominent one.
        model: the network's file, for estimators that do not come with one.
    """

    threads: int = 2
    hands: bool = True
    face: bool = True
    most: int = 1
    model: Path | None = None


class PoseEstimator(Protocol):
    """Finds people in each picture and follows them from call to call.

    Successive calls are taken as successive frames of one video; call ``reset`` before a picture that
    has nothing to do with the last one.
    """

    def __call__(self, image: Image) -> tuple[Person, ...]:
        """The people in ``image`` ((H, W, 3) uint8 RGB) in the order of their identities."""
        ...

    def reset(self) -> None:
        """Forgets everybody; identities begin anew."""
        ...


@runtime_checkable
class SteppedEstimator(PoseEstimator, Protocol):
    """One that works in two steps; calling it does both, ``closer`` after ``bodies``.

    Neither remembers what the other does, so while one looks closer at a picture, the other may find the
    bodies of the next.
    """

    def bodies(self, image: Image) -> tuple[Person, ...]:
        """The people in ``image`` in the order of their identities, as the body's network alone sees them."""
        ...

    def closer(self, image: Image, people: tuple[Person, ...]) -> tuple[Person, ...]:
        """The same people with what is seen of their hands and faces."""
        ...
