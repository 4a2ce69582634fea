"""A closed surface from a silhouette: triangulated, then inflated in front and behind."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter
from scipy.spatial import Delaunay, cKDTree

from dance_now.core.arrays import BoolArray
from dance_now.picture_rig.body_inflation import inflated
from dance_now.picture_rig.body_regions import BodyRegions

Points = npt.NDArray[np.float64]
Triangles = npt.NDArray[np.int64]

_SPACING: Final = 1 / 110  # of the figure's larger side, between vertices
_RIMS: Final = (0.12, 0.45)  # of the spacing: rows of vertices near the outline, where the surface is steep
_NOSE: Final = (0.43, 0.16, 0.09)  # below the eyes, radius, height: of the eyes' distance


@dataclass(frozen=True, eq=False)
class BodySurface:
    """Closed surface over a silhouette: front vertices first, then those behind.

    Attributes:
        places: (V, 2) x, y (down) in the figure's pixels.
        heights: (V,) towards the viewer, pixels.
        triangles: (T, 3) counter-clockwise from outside.
        behind: (V,) whether a vertex is of the back.
        rim: (V,) whether it lies on the outline; its twin behind has the same place.
    """

    places: Points
    heights: Points
    triangles: Triangles
    behind: BoolArray
    rim: BoolArray


def body_surface(mask: BoolArray, regions: BodyRegions) -> BodySurface:
    """Inflates a figure.

    Args:
        mask: (H, W) its silhouette.
        regions: of the same.
    """
    cut = cut_mask(mask, regions)
    places, rim, triangles = triangulated(cut, _SPACING * max(mask.shape))
    inflation = inflated(regions)
    near = 2.5 / regions.scale
    open_ = cut | _enlarged(inflation.open & ~regions.mask, mask.shape)
    depth = cv2.distanceTransform(open_.astype(np.uint8), cv2.DIST_L2, 5)
    # The coarse height ends where its own raster does; near the outline it follows the fine one.
    inside = np.clip(_at(depth.astype(np.float64), places) - 0.5, 0, None)
    share = np.clip(inside / near, 0, 1)
    ease = np.sqrt(share * (2 - share))

    def pixels(field: Points) -> Points:
        return regions.sample(field, places) / regions.scale

    middle = pixels(inflation.middle)
    front, back = (
        np.where(rim, 0, np.maximum(pixels(f) * ease, 0.2)) for f in (inflation.front, inflation.back)
    )
    count = len(places)
    return BodySurface(
        np.concatenate([places, places]),
        np.concatenate([middle + front, middle - back]),
        np.concatenate([triangles, triangles[:, ::-1] + count]),
        np.repeat([False, True], count),
        np.tile(rim, 2),
    )


def _enlarged(below: BoolArray, shape: tuple[int, ...]) -> BoolArray:
    """What goes on below the silhouette, on its own raster (H, W), with the seam between both closed."""
    large = cv2.resize(below.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST)
    seam = max(3, shape[0] // len(below) * 2 + 1)
    kernel = np.ones((2 * seam + 1, 1), np.uint8)
    return np.asarray(cv2.dilate(large, kernel) > 0)


def with_nose(surface: BodySurface, right_eye: Points, left_eye: Points) -> BodySurface:
    """A surface with a small nose below the eyes (2,): drawn faces are flat, heads turn by their noses."""
    apart = float(np.linalg.norm(left_eye - right_eye))
    below, radius, high = (share * apart for share in _NOSE)
    tip = (left_eye + right_eye) / 2 + [0, below]
    square = np.square(surface.places - tip).sum(axis=1) / radius**2
    bump = np.where(surface.behind, 0, high * np.exp(-square))
    return replace(surface, heights=surface.heights + bump)


def narrowed(surface: BodySurface, mask: BoolArray, width: float) -> BodySurface:
    """A surface drawn in from its outline by ``width`` pixels, where a line will be drawn around it.

    What is thin is drawn in by a third of its half width at most.
    """
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5).astype(np.float64)
    smooth = gaussian_filter(depth, max(1.0, width / 2))
    down, across = (_at(field, surface.places) for field in np.gradient(smooth))
    size = np.maximum(np.hypot(across, down), 1e-6)
    reach = 2 * int(np.ceil(3 * width)) + 1
    dilated = cv2.dilate(depth, np.ones((reach, reach), np.uint8)).astype(np.float64)
    thick = _at(dilated, surface.places)
    step = np.minimum(width, thick / 3) * np.clip(1 - _at(depth, surface.places) / (4 * width), 0, 1)
    inward = np.stack([across, down], axis=1) / size[:, None]
    return replace(surface, places=surface.places + step[:, None] * inward)


def cut_mask(mask: BoolArray, regions: BodyRegions) -> BoolArray:
    """The silhouette (H, W) with thin slits where the regions' raster is cut."""
    width, height = mask.shape[1], mask.shape[0]
    small = regions.mask
    whole = cv2.resize(mask.astype(np.float32), small.shape[::-1], interpolation=cv2.INTER_AREA) > 0.5
    slit = (whole & ~small).astype(np.float32)
    if not slit.any():
        return mask
    soft = cv2.resize(cv2.GaussianBlur(slit, (0, 0), 0.7), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(mask & (soft < 0.22))


def _at(field: Points, points: Points) -> Points:
    x, y = np.clip(points, 0, np.array(field.shape[::-1]) - 1).astype(int).T
    return np.asarray(field[y, x])


def triangulated(mask: BoolArray, spacing: float) -> tuple[Points, BoolArray, Triangles]:
    """(n, 2) vertices, (n,) whether on the outline, and triangles (t, 3) of a mask."""
    contours, _ = cv2.findContours(_doubled(mask), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outlines = [_smoothed(contour[:, 0].astype(np.float64) / 2 + 0.25, spacing) for contour in contours]
    outlines = [outline for outline in outlines if len(outline) >= 3]
    edge = np.concatenate(outlines)
    inward = np.concatenate([_inward(outline, mask) for outline in outlines])
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5).astype(np.float64)
    layers = [edge]
    for share in _RIMS:
        row = edge + inward * share * spacing
        layers.append(row[_at(depth, row) > 0.7 * share * spacing])
    step_y = spacing * np.sqrt(3) / 2
    rows = np.arange(0, mask.shape[0], step_y)
    grid = np.concatenate(
        [
            np.stack(
                [
                    np.arange((number % 2) * spacing / 2, mask.shape[1], spacing),
                    np.full_like(np.arange((number % 2) * spacing / 2, mask.shape[1], spacing), row),
                ],
                axis=1,
            )
            for number, row in enumerate(rows)
        ]
    )
    layers.append(grid[_at(depth, grid) > 0.85 * spacing])
    places = np.concatenate(layers)
    tree = cKDTree(places)
    drop = {second for _, second in tree.query_pairs(0.08 * spacing)}
    keep = np.array([number not in drop for number in range(len(places))])
    rim = (np.arange(len(places)) < len(edge))[keep]
    places = places[keep]
    triangles = Delaunay(places).simplices.astype(np.int64)
    corners = places[triangles]
    inside = np.ones(len(triangles), bool)
    for weights in ((1, 1, 1), (4, 1, 1), (1, 4, 1), (1, 1, 4)):
        middle = np.einsum("k,tkc->tc", np.array(weights) / sum(weights), corners)
        inside &= _at(mask.astype(np.float64), middle) > 0.5
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    inside &= np.abs(area) > 1e-4 * spacing**2
    triangles = np.where((area > 0)[:, None], triangles[:, ::-1], triangles)[inside]
    return _without_strays(places, rim, triangles)


def _without_strays(
    places: Points, rim: BoolArray, triangles: Triangles
) -> tuple[Points, BoolArray, Triangles]:
    """Drops vertices without triangles; every edge of one triangle alone makes its ends rim."""
    edges = np.sort(
        np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1
    )
    unique, counts = np.unique(edges, axis=0, return_counts=True)
    border = np.zeros(len(places), bool)
    border[unique[counts == 1]] = True
    used = np.unique(triangles)
    new = np.full(len(places), -1, np.int64)
    new[used] = np.arange(len(used))
    return places[used], (border | rim & border)[used], new[triangles]


def _doubled(mask: BoolArray) -> npt.NDArray[np.uint8]:
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.8)
    size = (mask.shape[1] * 2, mask.shape[0] * 2)
    return (cv2.resize(soft, size, interpolation=cv2.INTER_LINEAR) > 0.5).astype(np.uint8)


def _smoothed(outline: Points, spacing: float) -> Points:
    """A closed outline at even steps, its pixel stairs rounded off."""
    if len(outline) < 8:
        return np.zeros((0, 2))
    closed = gaussian_filter(outline, (1.5, 0), mode="wrap")
    around = np.concatenate([closed, closed[:1]])
    steps = np.r_[0, np.cumsum(np.linalg.norm(np.diff(around, axis=0), axis=1))]
    count = max(6, round(steps[-1] / (0.75 * spacing)))
    where = np.linspace(0, steps[-1], count, endpoint=False)
    return np.stack([np.interp(where, steps, around[:, axis]) for axis in range(2)], axis=1)


def _inward(outline: Points, mask: BoolArray) -> Points:
    """(n, 2) unit normals of an outline that point into the mask."""
    along = np.roll(outline, -1, axis=0) - np.roll(outline, 1, axis=0)
    normal = np.stack([-along[:, 1], along[:, 0]], axis=1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9)
    inner = _at(mask.astype(np.float64), outline + 2 * normal).mean()
    outer = _at(mask.astype(np.float64), outline - 2 * normal).mean()
    return normal if inner >= outer else -normal
