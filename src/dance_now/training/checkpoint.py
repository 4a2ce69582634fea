"""Atomic checkpoints of a training run: fsync, rename, and ``weights_only`` loading."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dance_now.core.atomic_write import replacing
from dance_now.core.errors import DanceNowError


def save(path: Path, state: dict[str, Any]) -> None:
    """Saves a state atomically: it is written beside ``path`` and then renamed.

    Raises:
        DanceNowError: it cannot be written; the previous file is unchanged.
    """
    try:
        with replacing(path) as part, part.open("wb") as file:
            torch.save(state, file)
    except (OSError, RuntimeError) as error:  # torch wraps the file's errors
        raise DanceNowError(
            f"{path} could not be written ({_cause(error)}); the previous checkpoint is unchanged."
        ) from error


def load(path: Path, device: torch.device) -> dict[str, Any]:
    """Loads a state with its "config"; tensors and plain data only, so that untrusted files run no code.

    Raises:
        DanceNowError: it is damaged.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        if not isinstance(state["config"], dict):
            raise TypeError("no configuration")
    except Exception as error:  # torch raises whatever the damage provokes
        raise DanceNowError(f"{path} is damaged; delete it to start again.") from error
    return state


@torch.no_grad()
def load_ema(path: Path, generator: nn.Module) -> None:
    """Loads the EMA weights that a run saved (``ema.pt``) into a generator.

    Raises:
        DanceNowError: the file is damaged, or of another network.
    """
    ema: dict[str, Tensor] = load(path, torch.device("cpu")).get("average", {})
    own = dict(generator.named_parameters())
    if {name: value.shape for name, value in own.items()} != {n: value.shape for n, value in ema.items()}:
        raise DanceNowError(f"{path} was saved from another network; give the one that it belongs to.")
    for name, value in own.items():
        value.copy_(ema[name])


def _cause(error: BaseException) -> str:
    """Message of the operating system's error that torch wraps."""
    while error.__context__ is not None:
        error = error.__context__
    return getattr(error, "strerror", None) or str(error).partition("\n")[0]
