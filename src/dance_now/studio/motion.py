"""A motion, freed from its file's skeleton names, axes and rest pose."""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from dance_now.arrays import FloatArray
from dance_now.errors import DanceNowError
from dance_now.pose.bones import basis, unit
from dance_now.studio.bvh import Bvh, read_bvh

_logger = logging.getLogger(__name__)

_SIDE_JOINTS = ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot")
JOINT_NAMES: Final = (
    "hips",
    "head",
    *(f"{side}{joint}" for side in ("left", "right") for joint in _SIDE_JOINTS),
    "leftToes",
    "rightToes",
)
JOINT_INDEX: Final = {name: index for index, name in enumerate(JOINT_NAMES)}
_HEAD = JOINT_INDEX["head"]
_HANDS = [JOINT_INDEX["leftHand"], JOINT_INDEX["rightHand"]]
_LOWER_ARMS = [JOINT_INDEX["leftLowerArm"], JOINT_INDEX["rightLowerArm"]]
_OPTIONAL = {"leftToes", "rightToes"}
_T_POSE_DEGREES: Final = 12.0
# The zero pose of a file is preferred over a frame that is only slightly more like a T-pose.
_ZERO_POSE_BONUS: Final = 5.0


def _sided(pattern: Mapping[str, str], left: str, right: str) -> dict[str, str]:
    sides = (("left", left), ("right", right))
    return {
        f"{side}{joint}": name.replace("@", mark) for side, mark in sides for joint, name in pattern.items()
    }


def _map(trunk: tuple[str, str], pattern: str, marks: tuple[str, str]) -> dict[str, str]:
    names = dict(zip((*_SIDE_JOINTS, "Toes"), pattern.split(), strict=True))
    return {"hips": trunk[0], "head": trunk[1], **_sided(names, *marks)}


# Joint names of each family of skeletons, in lower case; "@" stands for the side.
_FAMILIES: Final = (
    # Mixamo, Rokoko, HumanIK
    _map(("hips", "head"), "@arm @forearm @hand @upleg @leg @foot @toebase", ("left", "right")),
    # Biovision's own, as many converters write it
    _map(("hips", "head"), "@shoulder @elbow @wrist @hip @knee @ankle @toe", ("left", "right")),
    # VRM humanoid bones
    _map(
        ("hips", "head"),
        "@upperarm @lowerarm @hand @upperleg @lowerleg @foot @toes",
        ("left", "right"),
    ),
    # Acclaim names of the CMU collection
    _map(("root", "head"), "@humerus @radius @wrist @femur @tibia @foot @toes", ("l", "r")),
    # Reallusion iClone
    _map(
        ("cc_base_hip", "cc_base_head"),
        "cc_base_@_upperarm cc_base_@_forearm cc_base_@_hand "
        "cc_base_@_thigh cc_base_@_calf cc_base_@_foot cc_base_@_toebase",
        ("l", "r"),
    ),
    # CMU joints numbered in hierarchy order
    {
        "hips": "cmu00",
        "head": "cmu18",
        **dict(
            zip(
                (f"{side}{joint}" for side in ("left", "right") for joint in (*_SIDE_JOINTS, "Toes")),
                (f"cmu{n:02d}" for n in (21, 22, 23, 2, 3, 4, 5, 30, 31, 32, 8, 9, 10, 11)),
                strict=True,
            )
        ),
    },
)


@dataclass(frozen=True, eq=False)
class Reference:
    """The pose of a skeleton that is most like a T-pose: turns of head and hands are measured from it.

    Attributes:
        distance: degrees from a T-pose, see ``t_pose_distance``.
        head: (3, 3) world rotation of the head joint.
        hands: (2, 3, 3) world rotations of the left and right hand joints.
        forearms: (2, 3) unit directions of the forearms.
    """

    distance: float
    head: FloatArray
    hands: FloatArray
    forearms: FloatArray


