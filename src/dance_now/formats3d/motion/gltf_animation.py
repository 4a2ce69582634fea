"""Animation clip reader for glTF 2.0 (.glb, .gltf) and VRM Animation (.vrma).

Source: Khronos glTF 2.0 specification, section 3.11 (animations) and appendix C (interpolation);
VRMC_vrm_animation 1.0: its rest pose is a T-pose, and it names the nodes of the humanoid bones.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.core.errors import DanceNowError
from dance_now.formats3d.gltf import MALFORMED_ERRORS, Gltf, MalformedGltfError, read_gltf
from dance_now.formats3d.gltf_text import read_text_gltf
from dance_now.formats3d.humanoid.bone_names import bone_from_vrm1
from dance_now.formats3d.motion.keyframes import KINDS, Keyframes
from dance_now.formats3d.motion.motion_joints import (
    JOINT_NAMES,
    JointTracks,
    match_joint_names,
    require_limbs,
)
from dance_now.formats3d.node_tree import NodeTree, read_node_tree

GLTF_SUFFIXES: Final = (".glb", ".gltf", ".vrma")
FRAME_TIME: Final = 1 / 30
MAXIMUM_CLIPS: Final = 2000
MAXIMUM_SECONDS: Final = 3600.0
MAXIMUM_FRAMES: Final = 200_000  # of all clips of a file
MAXIMUM_CHAIN: Final = 200  # nodes from the joints up to the root
_MAXIMUM_TRANSFORMS: Final = 4_000_000  # nodes times frames of one clip
_TRANSFORM_BYTES: Final = 84  # of a node in a frame
_EXTENSION: Final = "VRMC_vrm_animation"
_SMALLEST_SCALE: Final = 1e-6
_WIDTHS: Final = {"translation": 3, "rotation": 4, "scale": 3}
_Clip = dict[tuple[int, str], Keyframes]


def read_gltf_motions(path: Path) -> list[JointTracks]:
    """Reads the clips that animate a humanoid skeleton, resampled at 30 frames a second.

    The clips of a file with several are named after the file and the clip.

    Raises:
        DanceNowError: not a usable file, no known skeleton, or no clip.
    """
    gltf = read_text_gltf(path) if path.suffix.lower() == ".gltf" else read_gltf(path)
    try:
        return _clips(gltf)
    except MALFORMED_ERRORS as error:
        raise MalformedGltfError(path, f"its animation is malformed ({error})") from error


def _clips(gltf: Gltf) -> list[JointTracks]:
    tree = read_node_tree(gltf)
    joints = _joints(gltf, tree)
    chain = _chain(gltf, tree, set(joints.values()))
    animations = gltf.items("animations")
    if len(animations) > MAXIMUM_CLIPS:
        raise MalformedGltfError(gltf.path, f"it has {len(animations)} clips")
    columns = [chain.index(node) for node in joints.values()]
    found: list[JointTracks] = []
    frames = 0
    for number, animation in enumerate(animations):
        clip = _read_clip(gltf, animation, set(chain))
        if not clip:
            continue
        times = _times(gltf, clip)
        frames += len(times)
        if frames > MAXIMUM_FRAMES or len(times) * len(chain) > _MAXIMUM_TRANSFORMS:
            raise MalformedGltfError(gltf.path, "its clips are too long")
        gltf.budget.charge(_TRANSFORM_BYTES * len(times) * len(chain), "its clips")
        rotations, positions = _world(gltf, tree, chain, clip, times)
        name = gltf.path.stem if len(animations) == 1 else _clip_name(gltf.path.stem, animation, number)
        found.append(
            JointTracks(
                name=name if name not in {clip.name for clip in found} else f"{name}_{number}",
                skeleton=_signature(tree, joints),
                frame_time=FRAME_TIME,
                joints={joint: column for column, joint in enumerate(joints)},
                rotations=rotations[:, columns],
                positions=positions[:, columns],
                zero_is_reference=_EXTENSION in gltf.extensions,
                keeps_world=_EXTENSION in gltf.extensions,
            )
        )
    if not found:
        raise DanceNowError(f"{gltf.path.name}: no animation clip moves its skeleton.")
    return found


def _joints(gltf: Gltf, tree: NodeTree) -> dict[str, int]:
    """Node of each joint: from the VRM Animation extension, else matched by name."""
    try:
        if _EXTENSION in gltf.extensions:
            bones = gltf.extensions[_EXTENSION]["humanoid"]["humanBones"]
            nodes = {bone_from_vrm1(name): entry["node"] for name, entry in bones.items()}
            joints = {joint: nodes[joint] for joint in JOINT_NAMES if joint in nodes}
            if any(type(node) is not int or not 0 <= node < len(tree.names) for node in joints.values()):
                raise MalformedGltfError(gltf.path, "a humanoid bone refers to a node that does not exist")
            require_limbs(joints)
            return joints
        order = list(tree.order)
        return {
            joint: order[place] for joint, place in match_joint_names([tree.names[n] for n in order]).items()
        }
    except MalformedGltfError:
        raise
    except DanceNowError as error:
        raise DanceNowError(f"{gltf.path.name}: {error}") from error


def _chain(gltf: Gltf, tree: NodeTree, nodes: set[int]) -> list[int]:
    """Nodes of the joints and all their ancestors, parents before children."""
    chain: set[int] = set()
    for node in nodes:
        while node >= 0 and node not in chain:
            chain.add(node)
            node = int(tree.parents[node])
    if len(chain) > MAXIMUM_CHAIN:
        raise MalformedGltfError(gltf.path, f"its skeleton hangs on {len(chain)} nodes")
    return [node for node in tree.order if node in chain]


def _read_clip(gltf: Gltf, animation: dict[str, Any], chain: set[int]) -> _Clip:
    """Keyframes by (node, animated property), for the channels that target nodes of ``chain``."""
    clip: _Clip = {}
    for channel in animation.get("channels", []):
        target = channel["target"]
        node, path = target.get("node"), target["path"]
        if node not in chain or path not in _WIDTHS:
            continue
        sampler = animation["samplers"][channel["sampler"]]
        times = gltf.accessor(sampler["input"])[:, 0].astype(np.float64)
        values = gltf.accessor(sampler["output"]).astype(np.float64)
        kind = sampler.get("interpolation", "LINEAR")
        rows = len(times) * (3 if kind == "CUBICSPLINE" else 1)
        if kind not in KINDS or values.shape != (rows, _WIDTHS[path]) or (np.diff(times) <= 0).any():
            raise MalformedGltfError(gltf.path, "the keyframes of a clip are inconsistent")
        clip[node, path] = Keyframes(times, values, kind)
    return clip


def _times(gltf: Gltf, clip: _Clip) -> npt.NDArray[np.float64]:
    start = min(float(keys.times[0]) for keys in clip.values())
    seconds = max(float(keys.times[-1]) for keys in clip.values()) - start
    if not 0 <= seconds <= MAXIMUM_SECONDS:
        raise MalformedGltfError(gltf.path, f"a clip lasts {seconds:.3g} s")
    return start + FRAME_TIME * np.arange(int(seconds / FRAME_TIME + 1e-6) + 1, dtype=np.float64)


def _world(
    gltf: Gltf, tree: NodeTree, chain: list[int], clip: _Clip, times: npt.NDArray[np.float64]
) -> tuple[FloatArray, FloatArray]:
    """World rotations (1 + n, nodes, 3, 3) and positions (1 + n, nodes, 3) of the chain; row 0 at rest."""
    count = 1 + len(times)
    rotations = np.zeros((count, len(chain), 3, 3), np.float32)
    positions = np.zeros((count, len(chain), 3), np.float32)
    linear = np.zeros((count, len(chain), 3, 3), np.float32)  # rotations and scales
    place = {node: column for column, node in enumerate(chain)}
    for node, column in place.items():
        matrix = tree.local[node]
        scale = np.linalg.norm(matrix[:3, :3], axis=0)
        if scale.min() < _SMALLEST_SCALE:
            raise MalformedGltfError(gltf.path, "a joint has a scale of zero")
        turn = _with_rest(matrix[:3, :3] / scale, clip.get((node, "rotation")), times, is_rotation=True)
        shift = _with_rest(matrix[:3, 3], clip.get((node, "translation")), times)
        own = turn * _with_rest(scale, clip.get((node, "scale")), times)[:, None, :]
        above = place.get(int(tree.parents[node]))
        if above is None:
            rotations[:, column], linear[:, column], positions[:, column] = turn, own, shift
        else:
            rotations[:, column] = rotations[:, above] @ turn
            linear[:, column] = linear[:, above] @ own
            positions[:, column] = positions[:, above] + np.einsum("nij,nj->ni", linear[:, above], shift)
    return rotations, positions


def _with_rest(
    rest: npt.NDArray[np.float64],
    keys: Keyframes | None,
    times: npt.NDArray[np.float64],
    *,
    is_rotation: bool = False,
) -> FloatArray:
    """Values (1 + n, ...) of a node: at rest, then at each time."""
    if keys is None:
        return np.broadcast_to(rest, (1 + len(times), *rest.shape)).astype(np.float32)
    values = keys.rotations(times) if is_rotation else keys.sample(times)
    joined: FloatArray = np.concatenate([rest[None], values]).astype(np.float32)
    return joined


def _clip_name(stem: str, animation: dict[str, Any], number: int) -> str:
    """Clip name that is safe as a file name."""
    own = re.sub(r"[^A-Za-z0-9_-]+", "_", str(animation.get("name") or number))[:60]
    return f"{stem}_{own}"


def _signature(tree: NodeTree, joints: dict[str, int]) -> str:
    parts = [
        f"{joint} " + " ".join(f"{value:.3f}" for value in tree.local[node][:3, 3])
        for joint, node in joints.items()
        if joint != "hips"
    ]
    return "; ".join(parts)
