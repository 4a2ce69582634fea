"""Idle motion is alive, calm, and a function of time."""

import numpy as np
import pytest
from skeletons import chibi_skeleton

from dance_now.pose.retarget.idle_motion import IdleMotion, standing_place
from dance_now.pose.retarget.kinematics import CharacterBody
from dance_now.pose.retarget.retargeter import Retargeter

SIZE = (640, 480)
IDLE = IdleMotion(CharacterBody(chibi_skeleton()))
TIMES = np.arange(0, 30, 1 / 25)
STATES = [IDLE(float(time), standing_place(float(time), SIZE)) for time in TIMES]


def test_the_same_time_gives_the_same_state():
    again = IDLE(float(TIMES[77]), standing_place(0.0, SIZE))
    np.testing.assert_array_equal(again.limbs, STATES[77].limbs)
    np.testing.assert_array_equal(again.expression, STATES[77].expression)


def test_directions_are_unit_and_move_slowly():
    limbs = np.array([state.limbs for state in STATES])
    np.testing.assert_allclose(np.linalg.norm(limbs, axis=2), 1)
    turned = np.degrees(np.arccos(np.clip((limbs[1:] * limbs[:-1]).sum(axis=2), -1, 1)))
    assert turned[:, [0, 1, 2, *range(5, 13)]].max() < 0.2  # degrees a frame: all but the head
    assert turned.max() < 6  # a glance
    assert 10 < np.ptp(np.degrees(np.arcsin(limbs[:, 3, 2]))) < 50  # looks about


def test_lids_are_mostly_open():
    lids = np.array([state.expression[0] for state in STATES])
    assert 0.85 < (lids == 0).mean() < 0.97
    assert lids.max() > 0.7


@pytest.mark.parametrize("size", [(640, 480), (320, 568), (1280, 720)])
def test_whoever_was_never_seen_stands_in_the_middle(size):
    retargeter = Retargeter(chibi_skeleton())
    state = IdleMotion(retargeter.body)(1.0, standing_place(1.0, size))
    points = retargeter.build(state).pose.points[:25, :2]
    assert abs(points[:, 0].mean() - size[0] / 2) < 0.05 * size[0]
    assert 0.85 * size[1] < points[:, 1].max() < size[1]
    assert points[:, 1].min() > 0
