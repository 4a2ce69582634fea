"""Reading GLB: what is right comes out, what is wrong is refused with a message."""

import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dance_now.errors import DanceNowError
from dance_now.studio import gltf as gltf_module
from dance_now.studio.avatar import load_avatar
from dance_now.studio.gltf import read_gltf
from dance_now.studio.node_tree import read_node_tree


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
        ({"nodes": [{"children": [1]}, {"children": [0]}]}, "loop"),
        ({"nodes": []}, "0 nodes"),
        ({"nodes": [{"name": "Box"}]}, "humanoid"),
        ({"nodes": "rubbish"}, "not a usable"),
        ({"bufferViews": []}, "bufferViews"),
        ({"materials": 3}, "not a usable"),
        ({"skins": [{"joints": [999]}]}, "nodes that do not exist"),
        ({"images": [{"uri": "http://example.org/a.png"}]}, "outside the file"),
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


def test_refuses_large_files_and_pictures(
    tmp_path: Path, humanoid_builder: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _write(tmp_path / "a.glb", humanoid_builder("glb").to_bytes())
    monkeypatch.setattr("dance_now.studio.textures.MAX_IMAGE_PIXELS", 15)
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


@given(changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=8))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damage_never_ends_in_anything_but_our_own_error(
    tmp_path: Path, humanoid_builder: Any, changes: list[tuple[float, int]]
) -> None:
    data = bytearray(humanoid_builder("vrm0").to_bytes())
    for place, value in changes:
        data[int(place * (len(data) - 1))] = value
    with contextlib.suppress(DanceNowError):
        load_avatar(_write(tmp_path / "damaged.glb", bytes(data)))


def test_world_transforms_follow_parents(humanoid_file: Any) -> None:
    tree = read_node_tree(read_gltf(humanoid_file("vrm1")))
    hair = tree.names.index("hair_end")
    np.testing.assert_allclose(tree.world[hair, :3, 3], [0, 1.7, 0.2], atol=1e-9)
