"""Expressions replayed on a character's face."""

from dataclasses import replace

import numpy as np
import pytest
from faces import face_points
from skeletons import chibi_skeleton

from dance_now.pose.model.keypoints import FACE
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.retarget.face_expression import Expression
from dance_now.pose.retarget.face_rig import FaceRig

SHUT = Expression(left_eye=1, right_eye=1)


def with_face(expressions: dict[str, np.ndarray] | None = None) -> Skeleton:
    """The chibi with a face that has eyes and a mouth, and maybe expressions."""
    body = chibi_skeleton()
    rest = body.rest.copy()
    rest[FACE] = face_points() * 0.1 + [0, 0.8, 0.1]
    return replace(body, rest=rest, expressions=expressions or {})


def moves(*rows: int, axis: int = 1, way: float = -0.01) -> np.ndarray:
    move = np.zeros((70, 3), np.float32)
    move[list(rows), axis] = way
    return move


EXPRESSIONS = {
    "blinkLeft": moves(43, 44),
    "blinkRight": moves(37, 38),
    "aa": moves(66, 57),
    "oh": moves(66, 57) + moves(48, axis=0, way=0.01),
    "angry": moves(*range(17, 27)),
    "happy": moves(48, 54, way=0.01),
}


def test_neutral_moves_nothing() -> None:
    for skeleton in (with_face(), with_face(EXPRESSIONS)):
        assert not FaceRig(skeleton).displacement(Expression()).any()


def test_lids_meet_in_the_lower_half_of_the_eye() -> None:
    skeleton = with_face()
    rest = skeleton.rest[FACE]
    shut = rest + FaceRig(skeleton).displacement(SHUT)
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        height = rest[upper, 1] - rest[lower, 1]
        assert shut[upper, 1] - shut[lower, 1] == pytest.approx(0.1 * height, rel=0.01)
        assert rest[lower, 1] < shut[lower, 1] < rest[lower, 1] + 0.5 * height
    others = np.setdiff1d(np.arange(70), [37, 38, 40, 41, 43, 44, 46, 47])
    np.testing.assert_array_equal(shut[others], rest[others])


def test_a_mouth_opens_downwards_by_a_quarter_of_the_eyes_distance() -> None:
    skeleton = with_face()
    move = FaceRig(skeleton).displacement(Expression(mouth_open=1))
    apart = 0.1
    assert move[62, 1] - move[66, 1] == pytest.approx(0.25 * apart, rel=0.02)
    assert -move[66, 1] > move[62, 1] > 0
    assert move[8, 1] < 0


@pytest.mark.parametrize("side", ["left", "right"])
def test_sides_are_the_persons_own(side: str) -> None:
    move = FaceRig(with_face()).displacement(
        replace(Expression(), **{f"{side}_eye": 1.0, f"{side}_brow": 1.0})
    )
    moved = np.flatnonzero(np.abs(move).sum(axis=1))
    x = face_points()[moved, 0]
    assert (x > 0).all() if side == "left" else (x < 0).all()


def test_a_character_with_expressions_uses_nothing_else() -> None:
    rig = FaceRig(with_face(EXPRESSIONS))
    expected = EXPRESSIONS["blinkLeft"] + EXPRESSIONS["blinkRight"]
    np.testing.assert_allclose(rig.displacement(SHUT), expected, atol=1e-6)
    np.testing.assert_allclose(rig.displacement(Expression(mouth_open=1)), EXPRESSIONS["aa"], atol=1e-6)
    assert rig.weights(Expression(mouth_open=1, mouth_width=-1)) == pytest.approx({"oh": 1.0})


def test_one_blink_for_both_eyes() -> None:
    rig = FaceRig(with_face({"blink": EXPRESSIONS["blinkLeft"]}))
    assert rig.weights(SHUT) == pytest.approx({"blink": 1.0})
    assert rig.weights(Expression(left_eye=1)) == pytest.approx({"blink": 0.5})


def test_a_smile_that_shuts_the_eyes_is_left_out() -> None:
    grin = Expression(mouth_width=1)
    assert "happy" in FaceRig(with_face(EXPRESSIONS)).weights(grin)
    laughing = EXPRESSIONS | {"happy": moves(37, 38, 43, 44, way=-0.015)}
    assert "happy" not in FaceRig(with_face(laughing)).weights(grin)


@pytest.mark.parametrize("seed", range(20))
def test_weights_on_one_part_never_exceed_one(seed: int) -> None:
    values = np.random.default_rng(seed).uniform(-1, 1, 8)
    weights = FaceRig(with_face(EXPRESSIONS)).weights(Expression(*values))
    mouth = sum(value for name, value in weights.items() if not name.startswith("blink"))
    assert all(0 < value <= 1 for value in weights.values())
    assert mouth <= 1 + 1e-9


def test_a_character_without_a_face() -> None:
    body = chibi_skeleton()
    known = body.known.copy()
    known[FACE] = False
    assert not FaceRig(replace(body, known=known)).displacement(SHUT).any()
