"""Journal of a batch: ``report.jsonl`` in the output folder, one line of JSON for each source of each run."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, get_args

from dance_now.batch.batch_task import BatchResult, Status
from dance_now.batch.sharding import Shard
from dance_now.batch.storage import is_remote, join, read_small, write_small
from dance_now.core.atomic_write import append_line
from dance_now.core.errors import DanceNowError
from dance_now.core.limits import read_bounded

JOURNAL: Final = "report.jsonl"
_PATTERN: Final = "report*.jsonl"
_MAX_BYTES: Final = 1_000_000_000
_UPLOAD_EVERY: Final = 30.0  # seconds
_FIELDS: Final = {field.name: field.type for field in fields(BatchResult)}


class Journal:
    """Appends results to the journal of an output folder; use it as a context manager.

    A shard has a journal of its own, ``report-2-of-8.jsonl``: network file systems mix up what several
    machines append to one file. A remote journal is a copy that is uploaded twice a minute and in the end.
    """

    def __init__(self, folder: str, shard: Shard | None = None) -> None:
        """Reads what a remote folder's journal holds so far.

        Raises:
            DanceNowError: it cannot be read.
        """
        name = JOURNAL if shard is None else f"report-{shard.index}-of-{shard.count}.jsonl"
        self.path = join(folder, name)
        self._remote = b""
        self._uploaded = time.monotonic()
        self._is_remote = is_remote(folder)
        if self._is_remote:
            self._remote = read_small(self.path, _MAX_BYTES) or b""

    def write(self, result: BatchResult) -> None:
        """Appends a result.

        Raises:
            DanceNowError: it cannot be written; the batch should end, since others could not be either.
        """
        entry = {"time": datetime.now(UTC).isoformat(), **result.to_json()}
        line = json.dumps(entry, ensure_ascii=False).encode(errors="backslashreplace")
        if self._is_remote:
            self._remote += line + b"\n"
            if time.monotonic() - self._uploaded > _UPLOAD_EVERY:
                self.upload()
            return
        try:
            append_line(Path(self.path), line)
        except OSError as error:
            raise DanceNowError(f"{self.path} could not be written: {error.strerror or error}.") from error

    def upload(self) -> None:
        """Uploads a remote journal; for a local one there is nothing to do."""
        if self._is_remote and self._remote:
            write_small(self.path, self._remote)
            self._uploaded = time.monotonic()


def read_journals(folder: Path) -> list[BatchResult]:
    """The last result of each output, from all journals of a folder, in the order of the sources.

    Lines that are damaged are left out.

    Raises:
        DanceNowError: there is no journal, or it cannot be read.
    """
    journals = sorted(folder.glob(_PATTERN)) if folder.is_dir() else []
    if not journals:
        raise DanceNowError(f"{folder} holds no {JOURNAL}. Choose the output folder of a batch.")
    latest: dict[str, tuple[str, BatchResult]] = {}
    for path in journals:
        for written, result in _entries(read_bounded(path, _MAX_BYTES)):
            known = latest.get(result.output)
            if known is None or known[0] <= written:
                latest[result.output] = (written, result)
    return sorted((result for _, result in latest.values()), key=lambda result: result.source)


def _entries(content: bytes) -> Iterator[tuple[str, BatchResult]]:
    for line in content.splitlines():
        try:
            entry = json.loads(line)
            yield str(entry["time"]), _result(entry)
        except (ValueError, KeyError, TypeError, RecursionError):
            continue


def _result(entry: dict[str, Any]) -> BatchResult:
    """A result of a line.

    Raises:
        ValueError: values that no result has.
        KeyError: one is missing.
    """
    texts = {name: str(entry[name]) for name in ("source", "output", "status", "message", "host")}
    if texts["status"] not in get_args(Status):
        raise ValueError("unknown status")
    seconds = float(entry["seconds"])
    if not math.isfinite(seconds):
        raise ValueError("no time")
    return BatchResult(**texts, frames=int(entry["frames"]), missed=int(entry["missed"]), seconds=seconds)  # type: ignore[arg-type]
