"""A figure is as tall as its person looks, whatever the camera makes of the person."""

from __future__ import annotations

import numpy as np
import pytest
from skeletons import adult_skeleton, posed, posture

from dance_now.pose.model.adult_skeleton import adult_skeleton as average_adult
from dance_now.pose.model.pose import Pose
from dance_now.pose.retarget.retargeter import Retargeter

PERSON = adult_skeleton()
FEET = [11, 14, 19, 22]
EARS = [17, 18]


def seen(pose: Pose, near: float, pitch: float) -> Pose:
    """As a camera sees it that looks down by ``pitch`` degrees; heads ``near`` times as large as feet."""
    tilt = np.radians(pitch)
    x, y, depth = pose.points[:, 0] - 320, 360 - pose.points[:, 1], pose.depth
    down, away = np.cos(tilt) * y + np.sin(tilt) * depth, np.cos(tilt) * depth - np.sin(tilt) * y
    size = near ** ((down - down.min()) / np.ptp(down))
    points = np.column_stack([320 + x * size, 700 - (down - down.min()) * size, pose.points[:, 2]])
    return Pose(points.astype(np.float32), (away * size).astype(np.float32), pose.has_depth)


def span(pose: Pose) -> float:
    """Pixels from the ears down to the feet."""
    return float(pose.points[FEET, 1].max() - pose.points[EARS, 1].mean())


@pytest.mark.parametrize(
    ("near", "pitch"), [(1.0, 0), (1.0, 18), (1.25, 0), (1.25, 18), (1.4, 10), (0.85, 0)]
)
def test_a_figure_is_as_tall_as_its_person_looks(near, pitch):
    retarget = Retargeter(average_adult())
    person = seen(posed(PERSON, posture(PERSON), 250.0), near, pitch)
    for frame in range(60):
        figure = retarget(person, frame / 30)
    assert span(figure.pose) == pytest.approx(span(person), rel=0.09)  # by all joints, not these two


def test_who_bends_down_keeps_the_height_of_before():
    retarget = Retargeter(average_adult())
    upright = seen(posed(PERSON, posture(PERSON), 250.0), 1.25, 10)
    for frame in range(60):
        before = retarget(upright, frame / 30)
    crouched = posture(
        PERSON, left_leg=[[0.1, -0.3, 0.9], [0, -0.8, -0.5]], right_leg=[[-0.1, -0.3, 0.9], [0, -0.8, -0.5]]
    )
    low = seen(posed(PERSON, crouched, 250.0), 1.15, 10)
    for frame in range(60, 90):
        after = retarget(low, frame / 30)
    assert after.height == pytest.approx(before.height, rel=0.08)
