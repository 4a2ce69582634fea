"""Whether pictures show one figure or two: a network trained on two would draw a ghost of both.

Two figures differ in the colors of most parts of the body, and all their pictures fall into two groups with
little between them. One figure seen from the front and from behind differs in a few parts.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray, Image
from dance_now.pose.model.pose import Pose

Array = npt.NDArray[np.float64]

# Between which points each part lies; both sides of the body together.
_PARTS: Final = (
    ((17, 18),),  # head
    ((2, 12), (5, 9)),  # trunk, crosswise
    ((2, 3), (5, 6)),
    ((3, 4), (6, 7)),
    ((9, 10), (12, 13)),
    ((10, 11), (13, 14)),
)
_PLACES: Final = np.linspace(0.2, 0.8, 9)[:, None]  # along a part
_ROUNDS: Final = 8
_DISTINCT: Final = 12.0  # difference in CIE Lab that everybody sees
_APART: Final = 3.0  # spreads of a group
_PARTS_APART: Final = 3
_SMALLEST: Final = 0.05  # share of the pictures that makes a group


def part_colors(picture: Image, pose: Pose) -> Array:
    """(6, 3) CIE Lab: the usual color of each part of a figure; NaN where it is not seen.

    Args:
        picture: (H, W, 4) RGBA, clear around the figure.
        pose: of the figure, in pixels of the picture.
    """
    colors = np.full((len(_PARTS), 3), np.nan)
    size = np.array([picture.shape[1], picture.shape[0]])
    for row, segments in enumerate(_PARTS):
        ends = pose.points[np.array(segments)]  # (n, 2, 3)
        ends = ends[(ends[..., 2] > 0).all(axis=1), :, :2]
        places = (ends[:, :1] * (1 - _PLACES) + ends[:, 1:] * _PLACES).reshape(-1, 2).astype(int)
        x, y = places[((places >= 0) & (places < size)).all(axis=1)].T
        pixels = picture[y, x]
        pixels = pixels[pixels[:, 3] > 127, :3]
        if len(pixels):
            usual = (np.median(pixels, axis=0) / 255).astype(np.float32)
            colors[row] = cv2.cvtColor(usual[None, None], cv2.COLOR_RGB2Lab)[0, 0]
    return colors


def second_figure(colors: Array) -> BoolArray:
    """Which of n pictures show the rarer of two figures, by their colors (n, 6, 3); none if there is one."""
    none = np.zeros(len(colors), np.bool_)
    seen = np.isfinite(colors).all(axis=2)
    parts = seen.mean(axis=0) > 0.5
    if len(colors) < 2 or parts.sum() < _PARTS_APART:
        return none
    known = colors[:, parts]
    known = np.where(np.isfinite(known), known, np.nanmedian(known, axis=0))
    group = _split(known.reshape(len(known), -1))
    rare = group if group.mean() <= 0.5 else ~group
    if rare.mean() < _SMALLEST or rare.all() or not rare.any():
        return none
    middles = [known[each].mean(axis=0) for each in (rare, ~rare)]
    spread = np.sqrt(
        np.mean(np.square(known - np.where(rare[:, None, None], *middles)).sum(axis=2), axis=0)
    )  # of each part
    apart = np.linalg.norm(middles[0] - middles[1], axis=1) > np.maximum(_DISTINCT, _APART * spread)
    return rare if apart.sum() >= _PARTS_APART else none


def _split(rows: Array) -> BoolArray:
    """Two groups (Lloyd's k-means), begun along the direction in which rows (n, k) vary most."""
    centred = rows - rows.mean(axis=0)
    group: BoolArray = centred @ np.linalg.svd(centred, full_matrices=False)[2][0] > 0
    for _ in range(_ROUNDS):
        if group.all() or not group.any():
            break
        near, far = (np.linalg.norm(rows - rows[each].mean(axis=0), axis=1) for each in (group, ~group))
        group = near < far
    return group
