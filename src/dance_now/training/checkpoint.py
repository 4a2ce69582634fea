"""What a run keeps on disk: whole or not at all, whatever ends the process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dance_now.core.atomic_write import discard, part_path
from dance_now.core.errors import DanceNowError


def save(path: Path, state: dict[str, Any]) -> None:
    """Writes a state beside ``path`` and then puts it in its place.

    Raises:
        DanceNowError: it cannot be written; what was there before is as it was.
    """
    part = part_path(path)
    try:
        with part.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    except (OSError, RuntimeError) as error:  # torch wraps the file's errors
        raise DanceNowError(
            f"{path} could not be written ({_cause(error)}); what was saved before stands."
        ) from error
    finally:
        discard(part)


def load(path: Path, device: torch.device) -> dict[str, Any]:
    """Reads a state with its "config"; plain data only, so that a stranger's file runs no code.

    Raises:
        DanceNowError: it is damaged.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location=device, weights_only=True)
        if not isinstance(state["config"], dict):
            raise TypeError("no configuration")
    except Exception as error:  # torch raises whatever the damage provokes
        raise DanceNowError(f"{path} is damaged; delete it to begin anew.") from error
    return state


@torch.no_grad()
def load_ema(path: Path, generator: nn.Module) -> None:
    """Gives a generator the averaged weights that a run saved as it went (``ema.pt``).

    Raises:
        DanceNowError: the file is damaged, or that of another generator.
    """
    average: dict[str, Tensor] = load(path, torch.device("cpu")).get("average", {})
    own = dict(generator.named_parameters())
    if {name: value.shape for name, value in own.items()} != {n: value.shape for n, value in average.items()}:
        raise DanceNowError(f"{path} was saved by another generator.")
    for name, value in own.items():
        value.copy_(average[name])


def _cause(error: BaseException) -> str:
    """What the system said, below what torch made of it."""
    while error.__context__ is not None:
        error = error.__context__
    return getattr(error, "strerror", None) or str(error).partition("\n")[0]
