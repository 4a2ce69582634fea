"""Facial expressions: displacements of lids, lips, brows and skin, seen from the front.

All curves are over a share e of the half width: -1 at the inner, +1 at the outer corner of an eye; -1 to 1
across the mouth. Heights of lids are in half heights of the eye, those of the mouth in metres.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from tools.mascot.surface import Points, curve, smooth_step

EYE: Final = (0.0482, 1.2250)  # centre of her left eye; x, y in metres
EYE_SIZE: Final = (0.0285, 0.0300)  # half its width and height
MOUTH: Final = (0.0, 1.1580)
MOUTH_WIDTH: Final = 0.0190  # half of it
BROW_Y: Final = 1.2735

upper_lid = curve(
    [
        (-1, -0.15),
        (-0.93, 0.25),
        (-0.75, 0.62),
        (-0.4, 0.90),
        (0, 1.0),
        (0.4, 0.95),
        (0.7, 0.77),
        (0.9, 0.46),
        (1, 0.10),
    ]
)
lower_lid = curve(
    [
        (-1, -0.15),
        (-0.93, -0.45),
        (-0.7, -0.80),
        (-0.3, -0.97),
        (0.1, -1.0),
        (0.5, -0.92),
        (0.8, -0.65),
        (0.94, -0.3),
        (1, 0.10),
    ]
)


@dataclass(frozen=True)
class Lips:
    """Mouth shape: its width as a share, how far the lips part (metres), how far corners rise."""

    width: float = 1.0
    up: float = 0.0
    down: float = 0.0
    corners: float = 0.0


@dataclass(frozen=True)
class Brow:
    """Brow shape: how far its inner and outer end rise, metres."""

    inner: float = 0.0
    outer: float = 0.0


LIPS: Final[dict[str, Lips]] = {
    "aa": Lips(1.00, 0.0012, 0.0205),
    "ih": Lips(1.05, 0.0010, 0.0070),
    "ou": Lips(0.40, 0.0035, 0.0050),
    "ee": Lips(1.15, 0.0010, 0.0105, 0.0010),
    "oh": Lips(0.58, 0.0050, 0.0110),
    "happy": Lips(1.15, 0.0000, 0.0165, 0.0030),
    "angry": Lips(0.92, 0.0000, 0.0000, -0.0050),
    "sad": Lips(0.80, 0.0000, 0.0000, -0.0045),
    "relaxed": Lips(1.12, 0.0000, 0.0000, 0.0022),
    "surprised": Lips(0.48, 0.0045, 0.0085),
}
ROUND_LIPS: Final = ("ou", "oh", "surprised")
BROWS: Final[dict[str, Brow]] = {
    "happy": Brow(0.004, 0.003),
    "angry": Brow(-0.009, 0.004),
    "sad": Brow(0.007, -0.005),
    "relaxed": Brow(0.001, 0.000),
    "surprised": Brow(0.009, 0.009),
}
BLINKS: Final = ("blink", "blinkLeft")
"""Expressions that shut her left eye."""
LIDS: Final = ("blink", "blinkLeft", "happy", "angry", "sad", "relaxed", "surprised")


def lid_moves(name: str, e: Points) -> tuple[Points, Points]:
    """Eyelid displacement, upper and lower, at e; half heights of the eye."""
    top, bottom = upper_lid(e), lower_lid(e)
    arch = 1 - e * e
    shut = -0.13 + 0.12 * e - 0.50 * arch**0.85
    if name in BLINKS:
        return shut - top, shut - bottom
    if name == "happy":
        smile = -0.15 + 0.05 * e + 0.52 * arch
        return smile - top, smile - bottom
    if name == "relaxed":
        return 0.36 * (shut - top), 0.16 * (shut - bottom)
    if name == "sad":
        return -0.10 * arch - 0.10 * (1 + e) * arch, 0.08 * arch
    if name == "angry":
        return (-0.16 - 0.16 * (1 - e)) * np.sqrt(arch), 0.10 * arch
    return 0.12 * np.sqrt(arch), -0.05 * arch  # surprised


def lip_line(s: Points) -> Points:
    """Lip line of the closed mouth at s: height above its middle, metres."""
    return np.asarray(0.0034 * np.abs(s) ** 1.7 - 0.0005 * np.exp(-((s / 0.25) ** 2)))


def lip_moves(name: str, s: Points) -> tuple[Points, Points, Points]:
    """Lip displacement at s: across, the upper one up, the lower one up; metres."""
    shape = LIPS[name]
    round_ = np.maximum(1 - np.minimum(np.abs(s), 1) ** 2.4, 0) ** (0.5 if name in ROUND_LIPS else 0.65)
    across = (shape.width - 1) * s * MOUTH_WIDTH
    corners = shape.corners * np.minimum(np.abs(s), 1) ** 1.8
    if name in ROUND_LIPS:
        corners = corners - lip_line(s)
    return across, corners + shape.up * round_, corners - shape.down * round_


def skin_moves(name: str, x: Points, y: Points) -> tuple[Points, Points]:
    """Skin displacement at x, y, across and up, metres; around the left eye and the whole mouth."""
    across, up = np.zeros_like(x), np.zeros_like(y)
    if name in LIDS:
        up += _around_eye(name, x, y)
        if not name.startswith("blink"):
            up += _around_eye(name, -x, y)
        if name == "blink":
            up += _around_eye("blinkLeft", -x, y)
    if name in LIPS:
        mouth = _around_mouth(name, x, y)
        across, up = across + mouth[0], up + mouth[1]
    return across, up


def _around_eye(name: str, x: Points, y: Points) -> Points:
    e, h = (x - EYE[0]) / EYE_SIZE[0], (y - EYE[1]) / EYE_SIZE[1]
    # The skin goes with the part of the rim that it sees from the eye's middle, less the farther it is.
    fine = -np.cos(np.linspace(0, np.pi, 181))
    rim = np.concatenate(
        [np.stack([fine, lower_lid(fine)], axis=1), np.stack([fine, upper_lid(fine)], axis=1)[-2:0:-1]]
    )
    bearing = np.unwrap(np.arctan2(rim[:, 1], rim[:, 0]))
    place = np.interp(
        bearing[0] + (np.arctan2(h, e) - bearing[0]) % (2 * np.pi), bearing, np.arange(len(rim))
    )
    rows = np.arange(len(rim))
    ahead, level = (np.interp(place, rows, rim[:, axis]) for axis in (0, 1))
    top, bottom = lid_moves(name, np.clip(ahead, -1, 1))
    away = np.hypot(e, h) / np.hypot(ahead, level)
    below = place < len(fine) - 1
    move = np.where(below, bottom, top) * (1 - smooth_step(away, 1.0, np.where(below, 1.28, 1.75)))
    return np.asarray(move * EYE_SIZE[1])


def _around_mouth(name: str, x: Points, y: Points) -> tuple[Points, Points]:
    s = (x - MOUTH[0]) / MOUTH_WIDTH
    inside = np.clip(s, -1, 1)
    across, upper, lower = lip_moves(name, inside)
    beyond = 1 - smooth_step((np.abs(s) - 1) * MOUTH_WIDTH, 0, 0.016)
    above = y - MOUTH[1] - lip_line(inside)
    fade = np.where(above >= 0, 1 - smooth_step(above, 0, 0.017), np.clip(1 + above / 0.042, 0, 1))
    return across * fade * beyond, np.where(above >= 0, upper, lower) * fade * beyond


def bulge(up: Points) -> Points:
    """Forward displacement of skin that slides up or down by ``up``, so that a lid passes before the eye."""
    return np.asarray(0.05 * np.abs(up))


def brow_moves(name: str, e: Points) -> Points:
    """Brow displacement at e, upward, metres."""
    shape = BROWS[name]
    return np.asarray(shape.inner + (shape.outer - shape.inner) * (e + 1) / 2)
