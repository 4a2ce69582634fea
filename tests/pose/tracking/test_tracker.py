"""Identities through motion, crossings and absences, on keypoints with noise."""

import numpy as np
import pytest
from fakes import standing

from dance_now.pose.model.pose import Pose
from dance_now.pose.tracking.tracker import Observation, Tracker, is_same_person, pose_distance

TALL = 200.0


def at(x: float, color: int | None = None, noise: np.random.Generator | None = None) -> Observation:
    """Somebody who stands at column ``x`` in clothes of one color."""
    pose = standing((x, 150.0), TALL)
    if noise is not None:
        points = pose.points.copy()
        points[:, :2] += noise.normal(0, 0.01 * TALL, (len(points), 2))
        pose = Pose(points)
    colors = None
    if color is not None:
        colors = np.full((2, 216), 0.1 / 216, np.float32)
        colors[:, color] += 0.9
    return Observation(pose, colors)


def test_numbers_follow_the_order_of_the_first_image():
    tracker = Tracker()
    assert tracker([at(300), at(100)]) == [1, 2]
    assert tracker([at(102), at(301)]) == [2, 1]


@pytest.mark.parametrize("colors", [(None, None), (1, 2), (1, 1)])
@pytest.mark.parametrize("hidden", [0, 12])
def test_crossing_people_keep_their_numbers(colors, hidden):
    generator, tracker = np.random.default_rng(4), Tracker()
    for frame in range(60):
        places = 100 + 5.0 * frame, 400 - 5.0 * frame
        people = [at(*person, generator) for person in zip(places, colors, strict=True)]
        if abs(frame - 30) * 2 < hidden or is_same_person(people[0].pose, people[1].pose):
            people = people[1:]  # the first is behind the second
        order = generator.permutation(len(people)) if frame else range(2)
        found = tracker([people[index] for index in order])
        assert [found[list(order).index(index)] for index in range(len(people))] == [1, 2][-len(people) :]


def test_clothes_tell_who_comes_back_after_turning_round_behind_somebody():
    tracker = Tracker()
    for frame in range(30):
        assert tracker([at(100 + 5 * frame, 1), at(400 - 5 * frame, 2)]) == [1, 2]
    for _ in range(15):
        assert tracker([at(250, 2)]) == [2]
    # both go back to where they came from, which motion alone would not expect
    for frame in range(12, 30):
        assert tracker([at(250 + 5 * frame, 2), at(250 - 5 * frame, 1)]) == [2, 1]


def test_a_light_that_changes_makes_nobody_a_stranger():
    tracker = Tracker()
    for frame in range(20):
        assert tracker([at(100, frame // 10), at(400, 100 + frame // 10)]) == [1, 2]


def test_somebody_new_is_on_trial_and_gets_the_next_number():
    tracker = Tracker()
    tracker([at(100)])
    found = [tracker([at(100), at(300)]) for _ in range(8)]
    assert [one for one, _ in found] == [1] * 8
    assert found[0][1] < 0
    assert found[-1][1] == 2


def test_a_passing_reading_gets_no_number():
    tracker = Tracker()
    tracker([at(100)])
    for _ in range(3):
        tracker([at(100), at(300)])
    tracker([at(100)])
    found = [tracker([at(100), at(600)])[1] for _ in range(8)]
    assert found[-1] == 2


def test_somebody_alone_is_found_at_once_and_forgotten_in_the_end():
    tracker = Tracker()
    assert tracker([at(100)]) == [1]
    assert tracker([]) == []
    assert len(tracker.hidden) == 1
    assert tracker([at(900)]) == [2]
    for _ in range(200):
        tracker([])
    assert tracker.hidden == []
    assert tracker([at(900)]) == [3]


def test_no_more_than_the_most_and_reset_begins_anew():
    tracker = Tracker(max_people=1)
    assert tracker([at(100), at(300)]) == [1, None]
    assert tracker([at(300), at(100)]) == [None, 1]
    tracker.reset()
    assert tracker([at(300)]) == [1]


def test_distance_is_a_share_of_the_figure():
    one, other = at(100).pose, at(120).pose
    assert pose_distance(one, one) == 0
    assert pose_distance(one, other) == pytest.approx(20 / TALL, rel=0.35)
    assert pose_distance(one, Pose.empty()) == float("inf")
