"""Atomic output of files and folders: written beside the target, synced to disk, renamed on success.

Everything that the program writes goes through this module: outputs under a lock (``Output``), and single
files of a folder that is locked as a whole (``replace_file``). A process that dies leaves parts that no other
takes for results; the next one on the same target removes them.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from dance_now.core.errors import DanceNowError
from dance_now.core.file_lock import NO_FOLLOW, FileLock, short_stem

_HOST: Final = re.sub(r"[^A-Za-z0-9]", "", socket.gethostname())[:16] or "host"
_TAG: Final = r"(?P<host>[A-Za-z0-9]+)-(?P<process>\d+)-[0-9a-f]{8}"
_PART: Final = re.compile(rf"\..+\.{_TAG}\.(?:part|old)(?:\.[^.]*)?")


def check_target(target: Path, inputs: frozenset[Path], overwrite: bool) -> None:
    """Validates an output path before any work is done.

    Args:
        target: the file or folder to write.
        inputs: paths that are being read.
        overwrite: whether an existing target may be replaced.

    Raises:
        DanceNowError: the target is an input, exists, or its folder is missing or not writable.
    """
    if any(is_same_file(target, each) for each in inputs):
        raise DanceNowError(f"the output {target} is the input itself. Choose another output.")
    parent = target.absolute().parent
    if not parent.is_dir():
        raise DanceNowError(f"the folder {parent} does not exist. Create it, or choose another output.")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise DanceNowError(f"the folder {parent} is not writable. Choose another output.")
    filled = target.is_file() or (target.is_dir() and any(target.iterdir()))
    if filled and not overwrite:
        raise DanceNowError(f"{target} already exists. Set overwrite to replace it.")


def check_replaceable(folder: Path, is_result: Callable[[str], bool]) -> None:
    """Checks that a folder holds nothing but results, so that it may be replaced as a whole.

    Args:
        folder: it may not exist.
        is_result: whether a file of this name is a result.

    Raises:
        DanceNowError: it holds something else; the message names it.
    """
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    others = sorted(name for name in names if not is_result(name))
    if others:
        raise DanceNowError(
            f"{folder} holds other files than results ({others[0]}), so it is not replaced. "
            "Choose another folder."
        )


def is_same_file(one: Path, other: Path) -> bool:
    """Tests whether two paths are one file or folder, also through links or case-insensitive file systems."""
    try:
        return one.samefile(other)
    except OSError:  # at least one does not exist
        return one.resolve() == other.resolve()


def make_folder(folder: Path) -> None:
    """Creates a folder inside an existing one, unless it exists.

    Raises:
        DanceNowError: it cannot be created.
    """
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise DanceNowError(
            f"the folder {folder} cannot be created: {error.strerror}. Choose another."
        ) from error


class Output:
    """An output under way: a part beside the target, which takes its place once it is complete.

    Use it as a context manager: without ``commit`` nothing is left of it.

    Attributes:
        target: the file or folder to write.
        part: where to write until then: an empty file or folder that exists. Its name is nobody else's.

    Example:
        >>> with Output(Path("out.txt")) as output:  # doctest: +SKIP
        ...     output.part.write_text("done")
        ...     output.commit()
    """

    def __init__(self, target: Path, *, is_folder: bool = False) -> None:
        """Locks the target, removes what dead processes left of it, and creates the part.

        Raises:
            DanceNowError: another process is writing the target.
            OSError: nothing can be written there.
        """
        self.target = target
        self._lock = FileLock(target)
        try:
            recover(target, self._lock)
            self.part = _new_path(target, "part")
            if is_folder:
                self.part.mkdir()
            else:
                _create(self.part)
        except BaseException:
            self._lock.release()
            raise

    def commit(self) -> None:
        """Puts the part in the target's place, on disk and as a whole, and frees the target.

        Raises:
            OSError: it cannot be written; the target is unchanged.
        """
        sync(self.part)
        replace_path(self.part, self.target)
        self._lock.release()

    def merge(self) -> None:
        """Puts what a part folder holds into the target folder, each file as a whole, and frees the target.

        Files of the same names are replaced, others are left.

        Raises:
            OSError: something cannot be written.
        """
        if not self.target.exists():
            self.commit()
            return
        sync(self.part)
        for path in sorted(self.part.iterdir()):
            replace_path(path, self.target / path.name)
        self.discard()

    def discard(self) -> None:
        """Removes the part, if it is still there, and frees the target."""
        discard(self.part)
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()


def write_file(target: Path, content: bytes, overwrite: bool) -> None:
    """Writes a small file atomically, under a lock.

    Raises:
        DanceNowError: it already exists, is being written by another process, or cannot be written.
    """
    check_target(target, frozenset(), overwrite)
    try:
        with Output(target) as output:
            output.part.write_bytes(content)
            output.commit()
    except OSError as error:
        raise DanceNowError(f"{target} could not be written: {error.strerror or error}.") from error


def replace_file(target: Path, content: bytes) -> None:
    """Writes a small file atomically, without a lock: for folders that are locked or private, and caches.

    Raises:
        OSError: it cannot be written; the earlier file is unchanged.
    """
    with replacing(target) as part:
        part.write_bytes(content)


def append_line(target: Path, line: bytes) -> None:
    """Appends a line to a log; several processes of one machine may do so at once.

    A line that was cut off, by a full disk or a power failure, is closed first.

    Raises:
        OSError: it cannot be written.
    """
    descriptor = os.open(target, os.O_RDWR | os.O_APPEND | os.O_CREAT | NO_FOLLOW, 0o666)
    try:
        size = os.fstat(descriptor).st_size
        if size and _last_byte(descriptor, size) != b"\n":
            line = b"\n" + line
        written = os.write(descriptor, line + b"\n")  # at once, so that lines of two processes do not mix
        if written <= len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target))
    finally:
        os.close(descriptor)


def _last_byte(descriptor: int, size: int) -> bytes:
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1)


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Path of an empty file that replaces ``target`` when the block ends without an error.

    Raises:
        OSError: it cannot be written; the earlier file is unchanged.
    """
    part = _new_path(target, "part")
    _create(part)
    try:
        yield part
        sync(part)
        replace_path(part, target)
    finally:
        discard(part)


