"""Reading GLB: what is right comes out, what is wrong is refused with a message."""

import contextlib
import copy
import random
import struct
import time
import tracemalloc
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from dance_now.core.errors import DanceNowError
from dance_now.formats3d import gltf as gltf_module
from dance_now.formats3d.gltf import read_gltf
from dance_now.formats3d.node_tree import read_node_tree
from dance_now.render.avatar.avatar import load_avatar


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_reads_plain_strided_sparse_and_normalised_arrays(tmp_path: Path, humanoid_builder: Any) -> None:
    builder = humanoid_builder("glb")
    plain = builder.accessor(np.arange(6, dtype=np.float32).reshape(2, 3))
    rows = np.zeros((2, 5), np.float32)
    rows[:, 1:3] = [[1, 2], [3, 4]]
    builder.document["accessors"].append(
        {"bufferView": builder.view(rows.tobytes(), 20), "byteOffset": 4, "componentType": 5126}
        | {"count": 2, "type": "VEC2"}
    )
    sparse = {
        "count": 1,
        "indices": {"bufferView": builder.view(np.array([2], np.uint16).tobytes()), "componentType": 5123},
        "values": {"bufferView": builder.view(np.array([7], np.float32).tobytes())},
    }
    builder.document["accessors"].append(
        {"componentType": 5126, "count": 4, "type": "SCALAR", "sparse": sparse}
    )
    quantised = builder.accessor(np.array([[255], [0]], np.uint8), normalized=True)
    gltf = read_gltf(_write(tmp_path / "a.glb", builder.to_bytes()))
    assert gltf.accessor(plain).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert gltf.accessor(plain + 1).tolist() == [[1, 2], [3, 4]]
    assert gltf.accessor(plain + 2).ravel().tolist() == [0, 0, 7, 0]
    assert gltf.accessor(quantised).ravel().tolist() == [1, 0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"extensionsRequired": ["KHR_draco_mesh_compression"]}, "KHR_draco_mesh_compression"),
        ({"meshes": []}, "meshes"),
        ({"nodes": [{"children": [0]}]}, "hierarchy"),
        ({"nodes": [{"children": [1]}, {"children": [0]}]}, "cycle"),
        ({"nodes": []}, "0 nodes"),
        ({"nodes": [{"name": "Box"}]}, "humanoid"),
        ({"nodes": "rubbish"}, "not a usable"),
        ({"bufferViews": []}, "bufferViews"),
        ({"materials": 3}, "not a usable"),
        ({"skins": [{"joints": [999]}]}, "nodes that do not exist"),
        ({"images": [{"uri": "http://example.org/a.png"}]}, "separate files"),
    ],
)
def test_refuses_documents_that_make_no_sense(
    tmp_path: Path, humanoid_builder: Any, change: dict[str, Any], message: str
) -> None:
    builder = humanoid_builder("glb")
    builder.document.update(change)
    with pytest.raises(DanceNowError, match=message):
        load_avatar(_write(tmp_path / "a.glb", builder.to_bytes()))


@pytest.mark.parametrize(
    ("key", "value"),
    [("count", 10**12), ("count", -1), ("byteOffset", 10**9), ("componentType", 1), ("type", "MAT9")],
)
def test_refuses_arrays_that_leave_the_file(
    tmp_path: Path, humanoid_builder: Any, key: str, value: Any
) -> None:
    builder = humanoid_builder("glb")
    builder.document["accessors"][0][key] = value
    with pytest.raises(DanceNowError):
        load_avatar(_write(tmp_path / "a.glb", builder.to_bytes()))


def test_refuses_triangles_and_joints_that_do_not_exist(tmp_path: Path, humanoid_builder: Any) -> None:
    for attribute in ("indices", "JOINTS_0"):
        builder = humanoid_builder("glb")
        primitive = builder.document["meshes"][0]["primitives"][0]
        if attribute == "indices":
            primitive["indices"] = builder.accessor(np.array([0, 1, 60000], np.uint16))
        else:
            count = builder.document["accessors"][primitive["attributes"]["POSITION"]]["count"]
            primitive["attributes"]["JOINTS_0"] = builder.accessor(np.full((count, 4), 200, np.uint8))
        with pytest.raises(DanceNowError, match="does not exist"):
            load_avatar(_write(tmp_path / "a.glb", builder.to_bytes()))


def _replace_values(builder: Any, attribute: str, values: npt.ArrayLike) -> None:
    builder.document["meshes"][0]["primitives"][0]["attributes"][attribute] = builder.accessor(values)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize(("attribute", "width"), [("WEIGHTS_0", 4), ("POSITION", 3), ("TEXCOORD_0", 2)])
