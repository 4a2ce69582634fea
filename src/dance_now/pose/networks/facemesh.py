"""Face mesh and iris networks: 468 surface points, refined eyes, and FACE_70 from them.

Source: Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs", 2019;
Ablavatski et al., "Real-time Pupil Tracking from Monocular Video for Digital Puppetry", 2020; networks,
squares and decoding as in MediaPipe 0.10.21, modules ``face_landmark`` and ``iris_landmark``. Point numbers
are those of MediaPipe's canonical face model (``canonical_face_model_uv_visualization.png``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.networks.litert import LiteRTNetwork, Region, sigmoid

FACE_POINT_COUNT: Final = 70

_FACE_SIZE: Final = 192
_EYE_SIZE: Final = 64
_MESH_COUNT: Final = 468
_MESH, _PRESENCE = (1, 1, 1, 3 * _MESH_COUNT), (1, 1, 1, 1)
_CONTOUR, _IRIS = (1, 213), (1, 15)
_AROUND_MESH: Final = 1.5
_AROUND_EYE: Final = 2.3  # of the distance between the corners of an eye
_AROUND_HEAD: Final = 2.2  # of the size of nose, eyes and ears
_RIGHT_CORNERS: Final = (33, 133)  # outer, inner
_LEFT_CORNERS: Final = (263, 362)

# Points of the mesh for FACE_70 without the pupils, in iBUG's order. The mesh has no 17 points along the jaw:
# these lie nearest to equal steps from the ear to the chin. A brow is a band of two rows, of which the middle
# is taken.
_JAW: Final = (127, 234, 132, 58, 172, 136, 149, 176, 152, 400, 378, 365, 397, 288, 361, 454, 356)
_BROWS_ABOVE: Final = (70, 63, 105, 66, 107, 336, 296, 334, 293, 300)
_BROWS_BELOW: Final = (46, 53, 52, 65, 55, 285, 295, 282, 283, 276)
_NOSE: Final = (168, 197, 5, 4, 75, 97, 2, 326, 305)
_RIGHT_EYE: Final = (33, 160, 158, 133, 153, 144)
_LEFT_EYE: Final = (362, 385, 387, 263, 373, 380)
_LIPS: Final = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181)
_MOUTH: Final = (78, 82, 13, 312, 308, 317, 14, 87)
_MESH_POINTS: Final = np.array(
    [*_JAW, *_BROWS_ABOVE, *_NOSE, *_RIGHT_EYE, *_LEFT_EYE, *_LIPS, *_MOUTH], np.intp
)
_BROW_ROWS: Final = slice(17, 27)
_EYE_ROWS: Final = (slice(36, 42), slice(42, 48))  # right, left
# the same six points in the contour of the eye network, which sees every eye as a right one
_EYE_CONTOURS: Final = ((0, 11, 13, 8, 5, 3), (8, 13, 11, 0, 3, 5))
_PUPIL_ROWS: Final = (68, 69)


@dataclass(frozen=True, eq=False)
class FaceLandmarks:
    """Face landmarks in one square.

    Attributes:
        points: (70, 2) float32 pixels of the image, FACE_70.
        depth: (70,) float32 pixels from the tip of the nose, away from the viewer positive.
        presence: confidence that there is a face, in [0, 1].
        region: region of interest for the next frame.
        eyes: of the right and the left eye: (7, 2) pixels from the mesh's lids and their middle to the points
            of the iris network; None where that has not read it.
    """

    points: FloatArray
    depth: FloatArray
    presence: float
    region: Region
    eyes: tuple[FloatArray | None, FloatArray | None]

    def moved(self, offset: FloatArray) -> FaceLandmarks:
        """The same face ``offset`` (2,) pixels away, with the same region."""
        return replace(self, points=self.points + offset)


class FaceNetworks:
    """Estimates face landmarks: the mesh, then both eyes."""

    def __init__(self, mesh: Path, iris: Path, threads: int) -> None:
        """Loads ``face_landmark.tflite`` and ``iris_landmark.tflite``.

        Raises:
            DanceNowError: one is damaged, or another network.
        """
        self._mesh = LiteRTNetwork(mesh, threads, {_MESH, _PRESENCE})
        self._iris = LiteRTNetwork(iris, threads, {_CONTOUR, _IRIS})

    def read_mesh(self, image: Image, region: Region) -> tuple[FloatArray, float] | None:
        """Estimates the mesh (468, 3) in pixels with depth, and its presence; None for an unusable square."""
        if not region.is_usable(image):
            return None
        square = region.crop(image, _FACE_SIZE, cv2.BORDER_CONSTANT)
        outputs = self._mesh(square[None].astype(np.float32) / np.float32(255))
        values = outputs[_MESH].reshape(_MESH_COUNT, 3)
        if not np.isfinite(values).all():
            return None
        matrix = region.to_image(_FACE_SIZE)
        flat = values[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        mesh = np.column_stack([flat, values[:, 2] * (region.size / _FACE_SIZE)]).astype(np.float32)
        return mesh, float(sigmoid(outputs[_PRESENCE])[0, 0, 0, 0])

    def read_landmarks(
        self,
        image: Image,
        mesh: FloatArray,
        presence: float,
        eyes: tuple[FloatArray | None, FloatArray | None] = (None, None),
    ) -> FaceLandmarks:
        """Estimates FACE_70 from a mesh, with the eyes refined by the iris network.

        Args:
            image: (H, W, 3) uint8 RGB.
            mesh: (468, 3) pixels, from ``read_mesh``.
            presence: from ``read_mesh``.
            eyes: refinements of an earlier frame that are taken again; None for an eye that is to be read.
        """
        points = np.zeros((FACE_POINT_COUNT, 3), np.float32)
        points[: len(_MESH_POINTS)] = face_points(mesh)
        refined: list[FloatArray | None] = []
        for side, (lids, pupil) in enumerate(zip(_EYE_ROWS, _PUPIL_ROWS, strict=True)):
            points[pupil] = points[lids].mean(axis=0)
            rows = [*range(lids.start, lids.stop), pupil]
            offsets = eyes[side]
            if offsets is None:
                eye = self._eye(image, mesh, side)
                offsets = None if eye is None else eye - points[rows, :2]
            if offsets is not None:
                points[rows, :2] += offsets
            refined.append(offsets)
        depth = points[:, 2] - points[30, 2]
        region = region_from_face(mesh)
        return FaceLandmarks(points[:, :2].copy(), depth, presence, region, (refined[0], refined[1]))

    def _eye(self, image: Image, mesh: FloatArray, side: int) -> FloatArray | None:
        """Lids and centre of the iris (7, 2) in pixels; the left eye is mirrored for the network.

        Args:
            image: the image.
            mesh: (468, 3) pixels.
            side: 0 for the right eye, 1 for the left one.
        """
        flip = side == 1
        corners = mesh[list((_RIGHT_CORNERS, _LEFT_CORNERS)[side]), :2]
        across = (corners[0] - corners[1]) if flip else (corners[1] - corners[0])
        middle = corners.mean(axis=0)
        angle = float(np.arctan2(across[1], across[0]))
        region = Region(float(middle[0]), float(middle[1]), _AROUND_EYE * float(np.hypot(*across)), angle)
        if not region.is_usable(image):
            return None
        square = region.crop(image, _EYE_SIZE, cv2.BORDER_REPLICATE)
        if flip:
            square = np.ascontiguousarray(square[:, ::-1])
        outputs = self._iris(square[None].astype(np.float32) / np.float32(255))
        values = np.concatenate([outputs[_CONTOUR].reshape(-1, 3), outputs[_IRIS].reshape(-1, 3)])[:, :2]
        if not np.isfinite(values).all():
            return None
        if flip:
            values = np.column_stack([_EYE_SIZE - values[:, 0], values[:, 1]])
        matrix = region.to_image(_EYE_SIZE)
        flat = (values @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)
        return flat[[*_EYE_CONTOURS[side], _CONTOUR[1] // 3]]


def face_points(mesh: FloatArray) -> FloatArray:
    """Selects FACE_70 without the pupils, (68, 3), from a mesh (468, 3) of any unit."""
    points = mesh[_MESH_POINTS]
    points[_BROW_ROWS] = (points[_BROW_ROWS] + mesh[list(_BROWS_BELOW)]) / 2
    return points


def region_from_face(mesh: FloatArray) -> Region:
    """Region of interest around a face whose (468, 3) mesh is known."""
    return _square_around(mesh[:, :2], mesh[_LEFT_CORNERS[0], :2] - mesh[_RIGHT_CORNERS[0], :2], _AROUND_MESH)


def region_from_head(points: FloatArray) -> Region:
    """Initial region of a face from (5, 2) nose, right and left eye, right and left ear in pixels."""
    return _square_around(points, points[2] - points[1], _AROUND_HEAD)


def _square_around(points: FloatArray, across: npt.NDArray[np.floating], scale: float) -> Region:
    """Square around points, aligned with a direction in the image."""
    angle = float(np.arctan2(across[1], across[0]))
    cosine, sine = np.cos(angle), np.sin(angle)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    level = points @ turn
    low, high = level.min(axis=0), level.max(axis=0)
    x, y = turn @ ((low + high) / 2)
    return Region(float(x), float(y), scale * float((high - low).max()), angle)
