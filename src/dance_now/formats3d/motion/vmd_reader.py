"""VMD reader (Vocaloid Motion Data of MikuMikuDance): keyframes of bones, and whether legs follow IK.

The format was never published; layout and interpolation as read by the community's tools (among them
MMD Tools for Blender): a header, bone keyframes of 111 bytes, then morphs, camera, lights, shadows and IK
switches. 30 frames a second. MMD's space is left-handed, y up, and figures face -z; everything is returned in
a right-handed space, facing +z.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.errors import DanceNowError
from dance_now.core.limits import MemoryBudget, read_bounded
from dance_now.formats3d.quaternions import slerp

Array = npt.NDArray[np.float64]

FRAME_TIME: Final = 1 / 30
MAXIMUM_BYTES: Final = 64 * 2**20
MAXIMUM_FRAMES: Final = 108_000  # an hour
_MAGIC: Final = b"Vocaloid Motion Data"
_KEY: Final = struct.Struct("<15sI3f4f64s")
_TRACK_BYTES: Final = 200  # of a bone in a frame
_STEPS: Final = 14  # bisections of a Bezier curve's time: 1e-4


@dataclass(frozen=True, eq=False)
class BoneTrack:
    """A bone over time.

    Attributes:
        shifts: (n, 3) translation from rest, in MMD's unit (about 8 cm).
        turns: (n, 4) rotation from rest, quaternions x, y, z, w.
        keys: number of keyframes.
    """

    shifts: Array
    turns: Array
    keys: int


@dataclass(frozen=True, eq=False)
class Vmd:
    """Bone tracks of a VMD file at 30 frames a second.

    Attributes:
        frames: their number n.
        bones: name (Japanese, full-width letters narrowed to "IK") -> track.
        without_ik: IK bones that are switched off at the beginning.
    """

    frames: int
    bones: Mapping[str, BoneTrack]
    without_ik: frozenset[str]


def read_vmd(path: Path) -> Vmd:
    """Reads a VMD file.

    Raises:
        DanceNowError: not a VMD, damaged, without bones, or longer than an hour.
    """
    data = read_bounded(path, MAXIMUM_BYTES)
    if not data.startswith(_MAGIC) or len(data) < 54:
        raise DanceNowError(f"{path.name}: not a VMD motion (no Vocaloid Motion Data).")
    start = 30 + (20 if data[:30].rstrip(b"\0 ").endswith(b"0002") else 10)
    try:
        (count,) = struct.unpack_from("<I", data, start)
        end = start + 4 + count * _KEY.size
        if end > len(data):
            found = max(0, (len(data) - start - 4) // _KEY.size)
            raise DanceNowError(
                f"{path.name}: damaged VMD motion ({count} keyframes announced, {found} there)."
            )
        table = _table(data[start + 4 : end], count)
        off = _switched_off(data, end)
    except struct.error as error:
        raise DanceNowError(f"{path.name}: damaged VMD motion (it ends too early).") from error
    if not count:
        raise DanceNowError(f"{path.name}: this VMD moves no bones (a camera or a face only).")
    frames = int(table["frame"].max()) + 1
    if frames > MAXIMUM_FRAMES:
        raise DanceNowError(f"{path.name}: damaged VMD motion (it lasts {frames / 30:.0f} s).")
    if not (np.isfinite(table["shift"]).all() and np.isfinite(table["turn"]).all()):
        raise DanceNowError(f"{path.name}: damaged VMD motion ({_first_damage(table)} is not finite).")
    names = np.unique(table["name"])
    MemoryBudget(path.name, len(data)).charge(_TRACK_BYTES * frames * min(len(names), 64), f"{frames} frames")
    tracks = {}
    for name in names[:2000]:
        plain = _bone_name(bytes(name))
        if plain in USED_BONES:
            tracks[plain] = _track(table[table["name"] == name], frames)
    return Vmd(frames, tracks, off)


def _bone_name(raw: bytes) -> str:
    name = raw.split(b"\0")[0].decode("cp932", "replace")
    return name.replace("ＩＫ", "IK").replace("２", "2")


def _table(data: bytes, count: int) -> npt.NDArray[np.void]:
    """Keyframes as records, in a right-handed space that faces +z."""
    kind = np.dtype(
        [("name", "S15"), ("frame", "<u4"), ("shift", "<f4", 3), ("turn", "<f4", 4), ("curve", "u1", 64)]
    )
    table = np.frombuffer(data, kind, count).copy()
    with np.errstate(invalid="ignore"):
        table["shift"] *= np.array([1, 1, -1], np.float32)
        table["turn"] *= np.array([-1, -1, 1, 1], np.float32)
    return table


def _first_damage(table: npt.NDArray[np.void]) -> str:
    """Bone and frame of the first key with values that are not finite."""
    finite = np.isfinite(table["shift"]).all(axis=1) & np.isfinite(table["turn"]).all(axis=1)
    key = table[int(np.flatnonzero(~finite)[0])]
    return f"{_bone_name(bytes(key['name']))} in frame {int(key['frame'])}"


def _switched_off(data: bytes, position: int) -> frozenset[str]:
    """IK bones that the first IK switches turn off; none where the file ends before them."""
    for size in (23, 61, 28, 9):  # morphs, camera, lights, shadows
        if position + 4 > len(data):
            return frozenset()
        (count,) = struct.unpack_from("<I", data, position)
        position += 4 + count * size
    if position + 13 > len(data):
        return frozenset()
    count = struct.unpack_from("<I", data, position + 9)[0]
    first = position + 13
    rows = [data[first + 21 * k : first + 21 * (k + 1)] for k in range(min(count, 64))]
    return frozenset(_bone_name(row[:20]) for row in rows if len(row) == 21 and row[20] == 0)


def _track(keys: npt.NDArray[np.void], frames: int) -> BoneTrack:
    order = np.argsort(keys["frame"], kind="stable")
    keys = keys[order]
    last = np.append(np.diff(keys["frame"].astype(np.int64)) > 0, True)
    keys = keys[last]  # of two keys of a frame the later counts
    times = keys["frame"].astype(np.float64)
    shifts, turns = keys["shift"].astype(np.float64), _unit(keys["turn"].astype(np.float64))
    every = np.arange(frames, dtype=np.float64)
    second = np.clip(np.searchsorted(times, every, side="left"), 0, len(times) - 1)
    first = np.maximum(second - 1, 0)
    length = np.where(second > first, times[second] - times[first], 1.0)
    share = np.clip((every - times[first]) / length, 0, 1)
    share = np.where(times[second] <= every, 1.0, share)
    curves = (
        keys["curve"][:, :16].reshape(-1, 4, 4).astype(np.float64)[second] / 127
    )  # (n, ax ay bx by, XYZR)
    weights = np.stack([_bezier(share, curves[:, :, axis]) for axis in range(4)], axis=1)
    moved = shifts[first] + (shifts[second] - shifts[first]) * weights[:, :3]
    return BoneTrack(moved, _unit(slerp(turns[first], turns[second], weights[:, 3])), len(keys))


def _bezier(share: Array, curve: Array) -> Array:
    """Progress at a share of the time on Bezier curves (n, 4) ax, ay, bx, by from (0, 0) to (1, 1)."""
    ax, ay, bx, by = np.clip(curve, 0, 1).T
    low, high = np.zeros_like(share), np.ones_like(share)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        before = _cubic(middle, ax, bx) < share
        low, high = np.where(before, middle, low), np.where(before, high, middle)
    straight = (np.abs(ax - ay) < 1e-6) & (np.abs(bx - by) < 1e-6)
    progress = np.where(share >= 1, 1.0, np.where(share <= 0, 0.0, _cubic((low + high) / 2, ay, by)))
    return np.where(straight, share, progress)


def _cubic(t: Array, first: Array, second: Array) -> Array:
    return 3 * t * (1 - t) ** 2 * first + 3 * t**2 * (1 - t) * second + t**3


def _unit(quaternions: Array) -> Array:
    length = np.linalg.norm(quaternions, axis=1, keepdims=True)
    return np.where(length > 1e-9, quaternions / np.maximum(length, 1e-9), [0.0, 0.0, 0.0, 1.0])


USED_BONES: Final = frozenset(
    {
        *("全ての親", "センター", "グルーブ", "腰", "下半身", "上半身", "上半身2", "首", "頭"),
        *(
            side + part
            for side in "左右"
            for part in (
                *("肩", "腕", "腕捩", "ひじ", "手捩", "手首", "足", "ひざ", "足首"),
                *("足IK", "つま先IK", "足IK親"),
            )
        ),
    }
)
"""Bones that carry a body's motion; those of hair, clothes and fingers are left out."""