def test_refuses_numbers_that_are_none(
    tmp_path: Path, humanoid_builder: Any, attribute: str, width: int, value: float
) -> None:
    builder = humanoid_builder("glb")
    primitive = builder.document["meshes"][0]["primitives"][0]
    count = builder.document["accessors"][primitive["attributes"][attribute]]["count"]
    _replace_values(builder, attribute, np.full((count, width), value, np.float32))
    with pytest.raises(DanceNowError, match="non-finite"):
        load_avatar(_write(tmp_path / "a.glb", builder.to_bytes()))


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), "much", None])
def test_refuses_expressions_without_a_weight(tmp_path: Path, humanoid_builder: Any, weight: Any) -> None:
    builder = humanoid_builder("vrm1")
    blink = builder.document["extensions"]["VRMC_vrm"]["expressions"]["preset"]["blink"]
    blink["morphTargetBinds"][0]["weight"] = weight
    with pytest.raises(DanceNowError, match="not a usable"):
        load_avatar(_write(tmp_path / "a.glb", builder.to_bytes()))


@pytest.mark.parametrize("bone", ["LeftForeArm", "RightHand", "LeftLeg", "RightFoot", "Head"])
def test_refuses_limbs_without_length(tmp_path: Path, humanoid_builder: Any, bone: str) -> None:
    builder = humanoid_builder("glb")
    nodes = builder.document["nodes"]
    node = next(node for node in nodes if node["name"] == f"mixamorig:{bone}")
    node["matrix"][12:15] = [0, 0, 0]
    if bone == "Head":  # hangs on the spine, which must come to lie on the hips too
        next(node for node in nodes if node["name"] == "mixamorig:Spine")["matrix"][12:15] = [0, 0, 0]
    with pytest.raises(DanceNowError, match=r"the bone from .* has no length"):
        load_avatar(_write(tmp_path / "a.glb", builder.to_bytes()))


def test_refuses_a_picture_of_20000_pixels(tmp_path: Path, humanoid_builder: Any) -> None:
    builder = humanoid_builder("glb")
    encoded = BytesIO()
    Image.new("L", (4, 4)).save(encoded, "PNG")
    png = bytearray(encoded.getvalue())
    png[16:24] = struct.pack(">II", 20_000, 20_000)  # what its header claims
    png[29:33] = struct.pack(">I", zlib.crc32(png[12:29]))
    builder.document["images"][0]["bufferView"] = builder.view(bytes(png))
    path = _write(tmp_path / "a.glb", builder.to_bytes())
    with _bounded_memory(), pytest.raises(DanceNowError, match="too large"):
        load_avatar(path)


@pytest.mark.parametrize("kind", ["SCALAR", "VEC4", "MAT4"])
def test_a_small_file_does_not_unpack_to_a_large_one(
    tmp_path: Path, humanoid_builder: Any, kind: str
) -> None:
    builder = humanoid_builder("glb")
    for accessor in builder.document["accessors"]:
        accessor.update(count=3_999_999, type=kind)
        del accessor["bufferView"]  # all zeros then, says the format
    path = _write(tmp_path / "a.glb", builder.to_bytes())
    with _bounded_memory(), pytest.raises(DanceNowError):
        load_avatar(path)


