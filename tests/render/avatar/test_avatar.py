"""Avatars of every format behave alike, and posing obeys the laws of a skeleton."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from dance_now.core.errors import DanceNowError
from dance_now.formats3d.humanoid.skeleton_matching import find_humanoid_bones
from dance_now.render.avatar.avatar import Avatar, load_avatar

KINDS = ("glb", "vrm0", "vrm1")
angles = st.floats(-180, 180)
vectors = st.tuples(angles, angles, angles)


def _turn(axis: str, degrees: float) -> npt.NDArray[np.float64]:
    return Rotation.from_euler(axis, degrees, degrees=True).as_matrix()


@pytest.fixture(params=KINDS)
def avatar(request: pytest.FixtureRequest, humanoid_file: Any) -> Avatar:
    return load_avatar(humanoid_file(request.param))


def test_every_format_has_the_same_character_frame(avatar: Avatar) -> None:
    np.testing.assert_allclose(avatar.rest_position("leftHand"), [0.8, 1.5, 0], atol=1e-6)
    np.testing.assert_allclose(avatar.rest_position("rightFoot"), [-0.1, 0.1, 0], atol=1e-6)
    assert "leftThumbProximal" in avatar.bones  # VRM 1 calls it Metacarpal
    low, high = avatar.bounds()
    np.testing.assert_allclose(low, [-0.9, 0.05, 0], atol=1e-6)
    np.testing.assert_allclose(high, [0.9, 1.65, 0], atol=1e-6)
    (_, normals), *_ = avatar.mesh_points(avatar.pose({}))
    np.testing.assert_allclose(normals[0], [0, 0, 1], atol=1e-6)


def test_a_raised_arm_goes_up_in_every_format(avatar: Avatar) -> None:
    world = avatar.pose({"leftUpperArm": _turn("z", 90)})
    np.testing.assert_allclose(world[avatar.bones["leftHand"], :3, 3], [0.2, 2.1, 0], atol=1e-6)
    points = avatar.mesh_points(world)[0][0]
    assert points[:, 1].max() == pytest.approx(2.2, abs=1e-5)  # the thumb's square, turned with the arm


def test_an_expression_moves_the_mesh(avatar: Avatar) -> None:
    assert set(avatar.expressions) == {"blink"}
    rest, half = (avatar.mesh_points(avatar.rest_world, {"blink": weight})[0][0] for weight in (0.0, 0.5))
    lifted = (half - rest)[:, 1]
    assert sorted({round(float(value), 4) for value in lifted}) == [0.0, 0.05]
    np.testing.assert_array_equal(avatar.mesh_points(avatar.rest_world, {"no such": 1.0})[0][0], rest)


def test_rest_pose_is_rest(avatar: Avatar) -> None:
    np.testing.assert_allclose(avatar.pose({}), avatar.rest_world, atol=1e-9)


def test_tells_where_it_comes_from(humanoid_file: Any) -> None:
    old, new = load_avatar(humanoid_file("vrm0")), load_avatar(humanoid_file("vrm1"))
    assert (old.name, old.version, old.licence, old.credits) == ("Square", "VRM 0.x", "CC0", "Somebody")
    assert (new.version, new.licence) == (
        "VRM 1.0",
        "https://creativecommons.org/publicdomain/zero/1.0/",
    )


@given(hips=vectors, arm=vectors, offset=st.tuples(*[st.floats(-2, 2)] * 3))
@settings(max_examples=25, deadline=None)
def test_posing_keeps_bone_lengths_and_sets_orientations(
    humanoid_file: Any, hips: tuple[float, ...], arm: tuple[float, ...], offset: tuple[float, ...]
) -> None:
    avatar = load_avatar(humanoid_file("vrm1"))
    turns = {"hips": Rotation.from_euler("xyz", hips, degrees=True).as_matrix()}
    turns["leftUpperArm"] = Rotation.from_euler("xyz", arm, degrees=True).as_matrix()
    world = avatar.pose(turns, offset)
    for bone, parent in avatar.bone_parents.items():
        node = avatar.bones[bone]
        expected = (
            turns["leftUpperArm"] if bone.startswith(("leftUpperArm", "leftLowerArm", "leftHand")) else None
        )
        if expected is not None:  # unnamed bones turn with their parent
            np.testing.assert_allclose(
                world[node, :3, :3], expected @ avatar.rest_world[node, :3, :3], atol=1e-9
            )
        if parent is not None:
            above = avatar.bones[parent]
            length = np.linalg.norm(world[node, :3, 3] - world[above, :3, 3])
            rest = np.linalg.norm(avatar.rest_world[node, :3, 3] - avatar.rest_world[above, :3, 3])
            assert length == pytest.approx(rest, abs=1e-9)
    moved = world[avatar.bones["hips"], :3, 3] - avatar.rest_position("hips")
    np.testing.assert_allclose(moved, offset, atol=1e-9)


def test_nodes_know_their_bone(humanoid_file: Any) -> None:
    avatar = load_avatar(humanoid_file("vrm1"))
    assert avatar.humanoid_owner(avatar.node_names.index("hair_end")) == "head"
    assert avatar.humanoid_owner(avatar.node_names.index("Body")) is None
    with pytest.raises(KeyError):
        avatar.rest_position("jaw")


def test_hiding_something_that_is_not_there_is_an_error(humanoid_file: Any) -> None:
    avatar = load_avatar(humanoid_file("glb"))
    assert avatar.shown_primitives(("red",)) == []
    with pytest.raises(DanceNowError, match=r"sword.*Body"):
        avatar.shown_primitives(("sword",))


def test_incomplete_skeletons_are_refused(tmp_path: Path, humanoid_builder: Any) -> None:
    builder = humanoid_builder("glb")
    builder.document["nodes"][2]["name"] = "balloon"
    builder.document["nodes"][1]["children"].remove(2)
    path = tmp_path / "headless.glb"
    path.write_bytes(builder.to_bytes())
    with pytest.raises(DanceNowError, match=r"missing: head\. .*joints: .*balloon.*LeftForeArm"):
        load_avatar(path)


@pytest.mark.parametrize(
    ("names", "bones"),
    [
        (["mixamorig:LeftForeArm", "mixamorig:RightHandPinky2"], ["leftLowerArm", "rightLittleIntermediate"]),
        (["J_Bip_L_UpperLeg", "J_Bip_C_Hips"], ["leftUpperLeg", "hips"]),
        (["upperarm.r", "toes.l", "handIK.l"], ["rightUpperArm", "leftToes"]),
        (["thigh_l", "calf_r", "index_01_l"], ["leftUpperLeg", "rightLowerLeg", "leftIndexProximal"]),
        (["upper_arm.L", "f_index.02.R"], ["leftUpperArm", "rightIndexIntermediate"]),
    ],
)
def test_knows_the_bone_names_of_common_rigs(names: list[str], bones: list[str]) -> None:
    assert sorted(find_humanoid_bones(names)) == sorted(bones)


@pytest.mark.parametrize(
    ("file", "version", "height", "expressions"),
    [
        ("godette.vrm", "VRM 0.x", 1.495, {"blink", "aa", "happy", "lookLeft"}),
        ("uka_flat.vrm", "VRM 1.0", 1.815, {"blink", "aa", "happy"}),
        ("gene.vrm", "VRM 1.0", 1.597, {"blink", "aa", "sad"}),
        ("kaykit_rogue.glb", "GLB", 2.187, set()),
    ],
)
def test_reads_real_avatars(
    data_dir: Path, file: str, version: str, height: float, expressions: set[str]
) -> None:
    avatar = load_avatar(data_dir / "characters" / file)
    low, high = avatar.bounds()
    assert avatar.version == version
    assert expressions <= set(avatar.expressions)
    assert high[1] - low[1] == pytest.approx(height, abs=0.01)
    assert low[1] == pytest.approx(0, abs=0.01)
    assert avatar.rest_position("leftHand")[0] > 0.2
    if "leftToes" in avatar.bones:
        assert avatar.rest_position("leftToes")[2] > avatar.rest_position("leftFoot")[2] + 0.03


def test_reads_the_licence_of_godette(data_dir: Path) -> None:
    avatar = load_avatar(data_dir / "characters" / "godette.vrm")
    assert avatar.name == "Low-Poly Godette"
    assert avatar.licence == "CC_BY"
    assert "SirRichard94" in avatar.credits
