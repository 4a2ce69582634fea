import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skeletons import about_x, about_y, adult_skeleton, chibi_skeleton, posed, posture, view_points

from dance_now.pose.model import vectors
from dance_now.pose.model.bone_rule import (
    BLEND_BONES,
    BONE_INDEX,
    BONE_NAMES,
    FRAME_BONES,
    SWING_LEVELS,
    BoneRig,
    basis,
    blend_rotations,
    swing_rotation,
    unit,
)
from dance_now.pose.model.keypoints import POINT_COUNT
from dance_now.pose.model.skeleton import Skeleton

SWINGS = [swing for level in SWING_LEVELS for swing in level]
SKELETONS = [chibi_skeleton(), adult_skeleton()]
directions = (
    st.tuples(*[st.floats(-1, 1, width=32)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1).map(np.array)
)


def assert_rotations(rotations: np.ndarray) -> None:
    square = np.swapaxes(rotations, -1, -2) @ rotations
    np.testing.assert_allclose(square, np.broadcast_to(np.eye(3), square.shape), atol=2e-4)
    np.testing.assert_allclose(np.linalg.det(rotations), 1, atol=2e-4)


def random_points(seed: int, count: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, POINT_COUNT, 3)).astype(np.float32)


def test_every_bone_has_one_rule() -> None:
    assert len(set(BONE_NAMES)) == len(BONE_NAMES) == 47
    parents = {swing.parent for swing in SWINGS} | {
        bone for _, first, second in BLEND_BONES for bone in (first, second)
    }
    assert parents <= set(BONE_NAMES)


@pytest.mark.parametrize("skeleton", SKELETONS, ids=["chibi", "adult"])
def test_nothing_turns_at_rest(skeleton: Skeleton) -> None:
    rotations = BoneRig.of(skeleton).rotations(skeleton.rest)
    np.testing.assert_allclose(rotations, np.broadcast_to(np.eye(3), (47, 3, 3)), atol=1e-5)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_rotations_are_rotations_whatever_the_points(seed: int) -> None:
    assert_rotations(BoneRig.of(SKELETONS[0]).rotations(random_points(seed)))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31))
def test_limbs_turn_to_where_their_keypoints_are(seed: int) -> None:
    rig, points = BoneRig.of(SKELETONS[0]), random_points(seed, 1)
    rotations = rig.rotations(points)
    for swing in SWINGS:
        turned = rotations[0, BONE_INDEX[swing.name]] @ rig.rest_directions[BONE_INDEX[swing.name]]
        np.testing.assert_allclose(turned, unit(points[0, swing.end] - points[0, swing.start]), atol=5e-3)


@settings(max_examples=20, deadline=None)
@given(turn=st.floats(-180, 180), nod=st.floats(-180, 180), scale=st.floats(0.1, 1000))
def test_a_turned_figure_turns_every_bone_alike(turn: float, nod: float, scale: float) -> None:
    whole = about_y(turn) @ about_x(nod)
    points = (SKELETONS[0].rest @ whole.T * scale + [5, -3, 2]).astype(np.float32)
    rotations = BoneRig.of(SKELETONS[0]).rotations(points)
    np.testing.assert_allclose(rotations, np.broadcast_to(whole, (47, 3, 3)), atol=5e-3)


@given(start=directions, end=directions)
def test_a_swing_takes_one_direction_to_the_other_the_short_way(start: np.ndarray, end: np.ndarray) -> None:
    cosine = float(unit(start) @ unit(end))
    if cosine < -0.99:
        return
    rotation = swing_rotation(start, end)
    assert_rotations(rotation)
    np.testing.assert_allclose(rotation @ unit(start), unit(end), atol=1e-4)
    assert (np.trace(rotation) - 1) / 2 == pytest.approx(cosine, abs=1e-4)


def test_a_swing_to_the_opposite_side_is_still_finite() -> None:
    assert np.isfinite(swing_rotation(np.array([0.0, 1, 0]), np.array([0.0, -1, 0]))).all()


@pytest.mark.parametrize("angle", [0, 30, 90, 150])
def test_a_blend_lies_halfway(angle: float) -> None:
    half = blend_rotations(np.eye(3, dtype=np.float32), about_y(angle).astype(np.float32))
    np.testing.assert_allclose(half, about_y(angle / 2), atol=1e-6)


@given(x=directions, y=directions)
def test_a_basis_keeps_its_first_axis_and_leans_to_the_second(x: np.ndarray, y: np.ndarray) -> None:
    if np.linalg.norm(np.cross(unit(x), unit(y))) < 0.05:
        return
    axes = basis(x, y)
    assert_rotations(axes)
    np.testing.assert_allclose(axes[:, 0], unit(x), atol=1e-6)
    assert axes[:, 1] @ y > 0


@given(first=directions, second=directions)
def test_the_fast_forms_equal_the_rule(first: np.ndarray, second: np.ndarray) -> None:
    a, b = unit(first), unit(second)
    np.testing.assert_allclose(vectors.cross(a, b), np.cross(a, b), atol=1e-12)
    np.testing.assert_allclose(vectors.swing_rotation(a, b), swing_rotation(a, b), atol=1e-6)
    if np.linalg.norm(np.cross(a, b)) > 1e-3:
        np.testing.assert_allclose(vectors.basis(a, b), basis(a, b), atol=1e-6)


def test_arms_swing_without_a_flip_through_their_usual_range() -> None:
    """The upper arm's twist changes smoothly from hanging over level to raised, front and side."""
    rig = BoneRig.of(SKELETONS[1])
    for height in np.linspace(-1, 1, 9):
        for front in np.linspace(-0.5, 1, 7):
            steps = [
                rig.swing(
                    "leftUpperArm", np.eye(3, dtype=np.float32), unit(np.array([0.7, height + e, front]))
                )
                for e in (0, 0.02)
            ]
            assert np.degrees(np.arccos(np.clip((np.trace(steps[0].T @ steps[1]) - 1) / 2, -1, 1))) < 8


def test_anchors_of_limbs_lie_on_their_keypoints() -> None:
    skeleton = SKELETONS[1]
    rig = BoneRig.of(skeleton)
    points = view_points(posed(skeleton, posture(skeleton, turn=30), scale=150)).astype(np.float32)
    anchors = rig.anchors(points, rig.rotations(points), np.array(150, np.float32))
    np.testing.assert_allclose(anchors[BONE_INDEX["leftLowerArm"]], points[6])
    np.testing.assert_allclose(anchors[BONE_INDEX["hips"]], points[8])
    np.testing.assert_allclose(anchors[BONE_INDEX["head"]], (points[17] + points[18]) / 2)
    spine = points[8] + np.array([0, 1, 0]) * (skeleton.pivots[0] - skeleton.rest[8]) * 150
    np.testing.assert_allclose(anchors[BONE_INDEX["spine"]], spine, atol=0.1)


def test_frame_bones_follow_their_own_points_only() -> None:
    skeleton = SKELETONS[1]
    rig = BoneRig.of(skeleton)
    place = posture(skeleton)
    nodded = dataclasses.replace(place, head=about_x(30))
    still, moved = (
        rig.rotations(view_points(posed(skeleton, p)).astype(np.float32)) for p in (place, nodded)
    )
    for bone in FRAME_BONES:
        same = np.allclose(still[BONE_INDEX[bone]], moved[BONE_INDEX[bone]], atol=1e-3)
        assert same == (bone != "head")
    np.testing.assert_allclose(moved[BONE_INDEX["neck"]], about_x(15), atol=1e-3)
