"""Motion library: the motions that ship with the package, in one compressed .npz file.

Motions are stored independent of body proportions: limbs, trunk, hips and shoulders as unit vectors, head and
hands as quaternions, and the hips' position in leg lengths. Values are quantised to integers (1 = 512, an
error of a tenth of a degree at most) and delta-encoded over time, which compresses well.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.formats3d.motion.motion_joints import JOINT_INDEX
from dance_now.formats3d.quaternions import matrix_quaternions, quaternion_matrices
from dance_now.pose.model.bone_rule import unit
from dance_now.synthesis.poses.motion import Motion, ReferencePose

LIBRARY_FILE: Final = Path(__file__).with_name("motions.npz")
_SCALE: Final = 512
_LIMBS: Final = tuple(
    (side + start, side + end)
    for side in ("left", "right")
    for limb in (("UpperArm", "LowerArm", "Hand"), ("UpperLeg", "LowerLeg", "Foot", "Toes"))
    for start, end in itertools.pairwise(limb)
)
# Bone lengths of the reconstructed body, in leg lengths.
_LENGTHS: Final = {"UpperArm": 0.34, "LowerArm": 0.3, "UpperLeg": 0.5, "LowerLeg": 0.5, "Foot": 0.18}
_TRUNK, _HALF_HIPS, _HALF_SHOULDERS, _NECK = 0.62, 0.11, 0.21, 0.15
_DIRECTIONS: Final = 3 + len(_LIMBS)


@dataclass(frozen=True)
class LibraryMotion:
    """Motion of the library with its credit and licence in one line."""

    motion: Motion
    credit: str


def load_motion_library(path: Path = LIBRARY_FILE) -> list[Motion]:
    """Loads the motions of the library."""
    with np.load(path, allow_pickle=False) as data:
        arrays: dict[str, npt.NDArray[Any]] = {name: data[name] for name in data.files}
    whole = np.cumsum(arrays["differences"], axis=1, dtype=np.int16).T
    values: FloatArray = whole.astype(np.float32) / np.float32(_SCALE)
    directions, quaternions, root = np.split(values, [3 * _DIRECTIONS, 3 * _DIRECTIONS + 12], axis=1)
    positions = _positions(directions.reshape(-1, _DIRECTIONS, 3), root)
    rotations = quaternion_matrices(quaternions.reshape(-1, 3, 4))
    ends = np.cumsum(arrays["lengths"])
    motions = []
    for index, (end, length) in enumerate(zip(ends, arrays["lengths"], strict=True)):
        own = slice(int(end - length), int(end))
        identity = np.eye(3, dtype=np.float32)
        motions.append(
            Motion(
                name=str(arrays["names"][index]),
                skeleton="library",
                frame_time=float(arrays["frame_times"][index]),
                positions=positions[own],
                has_toes=bool(arrays["has_toes"][index]),
                head=rotations[own, 0],
                hands=rotations[own, 1:],
                reference=ReferencePose(0.0, identity, np.stack([identity] * 2), arrays["forearms"][index]),
                foot_pitch=float(arrays["foot_pitches"][index]),
                frames=tuple(range(int(length))),
            )
        )
    return motions


def motion_credits(path: Path = LIBRARY_FILE) -> tuple[str, ...]:
    """Credits and licences of the library's motions: one line for each source."""
    with np.load(path, allow_pickle=False) as data:
        return tuple(str(line) for line in data["credits"])


