"""Storage of batches: files of this machine by pathlib, URLs (s3, gs, http, ...) by fsspec."""

from __future__ import annotations

import glob
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from dance_now.core.atomic_write import is_same_file, write_file
from dance_now.core.errors import DanceNowError, MissingExtraError
from dance_now.core.limits import read_bounded

_URL: Final = re.compile(r"[a-z][a-z0-9+.-]+://")
_LOCAL: Final = "file://"
_CHUNK: Final = 4_000_000  # bytes
_SPARE: Final = 500_000_000  # bytes of scratch space that downloads leave


def is_remote(path: str) -> bool:
    """Tests whether a path is a URL of something other than this machine's files."""
    return _URL.match(path) is not None and not path.startswith(_LOCAL)


def local_path(path: str) -> str:
    """A path without ``file://``."""
    return path.removeprefix(_LOCAL)


def join(folder: str, name: str) -> str:
    """Path of a file below a folder; ``name`` has slashes."""
    return f"{folder.rstrip('/')}/{name}" if is_remote(folder) else str(Path(folder, name))


def expand(pattern: str) -> list[str]:
    """Files that a pattern matches, ``**`` any folders; hidden files are left out.

    Raises:
        DanceNowError: a remote folder that cannot be read.
    """
    if not is_remote(pattern):
        found = glob.glob(str(Path(pattern).expanduser()), recursive=True)
        return sorted(name for name in found if not Path(name).name.startswith("."))
    with _remote_errors(pattern):
        system, path = _open(pattern)
        scheme = pattern.partition("://")[0]
        found = system.glob(path)
        return sorted(name if "://" in name else f"{scheme}://{name.lstrip('/')}" for name in found)


def has_magic(path: str) -> bool:
    """Tests whether a path is a pattern; a URL may hold a ``?`` that is none."""
    return any(each in path for each in "*[") if is_remote(path) else glob.has_magic(path)


def stamp(path: str) -> str:
    """What changes when a file is changed: size and time, or a remote file's checksum; "" if missing.

    Raises:
        DanceNowError: a remote file that cannot be looked at.
    """
    if not is_remote(path):
        try:
            status = Path(path).stat()
        except OSError:
            return ""
        return f"{status.st_size} {status.st_mtime_ns}"
    with _remote_errors(path):
        system, name = _open(path)
        if not system.exists(name):
            return ""
        described = system.info(name)
        marks = ("size", "ETag", "etag", "md5Hash", "LastModified", "last_modified", "mtime", "created")
        return " ".join(str(described[mark]) for mark in marks if described.get(mark) is not None)


def size_of(path: str) -> int:
    """Bytes of a file, or of all files of a folder; 0 if unknown."""
    if is_remote(path):
        with _remote_errors(path):
            system, name = _open(path)
            return int(system.info(name).get("size") or 0)
    target = Path(path)
    try:
        if target.is_dir():
            return sum(each.stat().st_size for each in target.iterdir())
        return target.stat().st_size
    except OSError:
        return 0


def read_small(path: str, limit: int) -> bytes | None:
    """Content of a small file; None if there is none.

    Raises:
        DanceNowError: unreadable, or larger than ``limit`` bytes.
    """
    if not is_remote(path):
        return read_bounded(Path(path), limit) if Path(path).exists() else None
    with _remote_errors(path):
        system, name = _open(path)
        try:
            with system.open(name, "rb") as file:
                content: bytes = file.read(limit + 1)
        except FileNotFoundError:
            return None
    if len(content) > limit:
        raise DanceNowError(f"{path} is larger than {limit} bytes.")
    return content


def write_small(path: str, content: bytes) -> None:
    """Writes a small file as a whole, over an earlier one.

    Raises:
        DanceNowError: it cannot be written.
    """
    if not is_remote(path):
        write_file(Path(path), content, overwrite=True)
        return
    with _remote_errors(path):
        system, name = _open(path)
        system.pipe_file(name, content)


def check_writable(folder: str) -> None:
    """Checks before any work that a remote folder may be written.

    Raises:
        DanceNowError: web addresses cannot.
        MissingExtraError: fsspec, or its part for this protocol, is missing.
    """
    if is_remote(folder):
        if folder.startswith(("http://", "https://")):
            raise DanceNowError(f"output {folder}: a web address cannot be written. Choose a folder.")
        _open(folder)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder for copies of remote files; it is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="dance_now_") as folder:
        yield Path(folder)


def download(url: str, folder: Path) -> Path:
    """Copies a remote file into a folder.

    Raises:
        DanceNowError: it cannot be read, or is larger than the space that is free.
    """
    with _remote_errors(url):
        system, name = _open(url)
        target = folder / (Path(name.rstrip("/")).name.partition("?")[0] or "source")
        left = shutil.disk_usage(folder).free - _SPARE
        with system.open(name, "rb", cache_type="readahead") as source, target.open("xb") as copy:
            while chunk := source.read(_CHUNK):
                left -= len(chunk)
                if left < 0:
                    raise DanceNowError(f"{url} is larger than the free space in {folder.parent}.")
                copy.write(chunk)
    return target


def upload(path: Path, url: str) -> None:
    """Copies a file, or a folder with all that it holds, to a URL.

    Raises:
        DanceNowError: it cannot be written.
    """
    with _remote_errors(url):
        system, name = _open(url)
        if path.is_dir():
            for file in sorted(each for each in path.rglob("*") if each.is_file()):
                system.put_file(str(file), f"{name}/{file.relative_to(path).as_posix()}")
        else:
            system.put_file(str(path), name)


def are_same(one: str, other: str) -> bool:
    """Tests whether two paths are one file."""
    if is_remote(one) or is_remote(other):
        return one.rstrip("/") == other.rstrip("/")
    return is_same_file(Path(one), Path(other))


def _open(url: str) -> tuple[Any, str]:
    """The file system of a URL, and the path there."""
    try:
        from fsspec.core import url_to_fs
    except ImportError as error:
        raise MissingExtraError("fsspec", "cluster") from error
    try:
        system, path = url_to_fs(url)
    except ImportError as error:
        raise MissingExtraError(
            (error.name or "a package for these files").partition(".")[0], "cluster"
        ) from error
    except ValueError as error:
        raise DanceNowError(f"{url}: {error}") from error
    return system, path


@contextmanager
def _remote_errors(url: str) -> Iterator[None]:
    """Errors of any remote file system, in one line."""
    try:
        yield
    except DanceNowError:
        raise
    except FileNotFoundError as error:
        raise DanceNowError(f"{url} does not exist.") from error
    except Exception as error:  # each protocol has its own kinds
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DanceNowError(f"{url} could not be reached: {reason}") from error
