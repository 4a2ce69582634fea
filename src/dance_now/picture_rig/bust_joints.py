"""Joints of a figure whose picture ends within its body: a bust, or a figure down to its knees.

The silhouette is continued by a trunk and legs of usual size, so that the rules for whole figures hold; what
was continued is left out of the body.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray
from dance_now.core.errors import DanceNowError
from dance_now.picture_rig.figure_joints import SIDES, FigureJoints, placed
from dance_now.picture_rig.outline_joints import outline_joints
from dance_now.picture_rig.outline_paths import central_runs, middle_column, neck_row

Points = npt.NDArray[np.float64]

_HEAD: Final = 0.22  # of the height of a figure: its head
_LEAST_BELOW: Final = 1.35  # of the visible height: a figure is at least so tall
_TRUNK: Final = 0.4  # of the way from neck to floor: the hips
_HALF_WIDTH: Final = 0.1  # of the height: half a trunk at most
_SHOULDER: Final = (0.055, 0.11)  # of the height: below the neck, and from the middle at most
_HIP: Final = 0.05  # of the height, from the middle
_AT_EDGE: Final = 0.04  # of the height: a hand so near to the picture's edge is cut off


def bust_joints(mask: BoolArray) -> FigureJoints:
    """Joints of the upper body; those of legs, and of arms that do not stand off it, are absent.

    Args:
        mask: (H, W) the silhouette; it is cut off at its lowest row.

    Raises:
        DanceNowError: no neck was found.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    top, cut = int(rows[0]), int(rows[-1])
    middle = middle_column(mask)
    runs = central_runs(mask, middle)
    neck = neck_row(runs, top, top + round(1.5 * (cut - top)))
    height = max((neck - top) / _HEAD, _LEAST_BELOW * (cut - top))
    floor = top + height
    hips = max(neck + _TRUNK * (floor - neck), cut + 1.0)
    try:
        whole = outline_joints(_continued(mask, runs, middle, (cut, round(hips), round(floor))))
    except DanceNowError:
        return _armless(runs, middle, neck, (top, hips, height))
    arms = {f"{side}_arm" for side in SIDES if whole[f"{side}_hand"][1] > cut - _AT_EDGE * height}
    return _without(whole, frozenset({"legs", *arms}))


def _continued(
    mask: BoolArray, runs: dict[int, tuple[int, int]], middle: float, rows: tuple[int, int, int]
) -> BoolArray:
    """The silhouette with a trunk and two legs below the picture's end; rows: cut, hips, floor."""
    cut, hips, floor = rows
    left, right = runs.get(cut, (middle, middle))
    half = int(min(max(middle - left, right - middle, 2.0), _HALF_WIDTH * (floor - min(runs))))
    whole = np.zeros((floor + 1, mask.shape[1]), bool)
    whole[: cut + 1] = mask[: cut + 1]
    centre = int(middle)
    whole[cut : hips + max(1, half // 2), max(0, centre - half) : centre + half + 1] = True
    gap = max(1, half // 6)
    whole[hips:floor, max(0, centre - half) : centre - gap] = True
    whole[hips:floor, centre + gap + 1 : centre + half + 1] = True
    return whole


def _armless(
    runs: dict[int, tuple[int, int]], middle: float, neck: int, sizes: tuple[int, float, float]
) -> FigureJoints:
    """Joints of head and trunk; sizes: top row, row of the hips, height of the figure."""
    top, hips, height = sizes
    shoulder = neck + _SHOULDER[0] * height
    left, right = runs.get(round(shoulder), (middle, middle))
    out = float(np.clip(0.35 * (right - left), _HIP * height, _SHOULDER[1] * height))
    points: dict[str, Points] = {
        "neck": np.array([middle, shoulder]),
        "chin": np.array([middle, neck + 0.5]),
        "crown": np.array([middle, float(top)]),
    }
    for side, sign in zip(SIDES, (1, -1), strict=True):
        points[f"{side}_shoulder"] = np.array([middle + sign * out, shoulder])
        points[f"{side}_hip"] = np.array([middle + sign * _HIP * height, hips])
    absent = frozenset({"legs", "left_arm", "right_arm"})
    return FigureJoints(points | placed(points, absent), absent=absent)


def _without(whole: FigureJoints, absent: frozenset[str]) -> FigureJoints:
    """Joints of which some limbs are absent and hang down."""
    points = whole.points | placed(whole.points, absent)
    kept = frozenset(name for name in whole.unsure if "arm" in name)
    return replace(whole, points=points, unsure=kept, absent=absent)
