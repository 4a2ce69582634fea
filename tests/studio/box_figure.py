"""A humanoid made of boxes, for tests that need an avatar without a file."""

import numpy as np

from dance_now.studio.avatar import Avatar
from dance_now.studio.materials import Material
from dance_now.studio.meshes import Primitive

_CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
_FACES = np.array(
    [(0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1), (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4)]
    + [(1, 5, 7), (1, 7, 3)]
)
_LEFT = {
    "Shoulder": ("upperChest", (0.04, 1.36, 0)),
    "UpperArm": ("leftShoulder", (0.17, 1.37, -0.01)),
    "LowerArm": ("leftUpperArm", (0.43, 1.37, -0.02)),
    "Hand": ("leftLowerArm", (0.67, 1.37, -0.01)),
    "IndexProximal": ("leftHand", (0.76, 1.37, 0.02)),
    "IndexIntermediate": ("leftIndexProximal", (0.80, 1.37, 0.025)),
    "IndexDistal": ("leftIndexIntermediate", (0.82, 1.37, 0.03)),
    "LittleProximal": ("leftHand", (0.75, 1.37, -0.03)),
    "LittleIntermediate": ("leftLittleProximal", (0.78, 1.37, -0.035)),
    "LittleDistal": ("leftLittleIntermediate", (0.80, 1.37, -0.04)),
    "MiddleProximal": ("leftHand", (0.765, 1.37, 0.0)),
    "MiddleIntermediate": ("leftMiddleProximal", (0.81, 1.37, 0.0)),
    "MiddleDistal": ("leftMiddleIntermediate", (0.835, 1.37, 0.0)),
    "UpperLeg": ("hips", (0.1, 0.9, 0)),
    "LowerLeg": ("leftUpperLeg", (0.11, 0.49, 0.01)),
    "Foot": ("leftLowerLeg", (0.11, 0.09, -0.02)),
    "Toes": ("leftFoot", (0.12, 0.02, 0.1)),
}
_TRUNK = {
    "hips": (None, (0, 0.95, 0)),
    "spine": ("hips", (0, 1.05, 0.02)),
    "chest": ("spine", (0, 1.15, 0.03)),
    "upperChest": ("chest", (0, 1.25, 0.02)),
    "neck": ("upperChest", (0, 1.42, -0.01)),
    "head": ("neck", (0, 1.5, 0.0)),
}


def box_avatar(without: tuple[str, ...] = ()) -> Avatar:
    """A figure 1.75 m tall in a T-pose, one box a bone, without ring fingers.

    ``without`` lists parts of bone names that it shall lack, such as ``"Toes"`` or ``"Index"``.
    """
    bones = dict(_TRUNK)
    for side, sign in (("left", 1), ("right", -1)):
        for name, (parent, (x, y, z)) in _LEFT.items():
            bones[side + name] = (parent.replace("left", side), (sign * x, y, z))
    names = [name for name in bones if not any(part in name for part in without)]
    parents = []
    for name in names:
        parent = bones[name][0]
        while parent is not None and parent not in names:
            parent = bones[parent][0]
        parents.append(-1 if parent is None else names.index(parent))
    rest = np.tile(np.eye(4), (len(names), 1, 1))
    rest[:, :3, 3] = [bones[name][1] for name in names]
    inverse = np.linalg.inv(rest)
    return Avatar(
        name="Box",
        version="GLB",
        licence="CC0",
        credits="nobody",
        bones={name: index for index, name in enumerate(names)},
        expressions={},
        primitives=(_boxes(names, rest[:, :3, 3]),),
        node_names=tuple(names),
        parents=np.array(parents),
        rest_world=rest,
        palette_nodes=np.arange(len(names)),
        palette_inverse_bind=inverse,
    )


def _boxes(names: list[str], places: np.ndarray) -> Primitive:
    vertices, triangles, joints = [], [], []
    for node, (name, place) in enumerate(zip(names, places, strict=True)):
        size = np.array([0.11, 0.12, 0.12]) if name == "head" else np.array([0.04, 0.04, 0.04])
        middle = place + np.array([0, 0.12, 0.0]) if name == "head" else place
        triangles.append(_FACES + 8 * node)
        vertices.append(middle + size * _CORNERS)
        joints += [node] * 8
    positions = np.concatenate(vertices).astype(np.float32)
    influences = np.zeros((len(joints), 4), np.int32)
    influences[:, 0] = joints
    weights = np.zeros((len(joints), 4), np.float32)
    weights[:, 0] = 1
    return Primitive(
        name="boxes",
        mesh_name="boxes",
        mesh=0,
        positions=positions,
        normals=np.tile(_CORNERS / np.sqrt(3), (len(names), 1)).astype(np.float32),
        uv=np.zeros((len(joints), 2), np.float32),
        joints=influences,
        slots=influences,
        weights=weights,
        triangles=np.concatenate(triangles).astype(np.int32),
        material=Material("red", np.array([1, 0, 0, 1], np.float32)),
        targets=(),
    )
