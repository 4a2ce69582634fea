"""Putting the character into the picture: premultiplied warping and blending.

Source: Porter and Duff, "Compositing Digital Images" (SIGGRAPH 1984), the operator "over".
"""

from __future__ import annotations

from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.arrays import FloatArray, Image
from dance_now.scene.region import Box, bounding_box

Matrix = npt.NDArray[np.float64]


class Scene(StrEnum):
    """What the character stands in."""

    REPLACE = "replace"
    ALONE = "alone"
    GREEN = "green"
    ALPHA = "alpha"


_SOLID = 0.02  # grey levels off 255 at which alpha still counts as full
_PLAIN = {Scene.ALONE: (255, 255, 255), Scene.GREEN: (0, 255, 0)}


def plain_background(scene: Scene, height: int, width: int) -> Image:
    """(H, W, 3) uint8 in the scene's colour: white for ``ALONE``, (0, 255, 0) for ``GREEN``.

    Raises:
        ValueError: the scene has no colour of its own.
    """
    if scene not in _PLAIN:
        raise ValueError(f"{scene.value} has no plain background")
    return np.full((height, width, 3), _PLAIN[scene], np.uint8)


def compose(background: Image, character: Image) -> Image:
    """Lays the character over the background.

    Args:
        background: (H, W, 3) uint8 RGB.
        character: (H, W, 4) uint8 RGBA, straight alpha.

    Returns:
        (H, W, 3) uint8, a new array: the background to the bit where alpha is 0, the character's colour to
        the bit where alpha is 255, rounded to nearest between.

    Raises:
        ValueError: shapes that do not belong together.
    """
    if character.shape != (*background.shape[:2], 4) or background.shape[2:] != (3,):
        raise ValueError(f"cannot lay {character.shape} over {background.shape}")
    if character.size == 0:
        return background.copy()
    alpha = np.ascontiguousarray(character[..., 3])
    result = background.copy()
    # Most of a figure is opaque: it is copied, and only its edge is calculated.
    cv2.copyTo(cv2.cvtColor(character, cv2.COLOR_RGBA2RGB), (alpha == 255).view(np.uint8), result)
    edge = np.flatnonzero((alpha - np.uint8(1)) < 254)  # 0 wraps around to 255
    weight = alpha.reshape(-1)[edge, None].astype(np.uint16)
    below = background.reshape(-1, 3)[edge].astype(np.uint16)
    above = character.reshape(-1, 4)[edge, :3].astype(np.uint16)
    result.reshape(-1, 3)[edge] = (below * (255 - weight) + above * weight + 127) // 255
    return result


def compose_at(background: Image, patch: Image, box: Box) -> Image:
    """Lays a patch (from ``place``) over a part of the background; (H, W, 3) uint8, a new array."""
    result = background.copy()
    result[box.slices] = compose(background[box.slices], patch)
    return result


def place(character: Image, to_picture: npt.ArrayLike, height: int, width: int) -> tuple[Box, Image]:
    """Draws the character at its place in the picture.

    Colours are warped premultiplied, so that no dark or coloured fringe grows along the edge, and a
    character that gets smaller is averaged first, so that no line drops out.

    Args:
        character: (h, w, 4) uint8 RGBA, straight alpha, a canvas.
        to_picture: (2, 3) affine map from canvas to picture coordinates; both have their origin at the
            corner of the first pixel, whose centre is (0.5, 0.5).
        height: rows of the picture.
        width: columns of the picture.

    Returns:
        The part of the picture that the character reaches, and that part as (box.height, box.width, 4)
        uint8 RGBA, straight alpha. The box is empty where nothing of it lies in the picture.
    """
    matrix: Matrix = np.array(to_picture, np.float64).reshape(2, 3)
    drawn = bounding_box(character[..., 3] > 0, extra=2)
    if drawn is None:
        return Box(0, 0, 0, 0), np.zeros((0, 0, 4), np.uint8)
    character = character[drawn.slices]
    matrix[:, 2] += matrix[:, :2] @ (drawn.left, drawn.top)
    box = _reached(matrix, character.shape[0], character.shape[1], height, width)
    if box.height == 0 or box.width == 0:
        return box, np.zeros((box.height, box.width, 4), np.uint8)
    scale = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    premultiplied = _premultiplied(character)
    if scale < 1:
        premultiplied, matrix = _reduced(premultiplied, matrix, scale)
    shift = matrix.copy()
    # From corner-based to OpenCV's centre-based pixels, and into the box.
    shift[:, 2] += matrix[:, :2] @ (0.5, 0.5) - 0.5 - (box.left, box.top)
    interpolation = cv2.INTER_CUBIC if scale > 1.25 else cv2.INTER_LINEAR
    warped = cv2.warpAffine(
        premultiplied,
        shift,
        (box.width, box.height),
        flags=interpolation,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=0,
    )
    return box, _straight(np.asarray(warped, np.float32))


def _reached(matrix: Matrix, rows: int, columns: int, height: int, width: int) -> Box:
    corners = np.array([(0, 0), (columns, 0), (0, rows), (columns, rows)], np.float64)
    moved = corners @ matrix[:, :2].T + matrix[:, 2]
    low = np.clip(np.floor(moved.min(axis=0)) - 1, 0, (width, height)).astype(int)
    high = np.clip(np.ceil(moved.max(axis=0)) + 1, low, (width, height)).astype(int)
    return Box(int(low[1]), int(high[1]), int(low[0]), int(high[0]))


def _premultiplied(character: Image) -> FloatArray:
    """(h, w, 4) float32 in [0, 255]."""
    values = character.astype(np.float32)
    weight = cv2.cvtColor(values[..., 3], cv2.COLOR_GRAY2RGB)
    values[..., :3] *= weight * np.float32(1 / 255)
    return values


def _reduced(values: FloatArray, matrix: Matrix, scale: float) -> tuple[FloatArray, Matrix]:
    """Averages a canvas down to about the size it will have, and the map that goes with it."""
    rows, columns = values.shape[:2]
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    smaller = np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)
    adjusted = matrix.copy()
    adjusted[:, 0] *= columns / size[0]
    adjusted[:, 1] *= rows / size[1]
    return smaller, adjusted


def _straight(values: FloatArray) -> Image:
    """Back from premultiplied float to straight uint8."""
    # Adding an empty picture in 8 bit rounds and clips in one pass.
    straight = np.asarray(cv2.add(values, np.zeros(4), dtype=cv2.CV_8U), np.uint8)
    alpha = values[..., 3].ravel()
    edge = np.flatnonzero((alpha != 0) & (np.abs(alpha - np.float32(255)) > _SOLID))
    weight = alpha[edge, None]
    gain = np.divide(np.float32(255), weight, out=np.zeros_like(weight), where=weight >= 0.5)
    colours = np.clip(values.reshape(-1, 4)[edge, :3] * gain, 0, 255)
    straight.reshape(-1, 4)[edge, :3] = np.rint(colours)
    return straight
