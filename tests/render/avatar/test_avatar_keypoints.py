from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from dance_now.pose.model.keypoints import BODY_INDEX, FACE, hand_slice
from dance_now.pose.retarget.face_expression import Expression
from dance_now.pose.retarget.face_rig import FaceRig
from dance_now.render.avatar.avatar import load_avatar
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton, place_keypoints
from dance_now.render.face.face_points import expression_names, face_landmarks, with_observable_expressions


@pytest.mark.parametrize("kind", ["vrm0", "vrm1", "glb"])
def test_a_bare_humanoid_gets_a_whole_skeleton(humanoid_file: Callable[[str], Path], kind: str) -> None:
    skeleton = avatar_skeleton(load_avatar(humanoid_file(kind)))
    rest = {name: skeleton.rest[index] for name, index in BODY_INDEX.items()}
    np.testing.assert_allclose(rest["left_elbow"], [0.5, 1.5, 0], atol=1e-5)
    np.testing.assert_allclose(rest["neck"], [0, 1.5, 0], atol=1e-5)
    np.testing.assert_allclose(rest["mid_hip"], [0, 0.9, 0], atol=1e-5)
    assert not skeleton.known[FACE].any()
    assert skeleton.known[:25].all()
    assert skeleton.known[hand_slice("left")].all()
    for side, sign in (("left", 1), ("right", -1)):
        assert rest[f"{side}_big_toe"][2] > rest[f"{side}_ankle"][2] > rest[f"{side}_heel"][2]
        assert rest[f"{side}_big_toe"][1] < rest[f"{side}_ankle"][1]
        assert sign * rest[f"{side}_small_toe"][0] > sign * rest[f"{side}_big_toe"][0]
        assert sign * rest[f"{side}_ear"][0] > sign * rest[f"{side}_eye"][0] > 0
        hand = skeleton.rest[hand_slice(side)]
        np.testing.assert_allclose(hand[0], rest[f"{side}_wrist"])
        assert (sign * np.diff(hand[9:13, 0]) > 0).all()  # the middle finger goes on outwards
        assert hand[5, 2] > hand[17, 2]  # index finger in front of the little one
    assert rest["nose"][2] > rest["left_ear"][2]


def test_an_avatar_with_one_spine_bone_turns_its_chest_about_it(humanoid_file: Callable[[str], Path]) -> None:
    spine, chest, neck, head = avatar_skeleton(load_avatar(humanoid_file("vrm1"))).pivots
    np.testing.assert_allclose(spine, [0, 1.2, 0], atol=1e-6)
    np.testing.assert_allclose(chest, spine)
    np.testing.assert_allclose(neck, head)


@pytest.mark.parametrize("name", ["godette.vrm", "uka_flat.vrm", "gene.vrm", "kaykit_rogue.glb"])
def test_real_avatars_have_sound_proportions(data_dir: Path, name: str) -> None:
    avatar = load_avatar(data_dir / "characters" / name)
    face = face_landmarks(avatar)
    skeleton = avatar_skeleton(avatar, face)
    rest = skeleton.rest
    assert skeleton.known[FACE].all() == (face is not None)
    assert 0.3 < skeleton.height < 3
    low, high = skeleton.bounds
    assert (rest[skeleton.known] > low - 0.05).all()
    assert (rest[skeleton.known] < high + 0.05).all()
    mirrored = np.abs(rest[[2, 3, 4, 9, 10, 11, 17]] * [-1, 1, 1] - rest[[5, 6, 7, 12, 13, 14, 18]])
    assert mirrored.max() < 0.02 * skeleton.height
    ears = (rest[17] + rest[18]) / 2
    assert rest[0, 2] > ears[2] + 0.02 * skeleton.height
    assert rest[BODY_INDEX["left_big_toe"], 2] > rest[BODY_INDEX["left_heel"], 2]
    assert rest[BODY_INDEX["left_heel"], 1] > low[1] - 0.02


def test_a_finger_without_bones_lies_between_its_neighbours(data_dir: Path) -> None:
    rest = avatar_skeleton(load_avatar(data_dir / "characters" / "godette.vrm")).rest
    for side in ("left", "right"):
        hand = rest[hand_slice(side)]
        np.testing.assert_allclose(hand[13:17], (hand[9:13] + hand[17:21]) / 2, atol=1e-5)


def test_keypoints_at_rest_are_the_skeletons(data_dir: Path) -> None:
    avatar = load_avatar(data_dir / "characters" / "godette.vrm")
    face = face_landmarks(avatar)
    rest = avatar_skeleton(avatar, face).rest
    placed = place_keypoints(avatar, avatar.rest_world, rest - rest[8], face)
    np.testing.assert_allclose(placed, rest, atol=1e-5)


def test_an_expression_moves_the_face_and_nothing_else(data_dir: Path) -> None:
    avatar = load_avatar(data_dir / "characters" / "godette.vrm")
    face = face_landmarks(avatar)
    rest = avatar_skeleton(avatar, face).rest
    calm, blinking = (
        place_keypoints(avatar, avatar.rest_world, rest - rest[8], face, expressions)
        for expressions in ({}, {"blink": 1.0, "blinkLeft": 1.0, "blinkRight": 1.0})
    )
    moved = np.abs(calm - blinking).max(axis=1) > 1e-4
    assert moved[25 + 36 : 25 + 48].any()
    assert not moved[:25].any()
    assert not moved[95:].any()


@pytest.mark.parametrize("name", ["godette.vrm", "uka_flat.vrm", "gene.vrm"])
@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        (Expression(left_eye=1, right_eye=1), {"blinkLeft": 1, "blinkRight": 1}),
        (Expression(left_eye=1), {"blinkLeft": 1}),
        (Expression(mouth_open=1), {"aa": 1}),
        (
            Expression(mouth_open=1, left_eye=0.5, right_eye=0.5),
            {"aa": 1, "blinkLeft": 0.5, "blinkRight": 0.5},
        ),
    ],
)
def test_what_a_face_does_can_be_read_off_the_avatars_face_points(
    data_dir: Path, name: str, expression: Expression, meant: dict[str, float]
) -> None:
    avatar = load_avatar(data_dir / "characters" / name)
    face = face_landmarks(avatar)
    avatar = with_observable_expressions(avatar, face)
    skeleton = avatar_skeleton(avatar, face)
    assert tuple(skeleton.expressions) == expression_names(avatar)
    basis = np.stack([move.ravel() for move in skeleton.expressions.values()]).astype(np.float64)
    gram = basis @ basis.T
    ridge = 1e-3 * np.trace(gram) / len(basis) * np.eye(len(basis))  # as in the generator
    weights = np.linalg.solve(gram + ridge, basis @ FaceRig(skeleton).displacement(expression).ravel())
    expected = [meant.get(name, 0.0) for name in skeleton.expressions]
    np.testing.assert_allclose(np.clip(weights, 0, 1), expected, atol=0.1)
