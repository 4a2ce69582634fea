"""Hair of several figures in a clip: each person's own, still in photos, off when asked."""

import numpy as np
import pytest
from character_files import content
from fakes import HIP, TALL, scenery, standing

from dance_now.app.analysis import Analysis
from dance_now.app.dancer import Dancer
from dance_now.app.motion.sessions import CharacterAssignment, RecordedSession
from dance_now.character.character import Character
from dance_now.media.frame import Frame
from dance_now.pose.model.detection import Detection, Person
from dance_now.pose.tracking.limb_hull import hull_mask
from dance_now.pose.tracking.person_choice import PersonChoice
from dance_now.scene.compositing.composition import Scene

CHARACTER = Character(content())
STEPS = 12


def person(identity: int, x: float) -> Person:
    pose = standing((x, HIP), TALL)
    return Person(identity, Detection(pose, hull_mask(pose)))


def dancer_of(places: list[dict[int, float]], **options: bool) -> tuple[Dancer, list[Frame]]:
    """Everybody's columns, frame by frame, at 25 frames a second."""
    analysis = Analysis()
    frames = [Frame(scenery(), index / 25, index) for index in range(len(places))]
    for frame, people in zip(frames, places, strict=True):
        analysis.add(frame, [person(identity, x) for identity, x in sorted(people.items())])
    session = RecordedSession(analysis, PersonChoice("all"), CharacterAssignment([CHARACTER]))
    return Dancer(CHARACTER, scene=Scene.ALPHA, session=session, **options), frames


def tails_of(places: list[dict[int, float]]) -> list[dict[int, np.ndarray]]:
    dancer, frames = dancer_of(places)
    found = [dancer.find(frame) for frame in frames]
    return [{part.person.identity: part.tails for part in each.parts} for each in found]


def test_each_persons_hair_follows_their_own_motion() -> None:
    still, running = 60.0, 40.0
    together = tails_of([{1: still, 2: running + 8 * step} for step in range(STEPS)])
    alone = tails_of([{2: running + 8 * step} for step in range(STEPS)])
    for both, one in zip(together, alone, strict=True):
        np.testing.assert_array_equal(both[2], one[2])
    assert np.linalg.norm(together[-1][1] - together[0][1]) < 0.01
    assert np.linalg.norm(together[-1][2] - together[0][2]) > 0.02


def test_springs_show_and_can_be_switched_off() -> None:
    places = [{1: 40.0 + 8 * step} for step in range(STEPS)]
    pictures = []
    for springs in (True, False):
        dancer, frames = dancer_of(places, springs=springs)
        pictures.append([dancer(frame).image for frame in frames])
    np.testing.assert_array_equal(pictures[0][0], pictures[1][0])
    assert (pictures[0][-1] != pictures[1][-1]).any()


def test_reset_and_photos_start_from_rest() -> None:
    dancer, frames = dancer_of([{1: 40.0 + 8 * step} for step in range(STEPS)])
    first = [dancer(frame).image for frame in frames]
    dancer.reset()
    for before, frame in zip(first, frames, strict=True):
        np.testing.assert_array_equal(dancer(frame).image, before)
    photos, frames = dancer_of([{1: 40.0 + 8 * step} for step in range(3)], smooth=False)
    assert [part.tails for frame in frames for part in photos.find(frame).parts] == [None] * 3


def test_who_left_long_ago_is_forgotten() -> None:
    dancer, frames = dancer_of([{1: 40.0}] + [{step: 40.0} for step in range(2, 120)])
    for frame in frames:
        dancer.find(frame)
    assert dancer._springs is not None
    assert len(dancer._springs._simulations) <= 60


@pytest.mark.parametrize("missing", [range(4, 8), range(4, 24)])
def test_somebody_who_returns_hangs_still_after_a_while(missing: range) -> None:
    places = [{} if step in missing else {1: 40.0 + 4 * step} for step in range(30)]
    tails = tails_of(places)
    assert all(np.isfinite(each[1]).all() for each in tails if 1 in each)
