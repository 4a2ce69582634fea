"""Random windows on the figures: what a training step sees, decided by seed and step alone."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dance_now.core.arrays import FloatArray
from dance_now.core.errors import DanceNowError
from dance_now.training.data.pose_noise import disturbed
from dance_now.training.data.sample_cache import SampleCache
from dance_now.training.distributed import ALONE, Share
from dance_now.training.train_config import TrainingConfig

Batches = Callable[[int], tuple[Tensor, Tensor]]
"""Step -> a generator's inputs, and the true pictures (B, 4, H, W), premultiplied RGBA in [0, 1].

They depend on the step alone, so that a resumed run repeats them. Of several workers each gets its share.
"""


class _Window(NamedTuple):
    picture: int
    x: int
    y: int
    keypoints: FloatArray


class CropBatches:
    """Square windows that lie on the figure, in the pictures' own resolution.

    A studio's data set shows every fourth figure enlarged up to three times, drawn sharp by its renderer, so
    nothing is enlarged here.
    """

    def __init__(self, pictures: SampleCache, config: TrainingConfig, share: Share = ALONE) -> None:
        """Sets up the batches of a run.

        Raises:
            DanceNowError: the pictures are smaller than the windows.
        """
        if min(pictures.size) < config.window:
            raise DanceNowError(
                f"Pictures of {pictures.size[0]}x{pictures.size[1]} pixels are smaller than the windows of "
                f"{config.window} pixels."
            )
        self._pictures, self._config, self._share = pictures, config, share

    def __call__(self, step: int) -> tuple[Tensor, Tensor]:
        """This worker's share of a batch.

        Returns:
            keypoints (B, 137, 4) in pixels of the window, and the true picture (B, 4, side, side) as
            premultiplied RGBA in [0, 1], both on the pictures' device.
        """
        side, pictures = self._config.window, self._pictures
        windows = self._share.of([self._window(step, place) for place in range(self._config.batch)])
        keypoints = torch.from_numpy(np.stack([window.keypoints for window in windows]))
        true = torch.stack([pictures.window(each.picture, each.x, each.y, side) for each in windows])
        return keypoints.to(pictures.device), premultiplied(true)

    def _window(self, step: int, place: int) -> _Window:
        """What stands at a place of a step's batch."""
        chance = np.random.default_rng((self._config.seed, step, place))
        index = int(chance.integers(len(self._pictures)))
        keypoints = self._pictures.keypoints[index].copy()
        x, y = _corner(keypoints, self._pictures.size, self._config.window, chance)
        keypoints[:, 0] -= x
        keypoints[:, 1] -= y
        return _Window(index, x, y, disturbed(keypoints, self._config.pose_noise, chance))


def prefetched(batches: Batches, first_step: int) -> Generator[tuple[Tensor, Tensor], None, None]:
    """Batches from ``first_step`` on, each prepared while the one before is used."""
    with ThreadPoolExecutor(1) as pool:
        step, following = first_step, pool.submit(batches, first_step)
        while True:
            current = following.result()
            step += 1
            following = pool.submit(batches, step)
            yield current


def premultiplied(pictures: Tensor) -> Tensor:
    """(B, H, W, 4) uint8 straight RGBA -> (B, 4, H, W) float32 premultiplied, in [0, 1], channels last."""
    values = pictures.float() / 255
    values[..., :3] *= values[..., 3:]
    return values.permute(0, 3, 1, 2)


def _corner(
    points: FloatArray, size: tuple[int, int], side: int, chance: np.random.Generator
) -> tuple[int, int]:
    """Upper left corner of a window around one of the body points, inside the picture."""
    inside = (points[:25, 3] > 0) & ((points[:25, :2] >= 0) & (points[:25, :2] < size)).all(axis=1)
    centre = points[chance.choice(np.flatnonzero(inside)), :2]
    corner = centre - side / 2 + chance.uniform(-side / 3, side / 3, 2)
    x, y = np.clip(np.round(corner), 0, np.array(size) - side).astype(int)
    return int(x), int(y)
