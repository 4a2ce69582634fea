"""Finds the 70 face points of OpenPose / iBUG on an avatar's face, from its shape and its expressions.

Nothing is read from names where shape can tell: an eye is the loop that a blink closes, the mouth is what
opens when the avatar says "ah", a brow is the highest strip above an eye, the jaw is where the skin turns
away. Source of the order: ``dance_now.pose.keypoints``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt
from scipy.spatial import ConvexHull, QhullError

from dance_now.studio.face_mesh import FaceMesh
from dance_now.studio.face_regions import (
    Anchor,
    FrontView,
    Indices,
    Points,
    anchored,
    blend,
    boundary_loops,
    contour_at,
    mix,
    weld,
)

Mask: TypeAlias = npt.NDArray[np.bool_]

VOWELS = ("aa", "oh", "ee", "ih", "ou")
_EYE_COLUMNS = (0.3, 0.7)
_BROW_COLUMNS = (0.04, 0.27, 0.5, 0.73, 0.96)


@dataclass(frozen=True, eq=False)
class _Eye:
    """One eye: its ring (6 anchors in the order of iBUG), and its box (x0, x1, y0, y1)."""

    ring: list[Anchor]
    centre: Points
    box: tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class _Face:
    """What the finders share: mesh, loops, both eyes, their middle and distance, the skin at rest."""

    mesh: FaceMesh
    loops: list[Indices]
    right: _Eye
    left: _Eye
    middle: Points
    scale: float
    view: FrontView

    def snap(self, x: float, y: float) -> Anchor:
        return self.view.nearest_anchor(x, y)


def locate_landmarks(mesh: FaceMesh) -> list[Anchor] | None:
    """The 70 points as anchors on the mesh; None where no two eyes are found that blink."""
    loops = _part_loops(mesh)
    right, left = _find_eye(mesh, loops, -1), _find_eye(mesh, loops, 1)
    if right is None or left is None:
        return None
    middle = (right.centre + left.centre) / 2
    scale = float(np.linalg.norm(left.centre - right.centre))
    view = FrontView.of(
        mesh.points,
        mesh.part_triangles(mesh.skin),
        (0.0, float(middle[1]) - 0.5 * scale),
        (3.6 * scale, 4.4 * scale),
        scale / 64,
    )
    if (view.index < 0).all():
        return None
    face = _Face(mesh, loops, right, left, middle, scale, view)
    mouth = _find_mouth(face)
    centre = anchored(blend([mouth[0], mouth[6]]), mesh.points)
    return [
        *_find_jaw(face, centre),
        *_find_brow(face, right, -1),
        *_find_brow(face, left, 1),
        *_find_nose(face, centre),
        *right.ring,
        *left.ring,
        *mouth,
        _find_pupil(face, right, -1),
        _find_pupil(face, left, 1),
    ]


def _part_loops(mesh: FaceMesh) -> list[Indices]:
    """Boundary loops of every part, welded where vertices stay together in every expression."""
    shapes = [mesh.points, *(mesh.points + moved for moved in mesh.displacements.values())]
    welded = weld(np.concatenate([*shapes, mesh.parts[:, None] * 1.0], axis=1))
    return [
        loop
        for part in np.unique(mesh.parts)
        for loop in boundary_loops(welded[mesh.part_triangles(int(part))])
    ]


def _blink(mesh: FaceMesh) -> Points:
    names = ("blink",) if "blink" in mesh.displacements else ("blinkLeft", "blinkRight")
    return mesh.displacement(*names)


def _find_eye(mesh: FaceMesh, loops: list[Indices], side: int) -> _Eye | None:
    """The loop on one side (-1 right, +1 left) whose height a blink reduces most."""
    blink = _blink(mesh)
    moved = np.linalg.norm(blink, axis=1)
    if moved.max(initial=0) < 1e-4:
        return None
    candidates = [loop for loop in loops if (mesh.points[loop, 0] * side > 0).all()]
    closing = [_closing(mesh.points, blink, loop) for loop in candidates]
    if closing and max(closing) > 0:
        loop = candidates[int(np.argmax(closing))]
    else:
        outline = _moved_outline(mesh, moved, side)
        if outline is None:
            return None
        loop = outline
    ring = _eye_ring(loop, mesh.points)
    low, high = mesh.points[loop].min(axis=0), mesh.points[loop].max(axis=0)
    centre = anchored(blend(ring), mesh.points)
    return _Eye(ring, centre, (float(low[0]), float(high[0]), float(low[1]), float(high[1])))


def _closing(points: Points, blink: Points, loop: Indices) -> float:
    """By how many metres a blink lowers a loop; 0 where it does not close it by half."""
    low, high = points[loop, 0].min(), points[loop, 0].max()
    open_gap, shut_gap = 0.0, 0.0
    columns = np.linspace(0.2, 0.8, 5)
    for column in columns:
        pair = contour_at(loop, points, low + column * (high - low))
        if pair is None:
            return 0.0
        rest = anchored(pair[0], points) - anchored(pair[1], points)
        shut = rest + anchored(pair[0], blink) - anchored(pair[1], blink)
        open_gap += float(rest[1]) / len(columns)
        shut_gap += abs(float(shut[1])) / len(columns)
    return open_gap - shut_gap if shut_gap < 0.5 * open_gap else 0.0


def _moved_outline(mesh: FaceMesh, moved: Points, side: int) -> Indices | None:
    """Outline of what a blink moves on one side, for faces whose eyes are neither holes nor islands."""
    rows = np.flatnonzero((moved > 0.25 * moved.max()) & (mesh.points[:, 0] * side > 0))
    if len(rows) < 6:
        return None
    try:
        return np.asarray(rows[ConvexHull(mesh.points[rows, :2]).vertices], np.int64)
    except QhullError:
        return None


def _eye_ring(loop: Indices, points: Points) -> list[Anchor]:
    """Six points from the smallest x over the upper lid to the largest, and back over the lower lid."""
    first, last = int(loop[np.argmin(points[loop, 0])]), int(loop[np.argmax(points[loop, 0])])
    low, high = points[first, 0], points[last, 0]
    pairs = [contour_at(loop, points, low + column * (high - low)) for column in _EYE_COLUMNS]
    (top_a, bottom_a), (top_b, bottom_b) = [pair or ({first: 1.0}, {last: 1.0}) for pair in pairs]
    return [{first: 1.0}, top_a, top_b, {last: 1.0}, bottom_b, bottom_a]


def _find_pupil(face: _Face, eye: _Eye, side: int) -> Anchor:
    """The middle of the iris: on the eye's bone where there is one, else the island within the eye."""
    points = face.mesh.points
    x0, x1, y0, y1 = eye.box
    on_bone = np.flatnonzero(face.mesh.eyeballs == side)
    if len(on_bone) > 0:
        middle = (points[on_bone].min(axis=0) + points[on_bone].max(axis=0)) / 2
        corners = face.mesh.triangles
        ball = corners[(face.mesh.eyeballs[corners] == side).all(axis=1)]
        size = (face.scale, face.scale)
        view = FrontView.of(points, ball, (middle[0], middle[1]), size, face.scale / 64)
        if (view.index >= 0).any():
            return view.nearest_anchor(middle[0], middle[1])
    inside = []
    for loop in face.loops:
        low, high = points[loop].min(axis=0), points[loop].max(axis=0)
        nested = low[0] > x0 and high[0] < x1 and low[1] > y0 and high[1] < y1
        if nested and 0.25 * (y1 - y0) < high[1] - low[1]:
            inside.append((high[1] - low[1], loop))
    if inside:
        loop = max(inside, key=lambda item: float(item[0]))[1]
        ends = [loop[pick(points[loop, axis])] for axis in (0, 1) for pick in (np.argmin, np.argmax)]
        return blend([{int(end): 1.0} for end in ends])
    return blend(eye.ring)


