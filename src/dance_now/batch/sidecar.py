"""Sidecar of a result: JSON beside it with hashes of all that it was made from, so that reruns can skip."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dance_now import __version__
from dance_now.batch.batch_task import Outcome, Task
from dance_now.batch.storage import is_remote, read_small, stamp, write_small
from dance_now.core.errors import DanceNowError
from dance_now.core.limits import parse_json

SUFFIX: Final = ".json"
_SCHEMA: Final = 1
_MAX_BYTES: Final = 1_000_000


def file_hash(path: Path) -> str:
    """SHA-256 of a file; of a folder, over the names and contents of its files.

    Raises:
        DanceNowError: unreadable, or neither a file nor a folder.
    """
    try:
        if path.is_dir():
            digest = hashlib.sha256()
            for each in sorted(each for each in path.iterdir() if each.is_file()):
                digest.update(f"{each.name}\0{file_hash(each)}\0".encode(errors="surrogateescape"))
            return digest.hexdigest()
        if not path.is_file():  # a pipe would never end
            reason = "is neither a file nor a folder" if path.exists() else "does not exist"
            raise DanceNowError(f"{path} {reason}.")
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DanceNowError(f"{path} cannot be read: {error.strerror or error}.") from error


@dataclass(frozen=True)
class Sidecar:
    """What a result was made from.

    Attributes:
        identity: of the work: options and hashes of files.
        version: of dance-now.
        source_hash: SHA-256 of the source.
        source_stamp: of the source when it was read, see ``stamp``.
        output_stamp: of the finished output; "" while it is being made.
        outcome: frames and the like, of a finished one.
    """

    identity: Mapping[str, Any]
    version: str
    source_hash: str
    source_stamp: str
    output_stamp: str = ""
    outcome: Mapping[str, Any] | None = None

    @staticmethod
    def path(output: str) -> str:
        """Where the sidecar of an output lies."""
        return f"{output}{SUFFIX}"

    @classmethod
    def read(cls, output: str) -> Sidecar | None:
        """Reads the sidecar of an output; None where there is none, or another kind of file."""
        content = read_small(cls.path(output), _MAX_BYTES)
        try:
            entries = None if content is None else parse_json(content, _MAX_BYTES)
            if not isinstance(entries, dict) or entries.get("schema") != _SCHEMA:
                return None
            outcome = entries["outcome"]
            return cls(
                dict(entries["identity"]),
                str(entries["version"]),
                str(entries["source_sha256"]),
                str(entries["source_stamp"]),
                str(entries["output_stamp"]),
                dict(outcome) if outcome else None,
            )
        except (ValueError, KeyError, TypeError):
            return None

    def write(self, output: str) -> None:
        """Writes it beside an output.

        Raises:
            DanceNowError: it cannot be written.
        """
        entries = {
            "schema": _SCHEMA,
            "version": self.version,
            "identity": self.identity,
            "source_sha256": self.source_hash,
            "source_stamp": self.source_stamp,
            "output_stamp": self.output_stamp,
            "outcome": self.outcome,
        }
        write_small(self.path(output), (json.dumps(entries, indent=1, sort_keys=True) + "\n").encode())


class Existing:
    """What is known about an output before it is made: may it be skipped, made, or is it refused?"""

    def __init__(self, task: Task, identity: Mapping[str, Any]) -> None:
        """Looks at output and sidecar; reads neither the output nor the source.

        Raises:
            DanceNowError: they cannot be looked at.
        """
        self._task = task
        self._identity = identity
        self.output_stamp = output_stamp(task.output)
        self.sidecar = Sidecar.read(task.output) if self.output_stamp else None

    def is_done(self, source_hash: str | None = None) -> bool:
        """Whether the output is there, unchanged, and made from the same.

        Args:
            source_hash: of the source as it is now; without, its stamp must be the one that was recorded.
        """
        made = self.sidecar
        if made is None or not made.output_stamp or made.output_stamp != self.output_stamp:
            return False
        if source_hash is None and made.source_stamp != stamp(self._task.source):
            return False
        return self._difference(source_hash) == ""

    def check_replaceable(self, source_hash: str) -> None:
        """Checks that the output may be written although there is one: it was begun from the same.

        Raises:
            DanceNowError: it was made by something else, or from something else.
        """
        output = self._task.output
        if not self.output_stamp:
            return
        made = self.sidecar
        if made is None:
            raise DanceNowError(f"{output} already exists. Set overwrite to replace it.")
        difference = self._difference(source_hash)
        if difference:
            raise DanceNowError(f"{output} was made with {difference}. Set overwrite to replace it.")
        if made.output_stamp:
            raise DanceNowError(f"{output} was changed since it was made. Set overwrite to replace it.")

    def _difference(self, source_hash: str | None) -> str:
        """In what the output's making differed, for people; "" if it did not."""
        made = self.sidecar
        assert made is not None
        if made.version != __version__:
            return f"dance-now {made.version}"
        old, new = _flat(made.identity), _flat(_as_json(self._identity))
        changed = sorted(name for name in {*old, *new} if old.get(name) != new.get(name))
        if changed:
            return f"another {' and '.join(changed)}"
        if source_hash is not None and made.source_hash != source_hash:
            return "another content of its source"
        return ""


def output_stamp(output: str) -> str:
    """What changes when an output is changed; "" if there is none.

    That is a file's size, since times do not survive copies; of a folder, whether it holds anything.
    """
    if is_remote(output):
        return stamp(output)
    path = Path(output)
    try:
        if path.is_dir():
            return "folder" if any(path.iterdir()) else ""
        return str(path.stat().st_size)
    except OSError:
        return ""


def finished(task: Task, identity: Mapping[str, Any], hashes: tuple[str, str], outcome: Outcome) -> Sidecar:
    """Sidecar of a finished output.

    Args:
        task: what was done.
        identity: of the work.
        hashes: SHA-256 and stamp of the source.
        outcome: what was counted.
    """
    counted = {"frames": outcome.frames, "missed": outcome.missed, "skipped": outcome.skipped}
    return Sidecar(identity, __version__, *hashes, output_stamp(task.output), counted)


def _as_json(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Tuples become lists, as in a file."""
    restored: dict[str, Any] = json.loads(json.dumps(identity))
    return restored


def _flat(identity: Mapping[str, Any]) -> dict[str, Any]:
    """Options by their names, without the groups that they are in."""
    flat: dict[str, Any] = {}
    for name, value in identity.items():
        flat.update(value if isinstance(value, dict) else {name: value})
    return flat
