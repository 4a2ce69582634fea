"""Detections, tracked people and the pose estimator interface."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import cv2
import numpy as np

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.affine import to_opencv_affine
from dance_now.pose.model.pose import Pose

PosePart = Literal["left_hand", "right_hand", "face"]


@dataclass(frozen=True, eq=False)
class PersonMask:
    """Soft segmentation mask of a person, in the estimator's own small window.

    Attributes:
        alpha: (H', W') float32 in [0, 1]; estimators give (256, 256).
        to_image: (2, 3) float32 affine map from x, y in mask pixels to x, y in pixels of the image
            (both with (0, 0) at the outer corner of the first pixel). The window may be rotated and may
            reach beyond the image.
    """

    alpha: FloatArray
    to_image: FloatArray

    def alpha_in(self, height: int, width: int) -> FloatArray:
        """Warps the mask to (height, width) float32 over the image, bilinear, 0 outside the window."""
        matrix = to_opencv_affine(self.to_image)
        warped = cv2.warpAffine(self.alpha, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=0)
        return np.asarray(warped, np.float32)


@dataclass(frozen=True, eq=False)
class Detection:
    """Person detected in an image.

    Attributes:
        pose: keypoints in pixels of the image.
        mask: the same person's mask.
        carried: what is of an earlier frame, moved along with wrist or nose.
    """

    pose: Pose
    mask: PersonMask
    carried: frozenset[PosePart] = frozenset()


@dataclass(frozen=True, eq=False)
class Person:
    """Tracked person: a detection with an ID that stays the same over the video.

    Attributes:
        identity: the same number for the same person in every frame, until the estimator is reset.
        detection: pose and mask.
    """

    identity: int
    detection: Detection


@dataclass(frozen=True, kw_only=True)
class EstimatorOptions:
    """Options of a pose estimator.

    Attributes:
        threads: CPU threads for the networks.
        hands: read fingers, where hands are large enough to be seen.
        face: read the face, where it is large enough to be seen.
        max_people: how many people to track: with 1 the most prominent one.
        model: the network's file, for estimators that do not come with one.
        heavy: take a larger network, where one is at hand: slower, more exact.
        turn: frames in which each hand of a person who is followed is read once: 1, 2 or 4; with 4, a face is
            read twice. In the others they may be carried along with the body (``Detection.carried``).
    """

    threads: int = 2
    hands: bool = True
    face: bool = True
    max_people: int = 1
    model: Path | None = None
    heavy: bool = False
    turn: int = 1


class PoseEstimator(Protocol):
    """Detects people in each frame and tracks them from call to call.

    Successive calls are taken as successive frames of one video; call ``reset`` before an unrelated
    image.
    """

    def __call__(self, image: Image) -> tuple[Person, ...]:
        """Estimates the people in ``image`` ((H, W, 3) uint8 RGB), in the order of their identities."""
        ...

    def reset(self) -> None:
        """Drops all tracks; identities restart."""
        ...


@runtime_checkable
class TwoStageEstimator(PoseEstimator, Protocol):
    """Pose estimator in two stages; a call runs both, ``add_hands_and_faces`` after ``detect_bodies``.

    The stages share no state, so while one reads hands and faces of an image, the other may detect the
    bodies of the next.
    """

    def detect_bodies(self, image: Image) -> tuple[Person, ...]:
        """Detects and tracks bodies in ``image``, in the order of their identities, by the body network."""
        ...

    def add_hands_and_faces(self, image: Image, people: tuple[Person, ...]) -> tuple[Person, ...]:
        """Adds the keypoints of hands and faces to the same people."""
        ...


@runtime_checkable
class MasklessEstimator(TwoStageEstimator, Protocol):
    """Pose estimator in two stages that is faster where nobody looks at the masks."""

    def detect_bodies_alone(self, image: Image) -> tuple[Person, ...]:
        """Runs ``detect_bodies``, with masks that may be of an earlier frame and are moved along."""
        ...
