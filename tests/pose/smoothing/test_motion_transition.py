"""Cross-fades begin at what was shown, end at the target, and go steadily between."""

from dataclasses import replace

import numpy as np
import pytest

from dance_now.pose.retarget.idle_motion import standing_place
from dance_now.pose.smoothing.motion_transition import MotionTransition, blend_states

FIRST = standing_place(0.0, (640, 480))
SECOND = replace(
    standing_place(0.0, (320, 240)), limbs=np.ones((13, 3)), expression=np.full(8, 0.5), visible_fraction=0.5
)


def at(time):
    """The target at a time."""
    return replace(SECOND, time=time)


def test_nothing_changes_without_a_start():
    assert MotionTransition()(SECOND) is SECOND


def test_it_goes_from_what_was_shown_to_the_target():
    fade = MotionTransition()
    fade.start(FIRST, time=2.0, seconds=0.5)
    shown = [fade(at(2.0 + step / 20)) for step in range(12)]
    np.testing.assert_allclose(shown[0].points, FIRST.points)
    assert shown[0].height == pytest.approx(FIRST.height)
    assert shown[-1].points is SECOND.points
    heights = [state.height for state in shown]
    assert heights == sorted(heights, reverse=True)
    assert [state.time for state in shown] == [2.0 + step / 20 for step in range(12)]
    assert np.abs(np.diff([state.limbs[0, 0] for state in shown])).max() < 0.2


def test_reset_ends_it():
    fade = MotionTransition()
    fade.start(FIRST, time=2.0, seconds=0.5)
    fade.reset()
    assert fade(at(2.1)).points is SECOND.points


def test_sizes_are_blended_by_their_ratio():
    assert blend_states(FIRST, SECOND, 0.5).height == pytest.approx((FIRST.height * SECOND.height) ** 0.5)
    unseen = replace(SECOND, height=0.0)
    assert blend_states(FIRST, unseen, 0.5).height == 0


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_point_that_one_does_not_know_is_where_the_other_has_it(share):
    trust = np.ones(25)
    trust[4] = 0
    points = SECOND.points.copy()
    points[4] = 1e6
    blended = blend_states(FIRST, replace(SECOND, points=points, point_trust=trust), share)
    np.testing.assert_allclose(blended.points[4], FIRST.points[4])
    assert blended.point_trust[4] == pytest.approx(1 - share)
