"""Head crops, real and generated: training data of the head network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import torch
from torch import Tensor

from dance_now.core.arrays import FloatArray, Image
from dance_now.core.atomic_write import replace_file
from dance_now.core.errors import DanceNowError
from dance_now.media.image.photo_sink import encode_image
from dance_now.training.data.crops import premultiplied
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.distributed import SINGLE_WORKER, Worker
from dance_now.training.sticks.sticks_generator import SticksGenerator
from dance_now.training.train_config import TrainingConfig

Draw = Callable[[int], Image]
Progress = Callable[[int, int], None]

_LARGEST, _SMALLEST, _STEP = 256, 64, 16
_WHOLE_HEAD: Final = 1.9  # distances of the ears
_EARS: Final = (17, 18)


def typical_head_size(keypoints: FloatArray) -> int:
    """Typical side in pixels of a square crop that holds the heads of whole figures (n, 137, 4)."""
    ears = np.linalg.norm(keypoints[:, _EARS[0], :3] - keypoints[:, _EARS[1], :3], axis=1)
    side = _WHOLE_HEAD * float(np.median(ears))
    return int(np.clip(_STEP * round(side / _STEP), _SMALLEST, _LARGEST))


def write_head_crops(
    folder: Path, generator: SticksGenerator, pictures: LabelledPictures, draw: Draw, progress: Progress
) -> None:
    """Writes the head crop of each image as folder/NAME.png; existing files are kept.

    Args:
        folder: created if needed.
        generator: defines the crops.
        pictures: their labels and names.
        draw: index -> (512, 512, 4) uint8 straight RGBA.
        progress: called with heads done and heads in all.

    Raises:
        DanceNowError: the folder cannot be written.
    """
    square = generator.square
    corners = square.corner(torch.from_numpy(pictures.keypoints)).numpy().astype(int)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for index, name in enumerate(pictures.names):
            path = folder / f"{name}.png"
            if not path.exists():
                head = _cut(draw(index), corners[index], square.side)
                replace_file(path, encode_image(head, ".png"))
            progress(index + 1, len(pictures))
    except OSError as error:
        raise DanceNowError(f"{folder} cannot be written: {error.strerror or error}.") from error


class HeadBatches:
    """Batches of the head stage: (generated heads and sticks (B, 19, S, S), real heads (B, 4, S, S))."""

    def __init__(
        self,
        real: Path,
        drawn: Path,
        generator: SticksGenerator,
        pictures: LabelledPictures,
        config: TrainingConfig,
        worker: Worker = SINGLE_WORKER,
    ) -> None:
        """Reads the head crops of two folders.

        Raises:
            DanceNowError: crops are missing, or have another size.
        """
        self._generator, self._config, self._worker = generator, config, worker
        self._keypoints = torch.from_numpy(pictures.keypoints)
        side = generator.square.side
        self._real, self._drawn = (
            torch.from_numpy(np.stack([_read(folder / f"{name}.png", side) for name in pictures.names]))
            for folder in (real, drawn)
        )

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """This worker's shard of a batch."""
        rng = np.random.default_rng((self._config.seed, step, 1))
        chosen = rng.integers(len(self._real), size=self._config.batch).tolist()
        rows = torch.tensor(list(self._worker.shard(chosen)))
        keypoints = self._keypoints[rows]
        corner = self._generator.square.corner(keypoints)
        with torch.no_grad():
            inputs = self._generator.head_inputs(premultiplied(self._drawn[rows]), keypoints, corner)
        return inputs, premultiplied(self._real[rows])


def _cut(picture: Image, corner: FloatArray, side: int) -> Image:
    left, top = (int(value) for value in corner)
    height, width = picture.shape[:2]
    square = np.zeros((side, side, picture.shape[2]), np.uint8)
    x, y = np.clip([left, left + side], 0, width), np.clip([top, top + side], 0, height)
    square[y[0] - top : y[1] - top, x[0] - left : x[1] - left] = picture[y[0] : y[1], x[0] : x[1]]
    return square


def _read(path: Path, side: int) -> Image:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    if image is None:
        raise DanceNowError(f"{path} is missing or damaged: run the stage that writes it first.")
    if image.shape != (side, side, 4):
        raise DanceNowError(
            f"{path} has another size than {side}x{side}: delete {path.parent} to start again."
        )
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA), np.uint8)
