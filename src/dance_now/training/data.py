"""A data set in the original's layout, served as random windows."""

from __future__ import annotations

import json
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dance_now.arrays import FloatArray
from dance_now.errors import DanceNowError
from dance_now.pose.pose import Pose

Split = Literal["train", "test"]
Batches = Generator[tuple[Tensor, Tensor], None, None]
_LABEL_SUFFIX = "_keypoints.json"


class LabelledPictures:
    """The pictures and labels of one split of a data set.

    Pictures stay compressed in memory (about 60 KB each) and are decoded as they are drawn.

    Attributes:
        names: of the pictures, sorted.
        keypoints: (n, 137, 4) float32: x, y, depth, confidence in canvas px.
    """

    def __init__(self, folder: Path, split: Split) -> None:
        pictures = {path.stem: path for path in (folder / f"{split}_img").glob("*.png")}
        labels = {
            path.name.removesuffix(_LABEL_SUFFIX): path
            for path in (folder / f"{split}_label").glob(f"*{_LABEL_SUFFIX}")
        }
        self.names = sorted(pictures.keys() & labels.keys())
        if not self.names:
            raise DanceNowError(
                f"{folder} holds no pairs of {split}_img/NAME.png and {split}_label/NAME{_LABEL_SUFFIX}."
            )
        self._encoded = [np.frombuffer(pictures[name].read_bytes(), np.uint8) for name in self.names]
        self.keypoints = np.stack([read_label(labels[name]) for name in self.names])

    def __len__(self) -> int:
        return len(self.names)

    def picture(self, index: int) -> npt.NDArray[np.uint8]:
        """(H, W, 4) uint8 RGBA, straight alpha."""
        image = cv2.imdecode(self._encoded[index], cv2.IMREAD_UNCHANGED)
        if image is None or image.ndim != 3 or image.shape[2] != 4:
            raise DanceNowError(f"{self.names[index]}.png is no RGBA picture.")
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA), np.uint8)

    def windows(self, step: int, batch: int, side: int, seed: int) -> tuple[Tensor, Tensor]:
        """A random batch that depends on ``seed`` and ``step`` alone, so that a resumed run repeats it.

        Returns:
            keypoints (B, 137, 4) in pixels of the window, and the true picture (B, 4, side, side) as
            premultiplied RGBA in [0, 1].
        """
        generator = np.random.default_rng((seed, step))
        keypoints, pictures = [], []
        for index in generator.integers(len(self), size=batch):
            picture = self.picture(int(index))
            if min(picture.shape[:2]) < side:
                raise DanceNowError(f"{self.names[index]}.png is smaller than the windows of {side} pixels.")
            points = self.keypoints[index].copy()
            x, y = _window_corner(points, picture.shape[1], picture.shape[0], side, generator)
            points[:, 0] -= x
            points[:, 1] -= y
            keypoints.append(points)
            pictures.append(premultiplied(picture[y : y + side, x : x + side]))
        return torch.from_numpy(np.stack(keypoints)), torch.from_numpy(np.stack(pictures))

    def stream(self, first_step: int, batch: int, side: int, seed: int) -> Batches:
        """Batches from ``first_step`` on, each prepared while the one before is used."""
        with ThreadPoolExecutor(1) as pool:
            following = pool.submit(self.windows, first_step, batch, side, seed)
            step = first_step
            while True:
                current = following.result()
                step += 1
                following = pool.submit(self.windows, step, batch, side, seed)
                yield current


def premultiplied(picture: npt.NDArray[np.uint8]) -> FloatArray:
    """(H, W, 4) uint8 straight RGBA -> (4, H, W) float32 premultiplied, in [0, 1]."""
    values = picture.astype(np.float32) / 255
    values[..., :3] *= values[..., 3:]
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def read_label(path: Path) -> FloatArray:
    """(137, 4) float32 x, y, depth, confidence of the first person of a label file."""
    try:
        people: list[dict[str, Any]] = json.loads(path.read_text())["people"]
        pose = Pose.from_openpose(people[0])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise DanceNowError(f"{path} is no OpenPose label ({error}).") from error
    return np.concatenate([pose.points[:, :2], pose.depth[:, None], pose.points[:, 2:]], axis=1)


def _window_corner(
    points: FloatArray, width: int, height: int, side: int, generator: np.random.Generator
) -> tuple[int, int]:
    """Upper left corner of a window around one of the body points, inside the picture."""
    inside = (points[:25, 3] > 0) & (points[:25, 0] < width) & (points[:25, 1] < height)
    rows = np.flatnonzero(inside & (points[:25, :2] >= 0).all(axis=1))
    centre = points[generator.choice(rows), :2] if len(rows) else np.array([width / 2, height / 2])
    corner = centre - side / 2 + generator.uniform(-side / 3, side / 3, 2)
    limit = np.maximum(np.array([width, height]) - side, 0)
    x, y = np.clip(np.round(corner), 0, limit).astype(int)
    return int(x), int(y)
