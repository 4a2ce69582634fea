"""Pose overlay: keypoints and IDs drawn over an image for inspection."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import Image
from dance_now.pose.model.detection import Person
from dance_now.pose.model.keypoints import BODY, BODY_LIMBS, FACE, HAND_LIMBS, LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.pose import Pose

Color = tuple[int, int, int]

_SHIFT: Final = 4  # OpenCV takes coordinates in 1 / 2**shift pixels
_TRUSTED: Final = 0.2
_THICKNESS: Final = 0.011  # of the figure's extent
_FACE_COLOR: Final = (255, 255, 255)
_HEAD: Final = (0, 15, 16, 17, 18)


def _limbs() -> tuple[tuple[int, int, Color, float], ...]:
    """Style (start, end, color, width) of every limb, the hues once around the color circle."""
    body = [(*limb, _hue(index / len(BODY_LIMBS)), 1.0) for index, limb in enumerate(BODY_LIMBS)]
    hands = [
        (hand.start + start, hand.start + end, _hue(index / len(HAND_LIMBS)), 0.4)
        for hand in (LEFT_HAND, RIGHT_HAND)
        for index, (start, end) in enumerate(HAND_LIMBS)
    ]
    return tuple(body + hands)


def _hue(value: float) -> Color:
    red, green, blue = (round(255 * part) for part in colorsys.hsv_to_rgb(value, 0.85, 1.0))
    return red, green, blue


_LIMBS: Final = _limbs()


def draw_people(image: Image, people: Sequence[Person]) -> Image:
    """Draws everybody's limbs, and the ID over the head, on a copy of ``image`` (H, W, 3) uint8 RGB."""
    canvas = np.ascontiguousarray(image).copy()
    for person in people:
        canvas = draw_pose(canvas, person.detection.pose)
    for person in people:
        _draw_identity(canvas, person.detection.pose, str(person.identity))
    return canvas


def _draw_identity(canvas: Image, pose: Pose, text: str) -> None:
    shown = pose.body[:, 2] >= _TRUSTED
    if not shown.any():
        return
    side = max(canvas.shape[:2])
    tall = min(float(np.ptp(pose.body[shown, :2], axis=0).max()), side)
    over = [row for row in _HEAD if shown[row]] or np.flatnonzero(shown).tolist()
    points = np.clip(pose.body[over, :2], 0, side)
    radius = max(0.045 * tall, 8.0)
    x, y = float(points[:, 0].mean()), max(float(points[:, 1].min()) - 2.5 * radius, radius)
    cv2.circle(canvas, (round(x), round(y)), round(radius), (20, 20, 20), -1, cv2.LINE_AA)
    size = radius / 20
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, size, 1)
    place = (round(x - width / 2), round(y + height / 2))
    cv2.putText(canvas, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, _FACE_COLOR, 1, cv2.LINE_AA)


def draw_pose(image: Image, pose: Pose) -> Image:
    """Draws the limbs of ``pose`` (image pixels) on a copy of ``image`` (H, W, 3) uint8 RGB.

    Points with low confidence are left out. Line width scales with the figure.
    """
    canvas = np.ascontiguousarray(image).copy()
    side = max(image.shape[:2])
    # Far outside the image OpenCV's integers overflow.
    shown = (pose.points[:, 2] >= _TRUSTED) & (np.abs(pose.points[:, :2]) < 8 * side).all(axis=1)
    body = pose.points[BODY][shown[BODY], :2]
    extent = min(float(np.ptp(body, axis=0).max()), side) if len(body) else 0.0
    width = max(2.0, _THICKNESS * extent)
    # Ours: (0, 0) is the outer corner of the first pixel; OpenCV's: its centre.
    pixels = np.where(shown[:, None], (pose.points[:, :2] - 0.5) * (1 << _SHIFT), 0).round().astype(int)
    for start, end, color, share in _LIMBS:
        if shown[start] and shown[end]:
            thickness = max(1, round(width * share))
            line = (tuple(pixels[start].tolist()), tuple(pixels[end].tolist()))
            cv2.line(canvas, *line, color, thickness, cv2.LINE_AA, _SHIFT)
    for row in np.flatnonzero(shown).tolist():
        is_face = FACE.start <= row < FACE.stop
        radius = width * (0.75 if row < BODY.stop else 0.3)
        color = _FACE_COLOR if is_face or row < BODY.stop else (230, 230, 230)
        centre = tuple(pixels[row].tolist())
        cv2.circle(canvas, centre, round(radius * (1 << _SHIFT)), color, -1, cv2.LINE_AA, _SHIFT)
    return canvas
