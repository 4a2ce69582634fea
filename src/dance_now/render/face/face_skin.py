"""Skin of a face: the surface that is seen between the eyes and the mouth, whatever moves most.

Mouths and eyes are often parts of their own with more moving vertices than the skin (VRoid's FaceMouth), and
a part may hold clothes and hair beside the face. The skin is the largest part that is seen from the front at
the place of the nose, and of it the connected surface that covers most of this place.
"""

from __future__ import annotations

import numpy as np

from dance_now.render.face.face_mesh import FaceMesh
from dance_now.render.face.face_regions import FrontView, Indices, Points, triangle_components

# Place of the nose in interocular distances: half width, and where it begins and ends below the eyes.
_HALF_WIDTH, _UPPER, _LOWER = 0.3, 0.15, 0.6
_VIEW = (3.6, 4.4)  # width and height of the view
_LEAST_SHARE = 0.1  # of that place
_RESOLUTION = 64  # pixels of an interocular distance


def find_skin(
    mesh: FaceMesh, welded: Indices, middle: Points, scale: float
) -> tuple[FrontView, Indices] | None:
    """Finds the skin.

    Args:
        mesh: the face.
        welded: (V,) first vertex at each vertex's place.
        middle: (3,) point between the eyes.
        scale: interocular distance, metres.

    Returns:
        Front view of the connected surface of the skin, without what lies on it (lashes, brows, blushes), and
        the triangles (T, 3) of its whole part; None where nothing is seen there.
    """
    part = _part_at_nose(mesh, middle, scale)
    if part is None:
        return None
    triangles = mesh.part_triangles(part)
    whole = _view(mesh.points, triangles, middle, scale)
    labels = triangle_components(welded[triangles])
    seen = _at_nose(whole, middle, scale)
    seen = seen if len(seen) else whole.index[whole.index >= 0]
    main = triangles[labels == int(np.argmax(np.bincount(labels[seen])))]
    return _view(mesh.points, main, middle, scale), triangles


def _part_at_nose(mesh: FaceMesh, middle: Points, scale: float) -> int | None:
    """Part of the largest area of those seen at the place of the nose, where blushes lie on the skin."""
    skin_like = mesh.triangles[(mesh.eyeballs[mesh.triangles] == 0).any(axis=1)]
    view = _view(mesh.points, skin_like, middle, scale)
    seen = _at_nose(view, middle, scale)
    seen = seen if len(seen) else view.index[view.index >= 0]
    if not len(seen):
        return None
    shares = np.bincount(mesh.parts[skin_like[seen, 0]]) / len(seen)
    candidates = np.flatnonzero(shares > _LEAST_SHARE)
    return int(max(candidates, key=lambda part: _area(mesh.points, mesh.part_triangles(int(part)))))


def _area(points: Points, triangles: Indices) -> float:
    a, b, c = (points[triangles[:, corner]] for corner in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum())


def _view(points: Points, triangles: Indices, middle: Points, scale: float) -> FrontView:
    centre = (0.0, float(middle[1]) - 0.5 * scale)
    size = (_VIEW[0] * scale, _VIEW[1] * scale)
    return FrontView.of(points, triangles, centre, size, scale / _RESOLUTION)


def _at_nose(view: FrontView, middle: Points, scale: float) -> Indices:
    """Triangles seen at the place of the nose, one for each pixel."""
    top, left = view.cell(-_HALF_WIDTH * scale, float(middle[1]) - _UPPER * scale)
    bottom, right = view.cell(_HALF_WIDTH * scale, float(middle[1]) - _LOWER * scale)
    window = view.index[top : bottom + 1, left : right + 1]
    return window[window >= 0]
