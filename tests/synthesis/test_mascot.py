"""The mascot: a valid VRM 1.0 file that our own studio loads, poses, and finds a face on."""

import json
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from dance_now.cli import main
from dance_now.formats3d.gltf import Gltf, read_gltf
from dance_now.formats3d.humanoid_names import FINGERS, REQUIRED_BONES, SEGMENTS
from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.avatar.avatar_expressions import MOODS, VOWELS, expression_names
from dance_now.render.avatar.gaze import GAZES
from dance_now.render.camera import Camera
from dance_now.render.face.face_points import FaceLandmarks, face_landmarks
from dance_now.render.renderer import Renderer
from dance_now.render.springs import Springs
from dance_now.synthesis.mascot.built_in import avatar_file, mascot_vrm
from dance_now.synthesis.mascot.implicit import blended, cone, surface_net
from dance_now.synthesis.mascot.skeleton import enlarged
from dance_now.synthesis.mascot.skull import CROWN
from dance_now.synthesis.mascot.surface import curve, other_side, through

Array = npt.NDArray[np.float64]
ARRAY_BUFFER, ELEMENT_BUFFER = 34962, 34963
RIGHT_EYE, LEFT_EYE, MOUTH = slice(36, 42), slice(42, 48), slice(48, 68)
META = {
    "name",
    "authors",
    "licenseUrl",
    "avatarPermission",
    "commercialUsage",
    "creditNotation",
    "allowRedistribution",
    "modification",
}


@pytest.fixture(scope="module")
def path() -> Iterator[Path]:
    with avatar_file(Path("mascot")) as found:
        yield found
    assert not found.exists()


@pytest.fixture(scope="module")
def gltf(path: Path) -> Gltf:
    return read_gltf(path)


@pytest.fixture(scope="module")
def avatar(path: Path) -> Avatar:
    return load_avatar(path)


@pytest.fixture(scope="module")
def face(avatar: Avatar) -> FaceLandmarks:
    found = face_landmarks(avatar)
    assert found is not None
    return found


def turn(axis: int, degrees: float) -> Array:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[[first, second], [first, second]] = cosine
    matrix[first, second], matrix[second, first] = -sine, sine
    return matrix


def limbs(
    degrees: float, axis: int, *bones: str, sides: tuple[str, ...] = ("left", "right")
) -> dict[str, Array]:
    """The same turn for bones of both sides, mirrored."""
    mirror = -1 if axis else 1
    return {
        side + bone: turn(axis, degrees * (mirror if side == "right" else 1))
        for side in sides
        for bone in bones
    }


POSES = {
    "arms up": limbs(80, 2, "UpperArm", "LowerArm", "Hand"),
    "squat": limbs(-110, 0, "UpperLeg") | limbs(15, 0, "LowerLeg"),
    "kick": limbs(-95, 0, "UpperLeg", "LowerLeg", "Foot", sides=("left",)),
    "split": limbs(80, 2, "UpperLeg", "LowerLeg", "Foot", sides=("left",)),
    "bow": {name: turn(0, 70) for name in ("chest", "upperChest", "neck", "head")} | {"spine": turn(0, 35)},
}