@dataclass(frozen=True, eq=False)
class Motion:
    """Joint positions and rotations over time, y up, in a frame where the reference pose faces +z.

    Attributes:
        name: the file's stem.
        skeleton: equal for files that share joint names and bone offsets.
        frame_time: seconds a frame.
        positions: (frames, 16, 3) float32 joint positions in the order of JOINT_NAMES, unit of the file.
        has_toes: whether the two toe joints are known.
        head: (frames, 3, 3) world rotations of the head joint.
        hands: (frames, 2, 3, 3) world rotations of the left and right hand joints.
        reference: what the rotations are compared with.
        foot_pitch: radians by which ankle-to-toe points down when the foot stands flat.
        frames: indices of the usable frames: no calibration T-pose at the start.
    """

    name: str
    skeleton: str
    frame_time: float
    positions: FloatArray
    has_toes: bool
    head: FloatArray
    hands: FloatArray
    reference: Reference
    foot_pitch: float
    frames: tuple[int, ...]

    @classmethod
    def from_bvh(cls, bvh: Bvh, name: str) -> Motion:
        """Recognises the skeleton and aligns the motion.

        Raises:
            DanceNowError: a skeleton whose joint names no known family uses, or that has no size.
        """
        joints = recognise(bvh.names)
        if joints is None:
            first = bvh.names[0][:40]
            raise DanceNowError(f"{name}: joint names of this skeleton are not known (first: {first!r}).")
        columns = [joints.get(joint, joints[joint.replace("Toes", "Foot")]) for joint in JOINT_NAMES]
        zero_rotations, zero_positions = bvh.world(None)
        rotations, positions = bvh.world(bvh.channels)
        rotations = np.concatenate([zero_rotations[:, columns], rotations[:, columns]])
        positions = np.concatenate([zero_positions[:, columns], positions[:, columns]])
        _check_size(positions, name)
        scores = t_pose_distance(positions)
        scores[0] -= _ZERO_POSE_BONUS
        best = int(scores.argmin())
        align = _alignment(positions[best])
        rotations, positions = align @ rotations, positions @ align.T
        has_toes = _OPTIONAL.issubset(joints)
        head, hands = rotations[:, _HEAD], rotations[:, _HANDS]
        forearms = unit(positions[best, _HANDS] - positions[best, _LOWER_ARMS])
        return cls(
            name=name,
            skeleton=_signature(bvh, joints),
            frame_time=bvh.frame_time,
            positions=positions[1:].astype(np.float32),
            has_toes=has_toes,
            head=head[1:],
            hands=hands[1:],
            reference=Reference(float(scores[best]), head[best], hands[best], forearms),
            foot_pitch=_foot_pitch(positions[1:]) if has_toes else 0.0,
            frames=_usable(scores[1:]),
        )

    def joint(self, name: str, frames: Sequence[int]) -> FloatArray:
        """(n, 3) positions of one joint of JOINT_NAMES at some frames."""
        return self.positions[list(frames), JOINT_INDEX[name]]


def recognise(names: tuple[str, ...]) -> dict[str, int] | None:
    """Indices of the joints of JOINT_NAMES among a file's joint names; None for an unknown skeleton.

    Prefixes such as ``mixamorig:`` and separators do not matter. Toes may be absent.
    """
    plain = {_plain(name): index for index, name in reversed(list(enumerate(names)))}
    for family in _FAMILIES:
        found = {joint: plain[name] for joint, name in family.items() if name in plain}
        if _OPTIONAL.issuperset(set(JOINT_NAMES) - set(found)):
            return found
    return None


def _plain(name: str) -> str:
    name = re.sub(r"^.*[:|]", "", name).lower()
    return name if name.startswith("cc_base") else re.sub(r"^mixamorig\d*|[ _.\-]", "", name)


def load_motion(path: Path) -> Motion:
    """Reads one BVH file.

    Raises:
        DanceNowError: see ``read_bvh`` and ``Motion.from_bvh``.
    """
    return Motion.from_bvh(read_bvh(path), path.stem)


def load_motions(paths: Iterable[Path]) -> list[Motion]:
    """Reads BVH files; those with the same skeleton share the best reference pose among them.

    A name that comes twice is read once, and files that are no usable motion are left out with a warning.
    """
    motions: dict[str, Motion] = {}
    for path in paths:
        if path.stem in motions:
            continue
        try:
            motions[path.stem] = load_motion(path)
        except DanceNowError as error:
            _logger.warning("left out: %s", error)
    best: dict[str, Reference] = {}
    for motion in motions.values():
        known = best.setdefault(motion.skeleton, motion.reference)
        if motion.reference.distance < known.distance:
            best[motion.skeleton] = motion.reference
    return [replace(motion, reference=best[motion.skeleton]) for motion in motions.values()]


