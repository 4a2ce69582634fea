"""The mascot's VRM 1.0 file: valid, and what the generator writes is what the package ships."""

import json
import struct
import subprocess
import sys
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from dance_now.formats3d.gltf import Gltf, read_gltf
from dance_now.formats3d.humanoid.bone_names import REQUIRED_BONES
from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.avatar.avatar_expressions import MOODS, VOWELS
from dance_now.render.avatar.mascot import MASCOT, avatar_file

ROOT = Path(__file__).parents[3]
ARRAY_BUFFER, ELEMENT_BUFFER = 34962, 34963
CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"
TOLERANCE = 1e-5  # metres, or shares of 1
STORAGE = ("accessors", "bufferViews", "buffers")  # of the document: how arrays and images lie in the file
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
def path() -> Path:
    return avatar_file(Path(MASCOT))


@pytest.fixture(scope="module")
def gltf(path: Path) -> Gltf:
    return read_gltf(path)


@pytest.fixture(scope="module")
def avatar(path: Path) -> Avatar:
    return load_avatar(path)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the generator writes here."""
    return write(tmp_path_factory.mktemp("mascot") / "mascot.vrm")


def write(output: Path) -> Path:
    """Runs the generator in a process of its own, with hash seeds of its own."""
    subprocess.run([sys.executable, "-m", "tools.mascot", str(output)], cwd=ROOT, check=True)
    return output


class TestGenerator:
    def test_same_bytes_every_time(self, written: Path, tmp_path: Path) -> None:
        assert write(tmp_path / "again.vrm").read_bytes() == written.read_bytes()

    def test_document_is_that_of_the_shipped_file(self, gltf: Gltf, written: Path) -> None:
        made, shipped = (
            {name: entry for name, entry in each.document.items() if name not in STORAGE}
            for each in (read_gltf(written), gltf)
        )
        assert_alike(made, shipped)

    def test_arrays_are_those_of_the_shipped_file(self, gltf: Gltf, written: Path) -> None:
        made = read_gltf(written)
        assert len(made.items("accessors")) == len(gltf.items("accessors"))
        for number, (new, old) in enumerate(
            zip(made.items("accessors"), gltf.items("accessors"), strict=True)
        ):
            # How many rows a sparse array stores hangs on the last bits of tiny numbers.
            assert_alike(*({k: v for k, v in entry.items() if k != "sparse"} for entry in (new, old)))
            np.testing.assert_allclose(
                made.accessor(number), gltf.accessor(number), rtol=0, atol=TOLERANCE, err_msg=str(new)
            )

    def test_textures_are_those_of_the_shipped_file(self, gltf: Gltf, written: Path) -> None:
        made = read_gltf(written)
        names = [entry["name"] for entry in gltf.items("images")]
        assert len(names) == 10
        for number, name in enumerate(names):
            np.testing.assert_array_equal(pixels(made, number), pixels(gltf, number), err_msg=name)


def assert_alike(one: Any, other: Any) -> None:
    """Two JSON values are the same but for the last digits of numbers."""
    if isinstance(other, dict):
        assert isinstance(one, dict)
        assert list(one) == list(other)
        for name in other:
            assert_alike(one[name], other[name])
    elif isinstance(other, list):
        assert isinstance(one, list)
        assert len(one) == len(other)
        for mine, theirs in zip(one, other, strict=True):
            assert_alike(mine, theirs)
    elif isinstance(other, float):
        assert one == pytest.approx(other, rel=0, abs=TOLERANCE)
    else:
        assert one == other


def pixels(gltf: Gltf, number: int) -> npt.NDArray[np.uint8]:
    """(H, W, 3 or 4) of an image."""
    view = gltf.items("bufferViews")[gltf.items("images")[number]["bufferView"]]
    start = view["byteOffset"]
    return np.asarray(Image.open(BytesIO(gltf.binary[start : start + view["byteLength"]])))


class TestFile:
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
        assert vrm["meta"]["otherLicenseUrl"] == CC0
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
