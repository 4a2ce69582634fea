"""Expressions read off made-up faces."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from faces import face_points, face_pose
from hypothesis import given
from hypothesis import strategies as st

from dance_now.pose.model.keypoints import FACE
from dance_now.pose.model.pose import Pose
from dance_now.pose.retarget.face_expression import (
    Expression,
    ExpressionReader,
    expression_values,
    measure_face,
)


def photo(pose: Pose) -> Expression:
    return ExpressionReader()(pose, 0.0)


@pytest.mark.parametrize("has_depth", [True, False])
def test_an_average_face_is_neutral(has_depth: bool) -> None:
    np.testing.assert_allclose(
        expression_values(photo(face_pose(face_points(), has_depth=has_depth))), 0, atol=1e-6
    )


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
        (face_points(mouth_open=0.14), "mouth_open", 0.3, 0.6),
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
    straight, _ = measure_face(face_pose(face))
    seen, trust = measure_face(face_pose(face, size, yaw=yaw, nod=nod))
    assert (trust[2:] == 1).all()
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


def test_who_looks_down_has_not_closed_the_eyes() -> None:
    lowered = face_points(0.18, 0.18, gaze=(0.0, -0.15))
    straight = photo(face_pose(face_points(0.18, 0.18))).left_eye
    assert photo(face_pose(lowered)).left_eye < 0.7 * straight
    assert photo(face_pose(lowered, nod=30)).left_eye < 0.2


def test_lids_of_a_small_face_hardly_move_and_its_mouth_does() -> None:
    shut = photo(face_pose(face_points(0.1, 0.1, mouth_open=0.3), size=24))
    assert shut.left_eye < 0.3
    assert shut.mouth_open > 0.5


def test_looking_down_for_long_does_not_make_eyes_wide_afterwards() -> None:
    read = ExpressionReader()
    for frame in range(300):
        read(face_pose(face_points(0.18, 0.18), nod=35), frame / 30)
    assert read(face_pose(face_points()), 10.5).left_eye == pytest.approx(0, abs=0.1)


FaceOf = Callable[[float, float], np.ndarray]  # lids 0 to 1 and mouth 0 to 1 -> (70, 3), eyes 1 apart


def made_up_face(lids: float, mouth: float) -> np.ndarray:
    openness = 0.33 * (1 - 0.92 * lids)
    return face_points(openness, openness, mouth_open=0.02 + 0.4 * mouth)


def avatar_face(path: Path) -> FaceOf:
    from dance_now.render.avatar.avatar import load_avatar
    from dance_now.render.avatar.avatar_keypoints import avatar_skeleton
    from dance_now.render.face.face_points import face_landmarks

    avatar = load_avatar(path)
    skeleton = avatar_skeleton(avatar, face_landmarks(avatar))
    rest = skeleton.rest[FACE].astype(np.float64)
    eyes = rest[[36, 39, 42, 45]]
    apart = np.linalg.norm(eyes[:2].mean(axis=0) - eyes[2:].mean(axis=0))
    moves = {name: move.astype(np.float64) for name, move in skeleton.expressions.items()}
    blink = moves["blinkLeft"] + moves["blinkRight"]
    return lambda lids, mouth: (rest + lids * blink + mouth * moves["aa"] - eyes.mean(axis=0)) / apart


def recovered(face: FaceOf, seconds: float = 12.0) -> tuple[float, float]:
    """Correlation of blinks and mouth with what is read; the noise is 2 % of the eyes' distance."""
    noise = np.random.default_rng(0)
    time = np.arange(int(seconds * 30)) / 30
    lids = np.clip(1.2 - np.abs((time + 0.4 * np.sin(time)) % 2.7 - 1.3) / 0.15, 0, 1)
    mouth = np.clip(np.sin(8 * time) * np.sin(1.4 * time), 0, 1)
    read, found = ExpressionReader(), []
    for now, shut, opened in zip(time, lids, mouth, strict=True):
        points = face(shut, opened)
        pose = face_pose(
            points + noise.normal(0, 0.02, points.shape), 60, yaw=20 * np.sin(0.8 * now), nod=7 * np.sin(now)
        )
        expression = read(pose, now)
        found.append((max(expression.left_eye, 0), max(expression.right_eye, 0), expression.mouth_open))
    known = time > 3  # the neutral face is learned
    left, right, opening = np.array(found)[known].T
    pairs = ((left, lids), (right, lids), (opening, mouth))
    correlations = [float(np.corrcoef(seen, truth[known])[0, 1]) for seen, truth in pairs]
    return min(correlations[:2]), correlations[2]


def test_blinks_and_speech_come_through_noise() -> None:
    blink, mouth = recovered(made_up_face)
    assert blink > 0.95
    assert mouth > 0.95


@pytest.mark.parametrize("name", ["godette", "gene", "uka_flat"])
def test_blinks_and_speech_of_avatars_come_through_noise(data_dir: Path, name: str) -> None:
    blink, mouth = recovered(avatar_face(data_dir / "characters" / f"{name}.vrm"))
    assert blink > 0.9
    assert mouth > 0.9