def _find_mouth(face: _Face) -> list[Anchor]:
    """Points 48-67: the edge of what opens when the avatar speaks, or an ellipse where nothing does."""
    openings = [_mouth_opening(face, vowel) for vowel in VOWELS if vowel in face.mesh.displacements]
    found = [opening for opening in openings if opening is not None]
    if not found:
        return _painted_mouth(face)
    view, opening = max(found, key=lambda item: int(item[1].sum()))
    # A mouth is a slit, whose edge is outside the opening, or a patch laid on the skin that grows.
    rings = [_opening_edge(view, opening, step) for step in (1, -1)]
    inner = min(rings, key=lambda ring: _rest_gap(face.mesh.points, ring))
    return _lips(face, inner) + inner


def _mouth_opening(face: _Face, vowel: str) -> tuple[FrontView, Mask] | None:
    """The face while it says a vowel, and the pixels that show what is hidden at rest."""
    mesh, scale = face.mesh, face.scale
    triangles = mesh.part_triangles(mesh.skin)
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
    """Eight anchors (iBUG 60-67) ``step`` pixels outside the edge of the opening; negative is inside."""
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


def _rest_gap(points: Points, ring: list[Anchor]) -> float:
    """How far upper and lower lip are apart at rest, metres."""
    gaps = [anchored(ring[1 + k], points)[1] - anchored(ring[7 - k], points)[1] for k in range(3)]
    return float(np.abs(gaps).mean())


