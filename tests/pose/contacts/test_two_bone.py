"""Two-bone inverse kinematics: goals are reached, bones keep their lengths, what needs no change has none."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from dance_now.pose.contacts.two_bone import reach, solve_two_bones

LENGTHS = np.array([0.3, 0.25])
SIDE = np.array([0.0, 0.0, 1.0])
NUMBERS = st.floats(-0.5, 0.5, allow_nan=False)


def end(directions: np.ndarray) -> np.ndarray:
    return np.asarray((directions * LENGTHS[:, None]).sum(axis=0))


def bent(angle: float) -> np.ndarray:
    return np.array([[0.0, -1.0, 0.0], [np.sin(angle), -np.cos(angle), 0.0]])


@given(NUMBERS, NUMBERS, NUMBERS, st.floats(0.0, 2.5))
@settings(max_examples=60, deadline=None)
def test_the_end_is_at_the_goal_or_as_near_as_it_can_be(x: float, y: float, z: float, angle: float) -> None:
    goal = np.array([x, y, z])
    solved = solve_two_bones(bent(angle), LENGTHS, goal, SIDE)
    np.testing.assert_allclose(np.linalg.norm(solved, axis=1), 1, atol=1e-6)
    size = float(np.linalg.norm(goal))
    if size > 1e-3:
        away = np.clip(size, abs(LENGTHS[0] - LENGTHS[1]), float(reach(LENGTHS)))
        np.testing.assert_allclose(end(solved), goal / size * away, atol=5e-4)


def test_a_limb_at_its_goal_does_not_change() -> None:
    for angle in (0.0, 0.3, 1.5):
        np.testing.assert_allclose(
            solve_two_bones(bent(angle), LENGTHS, end(bent(angle)), SIDE), bent(angle), atol=2e-2
        )


def test_the_elbow_stays_on_its_side() -> None:
    solved = solve_two_bones(bent(1.0), LENGTHS, end(bent(1.0)) * 0.8, SIDE)
    assert abs(float(solved[0, 2])) < 1e-6  # the plane of the bend is kept
    assert solved[0, 0] < 0 < solved[1, 0]
