"""What a file says of its surfaces shows in the picture."""

import copy
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from dance_now.core.errors import DanceNowError
from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.camera import Camera
from dance_now.render.renderer import Renderer

SIZE = 64
Color = tuple[int, int, int]
Colors = npt.NDArray[np.uint8]


def _texture(builder: Any, pixels: npt.ArrayLike, kind: str = "PNG") -> int:
    """Adds a picture to a file; returns its texture."""
    encoded = BytesIO()
    Image.fromarray(np.asarray(pixels, np.uint8)).save(encoded, kind, lossless=True)
    document = builder.document
    document["images"].append({"bufferView": builder.view(encoded.getvalue())})
    document["textures"].append({"source": len(document["images"]) - 1})
    return len(document["textures"]) - 1


@pytest.fixture
def head_color(tmp_path: Path, humanoid_builder: Any) -> Callable[..., Colors]:
    """Colors of the square on the head of the small humanoid, from top left to bottom right, (n, n, 4).

    ``change(builder)`` alters the file first; ``yaw`` turns the camera, ``n`` samples a side are returned.
    """

    def draw(change: Callable[[Any], None], yaw: float = 0, n: int = 1, kind: str = "vrm1") -> Colors:
        builder = humanoid_builder(kind)
        change(builder)
        path = tmp_path / "avatar.vrm"
        path.write_bytes(builder.to_bytes())
        avatar: Avatar = load_avatar(path)
        camera = Camera.orbit(yaw, 0, avatar.rest_position("head"), 0.1)
        picture = Renderer(avatar, SIZE).render(avatar.pose({}), camera)
        rows = ((np.arange(n) + 0.5) * SIZE / n).astype(int)
        return picture[np.ix_(rows, rows)]

    return draw


def _toon(builder: Any, **values: Any) -> None:
    builder.document["materials"][0].update(
        extensions={"VRMC_materials_mtoon": {"specVersion": "1.0", **values}},
        pbrMetallicRoughness={"baseColorFactor": [0, 0, 0, 1]},
    )


def test_a_matcap_adds_light_by_where_the_surface_looks(head_color: Any) -> None:
    sphere = np.zeros((256, 256, 3), np.uint8)
    sphere[:, :128] = (200, 0, 0)  # the side that looks to the viewer's left
    sphere[:, 128:] = (0, 0, 200)

    def change(builder: Any) -> None:
        _toon(builder, matcapTexture={"index": _texture(builder, sphere)})

    assert head_color(change, yaw=-40)[0, 0].tolist() == [200, 0, 0, 255]
    assert head_color(change, yaw=40)[0, 0].tolist() == [0, 0, 200, 255]

    def dark(builder: Any) -> None:
        change(builder)
        builder.document["materials"][0]["extensions"]["VRMC_materials_mtoon"]["matcapFactor"] = [0, 0, 0]

    assert head_color(dark, yaw=40)[0, 0].tolist() == [0, 0, 0, 255]


def test_a_rim_shows_where_the_surface_turns_away(head_color: Any) -> None:
    def change(builder: Any) -> None:
        _toon(builder, parametricRimColorFactor=[0, 1, 0], parametricRimFresnelPowerFactor=2)

    assert head_color(change)[0, 0].tolist() == [0, 0, 0, 255]
    assert head_color(change, yaw=70)[0, 0, 1] > 100


@pytest.mark.parametrize(("yaw", "expected"), [(20, (255, 0, 0)), (-80, (0, 0, 255))])
def test_shade_has_its_own_color(head_color: Any, yaw: float, expected: Color) -> None:
    def change(builder: Any) -> None:
        _toon(builder, shadeColorFactor=[0, 0, 1], shadingToonyFactor=1.0, shadingShiftFactor=-0.5)
        builder.document["materials"][0]["pbrMetallicRoughness"] = {"baseColorFactor": [1, 0, 0, 1]}

    assert tuple(head_color(change, yaw=yaw)[0, 0, :3]) == expected


@pytest.mark.parametrize(
    ("mode", "alpha", "expected"),
    [("OPAQUE", 0.3, 255), ("MASK", 0.3, 0), ("MASK", 0.7, 255), ("BLEND", 0.3, 76), ("BLEND", 0.7, 178)],
)
def test_alpha_modes(head_color: Any, mode: str, alpha: float, expected: int) -> None:
    def change(builder: Any) -> None:
        surface = {"baseColorFactor": [1, 1, 1, alpha]}
        builder.document["materials"][0].update(alphaMode=mode, pbrMetallicRoughness=surface)

    assert int(head_color(change)[0, 0, 3]) == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(("alpha", "color"), [(255, (0, 0, 255)), (200, (0, 255, 0))])
