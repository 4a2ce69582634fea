"""Headphone meshes, and the rings that hold the tails of hair."""

from __future__ import annotations

from typing import Final

import numpy as np

from tools.mascot import skull
from tools.mascot.loft import closed_tangents, rounded, sweep
from tools.mascot.skeleton import CHAINS
from tools.mascot.surface import Surface, both_sides, through

_TIE: Final = (0.0165, 0.0085)  # radius of the ring and of its roll, metres


def headband() -> Surface:
    """Headband of the headphones."""
    left = [skull.over(92, y, 0.0190) for y in (1.262, 1.295, 1.328, 1.358, 1.380)]
    top = [np.array([0.0, skull.CROWN + 0.0200, -0.008])]
    line = through([*left, *top, *(place * (-1, 1, 1) for place in left[::-1])], 41)
    away = line - (0.0, 1.27, -0.008)
    width = 0.0115 + 0.004 * np.sin(np.linspace(0, np.pi, 41))
    return sweep(line, width, 0.0050, away, sides=12, section=rounded(3)).on("head")


def _lathe(profile: tuple[tuple[float, float], ...], centre: tuple[float, float, float]) -> Surface:
    """Surface of revolution around x: (x, radius) rows."""
    table = np.array(profile)
    line = np.array(centre) + table[:, :1] * (1.0, 0.0, 0.0)
    along = np.tile([1.0, 0.0, 0.0], (len(table), 1))
    return sweep(line, table[:, 1], table[:, 1], (0, 1, 0), sides=40, tangents=along).on("head")


def ear_cups() -> Surface:
    """Ear cups of the headphones, both sides."""
    shell = ((0.0, 0.036), (0.004, 0.0420), (0.010, 0.0435), (0.020, 0.0430), (0.026, 0.0395), (0.028, 0.036))
    return both_sides(_lathe(shell, (0.118, 1.258, -0.012)))


def ear_lights() -> Surface:
    """Glowing discs on the ear cups, both sides."""
    disc = ((0.0, 0.028), (0.004, 0.0275), (0.006, 0.0250), (0.0065, 0.0225))
    return both_sides(_lathe(disc, (0.1445, 1.258, -0.012)))


def hair_ties() -> Surface:
    """Hair ties: rings that hold the tails."""
    chain = next(chain for chain in CHAINS if chain.name == "leftTail")
    start, end = np.array(chain.places[0]), np.array(chain.places[1])
    along = (end - start) / np.linalg.norm(end - start)
    across = np.cross(along, (0.0, 0.0, 1.0))
    across /= np.linalg.norm(across)
    angles = np.linspace(0, 2 * np.pi, 29)[:, None]
    away = np.cos(angles) * across + np.sin(angles) * np.cross(along, across)
    line = start + 0.36 * (end - start) + _TIE[0] * away
    roll = sweep(line, _TIE[1], _TIE[1], away, sides=12, caps=False, tangents=closed_tangents(line))
    return both_sides(roll.on("leftTail1"))
