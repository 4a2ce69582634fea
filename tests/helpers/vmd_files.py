"""Writes small VMD motions and SMPL arrays for tests."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

import numpy as np

Key = tuple[int, tuple[float, float, float], tuple[float, float, float, float]]
LINEAR = bytes([20] * 8 + [107] * 8) * 4
REST = (0.0, 0.0, 0.0)


def vmd_bytes(
    bones: dict[str, list[Key]], curve: bytes = LINEAR, without_ik: tuple[str, ...] = (), version: int = 2
) -> bytes:
    """A VMD: bone -> keys of frame, shift and quaternion x, y, z, w, in MMD's left-handed space."""
    magic = b"Vocaloid Motion Data 0002" if version == 2 else b"Vocaloid Motion Data file"
    head = magic.ljust(30, b"\0") + b"test".ljust(20 if version == 2 else 10, b"\0")
    keys = b"".join(
        name.encode("cp932").ljust(15, b"\0") + struct.pack("<I3f4f", frame, *shift, *turn) + curve
        for name, own in bones.items()
        for frame, shift, turn in own
    )
    tail = struct.pack("<4I", 0, 0, 0, 0)
    switches = b"".join(name.encode("cp932").ljust(20, b"\0") + b"\0" for name in without_ik)
    tail += struct.pack("<IIBI", 1, 0, 1, len(without_ik)) + switches
    return head + struct.pack("<I", sum(map(len, bones.values()))) + keys + tail


def turn(axis: tuple[float, float, float], degrees: float) -> tuple[float, float, float, float]:
    """Quaternion x, y, z, w."""
    half = np.radians(degrees) / 2
    x, y, z = np.array(axis) * np.sin(half)
    return float(x), float(y), float(z), float(np.cos(half))


def write_smpl(
    path: Path | BinaryIO, poses: np.ndarray, trans: np.ndarray | None = None, rate: float = 60.0
) -> None:
    """An .npz as AMASS writes it."""
    shift = np.zeros((len(poses), 3)) if trans is None else trans
    np.savez(path, poses=poses, trans=shift, mocap_framerate=rate)