class TestFile:
    def test_same_bytes_every_time(self, path: Path) -> None:
        assert mascot_vrm() == path.read_bytes()

    def test_small(self, path: Path) -> None:
        assert path.stat().st_size < 3e6

    def test_container_is_aligned(self, path: Path) -> None:
        data = path.read_bytes()
        magic, version, length = struct.unpack_from("<4sII", data)
        assert (magic, version, length) == (b"glTF", 2, len(data))
        size, kind = struct.unpack_from("<I4s", data, 12)
        assert kind == b"JSON"
        assert size % 4 == 0
        rest, kind = struct.unpack_from("<I4s", data, 20 + size)
        assert kind == b"BIN\0"
        assert 28 + size + rest == len(data)
        assert json.loads(data[20 : 20 + size])["buffers"] == [{"byteLength": rest}]

    def test_views_lie_in_the_buffer_one_after_another(self, gltf: Gltf) -> None:
        end = 0
        for view in gltf.items("bufferViews"):
            assert view["byteOffset"] % 4 == 0
            assert view["byteOffset"] >= end
            end = view["byteOffset"] + view["byteLength"]
        assert end <= len(gltf.binary)

    def test_vertices_are_what_the_format_asks(self, gltf: Gltf) -> None:
        for mesh in gltf.items("meshes"):
            for primitive in mesh["primitives"]:
                check_primitive(gltf, primitive)

    def test_morph_targets_state_their_bounds(self, gltf: Gltf) -> None:
        face = next(mesh for mesh in gltf.items("meshes") if mesh["name"] == "Face")
        names = face["extras"]["targetNames"]
        for primitive in face["primitives"]:
            assert len(primitive["targets"]) == len(names)
            count = gltf.items("accessors")[primitive["attributes"]["POSITION"]]["count"]
            for target in primitive["targets"]:
                entry, values = gltf.items("accessors")[target["POSITION"]], gltf.accessor(target["POSITION"])
                assert values.shape == (count, 3)
                np.testing.assert_array_equal(values.min(axis=0), np.float32(entry["min"]))
                np.testing.assert_array_equal(values.max(axis=0), np.float32(entry["max"]))

    def test_skin_binds_where_the_joints_are(self, gltf: Gltf, avatar: Avatar) -> None:
        (skin,) = gltf.items("skins")
        inverse = gltf.accessor(skin["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
        bound = inverse @ avatar.rest_world[skin["joints"]]
        np.testing.assert_allclose(bound, np.broadcast_to(np.eye(4), bound.shape), atol=1e-5)

    def test_only_used_extensions_are_named(self, gltf: Gltf) -> None:
        used = set(gltf.extensions) | {
            key for entry in gltf.items("materials") for key in entry["extensions"]
        }
        assert set(gltf.document["extensionsUsed"]) == used

    def test_vrm_has_what_it_must_have(self, gltf: Gltf) -> None:
        vrm = gltf.extensions["VRMC_vrm"]
        assert vrm["specVersion"] == "1.0"
        assert vrm["meta"].keys() >= META
        assert vrm["meta"]["otherLicenseUrl"] == "https://creativecommons.org/publicdomain/zero/1.0/"
        bones = vrm["humanoid"]["humanBones"]
        nodes = [entry["node"] for entry in bones.values()]
        assert bones.keys() >= set(REQUIRED_BONES)
        assert len(set(nodes)) == len(nodes)
        assert all(
            f"{side}Thumb{part}" in bones for side in ("left", "right") for part in ("Metacarpal", "Distal")
        )
        presets = vrm["expressions"]["preset"]
        assert presets.keys() >= {*VOWELS, *MOODS, "blink", "blinkLeft", "blinkRight"}
        assert vrm["lookAt"]["type"] == "bone"

    def test_springs_are_chains_of_children(self, gltf: Gltf) -> None:
        nodes = gltf.items("nodes")
        springs = gltf.extensions["VRMC_springBone"]["springs"]
        assert len(springs) >= 3
        for spring in springs:
            chain = [joint["node"] for joint in spring["joints"]]
            assert all(child in nodes[node]["children"] for node, child in pairwise(chain))


def check_primitive(gltf: Gltf, primitive: dict[str, Any]) -> None:
    attributes, accessors = primitive["attributes"], gltf.items("accessors")
    values = {name: gltf.accessor(number) for name, number in attributes.items()}
    entry = accessors[attributes["POSITION"]]
    np.testing.assert_array_equal(values["POSITION"].min(axis=0), np.float32(entry["min"]))
    np.testing.assert_array_equal(values["POSITION"].max(axis=0), np.float32(entry["max"]))
    np.testing.assert_allclose(np.linalg.norm(values["NORMAL"], axis=1), 1, atol=1e-4)
    np.testing.assert_allclose(values["WEIGHTS_0"].sum(axis=1), 1, atol=1e-5)
    assert (values["WEIGHTS_0"] >= 0).all()
    assert (values["JOINTS_0"][values["WEIGHTS_0"] == 0] == 0).all()
    assert values["JOINTS_0"].max() < len(gltf.items("skins")[0]["joints"])
    indices = gltf.accessor(primitive["indices"])
    assert len(indices) % 3 == 0
    assert indices.max() < len(values["POSITION"])
    views = gltf.items("bufferViews")
    assert views[accessors[primitive["indices"]]["bufferView"]]["target"] == ELEMENT_BUFFER
    assert all(
        views[accessors[number]["bufferView"]]["target"] == ARRAY_BUFFER for number in attributes.values()
    )


class TestFigure:
    def test_about_five_heads_tall_on_the_floor(self, avatar: Avatar, face: FaceLandmarks) -> None:
        chin = face.positions(avatar, avatar.rest_world)[8, 1]
        crown = enlarged((0.0, CROWN, 0.0))[1]
        assert avatar.bounds()[0][1] == pytest.approx(0, abs=0.002)
        assert 4.2 < crown / (crown - chin) < 5.5

    def test_has_all_fingers_toes_and_eyes(self, avatar: Avatar) -> None:
        wanted = {
            *(side + finger + part for side in ("left", "right") for finger in FINGERS for part in SEGMENTS),
            *(side + part for side in ("left", "right") for part in ("Toes", "Eye", "Shoulder")),
            *("chest", "upperChest", "neck"),
        }
        assert avatar.bones.keys() >= wanted

    def test_stands_the_same_on_both_sides(self, avatar: Avatar) -> None:
        for bone in avatar.bones:
            mirrored = avatar.rest_position(other_side(bone)) * (-1, 1, 1)
            np.testing.assert_allclose(avatar.rest_position(bone), mirrored, atol=1e-5)

    @pytest.mark.parametrize("pose", POSES)
    def test_no_triangle_is_torn_in_a_pose(self, avatar: Avatar, pose: str) -> None:
        rest, posed = avatar.mesh_points(avatar.rest_world), avatar.mesh_points(avatar.pose(POSES[pose]))
        for primitive, (before, _), (after, _) in zip(avatar.primitives, rest, posed, strict=True):
            growth = longest_edges(after, primitive.triangles) - longest_edges(before, primitive.triangles)
            assert growth.max() < 0.06, primitive.material.name

    def test_hair_swings(self, avatar: Avatar) -> None:
        springs = Springs(avatar)
        assert springs.joint_count >= 10
        tilted = avatar.pose({name: turn(2, 60) for name in ("head", "neck", "chest", "upperChest")})
        tail = avatar.node_names.index("leftTail4")
        hung = springs.settle(tilted, 30)
        assert hung[tail, 1, 3] < tilted[tail, 1, 3] - 0.01


def longest_edges(points: npt.NDArray[np.float32], triangles: npt.NDArray[np.int32]) -> Array:
    corners = points[triangles]
    return np.asarray(np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1))


class TestFace:
    def test_every_expression_moves_it(self, avatar: Avatar) -> None:
        assert set(expression_names(avatar)) == {"blinkLeft", "blinkRight", *VOWELS, *MOODS, *GAZES}

    def test_lies_where_it_should(self, avatar: Avatar, face: FaceLandmarks) -> None:
        points = face.positions(avatar, avatar.rest_world)
        high = avatar.bounds()[1]
        eyes = points[RIGHT_EYE].mean(axis=0), points[LEFT_EYE].mean(axis=0)
        chin, share = points[8, 1], (high[1] - points[8, 1])
        assert eyes[0][0] == pytest.approx(-eyes[1][0], abs=0.002)
        assert 0.2 < (eyes[0][1] - chin) / share < 0.5  # low on the face
        assert chin < points[MOUTH, 1].mean() < points[30, 1] < eyes[0][1] < points[17:27, 1].min()

    @pytest.mark.parametrize(
        ("name", "shut", "open_"), [("blinkLeft", LEFT_EYE, RIGHT_EYE), ("blinkRight", RIGHT_EYE, LEFT_EYE)]
    )
    def test_one_eye_shuts(
        self, avatar: Avatar, face: FaceLandmarks, name: str, shut: slice, open_: slice
    ) -> None:
        def gap(expressions: dict[str, float], eye: slice) -> float:
            ring = face.positions(avatar, avatar.rest_world, expressions)[eye]
            return float((ring[[1, 2], 1] - ring[[5, 4], 1]).mean())

        assert gap({name: 1.0}, shut) < 0.05 * gap({}, shut)
        assert gap({name: 1.0}, open_) == pytest.approx(gap({}, open_))

    @pytest.mark.parametrize("name", ["aa", "oh", "ee"])
    def test_mouth_opens(self, avatar: Avatar, face: FaceLandmarks, name: str) -> None:
        def gap(expressions: dict[str, float]) -> float:
            points = face.positions(avatar, avatar.rest_world, expressions)
            return float((points[61:64, 1] - points[[67, 66, 65], 1]).mean())

        assert gap({name: 1.0}) > gap({}) + 0.004

    def test_gaze_moves_the_pupils(self, avatar: Avatar, face: FaceLandmarks) -> None:
        world = avatar.pose({"leftEye": turn(1, 8), "rightEye": turn(1, 8)})
        moved = face.positions(avatar, world) - face.positions(avatar, avatar.rest_world)
        assert (moved[68:70, 0] > 0.008).all()
        np.testing.assert_allclose(moved[:68], 0, atol=1e-9)

    def test_shut_eyes_hide_the_iris(self, avatar: Avatar) -> None:
        renderer = Renderer(avatar, 128)
        camera = Camera(np.eye(3), avatar.rest_position("head") + np.array([0, 0.12, 0]), 0.4)

        def blueness(expressions: dict[str, float]) -> int:
            picture = renderer.render(avatar.rest_world, camera, expressions)[40:100, 40:88].astype(int)
            return int((picture[..., 2] > picture[..., 0] + 20).sum())

        assert blueness({"blink": 1.0}) < 0.02 * blueness({})


class TestShapes:
    def test_blended_limbs_close(self) -> None:
        body = blended(
            cone((0, 0, 0), (0.1, 0, 0), 0.03, 0.02), cone((0, 0, 0), (0, 0.1, 0), 0.03, 0.02), 0.02
        )
        positions, normals, triangles = surface_net(body, (-0.05, -0.05, -0.05), (0.15, 0.15, 0.05), 0.008)
        edges = np.sort(
            np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1
        )
        assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()
        np.testing.assert_allclose(body(positions), 0, atol=2e-4)
        corners = positions[triangles]
        facing = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        assert ((facing * normals[triangles[:, 0]]).sum(axis=1) > 0).mean() > 0.99

    def test_curves_do_not_overshoot(self) -> None:
        values = curve([(0, 0.0), (1, 1.0), (2, 1.0), (3, 0.0)])(np.linspace(-1, 4, 101))
        assert values.min() == 0
        assert values.max() == 1

    def test_lines_are_evenly_spaced_and_keep_their_ends(self) -> None:
        line = through([(0, 0, 0), (1, 0, 0), (1, 2, 0)], 20)
        np.testing.assert_allclose(line[[0, -1]], [(0, 0, 0), (1, 2, 0)], atol=1e-9)
        steps = np.linalg.norm(np.diff(line, axis=0), axis=1)
        assert steps.max() < 1.1 * steps.min()


class TestAvatarFile:
    def test_a_file_of_that_name_goes_first(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)
        Path("mascot").write_bytes(b"mine")
        with avatar_file(Path("mascot")) as found:
            assert found.read_bytes() == b"mine"
        assert Path("mascot").exists()

    def test_other_files_are_themselves(self) -> None:
        with avatar_file(Path("nobody.vrm")) as found:
            assert found == Path("nobody.vrm")


@pytest.mark.slow
def test_the_command_renders_her(tmp_path: Path) -> None:
    assert main(["render", "mascot", "-o", str(tmp_path / "data"), "--images", "4", "--workers", "1"]) == 0
    assert len(list((tmp_path / "data").glob("*_img/*.png"))) == 4
    description = json.loads((tmp_path / "data" / "dataset.json").read_text())
    assert "publicdomain/zero/1.0/" in description["avatar"]["licence"]