def replace_path(part: Path, target: Path) -> None:
    """Renames a complete file or folder over its target. A folder is first moved aside, then removed.

    Raises:
        OSError: it cannot be renamed; the target is unchanged.
    """
    old = _new_path(target, "old") if target.is_dir() and not target.is_symlink() else None
    if old is not None:
        os.replace(target, old)
    try:
        os.replace(part, target)
    except OSError:
        if old is not None:
            os.replace(old, target)
        raise
    _sync_path(target.absolute().parent)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def sync(path: Path) -> None:
    """Writes a file, or a folder with all that it holds, through to the disk."""
    for folder, _, names in os.walk(path):
        for name in names:
            _sync_path(Path(folder) / name)
        _sync_path(Path(folder))
    if not path.is_dir():
        _sync_path(path)


def discard(part: Path) -> None:
    """Deletes an unfinished output file or folder, if there is one."""
    if part.is_dir() and not part.is_symlink():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)


def remove_dead_parts(folder: Path) -> None:
    """Removes what dead processes of this machine left unfinished in a folder and below."""
    for path in [Path(top) / name for top, folders, files in os.walk(folder) for name in (*folders, *files)]:
        found = _PART.fullmatch(path.name)
        if found and found["host"] == _HOST and not _is_running(int(found["process"])):
            discard(path)


def recover(target: Path, lock: FileLock) -> None:
    """Removes what dead processes left of a target, and puts a folder back that one was about to replace.

    Args:
        target: file or folder.
        lock: of the target.
    """
    own = re.compile(rf"\.{re.escape(short_stem(target))}\.{_TAG}\.(part|old){re.escape(target.suffix)}")
    for path in target.absolute().parent.iterdir():
        found = own.fullmatch(path.name)
        if found is None or not (
            lock.is_held or (found["host"] == _HOST and not _is_running(int(found["process"])))
        ):
            continue
        if found[3] == "old" and not target.exists():
            os.replace(path, target)
        else:
            discard(path)


def _new_path(target: Path, kind: str) -> Path:
    """A path beside ``target`` that no other process makes: ``.NAME.HOST-PID-RANDOM.part.EXT``."""
    tag = f"{_HOST}-{os.getpid()}-{secrets.token_hex(4)}"
    return target.with_name(f".{short_stem(target)}.{tag}.{kind}{target.suffix}")


def _create(part: Path) -> None:
    """Creates an empty file, never through a link."""
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW, 0o666))


def _is_running(process: int) -> bool:
    if os.name == "nt":  # where signal 0 would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def _sync_path(path: Path) -> None:
    """fsync of a file, or of a folder where the system knows that."""
    is_folder = path.is_dir()
    if is_folder and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if is_folder else os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError:
        if not is_folder:  # which some file systems do not sync
            raise
    finally:
        os.close(descriptor)
