"""Footwear meshes: long socks and high sneakers."""

from __future__ import annotations

from typing import Final

import numpy as np

from tools.mascot.body import SOCK_TOP, leg_line, leg_radius, leg_skin, tube
from tools.mascot.implicit import blended, cone, surface_net
from tools.mascot.loft import from_rings, ring, rounded
from tools.mascot.skeleton import ANKLE, TOES
from tools.mascot.surface import Points, Skin, Surface, both_sides, curve, smooth_step

SHOE_UV_BOX: Final = (-0.08, 0.0, 0.20, 0.16)
"""Extent of the shoe's texture, seen from the side: lowest z and y, width and height, metres."""


def socks() -> Surface:
    """Sock meshes, both sides."""
    return both_sides(tube(0.085, SOCK_TOP, 0.0018, 22))


def bands() -> Surface:
    """Sock rims, both sides."""
    line = leg_line(np.array([SOCK_TOP]))[0]
    radius = float(leg_radius(SOCK_TOP))
    rim = ring(line, (radius + 0.001, radius * 1.03 + 0.001), 0.0035, height=0.0085, count=26)
    return both_sides(rim.with_skin(leg_skin(rim.positions)))


def _shoe_skin(positions: Points) -> Skin:
    toes = smooth_step(positions[:, 2], TOES[2] - 0.022, TOES[2] + 0.022)
    shin = smooth_step(positions[:, 1], 0.105, 0.135)
    foot = (1 - toes) * (1 - shin)
    return {"leftToes": toes * (1 - shin), "leftFoot": foot, "leftLowerLeg": shin}


def shoes() -> Surface:
    """Sneaker meshes, both sides; texture coordinates as seen from the side."""
    x = ANKLE[0]
    shaft = cone((x, 0.128, -0.016), (x, 0.055, -0.020), 0.0400, 0.0440)
    front = cone((x, 0.048, -0.018), (x + 0.003, 0.045, 0.070), 0.0455, 0.0440)
    body = blended(shaft, front, 0.030)

    def upper(points: Points) -> Points:
        return np.maximum(np.maximum(body(points), 0.012 - points[:, 1]), points[:, 1] - 0.142)

    positions, normals, triangles = surface_net(
        upper, (x - 0.06, -0.005, -0.085), (x + 0.065, 0.16, 0.135), 0.0075
    )
    z, y, width, height = SHOE_UV_BOX
    uv = np.stack([(positions[:, 2] - z) / width, 1 - (positions[:, 1] - y) / height], axis=1)
    return both_sides(Surface(positions, normals, uv, triangles, _shoe_skin(positions)))


def soles() -> Surface:
    """Sole meshes, both sides."""
    angles = np.linspace(0, 2 * np.pi, 41)
    widen = curve([(-1, 0.0445), (-0.3, 0.0455), (0.4, 0.0500), (1, 0.0490)])
    outline = []
    for y, grow in (
        (0.0, -0.9),
        (0.0, -0.003),
        (0.004, 0.0),
        (0.020, 0.0015),
        (0.026, -0.001),
        (0.026, -0.9),
    ):
        along = np.cos(angles)
        half = np.maximum(widen(along) + grow, 0.0)
        long = max(0.0925 + grow, 0.0)
        shape = rounded(2.5)(angles)
        outline.append(
            np.stack(
                [ANKLE[0] + 0.002 + half * shape[:, 1], np.full(41, y), 0.024 + long * shape[:, 0]], axis=1
            )
        )
    rings = np.stack(outline)[::-1]
    uv = np.stack(np.broadcast_arrays(angles / (2 * np.pi), np.linspace(0, 1, 6)[:, None]), axis=-1)
    surface = from_rings(rings, uv)
    return both_sides(surface.with_skin(_shoe_skin(surface.positions)))


def shoe_collars() -> Surface:
    """Padded collars of the sneakers, both sides."""
    rim = ring((ANKLE[0], 0.140, -0.016), (0.0360, 0.0360), 0.0070, height=0.0075, count=26)
    return both_sides(rim.with_skin(_shoe_skin(rim.positions)))
