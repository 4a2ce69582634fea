"""Facial expressions of a drawn face: its eyes and mouth become patches that lie on the skin and move.

Where eyes and mouth were, the skin is painted over. A blink pushes an eye's patch together towards its lower
edge and keeps the lash line; vowels open a mouth that hides behind the skin at rest, and take the drawn one
away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray, FloatArray, Image
from dance_now.picture_rig.face_finder import FaceFeatures

Points = npt.NDArray[np.float64]
Triangles = npt.NDArray[np.int64]
Height = Callable[[Points], Points]
"""(n, 2) x, y in the figure's pixels -> (n,) height of the skin there."""

_COLUMNS, _ROWS = 12, 10
_LASH: Final = 0.24  # of an eye's height
_CLOSED_AT: Final = 0.8  # of an eye's height below its top: where lids meet
_LIFT: Final = 0.0016  # of the figure's larger side: how far patches lie before the skin
_GROWN: Final = 0.10  # of an eye's size: rim that belongs to its patch
# Vowel -> width and height of the open mouth, in widths of the drawn one.
_VOWELS: Final = {
    "aa": (0.85, 0.75),
    "ih": (1.0, 0.28),
    "ou": (0.42, 0.42),
    "ee": (1.1, 0.45),
    "oh": (0.6, 0.62),
}
_GAZE: Final = 0.26  # of half an eye's width: how far an iris moves
_INSIDE: Final = ((112, 34, 44), (214, 96, 96))  # of a mouth, and its tongue
_SLOT: Final = 32  # pixels of the painted inside


@dataclass(frozen=True, eq=False)
class Patch:
    """Small piece of surface over the face.

    Attributes:
        places: (v, 2) figure's pixels.
        heights: (v,) pixels over the picture's plane.
        texture: (v, 2) pixels of the figure, or of the mouth's inside.
        triangles: (t, 3).
        is_inside: whether its texture is the mouth's inside.
        morphs: expression -> (v, 3) displacement x, y (down), height, pixels.
    """

    places: Points
    heights: Points
    texture: Points
    triangles: Triangles
    is_inside: bool
    morphs: dict[str, Points]


def face_patches(face: FaceFeatures, skin_height: Height, size: float) -> list[Patch]:
    """Patches of eyes and mouth.

    Args:
        face: where they are.
        skin_height: of the body's surface.
        size: the figure's larger side, pixels.
    """
    lift = _LIFT * size
    patches = [
        _eye_patch(grown(box), f"blink{side.capitalize()}", face.has_irises, skin_height, lift)
        for side, box in face.eyes.items()
    ]
    width = _mouth_width(face)
    centre = _mouth_centre(face)
    if face.mouth is not None:
        patches.append(_drawn_mouth(grown(face.mouth, 0.2), skin_height, lift))
    patches.append(_open_mouth(centre, width, skin_height, lift))
    return patches


def grown(box: Points, share: float = _GROWN) -> Points:
    """A box with a rim."""
    rim = share * (box[2:] - box[:2]) + 1.5
    return np.concatenate([box[:2] - rim, box[2:] + rim])


def _mouth_width(face: FaceFeatures) -> float:
    left, right = face.eyes["left"], face.eyes["right"]
    apart = abs(float((left[0] + left[2] - right[0] - right[2]) / 2))
    drawn = 0.0 if face.mouth is None else float(face.mouth[2] - face.mouth[0])
    return float(np.clip(drawn, 0.35 * apart, 0.8 * apart))


def _mouth_centre(face: FaceFeatures) -> Points:
    if face.mouth is not None:
        return np.asarray((face.mouth[:2] + face.mouth[2:]) / 2)
    centres = np.stack([(box[:2] + box[2:]) / 2 for box in face.eyes.values()])
    apart = float(np.linalg.norm(centres[0] - centres[1]))
    return np.asarray(centres.mean(axis=0) + np.array([0, 0.85 * apart]))


def _grid(columns: int = _COLUMNS, rows: int = _ROWS) -> tuple[Points, Triangles]:
    """(v, 2) u, v in [-1, 1] of an ellipse's grid, row by row, and its triangles."""
    across, down = np.meshgrid(np.linspace(-1, 1, columns), np.linspace(-1, 1, rows))
    # A square mapped to an ellipse-like superellipse: corners are rounded, columns stay upright.
    shape = (1 - np.abs(across) ** 2.6) ** (1 / 2.6)
    grid = np.stack([across, down * np.maximum(shape, 0.15)], axis=2).reshape(-1, 2)
    number = np.arange(columns * rows).reshape(rows, columns)
    a, b, c, d = (
        each.ravel() for each in (number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:])
    )
    return grid, np.concatenate([np.stack([a, c, b], axis=1), np.stack([b, c, d], axis=1)])


