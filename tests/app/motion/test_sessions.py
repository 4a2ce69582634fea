"""Who plays whom, how tall, and what happens where somebody is not found for a while."""

import numpy as np
import pytest
from fakes import HIP, TALL, MagentaEstimator, RedCharacter, scenery, standing, with_person

from dance_now.app.analysis import Analysis
from dance_now.app.dancer import Dancer
from dance_now.app.motion.live_session import LiveSession
from dance_now.app.motion.sessions import CharacterAssignment, RecordedSession
from dance_now.media.frame import Frame
from dance_now.pose.estimators.people_finder import PeopleFinder
from dance_now.pose.model.detection import Detection, Person
from dance_now.pose.tracking.limb_hull import hull_mask
from dance_now.pose.tracking.person_choice import PersonChoice
from dance_now.scene.compositing.composition import Scene


class Named(RedCharacter):
    """A character with a name of its own."""

    def __init__(self, name):
        super().__init__()
        self.name = name


ONE, TWO = Named("one"), Named("two")


def person(identity, x):
    """Somebody who stands at a column."""
    pose = standing((x, HIP), TALL)
    return Person(identity, Detection(pose, hull_mask(pose)))


def analyzed(places):
    """An analysis in which everybody's columns are told frame by frame, by identity."""
    analysis = Analysis()
    for index, people in enumerate(places):
        frame = Frame(scenery(), index / 25, index)
        analysis.add(frame, [person(identity, x) for identity, x in sorted(people.items())])
    return analysis


def played(session, count):
    """For each frame: who is drawn as whom, and where."""
    scenes = []
    for index in range(count):
        frame = Frame(scenery(), index / 25, index)
        parts = session.parts(frame, session.refine(frame, session.find(frame)))
        scenes.append({part.person.identity: part for part in parts})
    return scenes


def column(part):
    return float(part.retargeted.pose.points[8, 0])


def test_characters_take_turns_in_the_order_in_which_people_appear():
    assignment = CharacterAssignment([ONE, TWO])
    assert [assignment(identity).name for identity in (7, 3, 7, 9, 3)] == ["one", "two", "one", "one", "two"]
    assignment.reset()
    assert assignment(3).name == "one"


@pytest.mark.parametrize(("height", "ratio"), [("person", 1.0), ("own", None), (0.5, 0.5), (2, 2.0)])
def test_characters_are_as_tall_as_asked(height, ratio):
    expected = ratio if ratio is not None else ONE.skeleton.height / 1.7
    assert CharacterAssignment([ONE], height).height_ratio(1) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("which", "expected"), [("all", {1: "one", 2: "two"}), ("2", {2: "one"}), ("left", {2: "one"})]
)
def test_everybody_chosen_gets_a_character(which, expected):
    places = [{1: 140 - index, 2: 50 + index} for index in range(5)]
    session = RecordedSession(analyzed(places), PersonChoice(which), CharacterAssignment([ONE, TWO]))
    for index, parts in enumerate(played(session, 5)):
        assert {identity: part.character.name for identity, part in parts.items()} == expected
        assert all(abs(column(part) - places[index][identity]) < 6 for identity, part in parts.items())


def test_short_gaps_are_bridged_and_long_ones_are_not():
    there = [index not in (4, 5) and not 10 <= index < 22 for index in range(26)]
    analysis = analyzed([{1: 60 + index} if seen else {} for index, seen in enumerate(there)])
    session = RecordedSession(analysis, PersonChoice(), CharacterAssignment([ONE]))
    scenes = played(session, 26)
    assert [bool(parts) for parts in scenes] == [not 10 <= index < 22 for index in range(26)]
    assert [column(scenes[index][1]) for index in (4, 5)] == pytest.approx([64, 65], abs=4)


def test_a_recording_can_be_played_again():
    analysis = analyzed([{1: 60 + 3 * index, 2: 150} for index in range(6)])
    session = RecordedSession(analysis, PersonChoice("all"), CharacterAssignment([ONE, TWO]))
    first = played(session, 6)
    session.reset()
    for before, after in zip(first, played(session, 6), strict=True):
        for identity, part in before.items():
            np.testing.assert_array_equal(part.retargeted.pose.points, after[identity].retargeted.pose.points)


def test_a_live_performance_forgets_on_reset():
    session = LiveSession(
        PeopleFinder(MagentaEstimator()), PersonChoice(), CharacterAssignment([ONE]), smooth=True
    )

    def walk():
        frames = [Frame(with_person(x), index / 25, index) for index, x in enumerate([40, 60, 90])]
        return [session.parts(frame, session.refine(frame, session.find(frame)))[0] for frame in frames]

    first = walk()
    session.reset()
    for before, after in zip(first, walk(), strict=True):
        np.testing.assert_array_equal(before.retargeted.pose.points, after.retargeted.pose.points)


@pytest.mark.parametrize("smooth", [True, False])
def test_live_characters_stay_for_a_moment_where_nobody_is_found(smooth):
    session = LiveSession(
        PeopleFinder(MagentaEstimator()), PersonChoice(), CharacterAssignment([ONE]), smooth
    )
    places = [60, 60, 60, None, None, *[None] * 10, 60]
    drawn = []
    for index, x in enumerate(places):
        frame = Frame(with_person(x), index / 25, index)
        drawn.append(bool(session.parts(frame, session.refine(frame, session.find(frame)))))
    assert drawn[:3] == [True] * 3
    assert drawn[3:5] == [smooth] * 2
    assert drawn[11:] == [False] * 4 + [True]


def test_the_nearest_is_drawn_last():
    near, far = standing((100, 90), 100), standing((95, 70), 90)
    analysis = Analysis()
    for index in range(3):
        people = [Person(1, Detection(near, hull_mask(near))), Person(2, Detection(far, hull_mask(far)))]
        analysis.add(Frame(scenery(), index / 25, index), people)
    session = RecordedSession(analysis, PersonChoice("all"), CharacterAssignment([ONE, TWO]))
    dancer = Dancer([ONE, TWO], scene=Scene.ALONE, session=session)
    parts = dancer(Frame(scenery(), 0.0, 0)).parts
    assert [part.person.identity for part in parts] == [2, 1]
