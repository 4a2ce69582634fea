"""Logging of a training run: JSON lines, and TensorBoard where it is installed."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from dance_now.core.atomic_write import replace_file
from dance_now.core.errors import DanceNowError
from dance_now.training.distributed import Worker


@dataclass(frozen=True)
class Progress:
    """Training progress, reported periodically.

    Attributes:
        step: steps done.
        steps: steps in all.
        loss: mean reconstruction loss since the last report.
        rate: images per second since this process began.
        remaining: seconds to the last step at this rate.
    """

    step: int
    steps: int
    loss: float
    rate: float
    remaining: float


class LossMeter:
    """Running means of the losses; tensors stay on their device until they are read."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Accumulates one step's scalar losses."""
        for name, loss in losses.items():
            value = loss.detach().float()
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] = self._counts.get(name, 0) + 1

    def is_finite(self) -> bool:
        """Whether every accumulated loss is finite."""
        return all(bool(torch.isfinite(total)) for total in self._sums.values())

    def means(self, worker: Worker) -> dict[str, float]:
        """Means over steps and workers by name; resets the meter."""
        names = sorted(self._sums)
        means = [self._sums[name] / self._counts[name] for name in names]
        worker.all_reduce_mean(means)
        self._sums, self._counts = {}, {}
        return {name: float(mean) for name, mean in zip(names, means, strict=True)}

    def state(self) -> dict[str, tuple[float, int]]:
        """State for a checkpoint."""
        return {name: (float(total), self._counts[name]) for name, total in self._sums.items()}

    def restore(self, state: Mapping[str, tuple[float, int]], device: torch.device) -> None:
        """Restores the state of a checkpoint."""
        self._sums = {name: torch.tensor(total, device=device) for name, (total, _) in state.items()}
        self._counts = {name: count for name, (_, count) in state.items()}


class RunLogger:
    """Logger to ``log.jsonl`` in a run's folder, and to ``tensorboard`` if that package is installed."""

    def __init__(self, folder: Path, step: int) -> None:
        """Opens the log at a step; later entries of an earlier process are removed.

        Raises:
            DanceNowError: the log cannot be written.
        """
        self._path = folder / "log.jsonl"
        self._keep_until(step)
        self._board = None
        if importlib.util.find_spec("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(folder / "tensorboard", purge_step=step + 1)

    def write(
        self,
        step: int,
        losses: Mapping[str, float],
        learning_rate: float,
        pictures_per_second: float,
        seconds: float,
    ) -> None:
        """Appends a log entry.

        Args:
            step: steps done.
            losses: means by name.
            learning_rate: of the decoder's parameters.
            pictures_per_second: throughput.
            seconds: training time so far, without interruptions.

        Raises:
            DanceNowError: the log cannot be written.
        """
        line = {
            "step": step,
            "losses": dict(losses),
            "learning_rate": learning_rate,
            "pictures_per_second": round(pictures_per_second, 2),
            "seconds": round(seconds, 1),
        }
        try:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as error:
            raise self._unwritable(error) from error
        if self._board is not None:
            for name, loss in losses.items():
                self._board.add_scalar(f"loss/{name}", loss, step)
            self._board.add_scalar("learning_rate", learning_rate, step)
            self._board.flush()

    def _keep_until(self, step: int) -> None:
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
            kept = "".join(f"{line}\n" for line in lines if _step_of(line) <= step)
            replace_file(self._path, kept.encode())
        except (OSError, UnicodeDecodeError) as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: Exception) -> DanceNowError:
        return DanceNowError(
            f"{self._path} could not be written: {getattr(error, 'strerror', None) or error}."
        )


def _step_of(line: str) -> float:
    """Step of a log line; infinity if the line is truncated."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")
