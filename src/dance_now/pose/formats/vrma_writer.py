"""VRM Animation writer (.vrma): motions for programs that show VRM avatars.

Source: Khronos glTF 2.0 specification, sections 3.11 (animations) and 4 (GLB); VRMC_vrm_animation 1.0, whose
expressions are nodes that move along x by the weight.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.formats.humanoid_motion import (
    BONE_PARENTS,
    bone_offset,
    bones_in_order,
    child_bones,
    hip_places,
    local_rotations,
    view_points,
)
from dance_now.pose.formats.vmc_bundle import expression_weights
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.model.quaternion_conversion import rotation_quaternions
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.retarget.retargeter import Retargeted

_FLOAT: Final = 5126
_THUMBS: Final = {"Proximal": "Metacarpal", "Intermediate": "Proximal", "Distal": "Distal"}


def vrma_bytes(skeleton: Skeleton, motion: Sequence[Retargeted | None], times: Sequence[float]) -> bytes:
    """Formats a motion as a VRM Animation file.

    Args:
        skeleton: the body that the motion is for, in a T-pose.
        motion: one entry per frame; None leaves the frame out, and programs interpolate.
        times: seconds of the frames, rising.

    Raises:
        ValueError: a motion without any frame that is not None.
    """
    seen = [(each, time) for each, time in zip(motion, times, strict=True) if each is not None]
    if not seen:
        raise ValueError("a motion needs at least one frame")
    poses = [each for each, _ in seen]
    bones, view = bones_in_order(), view_points(poses)
    rotations = rotation_quaternions(local_rotations(BoneRig.of(skeleton), bones, view))
    places = hip_places(view, np.array([each.scale for each in poses]))
    faces = [expression_weights(each.expression) for each in poses]
    document = _Document(np.array([time for _, time in seen]))
    for bone in bones:
        children = [bones.index(child) for child in child_bones(bone)]
        document.add_node(bone, bone_offset(skeleton, bone), children)
    for number in range(len(bones)):
        document.animate(number, "rotation", _continuous(rotations[:, number]))
    document.animate(0, "translation", places)
    expressions = {}
    for name in faces[0]:
        node = document.add_node(name, np.zeros(3), [])
        weights = np.array([face[name] for face in faces])
        document.animate(node, "translation", np.column_stack([weights, 0 * weights, 0 * weights]))
        expressions[name] = {"node": node}
    humanoid = {_vrm1_name(bone): {"node": number} for number, bone in enumerate(bones)}
    return document.glb(humanoid, expressions)


def _vrm1_name(bone: str) -> str:
    """VRM 1.0's name of a bone: its thumbs begin with a metacarpal."""
    side, thumb, part = bone.partition("Thumb")
    return f"{side}{thumb}{_THUMBS[part]}" if thumb else bone


def _continuous(quaternions: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The same rotations (n, 4) with signs that do not jump, so that interpolation goes the shorter way."""
    flips = (quaternions[1:] * quaternions[:-1]).sum(axis=1) < 0
    signs = np.where(np.cumsum([False, *flips]) % 2 == 1, -1.0, 1.0)
    return quaternions * signs[:, None]


class _Document:
    """A glTF document with one animation, and its binary chunk."""

    def __init__(self, times: npt.NDArray[np.float64]) -> None:
        self._binary = bytearray()
        self._nodes: list[dict[str, Any]] = []
        self._accessors: list[dict[str, Any]] = []
        self._views: list[dict[str, Any]] = []
        self._samplers: list[dict[str, Any]] = []
        self._channels: list[dict[str, Any]] = []
        self._times = self._store(times[:, None], "SCALAR")

    def add_node(self, name: str, offset: npt.NDArray[np.float64], children: list[int]) -> int:
        """Adds a node at an offset (3,) from its parent; returns its index."""
        node: dict[str, Any] = {"name": name, "translation": [round(float(value), 6) for value in offset]}
        self._nodes.append(node | ({"children": children} if children else {}))
        return len(self._nodes) - 1

    def animate(self, node: int, path: str, values: npt.NDArray[np.float64]) -> None:
        """Adds keyframes (n, 3) or (n, 4) of a node at the document's times."""
        output = self._store(values, f"VEC{values.shape[1]}")
        self._channels.append({"sampler": len(self._samplers), "target": {"node": node, "path": path}})
        self._samplers.append({"input": self._times, "output": output, "interpolation": "LINEAR"})

    def glb(self, humanoid: dict[str, Any], expressions: dict[str, Any]) -> bytes:
        """The file."""
        extension = {
            "specVersion": "1.0",
            "humanoid": {"humanBones": humanoid},
            "expressions": {"preset": expressions},
        }
        roots = [0, *range(1 + len(BONE_PARENTS), len(self._nodes))]
        document = {
            "asset": {"version": "2.0", "generator": "dance_now"},
            "extensionsUsed": ["VRMC_vrm_animation"],
            "extensions": {"VRMC_vrm_animation": extension},
            "scene": 0,
            "scenes": [{"nodes": roots}],
            "nodes": self._nodes,
            "animations": [{"channels": self._channels, "samplers": self._samplers}],
            "accessors": self._accessors,
            "bufferViews": self._views,
            "buffers": [{"byteLength": len(self._binary)}],
        }
        text = json.dumps(document, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<I4s", len(text), b"JSON") + text
        chunks += struct.pack("<I4s", len(self._binary), b"BIN\0") + bytes(self._binary)
        return struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks

    def _store(self, values: npt.NDArray[np.float64], kind: str) -> int:
        """Appends an array; returns its accessor."""
        data = values.astype("<f4")
        self._views.append({"buffer": 0, "byteOffset": len(self._binary), "byteLength": data.nbytes})
        self._binary += data.tobytes()
        accessor = {
            "bufferView": len(self._views) - 1,
            "componentType": _FLOAT,
            "count": len(data),
            "type": kind,
        }
        limits = {"min": [float(data.min())], "max": [float(data.max())]} if kind == "SCALAR" else {}
        self._accessors.append(accessor | limits)
        return len(self._accessors) - 1
