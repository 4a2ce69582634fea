"""Sample cache: decoded training images on the GPU or in memory where they fit, else compressed."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dance_now.core.arrays import FloatArray, Image
from dance_now.core.errors import DanceNowError
from dance_now.core.processor_cores import available_cores
from dance_now.pose.model.keypoints import BODY
from dance_now.training.data.dataset_reader import LabelledPictures, Skipped, log_skipped

logger = logging.getLogger(__name__)

_SHARE_OF_MEMORY: Final = 0.4  # of the free memory
_UNKNOWN_MEMORY: Final = 2**31  # bytes, assumed where the system does not report it
_AT_ONCE: Final = 256  # images decoded in parallel
_REACH: Final = 8  # canvas px, largest distance of a joint from its figure


class _Figure(NamedTuple):
    """Image trimmed to what is not clear or ignored.

    Attributes:
        x: left edge in the whole image, pixels.
        y: upper edge, pixels.
        picture: (h, w, 4 or 5) uint8, see ``SampleCache.crop``.
    """

    x: int
    y: int
    picture: Tensor


class SampleCache:
    """Cache of a split's images, from which crops are taken.

    All are decoded once, and pairs whose label misses the figure are skipped and counted. If memory is short,
    images stay compressed and are decoded for each crop, with the same result.

    Attributes:
        keypoints: (n, 137, 4) float32: x, y, depth, confidence in canvas px.
        size: (width, height) of every image, pixels.
        channels: of the crops: 5 if some images have ignore masks, else 4.
        device: of the crops.
        is_decoded: whether decoded images are kept.
        skipped: names of skipped pairs, by reason.
    """

    def __init__(
        self,
        pictures: LabelledPictures,
        device: torch.device,
        report: Callable[[int, int], None] = lambda done, total: None,
        memory_limit: int | None = None,
    ) -> None:
        """Decodes all images.

        Args:
            pictures: images and labels of one split.
            device: preferred device.
            report: called with images done and images in all.
            memory_limit: bytes of memory to use; by default this worker's part of what is free.

        Raises:
            DanceNowError: no image is usable.
        """
        memory_limit = (
            int(_SHARE_OF_MEMORY * free_memory() / _workers_here()) if memory_limit is None else memory_limit
        )
        figures: list[_Figure] = []
        usable, taken = [], 0
        self.skipped: Skipped = {}
        for index, figure in enumerate(_figures(pictures)):
            if isinstance(figure, str):
                self.skipped.setdefault(figure, []).append(pictures.names[index])
            else:
                usable.append(index)
                taken += figure.picture.numel()
                if taken <= memory_limit:
                    figures.append(figure)
                else:
                    figures.clear()
            report(index + 1, len(pictures))
        summary = log_skipped(pictures.folder, self.skipped)
        if not usable:
            raise DanceNowError(f"{pictures.folder} holds nothing to train on: {summary}.")
        self.keypoints = pictures.keypoints[usable]
        self.size = pictures.size
        self.channels = pictures.channels
        self.is_decoded = taken <= memory_limit
        if (
            self.is_decoded
            and device.type == "cuda"
            and taken > _SHARE_OF_MEMORY * torch.cuda.mem_get_info()[0]
        ):
            logger.info("the images do not fit into GPU memory")
            device = torch.device("cpu")
        self.device = device
        self._compressed = None if self.is_decoded else pictures
        self._usable = usable
        self._figures = [figure._replace(picture=figure.picture.to(device)) for figure in figures]
        logger.info("%d images, %.1f MB, decoded: %s", len(usable), taken / 1e6, self.is_decoded)

    def __len__(self) -> int:
        return len(self._usable)

    def crop(self, index: int, x: int, y: int, side: int) -> Tensor:
        """Crop (side, side, channels) of an image at (x, y), clear beyond the image.

        uint8 RGBA, straight alpha; the fifth channel is 255 where the image is to be ignored.
        """
        if self._compressed is None:
            figure = self._figures[index]
        else:
            figure = _trimmed(self._compressed.with_ignored(self._usable[index]))
        crop = torch.zeros(side, side, self.channels, dtype=torch.uint8, device=figure.picture.device)
        height, width = figure.picture.shape[:2]
        left, top = max(figure.x, x), max(figure.y, y)
        right, bottom = min(figure.x + width, x + side), min(figure.y + height, y + side)
        if left < right and top < bottom:
            crop[top - y : bottom - y, left - x : right - x] = figure.picture[
                top - figure.y : bottom - figure.y, left - figure.x : right - figure.x
            ]
        return crop


def free_memory() -> int:
    """Available memory in bytes, as far as the system reports it."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, ValueError, StopIteration):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return _UNKNOWN_MEMORY


def _workers_here() -> int:
    """Number of workers on this machine, from ``torchrun``'s environment."""
    return int(os.environ.get("LOCAL_WORLD_SIZE") or os.environ.get("WORLD_SIZE") or 1)


def _figures(pictures: LabelledPictures) -> Iterator[_Figure | str]:
    """Trimmed figures in order, or the reason why one is unusable; decoded on all cores, in chunks."""
    with ThreadPoolExecutor(available_cores()) as pool:
        for start in range(0, len(pictures), _AT_ONCE):
            indices = range(start, min(start + _AT_ONCE, len(pictures)))
            yield from pool.map(lambda index: _checked_figure(pictures, index), indices)


def _checked_figure(pictures: LabelledPictures, index: int) -> _Figure | str:
    try:
        picture = pictures.with_ignored(index)
    except DanceNowError:
        return "a damaged picture"
    if not picture[..., 3].any():
        return "an empty picture"
    if not _fits(pictures.keypoints[index], picture):
        return "a label that lies beside its figure"
    return _trimmed(picture)


def _fits(keypoints: FloatArray, picture: Image) -> bool:
    """Whether at least half of the joints inside an image lie on its figure."""
    height, width = picture.shape[:2]
    x, y = keypoints[BODY, :2][keypoints[BODY, 3] > 0].round().astype(int).T
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    hits = [
        picture[
            max(row - _REACH, 0) : row + _REACH + 1, max(column - _REACH, 0) : column + _REACH + 1, 3
        ].any()
        for column, row in zip(x[inside], y[inside], strict=True)
    ]
    return 2 * sum(map(bool, hits)) >= len(hits)


def _trimmed(picture: Image) -> _Figure:
    """Trims an image to its bounding box of what is not clear or ignored."""
    shown = picture[..., 3:].max(axis=2) > 0
    rows, columns = np.flatnonzero(shown.any(axis=1)), np.flatnonzero(shown.any(axis=0))
    top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    return _Figure(left, top, torch.from_numpy(picture[top:bottom, left:right].copy()))
