"""Clothing meshes: a hooded jacket, and a pleated skirt over short tights."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from tools.mascot.body import LEG_TOP, trunk_skin, tube
from tools.mascot.implicit import blended, cone, stack, surface_net
from tools.mascot.loft import closed_tangents, from_rings, ring, rounded, sweep
from tools.mascot.skeleton import ELBOW, SHOULDER, WRIST
from tools.mascot.surface import (
    Points,
    Skin,
    Surface,
    both_sides,
    curve,
    join,
    smooth_step,
    through,
)

JACKET_UV_BOX: Final = (-0.46, 0.68, 0.92, 0.46)
"""Extent of the jacket's texture, seen from the front: lowest x and y, width and height, metres."""

_torso = curve(
    [
        (0.700, 0.1020, 0.0800, 0.000),
        (0.730, 0.1090, 0.0850, 0.000),
        (0.765, 0.1170, 0.0920, 0.000),
        (0.810, 0.1130, 0.0890, -0.001),
        (0.870, 0.1030, 0.0820, -0.003),
        (0.940, 0.1010, 0.0815, -0.004),
        (1.000, 0.0940, 0.0740, -0.008),
        (1.040, 0.0720, 0.0620, -0.010),
        (1.075, 0.0520, 0.0500, -0.012),
    ]
)
_SLEEVE_END: Final = WRIST[0] - 0.018


def jacket_skin(positions: Points) -> Skin:
    """Skin weights of the jacket, either side."""
    x, y = np.abs(positions[:, 0]), positions[:, 1]
    arm = smooth_step(x + 0.6 * (y - SHOULDER[1]), 0.068, 0.142)
    below = smooth_step(x, ELBOW[0] - 0.045, ELBOW[0] + 0.045)
    skin = {name: weight * (1 - arm) for name, weight in trunk_skin(y).items()}
    for side, sign in (("left", 1), ("right", -1)):
        here = (positions[:, 0] * sign > 0).astype(np.float64)
        skin[f"{side}UpperArm"] = arm * (1 - below) * here
        skin[f"{side}LowerArm"] = arm * below * here
    return skin


def jacket() -> Surface:
    """Jacket mesh: body and sleeves in one piece, so that it stretches as one over the shoulders."""
    body = stack(_torso, 0.730, 1.048)
    for side in (1, -1):
        turn = np.array([side, 1, 1])
        upper = cone(
            turn * (SHOULDER[0] - 0.02, SHOULDER[1] - 0.004, SHOULDER[2]), turn * ELBOW, 0.0470, 0.0420
        )
        lower = cone(turn * ELBOW, turn * (_SLEEVE_END - 0.046, WRIST[1] - 0.002, WRIST[2]), 0.0420, 0.0480)
        body = blended(body, blended(upper, lower, 0.02), 0.035)
    positions, normals, triangles = surface_net(body, (-0.46, 0.70, -0.125), (0.46, 1.12, 0.115), 0.0100)
    x, y, width, height = JACKET_UV_BOX
    uv = np.stack([(positions[:, 0] - x) / width, 1 - (positions[:, 1] - y) / height], axis=1)
    return Surface(positions, normals, uv, triangles, jacket_skin(positions))


def _around_arm(x: float, radius: float, half: float, thick: float) -> Surface:
    """Band around the left sleeve."""
    band = ring((0, 0, 0), (radius, radius), thick, height=half, count=24)
    turned = band.positions[:, [1, 0, 2]] * (1, -1, 1) + (x, WRIST[1] - 0.002, WRIST[2])
    normals = band.normals[:, [1, 0, 2]] * (1, -1, 1)
    return Surface(turned, normals, band.uv, band.triangles, jacket_skin(turned))


def trims() -> Surface:
    """Ribbed hem, cuffs and collar of the jacket."""
    hem = ring((0, 0.722, 0), (0.1070, 0.0840), 0.0065, height=0.0155, count=44)
    hem = hem.with_skin(trunk_skin(hem.positions[:, 1]))
    cuff = both_sides(_around_arm(_SLEEVE_END + 0.002, 0.0275, 0.0150, 0.0062))
    return join([hem, cuff])


def hood() -> Surface:
    """Hood mesh, lying on the back, and the thick roll it makes around the neck."""
    angles = np.linspace(0, 2 * np.pi, 45)
    back = (1 - np.cos(angles)) / 2
    line = np.stack(
        [0.064 * np.sin(angles), 1.064 + 0.018 * back, -0.010 + 0.060 * np.cos(angles) - 0.022 * back], axis=1
    )
    away = np.stack([np.sin(angles), 0.25 + 0 * angles, np.cos(angles)], axis=1)
    roll = sweep(
        line,
        0.017 + 0.012 * back,
        0.0150 + 0.011 * back,
        away,
        sides=14,
        caps=False,
        tangents=closed_tangents(line),
    )
    share = np.linspace(0, 1, 16)
    drop = np.stack([0 * share, 1.082 - 0.160 * share, -0.082 - 0.018 * np.sin(np.pi * share**0.8)], axis=1)
    width = curve([(0, 0.050), (0.12, 0.074), (0.4, 0.082), (0.75, 0.064), (0.93, 0.034), (1, 0.0)])(share)
    depth = curve([(0, 0.016), (0.3, 0.030), (0.7, 0.032), (0.93, 0.018), (1, 0.0)])(share)
    bag = sweep(drop, width, depth, (0, 0, -1), sides=20, section=rounded(2.2))
    surface = join([roll, bag])
    return surface.on("upperChest")


