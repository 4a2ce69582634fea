"""Skeletons whose names nobody knows, limbs out of place, and rests that lie or are in other units."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from avatar_layouts import AvatarEditor, human_ik_name
from avatars import GlbBuilder

from dance_now.core.errors import DanceNowError
from dance_now.formats3d.humanoid.bone_names import REQUIRED_BONES
from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.avatar.mascot import avatar_file

Points = npt.NDArray[np.float64]
LIMBS = ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot", "Toes")
QUARTER_X = [0.70710678, 0, 0, 0.70710678]


def edited(path: Path, change: Callable[[dict[str, Any]], None]) -> Avatar:
    """The mascot without its extensions and with HumanIK names, changed."""
    editor = AvatarEditor()
    editor.plain(human_ik_name)
    change(editor.document)
    path.write_bytes(editor.to_bytes())
    return load_avatar(path)


@pytest.fixture(scope="module")
def mascot() -> Avatar:
    return load_avatar(avatar_file(Path("mascot")))


def with_root(**transform: object) -> Callable[[dict[str, Any]], None]:
    """Puts all nodes under one that turns or scales them."""

    def change(document: dict[str, Any]) -> None:
        scene = document["scenes"][0]
        document["nodes"].append({"name": "Root", "children": scene["nodes"], **transform})
        scene["nodes"] = [len(document["nodes"]) - 1]

    return change


def anonymous(document: dict[str, Any]) -> None:
    for number, node in enumerate(document["nodes"]):
        node["name"] = f"node{number * 7 % 100}"


def test_the_structure_finds_the_bones_where_names_fail(mascot: Avatar, tmp_path: Path) -> None:
    avatar = edited(tmp_path / "a.glb", anonymous)
    assert avatar.skeleton == "structure of the joints"
    assert "found by structure" in avatar.remarks[0]
    for bone in (*REQUIRED_BONES, *(side + limb for side in ("left", "right") for limb in LIMBS)):
        assert avatar.bones[bone] == mascot.bones[bone], bone
    np.testing.assert_allclose(avatar.rest_position("leftHand"), mascot.rest_position("leftHand"), atol=1e-6)


def test_the_structure_is_found_in_a_lying_file(mascot: Avatar, tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        anonymous(document)
        with_root(rotation=QUARTER_X, scale=[100, 100, 100])(document)

    avatar = edited(tmp_path / "a.glb", change)
    for bone in ("leftFoot", "rightHand", "head"):
        np.testing.assert_allclose(avatar.rest_position(bone), mascot.rest_position(bone), atol=1e-4)


@pytest.mark.parametrize(
    "transform",
    [
        {"rotation": QUARTER_X},
        {"rotation": [0, 1, 0, 0]},
        {"rotation": [0, 0.70710678, 0, 0.70710678]},
        {"rotation": [0, 0, 1, 0]},
        {"scale": [100, 100, 100]},
        {"scale": [0.01, 0.01, 0.01]},
        {"scale": [1000, 1000, 1000], "rotation": QUARTER_X},
    ],
    ids=str,
)
def test_an_avatar_stands_upright_in_metres(
    mascot: Avatar, tmp_path: Path, transform: dict[str, list[float]]
) -> None:
    avatar = edited(tmp_path / "a.glb", with_root(**transform))
    assert len(avatar.remarks) == len(transform)
    low, high = avatar.bounds()
    own_low, own_high = mascot.bounds()
    np.testing.assert_allclose(low, own_low, atol=1e-4)
    np.testing.assert_allclose(high, own_high, atol=1e-4)
    widths = {part.material.outline_width for part in avatar.primitives}
    assert max(widths) < 0.0025


def test_names_of_meshes_and_targets_are_no_bones(mascot: Avatar, tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        target = {"name": "LeftHand", "translation": [0, 5, 0]}
        mesh = {"name": "Head", "mesh": 5}
        document["nodes"] += [target, mesh]
        count = len(document["nodes"])
        document["scenes"][0]["nodes"] = [count - 2, count - 1, *document["scenes"][0]["nodes"]]

    avatar = edited(tmp_path / "a.glb", change)
    assert avatar.bones["leftHand"] == mascot.bones["leftHand"]
    assert avatar.bones["head"] == mascot.bones["head"]


def test_a_hand_beside_its_arm_is_named(
    humanoid_builder: Callable[[str], GlbBuilder], tmp_path: Path
) -> None:
    builder = humanoid_builder("glb")
    nodes = builder.document["nodes"]
    names = [node["name"] for node in nodes]
    hand, arm, hips = (names.index(f"mixamorig:{name}") for name in ("LeftHand", "LeftForeArm", "Hips"))
    nodes[arm]["children"].remove(hand)
    nodes[hips]["children"].append(hand)
    path = tmp_path / "a.glb"
    path.write_bytes(builder.to_bytes())
    with pytest.raises(
        DanceNowError, match=r"a\.glb: leftHand \(node 'mixamorig:LeftHand'\) is not below leftLowerArm"
    ):
        load_avatar(path)


def test_a_second_armature_does_not_count(mascot: Avatar, tmp_path: Path) -> None:
    def change(document: dict[str, Any]) -> None:
        count = len(document["nodes"])
        document["nodes"] += [
            {"name": "Hips", "translation": [0, 5, 0], "children": [count + 1]},
            {"name": "Spine"},
        ]
        document["scenes"][0]["nodes"].insert(0, count)

    avatar = edited(tmp_path / "a.glb", change)
    assert avatar.bones["hips"] == mascot.bones["hips"]


def test_hips_are_what_legs_and_trunk_hang_on(mascot: Avatar, tmp_path: Path) -> None:
    """In MMD, the lower body is beside the upper body."""

    def change(document: dict[str, Any]) -> None:
        nodes = document["nodes"]
        names = [node["name"] for node in nodes]
        hips = names.index("Hips")
        lower = len(nodes)
        legs = [child for child in nodes[hips]["children"] if "Leg" in names[child]]
        nodes.append({"name": "下半身", "children": legs})
        nodes[hips]["children"] = [child for child in nodes[hips]["children"] if child not in legs] + [lower]
        nodes[hips]["name"] = "センター"
        for node, name in (("Spine", "上半身"), ("Head", "頭")):
            nodes[names.index(node)]["name"] = name
        for side, mark in (("Left", "左"), ("Right", "右")):
            for part, name in zip(
                ("Arm", "ForeArm", "Hand", "UpLeg", "Leg", "Foot"),
                ("腕", "ひじ", "手首", "足", "ひざ", "足首"),
                strict=True,
            ):
                nodes[names.index(side + part)]["name"] = mark + name

    avatar = edited(tmp_path / "a.glb", change)
    assert avatar.skeleton == "names of MMD"
    assert avatar.bones["hips"] == mascot.bones["hips"]
    assert avatar.bone_parents["leftUpperLeg"] == "hips"


@pytest.mark.parametrize(
    "file", ["godette.vrm", "uka_flat.vrm", "gene.vrm", "kaykit_rogue.glb", "kaykit_knight.glb"]
)
def test_the_structure_finds_what_real_files_say(data_dir: Path, tmp_path: Path, file: str) -> None:
    """Hair, coats, backpacks, twist and control joints are no limbs."""
    path = data_dir / "characters" / file
    known = load_avatar(path)
    editor = AvatarEditor(path)
    for key in ("extensions", "extensionsUsed", "extensionsRequired"):
        editor.document.pop(key, None)
    for material in editor.document["materials"]:
        material.pop("extensions", None)
    anonymous(editor.document)
    (tmp_path / "a.glb").write_bytes(editor.to_bytes())
    avatar = load_avatar(tmp_path / "a.glb")
    assert avatar.skeleton == "structure of the joints"
    for bone in ("hips", "head", *(side + limb for side in ("left", "right") for limb in LIMBS[:6])):
        away = np.linalg.norm(avatar.rest_position(bone) - known.rest_position(bone))
        # KayKit's wrist and hand are two joints, a few centimetres apart.
        assert away < (0.1 if bone.endswith("Hand") and file.startswith("kaykit") else 1e-4), bone
