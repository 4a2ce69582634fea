"""Detection of a second subject among training images: a network trained on two would render a mixture.

Two subjects differ in the colors of most body parts, and their images form two separate clusters. One subject
seen from the front and from behind differs in a few parts.
"""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray, Image
from dance_now.pose.model.pose import Pose

Array = npt.NDArray[np.float64]

# Keypoints that bound each part; both sides of the body together.
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
_DISTINCT: Final = 12.0  # clearly visible difference in CIE Lab
_APART: Final = 3.0  # standard deviations of a cluster
_PARTS_APART: Final = 3
_SMALLEST: Final = 0.05  # smallest cluster, share of the images


def part_colors(picture: Image, pose: Pose) -> Array:
    """Median color (6, 3) of each body part in CIE Lab; NaN where it is not visible.

    Args:
        picture: (H, W, 4) RGBA, transparent around the figure.
        pose: of the figure, in pixels of the image.
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


def find_second_subject(colors: Array) -> BoolArray:
    """Finds images of the rarer of two subjects by part colors (n, 6, 3): mask (n,), False for only one."""
    none = np.zeros(len(colors), np.bool_)
    seen = np.isfinite(colors).all(axis=2)
    parts = seen.mean(axis=0) > 0.5
    if len(colors) < 2 or parts.sum() < _PARTS_APART:
        return none
    known = colors[:, parts]
    known = np.where(np.isfinite(known), known, np.nanmedian(known, axis=0))
    group = _two_means(known.reshape(len(known), -1))
    rare = group if group.mean() <= 0.5 else ~group
    if rare.mean() < _SMALLEST or rare.all() or not rare.any():
        return none
    middles = [known[each].mean(axis=0) for each in (rare, ~rare)]
    spread = np.sqrt(
        np.mean(np.square(known - np.where(rare[:, None, None], *middles)).sum(axis=2), axis=0)
    )  # of each part
    apart = np.linalg.norm(middles[0] - middles[1], axis=1) > np.maximum(_DISTINCT, _APART * spread)
    return rare if apart.sum() >= _PARTS_APART else none


def _two_means(rows: Array) -> BoolArray:
    """Two clusters (Lloyd's k-means), initialised along the first principal axis of rows (n, k)."""
    centred = rows - rows.mean(axis=0)
    group: BoolArray = centred @ np.linalg.svd(centred, full_matrices=False)[2][0] > 0
    for _ in range(_ROUNDS):
        if group.all() or not group.any():
            break
        near, far = (np.linalg.norm(rows - rows[each].mean(axis=0), axis=1) for each in (group, ~group))
        group = near < far
    return group
