"""Picture of what was found: outline, joints, eyes and mouth of a figure."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import Image
from dance_now.picture_rig.body_regions import bone_segments
from dance_now.picture_rig.face_finder import FaceFeatures
from dance_now.picture_rig.figure_joints import FigureJoints
from dance_now.picture_rig.figure_picture import FigurePicture

_SURE: Final = (30, 160, 60)
_UNSURE: Final = (240, 140, 0)
_OUTLINE: Final = (220, 30, 120)
_FACE: Final = (30, 90, 230)


def joints_sheet(figure: FigurePicture, joints: FigureJoints | None, face: FaceFeatures | None) -> Image:
    """(H, W, 3) the figure with its outline, and joints: green, or orange where they were guessed."""
    alpha = figure.alpha[..., None]
    sheet = np.clip(figure.rgb * (0.5 + 0.5 * alpha) + 127 * (1 - alpha) * 0.5, 0, 255).astype(np.uint8)
    size = max(1, round(max(sheet.shape) / 400))
    contours, _ = cv2.findContours(figure.mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(sheet, contours, -1, _OUTLINE, size, cv2.LINE_AA)
    if joints is not None:
        for start, end in (segment[:2] for segment in bone_segments(joints).values()):
            cv2.line(sheet, _pixel(start), _pixel(end), (255, 255, 255), 3 * size, cv2.LINE_AA)
            cv2.line(sheet, _pixel(start), _pixel(end), (90, 90, 90), size, cv2.LINE_AA)
        for name, point in joints.points.items():
            cv2.circle(sheet, _pixel(point), 4 * size, (255, 255, 255), -1, cv2.LINE_AA)
            color = _UNSURE if name in joints.unsure else _SURE
            cv2.circle(sheet, _pixel(point), 3 * size, color, -1, cv2.LINE_AA)
    if face is not None:
        for box in (*face.eyes.values(), *(() if face.mouth is None else (face.mouth,))):
            cv2.rectangle(sheet, _pixel(box[:2]), _pixel(box[2:]), _FACE, size, cv2.LINE_AA)
    return sheet


def _pixel(point: np.ndarray) -> tuple[int, int]:  # type: ignore[type-arg]
    return round(float(point[0])), round(float(point[1]))
