"""Head shape: horizontal sections whose widths and depths are curves over the height."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tools.mascot.surface import Points, curve, unit

CHIN: Final = 1.118
CROWN: Final = 1.398
_NOSE: Final = (0.0082, 1.1860, 0.0085)  # height, y, reach across; metres

# Share of the height, turned into an angle so that both ends close round: half width; front z; back z; z of
# the widest place; squareness of the front.
_SECTIONS: Final = curve(
    [
        (np.arccos(1 - 2 * share), *values)
        for share, *values in (
            (0.00, 0.0000, 0.0660, 0.0660, 0.064, 2.0),
            (0.02, 0.0235, 0.0795, 0.0480, 0.061, 2.0),
            (0.06, 0.0400, 0.0855, 0.0270, 0.053, 2.0),
            (0.12, 0.0600, 0.0880, 0.0000, 0.040, 2.1),
            (0.20, 0.0830, 0.0915, -0.0320, 0.022, 2.3),
            (0.28, 0.0985, 0.0940, -0.0580, 0.008, 2.45),
            (0.36, 0.1080, 0.0940, -0.0800, -0.002, 2.35),
            (0.45, 0.1128, 0.0945, -0.0960, -0.006, 2.2),
            (0.55, 0.1160, 0.1000, -0.1070, -0.008, 2.2),
            (0.65, 0.1140, 0.1020, -0.1080, -0.008, 2.2),
            (0.76, 0.1030, 0.0945, -0.0990, -0.008, 2.1),
            (0.86, 0.0820, 0.0755, -0.0805, -0.006, 2.0),
            (0.94, 0.0550, 0.0490, -0.0560, -0.005, 2.0),
            (1.00, 0.0000, -0.004, -0.0040, -0.004, 2.0),
        )
    ]
)


def section(y: npt.ArrayLike) -> Points:
    """Section (..., 5): half width, front z, back z, z of the widest place and squareness at heights y."""
    return _SECTIONS(2 * way_up(y) / (CROWN - CHIN))


def way_up(y: npt.ArrayLike) -> Points:
    """Arc length (...), roughly, along the skull from the chin up to heights y, metres."""
    share = np.clip((np.asarray(y, np.float64) - CHIN) / (CROWN - CHIN), 0, 1)
    return np.asarray(np.arccos(1 - 2 * share) * (CROWN - CHIN) / 2)


def height_at(way: npt.ArrayLike) -> Points:
    """Heights y (...) at these arc lengths; the inverse of ``way_up``."""
    half = (CROWN - CHIN) / 2
    return np.asarray(CHIN + half * (1 - np.cos(np.asarray(way, np.float64) / half)))


def around(angle: npt.ArrayLike, y: npt.ArrayLike) -> Points:
    """Points (..., 3) of the skull; ``angle`` in radians from the front, positive to her left."""
    a, height = np.broadcast_arrays(np.asarray(angle, np.float64), np.asarray(y, np.float64))
    width, front, back, middle, square = np.moveaxis(section(height), -1, 0)
    ahead = np.abs(a) <= np.pi / 2
    power = 2 / np.where(ahead, square, 2.0)
    x = width * np.sign(a) * np.abs(np.sin(a)) ** power
    reach = np.where(ahead, front - middle, back - middle)
    z = middle + reach * np.abs(np.cos(a)) ** power
    return np.stack([x, height, z + np.where(ahead, _nose(x, height), 0)], axis=-1)


def angle_of(x: npt.ArrayLike, y: npt.ArrayLike) -> Points:
    """Angle (see ``around``) of what is seen at x, y from the front."""
    across, height = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
    width, square = np.moveaxis(section(height), -1, 0)[[0, 4]]
    share = np.clip(np.abs(across) / np.maximum(width, 1e-9), 0, 1)
    return np.asarray(np.sign(across) * np.arcsin(share ** (square / 2)))


def front(x: npt.ArrayLike, y: npt.ArrayLike, lift: npt.ArrayLike = 0.0) -> Points:
    """Points (..., 3) of the skin at x, y seen from the front, ``lift`` metres nearer to the viewer."""
    place = around(angle_of(x, y), y)
    place[..., 0] = x
    place[..., 2] += np.asarray(lift, np.float64)
    return place


def outward(angle: npt.ArrayLike, y: npt.ArrayLike) -> Points:
    """Normals (..., 3) of the skull, unit length, the nose left out."""
    a, height = np.broadcast_arrays(np.asarray(angle, np.float64), np.asarray(y, np.float64))
    step = 1e-3
    across = around(a + step, height) - around(a - step, height)
    up = around(a, np.minimum(height + step, CROWN)) - around(a, np.maximum(height - step, CHIN))
    return unit(np.cross(up, across) * -1)


def over(degrees: float, y: float, lift: float) -> Points:
    """Point (3,) ``lift`` metres off the skull, for hair."""
    a = np.radians(degrees)
    return np.asarray(around(a, y) + lift * outward(a, y))


def _nose(x: Points, y: Points) -> Points:
    height, middle, reach = _NOSE
    below, above = 0.0085, 0.0190
    rise = np.exp(-(((y - middle) / np.where(y < middle, below, above)) ** 2))
    return np.asarray(height * rise * np.exp(-((x / (reach * (0.7 + 0.3 * rise))) ** 2)))
