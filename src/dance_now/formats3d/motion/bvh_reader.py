"""BVH reader (Biovision hierarchy: a skeleton, then one line of channel values per frame).

Source: the Biovision BVH format as described by Meredith and Maddock, "Motion Capture File Formats
Explained" (2001). Angles are degrees; a joint's rotation is the product of its rotation channels in the
order in which they are listed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.core.errors import DanceNowError
from dance_now.core.limits import MemoryBudget, read_bounded

MAXIMUM_BYTES = 256 * 2**20
MAXIMUM_JOINTS = 1000
MAXIMUM_DEPTH = 200
MAXIMUM_FRAMES = 1_000_000
MAXIMUM_VALUES = 8_000_000  # frames times channels or joints: six minutes of 180 channels at 120 Hz
_VALUE_BYTES, _JOINT_BYTES = 64, 48  # of a number as text in a list, and of a joint's transform
_MOTION = re.compile(r"(?<!\S)MOTION\s+(?=Frames\b)", re.IGNORECASE)
_COMMENT = re.compile(r"^[ \t]*#.*$", re.MULTILINE)
_CHANNELS = {f"{axis}{kind}" for axis in "XYZ" for kind in ("position", "rotation")}


@dataclass(frozen=True)
class Joint:
    """BVH joint.

    Attributes:
        name: as in the file.
        parent: index of the parent joint, -1 for a root.
        offset: position in the parent's frame, in the file's unit.
        channels: such as ``Xposition`` or ``Zrotation``, in file order.
    """

    name: str
    parent: int
    offset: tuple[float, float, float]
    channels: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Bvh:
    """BVH skeleton and its motion.

    Attributes:
        joints: parents come before their children.
        frame_time: seconds per frame.
        channels: (frames, channels) float32 values in joint order.
    """

    joints: tuple[Joint, ...]
    frame_time: float
    channels: FloatArray

    @property
    def names(self) -> tuple[str, ...]:
        """Joint names in order."""
        return tuple(joint.name for joint in self.joints)

    def world(self, channels: FloatArray | None = None) -> tuple[FloatArray, FloatArray]:
        """World transforms by forward kinematics.

        Args:
            channels: (frames, channels) rows of ``self.channels``; None is the zero pose, one frame.

        Returns:
            (frames, joints, 3, 3) world rotations and (frames, joints, 3) positions in the file's unit.
            Positions replace the offset of a root, and of the joints down to where the skeleton first
            branches: hips under a reference that stays where it is. Those of other joints are ignored, for
            bones are rigid.
        """
        count = sum(len(joint.channels) for joint in self.joints)
        values = np.zeros((1, count), np.float32) if channels is None else channels
        frames = len(values)
        rotations = np.zeros((frames, len(self.joints), 3, 3), np.float32)
        positions = np.zeros((frames, len(self.joints), 3), np.float32)
        column = 0
        travelling = self._travelling()
        for index, joint in enumerate(self.joints):
            local = np.tile(np.eye(3, dtype=np.float32), (frames, 1, 1))
            offset = np.tile(np.asarray(joint.offset, np.float32), (frames, 1))
            for channel in joint.channels:
                axis = "XYZ".index(channel[0])
                if channel.endswith("rotation"):
                    local = local @ axis_rotations(axis, np.radians(values[:, column]))
                elif index in travelling and channels is not None:
                    offset[:, axis] = values[:, column]
                column += 1
            if joint.parent < 0:
                rotations[:, index], positions[:, index] = local, offset
            else:
                parent = rotations[:, joint.parent]
                rotations[:, index] = parent @ local
                turned = np.einsum("fij,fj->fi", parent, offset)
                positions[:, index] = positions[:, joint.parent] + turned
        return rotations, positions

    def _travelling(self) -> set[int]:
        """Joints whose positions count: the roots, and those below them down to the first that branches."""
        children = Counter(joint.parent for joint in self.joints)
        found: set[int] = set()
        for index, joint in enumerate(self.joints):
            if joint.parent < 0 or (joint.parent in found and children[joint.parent] == 1):
                found.add(index)
        return found


def axis_rotations(axis: int, angles: FloatArray) -> FloatArray:
    """Rotation matrices (n, 3, 3) by ``angles`` (n,) radians about coordinate axis 0, 1 or 2."""
    result = np.tile(np.eye(3, dtype=np.float32), (len(angles), 1, 1))
    first, second = (axis + 1) % 3, (axis + 2) % 3
    cosine, sine = np.cos(angles), np.sin(angles)
    result[:, first, first] = result[:, second, second] = cosine
    result[:, first, second], result[:, second, first] = -sine, sine
    return result


def read_bvh(path: Path) -> Bvh:
    """Reads and validates a BVH file.

    Raises:
        DanceNowError: not a BVH file, damaged, or larger than MAXIMUM_BYTES.
    """
    data = read_bounded(path, MAXIMUM_BYTES)
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return parse_bvh(data.decode(encoding, "replace"), path.name)


def parse_bvh(text: str, name: str = "BVH") -> Bvh:
    """Parses a BVH file's text; ``name`` begins the error messages.

    Blank lines, comments (#), decimal commas and a last frame that is cut short are accepted.

    Raises:
        DanceNowError: not BVH, or damaged.
    """
    text = _COMMENT.sub("", text.lstrip("\ufeff"))
    start = _MOTION.search(text)
    if start is None or text[: start.start()].split(None, 1)[:1] != ["HIERARCHY"]:
        raise DanceNowError(f"{name}: not a BVH motion (no HIERARCHY and MOTION).")
    try:
        joints = _Hierarchy(text[: start.start()]).joints
        lines = text[start.end() :].lstrip().split("\n", 1)
        frames = int(_after(lines[0], "Frames"))
        lines = lines[1].lstrip().split("\n", 1)
        frame_time = float(_after(lines[0], "Frame Time").replace(",", "."))
        count = sum(len(joint.channels) for joint in joints)
        if not 0 < frames <= MAXIMUM_FRAMES or not 1e-5 < frame_time < 10 or count == 0:
            raise ValueError(f"{frames} frames of {frame_time} s with {count} channels")
        if frames * max(count, len(joints)) > MAXIMUM_VALUES:
            raise ValueError(f"{frames} frames of {len(joints)} joints are too many")
        size = frames * (_VALUE_BYTES * count + _JOINT_BYTES * len(joints))
        MemoryBudget(name, len(text)).charge(size, f"{frames} frames of {len(joints)} joints")
        channels = _values(lines[1] if len(lines) > 1 else "", frames, count)
    except (ValueError, IndexError, StopIteration) as error:
        raise DanceNowError(f"{name}: damaged BVH motion ({error or 'it ends too early'}).") from error
    if not np.isfinite(channels).all():
        frame = int(np.flatnonzero(~np.isfinite(channels).all(axis=1))[0])
        raise DanceNowError(f"{name}: damaged BVH motion (frame {frame} has values that are not finite).")
    return Bvh(tuple(joints), frame_time, channels)


def _values(body: str, frames: int, count: int) -> FloatArray:
    """Channel values (frames, count); one frame fewer where the last announced one is cut short."""
    if "," in body and "." not in body:
        body = body.replace(",", ".")
    numbers = body.split(maxsplit=frames * count)[: frames * count]
    if len(numbers) < max(frames - 1, 1) * count:
        raise ValueError(
            f"{frames} frames of {count} values expected, {len(numbers) // count} and"
            f" {len(numbers) % count} values found"
        )
    whole = len(numbers) // count
    return np.array(numbers[: whole * count], np.float32).reshape(whole, count)


def _after(line: str, keyword: str) -> str:
    start, colon, value = line.partition(":")
    if not colon or start.strip().lower() != keyword.lower():
        raise ValueError(f"'{keyword}:' expected, '{line[:40]}' found")
    return value


@dataclass
class _Hierarchy:
    """Parser of the HIERARCHY section; ``joints`` is the result."""

    text: str
    joints: list[Joint] = field(default_factory=list)

    def __post_init__(self) -> None:
        tokens = iter(self.text.replace("{", " { ").replace("}", " } ").split())
        if next(tokens) != "HIERARCHY":
            raise ValueError("no HIERARCHY")
        for token in tokens:
            if token != "ROOT":
                raise ValueError(f"ROOT expected, '{token[:40]}' found")
            self._joint(tokens, -1, 0)
        if not self.joints:
            raise ValueError("no joints")

    def _joint(self, tokens: Iterator[str], parent: int, depth: int) -> None:
        if depth > MAXIMUM_DEPTH or len(self.joints) >= MAXIMUM_JOINTS:
            raise ValueError("too many joints")
        name = self._name(tokens)
        index = len(self.joints)
        self.joints.append(Joint(name, parent, (0.0, 0.0, 0.0), ()))
        offset: tuple[float, float, float] | None = None
        channels: tuple[str, ...] = ()
        for token in tokens:
            if token == "OFFSET":
                offset = self._vector(tokens)
            elif token == "CHANNELS":
                channels = self._channels(tokens)
            elif token == "JOINT":
                self._joint(tokens, index, depth + 1)
            elif token == "End":
                self._end_site(tokens)
            elif token == "}":
                break
            else:
                raise ValueError(f"'{token[:40]}' in joint {name[:40]}")
        else:
            raise ValueError(f"joint {name[:40]} does not end")
        if offset is None:
            raise ValueError(f"joint {name[:40]} has no OFFSET")
        self.joints[index] = Joint(name, parent, offset, channels)

    @staticmethod
    def _name(tokens: Iterator[str]) -> str:
        """Joint name: everything up to the brace, since some programs write names with spaces."""
        words: list[str] = []
        for token in tokens:
            if token == "{":
                return " ".join(words)
            words.append(token)
        raise ValueError("a joint without a brace")

    @staticmethod
    def _vector(tokens: Iterator[str]) -> tuple[float, float, float]:
        x, y, z = float(next(tokens)), float(next(tokens)), float(next(tokens))
        if not np.isfinite([x, y, z]).all():
            raise ValueError("an OFFSET that is not finite")
        return x, y, z

    @staticmethod
    def _channels(tokens: Iterator[str]) -> tuple[str, ...]:
        count = int(next(tokens))
        if not 0 <= count <= 6:
            raise ValueError(f"{count} channels in one joint")
        channels = tuple(token[:1].upper() + token[1:].lower() for token in islice(tokens, count))
        if len(channels) < count or not _CHANNELS.issuperset(channels):
            raise ValueError(f"unknown channels {channels}")
        return channels

    def _end_site(self, tokens: Iterator[str]) -> None:
        self._name(tokens)
        for token in tokens:
            if token == "}":
                return
            if token != "OFFSET":
                raise ValueError(f"'{token[:40]}' in an End Site")
            self._vector(tokens)
        raise ValueError("an End Site does not end")
