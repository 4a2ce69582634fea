"""Body, hands and face together, on real frames."""

from pathlib import Path

import numpy as np
import pytest
from clips import frames

from dance_now.assets import registry as assets
from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.pose.estimators.blazepose import BlazePose
from dance_now.pose.estimators.estimator_registry import open_estimator
from dance_now.pose.estimators.holistic import Holistic
from dance_now.pose.estimators.multi_person import MultiPersonTracker
from dance_now.pose.model.detection import Person
from dance_now.pose.model.keypoints import BODY, BODY_INDEX, FACE
from dance_now.pose.model.pose import Pose
from dance_now.pose.networks.blazehand import HandNetwork
from dance_now.pose.networks.facemesh import FaceNetworks
from dance_now.pose.retarget.face_expression import ExpressionReader, measure_face


@pytest.fixture(scope="module")
def loaded() -> Holistic:
    try:
        return Holistic()
    except DanceNowError as error:
        pytest.skip(str(error))


@pytest.fixture
def estimate(loaded: Holistic) -> Holistic:
    loaded.reset()
    return loaded


@pytest.fixture(scope="module")
def juggler(data_dir: Path) -> list[Image]:
    """A man who faces the camera, both hands in sight, and looks down."""
    return list(frames(data_dir / "people" / "sam2_juggle.mp4", 55, 15))


@pytest.fixture(scope="module")
def gymnast(data_dir: Path) -> Image:
    """A man on one leg whose face is made unrecognisable."""
    return next(frames(data_dir / "people" / "single_cam01.mp4", 42, 1))


def found(people: tuple[Person, ...]) -> Pose:
    assert len(people) == 1
    return people[0].detection.pose


def test_it_is_the_estimator_of_the_base_install(loaded: Holistic) -> None:
    assert isinstance(open_estimator(), Holistic)


def test_hands_are_on_their_arms(estimate: Holistic, juggler: list[Image]) -> None:
    poses = [found(estimate(image)) for image in juggler]
    whole = [[(hand[:, 2] > 0.5).all() for hand in (pose.left_hand, pose.right_hand)] for pose in poses]
    assert np.mean(whole) > 0.8
    for pose, sides in zip(poses, whole, strict=True):
        height = np.ptp(pose.body[pose.body[:, 2] > 0, 1])
        for hand, side, seen in zip((pose.left_hand, pose.right_hand), ("left", "right"), sides, strict=True):
            wrist = pose.body[BODY_INDEX[f"{side}_wrist"], :2]
            assert np.hypot(*(hand[0, :2] - wrist)) < 0.06 * height
            if seen:  # he lets his arms hang: fingers point down, thumbs in front of him
                assert (hand[[8, 12, 16], 1] > hand[0, 1]).all()
                assert 0.04 * height < np.ptp(hand[:, 1]) < 0.13 * height


def test_legs_alone_are_somebody(estimate: Holistic, juggler: list[Image]) -> None:
    whole = found(estimate(juggler[0])).body
    top = round(float(whole[BODY_INDEX["mid_hip"], 1])) - 20
    estimate.reset()
    legs = found(estimate(juggler[0][top:, 480:960])).body
    rows = [BODY_INDEX[f"{side}_{part}"] for side in ("left", "right") for part in ("knee", "ankle")]
    assert np.median(np.abs(legs[rows, :2] + (480, top) - whole[rows, :2])) < 20
    estimate.reset()
    assert estimate(juggler[0][300:, :500]) == ()


def test_depth_within_a_hand_is_true_to_scale(estimate: Holistic, juggler: list[Image]) -> None:
    """The palm's edges keep their proportions while the hand turns."""
    ratios = []
    for pose in (found(estimate(image)) for image in juggler):
        solid = np.column_stack([pose.points[:, :2], pose.depth])
        for start in (95, 116):
            if pose.points[start : start + 21, 2].all():
                wrist, index, little = solid[start], solid[start + 5], solid[start + 17]
                ratios.append(np.linalg.norm(index - wrist) / np.linalg.norm(little - wrist))
    assert len(ratios) > 20
    assert 0.95 < np.median(ratios) < 1.3
    assert np.std(ratios) < 0.12


