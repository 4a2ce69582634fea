"""The scene behind people where the camera travels: a plate for each part of the way.

Neighbouring samples are chained by homographies; what one hides is taken from those before and after it. What
none of them shows is taken over from the plate before, so that what was invented once stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray, Image
from dance_now.scene.background.camera_view import Plate, exposed, gain_between, reduced
from dance_now.scene.background.plate_samples import Sample, build_plate
from dance_now.scene.background.registration import Registrar

_MOST_KEYFRAMES: Final = 24
_WINDOW: Final = 6  # samples before and after a keyframe that fill its gaps
_THUMBNAIL: Final = (32, 32)
_REACH: Final = 0.15  # of the longer side: as far around people other samples are asked
_FURTHEST: Final = 0.6  # of the longer side: further moved pictures share too little

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Keyframe:
    """The scene from one point of the camera's way.

    Attributes:
        plate: without people.
        picture: (h, w, 3) uint8, the picture there at the work size.
        registrar: compares others with it; None if the camera never moves.
    """

    plate: Plate
    picture: Image
    registrar: Registrar | None = None
    thumbnail: FloatArray = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "thumbnail", _thumbnail(self.picture))

    def locate(self, picture: Image, people: FloatArray) -> Matrix | None:
        """(3, 3) homography from a picture of the work size to this one; None if they differ too much."""
        if self.picture.shape != picture.shape:
            return None
        return np.eye(3) if self.registrar is None else self.registrar.locate(picture, people).to_reference


def nearest_keyframes(keyframes: Sequence[Keyframe], picture: Image, count: int) -> list[Keyframe]:
    """The ``count`` keyframes that look most like a picture, the likest first."""
    if len(keyframes) < 2:
        return list(keyframes)
    seen = _thumbnail(picture)
    away = [float(np.abs(keyframe.thumbnail - seen).mean()) for keyframe in keyframes]
    return [keyframes[index] for index in np.argsort(away)[:count]]


def moving_camera_keyframes(samples: Sequence[Sample]) -> tuple[Keyframe, ...]:
    """Plates along the way of the camera; none where its pictures cannot be chained.

    Args:
        samples: in the order of time, all of one size.
    """
    small = [reduced(sample.image)[0] for sample in samples]
    people = [sample.near().astype(np.float32) for sample in samples]
    registrars = [Registrar(*pair) for pair in zip(small, people, strict=True)]
    links = [
        registrars[index - 1].locate(small[index], people[index]).to_reference if index else None
        for index in range(len(samples))
    ]
    if sum(link is not None for link in links) < len(samples) // 2:
        return ()
    keyframes: list[Keyframe] = []
    last = 0
    for index in range(0, len(samples), -(-len(samples) // _MOST_KEYFRAMES)):
        around = [samples[index]]
        for other in range(max(0, index - _WINDOW), min(len(samples), index + _WINDOW + 1)):
            matrix = _chained(links, other, index) if other != index else None
            if matrix is not None and _overlap(matrix, small[index].shape):
                around.append(_adapted(samples[other].moved(matrix), small[index]))
        before = None
        back = _chained(links, last, index)
        if keyframes and back is not None:
            before = Sample(keyframes[-1].plate.image, np.full_like(people[0], 255, np.uint8)).moved(back)
        reach = _REACH * max(small[index].shape)
        plate = build_plate(around, where=samples[index].distance < reach, before=before)
        keyframes.append(Keyframe(plate, small[index], registrars[index]))
        last = index
    return tuple(keyframes)


def _chained(links: Sequence[Matrix | None], start: int, end: int) -> Matrix | None:
    """The homography from sample ``start`` to sample ``end``; None where the chain is broken."""
    if start < end:
        back = _chained(links, end, start)
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


def _adapted(sample: Sample, picture: Image) -> Sample:
    """The sample in the exposure of a picture of the work size."""
    seen = np.where(sample.near(), 0, 255).astype(np.uint8)
    return Sample(
        exposed(sample.image, gain_between(reduced(sample.image)[0], picture, seen)), sample.distance
    )


def _thumbnail(picture: Image) -> FloatArray:
    return np.asarray(cv2.resize(picture, _THUMBNAIL, interpolation=cv2.INTER_AREA), np.float32)
