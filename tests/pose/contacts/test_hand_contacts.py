"""Hands that touch a person's body touch the same place of the character's."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from skeletons import adult_skeleton, chibi_skeleton, posed, posture, view_points

from dance_now.pose.contacts.body_landmarks import (
    CONTACT_ROWS,
    LANDMARK_NAMES,
    BodyLandmarks,
    BodySurface,
    hand_probes,
)
from dance_now.pose.contacts.two_bone import solve_two_bones
from dance_now.pose.model.bone_rule import BONE_INDEX
from dance_now.pose.model.keypoints import FACE, LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.retarget.clip_motion import read_clip
from dance_now.pose.retarget.kinematics import CharacterBody, Posture
from dance_now.pose.retarget.retargeter import Retargeted, Retargeter

Array = npt.NDArray[np.float64]


def faceless(skeleton: Skeleton) -> Skeleton:
    """Without the face points, which are made up."""
    known, rest = skeleton.known.copy(), skeleton.rest.copy()
    known[FACE], rest[FACE] = False, 0
    return replace(skeleton, known=known, rest=rest)


CHIBI, ADULT = faceless(chibi_skeleton()), faceless(adult_skeleton())
RATE = 30
ARM = np.array([2, 3, 4])
PLACES = ("nose", "chest", "belly", "left shoulder", "right hip")


def frames(body: Posture) -> Array:
    return np.stack([body.head, body.chest, body.hips])


def away(skeleton: Skeleton, points: Array, body: Posture, name: str) -> float:
    """Distance of the right palm from a landmark in the image, metres."""
    used = points[CONTACT_ROWS]
    place = BodyLandmarks.of(skeleton)(used, frames(body))[LANDMARK_NAMES.index(name)]
    return float(np.linalg.norm((hand_probes(used)[1, 0] - place)[:2]))


def touching(name: str, ahead: float = 0.03) -> Posture:
    """The adult with the right palm so many metres ahead of a landmark."""
    figure, body = CharacterBody(ADULT), posture(ADULT)
    lengths = np.linalg.norm(np.diff(ADULT.rest[ARM].astype(np.float64), axis=0), axis=1)
    start = np.array([[-0.7, -0.7, 0.1], [0.5, 0.5, 0.7]])
    arm = start / np.linalg.norm(start, axis=1, keepdims=True)
    for _ in range(6):
        limbs = body.limbs.copy()
        limbs[1] = arm
        carriers = figure.carriers(body.hips, body.chest, limbs)
        body = replace(body, limbs=limbs, hands=carriers[:2])
        points = figure.points(body)
        used = points[CONTACT_ROWS]
        place = BodyLandmarks.of(ADULT)(used, frames(body))[LANDMARK_NAMES.index(name)]
        move = place + np.array([0, 0, ahead]) - hand_probes(used)[1, 0]
        arm = solve_two_bones(arm, lengths, points[4] - points[2] + move, np.array([-1.0, -0.5, 0.0]))
    return body


def photo(pose: Pose, skeleton: Skeleton, **options: Any) -> Retargeted:
    return Retargeter(skeleton, smooth=False, **options)(pose, 0.0)


def live(pose: Pose, skeleton: Skeleton) -> Retargeted:
    retarget = Retargeter(skeleton)
    return [retarget(pose, index / RATE) for index in range(RATE)][-1]


def clip(pose: Pose, skeleton: Skeleton) -> Retargeted:
    retarget, times = Retargeter(skeleton), [index / RATE for index in range(RATE)]
    states = read_clip(retarget, [pose] * RATE, times)
    return [retarget.build(state) for state in states if state is not None][-1]


def miss(result: Retargeted, skeleton: Skeleton, name: str) -> float:
    return away(skeleton, view_points(result.pose) / result.scale, result.posture, name)


@pytest.mark.parametrize("mode", [photo, live, clip])
@pytest.mark.parametrize("name", PLACES)
def test_a_hand_lies_on_the_same_place(name: str, mode: Callable[[Pose, Skeleton], Retargeted]) -> None:
    pose = posed(ADULT, touching(name))
    assert miss(mode(pose, CHIBI), CHIBI, name) < 0.045 * CHIBI.height


def test_without_contacts_it_misses() -> None:
    retarget = Retargeter(CHIBI, smooth=False)
    state = retarget.track(posed(ADULT, touching("right hip")), 0.0)
    copied = retarget.build(replace(state, contacts=None))
    assert miss(copied, CHIBI, "right hip") > 2 * miss(retarget.build(state), CHIBI, "right hip")


def share(body: Posture) -> Array:
    state = Retargeter(CHIBI, smooth=False).track(posed(ADULT, body), 0.0)
    assert state.contacts is not None
    return state.contacts.touch.share


def test_a_hand_far_ahead_of_the_face_touches_nothing() -> None:
    assert share(touching("nose"))[1] > 0.9
    assert share(touching("nose", ahead=0.5))[1] < 0.3


def test_arms_that_hang_touch_nothing() -> None:
    assert share(posture(ADULT)).max() < 0.1


def test_a_hand_that_moves_past_the_face_touches_nothing() -> None:
    figure = Retargeter(CHIBI)
    start, pose = touching("nose"), None
    for index in range(RATE):
        points = posed(ADULT, start)
        moved = points.points.copy()
        moved[[4, *range(RIGHT_HAND.start, RIGHT_HAND.stop)], 1] += 25.0 * (index - RATE // 2)
        pose = replace(points, points=moved)
        state = figure.track(pose, index / RATE)
        assert state.contacts is not None
        assert state.contacts.touch.share[1] < 0.2


def test_hands_that_meet_meet_on_the_character() -> None:
    arms = {
        "left_arm": [[0.5, -0.8, 0.3], [-0.85, 0.1, 0.5]],
        "right_arm": [[-0.5, -0.8, 0.3], [0.85, 0.1, 0.5]],
    }
    body = posture(ADULT, **arms)
    points = CharacterBody(ADULT).points(body)
    gap = points[RIGHT_HAND.start + 9] - points[LEFT_HAND.start + 9]
    assert np.linalg.norm(gap) < 0.2  # the palms are close together
    result = photo(posed(ADULT, body), CHIBI)
    solid = view_points(result.pose) / result.scale
    palms = hand_probes(solid[CONTACT_ROWS])[:, 0]
    theirs = hand_probes(points[CONTACT_ROWS])[:, 0]
    assert (
        np.linalg.norm(palms[0] - palms[1]) / CHIBI.height
        < np.linalg.norm(theirs[0] - theirs[1]) / 1.76 + 0.03
    )


def test_bones_keep_their_lengths() -> None:
    result = photo(posed(ADULT, touching("nose")), CHIBI)
    points = view_points(result.pose) / result.scale
    for first, second in ((2, 3), (3, 4), (5, 6), (6, 7)):
        rest = np.linalg.norm(CHIBI.rest[second] - CHIBI.rest[first])
        np.testing.assert_allclose(np.linalg.norm(points[second] - points[first]), rest, rtol=0.01)


def test_a_body_without_face_and_hands_is_moved_as_well() -> None:
    known = CHIBI.known.copy()
    known[FACE] = known[LEFT_HAND] = known[RIGHT_HAND] = False
    rest = CHIBI.rest.copy()
    rest[~known] = 0
    bare = replace(CHIBI, rest=rest, known=known, expressions={})
    assert np.isfinite(photo(posed(ADULT, touching("chest")), bare).pose.points).all()


def test_a_thicker_trunk_holds_the_hand_further_ahead() -> None:
    side = np.linspace(-0.2, 0.2, 21)
    rows = np.stack(np.meshgrid(side, np.linspace(0.3, 0.7, 41)), axis=-1).reshape(-1, 2)
    depths = []
    for thick in (0.05, 0.08):
        surface = BodySurface(
            np.column_stack([rows, np.full(len(rows), thick)]), np.full(len(rows), BONE_INDEX["chest"])
        )
        result = photo(posed(ADULT, touching("chest")), CHIBI, surface=surface)
        depths.append(hand_probes(view_points(result.pose)[CONTACT_ROWS])[1, 0, 2] / result.scale)
    assert depths[1] > depths[0] + 0.02
