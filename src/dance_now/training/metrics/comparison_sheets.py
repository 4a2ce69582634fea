"""Comparison sheets: ground truth, prediction and difference, and head close-ups."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import FloatArray, Image
from dance_now.training.metrics.image_metrics import head_box, over_grey

_BACKDROP: Final = np.array([200, 220, 255], np.float32)
_CONTRAST: Final = 2.0  # of differences
_HEAD_ENLARGED: Final = 2
_HEAD_RIM: Final = 0.6  # of the head, for its hair
_GAP: Final = 6  # px between pairs of heads


@dataclass(frozen=True, eq=False)
class ImagePair:
    """Image pair of the test split.

    Attributes:
        true: (H, W, 4) RGBA, ground truth.
        drawn: (H, W, 4) RGBA, the character's rendering of the same pose.
        label: (137, 4) x, y, depth, confidence in px.
    """

    true: Image
    drawn: Image
    label: FloatArray


def difference_sheet(pairs: Sequence[ImagePair], columns: int = 2) -> Image:
    """Ground truth, prediction and difference side by side, at full size; white where they are equal."""
    return contact_sheet(
        [
            np.hstack(
                [over_backdrop(pair.true), over_backdrop(pair.drawn), difference(pair.drawn, pair.true)]
            )
            for pair in pairs
        ],
        columns,
    )


def head_sheet(pairs: Sequence[ImagePair], columns: int = 6) -> Image:
    """Head close-ups at twice their size, ground truth above prediction; every head must have a box."""
    boxes = [box for pair in pairs if (box := head_box(pair.label, _HEAD_RIM)) is not None]
    side = max(right - left for left, _, right, _ in boxes)
    tiles = []
    for pair, (left, top, right, bottom) in zip(pairs, boxes, strict=True):
        corner = ((left + right - side) // 2, (top + bottom - side) // 2)
        heads = [_cut(over_backdrop(picture), corner, side) for picture in (pair.true, pair.drawn)]
        tile = np.vstack([heads[0], heads[1]])
        tiles.append(np.pad(tile, ((_GAP, _GAP), (_GAP, _GAP), (0, 0)), constant_values=255))
    return contact_sheet(tiles, columns)


def over_backdrop(picture: Image) -> Image:
    """Composites RGBA (H, W, 4) over pale blue -> (H, W, 3)."""
    alpha = picture[..., 3:].astype(np.float32) / 255
    return (picture[..., :3] * alpha + _BACKDROP * (1 - alpha) + 0.5).astype(np.uint8)


def difference(drawn: Image, true: Image) -> Image:
    """Difference image (H, W, 3): white minus twice the absolute difference of RGBA images over grey."""
    apart = np.abs(over_grey(drawn) - over_grey(true))[..., :3]
    return (255 * np.clip(1 - _CONTRAST * apart, 0, 1) + 0.5).astype(np.uint8)


def contact_sheet(tiles: Sequence[Image], columns: int) -> Image:
    """Arranges tiles (H, W, 3) of one size in rows of at most ``columns``."""
    columns = min(columns, len(tiles))
    rows = math.ceil(len(tiles) / columns)
    filled = [*tiles, *[np.full_like(tiles[0], 255)] * (rows * columns - len(tiles))]
    return np.vstack([np.hstack(filled[row * columns : (row + 1) * columns]) for row in range(rows)])


def _cut(picture: Image, corner: tuple[int, int], side: int) -> Image:
    """Enlarged square crop of an image (H, W, 3), its centre inside; white beyond the edges."""
    padded = np.pad(picture, ((side, side), (side, side), (0, 0)), constant_values=255)
    x, y = corner[0] + side, corner[1] + side
    size = (side * _HEAD_ENLARGED, side * _HEAD_ENLARGED)
    square = padded[y : y + side, x : x + side]
    return np.asarray(cv2.resize(square, size, interpolation=cv2.INTER_NEAREST), np.uint8)
