"""Pictures in which people are hard to find, made out of frames of real clips, with where the person is."""

from __future__ import annotations

import cv2
import numpy as np

from dance_now.core.arrays import Image

# Of the juggler's first frame, 1280x720, pixels.
NOSE = (703.0, 118.0)
HIPS = (707.0, 356.0)


def webcam(frame: Image, width: int) -> tuple[Image, tuple[float, float], float]:
    """A screen recording with the juggler's upper body in a corner: picture, nose, the corner's last row."""
    upper = frame[85:345, 410:872]
    slide = np.full((1080, 1920, 3), 250, np.uint8)
    for line in range(10):
        text = f"{line + 1}. def function_{line}(value): return value * {line}"
        cv2.putText(slide, text, (60, 70 + 60 * line), 0, 1.5, (40, 60, 60), 3)
    small = cv2.resize(upper, (width, width * 260 // 462), interpolation=cv2.INTER_AREA)
    top, left = 1060 - small.shape[0], 1900 - width
    slide[top:1060, left:1900] = small
    scale = width / 462
    return slide, (left + (NOSE[0] - 410) * scale, top + (NOSE[1] - 85) * scale), 1060.0


def far_away(frame: Image, share: float) -> tuple[Image, tuple[float, float]]:
    """The juggler as tall as a share of a plain picture: picture and nose."""
    scale = share * 1080 / 560
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    wide = np.full((1080, 1920, 3), (90, 130, 110), np.uint8)
    part = wide[400 : 400 + small.shape[0], 700 : 700 + small.shape[1]]
    part[:] = small[: part.shape[0], : part.shape[1]]
    return wide, (700 + NOSE[0] * scale, 400 + NOSE[1] * scale)


def behind_table(frame: Image, row: int = 400) -> Image:
    """A table in front of the juggler's legs, from a row down."""
    table = frame.copy()
    table[row:] = (120, 90, 70)
    table[row : row + 20] = (180, 150, 120)
    return table


def dark(image: Image, mean: float) -> Image:
    """A picture as a camera takes it in the dark: a mean level, and noise."""
    levels = image * (mean / image.mean()) + np.random.default_rng(0).normal(0, 0.7, image.shape)
    return np.clip(np.round(levels), 0, 255).astype(np.uint8)


def filled_beside_passer_by(frame: Image, other: Image) -> Image:
    """The juggler's upper body fills the right of a picture; somebody small and whole is on the left."""
    scene = np.full((720, 1280, 3), (100, 140, 120), np.uint8)
    scene[:, 560:] = cv2.resize(frame[60:360, 560:860], (720, 720), interpolation=cv2.INTER_CUBIC)
    small = cv2.resize(other, None, fx=0.26, fy=0.26, interpolation=cv2.INTER_AREA)[:520]
    scene[200 : 200 + small.shape[0], 100 : 100 + small.shape[1]] = small
    return scene
