"""Configuration of the stick-figure generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dance_now.character.templates.sticks_arrays import SticksSize
from dance_now.training.train_config import PresetName


@dataclass(frozen=True, kw_only=True)
class SticksConfig:
    """Sizes of the body and head networks.

    Attributes:
        width: channels of the first level; 64 in pix2pixHD (182.5 million parameters), at most 18 within the
            size limit of character files.
        levels: downsamplings of the body network.
        blocks: residual blocks of the body network.
        head_size: side in canvas pixels of the head crop; a multiple of 4. None: 64 for images with OpenPose
            labels, else by the heads' size.
        head_width: channels of the head network's first level.
        head_blocks: its residual blocks.
    """

    width: int = 16
    levels: int = 4
    blocks: int = 9
    head_size: int | None = None
    head_width: int = 16
    head_blocks: int = 4

    def __post_init__(self) -> None:
        """Refuses what no character file can hold.

        Raises:
            ValueError: a size is out of range.
        """
        size = SticksSize.of(
            width=self.width,
            levels=self.levels,
            blocks=self.blocks,
            head_width=self.head_width,
            head_blocks=self.head_blocks,
        )
        size.shapes()


STICKS: Final[dict[PresetName, SticksConfig]] = {
    "debug": SticksConfig(width=4, levels=2, blocks=1, head_width=4, head_blocks=1),
    "quick": SticksConfig(),
    "standard": SticksConfig(),
    "full": SticksConfig(width=18, head_width=18),
}
