"""Fingers bend like fingers."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skeletons import chibi_skeleton

from dance_now.pose.model.vectors import normalised
from dance_now.pose.retarget.finger_joints import FingerMotion
from dance_now.pose.retarget.kinematics import CharacterBody

BODY = CharacterBody(chibi_skeleton())
JOINTS = BODY.finger_joints
SEEN, UNSEEN = np.ones(2), np.zeros(2)
STRAIGHT = normalised(
    np.stack(
        [
            np.stack([BODY.rest[s + 4 * f + 2 + j] - BODY.rest[s + 4 * f + 1 + j] for j in range(3)])
            for s in (95, 116)
            for f in range(5)
        ]
    )
).reshape(2, 5, 3, 3)
# palms of the made-up hands face down
DOWN = np.array([0.0, -1.0, 0.0])


def curled(*degrees: float) -> np.ndarray:
    """Fingers bent towards the palm by so many degrees at each joint, straight thumbs."""
    total = np.radians(np.cumsum(degrees))
    fingers = STRAIGHT.copy()
    for joint, angle in enumerate(total):
        fingers[:, 1:, joint] = np.cos(angle) * STRAIGHT[:, 1:, joint] + np.sin(angle) * DOWN
    return normalised(fingers)


def limited(fingers: np.ndarray) -> np.ndarray:
    return JOINTS.directions(JOINTS.angles(fingers))


def bent_by(fingers: np.ndarray) -> np.ndarray:
    """(2, 4, 2) degrees between the bones of each finger but the thumb."""
    cosine = (fingers[:, 1:, 1:] * fingers[:, 1:, :-1]).sum(axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def test_straight_relaxed_and_clenched_hands_stay_as_they_are() -> None:
    relaxed = BODY.rest_posture.fingers
    for fingers in (STRAIGHT, relaxed, curled(30, 30, 20), curled(80, 100, 70)):
        np.testing.assert_allclose(limited(fingers)[:, 1:], fingers[:, 1:], atol=0.03)


def test_fingers_do_not_bend_backwards() -> None:
    back = np.degrees(np.arcsin(np.clip(-limited(curled(-80, -60, -60))[:, 1:] @ DOWN, -1, 1)))
    assert back.max() < 52


@given(hnp.arrays(np.float64, (2, 5, 3, 3), elements=st.floats(-1, 1)))
def test_whatever_comes_in_possible_hands_come_out(noise: np.ndarray) -> None:
    fingers = normalised(noise + np.array([1e-3, 2e-3, 3e-3]))
    possible = limited(fingers)
    np.testing.assert_allclose(np.linalg.norm(possible, axis=-1), 1, atol=1e-6)
    np.testing.assert_allclose(limited(possible), possible, atol=1e-5)
    assert bent_by(possible).max() < 111


def test_fingers_are_seen_at_once_in_a_photo() -> None:
    clenched = curled(80, 100, 70)
    fingers = JOINTS.directions(FingerMotion(JOINTS)(clenched, SEEN, 1.0, 0.0, smooth=False))
    np.testing.assert_allclose(fingers[:, 1:], clenched[:, 1:], atol=0.03)


def test_unseen_fingers_ease_to_relaxed() -> None:
    motion = FingerMotion(JOINTS)
    for frame in range(60):
        fingers = motion(curled(80, 100, 70), SEEN, 0.05, frame / 30, smooth=True)
    assert bent_by(JOINTS.directions(fingers)).min() > 60
    bends = [
        bent_by(JOINTS.directions(motion(STRAIGHT, UNSEEN, 0.05, 2 + frame / 30, smooth=True))).mean()
        for frame in range(120)
    ]
    assert bends[0] > 75
    assert (np.diff(bends) < 0.1).all()
    relaxed = JOINTS.directions(FingerMotion(JOINTS)(STRAIGHT, UNSEEN, 1.0, 0.0, smooth=False))
    np.testing.assert_allclose(relaxed, BODY.rest_posture.fingers, atol=0.03)
    assert bends[-1] < bent_by(relaxed).mean() + 3


def test_fingers_that_flicker_do_not_move_faster_than_fingers() -> None:
    motion = FingerMotion(JOINTS)
    shapes = [curled(-30, 0, 0), curled(90, 110, 80)]
    seen = [
        JOINTS.directions(motion(shapes[frame % 2], SEEN, 0.05, frame / 30, smooth=True))
        for frame in range(20)
    ]
    for before, after in pairwise(seen):
        moved = np.degrees(np.arccos(np.clip((before * after).sum(axis=-1), -1, 1)))
        assert moved[:, 1:, 0].max() < np.degrees(12 / 30) + 1
