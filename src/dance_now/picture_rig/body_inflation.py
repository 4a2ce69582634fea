"""Heights of an inflated figure over its picture's plane.

The height h solves a Poisson problem for its square (Igarashi et al., "Teddy: A Sketching Interface for 3D
Freeform Design", 1999, inflate by distance; the squared Poisson height is that of Baran and Lehtinen, "Notes
on Inflating Curves", 2009): limbs come out round, and a source that differs by region makes trunks flatter
than they are wide.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import spsolve

from dance_now.core.arrays import BoolArray
from dance_now.picture_rig.body_regions import BodyRegions, extended

Points = npt.NDArray[np.float64]

# Depth over width: of a strip for limbs and trunk, of a disc for the head.
_DEPTHS: Final = {"limb": 0.95, "trunk": 0.72, "head": 0.8, "foot": 0.8}
_HEAD_BOX: Final = (0.75, 0.85)  # exponents that turn a ball into a rounded box, face and back
_HEAD_DEPTHS: Final = (0.78, 1.0)  # of the skull's radius, face and back, where hair is
_SKULL: Final = (1.05, 1.3)  # of its radius: what lies farther off is hair or ears, not a box
_HAIR_BACK: Final = 0.35  # of the skull's radius
_HAND_DEPTH: Final = 0.18  # of a hand's length: half its depth
_SOLE: Final = 0.03  # of the figure: how far soles are thought to go on below


@dataclass(frozen=True, eq=False)
class Inflation:
    """Heights on the regions' raster, in its pixels.

    Attributes:
        front: (h, w) from the middle towards the viewer.
        back: (h, w) from the middle away from the viewer.
        middle: (h, w) where front and back meet at the outline.
        open: (h, w) the silhouette, and what is thought to go on below flat soles.
    """

    front: Points
    back: Points
    middle: Points
    open: BoolArray


def inflated(regions: BodyRegions) -> Inflation:
    """Inflates a figure's regions."""
    mask = _with_flat_soles(regions)
    kinds = np.array([_kind(name) for name in regions.names])
    # Of a strip of half width a with source c the height is sqrt(c / 2) a, of a disc sqrt(c / 4) a.
    strength = np.array([(4 if kind == "head" else 2) * _DEPTHS[kind] ** 2 for kind in kinds])
    source = np.einsum("b,bhw->hw", strength, regions.weights())
    height = _widened_hands(np.sqrt(_poisson(mask, source)), regions)
    away, radius = _from_skull(regions)
    front, back = (
        _boxed_head(height, regions, exponent, depth * radius, away)
        for exponent, depth in zip(_HEAD_BOX, _HEAD_DEPTHS, strict=True)
    )
    share = regions.weights_of("head") * regions.mask
    behind = share * radius * _HAIR_BACK * np.clip((away - 1.0) / 0.4, 0, 1)
    front, back, middle = (extended(field, regions.mask) for field in (front, back, -behind))
    return Inflation(front, back, middle, mask)


def _with_flat_soles(regions: BodyRegions) -> BoolArray:
    """The silhouette drawn out below the feet, so that they do not taper to the floor."""
    mask = regions.mask.copy()
    height = len(mask)
    feet = [number for number, name in enumerate(regions.names) if name.endswith("Foot")]
    lowest = height - 1 - np.argmax(mask[::-1], axis=0)
    columns = np.flatnonzero(mask.any(axis=0))
    columns = columns[np.isin(regions.nearest()[lowest[columns], columns], feet)]
    for column in columns:
        row = int(lowest[column])
        mask[row : row + 1 + round(_SOLE * height), column] = True
    return mask


def _poisson(mask: BoolArray, source: Points) -> Points:
    """(h, w) the solution of -laplace u = source, 0 outside a mask."""
    number = np.full(mask.shape, -1, np.int64)
    number[mask] = np.arange(mask.sum())
    count = int(mask.sum())
    rows, columns = [np.arange(count)], [np.arange(count)]
    values = [np.full(count, 4.0)]
    padded = np.pad(number, 1, constant_values=-1)
    for down, right in ((0, 1), (1, 0), (2, 1), (1, 2)):
        neighbour = padded[down : down + mask.shape[0], right : right + mask.shape[1]][mask]
        there = neighbour >= 0
        rows.append(np.flatnonzero(there))
        columns.append(neighbour[there])
        values.append(np.full(int(there.sum()), -1.0))
    matrix = csc_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))))
    solution = np.zeros(mask.shape)
    solution[mask] = np.maximum(spsolve(matrix, source[mask]), 0)
    return solution


def _from_skull(regions: BodyRegions) -> tuple[Points, float]:
    """(h, w) distance from the skull's middle, in its radii; and that radius, pixels."""
    share = regions.weights_of("head") * regions.mask
    depth = cv2.distanceTransform(np.pad(regions.mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    inside = np.where(share > 0.5, depth, 0)
    y, x = np.unravel_index(int(np.argmax(inside)), inside.shape)
    radius = max(float(inside[y, x]), 1.0)
    rows, columns = np.indices(regions.mask.shape)
    return np.hypot(rows - y, columns - x) / radius, radius


def _widened_hands(height: Points, regions: BodyRegions) -> Points:
    """Heights with hands as deep as they are wide: seen from the front, palms that face down are thin."""
    result = height.copy()
    for name in ("leftHand", "rightHand"):
        share = regions.weights_of(name) * regions.mask
        rows, columns = np.nonzero(share > 0.5)
        if len(rows) < 4:
            continue
        length = float(np.hypot(np.ptp(rows), np.ptp(columns)))
        factor = max(1.0, _HAND_DEPTH * length / max(float(height[share > 0.5].max()), 1e-6))
        result *= 1 + share * (factor - 1)
    return result


def _boxed_head(height: Points, regions: BodyRegions, exponent: float, top: float, away: Points) -> Points:
    """Heights with the skull's ball turned into a rounded box of height ``top``: faces are flat."""
    share = regions.weights_of("head")
    inside = (share > 0.5) & regions.mask
    if not inside.any():
        return height
    boxed = top * np.clip(height / max(float(height[inside].max()), 1e-9), 0, 1) ** exponent
    share = share * np.clip((_SKULL[1] - away) / (_SKULL[1] - _SKULL[0]), 0, 1)
    mixed = height + share * (boxed - height)
    return np.where(regions.mask, gaussian_filter(mixed, 0.8), 0)


def _kind(name: str) -> str:
    if name.endswith("Foot"):
        return "foot"
    if name in ("hips", "spine", "chest"):
        return "trunk"
    return "head" if name == "head" else "limb"
