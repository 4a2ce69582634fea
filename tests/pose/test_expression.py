"""Expressions read off made-up faces."""

from dataclasses import astuple

import numpy as np
import pytest
from faces import face_points, face_pose
from hypothesis import given
from hypothesis import strategies as st

from dance_now.pose.expression import Expression, ExpressionReader, expression_values, face_measures
from dance_now.pose.keypoints import FACE
from dance_now.pose.pose import Pose


def photo(pose: Pose) -> Expression:
    return ExpressionReader()(pose, 0.0)


@pytest.mark.parametrize("has_depth", [True, False])
def test_an_average_face_is_neutral(has_depth: bool) -> None:
    np.testing.assert_allclose(astuple(photo(face_pose(face_points(), has_depth=has_depth))), 0, atol=1e-6)


@pytest.mark.parametrize(
    ("face", "attribute", "low", "high"),
    [
        (face_points(left_open=0.03, right_open=0.03), "left_eye", 0.95, 1.0),
        (face_points(left_open=0.03, right_open=0.03), "right_eye", 0.95, 1.0),
        (face_points(left_open=0.03), "left_eye", 0.9, 1.0),
        (face_points(left_open=0.03), "right_eye", -0.05, 0.05),
        (face_points(left_open=0.2, right_open=0.2), "left_eye", 0.3, 0.6),
        (face_points(left_open=0.48, right_open=0.48), "left_eye", -0.5, -0.2),
        (face_points(mouth_open=0.6), "mouth_open", 0.99, 1.0),
        (face_points(mouth_open=0.25), "mouth_open", 0.3, 0.6),
        (face_points(mouth_width=1.05), "mouth_width", 0.9, 1.0),
        (face_points(mouth_width=0.6), "mouth_width", -1.0, -0.8),
        (face_points(brow=0.5), "left_brow", 0.9, 1.0),
        (face_points(brow=0.2), "right_brow", -1.0, -0.6),
        (face_points(gaze=(0.2, 0.0)), "gaze_left", 0.7, 1.0),
        (face_points(gaze=(0.0, -0.2)), "gaze_up", -1.0, -0.7),
    ],
)
def test_each_part_of_a_face_is_read(face: np.ndarray, attribute: str, low: float, high: float) -> None:
    assert low <= getattr(photo(face_pose(face)), attribute) <= high


def test_one_part_does_not_speak_for_another() -> None:
    values = expression_values(photo(face_pose(face_points(mouth_open=0.6))))
    np.testing.assert_allclose(np.delete(values, 2), 0, atol=0.05)


@given(st.floats(-40, 40), st.floats(-35, 35), st.floats(30, 400), st.floats(0.05, 0.4), st.floats(0, 0.5))
def test_turn_and_size_do_not_matter(yaw: float, nod: float, size: float, eye: float, mouth: float) -> None:
    face = face_points(left_open=eye, right_open=eye, mouth_open=mouth)
    straight, _ = face_measures(face_pose(face))
    seen, trust = face_measures(face_pose(face, size, yaw=yaw, nod=nod))
    assert trust == 1
    np.testing.assert_allclose(seen, straight, atol=1e-3)


@pytest.mark.parametrize(
    "pose",
    [
        Pose.empty(),
        face_pose(face_points(0.03, 0.03), yaw=75),
        face_pose(face_points(0.03, 0.03), yaw=-75),
        face_pose(face_points(0.03, 0.03), yaw=60, has_depth=False),
        face_pose(face_points(0.03, 0.03), nod=70),
        face_pose(face_points(0.03, 0.03), size=6),
        face_pose(np.zeros((70, 3))),
        face_pose(face_points() * [1, 0, 0]),
    ],
)
def test_faces_that_cannot_be_read_are_neutral(pose: Pose) -> None:
    assert photo(pose) == Expression()


def test_a_face_whose_points_are_unsure_is_neutral() -> None:
    pose = face_pose(face_points(0.03, 0.03))
    points = pose.points.copy()
    points[FACE, 2] = 0.1
    assert photo(Pose(points)) == Expression()


def test_a_blink_comes_through_in_time() -> None:
    read = ExpressionReader()
    closed = []
    for frame in range(90):
        shut = 60 <= frame < 64
        pose = face_pose(face_points(*(0.05 if shut else 0.33,) * 2))
        closed.append(read(pose, frame / 30).left_eye)
    assert max(closed[:60]) < 0.05
    assert max(closed[61:65]) > 0.8
    assert max(closed[72:]) < 0.1


def test_narrow_eyes_become_the_neutral_of_their_owner() -> None:
    read = ExpressionReader()
    narrow = face_pose(face_points(0.24, 0.24))
    first = read(narrow, 0.0).left_eye
    last = [read(narrow, frame / 30).left_eye for frame in range(1, 300)][-1]
    assert first > 0.1
    assert abs(last) < 0.1
    blink = [read(face_pose(face_points(0.05, 0.05)), 10 + frame / 30).left_eye for frame in range(5)][-1]
    assert blink > 0.8


def test_eyes_shut_for_long_stay_shut() -> None:
    read = ExpressionReader()
    shut = face_pose(face_points(0.05, 0.05))
    assert [read(shut, frame / 30).left_eye for frame in range(600)][-1] > 0.8


def test_a_lost_face_eases_to_neutral() -> None:
    read = ExpressionReader()
    for frame in range(30):
        before = read(face_pose(face_points(mouth_open=0.5)), frame / 30).mouth_open
    after = [read(Pose.empty(), 1 + frame / 30).mouth_open for frame in range(90)]
    assert before > 0.8
    assert after[0] > 0.6
    assert np.diff(after).max() <= 0
    assert after[-1] == 0


def test_reset_forgets() -> None:
    read = ExpressionReader()
    for frame in range(100):
        read(face_pose(face_points(0.24, 0.24)), frame / 30)
    read.reset()
    pose = face_pose(face_points(0.2, 0.2))
    assert read(pose, 0.0) == photo(pose)


def test_eyes_that_differ_a_little_close_alike() -> None:
    uneven = photo(face_pose(face_points(0.17, 0.24)))
    assert uneven.left_eye == pytest.approx(uneven.right_eye)
