"""Poses and OpenPose JSON."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from dance_now.core.errors import DanceNowError
from dance_now.pose.model.keypoints import BODY, FACE, LEFT_HAND, POINT_COUNT, RIGHT_HAND
from dance_now.pose.model.pose import Pose

COORDINATE = st.floats(-5000, 5000, width=32)


@st.composite
def poses(draw: st.DrawFn) -> Pose:
    points = np.zeros((POINT_COUNT, 3), np.float32)
    points[:, :2] = draw(hnp.arrays(np.float32, (POINT_COUNT, 2), elements=COORDINATE))
    confidence = st.one_of(st.just(0.0), st.floats(0.0010000000474974513, 1, width=32))
    points[:, 2] = draw(hnp.arrays(np.float32, POINT_COUNT, elements=confidence))
    depth = draw(hnp.arrays(np.float32, POINT_COUNT, elements=COORDINATE))
    return Pose(points, depth, draw(hnp.arrays(np.bool_, POINT_COUNT)))


@settings(max_examples=50)
@given(poses())
def test_json_round_trip(pose: Pose) -> None:
    back = Pose.from_openpose(json.loads(json.dumps(pose.to_openpose())))
    np.testing.assert_allclose(back.points, pose.points, rtol=0, atol=1e-3)
    np.testing.assert_allclose(back.depth, pose.depth, rtol=0, atol=1e-3)
    np.testing.assert_array_equal(back.has_depth, pose.has_depth)
    np.testing.assert_array_equal(back.visible, pose.visible)


@settings(max_examples=30)
@given(poses(), st.floats(0.1, 10), st.tuples(st.floats(-1000, 1000), st.floats(-1000, 1000)))
def test_transformed_and_back(pose: Pose, scale: float, offset: tuple[float, float]) -> None:
    back = pose.transformed(scale, offset).transformed(1 / scale, (-offset[0] / scale, -offset[1] / scale))
    np.testing.assert_allclose(back.points, pose.points, rtol=1e-4, atol=0.05)
    np.testing.assert_allclose(back.depth, pose.depth, rtol=1e-4, atol=0.05)
    np.testing.assert_array_equal(back.visible, pose.visible)


def person(version: str) -> dict[str, Any]:
    """One entry of ``people``, every number different, as each version of OpenPose writes it."""
    parts = {
        "pose_keypoints_2d": 25,
        "face_keypoints_2d": 70,
        "hand_left_keypoints_2d": 21,
        "hand_right_keypoints_2d": 21,
    }
    result: dict[str, Any] = {}
    start = 1
    for key, count in parts.items():
        triples = [[float(start + index), start + index + 0.5, 0.9] for index in range(count)]
        result[key] = [value for triple in triples for value in triple]
        start += count
    if version == "1.0":
        result["pose_keypoints"] = result.pop("pose_keypoints_2d")
    if version in ("1.2", "1.3"):
        result |= {key.replace("2d", "3d"): [] for key in parts}
    if version == "1.3":
        result["person_id"] = [-1]
    return result


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.2", "1.3"])
def test_versions(version: str) -> None:
    pose = Pose.from_openpose(person(version))
    np.testing.assert_allclose(pose.points[:, 0], np.arange(1, POINT_COUNT + 1))
    np.testing.assert_allclose(pose.points[:, 1], np.arange(1, POINT_COUNT + 1) + 0.5)
    assert pose.visible.all()
    assert not pose.has_depth.any()


@pytest.mark.parametrize(
    ("key", "rows"),
    [
        ("pose_keypoints_2d", BODY),
        ("face_keypoints_2d", FACE),
        ("hand_left_keypoints_2d", LEFT_HAND),
        ("hand_right_keypoints_2d", RIGHT_HAND),
    ],
)
@pytest.mark.parametrize("absent", ["no key", "empty list", "null"])
def test_missing_part(key: str, rows: slice, absent: str) -> None:
    entry = person("1.3")
    if absent == "no key":
        del entry[key]
    else:
        entry[key] = [] if absent == "empty list" else None
    visible = Pose.from_openpose(entry).visible
    assert not visible[rows].any()
    assert visible.sum() == POINT_COUNT - (rows.stop - rows.start)


def test_nobody_known_is_the_empty_pose() -> None:
    assert not Pose.from_openpose({}).visible.any()


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("column", [0, 1, 2])
def test_not_finite_means_missing(bad: float, column: int) -> None:
    entry = person("1.3")
    entry["pose_keypoints_2d"][3 * 4 + column] = bad
    pose = Pose.from_openpose(entry)
    np.testing.assert_array_equal(pose.body[4], 0)
    assert pose.visible.sum() == POINT_COUNT - 1


def test_zero_confidence_means_missing_whatever_the_coordinates() -> None:
    entry = person("1.3")
    entry["pose_keypoints_2d"][2] = 0
    np.testing.assert_array_equal(Pose.from_openpose(entry).body[0], 0)


def test_depth_is_known_where_the_point_is_and_the_number_finite() -> None:
    entry = person("1.3") | {"depth": [3.0, float("nan"), *[1.0] * 135]}
    entry["pose_keypoints_2d"][8] = 0  # confidence of row 2
    pose = Pose.from_openpose(entry)
    assert pose.depth[0] == 3
    assert not pose.has_depth[[1, 2]].any()
    assert pose.has_depth.sum() == POINT_COUNT - 2
    masked = Pose.from_openpose(entry | {"has_depth": [0] * 10 + [1] * 127})
    assert not masked.has_depth[:10].any()
    assert masked.depth[0] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"pose_keypoints_2d": [1.0] * 74},
        {"pose_keypoints_2d": [1.0] * 48},
        {"face_keypoints_2d": [1.0] * 211},
        {"hand_left_keypoints_2d": "0" * 63},
        {"hand_right_keypoints_2d": {"x": 1}},
        {"pose_keypoints_2d": ["a"] * 75},
        {"pose_keypoints_2d": [None] * 75},
        {"pose_keypoints_2d": [[1, 2, 3]] * 75},
        {"pose_keypoints_2d": 7},
        {"depth": [1.0] * 25},
        {"depth": [1.0] * 137, "has_depth": [1] * 3},
    ],
)
def test_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(DanceNowError, match="OpenPose JSON"):
        Pose.from_openpose(person("1.3") | change)


@pytest.mark.parametrize(
    "points",
    [np.zeros((136, 3)), np.zeros((137, 2)), np.full((137, 3), np.nan), np.full((137, 3), np.inf)],
)
def test_impossible_arrays(points: np.ndarray) -> None:
    with pytest.raises(DanceNowError, match="points must"):
        Pose(points)


def test_a_pose_cannot_be_changed_and_keeps_no_link_to_its_source() -> None:
    points = np.ones((POINT_COUNT, 3), np.float32)
    pose = Pose(points)
    points[:] = 5
    assert (pose.points == 1).all()
    with pytest.raises(ValueError):
        pose.points[0, 0] = 2
    with pytest.raises(AttributeError):
        pose.points = points  # type: ignore[misc]


def test_views_are_the_parts_in_order() -> None:
    pose = Pose.from_openpose(person("1.3"))
    parts = np.concatenate([pose.body, pose.face, pose.left_hand, pose.right_hand])
    np.testing.assert_array_equal(parts, pose.points)
