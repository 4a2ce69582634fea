"""A live character idles while nobody is there, and never jumps; hands that are lost ease to rest."""

from itertools import pairwise

import numpy as np
import pytest
from fakes import HEIGHT, TALL, WIDTH, MagentaEstimator, RedCharacter, with_person

from dance_now.app.dancer import Dancer
from dance_now.app.motion.live_session import LiveSession
from dance_now.app.motion.sessions import CharacterAssignment
from dance_now.media.frame import Frame
from dance_now.pose.estimators.people_finder import PeopleFinder
from dance_now.pose.model.detection import Detection, Person
from dance_now.pose.model.keypoints import LEFT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.pose.tracking.person_choice import PersonChoice
from dance_now.scene.compositing.composition import Scene

RATE = 25


def session(idle=True):
    """A live session with the red character."""
    finder, assignment = PeopleFinder(MagentaEstimator()), CharacterAssignment([RedCharacter()])
    return LiveSession(finder, PersonChoice(), assignment, smooth=True, idle=idle)


def perform(live, places, first=0):
    """The parts of each frame, with the person at these columns."""
    parts = []
    for index, x in enumerate(places, first):
        frame = Frame(with_person(x), index / RATE, index)
        parts.append(live.parts(frame, live.refine(frame, live.find(frame))))
    return parts


def points(part):
    return part.retargeted.pose.points[:25, :2]


def test_somebody_idles_from_the_first_frame_on():
    shown = [parts[0] for parts in perform(session(), [None] * 60)]
    assert not any(part.present for part in shown)
    for part in shown:
        assert part.retargeted.pose.visible.all()
        assert 0.3 * WIDTH < points(part)[8, 0] < 0.7 * WIDTH
        assert 0.5 * HEIGHT < np.ptp(points(part)[:, 1]) < HEIGHT
    moved = np.ptp([points(part) for part in shown], axis=0).max()
    assert 0.5 < moved < 0.2 * TALL  # breathes and looks about, but stays


def test_idling_people_blink_and_look_about():
    shown = [parts[0].retargeted.expression for parts in perform(session(), [None] * 12 * RATE)]
    lids = np.array([expression.left_eye for expression in shown])
    blinks = int(((lids[1:] > 0.5) & (lids[:-1] <= 0.5)).sum())
    assert 2 <= blinks <= 6
    assert np.ptp([expression.gaze_left for expression in shown]) > 0.2


@pytest.mark.parametrize("back", [60, 130])
def test_lost_and_found_again_without_a_jump(back):
    places = [60] * 15 + [None] * 45 + [back] * 30
    shown = [parts[0] for parts in perform(session(), places)]
    assert [part.present for part in shown] == [True] * 22 + [False] * 38 + [True] * 30
    steps = [np.abs(points(after) - points(before)).max() for before, after in pairwise(shown)]
    # Over 0.45 s, a way of 70 pixels at most 2.2 times the mean speed, and what arms turn meanwhile.
    assert max(steps) < 0.16 * TALL
    assert abs(points(shown[-1])[8, 0] - back) < 3


def test_without_idling_the_character_vanishes():
    parts = perform(session(idle=False), [60] * 3 + [None] * 15)
    assert [bool(each) for each in parts[:3]] == [True] * 3
    assert not parts[-1]


def test_whoever_walks_out_idles_inside():
    places = [*range(60, 190, 6), *[None] * 60]
    last = perform(session(), places)[-1][0]
    assert 0.1 * WIDTH < points(last)[8, 0] < 0.85 * WIDTH


def test_nobody_is_removed_while_a_character_idles():
    dancer = Dancer(RedCharacter(), scene=Scene.REPLACE, session=session())
    image = with_person(None)
    result = dancer(Frame(image, 0.0, 0)).image
    assert (result[:, :20] == image[:, :20]).all()
    assert (result != image).any()


class _HandEstimator(MagentaEstimator):
    """Hands with bent fingers, until they leave."""

    def __call__(self, image):
        (person,) = super().__call__(image)
        pose = person.detection.pose
        rows, depth = pose.points.copy(), pose.depth.copy()
        if self.calls > 30:
            rows[LEFT_HAND, 2] = 0
        else:  # a fist: fingertips at the wrist
            for tip in (8, 12, 16, 20):
                rows[LEFT_HAND.start + tip, :2] = rows[LEFT_HAND.start, :2]
        return (Person(1, Detection(Pose(rows, depth, pose.has_depth), person.detection.mask)),)


def test_hands_that_leave_ease_to_rest():
    finder, assignment = PeopleFinder(_HandEstimator()), CharacterAssignment([RedCharacter()])
    live = LiveSession(finder, PersonChoice(), assignment, smooth=True, idle=True)
    shown = [parts[0] for parts in perform(live, [90] * 90)]
    hands = [part.retargeted.posture.fingers[0] for part in shown]
    steps = [np.abs(after - before).max() for before, after in pairwise(hands[29:])]
    assert np.abs(hands[-1] - hands[29]).max() > 0.3  # they opened,
    assert max(steps) < 0.2  # not at once,
    assert np.abs(hands[-1] - hands[-5]).max() < 0.01  # and are at rest
