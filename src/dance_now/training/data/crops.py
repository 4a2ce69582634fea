"""Random crops of figures as training batches, deterministic in seed and step."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dance_now.core.arrays import FloatArray
from dance_now.core.errors import DanceNowError
from dance_now.training.data.pose_noise import add_pose_noise
from dance_now.training.data.sample_cache import SampleCache
from dance_now.training.distributed import SINGLE_WORKER, Worker
from dance_now.training.train_config import TrainingConfig

Batches = Callable[[int], tuple[Tensor, Tensor]]
"""Batches: step -> generator inputs, and ground truth (B, 4 or 5, H, W), premultiplied RGBA in [0, 1].

A fifth channel is 1 where the image is to be ignored.

They depend on the step alone, so that a resumed run repeats them. Each of several workers gets its shard.
"""


class _Crop(NamedTuple):
    picture: int
    x: int
    y: int
    keypoints: FloatArray


class CropBatches:
    """Batches of square crops that lie on the figure, at the images' own resolution.

    A rendered data set shows every fourth figure as a close-up, up to three times as large and sharp, so
    crops are not rescaled.
    """

    def __init__(
        self,
        pictures: SampleCache,
        config: TrainingConfig,
        worker: Worker = SINGLE_WORKER,
        balance: FloatArray | None = None,
    ) -> None:
        """Sets up the batches of a run.

        Args:
            pictures: images and keypoints.
            config: seed, batch and crop.
            worker: whose shard of the batches it is.
            balance: (n,) sampling probabilities, see ``pose_balance``; by default all images count alike.

        Raises:
            DanceNowError: the images are smaller than the crops.
        """
        if min(pictures.size) < config.crop:
            raise DanceNowError(
                f"Images of {pictures.size[0]}x{pictures.size[1]} pixels are smaller than the crops of "
                f"{config.crop} pixels: choose larger images or smaller crops."
            )
        self._pictures, self._config, self._worker = pictures, config, worker
        self._cumulated = None if balance is None else np.cumsum(balance.astype(np.float64))

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """This worker's shard of a batch.

        Returns:
            keypoints (B, 137, 4) in pixels of the crop, and the ground truth (B, 4 or 5, side, side) as
            premultiplied RGBA in [0, 1] and what to ignore, on the cache's device.
        """
        side, pictures = self._config.crop, self._pictures
        crops = self._worker.shard([self._crop(step, place) for place in range(self._config.batch)])
        keypoints = torch.from_numpy(np.stack([crop.keypoints for crop in crops]))
        true = torch.stack([pictures.crop(each.picture, each.x, each.y, side) for each in crops])
        return keypoints.to(pictures.device), premultiplied(true)

    def pictures(self, step: int) -> Tensor:
        """Which images (B,) int64 are in this worker's shard of a batch."""
        places = self._worker.shard(range(self._config.batch))
        return torch.tensor([self._chosen(self._random(step, place)) for place in places])

    def _random(self, step: int, place: int) -> np.random.Generator:
        return np.random.default_rng((self._config.seed, step, place))

    def _chosen(self, rng: np.random.Generator) -> int:
        if self._cumulated is None:
            return int(rng.integers(len(self._pictures)))
        place = rng.random() * self._cumulated[-1]
        return int(np.searchsorted(self._cumulated, place, side="right"))

    def _crop(self, step: int, place: int) -> _Crop:
        """Crop at a position of a step's batch."""
        rng = self._random(step, place)
        index = self._chosen(rng)
        keypoints = self._pictures.keypoints[index].copy()
        x, y = _corner(keypoints, self._pictures.size, self._config.crop, rng)
        keypoints[:, 0] -= x
        keypoints[:, 1] -= y
        return _Crop(index, x, y, add_pose_noise(keypoints, self._config.pose_noise, rng))


def prefetch(batches: Batches, first_step: int) -> Generator[tuple[Tensor, Tensor], None, None]:
    """Prefetches batches from ``first_step`` on: each is prepared while the one before is used."""
    with ThreadPoolExecutor(1) as pool:
        step, following = first_step, pool.submit(batches, first_step)
        while True:
            current = following.result()
            step += 1
            following = pool.submit(batches, step)
            yield current


def premultiplied(pictures: Tensor) -> Tensor:
    """Converts (B, H, W, C) uint8 straight RGBA to (B, C, H, W) float32 premultiplied, channels last."""
    values = pictures.float() / 255
    values[..., :3] *= values[..., 3:4]
    return values.permute(0, 3, 1, 2)


def _corner(
    points: FloatArray, size: tuple[int, int], side: int, rng: np.random.Generator
) -> tuple[int, int]:
    """Upper left corner of a crop around one of the body points, inside the image."""
    inside = (points[:25, 3] > 0) & ((points[:25, :2] >= 0) & (points[:25, :2] < size)).all(axis=1)
    centre = points[rng.choice(np.flatnonzero(inside)), :2]
    corner = centre - side / 2 + rng.uniform(-side / 3, side / 3, 2)
    x, y = np.clip(np.round(corner), 0, np.array(size) - side).astype(int)
    return int(x), int(y)
