"""Motion: joint trajectories independent of the file's joint names, axes and rest pose."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.core.errors import DanceNowError
from dance_now.formats3d.motion.bvh_reader import Bvh, read_bvh
from dance_now.formats3d.motion.deepmimic import is_deepmimic, read_deepmimic
from dance_now.formats3d.motion.gltf_animation import GLTF_SUFFIXES, read_gltf_motions
from dance_now.formats3d.motion.motion_joints import (
    JOINT_INDEX,
    JointTracks,
    has_toes,
    joint_columns,
    match_joint_names,
    normalised_joint_name,
)
from dance_now.formats3d.motion.smpl_arrays import read_smpl
from dance_now.formats3d.motion.vmd_motion import read_vmd_motion
from dance_now.pose.model.bone_rule import unit
from dance_now.synthesis.poses.motion_alignment import (
    clip_alignment,
    level_head,
    most_usual_up,
    pose_alignment,
    t_pose_distance,
)

_logger = logging.getLogger(__name__)

_HEAD = JOINT_INDEX["head"]
_HANDS = [JOINT_INDEX["leftHand"], JOINT_INDEX["rightHand"]]
_LOWER_ARMS = [JOINT_INDEX["leftLowerArm"], JOINT_INDEX["rightLowerArm"]]
_SUFFIXES: Final = (".bvh", ".vmd", ".npz", *GLTF_SUFFIXES)
_T_POSE_DEGREES: Final = 12.0
# The zero pose of a file is preferred over a frame that is only slightly closer to a T-pose.
_ZERO_POSE_BONUS: Final = 5.0
# Farther from a T-pose than this, a frame or a zero pose says nothing about where a level head looks.
_NEAR_T_POSE_DEGREES: Final = 25.0
_FAR_ZERO_DEGREES: Final = 60.0


@dataclass(frozen=True, eq=False)
class ReferencePose:
    """Reference pose: a skeleton's pose nearest to a T-pose, to which head and hand rotations are relative.

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
    """Joint positions and rotations over time, y up; the first second faces +z.

    Attributes:
        name: the file's stem.
        skeleton: equal for files with the same joint names and bone offsets.
        frame_time: seconds per frame.
        positions: (frames, 16, 3) float32 joint positions in the order of JOINT_NAMES, unit of the file.
        has_toes: whether the two toe joints are known.
        head: (frames, 3, 3) world rotations of the head joint.
        hands: (frames, 2, 3, 3) world rotations of the left and right hand joints.
        reference: pose that the rotations are relative to.
        foot_pitch: downward angle of ankle-to-toe when the foot is flat, radians.
        frames: indices of the usable frames: no calibration T-pose at the start or the end.
    """

    name: str
    skeleton: str
    frame_time: float
    positions: FloatArray
    has_toes: bool
    head: FloatArray
    hands: FloatArray
    reference: ReferencePose
    foot_pitch: float
    frames: tuple[int, ...]

    @classmethod
    def from_tracks(cls, tracks: JointTracks) -> Motion:
        """Aligns the joint tracks of a file.

        Raises:
            DanceNowError: a skeleton with a limb of no length.
        """
        order = joint_columns(tracks.joints)
        rotations, positions = tracks.rotations[:, order], tracks.positions[:, order]
        _check_size(positions, tracks.name)
        scores = t_pose_distance(positions)
        if tracks.zero_is_reference:
            scores[0] = 0
        scores[0] -= _ZERO_POSE_BONUS
        best = 0 if tracks.zero_is_reference else int(scores.argmin())
        own = pose_alignment(positions[best], most_usual_up(positions[best, None]))
        usable = _usable_frames(scores[1:])
        align = own if tracks.keeps_world else clip_alignment(positions[1:], usable, tracks.frame_time)
        reference = ReferencePose(
            float(scores[best]),
            own @ rotations[best, _HEAD],
            own @ rotations[best, _HANDS],
            unit(positions[best, _HANDS] - positions[best, _LOWER_ARMS]) @ own.T,
        )
        rotations, positions = align @ rotations, positions @ align.T
        head, hands = rotations[:, _HEAD], rotations[:, _HANDS]
        if scores[best] > (_FAR_ZERO_DEGREES if best == 0 else _NEAR_T_POSE_DEGREES):
            reference = replace(reference, head=level_head(head[1:], positions[1:], reference.head))
        toes = has_toes(tracks.joints)
        return cls(
            name=tracks.name,
            skeleton=tracks.skeleton,
            frame_time=tracks.frame_time,
            positions=positions[1:].astype(np.float32),
            has_toes=toes,
            head=head[1:],
            hands=hands[1:],
            reference=reference,
            foot_pitch=_foot_pitch(positions[1:]) if toes else 0.0,
            frames=usable,
        )

    @classmethod
    def from_bvh(cls, bvh: Bvh, name: str) -> Motion:
        """Matches the skeleton's joint names and aligns the motion.

        Raises:
            DanceNowError: unknown joint names, a missing arm or leg, or a limb of no length.
        """
        try:
            joints = match_joint_names(bvh.names)
        except DanceNowError as error:
            raise DanceNowError(f"{name}: {error}") from error
        zero_rotations, zero_positions = bvh.world(None)
        rotations, positions = bvh.world(bvh.channels)
        return cls.from_tracks(
            JointTracks(
                name=name,
                skeleton=_signature(bvh, joints),
                frame_time=bvh.frame_time,
                joints=joints,
                rotations=np.concatenate([zero_rotations, rotations]),
                positions=np.concatenate([zero_positions, positions]),
            )
        )

    def joint(self, name: str, frames: Sequence[int]) -> FloatArray:
        """Positions (n, 3) of one joint of JOINT_NAMES in some frames."""
        return self.positions[list(frames), JOINT_INDEX[name]]