def _lips(face: _Face, inner: list[Anchor]) -> list[Anchor]:
    """The outer contour (48-59): the inner one, moved outward by a lip's thickness along the skin.

    Anime lips are lines or nothing at all, so the thickness is a share of the distance of the eyes.
    """
    points, thickness = face.mesh.points, 0.06 * face.scale
    ring = np.stack([anchored(anchor, points) for anchor in inner])
    shares = (0.14, 0.32, 0.5, 0.68, 0.86)
    spots = [_along(inner[0:5], share) for share in (0.0, *shares, 1.0)]
    spots += [_along([*inner[4:8], inner[0]], share) for share in shares]
    sides = [(-1.0, 0.0), *[(0.0, 1.0)] * 5, (1.0, 0.0), *[(0.0, -1.0)] * 5]
    middle = ring.mean(axis=0)
    outer = []
    for spot, (across, up) in zip(spots, sides, strict=True):
        x, y = anchored(spot, points)[:2]
        reach = thickness * (
            1.0 if across else 1.0 - 0.4 * abs(x - middle[0]) / max(1e-6, np.ptp(ring[:, 0]) / 2)
        )
        outer.append(_shifted(spot, face.snap(x, y), face.snap(x + across * reach, y + up * reach)))
    return outer


def _along(line: list[Anchor], share: float) -> Anchor:
    """The anchor at a share of a line of equally spaced anchors."""
    place = share * (len(line) - 1)
    before = min(int(place), len(line) - 2)
    return mix([(line[before], 1 - (place - before)), (line[before + 1], place - before)])


def _shifted(anchor: Anchor, start: Anchor, end: Anchor) -> Anchor:
    """An anchor moved by the way from ``start`` to ``end``, wherever these go."""
    return mix([(anchor, 1.0), (end, 1.0), (start, -1.0)])


def _painted_mouth(face: _Face) -> list[Anchor]:
    """A flat ellipse below the eyes."""
    x, y, scale = 0.0, float(face.middle[1]) - 0.95 * face.scale, face.scale
    angles = [np.pi - k * np.pi / 6 for k in range(12)]
    outer = [face.snap(x + 0.28 * scale * np.cos(a), y + 0.06 * scale * np.sin(a)) for a in angles]
    angles = [np.pi - k * np.pi / 4 for k in range(8)]
    return outer + [face.snap(x + 0.22 * scale * np.cos(a), y + 0.01 * scale * np.sin(a)) for a in angles]


def _find_nose(face: _Face, mouth: Points) -> list[Anchor]:
    """Points 27-35: the bridge, the tip (what stands out most from eyes to mouth), the base."""
    eyes, view, scale = face.middle, face.view, face.scale
    heights = np.linspace(eyes[1] - 0.15 * (eyes[1] - mouth[1]), mouth[1] + 0.25 * (eyes[1] - mouth[1]), 64)
    depths = np.array([view.depth[view.cell(0.0, y)] for y in heights])
    along = (eyes[1] - heights) / max(1e-6, eyes[1] - mouth[1])
    line = eyes[2] + along * (mouth[2] - eyes[2])
    tip_y = float(heights[int(np.argmax(np.where(np.isfinite(depths), depths - line, -np.inf)))])
    bridge = [face.snap(0.0, eyes[1] + (tip_y - eyes[1]) * k / 3) for k in range(4)]
    base_y = tip_y - min(0.1 * scale, 0.35 * (tip_y - mouth[1]))
    return bridge + [face.snap(k * 0.07 * scale, base_y) for k in range(-2, 3)]


