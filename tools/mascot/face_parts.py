"""Facial feature meshes: eyes, lashes, brows, mouth and blush, as thin strips before or behind the skin."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from tools.mascot import skull
from tools.mascot.expressions import (
    BROW_Y,
    BROWS,
    EYE,
    EYE_SIZE,
    LIDS,
    LIPS,
    MOUTH,
    MOUTH_WIDTH,
    ROUND_LIPS,
    brow_moves,
    bulge,
    lid_moves,
    lip_line,
    lip_moves,
    lower_lid,
    upper_lid,
)
from tools.mascot.loft import from_rings
from tools.mascot.surface import Points, Surface, both_sides, curve, join, smooth_step

_WHITE_DEPTH: Final = -0.0090
_IRIS_DEPTH: Final = -0.0038
IRIS: Final = (0.0242, 0.0305)  # half the width and height of the iris, metres
_IRIS_SHIFT: Final = (-0.0008, -0.0030)
_BLUSH: Final = (0.0640, 1.1830)
_MOUTH_BOX: Final = (0.0240, 0.0250, 0.0080)
"""Half the width of what is behind the mouth, its height below and above the slit; metres."""

_lash_width = curve([(-1, 0.03), (-0.8, 0.09), (-0.4, 0.15), (0.1, 0.185), (0.6, 0.23), (1, 0.27)])


def _patch(centre: tuple[float, float], half: tuple[float, float], depth: float, cells: int) -> Surface:
    """Rectangular patch ``depth`` metres before the skin (behind it where negative), seen from the front."""
    steps = np.linspace(-1, 1, cells + 1)
    across, down = np.meshgrid(steps, -steps)
    x, y = centre[0] + across * half[0], centre[1] + down * half[1]
    uv = np.stack([(across + 1) / 2, (1 - down) / 2], axis=-1)
    surface = from_rings(skull.front(x, y, depth), uv)
    return surface.on("head")


def whites() -> Surface:
    """Eye white meshes, both sides, a little behind the skin."""
    return both_sides(_patch(EYE, (EYE_SIZE[0] * 1.45, EYE_SIZE[1] * 1.35), _WHITE_DEPTH, 8))


def blushes() -> Surface:
    """Blush decals, both sides, before the skin, so that they keep their shape where it stretches."""
    return both_sides(_patch(_BLUSH, (0.0250, 0.0150), 0.0014, 8))


def irises() -> Surface:
    """Iris meshes, both sides, on the bones of the eyes."""
    centre = (EYE[0] + _IRIS_SHIFT[0], EYE[1] + _IRIS_SHIFT[1])
    left = _patch(centre, IRIS, _IRIS_DEPTH, 10).on("leftEye")
    right = left.mirrored()
    # Both eyes catch the same light, so the texture is not mirrored.
    return join([left, replace(right, uv=right.uv * (-1, 1) + (1, 0))])


def _strip(inner: Points, outer: Points, lift: float, moves: dict[str, Points]) -> Surface:
    """Ribbon between two lines (n, 2) seen from the front; ``moves``: (n, 2) for both lines."""
    flat = np.stack([outer, inner])
    rings = skull.front(flat[..., 0], flat[..., 1], lift)
    uv = np.stack(np.broadcast_arrays(np.linspace(0, 1, len(inner)), np.array([[0.0], [1.0]])), axis=-1)
    surface = from_rings(rings, uv).on("head")
    morphs = {}
    for name, move in moves.items():
        to = flat + move[None]
        morphs[name] = (skull.front(to[..., 0], to[..., 1], lift + bulge(move[:, 1])) - rings).reshape(-1, 3)
    return replace(surface, morphs=morphs)


def _follow_lid(name: str, e: Points, *, upper: bool = True) -> Points:
    """Lid displacement (n, 2) of an expression at e, metres."""
    move = lid_moves(name, np.clip(e, -1, 1))[0 if upper else 1]
    return np.stack([np.zeros_like(e), move * EYE_SIZE[1]], axis=1)


def lashes() -> Surface:
    """Eyelash meshes: upper and lower lash lines and the crease above, both sides."""
    return both_sides(join([_upper_lash(), _lower_lash(), _crease()]))


def _upper_lash() -> Surface:
    """Upper lash line; it widens outward and ends in a wing beyond the corner."""
    e = -np.cos(np.linspace(0.16, np.pi, 30))
    rim = np.stack([e, upper_lid(e)], axis=1) * EYE_SIZE + EYE
    slope = np.gradient(rim, axis=0)
    normal = np.stack([-slope[:, 1], slope[:, 0]], axis=1) / np.linalg.norm(slope, axis=1)[:, None]
    normal *= [0.55, 1.0]  # less to the sides, as a brush would
    inner = rim - 0.05 * EYE_SIZE[1] * normal
    outer = rim + _lash_width(e)[:, None] * EYE_SIZE[1] * normal
    tip, notch = np.array([[1.30, 0.42], [1.16, 0.22]]) * EYE_SIZE + EYE
    shoulder = (outer[-1] + tip) / 2 + [0.0006, 0.0012]
    outer = np.concatenate([outer[:-1], [shoulder, tip]])
    inner = np.concatenate([inner[:-1], [notch, tip]])
    places = np.r_[e[:-1], 1.0, 1.0]
    return _strip(inner, outer, 0.0011, {name: _follow_lid(name, places) for name in LIDS})


def _lower_lash() -> Surface:
    """Lower lash line, under the outer half of the eye."""
    e = np.linspace(0.05, 0.97, 14)
    rim = np.stack([e, lower_lid(e)], axis=1) * EYE_SIZE + EYE
    swell = np.sin(np.pi * np.linspace(0.04, 1, 14) ** 0.8)[:, None]
    width = 0.055 * EYE_SIZE[1] * swell * [[0.3, 1.0]]
    return _strip(rim - width, rim, 0.0008, {name: _follow_lid(name, e, upper=False) for name in LIDS})


def _crease() -> Surface:
    """Eyelid crease above the upper lid."""
    e = np.linspace(-0.62, 0.86, 16)
    line = np.stack([e, upper_lid(e) + 0.26 + 0.03 * e], axis=1) * EYE_SIZE + EYE
    half = 0.026 * EYE_SIZE[1] * np.sin(np.pi * np.linspace(0.02, 0.98, 16))[:, None] * [[0.0, 1.0]]
    return _strip(line - half, line + half, 0.0009, {name: 0.45 * _follow_lid(name, e) for name in LIDS})


def brows() -> Surface:
    """Brow meshes, both sides: tapered arcs."""
    e = np.linspace(-1, 1, 18)
    middle = np.stack(
        [EYE[0] + 0.0015 + 0.0215 * e, BROW_Y + 0.0038 * (1 - (e - 0.25) ** 2) - 0.0012 * e], axis=1
    )
    taper = np.sqrt(np.clip(1 - np.abs(e) ** 2.6, 0, 1)) * (1.1 - 0.35 * e)
    half = 0.0025 * taper[:, None] * [[0, 1]]
    moves = {name: np.stack([np.zeros_like(e), brow_moves(name, e)], axis=1) for name in BROWS}
    return both_sides(_strip(middle - half, middle + half, 0.0012, moves))


def mouth_inside() -> Surface:
    """Mouth interior: a textured patch behind the slit."""
    wide, below, above = _MOUTH_BOX
    centre = (MOUTH[0], MOUTH[1] + (above - below) / 2)
    inside = _patch(centre, (wide, (above + below) / 2), -0.0045, 10)
    # Round lips hide the teeth: the patch goes up behind them.
    up = np.broadcast_to((0.0, 0.0065, 0.0), inside.positions.shape)
    return replace(inside, morphs=dict.fromkeys(ROUND_LIPS, up))


def lip_lines() -> Surface:
    """Lip line mesh: an upper and a lower half that part when the mouth opens."""
    s = np.linspace(-1.06, 1.06, 27)
    inside = np.clip(s, -1, 1)
    middle = np.stack([MOUTH[0] + s * MOUTH_WIDTH, MOUTH[1] + lip_line(s)], axis=1)
    taper = np.sqrt(np.clip(1 - np.abs(s / 1.06) ** 3, 0, 1))[:, None]
    halves = []
    for upper in (True, False):
        moves = {}
        for name in LIPS:
            across, top, bottom = lip_moves(name, inside)
            moves[name] = np.stack([across, top if upper else bottom], axis=1)
        width = taper * (0.00115 if upper else 0.00060) * [[0.0, 1.0]]
        low, high = (middle - 0.0002, middle + width) if upper else (middle - width, middle + 0.0002)
        halves.append(_strip(low, high, 0.0009, moves))
    return join(halves)


def fringe_shadow(x: Points, y: Points) -> Points:
    """Shadow (...) of the fringe on the brow, 0 to 1, for the face's texture."""
    return smooth_step(y + 0.10 * np.abs(x) - 0.004 * np.cos(x * 190), 1.282, 1.290)
