"""Depth of a body, blended from two estimates that err differently."""

from pathlib import Path

import numpy as np
import pytest
from clips import frames

from dance_now.core.errors import DanceNowError
from dance_now.pose.estimators.blazepose import BlazePose
from dance_now.pose.estimators.holistic import Holistic
from dance_now.pose.estimators.multi_person import MultiPersonTracker
from dance_now.pose.model.keypoints import BODY, LEFT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.pose.networks.blended_depth import blend_depth
from dance_now.pose.networks.lifter import open_lifter


@pytest.fixture
def pose() -> Pose:
    """Somebody with a depth of every point, farther and farther away."""
    generator = np.random.default_rng(1)
    points = np.column_stack([generator.uniform(100, 500, (137, 2)), np.ones(137)]).astype(np.float32)
    return Pose(points, np.arange(137, dtype=np.float32), np.ones(137, np.bool_))


def test_the_blend_lies_between_both(pose: Pose) -> None:
    lift = open_lifter()
    lifted, blended = lift(pose), blend_depth(pose, lift)
    ours, theirs, found = (each.depth[BODY] - each.depth[8] for each in (pose, lifted, blended))
    low, high = np.minimum(ours, theirs), np.maximum(ours, theirs)
    assert ((found >= low - 1e-3) & (found <= high + 1e-3)).all()
    assert blended.depth[8] == pose.depth[8]
    np.testing.assert_array_equal(blended.points, pose.points)


def test_hands_stay_as_they_are_on_their_wrists(pose: Pose) -> None:
    blended = blend_depth(pose, open_lifter())
    np.testing.assert_allclose(
        blended.depth[LEFT_HAND] - blended.depth[7], pose.depth[LEFT_HAND] - pose.depth[7], atol=1e-3
    )


@pytest.mark.parametrize("missing", ["points", "depth"])
def test_nothing_is_blended_where_something_is_missing(pose: Pose, missing: str) -> None:
    points, has_depth = pose.points.copy(), pose.has_depth.copy()
    if missing == "points":
        points[:, 2] = 0
    else:
        has_depth[8] = False
    given = Pose(points, pose.depth, has_depth)
    assert blend_depth(given, open_lifter()) is given


def test_the_estimator_of_the_base_install_blends(data_dir: Path) -> None:
    (image,) = frames(data_dir / "people" / "sam2_juggle.mp4", 55, 1)
    try:
        (person,) = Holistic(hands=False, face=False).detect_bodies(image)
        (plain,) = MultiPersonTracker(BlazePose(), 1)(image)
    except DanceNowError as error:
        pytest.skip(str(error))
    expected = blend_depth(plain.detection.pose, open_lifter())
    np.testing.assert_array_equal(person.detection.pose.depth, expected.depth)