@contextlib.contextmanager
def _bounded_memory() -> Iterator[None]:
    """Fails if more than 100 MB are allocated at once."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 100 * 2**20
    finally:
        tracemalloc.stop()


def test_refuses_large_files_and_pictures(
    tmp_path: Path, humanoid_builder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _write(tmp_path / "a.glb", humanoid_builder("glb").to_bytes())
    monkeypatch.setattr("dance_now.formats3d.textures.MAX_IMAGE_PIXELS", 15)
    with pytest.raises(DanceNowError, match="too large"):
        load_avatar(path)
    monkeypatch.setattr(gltf_module, "MAX_FILE_BYTES", 100)
    with pytest.raises(DanceNowError, match="MB"):
        read_gltf(path)


@pytest.mark.parametrize("data", [b"", b"glTF", b"{}" * 20, b"glTF" + b"\xff" * 40])
def test_refuses_what_is_no_glb(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(DanceNowError):
        read_gltf(_write(tmp_path / "a.glb", data))


def test_names_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DanceNowError, match="nowhere"):
        read_gltf(tmp_path / "nowhere.glb")


@given(share=st.floats(0, 0.999))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_file_cut_short_is_refused(tmp_path: Path, humanoid_builder: Any, share: float) -> None:
    data = humanoid_builder("vrm1").to_bytes()
    with pytest.raises(DanceNowError):
        load_avatar(_write(tmp_path / "cut.glb", data[: int(len(data) * share)]))


# Of the processor's time; hundreds of times what such a file of 10 kB takes.
_MOST_SECONDS = 10.0
ODD_VALUES: tuple[Any, ...] = (
    *(None, True, "", "x", "\0", [], {}, [[]], [{}], {"x": 1}, [None] * 4, [0] * 16, [1e308] * 3),
    *(-1, 0, 1, 2, 3, 255, 5126, 2**31, 2**63, 10**12, 10**400, -(10**12)),
    *(0.5, -0.0, 1e308, -1e-320, float("nan"), float("inf")),
)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every container of a document with each of its keys."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from _places(value[key])


def _damage(builder: Any, chance: random.Random) -> bytes:
    """A file with a few values or bytes changed, or cut off."""
    if chance.random() < 0.75:
        for _ in range(chance.choice((1, 1, 2, 4))):
            container, key = chance.choice(list(_places(builder.document)))
            way = chance.random()
            if way < 0.15:
                del container[key]
            elif way < 0.3:
                container[key] = copy.deepcopy(chance.choice(list(_places(builder.document)))[0])
            else:
                container[key] = copy.deepcopy(chance.choice(ODD_VALUES))
    data = bytearray(builder.to_bytes())
    if chance.random() < 0.4:
        for _ in range(chance.choice((1, 2, 8, 64))):
            data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data[: chance.randrange(len(data))] if chance.random() < 0.05 else data)


def _damaged_files(folder: Path, make: Any, seeds: range) -> int:
    """Loads damaged files, each with little memory and in little time; returns how many could be loaded."""
    builders, survived = {kind: make(kind) for kind in ("glb", "vrm0", "vrm1")}, 0
    for seed in seeds:
        chance = random.Random(seed)
        builder = copy.deepcopy(builders[chance.choice(sorted(builders))])
        path = _write(folder / "damaged.glb", _damage(builder, chance))
        begun = time.process_time()
        try:
            with _bounded_memory():
                avatar = load_avatar(path)
        except DanceNowError:
            continue
        except Exception as error:
            raise AssertionError(f"seed {seed}") from error
        finally:
            assert time.process_time() - begun < _MOST_SECONDS, f"seed {seed}"
        survived += 1
        assert all(np.isfinite(points).all() for points, _ in avatar.mesh_points(avatar.rest_world)), seed
    return survived


def test_damage_never_ends_in_anything_but_our_own_error(tmp_path: Path, humanoid_builder: Any) -> None:
    assert 10 < _damaged_files(tmp_path, humanoid_builder, range(100)) < 90


@pytest.mark.slow
def test_thousands_of_damaged_files(tmp_path: Path, humanoid_builder: Any) -> None:
    assert 300 < _damaged_files(tmp_path, humanoid_builder, range(1000, 4000)) < 2700


def test_world_transforms_follow_parents(humanoid_file: Any) -> None:
    tree = read_node_tree(read_gltf(humanoid_file("vrm1")))
    hair = tree.names.index("hair_end")
    np.testing.assert_allclose(tree.world[hair, :3, 3], [0, 1.7, 0.2], atol=1e-9)


def test_a_damaged_morph_target_is_named(tmp_path: Path, humanoid_builder: Any) -> None:
    builder = humanoid_builder("glb")
    (primitive,) = builder.document["meshes"][0]["primitives"]
    primitive["targets"][0]["POSITION"] = primitive["attributes"]["TEXCOORD_0"]
    path = tmp_path / "a.glb"
    path.write_bytes(builder.to_bytes())
    with pytest.raises(DanceNowError, match="morph target 0 of mesh 'Squares' is damaged"):
        load_avatar(path)


def test_a_node_without_a_place_is_named(tmp_path: Path, humanoid_builder: Any) -> None:
    builder = humanoid_builder("glb")
    builder.document["nodes"][3]["matrix"][12] = float("nan")
    path = tmp_path / "a.glb"
    path.write_bytes(builder.to_bytes())
    with pytest.raises(DanceNowError, match=r"node 3 \('mixamorig:LeftArm'\) is not finite"):
        load_avatar(path)


@pytest.mark.parametrize(
    ("extension", "command"),
    [
        ("KHR_draco_mesh_compression", r"npx @gltf-transform/cli copy a\.glb a_plain\.glb"),
        ("EXT_meshopt_compression", r"npx @gltf-transform/cli copy a\.glb a_plain\.glb"),
        ("KHR_texture_basisu", r"npx @gltf-transform/cli ktxdecompress a\.glb a_plain\.glb"),
        ("KHR_made_up", "export it again without"),
    ],
)
def test_compression_comes_with_the_command_that_undoes_it(
    tmp_path: Path, humanoid_builder: Any, extension: str, command: str
) -> None:
    builder = humanoid_builder("glb")
    builder.document["extensionsRequired"] = [extension]
    path = tmp_path / "a.glb"
    path.write_bytes(builder.to_bytes())
    with pytest.raises(DanceNowError, match=f"{extension}.*{command}"):
        load_avatar(path)