def _eye_patch(box: Points, name: str, has_iris: bool, skin_height: Height, lift: float) -> Patch:
    grid, triangles = _grid()
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    places = centre + grid * half
    down = (grid[:, 1] + 1) / 2  # 0 at the top, 1 at the bottom
    tall = 2 * half[1]
    # Lids meet on an arc that hangs in the middle.
    arc = centre[1] - half[1] + tall * (_CLOSED_AT - 0.10 * np.square(grid[:, 0]))
    lash = np.minimum(down, _LASH) / _LASH
    rest = np.clip(down - _LASH, 0, None) / (1 - _LASH)
    closed = arc + tall * (0.6 * _LASH * (lash - 1) + 0.02 * rest)
    moved = np.stack([places[:, 0], closed], axis=1)
    heights = skin_height(places) + lift
    offsets = np.concatenate([moved - places, (skin_height(moved) + lift - heights)[:, None]], axis=1)
    morphs = {name: offsets}
    if has_iris:  # the middle moves and takes the iris along; rims and lashes stay
        across, upright = 1 - np.square(grid[:, 0]), np.clip(1 - np.square(grid[:, 1] - 0.1), 0, 1)
        slide = _GAZE * half[0] * across * upright
        for gaze, sign in (("lookLeft", 1), ("lookRight", -1)):
            beside = places + np.stack([sign * slide, np.zeros_like(slide)], axis=1)
            higher = skin_height(beside) + lift - heights
            morphs[gaze] = np.concatenate([beside - places, higher[:, None]], axis=1)
    return Patch(places, heights, places, triangles, False, morphs)


def _drawn_mouth(box: Points, skin_height: Height, lift: float) -> Patch:
    """The mouth as drawn: it shrinks behind the skin for every vowel."""
    grid, triangles = _grid(8, 5)
    centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
    places = centre + grid * half
    heights = skin_height(places) + lift
    hidden = np.concatenate([0.5 * (centre - places), np.full((len(places), 1), -3 * lift)], axis=1)
    return Patch(places, heights, places, triangles, False, dict.fromkeys(_VOWELS, hidden))


def _open_mouth(centre: Points, width: float, skin_height: Height, lift: float) -> Patch:
    """The inside of a mouth: a line behind the skin that vowels open."""
    grid, triangles = _grid(12, 8)
    shut = np.array([0.7, 0.01]) * width / 2
    places = centre + grid * shut
    heights = skin_height(places) - 1.5 * lift
    morphs = {}
    for name, (wide, tall) in _VOWELS.items():
        half = np.array([wide, tall]) * width / 2
        open_ = centre + grid * half + [0, 0.35 * half[1]]
        front = skin_height(open_) + 1.2 * lift
        morphs[name] = np.concatenate([open_ - places, (front - heights)[:, None]], axis=1)
    texture = (grid + 1) / 2 * (_SLOT - 1) + 0.5
    return Patch(places, heights, texture, triangles, True, morphs)


def mouth_inside() -> Image:
    """(32, 32, 3) what an open mouth shows."""
    picture = np.empty((_SLOT, _SLOT, 3), np.uint8)
    picture[:] = _INSIDE[0]
    cv2.ellipse(
        picture,
        (_SLOT // 2, round(0.95 * _SLOT)),
        (round(0.32 * _SLOT), round(0.33 * _SLOT)),
        0,
        0,
        360,
        _INSIDE[1],
        -1,
    )
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.8), np.uint8)


def without_features(front: Image, face: FaceFeatures) -> Image:
    """The front texture with the skin painted over eyes and mouth."""
    hole = np.zeros(front.shape[:2], np.uint8)
    boxes = [grown(box, 0.04) for box in face.eyes.values()]
    if face.mouth is not None:
        boxes.append(grown(face.mouth, 0.15))
    for box in boxes:
        centre, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2
        axes = tuple(max(1, round(float(value) * 1.08)) for value in half)
        cv2.ellipse(hole, tuple(round(float(value)) for value in centre), axes, 0, 0, 360, 255, -1)
    return painted_over(front, hole > 0, face.skin)


def painted_over(image: Image, hole: BoolArray, skin: Image) -> Image:
    """A picture with a smooth continuation of skin in a hole; what is unlike skin does not run in."""
    reach = cv2.dilate(hole.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    rows, columns = np.nonzero(reach)
    box = np.s_[max(rows.min() - 12, 0) : rows.max() + 13, max(columns.min() - 12, 0) : columns.max() + 13]
    part, inside = image[box].astype(np.float32), hole[box]
    near = np.linalg.norm(part - skin.astype(np.float32), axis=2) < 60
    known = (near & ~inside).astype(np.float32)
    filled = _smoothly(part, known, skin)
    soft = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 1.0)[..., None]
    soft = np.maximum(soft, inside[..., None])
    result = image.copy()
    result[box] = np.clip(part + soft * (filled - part), 0, 255).astype(np.uint8)
    return result


def _smoothly(part: FloatArray, known: FloatArray, skin: Image) -> FloatArray:
    total, weight = np.zeros_like(part), np.zeros(known.shape, np.float32)
    for sigma in (4.0, 12.0, 36.0):
        share = cv2.GaussianBlur(known, (0, 0), sigma) * 0.05 ** np.log2(sigma)
        total += cv2.GaussianBlur(part * known[..., None], (0, 0), sigma) * (0.05 ** np.log2(sigma))
        weight += share
    floor = 1e-12
    return np.asarray((total + floor * skin) / (weight + floor)[..., None], np.float32)
