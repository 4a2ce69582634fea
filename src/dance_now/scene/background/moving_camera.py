"""Moving camera: keyframe plates along the camera's path, chained by homographies.

Neighbouring samples are chained by homographies; what one hides is taken from those before and after it. What
none of them shows is copied from the plate before, so that inpainted areas stay the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray, Image
from dance_now.scene.background.camera_view import Plate, apply_gain, estimate_gain, to_work_size
from dance_now.scene.background.plate_samples import Sample, build_plate
from dance_now.scene.background.registration import CameraRegistration

_MAX_KEYFRAMES: Final = 24
_WINDOW: Final = 6  # samples before and after a keyframe that fill its gaps
_THUMBNAIL: Final = (32, 32)
_REACH: Final = 0.15  # of the longer side: distance around people within which other samples are used
_FURTHEST: Final = 0.6  # of the longer side: frames displaced further overlap too little

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Keyframe:
    """Plate at one point of the camera's path.

    Attributes:
        plate: without people.
        small_image: (h, w, 3) uint8, the frame there at the work size.
        registration: of other frames with it; None if the camera never moves.
    """

    plate: Plate
    small_image: Image
    registration: CameraRegistration | None = None
    thumbnail: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "thumbnail", _thumbnail(self.small_image))

    def locate(self, small_image: Image, people: FloatArray) -> Matrix | None:
        """Homography (3, 3) from an image of the work size to this one; None if they differ too much."""
        if self.small_image.shape != small_image.shape:
            return None
        return (
            np.eye(3)
            if self.registration is None
            else self.registration.locate(small_image, people).to_reference
        )


def nearest_keyframes(keyframes: Sequence[Keyframe], small_image: Image, count: int) -> list[Keyframe]:
    """Selects the ``count`` keyframes most similar to an image, the most similar first."""
    if len(keyframes) < 2:
        return list(keyframes)
    seen = _thumbnail(small_image)
    away = [float(np.abs(keyframe.thumbnail - seen).mean()) for keyframe in keyframes]
    return [keyframes[index] for index in np.argsort(away)[:count]]


def moving_camera_keyframes(samples: Sequence[Sample]) -> tuple[Keyframe, ...]:
    """Builds plates along the camera's path; none where the samples cannot be chained.

    Args:
        samples: in the order of time, all of one size.
    """
    small = [to_work_size(sample.image)[0] for sample in samples]
    people = [sample.people_mask().astype(np.float32) for sample in samples]
    registrations = [CameraRegistration(*pair) for pair in zip(small, people, strict=True)]
    links = [
        registrations[index - 1].locate(small[index], people[index]).to_reference if index else None
        for index in range(len(samples))
    ]
    if sum(link is not None for link in links) < len(samples) // 2:
        return ()
    keyframes: list[Keyframe] = []
    last = 0
    for index in range(0, len(samples), -(-len(samples) // _MAX_KEYFRAMES)):
        around = [samples[index]]
        for other in range(max(0, index - _WINDOW), min(len(samples), index + _WINDOW + 1)):
            matrix = _chain_homographies(links, other, index) if other != index else None
            if matrix is not None and _overlap(matrix, small[index].shape):
                around.append(_match_exposure(samples[other].warped(matrix), small[index]))
        before = None
        back = _chain_homographies(links, last, index)
        if keyframes and back is not None:
            before = Sample(keyframes[-1].plate.image, np.full_like(people[0], 255, np.uint8)).warped(back)
        reach = _REACH * max(small[index].shape)
        plate = build_plate(around, where=samples[index].distance < reach, before=before)
        keyframes.append(Keyframe(plate, small[index], registrations[index]))
        last = index
    return tuple(keyframes)


def _chain_homographies(links: Sequence[Matrix | None], start: int, end: int) -> Matrix | None:
    """Homography from sample ``start`` to sample ``end``; None where the chain is broken."""
    if start < end:
        back = _chain_homographies(links, end, start)
        return None if back is None else np.asarray(np.linalg.inv(back), np.float64)
    total: Matrix = np.eye(3)
    for index in range(end + 1, start + 1):
        link = links[index]
        if link is None:
            return None
        total = total @ link
    return total


def _overlap(matrix: Matrix, shape: tuple[int, ...]) -> bool:
    height, width = shape[:2]
    corners = np.array([[(0, 0), (width, 0), (0, height), (width, height)]], np.float64)
    moved = cv2.perspectiveTransform(corners, matrix) - corners
    return float(np.abs(moved).max()) < _FURTHEST * max(height, width)


def _match_exposure(sample: Sample, small_image: Image) -> Sample:
    """Matches a sample's exposure to an image of the work size."""
    seen = np.where(sample.people_mask(), 0, 255).astype(np.uint8)
    return Sample(
        apply_gain(sample.image, estimate_gain(to_work_size(sample.image)[0], small_image, seen)),
        sample.distance,
    )


def _thumbnail(small_image: Image) -> FloatArray:
    return np.asarray(cv2.resize(small_image, _THUMBNAIL, interpolation=cv2.INTER_AREA), np.float32)