def test_faces_have_their_parts_in_place(estimate: Holistic, juggler: list[Image]) -> None:
    pose = found(estimate(juggler[5]))
    face, depth = pose.face, pose.depth[FACE]
    assert (face[:, 2] > 0.9).all()
    assert pose.has_depth[FACE].all()
    x, y = face[:, 0], face[:, 1]
    # he faces us: his right is on our left
    assert x[0] < x[36] < x[39] < x[42] < x[45] < x[16]
    assert y[17:27].mean() < y[36:48].mean() < y[30] < y[62] < y[8]
    assert depth[30] < depth[[36, 45]].min()
    assert depth[[36, 45]].max() < depth[[0, 16]].min()
    for pupil, eye in ((68, slice(36, 42)), (69, slice(42, 48))):
        assert x[eye].min() < x[pupil] < x[eye].max()
    assert np.hypot(*(face[30, :2] - pose.body[0, :2])) < 0.2 * (x[16] - x[0])


def test_a_small_face_that_looks_down_keeps_its_eyes_open(estimate: Holistic, juggler: list[Image]) -> None:
    read = ExpressionReader()
    seen = [read(found(estimate(image)), index / 25) for index, image in enumerate(juggler)]
    assert 0 < np.mean([expression.left_eye for expression in seen]) < 0.2
    assert max(expression.mouth_open for expression in seen) < 0.4
    assert measure_face(found(estimate(juggler[-1])))[1].max() > 0.4  # small: 22 pixels between the eyes


def test_a_pixelated_face_is_missing(estimate: Holistic, gymnast: Image) -> None:
    assert not found(estimate(gymnast)).face.any()


def test_a_small_person_has_body_points_alone(estimate: Holistic, juggler: list[Image]) -> None:
    small = np.ascontiguousarray(juggler[0][::8, ::8])
    pose = found(estimate(small))
    assert not pose.face.any()
    for hand in (pose.left_hand, pose.right_hand):
        np.testing.assert_array_equal(np.flatnonzero(hand[:, 2]), [0, 2, 5, 17])


def test_what_is_switched_off_is_blazepose(estimate: Holistic, juggler: list[Image]) -> None:
    plain = found(Holistic(hands=False, face=False)(juggler[0]))
    body = found(MultiPersonTracker(BlazePose())(juggler[0]))
    np.testing.assert_array_equal(plain.points, body.points)
    np.testing.assert_array_equal(found(estimate(juggler[0])).points[BODY], body.points[BODY])


def test_reset_makes_frames_independent(estimate: Holistic, juggler: list[Image]) -> None:
    first = found(estimate(juggler[0]))
    for image in juggler[1:4]:
        estimate(image)
    estimate.reset()
    np.testing.assert_array_equal(found(estimate(juggler[0])).points, first.points)


def test_nobody(estimate: Holistic) -> None:
    assert estimate(np.zeros((240, 320, 3), np.uint8)) == ()


def test_other_networks(loaded: Holistic, tmp_path: Path) -> None:
    face = assets.pose_model("face_landmark.tflite")
    with pytest.raises(DanceNowError, match="not the network"):
        HandNetwork(face, 1)
    with pytest.raises(DanceNowError, match="not the network"):
        FaceNetworks(face, face, 1)
    broken = tmp_path / "iris_landmark.tflite"
    broken.write_bytes(b"no network")
    with pytest.raises(DanceNowError, match="damaged or not a LiteRT network"):
        FaceNetworks(face, broken, 1)


def test_two_people_have_their_own_hands_and_faces_all_the_time(juggler: list[Image]) -> None:
    both = Holistic(max_people=2)
    for image in juggler[:6]:
        half = image[:, 320:960]
        people = both(np.ascontiguousarray(np.hstack([half, half[:, ::-1]])))
        assert [person.identity for person in people] == [1, 2]
        for person in people:
            pose = person.detection.pose
            assert pose.face[:, 2].all()
            assert np.linalg.norm(pose.face[30, :2] - pose.body[BODY_INDEX["nose"], :2]) < 12
            for hand, wrist in ((pose.left_hand, "left_wrist"), (pose.right_hand, "right_wrist")):
                assert np.linalg.norm(hand[0, :2] - pose.body[BODY_INDEX[wrist], :2]) < 40


@pytest.mark.parametrize("turn", [2, 4])
def test_hands_and_face_in_turns_stay_on_the_body(turn: int, juggler: list[Image]) -> None:
    """Most of the time they are carried along; they hardly differ from those read in every frame."""
    try:
        every, turns = Holistic(), Holistic(turn=turn)
    except DanceNowError as error:
        pytest.skip(str(error))
    away = []
    for image in juggler:
        full, part = found(every(image)).points, found(turns(image)).points
        both = (full[BODY.stop :, 2] > 0) & (part[BODY.stop :, 2] > 0)
        distance = np.linalg.norm(full[BODY.stop :, :2] - part[BODY.stop :, :2], axis=1)
        away.append(distance[both] / np.ptp(full[BODY, 1]))
    assert np.mean(np.concatenate(away)) < 0.01
