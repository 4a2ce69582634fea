"""Virtual Motion Capture protocol (VMC): a pose as one OSC bundle, for programs that show VRM avatars.

Sources: VMC protocol 2.7, "Marionette" receiver specification (protocol.vmc.info); Open Sound Control 1.0.
The protocol's frame is Unity's, left-handed: x to the character's right, y up, z to its front. Positions
(x, y, z) become (-x, y, z), quaternions (x, y, z, w) become (x, -y, -z, w).
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from dance_now.pose.formats.humanoid_motion import (
    Array,
    bone_offset,
    bones_in_order,
    local_rotations,
    place_origin,
    view_points,
)
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.model.quaternion_conversion import rotation_quaternions
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.retarget.face_expression import Expression
from dance_now.pose.retarget.face_rig import viseme_weights
from dance_now.pose.retarget.retargeter import Retargeted

_IMMEDIATELY: Final = 1  # time tag: receivers that schedule bundles would need clocks that agree
_HIP: Final = 8
# Names of VRM 0's blend shapes, which receivers of either version know; they are case-sensitive.
_BLEND_NAMES: Final = {
    "aa": "A",
    "ih": "I",
    "ou": "U",
    "ee": "E",
    "oh": "O",
    "blinkLeft": "Blink_L",
    "blinkRight": "Blink_R",
    "happy": "Joy",
    "angry": "Angry",
    "surprised": "Surprised",
    "lookLeft": "LookLeft",
    "lookRight": "LookRight",
    "lookUp": "LookUp",
    "lookDown": "LookDown",
}


def osc_message(address: str, *values: str | int | float) -> bytes:
    """Encodes an OSC message of texts, 32-bit integers and 32-bit floats."""
    tags, body = ",", b""
    for value in values:
        if isinstance(value, str):
            tags, body = tags + "s", body + _padded(value)
        elif isinstance(value, int):
            tags, body = tags + "i", body + struct.pack(">i", value)
        else:
            tags, body = tags + "f", body + struct.pack(">f", value)
    return _padded(address) + _padded(tags) + body


def osc_bundle(messages: Sequence[bytes]) -> bytes:
    """Encodes an OSC bundle that takes effect when it arrives."""
    parts = [struct.pack(">i", len(message)) + message for message in messages]
    return b"".join([_padded("#bundle"), struct.pack(">Q", _IMMEDIATELY), *parts])


def expression_weights(expression: Expression) -> dict[str, float]:
    """Weights in [0, 1] of VRM 1.0's expression presets."""
    brows = (expression.left_brow + expression.right_brow) / 2
    weights = {
        "aa": 0.0,
        "ih": 0.0,
        "ou": 0.0,
        "ee": 0.0,
        "oh": 0.0,
        **viseme_weights(expression),
        "blinkLeft": expression.left_eye,
        "blinkRight": expression.right_eye,
        "happy": expression.mouth_width * (1 - expression.mouth_open),
        "angry": -brows,
        "surprised": brows,
        "lookLeft": expression.gaze_left,
        "lookRight": -expression.gaze_left,
        "lookUp": expression.gaze_up,
        "lookDown": -expression.gaze_up,
    }
    return {name: float(np.clip(value, 0.0, 1.0)) for name, value in weights.items()}


class VmcEncoder:
    """Encodes the poses of one performer.

    The first pose stands over the origin; later ones move as it moves from there.
    """

    def __init__(self, skeleton: Skeleton) -> None:
        """Takes the body that poses are retargeted to."""
        self._rig = BoneRig.of(skeleton)
        self._bones = bones_in_order()
        self._offsets = [bone_offset(skeleton, bone) for bone in self._bones]
        self._origin: Array | None = None

    def bundle(self, retargeted: Retargeted, time: float) -> bytes:
        """The bundle of a pose at a time in seconds since the sender began."""
        view = view_points([retargeted])
        if self._origin is None:
            self._origin = place_origin(view[0], retargeted.scale)
        hips = view[0, _HIP] / retargeted.scale - self._origin
        quaternions = rotation_quaternions(local_rotations(self._rig, self._bones, view))[0]
        messages = [
            osc_message("/VMC/Ext/OK", 1),
            osc_message("/VMC/Ext/T", float(time)),
            osc_message("/VMC/Ext/Root/Pos", "root", 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0),
        ]
        for bone, offset, turn in zip(self._bones, self._offsets, quaternions, strict=True):
            place = hips if bone == "hips" else offset
            name = bone[0].upper() + bone[1:]  # of Unity's HumanBodyBones
            messages.append(osc_message("/VMC/Ext/Bone/Pos", name, *_unity_place(place), *_unity_turn(turn)))
        messages += _blend_messages(expression_weights(retargeted.expression))
        return osc_bundle(messages)


def _blend_messages(weights: Mapping[str, float]) -> list[bytes]:
    values = [osc_message("/VMC/Ext/Blend/Val", _BLEND_NAMES[name], value) for name, value in weights.items()]
    return [*values, osc_message("/VMC/Ext/Blend/Apply")]


def _unity_place(place: Array) -> tuple[float, float, float]:
    return -float(place[0]), float(place[1]), float(place[2])


def _unity_turn(quaternion: Array) -> tuple[float, float, float, float]:
    x, y, z, w = (float(value) for value in quaternion)
    return x, -y, -z, w


def _padded(text: str) -> bytes:
    """Text with one to four zeros, so that its length is a multiple of four."""
    data = text.encode("utf-8")
    return data + b"\0" * (4 - len(data) % 4)
