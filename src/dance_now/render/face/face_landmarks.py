"""Landmark detection on an avatar's face: the 70 points of OpenPose / iBUG, from geometry and expressions.

Geometry decides rather than names: an eye is the loop that a blink closes, the mouth is the region that
opens for the vowel "aa", a brow is the highest strip above an eye, the jaw is where the skin turns away.
Order of the points: ``dance_now.pose.model.keypoints``.
"""

from __future__ import annotations

import numpy as np

from dance_now.render.face.face_eyes import find_brow, find_eye, find_pupil
from dance_now.render.face.face_mesh import Face, FaceMesh
from dance_now.render.face.face_mouth import find_mouth
from dance_now.render.face.face_regions import (
    Anchor,
    Indices,
    Points,
    anchor_position,
    boundary_loops,
    mean_anchor,
    weld,
)
from dance_now.render.face.face_skin import find_skin

_NEAREST_OUTLINE = 0.5  # of the interocular distance, from the middle of the face
_SPAN = 3  # pixels over which a slope is measured
_PASSED = 0.05  # interocular distances by which the outline lies past a cliff that was not steep before
_CLIFF = 0.2  # of it: what the depth falls within one pixel at an outline


def locate_landmarks(mesh: FaceMesh) -> list[Anchor] | None:
    """Locates the 70 landmarks as anchors on the mesh; None unless two eyes that blink are found."""
    welded = _weld_face(mesh)
    loops = [
        loop
        for part in np.unique(mesh.parts)
        for loop in boundary_loops(welded[mesh.part_triangles(int(part))])
    ]
    right, left = find_eye(mesh, loops, -1), find_eye(mesh, loops, 1)
    if right is None or left is None:
        return None
    middle = (right.centre + left.centre) / 2
    scale = float(np.linalg.norm(left.centre - right.centre))
    skin = find_skin(mesh, welded, middle, scale)
    if skin is None:
        return None
    face = Face(mesh, loops, right, left, middle, scale, *skin)
    mouth = find_mouth(face)
    centre = anchor_position(mean_anchor([mouth[0], mouth[6]]), mesh.points)
    return [
        *_find_jaw(face, centre),
        *find_brow(face, right, -1),
        *find_brow(face, left, 1),
        *_find_nose(face, centre),
        *right.ring,
        *left.ring,
        *mouth,
        find_pupil(face, right, -1),
        find_pupil(face, left, 1),
    ]


def _weld_face(mesh: FaceMesh) -> Indices:
    """Welds vertices of a part that coincide in every expression."""
    shapes = [mesh.points, *(mesh.points + moved for moved in mesh.displacements.values())]
    return weld(np.concatenate([*shapes, mesh.parts[:, None].astype(np.float64)], axis=1))


def _find_nose(face: Face, mouth: Points) -> list[Anchor]:
    """Finds the nose, points 27-35: bridge, tip (the most protruding point from eyes to mouth), base."""
    eyes, view, scale = face.middle, face.view, face.scale
    heights = np.linspace(eyes[1] - 0.15 * (eyes[1] - mouth[1]), mouth[1] + 0.25 * (eyes[1] - mouth[1]), 64)
    depths = np.array([view.depth[view.cell(0.0, y)] for y in heights])
    along = (eyes[1] - heights) / max(1e-6, eyes[1] - mouth[1])
    line = eyes[2] + along * (mouth[2] - eyes[2])
    tip_y = float(heights[int(np.argmax(np.where(np.isfinite(depths), depths - line, -np.inf)))])
    bridge = [face.snap(0.0, eyes[1] + (tip_y - eyes[1]) * k / 3) for k in range(4)]
    base_y = tip_y - min(0.1 * scale, 0.35 * (tip_y - mouth[1]))
    return bridge + [face.snap(k * 0.07 * scale, base_y) for k in range(-2, 3)]


def _find_jaw(face: Face, mouth: Points) -> list[Anchor]:
    """Finds the jaw: 17 points on the skin's outline, from the right ear under the chin to the left."""
    eyes = face.middle
    centre = np.array([0.0, (eyes[1] + mouth[1]) / 2])
    angles = np.radians(np.linspace(-125, 125, 126))
    directions = np.stack([np.sin(angles), -np.cos(angles)], axis=1)
    starts = [_beyond_eyes(face, centre, direction) for direction in directions]
    reach = np.array([_reach(face, centre, *ray) for ray in zip(directions, starts, strict=True)])
    reach -= 2 * face.view.pixel  # on the skin, not on its rim
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


def _beyond_eyes(face: Face, start: Points, direction: Points) -> float:
    """Distance at which a ray has passed the eyes."""
    distances = np.linspace(0, 2.5 * face.scale, 100)
    places = start + distances[:, None] * direction
    passed = 0.15 * face.scale
    for eye in (face.right, face.left):
        x0, x1, y0, y1 = eye.box
        wide, high = 0.15 * (x1 - x0), 0.15 * (y1 - y0)
        inside = (np.abs(places[:, 0] - (x0 + x1) / 2) < (x1 - x0) / 2 + wide) & (
            np.abs(places[:, 1] - (y0 + y1) / 2) < (y1 - y0) / 2 + high
        )
        passed = max(passed, float(distances[inside].max(initial=0)))
    return passed


def _reach(face: Face, centre: Points, direction: Points, start: float) -> float:
    """Extent of the face along a ray.

    It ends at the silhouette, or where it turns away to an ear or the neck: a steep fall, by much, to
    something that goes on, or in a cliff (the neck behind the jaw). A small fall is the edge of a patch (a
    blush) that lies on the skin.
    """
    view = face.view
    distances = np.arange(start, 3 * face.scale, view.pixel)
    depths = np.array([view.depth[view.cell(*(centre + direction * distance))] for distance in distances])
    bare = np.flatnonzero(~np.isfinite(depths))
    if len(bare) > 0:
        depths = depths[: bare[0]]
    if len(depths) <= _SPAN:
        return start
    near = max(0, int(np.ceil((_NEAREST_OUTLINE * face.scale - start) / view.pixel)))
    end = _steep_fall(depths, near, view.pixel, face.scale)
    cliffs = np.flatnonzero(depths[:-2] - depths[1:-1] > _CLIFF * face.scale)
    passed = cliffs[(cliffs >= near) & (cliffs < end - _PASSED * face.scale / view.pixel)]
    return float(distances[passed[0] if len(passed) else end])


def _steep_fall(depths: Points, first: int, pixel: float, scale: float) -> int:
    """Index of the first steep fall to something that goes on, else the last index.

    Args:
        depths: (n,) along a ray, a pixel apart.
        first: index where to begin: the sides of a nose fall as steeply as those of a face.
        pixel: metres.
        scale: interocular distance, metres.
    """
    span = _SPAN
    slopes = (depths[:-span] - depths[span:]) / (span * pixel)
    k = first
    while k < len(slopes):
        if slopes[k] > 2.2:
            foot = k
            while foot < len(slopes) and slopes[foot] > 1.0:
                foot += 1
            if foot < len(slopes) and depths[k] - depths[foot] > 0.06 * scale:
                return k
            k = foot
        k += 1
    return len(depths) - 1
