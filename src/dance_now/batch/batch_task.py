"""Task of a batch: one source, one output; and what became of it."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from dance_now.batch.runners.runner import JobReporter

Status = Literal["ok", "skipped", "error"]


@dataclass(frozen=True)
class Task:
    """One source and its output.

    Attributes:
        source: file, folder or URL.
        output: file, folder or URL to write.
        size: bytes of the source; what is larger takes longer.
    """

    source: str
    output: str
    size: int = 0


@dataclass(frozen=True)
class Outcome:
    """What a work counted while it wrote one output.

    Attributes:
        frames: frames written; 0 where there are none to count.
        missed: frames in which no person was found.
        skipped: damaged frames, left out.
        note: a line for the user, or "".
        output: what was written, where it is not the path that was asked for.
    """

    frames: int = 0
    missed: int = 0
    skipped: int = 0
    note: str = ""
    output: Path | None = None


@dataclass(frozen=True)
class BatchResult:
    """What became of one source of a batch.

    Attributes:
        source: as it was given.
        output: file, folder or URL.
        status: ``ok``, ``skipped`` (done before) or ``error``.
        message: of an error, or a note; one line.
        frames: frames written.
        missed: frames in which no person was found.
        seconds: wall time that it took.
        host: name of the machine.
    """

    source: str
    output: str
    status: Status
    message: str = ""
    frames: int = 0
    missed: int = 0
    seconds: float = 0.0
    host: str = field(default_factory=socket.gethostname)

    def to_json(self) -> dict[str, Any]:
        """As the journal holds it."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}


class Process(Protocol):
    """Processes files one after the other with networks that stay loaded."""

    def __call__(self, source: str, output: Path, overwrite: bool, report: JobReporter) -> Outcome:
        """Processes one file of this machine.

        Args:
            source: file or folder.
            output: to write, atomically.
            overwrite: replace an earlier one.
            report: told about length and progress.

        Raises:
            DanceNowError: it cannot be done.
        """
        ...


class Work(Protocol):
    """What a batch does with each source. It is pickled for workers, and opened once in each."""

    def identity(self) -> Mapping[str, Any]:
        """What results depend on besides the source: options and hashes of files, as JSON.

        Raises:
            DanceNowError: a file that cannot be read; no task is begun.
        """
        ...

    def output_name(self, source: str, name: str) -> str:
        """Name of the output of a source.

        Args:
            source: path or URL.
            name: its last part.
        """
        ...

    def open(self) -> Process:
        """Loads what all sources need.

        Raises:
            DanceNowError: it cannot be loaded.
        """
        ...