def motion_files(path: Path) -> list[Path]:
    """Lists motion files: the file itself, or all in a folder and below it, sorted."""
    if not path.is_dir():
        return [path]
    found = (file for file in sorted(path.rglob("*")) if file.is_file())
    return [
        file
        for file in found
        if file.suffix.lower() in _SUFFIXES or (file.suffix.lower() == ".txt" and is_deepmimic(file))
    ]


def load_motion(path: Path, clip: str | None = None) -> Motion:
    """Loads a motion file: its only motion, or one of its clips.

    Args:
        path: the file.
        clip: name of a clip, with or without the file's name before it; None is the first.

    Raises:
        DanceNowError: an unknown format, a damaged file, not the motion of a body, or no such clip (the
            message lists those there are).
    """
    motions = _read(path)
    if clip is None:
        return motions[0]
    names = {motion.name.removeprefix(f"{path.stem}_"): motion for motion in motions}
    if clip in names:
        return names[clip]
    for motion in motions:
        if motion.name == clip:
            return motion
    raise DanceNowError(f"{path.name} has no clip {clip!r}. It has: {', '.join(names)}.", option="clip")


def clip_names(path: Path) -> list[str]:
    """Names of the clips in a motion file, as ``load_motion`` takes them."""
    return [motion.name.removeprefix(f"{path.stem}_") for motion in _read(path)]


def load_motions(paths: Iterable[Path]) -> list[Motion]:
    """Loads motion files; motions of the same skeleton share the best reference pose among them.

    Of motions with the same name the first is kept, unusable files are skipped with a warning, and a
    recording of only a T-pose contributes its reference pose alone.
    """
    motions: dict[str, Motion] = {}
    for path in paths:
        try:
            for motion in _read(path):
                motions.setdefault(motion.name, motion)
        except DanceNowError as error:
            _logger.warning("skipped: %s", error)
    best: dict[str, ReferencePose] = {}
    for motion in motions.values():
        known = best.setdefault(motion.skeleton, motion.reference)
        if motion.reference.distance < known.distance:
            best[motion.skeleton] = motion.reference
    return [replace(motion, reference=best[motion.skeleton]) for motion in motions.values() if motion.frames]


def _read(path: Path) -> list[Motion]:
    suffix = path.suffix.lower()
    if suffix in GLTF_SUFFIXES:
        return [Motion.from_tracks(tracks) for tracks in read_gltf_motions(path)]
    readers = {".txt": read_deepmimic, ".vmd": read_vmd_motion, ".npz": read_smpl}
    if suffix in readers:
        return [Motion.from_tracks(readers[suffix](path))]
    return [Motion.from_bvh(read_bvh(path), path.stem)]


def _signature(bvh: Bvh, joints: Mapping[str, int]) -> str:
    parts = []
    for index in sorted(set(joints.values()) - {joints["hips"]}):
        joint = bvh.joints[index]
        parts.append(
            f"{normalised_joint_name(joint.name)} " + " ".join(f"{value:.3f}" for value in joint.offset)
        )
    return "; ".join(parts)


def _check_size(positions: FloatArray, name: str) -> None:
    if not np.isfinite(positions).all():
        raise DanceNowError(f"{name}: joint positions are not finite.")
    for limb in (("UpperArm", "LowerArm", "Hand"), ("UpperLeg", "LowerLeg", "Foot")):
        for side, (start, end) in itertools.product(("left", "right"), itertools.pairwise(limb)):
            bone = positions[:, JOINT_INDEX[side + start]] - positions[:, JOINT_INDEX[side + end]]
            if not np.linalg.norm(bone, axis=1).min() > 0:
                raise DanceNowError(f"{name}: the {side}{start} of this skeleton has no length.")
    for joint in ("UpperArm", "UpperLeg"):
        across = positions[:, JOINT_INDEX[f"left{joint}"]] - positions[:, JOINT_INDEX[f"right{joint}"]]
        if not np.linalg.norm(across, axis=1).min() > 0:
            raise DanceNowError(f"{name}: left and right {joint} of this skeleton coincide.")


def _foot_pitch(positions: FloatArray) -> float:
    """Downward angle of standing feet, in the frames where the ankle is low."""
    pitches = []
    for side in ("left", "right"):
        ankle = positions[:, JOINT_INDEX[f"{side}Foot"]]
        foot = unit(positions[:, JOINT_INDEX[f"{side}Toes"]] - ankle)
        low = ankle[:, 1] <= np.quantile(ankle[:, 1], 0.3)
        pitches.append(float(np.median(np.arcsin(np.clip(-foot[low, 1], -1, 1)))))
    return float(np.clip(np.mean(pitches), np.radians(8), np.radians(25)))


def _usable_frames(t_pose_scores: FloatArray) -> tuple[int, ...]:
    """Usable frames: all but T-poses at the beginning and the end."""
    posed = np.flatnonzero(t_pose_scores >= _T_POSE_DEGREES)
    return tuple(range(posed[0], posed[-1] + 1)) if len(posed) else ()
