"""Body landmarks: places on a body's surface that hands touch, and the places of a hand that touch them.

Both follow from keypoints by one linear rule, whose sizes are an adult's for people and the skeleton's own
for characters. Points are in the view frame (x right, y up, z towards the viewer).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.body_scale import SEGMENT_INDEX, SEGMENT_RATIOS
from dance_now.pose.model.bone_rule import BONE_INDEX
from dance_now.pose.model.keypoints import FACE, LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.skeleton import Skeleton

Array = npt.NDArray[np.float64]

_FACE_ROWS: Final = tuple(FACE.start + row for row in (5, 8, 11, 19, 24, 30, 36, 45, 51, 57))
_HAND_ROWS: Final = (0, 4, 5, 8, 9, 12, 17)  # wrist, thumb's tip, index, its tip, middle, its tip, little
CONTACT_ROWS: Final = np.array(
    [
        *range(25),
        *_FACE_ROWS,
        *(hand.start + row for hand in (LEFT_HAND, RIGHT_HAND) for row in _HAND_ROWS),
    ]
)
"""Keypoints that landmarks are computed from."""

FACE_PLACES: Final = slice(25, 35)
"""The face points among CONTACT_ROWS."""

HAND_PLACES: Final = (slice(35, 42), slice(42, 49))
"""The points of the left and the right hand among CONTACT_ROWS."""

# Of an adult's height, from the middle of the ears, in the head's axes: the face points above.
ADULT_FACE: Final = np.array(
    [
        (-0.032, -0.045, 0.022),
        (0.0, -0.062, 0.04),
        (0.032, -0.045, 0.022),
        (-0.018, 0.018, 0.046),
        (0.018, 0.018, 0.046),
        (0.0, -0.017, 0.055),
        (-0.026, 0.004, 0.036),
        (0.026, 0.004, 0.036),
        (0.0, -0.032, 0.047),
        (0.0, -0.04, 0.045),
    ]
)
HEAD, CHEST, HIPS = 0, 1, 2  # frames that carry landmarks
_EARS: Final = {17: 0.5, 18: 0.5}
_F: Final = {row: 25 + place for place, row in enumerate((5, 8, 11, 19, 24, 30, 36, 45, 51, 57))}
# Name: places among CONTACT_ROWS with their weights; frame; offset and radius in adults' heights.
_Spec = tuple[dict[int, float], int, tuple[float, float, float], float]
_LANDMARKS: Final[dict[str, _Spec]] = {
    "chin": ({_F[8]: 1.0}, HEAD, (0, 0, 0), 0.012),
    "mouth": ({_F[51]: 0.5, _F[57]: 0.5}, HEAD, (0, 0, 0), 0.012),
    "nose": ({0: 1.0}, HEAD, (0, 0, 0), 0.012),
    "forehead": ({_F[19]: 0.8, _F[24]: 0.8, _F[30]: -0.6}, HEAD, (0, 0, 0), 0.012),
    "right cheek": ({_F[36]: 0.5, _F[5]: 0.5}, HEAD, (0, 0, 0), 0.012),
    "left cheek": ({_F[45]: 0.5, _F[11]: 0.5}, HEAD, (0, 0, 0), 0.012),
    "right ear": ({17: 1.0}, HEAD, (0, 0, 0), 0.012),
    "left ear": ({18: 1.0}, HEAD, (0, 0, 0), 0.012),
    "crown": (_EARS, HEAD, (0, 0.085, 0), 0.012),
    "throat": ({1: 0.5, _F[8]: 0.5}, CHEST, (0, 0, 0.01), 0.015),
    "chest": ({1: 0.75, 8: 0.25}, CHEST, (0, 0, 0.06), 0.02),
    "right chest": ({2: 0.5, 1: 0.25, 8: 0.25}, CHEST, (0, 0, 0.055), 0.02),
    "left chest": ({5: 0.5, 1: 0.25, 8: 0.25}, CHEST, (0, 0, 0.055), 0.02),
    "belly": ({1: 0.3, 8: 0.7}, HIPS, (0, 0, 0.06), 0.02),
    "right waist": ({1: 0.3, 8: 0.7}, HIPS, (-0.085, 0, 0.01), 0.02),
    "left waist": ({1: 0.3, 8: 0.7}, HIPS, (0.085, 0, 0.01), 0.02),
    "right hip": ({9: 1.0}, HIPS, (-0.035, 0.03, 0.01), 0.02),
    "left hip": ({12: 1.0}, HIPS, (0.035, 0.03, 0.01), 0.02),
    "right shoulder": ({2: 1.0}, CHEST, (0, 0, 0), 0.03),
    "left shoulder": ({5: 1.0}, CHEST, (0, 0, 0), 0.03),
    "right thigh": ({9: 0.5, 10: 0.5}, HIPS, (0, 0, 0), 0.045),
    "left thigh": ({12: 0.5, 13: 0.5}, HIPS, (0, 0, 0), 0.045),
    "right knee": ({10: 1.0}, HIPS, (0, 0, 0), 0.035),
    "left knee": ({13: 1.0}, HIPS, (0, 0, 0), 0.035),
    "left elbow": ({6: 1.0}, CHEST, (0, 0, 0), 0.025),
    "right elbow": ({3: 1.0}, CHEST, (0, 0, 0), 0.025),
    "left forearm": ({6: 0.5, 7: 0.5}, CHEST, (0, 0, 0), 0.025),
    "right forearm": ({3: 0.5, 4: 0.5}, CHEST, (0, 0, 0), 0.025),
    "left palm": ({35: 0.4, 39: 0.6}, CHEST, (0, 0, 0), 0.03),
    "right palm": ({42: 0.4, 46: 0.6}, CHEST, (0, 0, 0), 0.03),
}
LANDMARK_NAMES: Final = tuple(_LANDMARKS)
LANDMARK_FRAMES: Final = np.array([spec[1] for spec in _LANDMARKS.values()])
LANDMARK_RADII: Final = np.array([spec[3] for spec in _LANDMARKS.values()])
"""How far a hand that touches it is from each landmark, in adults' heights."""


