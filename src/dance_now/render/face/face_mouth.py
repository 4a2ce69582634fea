"""Mouth detection on a face mesh: the edge of the region that opens for a vowel."""

from __future__ import annotations

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.render.face.face_mesh import Face
from dance_now.render.face.face_regions import Anchor, FrontView, Points, anchor_position, mix_anchors

Mask: TypeAlias = npt.NDArray[np.bool_]

_CAVITY = 0.1  # interocular distances behind the skin
VOWELS = ("aa", "oh", "ee", "ih", "ou")


def find_mouth(face: Face) -> list[Anchor]:
    """Finds the mouth, points 48-67: the edge of what opens for vowels, or an ellipse where nothing does."""
    openings = [_mouth_opening(face, vowel) for vowel in VOWELS if vowel in face.mesh.displacements]
    found = [opening for opening in openings if opening is not None]
    if not found:
        return _painted_mouth(face)
    view, opening = max(found, key=lambda item: int(item[1].sum()))
    # A mouth is a slit, whose edge is outside the opening, or a patch laid on the skin that grows.
    rings = [_opening_edge(view, opening, step) for step in (1, -1)]
    on_skin = [ring for ring in rings if _depth_behind_skin(face, ring) < _CAVITY * face.scale] or rings
    inner = min(on_skin, key=lambda ring: _rest_gap(face.mesh.points, ring))
    return _lips(face, inner) + inner


def _mouth_opening(face: Face, vowel: str) -> tuple[FrontView, Mask] | None:
    """Front view of the face with a vowel, and the mask of pixels that are hidden at rest."""
    mesh, scale = face.mesh, face.scale
    triangles = face.skin
    bottom = min(face.right.box[2], face.left.box[2])
    centre, size = (0.0, bottom - 0.75 * scale), (1.6 * scale, 1.5 * scale)
    rest = FrontView.of(mesh.points, triangles, centre, size, scale / 120)
    open_ = FrontView.of(mesh.points + mesh.displacement(vowel), triangles, centre, size, scale / 120)
    before = np.bincount(rest.index[rest.index >= 0], minlength=len(triangles))
    after = np.bincount(open_.index[open_.index >= 0], minlength=len(triangles))
    new = before < 0.3 * after
    opened = np.where(open_.index >= 0, new[open_.index], rest.index >= 0)
    count, labels, statistics, centroids = cv2.connectedComponentsWithStats(opened.astype(np.uint8))
    middle = opened.shape[1] / 2
    areas = [
        statistics[k, cv2.CC_STAT_AREA] if abs(centroids[k, 0] - middle) < 0.15 * opened.shape[1] else 0
        for k in range(1, count)
    ]
    if not areas or max(areas) < 40:
        return None
    return open_, labels == int(np.argmax(areas)) + 1


def _opening_edge(view: FrontView, opening: Mask, step: int) -> list[Anchor]:
    """Inner lip contour (iBUG 60-67): anchors ``step`` px outside the opening's edge; negative is inside."""
    columns = np.flatnonzero(opening.any(axis=0))
    first, last = int(columns[0]), int(columns[-1])

    def corner(column: int, outward: int) -> Anchor:
        row = float(np.flatnonzero(opening[:, column]).mean())
        return view.nearest_anchor(*view.position(row, column + outward))

    def lip(share: float, upper: bool) -> Anchor:
        column = round(first + share * (last - first))
        rows = np.flatnonzero(opening[:, column])
        row = rows[0] - step if upper else rows[-1] + step
        return view.nearest_anchor(*view.position(float(row), column))

    top = [lip(share, True) for share in (0.25, 0.5, 0.75)]
    bottom = [lip(share, False) for share in (0.75, 0.5, 0.25)]
    return [corner(first, -step), *top, corner(last, step), *bottom]


def _depth_behind_skin(face: Face, ring: list[Anchor]) -> float:
    """Metres by which a ring lies behind the skin at rest: lips by nothing, a cavity's walls by much."""
    places = np.stack([anchor_position(anchor, face.mesh.points) for anchor in ring])
    fronts = np.array([face.view.depth[face.view.cell(x, y)] for x, y in places[:, :2]])
    return float(np.median(np.where(np.isfinite(fronts), fronts - places[:, 2], np.inf)))


def _rest_gap(points: Points, ring: list[Anchor]) -> float:
    """Gap between upper and lower lip at rest, metres."""
    gaps = [
        anchor_position(ring[1 + k], points)[1] - anchor_position(ring[7 - k], points)[1] for k in range(3)
    ]
    return float(np.abs(gaps).mean())


def _lips(face: Face, inner: list[Anchor]) -> list[Anchor]:
    """Outer lip contour (48-59): the inner one, offset outward along the skin by the lip's thickness.

    Anime lips are lines or missing, so the thickness is a fraction of the interocular distance.
    """
    points, thickness = face.mesh.points, 0.06 * face.scale
    ring = np.stack([anchor_position(anchor, points) for anchor in inner])
    shares = (0.14, 0.32, 0.5, 0.68, 0.86)
    spots = [_along(inner[0:5], share) for share in (0.0, *shares, 1.0)]
    spots += [_along([*inner[4:8], inner[0]], share) for share in shares]
    sides = [(-1.0, 0.0), *[(0.0, 1.0)] * 5, (1.0, 0.0), *[(0.0, -1.0)] * 5]
    middle = ring.mean(axis=0)
    outer = []
    for spot, (across, up) in zip(spots, sides, strict=True):
        x, y = anchor_position(spot, points)[:2]
        share = 1.0 if across else 1.0 - 0.4 * abs(x - middle[0]) / max(1e-6, np.ptp(ring[:, 0]) / 2)
        # The offset is measured a little further out, where upper and lower lip cannot be confused.
        near, far = (
            face.snap(x + across * share * thickness * step, y + up * share * thickness * step)
            for step in (0.4, 1.4)
        )
        outer.append(mix_anchors([(spot, 1.0), (far, 1.0), (near, -1.0)]))
    return outer


def _along(line: list[Anchor], share: float) -> Anchor:
    """Anchor at a fraction of a polyline of equally spaced anchors."""
    place = share * (len(line) - 1)
    before = min(int(place), len(line) - 2)
    return mix_anchors([(line[before], 1 - (place - before)), (line[before + 1], place - before)])


def _painted_mouth(face: Face) -> list[Anchor]:
    """Fallback mouth: a flat ellipse below the eyes."""
    x, y, scale = 0.0, float(face.middle[1]) - 0.95 * face.scale, face.scale
    angles = [np.pi - k * np.pi / 6 for k in range(12)]
    outer = [face.snap(x + 0.28 * scale * np.cos(a), y + 0.06 * scale * np.sin(a)) for a in angles]
    angles = [np.pi - k * np.pi / 4 for k in range(8)]
    return outer + [face.snap(x + 0.22 * scale * np.cos(a), y + 0.01 * scale * np.sin(a)) for a in angles]
