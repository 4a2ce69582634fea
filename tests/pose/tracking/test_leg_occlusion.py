"""Tables that hide legs, on made-up people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import standing

from dance_now.pose.model.detection import PersonMask
from dance_now.pose.model.pose import Pose
from dance_now.pose.tracking.leg_occlusion import hidden_below
from dance_now.pose.tracking.limb_hull import hull_mask

WIDTH, HEIGHT = 640, 480
KNEES, ANKLES = [10, 13], [11, 14]


def person(ankles: float, knees: float) -> Pose:
    """Somebody 400 pixels tall, with these confidences."""
    pose = standing((320.0, 240.0), 400.0)
    points = pose.points.copy()
    points[ANKLES, 2], points[KNEES, 2] = ankles, knees
    return Pose(points, pose.depth, pose.has_depth)


def mask(pose: Pose, row: int) -> PersonMask:
    """The person's mask, cut off at a row."""
    alpha = hull_mask(standing((320.0, 240.0), 400.0)).alpha_in(HEIGHT, WIDTH)
    alpha[row:] = 0
    return PersonMask(alpha, np.eye(2, 3, dtype=np.float32))


def test_table() -> None:
    pose = person(0.02, 0.3)
    row = round(float(pose.body[8, 1])) + 30
    assert hidden_below(pose, mask(pose, row), (WIDTH, HEIGHT)) == pytest.approx(row, abs=4)
    # the edge of the image itself is no table
    assert hidden_below(pose, mask(pose, row), (WIDTH, row)) == np.inf


def test_seen_feet_are_not_hidden() -> None:
    pose = person(0.9, 0.9)
    assert hidden_below(pose, mask(pose, HEIGHT), (WIDTH, HEIGHT)) == np.inf
    # nor are legs that the network doubts, but whose mask reaches down to them
    doubted = person(0.02, 0.3)
    assert hidden_below(doubted, mask(doubted, HEIGHT), (WIDTH, HEIGHT)) == np.inf


def test_the_row_moves_with_the_pose() -> None:
    pose = replace(person(0.02, 0.3), hidden_below=300.0)
    assert pose.transformed(0.5, (10.0, 20.0)).hidden_below == 170.0
    assert person(1, 1).transformed(0.5, (10.0, 20.0)).hidden_below == np.inf