def _find_brow(face: _Face, eye: _Eye, side: int) -> list[Anchor]:
    """Five points along a brow from the smallest x: the highest strip above the eye, or a template."""
    points = face.mesh.points
    x0, x1, _, y1 = eye.box
    width = x1 - x0
    best: tuple[float, Indices] | None = None
    for loop in face.loops:
        low, high = points[loop].min(axis=0), points[loop].max(axis=0)
        overlap = min(x1, high[0]) - max(x0, low[0])
        height = (low[1] + high[1]) / 2 - y1
        strip = 0.4 * width < high[0] - low[0] < 2.2 * width and high[1] - low[1] < high[0] - low[0]
        above = 0 < height < 0.9 * face.scale and overlap > 0.5 * min(width, high[0] - low[0])
        if strip and above and low[0] * high[0] > 0 and (best is None or height > best[0]):
            best = (float(height), loop)
    if best is None:
        arch = [(share - 0.5, 0.05 * np.sin(np.pi * share)) for share in np.linspace(0, 1, 5)]
        return [
            face.snap((x0 + x1) / 2 + 1.1 * width * across, y1 + (0.15 + up) * face.scale)
            for across, up in arch
        ]
    loop = best[1]
    low_x, high_x = points[loop, 0].min(), points[loop, 0].max()
    pairs = [contour_at(loop, points, low_x + share * (high_x - low_x)) for share in _BROW_COLUMNS]
    return [blend(pair) for pair in pairs if pair is not None]


def _find_jaw(face: _Face, mouth: Points) -> list[Anchor]:
    """17 points along the outline of the skin, from the right ear under the chin to the left ear."""
    eyes, view = face.middle, face.view
    centre = np.array([0.0, (eyes[1] + mouth[1]) / 2])
    angles = np.radians(np.linspace(-125, 125, 126))
    directions = np.stack([np.sin(angles), -np.cos(angles)], axis=1)
    reach = np.array(
        [_reach(view, centre, direction, _beyond_eyes(face, centre, direction)) for direction in directions]
    )
    padded = np.pad(reach, 3, mode="edge")
    reach = np.median(np.lib.stride_tricks.sliding_window_view(padded, 7), axis=1)
    outline = centre + directions * reach[:, None]
    outline = outline[outline[:, 1] <= eyes[1]]
    lengths = np.r_[0, np.cumsum(np.linalg.norm(np.diff(outline, axis=0), axis=1))]
    places = np.linspace(0, lengths[-1], 17)
    return [
        face.snap(float(np.interp(s, lengths, outline[:, 0])), float(np.interp(s, lengths, outline[:, 1])))
        for s in places
    ]


def _beyond_eyes(face: _Face, start: Points, direction: Points) -> float:
    """Distance from which a ray has passed the eyes and their lashes."""
    distances = np.linspace(0, 2.5 * face.scale, 100)
    places = start + distances[:, None] * direction
    passed = 0.15 * face.scale
    for eye in (face.right, face.left):
        x0, x1, y0, y1 = eye.box
        wide, high = 0.7 * (x1 - x0), 0.3 * (y1 - y0)
        inside = (np.abs(places[:, 0] - (x0 + x1) / 2) < (x1 - x0) / 2 + wide) & (
            np.abs(places[:, 1] - (y0 + y1) / 2) < (y1 - y0) / 2 + high
        )
        passed = max(passed, float(distances[inside].max(initial=0)))
    return passed


def _reach(view: FrontView, centre: Points, direction: Points, start: float) -> float:
    """How far the skin goes on in a direction before it ends, or falls away steeply."""
    step, span, steepest = view.pixel, 3, 4.0
    reached = start
    while reached < 3 * view.depth.shape[0] * step:
        here = view.depth[view.cell(*(centre + direction * reached))]
        ahead = view.depth[view.cell(*(centre + direction * (reached + span * step)))]
        if not np.isfinite(ahead) or here - ahead > steepest * span * step:
            break
        reached += step
    return reached