def body_axes(positions: FloatArray) -> FloatArray:
    """(..., 3, 3) rotations whose columns are the body's left, up and front, from joints (..., 16, 3)."""
    left = positions[..., JOINT_INDEX["leftUpperLeg"], :] - positions[..., JOINT_INDEX["rightUpperLeg"], :]
    top = positions[..., JOINT_INDEX["leftUpperArm"], :] + positions[..., JOINT_INDEX["rightUpperArm"], :]
    low = positions[..., JOINT_INDEX["leftUpperLeg"], :] + positions[..., JOINT_INDEX["rightUpperLeg"], :]
    return basis(left, top - low)


def t_pose_distance(positions: FloatArray) -> FloatArray:
    """(frames,) mean angle in degrees between limbs (frames, 16, 3) and those of a T-pose."""
    axes = body_axes(positions)
    angles = []
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for bone, child, wanted in (
            ("UpperArm", "LowerArm", (sign, 0, 0)),
            ("LowerArm", "Hand", (sign, 0, 0)),
            ("UpperLeg", "LowerLeg", (0, -1, 0)),
            ("LowerLeg", "Foot", (0, -1, 0)),
        ):
            start, end = JOINT_INDEX[f"{side}{bone}"], JOINT_INDEX[f"{side}{child}"]
            local = np.einsum("fji,fj->fi", axes, unit(positions[:, end] - positions[:, start]))
            angles.append(np.degrees(np.arccos(np.clip(local @ np.asarray(wanted, np.float32), -1, 1))))
    head = unit(positions[:, JOINT_INDEX["head"]] - positions[:, JOINT_INDEX["hips"]])
    upright = np.degrees(np.arccos(np.clip(np.einsum("fj,fj->f", axes[..., 1], head), -1, 1)))
    return np.mean([*angles, 4 * upright], axis=0)


def _signature(bvh: Bvh, joints: Mapping[str, int]) -> str:
    parts = []
    for index in sorted(set(joints.values()) - {joints["hips"]}):
        joint = bvh.joints[index]
        parts.append(f"{_plain(joint.name)} " + " ".join(f"{value:.3f}" for value in joint.offset))
    return "; ".join(parts)


def _check_size(positions: FloatArray, name: str) -> None:
    for side in ("left", "right"):
        for start, end in itertools.pairwise(("UpperArm", "LowerArm", "Hand")):
            bone = positions[0, JOINT_INDEX[side + start]] - positions[0, JOINT_INDEX[side + end]]
            if not np.linalg.norm(bone) > 0:
                raise DanceNowError(f"{name}: the {side} {start} of this skeleton has no length.")
    if not np.isfinite(positions).all():
        raise DanceNowError(f"{name}: joint positions are not finite.")


def _alignment(reference: FloatArray) -> FloatArray:
    """(3, 3) rotation into a frame with y up and the reference pose (16, 3) facing +z.

    The coordinate axis nearest to the body's own is taken for "up": the reference may be a walking frame.
    """
    body = body_axes(reference)
    up = np.zeros(3, np.float32)
    axis = int(np.abs(body[:, 1]).argmax())
    up[axis] = np.sign(body[axis, 1])
    left = body[:, 0] - up * (up @ body[:, 0])
    return basis(left, up).T


def _foot_pitch(positions: FloatArray) -> float:
    """Downward angle of the feet while they stand: in the frames where the ankle is low."""
    pitches = []
    for side in ("left", "right"):
        ankle = positions[:, JOINT_INDEX[f"{side}Foot"]]
        foot = unit(positions[:, JOINT_INDEX[f"{side}Toes"]] - ankle)
        low = ankle[:, 1] <= np.quantile(ankle[:, 1], 0.3)
        pitches.append(float(np.median(np.arcsin(np.clip(-foot[low, 1], -1, 1)))))
    return float(np.clip(np.mean(pitches), np.radians(8), np.radians(25)))


def _usable(t_pose_scores: FloatArray) -> tuple[int, ...]:
    start = 0
    while start < len(t_pose_scores) - 1 and t_pose_scores[start] < _T_POSE_DEGREES:
        start += 1
    return tuple(range(start, len(t_pose_scores)))
