"""Advisory file lock of an output, so that two processes never write the same file or folder at one time."""

from __future__ import annotations

import contextlib
import os
import sys
from hashlib import sha256
from pathlib import Path
from typing import Final

from dance_now.core.errors import DanceNowError

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


NO_FOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
"""Flag of ``os.open`` that refuses symbolic links; 0 on Windows."""
_LONGEST_STEM: Final = 40  # characters
_HELD: Final = (BlockingIOError, PermissionError)  # by another; the second on Windows


def short_stem(target: Path) -> str:
    """A target's stem, shortened if it is long: file systems allow names of 255 bytes."""
    stem = target.stem
    digest = sha256(os.fsencode(stem)).hexdigest()[:8]
    return stem if len(stem) <= _LONGEST_STEM else f"{stem[:_LONGEST_STEM]}~{digest}"


class FileLock:
    """Lock of a target, held by one process at a time: a file ``.NAME.lock`` beside it.

    The operating system frees the lock with the process, however that ends. On file systems without locks it
    is none; unique part names keep outputs whole there.

    Attributes:
        is_held: whether this object holds the lock.
    """

    def __init__(self, target: Path) -> None:
        """Takes the lock.

        Raises:
            DanceNowError: another process holds it.
            OSError: its file cannot be created.
        """
        self._path = target.with_name(f".{short_stem(target)}{target.suffix}.lock")
        self._descriptor = -1
        self.is_held = False
        while not self._is_current():
            self._close()  # the holder before removed the file between our opening and locking it
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | NO_FOLLOW, 0o666)
            try:
                _lock(self._descriptor)
                self.is_held = True
            except _HELD as error:
                self._close()
                raise DanceNowError(
                    f"{target} is being written by another dance-now. Wait for it, or choose another output."
                ) from error
            except OSError:  # a file system without locks
                return

    def release(self) -> None:
        """Frees the lock and removes its file; does nothing the second time."""
        if self._descriptor < 0:
            return
        if sys.platform == "win32":  # which does not remove open files
            self._close()
        with contextlib.suppress(OSError):
            self._path.unlink()
        self._close()

    def _is_current(self) -> bool:
        """Whether the file at the lock's path is the one that is locked."""
        if self._descriptor < 0:
            return False
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.stat(self._path, follow_symlinks=False))
        except OSError:
            return False

    def _close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1
        self.is_held = False
