"""Sizes of the stick generator."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dance_now.training.train_config import PresetName


@dataclass(frozen=True, kw_only=True)
class SticksConfig:
    """Sizes of body and head network.

    Attributes:
        width: channels of the first level; 64 in pix2pixHD (182.5 million parameters), of which a character
            file may hold what 18 need.
        levels: how often the body's picture is halved.
        blocks: residual blocks of the body network.
        head_size: side in canvas pixels of the square around the head that is drawn once more; a multiple
            of 4. None: 64 for the original's data, else as large as the heads are.
        head_width: channels of the head network's first level.
        head_blocks: its residual blocks.
    """

    width: int = 16
    levels: int = 4
    blocks: int = 9
    head_size: int | None = None
    head_width: int = 16
    head_blocks: int = 4


STICKS: Final[dict[PresetName, SticksConfig]] = {
    "debug": SticksConfig(width=4, levels=2, blocks=1, head_width=4, head_blocks=1),
    "quick": SticksConfig(),
    "standard": SticksConfig(),
    "full": SticksConfig(width=18, head_width=18),
}
