"""Plausibility of face landmarks: order, symmetry and distances of a face, in interocular distances.

Landmarks are found by geometry, which an unusual mesh can mislead. What cannot be part of a face is not
trusted: better a missing point than a wrong one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.render.face.face_regions import Points

Trust = npt.NDArray[np.bool_]

_PARTS: Final = {
    "jaw": range(17),
    "brows": range(17, 27),
    "nose": range(27, 36),
    "eyes": (*range(36, 48), 68, 69),
    "mouth": range(48, 68),
}
_MIRRORED: Final = {
    "jaw": [(k, 16 - k) for k in range(8)],
    "brows": [(17 + k, 26 - k) for k in range(5)],
    "nose": [(31, 35), (32, 34)],
    "eyes": [(36, 45), (39, 42), (37, 44), (41, 46), (68, 69)],
    "mouth": [(48, 54), (50, 52), (58, 56), (60, 64)],
}
_MIDLINE: Final = {"jaw": (8,), "nose": (27, 28, 29, 30, 33), "mouth": (51, 57, 62, 66)}
_ASYMMETRY: Final = 0.22
_ASIDE: Final = 0.2  # of a point that should lie on the midline
# Heights below the eyes, and extents; lowest and highest value, interocular distances.
_NOSE_BELOW: Final = (0.05, 1.3)
_MOUTH_BELOW: Final = (0.25, 1.9)
_CHIN_BELOW: Final = (0.45, 2.8)
_BROW_ABOVE: Final = (0.02, 1.3)
_MOUTH_WIDTH: Final = (0.08, 1.7)
_JAW_WIDTH: Final = (1.0, 3.6)
_DEPTH: Final = 1.0  # of mouth and nose from the eyes


@dataclass(frozen=True, eq=False)
class Plausibility:
    """Which landmarks can be those of a face.

    Attributes:
        trusted: (70,).
        doubts: what is wrong, by part: "mouth: 2.1 eye distances below the eyes".
    """

    trusted: Trust
    doubts: tuple[str, ...]


def check_landmarks(points: Points) -> Plausibility:
    """Checks landmarks (70, 3) at rest, character frame, in the order of OpenPose."""
    right, left = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    middle, scale = (right + left) / 2, max(float(np.linalg.norm(left - right)), 1e-9)
    place = (points - middle) / scale
    doubts = {part: _asymmetry(place, part) for part in _PARTS}
    for part, reason in _disorder(place):
        doubts[part] = doubts[part] or reason
    trusted = np.ones(len(points), np.bool_)
    for part, reason in doubts.items():
        if reason:
            trusted[list(_PARTS[part])] = False
    return Plausibility(trusted, tuple(f"{part}: {reason}" for part, reason in doubts.items() if reason))


def _asymmetry(place: Points, part: str) -> str:
    """What is lopsided about a part; "" where nothing is."""
    pairs = np.array(_MIRRORED[part])
    one, other = place[pairs[:, 0]], place[pairs[:, 1]] * (-1, 1, 1)
    away = float(np.median(np.linalg.norm((one - other)[:, :2], axis=1)))
    if not away < _ASYMMETRY:
        return f"left and right differ by {away:.2f} eye distances"
    aside = float(np.abs(place[list(_MIDLINE.get(part, (27,))), 0]).max()) if part in _MIDLINE else 0.0
    return "" if aside < _ASIDE else f"{aside:.2f} eye distances beside the middle"


def _disorder(place: Points) -> list[tuple[str, str]]:
    """Parts in the wrong place, and how."""
    brows, mouth = place[17:27], place[48:68]
    jaw_width = float(np.ptp(place[:17, 0]))
    values = (
        ("nose", "below the eyes", -float(place[30, 1]), _NOSE_BELOW),
        ("mouth", "below the eyes", -float(mouth[:, 1].mean()), _MOUTH_BELOW),
        ("jaw", "below the eyes", -float(place[8, 1]), _CHIN_BELOW),
        ("brows", "above the eyes", float(brows[:, 1].mean()), _BROW_ABOVE),
        ("mouth", "wide", float(np.ptp(place[60:68, 0])), _MOUTH_WIDTH),
        ("jaw", "wide", jaw_width, _JAW_WIDTH),
        ("mouth", "deep", float(np.abs(mouth[:, 2]).max()), (-1.0, _DEPTH)),
    )
    found = [
        (part, f"{value:.2f} eye distances {what}")
        for part, what, value, (low, high) in values
        if not low < value < high
    ]
    if place[30, 1] < mouth[:, 1].mean():
        found.append(("nose", "below the mouth"))
    if place[8, 1] > mouth[:, 1].min():
        found.append(("jaw", "the chin is above the mouth"))
    if place[30, 2] < mouth[:, 2].mean() - _ASYMMETRY:
        found.append(("nose", "behind the mouth"))
    return found