def _named(*words: str) -> npt.NDArray[np.bool_]:
    return np.array([any(word in name for word in words) for name in LANDMARK_NAMES])


ON_FACE: Final = _named("chin", "mouth", "nose", "forehead", "cheek")
ON_HEAD: Final = ON_FACE | _named("ear", "crown") & ~_named("forearm")
ON_FRONT: Final = ON_FACE | _named("chest", "belly", "throat")  # surfaces that look where the body looks
ON_HAND: Final = _named("palm")
OWN_ARM: Final = np.array(
    [
        [
            name.startswith(side) and name.split()[1] in ("elbow", "forearm", "palm", "shoulder")
            for name in LANDMARK_NAMES
        ]
        for side in ("left", "right")
    ]
)
"""(2, M): a hand's own arm, which it does not touch."""

FOLLOWS_HAND: Final = 1.0 * _named("palm") + 0.5 * _named("forearm")
"""(M,) how far a landmark moves with the other hand."""

_TRUNK_FRONT: Final = _named("chest", "belly")
_TRUNK_SIDES: Final = _named("waist", "hip")
_TRUNK_BONES: Final = [BONE_INDEX[name] for name in ("hips", "spine", "chest")]
_BESIDE: Final = 0.015  # adults' heights: surface that counts for a landmark
_THINNEST, _THICKEST = 0.4, 2.5  # times the trunk of an adult of the character's width

# Palm, knuckle of the middle finger, tips of index and middle finger, tip of the thumb; of a hand's places.
_PROBES: Final = np.array(
    [
        [0.4, 0, 0, 0, 0.6, 0, 0],
        [0, 0, 0, 0, 1, 0, 0],
        [0, 0, 0, 1, 0, 0, 0],
        [0, 0, 0, 0, 0, 1, 0],
        [0, 1, 0, 0, 0, 0, 0],
    ]
)
PROBE_COUNT: Final = len(_PROBES)
_SHOULDERS: Final = float(SEGMENT_RATIOS[SEGMENT_INDEX["shoulders"]])
_ADULT_HEAD: Final = float(-ADULT_FACE[1, 1])


def _base() -> Array:
    matrix = np.zeros((len(_LANDMARKS), len(CONTACT_ROWS)))
    for row, (weights, *_) in enumerate(_LANDMARKS.values()):
        for place, weight in weights.items():
            matrix[row, place] = weight
    return matrix


_BASE: Final = _base()
_OFFSETS: Final = np.array([spec[2] for spec in _LANDMARKS.values()], np.float64)


