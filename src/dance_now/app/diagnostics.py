"""Diagnostics: checks the installation, the hardware and its speed, and suggests fixes."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Final

import numpy as np

from dance_now import __version__
from dance_now.app.dancer import Dancer
from dance_now.assets import registry as assets
from dance_now.character.character import BUILTIN_FOLDER, Character, builtin_names
from dance_now.core.errors import DanceNowError
from dance_now.pose.model.pose import Pose
from dance_now.pose.networks.litert import LiteRTNetwork

BASE: Final = (
    "numpy",
    "opencv-python-headless",
    "ai-edge-litert",
    "flatbuffers",
    "av",
    "pillow",
    "rich",
    "tyro",
)
EXTRAS: Final[Mapping[str, tuple[str, ...]]] = {
    "cluster": ("ray", "fsspec"),
    "heic": ("pillow-heif",),
    "live": ("aiohttp",),
    "onnx": ("onnxruntime",),
    "quality": ("pymatting",),
    "studio": ("numba", "scipy"),
    "train": ("numba", "scipy", "torch", "onnx", "onnxscript", "onnx-ir", "onnxruntime"),
}
_PURPOSES: Final = {
    "cluster": "dances many files on a Ray cluster, and remote files",
    "heic": "reads HEIC photos",
    "live": "serves the pages of dance-now live",
    "onnx": "runs --estimator rtmw, and characters of --template sticks",
    "quality": "refines hair mattes of photos",
    "studio": "renders avatars",
    "train": "trains characters",
}
_ON_GPU: Final = "onnxruntime-gpu"  # the same modules as onnxruntime, on CUDA
_THREADS: Final = 2  # what the pose estimator takes
_RUNS: Final = 5


@dataclass(frozen=True)
class Finding:
    """One line of the report.

    Attributes:
        part: section of the report.
        subject: what was checked.
        text: the result.
        advice: how to fix it; empty where all is well.
    """

    part: str
    subject: str
    text: str
    advice: str = ""


def examine() -> Iterator[Finding]:
    """Runs all checks, one finding after the other; the slow ones come last. Downloads nothing."""
    yield from _versions()
    yield from _extras()
    yield from _files()
    yield from _speeds()


def installed(distribution: str) -> str | None:
    """The version of an installed distribution, or None."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _versions() -> Iterator[Finding]:
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processor cores"
    yield Finding("versions", "dance-now", __version__)
    yield Finding("versions", "Python", f"{platform.python_version()} on {system}")
    for name in BASE:
        version = installed(name)
        advice = "" if version else "pip install --force-reinstall dance-now"
        yield Finding("versions", name, version or "missing", advice)


def _extras() -> Iterator[Finding]:
    for extra, names in EXTRAS.items():
        found = {name: _installed_or_alike(name) for name in names}
        missing = [name for name, version in found.items() if version is None]
        listed = ", ".join(f"{name} {version}" for name, version in found.items() if version)
        text = f"{_PURPOSES[extra]}: {listed or 'not installed'}"
        if listed and missing:
            text += f", without {', '.join(missing)}"
        advice = f'pip install "dance-now[{extra}]"' if missing else ""
        if extra == "onnx" and installed("onnxruntime") and installed(_ON_GPU):
            advice = f"the two overwrite each other: pip uninstall onnxruntime {_ON_GPU}, then install one"
        yield Finding("extras", extra, text, advice)


def _installed_or_alike(name: str) -> str | None:
    """The version of a distribution, or of one that has the same modules."""
    return installed(name) or (installed(_ON_GPU) if name == "onnxruntime" else None)


def _files() -> Iterator[Finding]:
    folder = assets.cache_dir()
    files = [path for path in folder.rglob("*") if path.is_file()] if folder.is_dir() else []
    size = sum(path.stat().st_size for path in files) / 1e6
    yield Finding("files", "cache", f"{folder}: {len(files)} files, {size:.1f} MB")
    named = os.environ.get(assets.MODELS_VARIABLE)
    if named:
        yield Finding("files", "pose networks", f"taken from {named} ({assets.MODELS_VARIABLE} is set)")
    else:
        here = [name for name in assets.POSE_MODELS if assets.local_pose_model(name) is not None]
        late = "" if len(here) == len(assets.POSE_MODELS) else "; the rest is fetched on first use (36 MB)"
        yield Finding("files", "pose networks", f"{len(here)} of {len(assets.POSE_MODELS)} are here{late}")
    clip = "is here" if assets.local_sample_clip() is not None else "is fetched on first use (51 MB)"
    yield Finding("files", "sample clip", clip)
    characters = ", ".join(builtin_names()) or "none"
    yield Finding("files", "characters", f"{characters} in {BUILTIN_FOLDER}")


def _speeds() -> Iterator[Finding]:
    for name in assets.POSE_MODELS:
        path = _network(name)
        if path is None:
            continue
        try:
            milliseconds = _network_speed(path)
            yield Finding(
                "speed", path.stem, f"{milliseconds:.1f} ms on the CPU (LiteRT, {_THREADS} threads)"
            )
        except DanceNowError as error:
            yield Finding("speed", path.stem, "does not run", str(error))
    for name in builtin_names():
        yield _character_speed(name)


def _network(name: str) -> Path | None:
    named = os.environ.get(assets.MODELS_VARIABLE)
    if not named:
        return assets.local_pose_model(name)
    path = Path(named).expanduser() / name
    return path if path.is_file() else None


def _network_speed(path: Path) -> float:
    network = LiteRTNetwork(path, _THREADS, set())
    values = np.random.default_rng(0).random(network.input_shape, np.float32)
    return _milliseconds(lambda: network(values))


def _character_speed(name: str) -> Finding:
    try:
        character = Character.load(name)
        dancer = Dancer(character, smooth=False)
        milliseconds = _milliseconds(lambda: dancer.draw(Pose.empty()))
    except DanceNowError as error:
        return Finding("speed", name, "does not draw", str(error))
    return Finding("speed", name, f"{milliseconds:.1f} ms per image of 512x512")


def _milliseconds(run: Callable[[], object]) -> float:
    """The median of a few runs after one to warm up."""
    run()
    times = []
    for _ in range(_RUNS):
        begun = time.perf_counter()
        run()
        times.append(time.perf_counter() - begun)
    return 1000 * statistics.median(times)
