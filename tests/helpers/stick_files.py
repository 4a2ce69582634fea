"""Made-up characters of the ``sticks`` template."""

from __future__ import annotations

from typing import Any

import numpy as np

from dance_now.character.templates.sticks_arrays import SticksSize


def sticks_arrays(
    *,
    width: int = 2,
    levels: int = 2,
    blocks: int = 1,
    head_width: int = 2,
    head_blocks: int = 1,
    side: int = 32,
) -> dict[str, np.ndarray[Any, Any]]:
    """Arrays with random weights."""
    size = SticksSize.of(
        width=width, levels=levels, blocks=blocks, head_width=head_width, head_blocks=head_blocks
    )
    chance = np.random.default_rng(0)
    arrays: dict[str, Any] = {"head_side": np.array(side, np.uint32)}
    for name, shape in size.shapes().items():
        if name != "head_side":
            dtype = np.float32 if name.endswith("_bias") else np.float16
            arrays[name] = chance.normal(0, 0.2, shape).astype(dtype)
    return arrays
