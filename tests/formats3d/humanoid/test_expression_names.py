"""Expressions from the morph target names of other programs."""

import pytest

from dance_now.formats3d.humanoid.expression_names import name_expressions

ARKIT = [
    "browDownLeft",
    "browDownRight",
    "browInnerUp",
    "browOuterUpLeft",
    "browOuterUpRight",
    "cheekPuff",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeBlinkLeft",
    "eyeBlinkRight",
    "eyeLookDownLeft",
    "eyeLookDownRight",
    "eyeLookInLeft",
    "eyeLookInRight",
    "eyeLookOutLeft",
    "eyeLookOutRight",
    "eyeLookUpLeft",
    "eyeLookUpRight",
    "eyeSquintLeft",
    "eyeSquintRight",
    "eyeWideLeft",
    "eyeWideRight",
    "jawForward",
    "jawLeft",
    "jawOpen",
    "jawRight",
    "mouthClose",
    "mouthDimpleLeft",
    "mouthDimpleRight",
    "mouthFrownLeft",
    "mouthFrownRight",
    "mouthFunnel",
    "mouthLeft",
    "mouthLowerDownLeft",
    "mouthLowerDownRight",
    "mouthPressLeft",
    "mouthPressRight",
    "mouthPucker",
    "mouthRight",
    "mouthRollLower",
    "mouthRollUpper",
    "mouthShrugLower",
    "mouthShrugUpper",
    "mouthSmileLeft",
    "mouthSmileRight",
    "mouthStretchLeft",
    "mouthStretchRight",
    "mouthUpperUpLeft",
    "mouthUpperUpRight",
    "noseSneerLeft",
    "noseSneerRight",
    "tongueOut",
]
OCULUS = [
    f"viseme_{name}"
    for name in ("sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U")
]
VROID = [
    *(f"Fcl_MTH_{letter}" for letter in "AIUEO"),
    *("Fcl_EYE_Close", "Fcl_EYE_Close_L", "Fcl_EYE_Close_R", "Fcl_ALL_Joy", "Fcl_ALL_Angry"),
    *("Fcl_ALL_Sorrow", "Fcl_ALL_Fun", "Fcl_ALL_Surprised"),
]
MMD = [
    "まばたき",
    "ウィンク",
    "ウィンク右",
    "笑い",
    "にやり",
    "あ",
    "い",
    "う",
    "え",
    "お",
    "怒り",
    "困る",
    "びっくり",
]
VOWELS = {"aa", "ih", "ou", "ee", "oh"}


def named(names: list[str]) -> dict[str, tuple[str, dict[str, float]]]:
    return {item.name: (item.family, dict(item.morphs)) for item in name_expressions(names)}


@pytest.mark.parametrize(
    ("names", "family", "expected"),
    [
        (VROID, "VRoid", VOWELS | {"blink", "blinkLeft", "happy", "angry", "sad", "relaxed", "surprised"}),
        (
            [f"Face.M_F00_000_00_{name}" for name in VROID],
            "VRoid",
            VOWELS | {"blink", "blinkRight", "happy"},
        ),
        (MMD, "MMD", VOWELS | {"blink", "blinkLeft", "blinkRight", "happy", "angry", "sad", "surprised"}),
        (ARKIT, "ARKit", VOWELS | {"blink", "blinkLeft", "happy", "angry", "sad", "lookLeft", "lookUp"}),
        (OCULUS, "Oculus", VOWELS),
        (["mouthOpen", "mouthSmile", "eyesClosed"], "Ready Player Me", {"aa", "happy", "blink"}),
        (
            ["vrc.v_aa", "vrc.v_e", "vrc.v_ih", "vrc.v_oh", "vrc.v_ou", "vrc.blink_left"],
            "VRChat",
            VOWELS | {"blinkLeft"},
        ),
        (
            [name.replace("Left", "_L").replace("Right", "_R") for name in ARKIT],
            "ARKit",
            {"blinkLeft", "happy"},
        ),
    ],
    ids=["VRoid", "VRoid with prefixes", "MMD", "ARKit", "Oculus", "Ready Player Me", "VRChat", "ARKit _L"],
)
def test_families_are_known(names: list[str], family: str, expected: set[str]) -> None:
    found = named(names)
    assert expected <= found.keys()
    for name in expected:
        assert found[name][0] == family


def test_a_vowel_is_never_the_sum_of_families() -> None:
    found = named([*ARKIT, *OCULUS, "mouthOpen", "mouthSmile"])
    assert found["aa"] == ("Oculus", {"viseme_aa": 1.0})
    assert found["blinkLeft"] == ("ARKit", {"eyeBlinkLeft": 1.0})
    assert set(found["happy"][1]) <= set(ARKIT)
    found = named([*ARKIT, *VROID])
    assert found["aa"] == ("VRoid", {"Fcl_MTH_A": 1.0})
    assert found["blinkRight"] == ("VRoid", {"Fcl_EYE_Close_R": 1.0})


def test_empty_morph_targets_give_way_to_those_that_move() -> None:
    found = name_expressions(["viseme_aa", "jawOpen"], lambda name: name != "viseme_aa")
    assert [(item.name, item.family) for item in found if item.name == "aa"] == [("aa", "ARKit")]


def test_unknown_morph_targets_keep_their_names() -> None:
    assert named(["Tears", "aa"]) == {"aa": ("VRM", {"aa": 1.0}), "Tears": ("", {"Tears": 1.0})}
