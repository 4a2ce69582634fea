"""Bone names of the rigs that people bring."""

import pytest
from rig_names import IK, RIGS

from dance_now.formats3d.humanoid.bone_names import REQUIRED_BONES
from dance_now.formats3d.humanoid.skeleton_matching import find_humanoid_bones, match_names


@pytest.mark.parametrize("rig", RIGS)
def test_rigs_are_recognised(rig: str) -> None:
    names = RIGS[rig]
    bones = find_humanoid_bones(names)
    assert [bone for bone in REQUIRED_BONES if bone not in bones] == []
    parts = ("UpperArm", "LowerArm", "Hand", "UpperLeg", "LowerLeg", "Foot")
    for side, first in (("left", len(names) - 12), ("right", len(names) - 6)):
        if rig.startswith(("Mixamo", "copies", "HumanIK", "numbered", "own")):
            first = 3 if side == "left" else 9
        assert [bones[side + part] for part in parts] == list(range(first, first + 6))


@pytest.mark.parametrize(
    ("rig", "family"),
    [
        ("Mixamo of Sketchfab", "Mixamo"),
        ("VRoid with a second side", "VRoid"),
        ("CATS", "CATS, VRChat"),
        ("MMD", "MMD"),
        ("Biped", "3ds Max Biped"),
        ("Daz Genesis 8", "Daz Genesis"),
    ],
)
def test_the_family_is_named(rig: str, family: str) -> None:
    assert match_names(RIGS[rig]).family == family


def test_fingers_and_eyes_are_found() -> None:
    rigs = {
        "mixamorig:LeftHandThumb1": "leftThumbProximal",
        "Bip01 L Finger0": "leftThumbProximal",
        "Bip01 R Finger42": "rightLittleDistal",
        "左人指２": "leftIndexIntermediate",
        "小指３.R": "rightLittleDistal",
        "Finger1-2.L": "leftThumbIntermediate",
        "CC_Base_R_Mid3": "rightMiddleDistal",
        "J_Adj_L_FaceEye": "leftEye",
    }
    rows = {
        "mixamorig:LeftHandThumb1": "Mixamo of Sketchfab",
        "Bip01 L Finger0": "Biped",
        "Bip01 R Finger42": "Biped",
        "左人指２": "MMD",
        "小指３.R": "mmd_tools",
        "Finger1-2.L": "MakeHuman",
        "CC_Base_R_Mid3": "Character Creator",
        "J_Adj_L_FaceEye": "VRoid with a second side",
    }
    for name, bone in rigs.items():
        suffix = "_99" if rows[name].endswith("Sketchfab") else ""
        assert bone in find_humanoid_bones([*RIGS[rows[name]], name + suffix]), name


def test_a_trunk_of_chests_has_a_spine() -> None:
    names = [name.replace("Spine", "Chest") for name in IK]
    assert find_humanoid_bones(names)["spine"] == 1