def strings() -> Surface:
    """Hood strings, both sides, with knots at their ends."""
    line = through([(0.026, 1.052, 0.066), (0.030, 1.020, 0.0765), (0.032, 0.975, 0.0775)], 8)
    cord = sweep(line, 0.0032, 0.0032, (0, 0, 1), sides=8)
    end = through([(0.032, 0.980, 0.0780), (0.0325, 0.955, 0.0780)], 5)
    knot = sweep(
        end,
        [0.003, 0.0058, 0.0066, 0.0058, 0.003],
        [0.003, 0.0058, 0.0066, 0.0058, 0.003],
        (0, 0, 1),
        sides=10,
    )
    surface = join([cord, knot])
    return both_sides(surface.with_skin(trunk_skin(np.minimum(surface.positions[:, 1], 1.04))))


def _on_front(x: npt.ArrayLike, y: npt.ArrayLike, lift: float) -> Points:
    """Positions (..., 3) ``lift`` metres before the front of the jacket."""
    across, height = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
    width, depth, middle = np.moveaxis(_torso(height), -1, 0)
    bulge = np.sqrt(np.clip(1 - (across / width) ** 2, 0, 1))
    return np.stack([across, height, middle + depth * bulge + lift], axis=-1)


def zip_fastener() -> Surface:
    """Zip down the front of the jacket."""
    line = _on_front(0.0, np.linspace(1.050, 0.722, 16), 0.0006)
    strip = sweep(line, 0.0042, 0.0018, (0, 0, 1), sides=8, section=rounded(3))
    return strip.with_skin(trunk_skin(strip.positions[:, 1]))


def pockets() -> Surface:
    """Pocket welts, both sides, slanted."""
    share = np.linspace(0, 1, 9)
    line = _on_front(0.044 + 0.022 * share, 0.812 - 0.052 * share, 0.0006)
    welt = sweep(line, 0.0042, 0.0020, (0.3, 0, 1), sides=8, section=rounded(3))
    return both_sides(welt.with_skin(trunk_skin(welt.positions[:, 1])))


def badge() -> Surface:
    """Badge on the chest: a play button."""
    along = np.linspace(0, 1, 6)
    y = 0.948 + 0.0175 * (1 - along) * np.linspace(1, -1, 7)[:, None]
    surface = from_rings(_on_front(0.046 + 0.030 * along, y, 0.0016), np.zeros((7, 6, 2)))
    return surface.with_skin(trunk_skin(surface.positions[:, 1]))


def skirt() -> Surface:
    """Pleated skirt mesh; v runs down. It follows the thighs, so that no leg comes through it."""
    rows, columns, pleats = 10, 22 * 8 + 1, 22
    share = np.linspace(0, 1, rows)[:, None]
    angles = np.linspace(0, 2 * np.pi, columns)[None]
    fold = np.abs(((angles * pleats / (2 * np.pi)) % 1.0) - 0.35)
    depth = (0.0015 + 0.0120 * share) * (1 - smooth_step(fold, 0.0, 0.42)) - 0.004 * share
    flare = 0.100 + 0.080 * share**0.9
    x = (flare + depth) * np.sin(angles)
    z = (flare * 0.82 + 0.010 * share + depth) * np.cos(angles)
    y = np.broadcast_to(0.728 - 0.130 * share + 0.006 * share * np.cos(2 * angles), x.shape)
    uv = np.stack(np.broadcast_arrays((angles * pleats / (2 * np.pi)) % 1.0, share), axis=-1)
    surface = from_rings(np.stack([x, y, z], axis=-1), uv)
    return surface.with_skin(_skirt_skin(surface.positions))


def _skirt_skin(positions: Points) -> Skin:
    x, y = positions[:, 0], positions[:, 1]
    ahead = positions[:, 2] / np.hypot(x, positions[:, 2])
    # Cloth in front lies down on a raised thigh, and behind it hangs; only at the sides it goes all the way.
    follow = 0.93 - np.where(ahead > 0, 0.20, 0.30) * ahead**2
    legs = follow * smooth_step(y, 0.720, 0.630)
    left = smooth_step(x, -0.075, 0.075)
    return {"hips": 1 - legs, "leftUpperLeg": legs * left, "rightUpperLeg": legs * (1 - left)}


def shorts() -> Surface:
    """Tights mesh under the skirt."""
    y = np.linspace(0.760, 0.625, 10)
    half = curve([(0.625, 0.060), (0.66, 0.100), (0.70, 0.103), (0.76, 0.092)])(y)
    deep = curve([(0.625, 0.040), (0.66, 0.066), (0.70, 0.075), (0.76, 0.070)])(y)
    pelvis = sweep(np.stack([0 * y, y, 0 * y], axis=1), half, deep, (0, 0, 1), sides=20).on("hips")
    return join([pelvis, both_sides(tube(0.612, LEG_TOP, 0.0025, 12))])
