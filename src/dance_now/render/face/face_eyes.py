"""Detection of eyes, pupils and brows on a face mesh.

An eye is the boundary loop that a blink closes (the rim of a hole, or the outline of a painted patch); a brow
is the highest strip above it.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull, QhullError

from dance_now.render.face.face_mesh import Eye, Face, FaceMesh
from dance_now.render.face.face_regions import (
    Anchor,
    FrontView,
    Indices,
    Points,
    anchor_position,
    contour_at,
    mean_anchor,
)

_EYE_COLUMNS = (0.3, 0.7)
_BROW_COLUMNS = (0.04, 0.27, 0.5, 0.73, 0.96)


def find_eye(mesh: FaceMesh, loops: list[Indices], side: int) -> Eye | None:
    """Finds an eye: the boundary loop on one side (-1 right, +1 left) that a blink closes most."""
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
    centre = anchor_position(mean_anchor(ring), mesh.points)
    return Eye(ring, centre, (float(low[0]), float(high[0]), float(low[1]), float(high[1])))


def _blink(mesh: FaceMesh) -> Points:
    names = ("blink",) if "blink" in mesh.displacements else ("blinkLeft", "blinkRight")
    return mesh.displacement(*names)


def _closing(points: Points, blink: Points, loop: Indices) -> float:
    """Metres by which a blink lowers a loop; 0 unless it closes it by at least half."""
    low, high = points[loop, 0].min(), points[loop, 0].max()
    open_gap, shut_gap = 0.0, 0.0
    columns = np.linspace(0.2, 0.8, 5)
    for column in columns:
        pair = contour_at(loop, points, low + column * (high - low))
        if pair is None:
            return 0.0
        rest = anchor_position(pair[0], points) - anchor_position(pair[1], points)
        shut = rest + anchor_position(pair[0], blink) - anchor_position(pair[1], blink)
        open_gap += float(rest[1]) / len(columns)
        shut_gap += abs(float(shut[1])) / len(columns)
    return open_gap - shut_gap if shut_gap < 0.5 * open_gap else 0.0


def _moved_outline(mesh: FaceMesh, moved: Points, side: int) -> Indices | None:
    """Hull of the vertices a blink moves on one side, for eyes that are neither holes nor islands."""
    rows = np.flatnonzero((moved > 0.25 * moved.max()) & (mesh.points[:, 0] * side > 0))
    if len(rows) < 6:
        return None
    try:
        return np.asarray(rows[ConvexHull(mesh.points[rows, :2]).vertices], np.int64)
    except QhullError:
        return None


def _eye_ring(loop: Indices, points: Points) -> list[Anchor]:
    """Eye contour: six points, from the smallest x over the upper lid and back over the lower lid."""
    first, last = int(loop[np.argmin(points[loop, 0])]), int(loop[np.argmax(points[loop, 0])])
    low, high = points[first, 0], points[last, 0]
    pairs = [contour_at(loop, points, low + column * (high - low)) for column in _EYE_COLUMNS]
    (top_a, bottom_a), (top_b, bottom_b) = [pair or ({first: 1.0}, {last: 1.0}) for pair in pairs]
    return [{first: 1.0}, top_a, top_b, {last: 1.0}, bottom_b, bottom_a]


def find_pupil(face: Face, eye: Eye, side: int) -> Anchor:
    """Finds the pupil: the centre of what is skinned to the eye's bone, else of the island within the eye."""
    points = face.mesh.points
    x0, x1, y0, y1 = eye.box
    on_bone = _eyeball_centre(face, eye, side)
    if on_bone is not None:
        return on_bone
    inside = []
    for loop in face.loops:
        low, high = points[loop].min(axis=0), points[loop].max(axis=0)
        nested = low[0] > x0 and high[0] < x1 and low[1] > y0 and high[1] < y1
        if nested and 0.25 * (y1 - y0) < high[1] - low[1]:
            inside.append((high[1] - low[1], loop))
    if inside:
        loop = max(inside, key=lambda item: float(item[0]))[1]
        return _extremes(loop, points)
    return mean_anchor(eye.ring)


def _eyeball_centre(face: Face, eye: Eye, side: int) -> Anchor | None:
    """Centre of what is skinned to an eye's bone: of several layers (spare eyes, stars) the frontmost."""
    mesh, points = face.mesh, face.mesh.points
    x0, x1, y0, y1 = eye.box
    found: tuple[float, Anchor] | None = None
    for part in np.unique(mesh.parts[mesh.eyeballs == side]):
        ball = (mesh.eyeballs == side) & (mesh.parts == part)
        low, high = points[ball].min(axis=0), points[ball].max(axis=0)
        x, y = (low[:2] + high[:2]) / 2
        triangles = mesh.triangles[ball[mesh.triangles].all(axis=1)]
        behind = found is not None and high[2] <= found[0]
        if behind or not len(triangles) or not (x0 < x < x1 and y0 < y < y1):
            continue
        view = FrontView.of(points, triangles, (x, y), (face.scale, face.scale), face.scale / 64)
        found = float(high[2]), view.anchor(x, y) or _extremes(np.flatnonzero(ball), points)
    return None if found is None else found[1]


def _extremes(rows: Indices, points: Points) -> Anchor:
    """Mean of the leftmost, rightmost, lowest and highest vertex."""
    ends = [rows[pick(points[rows, axis])] for axis in (0, 1) for pick in (np.argmin, np.argmax)]
    return mean_anchor([{int(end): 1.0} for end in ends])


def find_brow(face: Face, eye: Eye, side: int) -> list[Anchor]:
    """Finds a brow: five points from the smallest x along the highest strip above the eye, or a template."""
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
    return [mean_anchor(pair) for pair in pairs if pair is not None]
