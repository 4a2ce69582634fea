"""Preview sheet of a training run: ground truth beside prediction for a few fixed poses."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

import numpy as np
import torch
from torch import Tensor

from dance_now.core.arrays import Image
from dance_now.core.atomic_write import replace_file
from dance_now.core.errors import DanceNowError
from dance_now.media.image.photo_sink import encode_image
from dance_now.training.data.crops import premultiplied
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.losses.objective import ImageGenerator

_PAIRS: Final = 6
_COLUMNS: Final = 3
_BACKDROP: Final = (0.78, 0.86, 1.0)  # pale blue: shows both white and dark rims


class PreviewSheet:
    """Preview sheet: left ground truth, right prediction."""

    def __init__(self, inputs: Tensor, true: Tensor) -> None:
        """Sets the samples.

        Args:
            inputs: (n, ...) generator inputs.
            true: (n, 4, H, W) premultiplied RGBA, on the same device.
        """
        self._inputs, self._true = inputs, true

    @classmethod
    def of(cls, pictures: LabelledPictures, device: torch.device) -> Self:
        """Takes a few images of a split, evenly spread."""
        chosen = np.unique(np.linspace(0, len(pictures) - 1, _PAIRS).round().astype(int)).tolist()
        true = premultiplied(torch.from_numpy(np.stack([pictures.picture(index) for index in chosen])))
        return cls(torch.from_numpy(pictures.keypoints[chosen]).to(device), true.to(device))

    @torch.no_grad()
    def write(self, path: Path, draw: ImageGenerator) -> None:
        """Renders the sheet as a PNG, written atomically.

        Raises:
            DanceNowError: it cannot be written.
        """
        size = (self._true.shape[2], self._true.shape[3])
        drawn = [draw(each[None], size)[0] for each in self._inputs]
        pairs = [
            np.hstack([_over_backdrop(true), _over_backdrop(mine)])
            for true, mine in zip(self._true, drawn, strict=True)
        ]
        pairs += [np.full_like(pairs[0], 255)] * (-len(pairs) % min(_COLUMNS, len(pairs)))
        columns = min(_COLUMNS, len(pairs))
        rows = [np.hstack(pairs[start : start + columns]) for start in range(0, len(pairs), columns)]
        try:
            replace_file(path, encode_image(np.vstack(rows), ".png"))
        except OSError as error:
            raise DanceNowError(f"{path} could not be written: {error.strerror or error}.") from error


def _over_backdrop(picture: Tensor) -> Image:
    """Composites (4, H, W) premultiplied RGBA over the backdrop -> (H, W, 3) uint8."""
    picture = picture.float().clamp(0, 1)
    backdrop = torch.tensor(_BACKDROP, device=picture.device)[:, None, None]
    laid = picture[:3] + backdrop * (1 - picture[3:])
    return np.asarray((laid.permute(1, 2, 0).cpu() * 255).round().clamp(0, 255).to(torch.uint8).numpy())