def test_what_is_blended_though_opaque_hides_what_is_behind_it(
    head_color: Any, alpha: int, color: Color
) -> None:
    """Converters from FBX blend whole figures, whose far sides come later in the file."""

    def change(builder: Any) -> None:
        builder.document["materials"][0].update(
            alphaMode="BLEND",
            pbrMetallicRoughness={
                "baseColorTexture": {"index": _texture(builder, np.full((4, 4, 4), (0, 0, 255, alpha)))}
            },
        )
        behind = copy.deepcopy(builder.document["meshes"][0]["primitives"][0])
        attributes = behind["attributes"]
        count = builder.document["accessors"][attributes["POSITION"]]["count"]
        square = [[-1, 0, -1], [1, 0, -1], [1, 2, -1], [-1, 2, -1]]
        lower = np.tile(square, (count // 4, 1))
        attributes["POSITION"] = builder.accessor(lower.astype(np.float32))
        attributes["JOINTS_0"] = builder.accessor(np.zeros((count, 4), np.uint8))
        behind.pop("targets")
        behind["material"] = len(builder.document["materials"])
        builder.document["materials"].append(
            {
                "extensions": {"KHR_materials_unlit": {}},
                "alphaMode": "BLEND",
                "pbrMetallicRoughness": {"baseColorFactor": [0, 1, 0, 0.99]},
            }
        )
        builder.document["meshes"][0]["primitives"].append(behind)

    red, green, blue, _ = head_color(change, kind="glb")[0, 0].tolist()
    assert int(np.argmax((red, green, blue))) == int(np.argmax(color))


@pytest.mark.parametrize("double", [False, True])
def test_back_faces_show_where_the_file_says_so(head_color: Any, double: bool) -> None:
    def change(builder: Any) -> None:
        builder.document["materials"][0]["doubleSided"] = double

    assert bool(head_color(change, yaw=180)[0, 0, 3]) == double


QUARTERS = [[(255, 0, 0), (0, 255, 0)], [(0, 0, 255), (255, 255, 0)]]


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        ({}, QUARTERS),
        ({"offset": [0.5, 0]}, [row[::-1] for row in QUARTERS]),
        ({"offset": [0, 0.5]}, QUARTERS[::-1]),
        (
            {"rotation": np.pi / 2, "offset": [0, 1]},
            [[QUARTERS[1][0], QUARTERS[0][0]], [(255, 255, 0), (0, 255, 0)]],
        ),
        ({"scale": [0.5, 0.5]}, [[(255, 0, 0)] * 2] * 2),
    ],
)
def test_texture_transforms(head_color: Any, transform: dict[str, Any], expected: list[list[Color]]) -> None:
    def change(builder: Any) -> None:
        link = {"index": _texture(builder, QUARTERS), "extensions": {"KHR_texture_transform": transform}}
        builder.document["samplers"] = [{"magFilter": 9728}]
        builder.document["textures"][-1]["sampler"] = 0
        builder.document["materials"][0]["pbrMetallicRoughness"] = {"baseColorTexture": link}

    assert head_color(change, n=2)[..., :3].tolist() == [[list(color) for color in row] for row in expected]


def test_webp_textures_are_read(head_color: Any) -> None:
    def change(builder: Any) -> None:
        index = _texture(builder, np.full((4, 4, 3), (0, 128, 255)), "WEBP")
        source = builder.document["textures"][index].pop("source")
        builder.document["textures"][index]["extensions"] = {"EXT_texture_webp": {"source": source}}
        builder.document["extensionsRequired"] = ["EXT_texture_webp"]
        builder.document["materials"][0]["pbrMetallicRoughness"] = {"baseColorTexture": {"index": index}}

    assert head_color(change)[0, 0].tolist() == [0, 128, 255, 255]


def test_quantised_meshes_are_read(head_color: Any) -> None:
    """KHR_mesh_quantization: positions as 16-bit integers, scaled back by the skin's matrices."""

    def change(builder: Any) -> None:
        document = builder.document
        document["extensionsRequired"] = ["KHR_mesh_quantization"]
        attributes = document["meshes"][0]["primitives"][0]["attributes"]
        count = document["accessors"][attributes["POSITION"]]["count"]
        entry = document["bufferViews"][document["accessors"][attributes["POSITION"]]["bufferView"]]
        floats = np.frombuffer(builder.binary, np.float32, 3 * count, entry["byteOffset"]).reshape(count, 3)
        whole = np.zeros((count, 4), np.int16)  # vertices are padded to 4 bytes
        whole[:, :3] = np.round(floats * 16000)
        view = builder.view(whole.tobytes(), 8)
        document["accessors"].append(
            {"bufferView": view, "componentType": 5122, "count": count, "type": "VEC3"}
        )
        attributes["POSITION"] = len(document["accessors"]) - 1
        matrices = document["accessors"][document["skins"][0]["inverseBindMatrices"]]
        view = document["bufferViews"][matrices["bufferView"]]
        bind = np.frombuffer(builder.binary, np.float32, 16 * matrices["count"], view["byteOffset"])
        bind = bind.reshape(-1, 4, 4).copy()
        bind[:, :3] /= 16000  # columns of the matrices are rows here
        document["skins"][0]["inverseBindMatrices"] = builder.accessor(bind.reshape(-1, 16))
        document["meshes"][0]["primitives"][0].pop("targets")
        document["extensions"]["VRMC_vrm"].pop("expressions")

    assert head_color(change)[0, 0].tolist() == [255, 0, 0, 255]


@pytest.mark.parametrize(
    "extension",
    ["KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_texture_basisu", "X_unheard_of"],
)
def test_required_extensions_that_are_not_supported_are_named(head_color: Any, extension: str) -> None:
    with pytest.raises(DanceNowError, match=extension):
        head_color(lambda builder: builder.document.update(extensionsRequired=[extension]))
