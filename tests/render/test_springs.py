"""Spring bones hang, keep their length and repeat themselves."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.springs import Springs, rotations_between


@pytest.fixture(params=["vrm0", "vrm1"])
def avatar(request: pytest.FixtureRequest, humanoid_file: Any) -> Avatar:
    return load_avatar(humanoid_file(request.param))


def _tip(avatar: Avatar, world: Any) -> Any:
    return world[avatar.node_names.index("hair_end"), :3, 3]


def test_a_bone_without_stiffness_ends_up_hanging(avatar: Avatar) -> None:
    rest = avatar.pose({})
    np.testing.assert_allclose(_tip(avatar, rest), [0, 1.7, 0.2], atol=1e-6)  # points to the front
    settled = Springs(avatar).settle(rest, 300)
    np.testing.assert_allclose(_tip(avatar, settled), [0, 1.5, 0], atol=0.01)
    still = [node for node, name in enumerate(avatar.node_names) if "hair" not in name]
    np.testing.assert_array_equal(settled[still], rest[still])


def test_settling_is_repeatable_and_leaves_its_input_alone(avatar: Avatar) -> None:
    world = avatar.pose({"head": Rotation.from_euler("x", 40, degrees=True).as_matrix()})
    before = world.copy()
    springs = Springs(avatar)
    first, second = springs.settle(world), springs.settle(world)
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(world, before)


def test_hair_lags_behind_a_moving_head_and_keeps_its_length(avatar: Avatar) -> None:
    springs = Springs(avatar)
    springs.settle(avatar.pose({}), 300)
    hair = avatar.node_names.index("hair")
    for step in range(1, 11):
        world = springs.step(avatar.pose({}, (0.03 * step, 0, 0)))
        assert np.linalg.norm(_tip(avatar, world) - world[hair, :3, 3]) == pytest.approx(0.2, abs=1e-6)
    assert _tip(avatar, world)[0] < world[hair, 0, 3] - 0.02


def test_colliders_keep_bones_out(humanoid_builder: Any, tmp_path: Path) -> None:
    builder = humanoid_builder("vrm1")
    head = next(i for i, node in enumerate(builder.document["nodes"]) if node["name"] == "mixamorig:Head")
    extension = builder.document["extensions"]["VRMC_springBone"]
    # A capsule in front of the face, from ear to ear.
    capsule = {"offset": [-0.3, -0.05, 0.1], "tail": [0.3, -0.05, 0.1], "radius": 0.08}
    extension["colliders"] = [{"node": head, "shape": {"capsule": capsule}}]
    extension["colliderGroups"] = [{"colliders": [0]}]
    extension["springs"][0]["colliderGroups"] = [0]
    path = tmp_path / "collider.glb"
    path.write_bytes(builder.to_bytes())
    avatar = load_avatar(path)
    tip = _tip(avatar, Springs(avatar).settle(avatar.pose({}), 300))
    # Keeping the bone's length comes after the push, as the format has it: a little sinks in.
    assert np.linalg.norm(tip[1:] - np.array([1.55, 0.1])) > 0.07
    assert tip[2] > 0.1  # lies on it; without the capsule it would hang


def test_an_avatar_without_springs_is_left_alone(humanoid_file: Any) -> None:
    avatar = load_avatar(humanoid_file("glb"))
    springs, world = Springs(avatar), avatar.pose({})
    assert springs.joint_count == 0
    np.testing.assert_array_equal(springs.settle(world), world)


def test_godettes_hair_settles(data_dir: Path) -> None:
    avatar = load_avatar(data_dir / "characters" / "godette.vrm")
    springs = Springs(avatar)
    world = avatar.pose({"head": Rotation.from_euler("x", 60, degrees=True).as_matrix()})
    early, late = springs.settle(world, 60), springs.settle(world, 120)
    assert springs.joint_count == 16
    assert np.isfinite(late).all()
    assert np.abs(early - late).max() < 0.02


def test_smallest_rotations_also_between_opposites() -> None:
    start = np.array([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]])
    end = np.array([[0.0, 1, 0], [0, -1, 0], [0, 0, 1]])
    turns = rotations_between(start, end)
    np.testing.assert_allclose(np.einsum("nij,nj->ni", turns, start), end, atol=1e-9)
    np.testing.assert_allclose(np.linalg.det(turns), 1, atol=1e-9)


def test_nodes_scaled_to_nothing_have_springs(tmp_path: Path, humanoid_builder: Callable[[str], Any]) -> None:
    builder = humanoid_builder("vrm1")
    builder.document["nodes"].append({"name": "hidden", "scale": [0, 0, 0], "children": []})
    builder.document["nodes"].append({"name": "below"})
    builder.document["nodes"][-2]["children"] = [len(builder.document["nodes"]) - 1]
    path = tmp_path / "a.vrm"
    path.write_bytes(builder.to_bytes())
    avatar = load_avatar(path)
    assert np.isfinite(Springs(avatar).settle(avatar.pose({}), 3)).all()
