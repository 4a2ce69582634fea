"""Held and thrown things are left out of training pictures."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from skeletons import chibi_skeleton, posed, posture

from dance_now.core.arrays import Image
from dance_now.pose.model.keypoints import BODY_LIMBS
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.training.sources.capsules import capsule_points
from dance_now.training.sources.foreign_objects import ForeignObjects

BALL, RADIUS = (250, 250, 245, 255), 26  # color, pixels
TURNS = np.linspace(-20, 20, 14).tolist()


@pytest.fixture(scope="module")
def skeleton() -> Skeleton:
    return chibi_skeleton()


def figure(pose: Pose) -> Image:
    """Blue limbs that are drawn thick."""
    picture = np.zeros((512, 512, 4), np.uint8)
    for start, end in BODY_LIMBS[:13]:
        a, b = (tuple(int(v) for v in pose.points[row, :2]) for row in (start, end))
        cv2.line(picture, a, b, (40, 60, 150, 255), 40)
    return picture


def with_ball(picture: Image, place: tuple[int, int]) -> Image:
    """The same with a ball in front."""
    return np.asarray(cv2.circle(picture.copy(), place, RADIUS, BALL, -1))


def poses(skeleton: Skeleton, turns: Sequence[float]) -> list[Pose]:
    return [posed(skeleton, posture(skeleton, turn=turn), scale=300.0, mid_hip=(256, 350)) for turn in turns]


@pytest.fixture(scope="module")
def explain(skeleton: Skeleton) -> ForeignObjects:
    """Of pictures in which a ball flies over the figure, elsewhere in each."""
    views = poses(skeleton, TURNS)
    pictures = [with_ball(figure(pose), (150 + 15 * at, 200 + 20 * at)) for at, pose in enumerate(views)]
    return ForeignObjects(skeleton, capsule_points(skeleton, 6000, views, pictures))


@pytest.mark.parametrize("place", [(256, 330), (256, 300), (300, 250)])
def test_a_ball_is_found_wherever_it_is(
    explain: ForeignObjects, skeleton: Skeleton, place: tuple[int, int]
) -> None:
    pose = poses(skeleton, [5.0])[0]
    picture = figure(pose)
    ball = (with_ball(picture, place) != picture).any(axis=2)
    found = explain(with_ball(picture, place), pose) > 0
    assert (found & ball).sum() > 0.97 * ball.sum()
    assert (found & ~ball).sum() < 0.6 * ball.sum()


def test_a_figure_without_things_is_left_whole(explain: ForeignObjects, skeleton: Skeleton) -> None:
    for pose in poses(skeleton, [-15.0, 0.0, 15.0]):
        assert not explain(figure(pose), pose).any()


def test_a_thing_that_is_always_there_belongs_to_the_figure(skeleton: Skeleton) -> None:
    views = poses(skeleton, TURNS)
    badge = (256, 330)
    pictures = [with_ball(figure(pose), badge) for pose in views]
    explain = ForeignObjects(skeleton, capsule_points(skeleton, 6000, views, pictures))
    assert not explain(pictures[7], views[7]).any()
