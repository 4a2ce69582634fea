"""SMPL pose arrays (.npz of AMASS and of converters): joint rotations of the SMPL body over time.

Arrays: ``poses`` or ``smpl_poses`` (n, 72 or more), axis-angle rotations of joints in SMPL's order; ``trans``
or ``smpl_trans`` (n, 3), metres; ``mocap_framerate``, ``mocap_frame_rate`` or ``fps``. AIST++ distributes
pickles, which run code when they are read; convert them to .npz where you trust them.

Sources: Loper et al., "SMPL", 2015; Mahmood et al., "AMASS", 2019. The body is a plain adult of this project:
SMPL's own joint positions depend on its licensed model.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.errors import DanceNowError
from dance_now.core.limits import MemoryBudget, read_bounded
from dance_now.formats3d.motion.motion_joints import JOINT_NAMES, JointTracks
from dance_now.formats3d.quaternions import quaternion_matrices

Array = npt.NDArray[np.float64]

MAXIMUM_BYTES: Final = 256 * 2**20
MAXIMUM_FRAMES: Final = 200_000
_DEFAULT_RATE: Final = 60.0  # of AIST++
_FRAME_BYTES: Final = 24 * (9 + 3) * 8 * 2
# Joint of SMPL's order: parent, rest position in metres, y up, z to the front.
BODY: Final[tuple[tuple[str, int, tuple[float, float, float]], ...]] = (
    ("hips", -1, (0.0, 0.95, 0.0)),
    ("leftUpperLeg", 0, (0.09, 0.87, 0.0)),
    ("rightUpperLeg", 0, (-0.09, 0.87, 0.0)),
    ("spine1", 0, (0.0, 1.06, 0.0)),
    ("leftLowerLeg", 1, (0.1, 0.48, 0.0)),
    ("rightLowerLeg", 2, (-0.1, 0.48, 0.0)),
    ("spine2", 3, (0.0, 1.19, 0.0)),
    ("leftFoot", 4, (0.09, 0.08, -0.03)),
    ("rightFoot", 5, (-0.09, 0.08, -0.03)),
    ("spine3", 6, (0.0, 1.25, 0.0)),
    ("leftToes", 7, (0.12, 0.02, 0.1)),
    ("rightToes", 8, (-0.12, 0.02, 0.1)),
    ("neck", 9, (0.0, 1.46, -0.02)),
    ("leftCollar", 9, (0.08, 1.37, -0.01)),
    ("rightCollar", 9, (-0.08, 1.37, -0.01)),
    ("head", 12, (0.0, 1.54, 0.02)),
    ("leftUpperArm", 13, (0.18, 1.4, -0.02)),
    ("rightUpperArm", 14, (-0.18, 1.4, -0.02)),
    ("leftLowerArm", 16, (0.44, 1.4, -0.03)),
    ("rightLowerArm", 17, (-0.44, 1.4, -0.03)),
    ("leftHand", 18, (0.69, 1.4, -0.02)),
    ("rightHand", 19, (-0.69, 1.4, -0.02)),
)


def read_smpl(path: Path) -> JointTracks:
    """Reads SMPL pose arrays.

    Raises:
        DanceNowError: not an .npz, larger than allowed, pickled, or without poses of SMPL's shape.
    """
    data = read_bounded(path, MAXIMUM_BYTES)
    budget = MemoryBudget(path.name, len(data))
    poses, shifts, rate = _arrays(path, data, budget)
    frames = len(poses)
    if poses.ndim != 2 or poses.shape[1] < 3 * len(BODY) or not 0 < frames <= MAXIMUM_FRAMES:
        raise DanceNowError(
            f"{path.name}: poses has the shape {poses.shape}; (frames, 72 or more) is expected."
        )
    if shifts.shape != (frames, 3):
        raise DanceNowError(f"{path.name}: trans has the shape {shifts.shape}; ({frames}, 3) is expected.")
    if not (np.isfinite(poses).all() and np.isfinite(shifts).all()) or np.abs(poses).max() > 1e3:
        bad = int(
            np.flatnonzero(~(np.isfinite(poses).all(axis=1) & np.isfinite(shifts).all(axis=1)))[:1].sum()
        )
        raise DanceNowError(f"{path.name}: frame {bad} holds values that are no pose.")
    if not 1 <= rate <= 1000:
        raise DanceNowError(f"{path.name}: a frame rate of {rate:g} is impossible.")
    budget.charge(_FRAME_BYTES * frames, f"{frames} frames")
    turns = _rotations(np.concatenate([np.zeros((1, 3 * len(BODY))), poses[:, : 3 * len(BODY)]]))
    rotations, places = _world(turns, np.concatenate([np.zeros((1, 3)), shifts]))
    columns = [[name for name, _, _ in BODY].index(joint) for joint in JOINT_NAMES]
    return JointTracks(
        name=path.stem,
        skeleton="smpl",
        frame_time=1 / rate,
        joints={joint: column for column, joint in enumerate(JOINT_NAMES)},
        rotations=rotations[:, columns].astype(np.float32),
        positions=places[:, columns].astype(np.float32),
        zero_is_reference=True,
    )


def _arrays(path: Path, data: bytes, budget: MemoryBudget) -> tuple[Array, Array, float]:
    """Poses, translations and frame rate; sizes are checked before anything is unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            sizes = {item.filename.removesuffix(".npy"): item.file_size for item in archive.infolist()}
        chosen = {
            key: next((name for name in names if name in sizes), None)
            for key, names in (
                ("poses", ("poses", "smpl_poses", "fullpose")),
                ("trans", ("trans", "smpl_trans", "transl")),
                ("rate", ("mocap_framerate", "mocap_frame_rate", "fps")),
            )
        }
        if chosen["poses"] is None:
            raise DanceNowError(
                f"{path.name}: not a motion of SMPL (no array poses; it has {', '.join(sizes)[:200]})."
            )
        budget.charge(4 * sum(sizes[name] for name in chosen.values() if name is not None), "its arrays")
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            poses = np.asarray(arrays[chosen["poses"]], np.float64)
            poses = poses.reshape(len(poses), -1) if poses.ndim > 2 else poses
            shifts = np.zeros((len(poses), 3)) if chosen["trans"] is None else arrays[chosen["trans"]]
            rate = _DEFAULT_RATE if chosen["rate"] is None else float(arrays[chosen["rate"]])
            return poses, np.asarray(shifts, np.float64), rate
    except DanceNowError:
        raise
    except Exception as error:  # zipfile and numpy raise many kinds for damaged archives
        raise DanceNowError(
            f"{path.name}: not a readable .npz of numbers ({error}).".replace("\n", " ")
        ) from error


def _rotations(poses: Array) -> Array:
    """Rotations (n, 22, 3, 3) of axis-angle vectors (n, 66)."""
    vectors = poses.reshape(len(poses), -1, 3)
    angle = np.linalg.norm(vectors, axis=2, keepdims=True)
    axis = vectors / np.maximum(angle, 1e-12)
    quaternions = np.concatenate([axis * np.sin(angle / 2), np.cos(angle / 2)], axis=2)
    found: Array = quaternion_matrices(quaternions)
    return found


def _world(turns: Array, shifts: Array) -> tuple[Array, Array]:
    """World rotations (n, 22, 3, 3) and positions (n, 22, 3) by forward kinematics."""
    rotations, places = np.empty_like(turns), np.empty((*turns.shape[:2], 3))
    for index, (_, parent, place) in enumerate(BODY):
        if parent < 0:
            rotations[:, index], places[:, index] = turns[:, index], np.array(place) + shifts
        else:
            offset = np.array(place) - np.array(BODY[parent][2])
            rotations[:, index] = rotations[:, parent] @ turns[:, index]
            places[:, index] = places[:, parent] + rotations[:, parent] @ offset
    return rotations, places
