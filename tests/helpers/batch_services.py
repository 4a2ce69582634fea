"""Services for tests of runners: jobs that succeed, kill their worker, or never end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fakes import MagentaEstimator

from dance_now.batch.runners.runner import JobReporter
from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.core.processor_cores import available_cores
from dance_now.pose.model.detection import Person


@dataclass(frozen=True)
class ScriptedService:
    """Does what jobs say: ``double N``, ``die``, ``die once FILE``, ``hang``, ``process`` or ``cores``.

    Attributes:
        refusal: the message of the error with which it does not open; "" to open.
    """

    refusal: str = ""

    def open(self) -> Callable[[str, JobReporter], object]:
        """The function that does it."""
        if self.refusal:
            raise DanceNowError(self.refusal)
        return _perform


@dataclass(frozen=True)
class DyingService:
    """Kills its worker while it starts."""

    def open(self) -> Callable[[str, JobReporter], object]:
        """Never returns."""
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError


class WitnessedEstimator(MagentaEstimator):
    """Leaves the number of its process in a folder, so that tests can kill it; takes 20 ms for a frame."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.folder = folder

    def __call__(self, image: Image) -> tuple[Person, ...]:
        """Whoever is magenta."""
        (self.folder / str(os.getpid())).touch()
        time.sleep(0.02)
        return super().__call__(image)


def _perform(job: str, report: JobReporter) -> object:
    word, _, rest = job.partition(" ")
    report.progress(word, 1, 25)
    if word == "die" and (not rest or not _marked(Path(rest.removeprefix("once ")))):
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "hang":
        time.sleep(600)
    if word == "cores":
        return available_cores()
    return os.getpid() if word == "process" else 2 * int(rest) if word == "double" else word


def _marked(path: Path) -> bool:
    """Whether a file is there; if not, it is made."""
    if path.exists():
        return True
    path.write_bytes(b"")
    return False
