"""DeepMimic motion reader: rows of 44 numbers for one humanoid of fixed proportions.

A row holds the frame's duration, the root's position, and rotations in the order of the humanoid's joints: a
quaternion w, x, y, z, or for knees and elbows one angle about z. The humanoid faces x, y is up, its right is
z; at rest its arms hang down.

Source: Peng et al., "DeepMimic", SIGGRAPH 2018; joints as in data/characters/humanoid3d.txt of
github.com/xbpeng/DeepMimic. The toes are an addition, at the end of the sole.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dance_now.core.errors import DanceNowError
from dance_now.core.limits import parse_json, read_bounded
from dance_now.formats3d.motion.bvh_reader import axis_rotations
from dance_now.formats3d.motion.motion_joints import JointTracks
from dance_now.formats3d.quaternions import quaternion_matrices

MAXIMUM_BYTES: Final = 64 * 2**20
MAXIMUM_FRAMES: Final = 100_000
ROW: Final = 44
_RIGHT_ARM: Final = (-0.02405, 0.2435, 0.18311)
# Joint: parent, offset in its frame (metres, right side for limbs), numbers of a row for its rotation.
_TRUNK: Final = (("hips", "", (0, 0, 0), 4), ("chest", "hips", (0, 0.236151, 0), 4))
_HEAD: Final = (("head", "chest", (0, 0.223894, 0), 4),)
_LIMBS: Final = (
    ("UpperLeg", "hips", (0, 0, 0.084887), 4),
    ("LowerLeg", "UpperLeg", (0, -0.421546, 0), 1),
    ("Foot", "LowerLeg", (0, -0.40987, 0), 4),
    ("Toes", "Foot", (0.1335, -0.03, 0), 0),
    ("UpperArm", "chest", _RIGHT_ARM, 4),
    ("LowerArm", "UpperArm", (0, -0.274788, 0), 1),
    ("Hand", "LowerArm", (0, -0.258947, 0), 0),
)


def _joints() -> tuple[tuple[str, str, tuple[float, float, float], int], ...]:
    sided = []
    for side, sign in (("right", 1), ("left", -1)):
        for name, parent, (x, y, z), width in _LIMBS:
            above = parent if parent in ("hips", "chest") else side + parent
            sided.append((side + name, above, (x, y, sign * z), width))
    return (*_TRUNK, *_HEAD, *sided)


_JOINTS: Final = _joints()


def is_deepmimic(path: Path) -> bool:
    """Whether a file looks like a DeepMimic motion, by its first bytes."""
    try:
        with path.open("rb") as file:
            start = file.read(4096)
    except OSError:
        return False
    return start.lstrip()[:1] == b"{" and b'"Frames"' in start


def read_deepmimic(path: Path) -> JointTracks:
    """Reads a DeepMimic motion file.

    Raises:
        DanceNowError: not a DeepMimic motion, or damaged.
    """
    rows = _rows(path)
    frames = len(rows)
    zero = np.zeros((1, ROW))
    zero[0, [4, 8, 12, 16, 21, 25, 30, 35, 39]] = 1  # quaternions of no rotation
    rows = np.concatenate([zero, rows])
    names = [joint[0] for joint in _JOINTS]
    rotations = np.zeros((1 + frames, len(names), 3, 3), np.float32)
    positions = np.zeros((1 + frames, len(names), 3), np.float32)
    column = 4
    try:
        for index, (_, parent, place, width) in enumerate(_JOINTS):
            local = _turn(rows[:, column : column + width])
            column += width
            if parent:
                above = names.index(parent)
                rotations[:, index] = rotations[:, above] @ local
                positions[:, index] = positions[:, above] + rotations[:, above] @ np.array(place, np.float32)
            else:
                rotations[:, index], positions[:, index] = local, rows[:, 1:4]
    except ValueError as error:
        raise DanceNowError(f"{path.name}: damaged DeepMimic motion ({error}).") from error
    seconds = float(np.median(rows[1:, 0]))
    if not 1e-5 < seconds < 10:
        raise DanceNowError(f"{path.name}: damaged DeepMimic motion (frames of {seconds:g} s).")
    joints = {name: index for index, name in enumerate(names) if name != "chest"}
    return JointTracks(
        path.stem,
        "deepmimic",
        seconds,
        joints,
        rotations,
        positions,
        zero_is_reference=True,
        keeps_world=True,
    )


def _turn(values: npt.NDArray[np.float64]) -> npt.NDArray[Any]:
    """Joint rotations (n, 3, 3) from row values: a quaternion, an angle, or nothing."""
    if values.shape[1] == 4:
        return quaternion_matrices(np.roll(values, -1, axis=1))
    angles = values[:, 0] if values.shape[1] else np.zeros(len(values))
    return axis_rotations(2, angles.astype(np.float32))


def _rows(path: Path) -> npt.NDArray[np.float64]:
    """Validated rows (frames, 44)."""
    try:
        rows = np.array(parse_json(read_bounded(path, MAXIMUM_BYTES))["Frames"], np.float64)
    except (ValueError, TypeError, KeyError) as error:
        raise DanceNowError(f"{path.name}: not a DeepMimic motion (no table of frames).") from error
    if rows.ndim != 2 or rows.shape[1] != ROW or not 0 < len(rows) <= MAXIMUM_FRAMES:
        raise DanceNowError(f"{path.name}: not a DeepMimic motion ({ROW} numbers a frame expected).")
    if not np.isfinite(rows).all():
        raise DanceNowError(f"{path.name}: damaged DeepMimic motion (values that are not finite).")
    return rows