@dataclass(frozen=True, eq=False)
class BodySurface:
    """Surface of a character at rest, for the thickness of its trunk.

    Attributes:
        vertices: (V, 3) metres.
        bones: (V,) the bone that moves each vertex most, by its number in BONE_NAMES; others are hair.
    """

    vertices: npt.NDArray[np.floating]
    bones: npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class BodyLandmarks:
    """Landmarks of one body.

    Attributes:
        offsets: (M, 3) from the keypoints to the surface, in the axes of the frame that carries it.
        sizes: (M,) what an adult's height is to the body near each landmark.
        bare: whether the body has no face points, which its head's axes then supply.
    """

    offsets: Array
    sizes: Array
    bare: bool = False

    @classmethod
    def of_adult(cls, height: float | Array = 1.0) -> BodyLandmarks:
        """Those of an average adult, in units of the standing height."""
        return cls(_OFFSETS * height, np.full(len(_OFFSETS), float(height)))

    @classmethod
    def of(cls, skeleton: Skeleton, surface: BodySurface | None = None) -> BodyLandmarks:
        """Those of a character, metres: head and trunk by their own sizes, or by the surface."""
        rest = skeleton.rest.astype(np.float64)
        shoulders = float(np.linalg.norm(rest[5] - rest[2])) / _SHOULDERS
        ears = (rest[17] + rest[18]) / 2
        bare = not skeleton.known[list(_FACE_ROWS)].all()
        crown = float(skeleton.bounds[1, 1]) - ears[1]
        head = crown / 0.1 if bare else float(ears[1] - rest[FACE.start + 8, 1]) / _ADULT_HEAD
        sizes = np.where(ON_HEAD, max(head, 1e-3), max(shoulders, 1e-3))
        offsets = _OFFSETS * sizes[:, None]
        if surface is not None:
            offsets = _on_surface(offsets, _BASE @ rest[CONTACT_ROWS], sizes, surface)
        return cls(offsets, sizes, bare)

    def __call__(self, points: Array, frames: Array) -> Array:
        """Positions (..., M, 3).

        Args:
            points: (..., 49, 3) keypoints of CONTACT_ROWS, view frame.
            frames: (..., 3, 3, 3) rotations of head, chest and hips; columns are left, up and front.
        """
        if self.bare:
            points = with_face(points, frames[..., HEAD, :, :], self.sizes[0])
        carried = frames[..., LANDMARK_FRAMES, :, :] @ self.offsets[..., None]
        result: Array = _BASE @ points + carried[..., 0]
        return result


def _on_surface(offsets: Array, bases: Array, sizes: Array, surface: BodySurface) -> Array:
    """Offsets (M, 3) that end on the surface: in front of the trunk, and beside it."""
    result = offsets.copy()
    trunk = np.asarray(surface.vertices, np.float64)[np.isin(surface.bones, _TRUNK_BONES)]
    for row in np.flatnonzero(_TRUNK_FRONT | _TRUNK_SIDES):
        axis = 2 if _TRUNK_FRONT[row] else 0
        way = float(np.sign(offsets[row, axis]))
        place = bases[row] + offsets[row]
        across = [0, 1] if axis == 2 else [1]
        away = np.abs(trunk[:, across] - place[across]).max(axis=1)
        near = trunk[away < _BESIDE * sizes[row]]
        if len(near):
            size = float((way * (near[:, axis] - bases[row, axis])).max())
            usual = abs(offsets[row, axis])
            result[row, axis] = way * float(np.clip(size, _THINNEST * usual, _THICKEST * usual))
    return result


def with_face(points: Array, head: Array, size: float | Array) -> Array:
    """Keypoints (..., 49, 3) with an adult's face in the axes of a head (..., 3, 3) of a size."""
    filled = points.copy()
    ears = (points[..., 17, :] + points[..., 18, :]) / 2
    filled[..., FACE_PLACES, :] = ears[..., None, :] + size * (ADULT_FACE @ np.swapaxes(head, -1, -2))
    return filled


def hand_probes(points: Array) -> Array:
    """Places (..., 2, 5, 3) of the left and the right hand that touch, from keypoints (..., 49, 3)."""
    return np.stack([_PROBES @ points[..., places, :] for places in HAND_PLACES], axis=-3)
