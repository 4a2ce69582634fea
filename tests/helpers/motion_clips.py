"""Writes small motions for tests: glTF and VRM Animation clips, and DeepMimic rows."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from avatars import SKELETON, GlbBuilder

Quaternions = dict[str, list[list[float]]]  # bone: k keys of 4


def about(axis: int, degrees: float) -> list[float]:
    """The quaternion x, y, z, w of a turn about a coordinate axis."""
    half = np.radians(degrees) / 2
    turn = [0.0, 0.0, 0.0, float(np.cos(half))]
    turn[axis] = float(np.sin(half))
    return turn


def clip_builder(
    clips: dict[str, Quaternions], *, vrma: bool = False, interpolation: str = "LINEAR", seconds: float = 1.0
) -> GlbBuilder:
    """The small humanoid in a T-pose, its rest axes those of the world, with clips of turning bones."""
    builder, names = GlbBuilder(), list(SKELETON)
    nodes: list[dict[str, Any]] = []
    for name in names:
        parent, position = SKELETON[name]
        origin = np.zeros(3) if parent is None else np.array(SKELETON[parent][1])
        children = [names.index(child) for child in names if SKELETON[child][0] == name]
        node = {"name": f"bone{len(nodes)}" if vrma else name, "children": children}
        nodes.append(node | {"translation": (np.array(position) - origin).tolist()})
    animations = []
    for clip, turns in clips.items():
        channels: list[dict[str, Any]] = []
        samplers: list[dict[str, Any]] = []
        for bone, keys in turns.items():
            values = np.array(keys, np.float32)
            count = len(values) // (3 if interpolation == "CUBICSPLINE" else 1)
            times = np.linspace(0, seconds, count, dtype=np.float32) if count > 1 else np.zeros(1, np.float32)
            target = {"node": names.index(bone), "path": "rotation"}
            channels.append({"sampler": len(samplers), "target": target})
            samplers.append(
                {
                    "input": builder.accessor(times),
                    "output": builder.accessor(values),
                    "interpolation": interpolation,
                }
            )
        animations.append({"name": clip, "channels": channels, "samplers": samplers})
    builder.document.update(nodes=nodes, animations=animations)
    if vrma:
        bones = {
            name.replace("ThumbProximal", "ThumbMetacarpal"): {"node": index}
            for index, name in enumerate(names)
        }
        builder.document["extensions"] = {"VRMC_vrm_animation": {"humanoid": {"humanBones": bones}}}
    return builder


def write_gltf_text(builder: GlbBuilder, path: Path) -> None:
    """The same as a .gltf with a .bin beside it."""
    buffer = {"byteLength": len(builder.binary), "uri": f"{path.stem}.bin"}
    path.with_suffix(".bin").write_bytes(builder.binary)
    path.write_text(json.dumps(builder.document | {"buffers": [buffer]}))


def deepmimic_row(**turns: list[float]) -> list[float]:
    """A row of 44 numbers; ``turns`` are quaternions w, x, y, z, or the angle of a knee or an elbow."""
    row = [1 / 30, 0.0, 0.9, 0.0]
    trunk = ("root", "chest", "neck")
    limbs = [f"{s}_{j}" for s in ("right", "left") for j in ("hip", "knee", "ankle", "shoulder", "elbow")]
    for joint in (*trunk, *limbs):
        row += turns.get(joint, [0.0] if joint.endswith(("knee", "elbow")) else [1.0, 0.0, 0.0, 0.0])
    return row
