"""Scores a character on poses it never saw, and draws true and drawn side by side."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.character.character import Character
from dance_now.errors import DanceNowError
from dance_now.pose.pose import Pose
from dance_now.training.data import LabelledPictures
from dance_now.training.metrics import score

_BACKDROP = np.array([200, 220, 255], np.float32)


@dataclass(frozen=True)
class Evaluation:
    """Medians over the test split of a data set.

    Attributes:
        pictures: how many were scored.
        psnr: median, dB.
        psnr_low: 10th percentile, dB.
        iou: median.
    """

    pictures: int
    psnr: float
    psnr_low: float
    iou: float


def evaluate(
    character: Character,
    dataset: Path,
    sheet: Path | None = None,
    limit: int = 300,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Draws the labels of ``dataset``'s test split and compares with its pictures.

    Args:
        sheet: where to write a PNG of twelve pairs, evenly spread; left true, right drawn.
        limit: at most this many pictures, evenly spread.

    Raises:
        DanceNowError: an unusable data set, a character of another body, or a sheet that cannot be written.
    """
    pictures = LabelledPictures(dataset, "test")
    chosen = np.unique(np.linspace(0, len(pictures) - 1, min(limit, len(pictures))).round().astype(int))
    shown = set(np.unique(np.linspace(0, len(chosen) - 1, 12).round().astype(int)).tolist())
    scores, pairs = [], []
    for position, index in enumerate(chosen):
        label = pictures.keypoints[index]
        pose = Pose(label[:, [0, 1, 3]], label[:, 2], label[:, 3] > 0)
        true, drawn = pictures.picture(int(index)), character.draw(pose)
        scores.append(score(drawn, true))
        if position in shown:
            pairs.append(np.hstack([over(true), over(drawn)]))
        report(position + 1, len(chosen))
    if sheet is not None:
        _write_png(sheet, contact_sheet(pairs, columns=3))
    psnr = [each.psnr for each in scores]
    iou = [each.iou for each in scores]
    return Evaluation(
        len(scores), float(np.median(psnr)), float(np.percentile(psnr, 10)), float(np.median(iou))
    )


def _write_png(path: Path, picture: npt.NDArray[np.uint8]) -> None:
    encoded, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    if not encoded:
        raise DanceNowError(f"{path} could not be encoded.")
    try:
        path.write_bytes(data.tobytes())
    except OSError as error:
        raise DanceNowError(f"{path} could not be written: {error.strerror or error}.") from error


def over(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Lays an RGBA picture (H, W, 4) over a pale blue; (H, W, 3)."""
    alpha = picture[..., 3:].astype(np.float32) / 255
    return (picture[..., :3] * alpha + _BACKDROP * (1 - alpha) + 0.5).astype(np.uint8)


def contact_sheet(tiles: list[npt.NDArray[np.uint8]], columns: int) -> npt.NDArray[np.uint8]:
    """Tiles (H, W, 3) of one size in rows of ``columns``."""
    rows = math.ceil(len(tiles) / columns)
    empty = np.full_like(tiles[0], 255)
    filled = tiles + [empty] * (rows * columns - len(tiles))
    return np.vstack([np.hstack(filled[row * columns : (row + 1) * columns]) for row in range(rows)])
