"""What is told of a run while it goes on: a log of JSON lines, TensorBoard where it is installed."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from dance_now.core.atomic_write import part_path
from dance_now.core.errors import DanceNowError
from dance_now.training.distributed import Share


@dataclass(frozen=True)
class Progress:
    """Told to the caller now and then.

    Attributes:
        step: steps done.
        steps: steps in all.
        loss: mean reconstruction loss since the last report.
        rate: pictures a second since this process began.
        remaining: seconds to the last step at this rate.
    """

    step: int
    steps: int
    loss: float
    rate: float
    remaining: float


class Meter:
    """Means of the losses since they were last asked for; they stay on their device until then."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._counts: dict[str, int] = {}

    def add(self, losses: Mapping[str, Tensor]) -> None:
        """Adds one step's losses, each a number."""
        for name, loss in losses.items():
            value = loss.detach().float()
            self._sums[name] = self._sums[name] + value if name in self._sums else value
            self._counts[name] = self._counts.get(name, 0) + 1

    def is_finite(self) -> bool:
        """Whether every loss since the last means was a number."""
        return all(bool(torch.isfinite(total)) for total in self._sums.values())

    def means(self, share: Share) -> dict[str, float]:
        """The means over all workers by name; begins anew."""
        names = sorted(self._sums)
        means = [self._sums[name] / self._counts[name] for name in names]
        share.average(means)
        self._sums, self._counts = {}, {}
        return {name: float(mean) for name, mean in zip(names, means, strict=True)}

    def state(self) -> dict[str, tuple[float, int]]:
        """For a checkpoint."""
        return {name: (float(total), self._counts[name]) for name, total in self._sums.items()}

    def restore(self, state: Mapping[str, tuple[float, int]], device: torch.device) -> None:
        """From a checkpoint."""
        self._sums = {name: torch.tensor(total, device=device) for name, (total, _) in state.items()}
        self._counts = {name: count for name, (_, count) in state.items()}


class RunLogger:
    """``log.jsonl`` in a run's folder, and ``tensorboard`` beside it if that package is installed."""

    def __init__(self, folder: Path, step: int) -> None:
        """Continues at a step: what an earlier process logged beyond it is taken back.

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
        """Adds a line.

        Args:
            step: steps done.
            losses: means by name.
            learning_rate: of the decoder.
            pictures_per_second: drawn.
            seconds: the run has taken in all, interruptions taken off.

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
        part = part_path(self._path)
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines() if self._path.exists() else []
            part.write_text(
                "".join(f"{line}\n" for line in lines if _step_of(line) <= step), encoding="utf-8"
            )
            os.replace(part, self._path)
        except (OSError, UnicodeDecodeError) as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: Exception) -> DanceNowError:
        return DanceNowError(
            f"{self._path} could not be written: {getattr(error, 'strerror', None) or error}."
        )


def _step_of(line: str) -> float:
    """Infinity for a line that was cut."""
    try:
        return int(json.loads(line)["step"])
    except (ValueError, KeyError, TypeError):
        return float("inf")
