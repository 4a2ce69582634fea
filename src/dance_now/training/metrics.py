"""How a drawn picture is scored against the true one."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.arrays import FloatArray

_HEIGHT = 256
_MARGIN = 8
_GREY = 0.5


@dataclass(frozen=True)
class Score:
    """One picture's score.

    Attributes:
        psnr: dB over the union of both silhouettes, dilated by 8 of 256 pixels, over mid-grey.
        iou: intersection over union of the silhouettes (alpha above one half).
    """

    psnr: float
    iou: float


def score(drawn: npt.NDArray[np.uint8], true: npt.NDArray[np.uint8]) -> Score:
    """Scores a drawn RGBA picture (H, W, 4) uint8 against the true one of the same size.

    Both are laid over mid-grey and area-reduced to 256 pixels in height first, and only the figure and its
    surroundings count: an empty background would flatter the score.
    """
    drawn_rgb, drawn_alpha = _over_grey(drawn)
    true_rgb, true_alpha = _over_grey(true)
    drawn_shape, true_shape = drawn_alpha > 0.5, true_alpha > 0.5
    union = drawn_shape | true_shape
    if not union.any():
        return Score(psnr=float("inf"), iou=1.0)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _MARGIN + 1, 2 * _MARGIN + 1))
    region = cv2.dilate(union.astype(np.uint8), kernel) > 0
    error = float(np.square(drawn_rgb - true_rgb)[region].mean())
    iou = float((drawn_shape & true_shape).sum() / union.sum())
    return Score(psnr=-10 * float(np.log10(max(error, 1e-10))), iou=iou)


def _over_grey(picture: npt.NDArray[np.uint8]) -> tuple[FloatArray, FloatArray]:
    values = picture.astype(np.float32) / 255
    values[..., :3] *= values[..., 3:]
    width = max(1, round(values.shape[1] * _HEIGHT / values.shape[0]))
    small = np.asarray(cv2.resize(values, (width, _HEIGHT), interpolation=cv2.INTER_AREA), np.float32)
    return small[..., :3] + _GREY * (1 - small[..., 3:]), small[..., 3]