def write_motion_library(path: Path, entries: Sequence[LibraryMotion], frame_rate: float) -> None:
    """Writes a library of motions' usable frames, subsampled to at most about ``frame_rate`` a second."""
    steps = [max(1, round(1 / (frame_rate * entry.motion.frame_time))) for entry in entries]
    values = [_values(entry.motion, step) for entry, step in zip(entries, steps, strict=True)]
    whole = np.round(np.concatenate(values) * _SCALE)
    if np.abs(whole).max() > np.iinfo(np.int16).max:
        raise ValueError("a motion moves too far from its start to be quantised")
    differences = np.diff(whole.astype(np.int16), axis=0, prepend=np.int16(0))
    credit_lines = sorted({entry.credit for entry in entries})
    motions = [entry.motion for entry in entries]
    np.savez_compressed(
        path,
        differences=np.ascontiguousarray(differences.T),  # a column's small numbers side by side
        lengths=np.array([len(value) for value in values], np.int32),
        names=np.array([motion.name for motion in motions]),
        sources=np.array([credit_lines.index(entry.credit) for entry in entries], np.int32),
        credits=np.array(credit_lines),
        frame_times=np.array([m.frame_time * s for m, s in zip(motions, steps, strict=True)], np.float32),
        has_toes=np.array([motion.has_toes for motion in motions]),
        foot_pitches=np.array([motion.foot_pitch for motion in motions], np.float32),
        forearms=np.stack([motion.reference.forearms for motion in motions]).astype(np.float32),
    )


def _values(motion: Motion, step: int) -> FloatArray:
    """Unquantised values (n, 54) of a motion's frames."""
    frames = motion.frames[::step]
    joint = {name: motion.joint(name, frames) for name in JOINT_INDEX}
    low = (joint["leftUpperLeg"] + joint["rightUpperLeg"]) / 2
    top = (joint["leftUpperArm"] + joint["rightUpperArm"]) / 2
    vectors = [
        joint["leftUpperLeg"] - joint["rightUpperLeg"],
        joint["leftUpperArm"] - joint["rightUpperArm"],
        top - low,
        *(joint[end] - joint[start] for start, end in _LIMBS),
    ]
    head = motion.head[list(frames)] @ motion.reference.head.T
    hands = motion.hands[list(frames)] @ np.swapaxes(motion.reference.hands, 1, 2)
    quaternions = _continuous_signs(matrix_quaternions(np.concatenate([head[:, None], hands], axis=1)))
    legs = [(s + a, s + b) for s, a, b in _both(("UpperLeg", "LowerLeg"), ("LowerLeg", "Foot"))]
    leg = sum(float(np.linalg.norm(joint[a][0] - joint[b][0])) for a, b in legs) / 2
    root = (low - low[0] * (1, 0, 1)) / leg
    parts = [np.stack([unit(v) for v in vectors], axis=1), quaternions]
    joined: FloatArray = np.concatenate([*(p.reshape(len(frames), -1) for p in parts), root], axis=1)
    return joined


def _both(*pairs: tuple[str, str]) -> list[tuple[str, str, str]]:
    return [(side, *pair) for side in ("left", "right") for pair in pairs]


def _continuous_signs(quaternions: FloatArray) -> FloatArray:
    """Quaternions (n, k, 4) of the same rotations with signs that are continuous over time."""
    flips = (quaternions[1:] * quaternions[:-1]).sum(axis=-1) < 0
    signs = np.ones(quaternions.shape[:2], np.float32)
    signs[1:] = np.where(np.cumsum(flips, axis=0) % 2 == 1, -1, 1)
    steady: FloatArray = quaternions * signs[..., None]
    return steady


def _positions(directions: FloatArray, root: FloatArray) -> FloatArray:
    """Joint positions (n, 16, 3) of a body with its hips at ``root`` (n, 3)."""
    directions = unit(directions)
    hips, shoulders, trunk = (directions[:, index] for index in range(3))
    positions = np.zeros((len(root), len(JOINT_INDEX), 3), np.float32)
    neck = root + _TRUNK * trunk
    positions[:, JOINT_INDEX["hips"]] = root
    positions[:, JOINT_INDEX["head"]] = neck + _NECK * trunk
    for side, sign in (("left", 1), ("right", -1)):
        positions[:, JOINT_INDEX[f"{side}UpperLeg"]] = root + sign * _HALF_HIPS * hips
        positions[:, JOINT_INDEX[f"{side}UpperArm"]] = neck + sign * _HALF_SHOULDERS * shoulders
    for index, (start, end) in enumerate(_LIMBS, 3):
        length = _LENGTHS[start.removeprefix("left").removeprefix("right")]
        positions[:, JOINT_INDEX[end]] = positions[:, JOINT_INDEX[start]] + length * directions[:, index]
    return positions
