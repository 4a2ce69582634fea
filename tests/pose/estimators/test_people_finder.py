"""Who is taken, from an estimator or from files."""

import json

import numpy as np
import pytest
from fakes import (
    HEIGHT,
    HIP,
    TALL,
    WIDTH,
    BlindEstimator,
    MagentaEstimator,
    NoEstimator,
    magenta,
    standing,
    with_person,
)

from dance_now.pose.estimators import people_finder
from dance_now.pose.estimators.people_finder import PeopleFinder
from dance_now.pose.formats.openpose_files import OpenPoseFiles


@pytest.fixture
def files(tmp_path):
    """Two people a frame; who is larger changes."""
    for frame, heights in enumerate([(TALL, 60.0), (TALL, 130.0), (TALL, 130.0)]):
        people = [
            standing(place, tall).to_openpose()
            for place, tall in zip([(50.0 + frame, HIP), (140.0, HIP)], heights, strict=True)
        ]
        (tmp_path / f"a_{frame}_keypoints.json").write_text(json.dumps({"people": people}))
    return OpenPoseFiles(tmp_path, (WIDTH, HEIGHT))


def hips(people):
    return [float(person.detection.pose.body[8, 0]) for person in people]


def test_without_files_the_estimator_decides():
    found = PeopleFinder(MagentaEstimator())(with_person(70), 0)
    assert hips(found) == pytest.approx([70], abs=3)
    assert PeopleFinder(BlindEstimator())(with_person(70), 0) == ()


def test_the_networks_can_be_opened_before_the_first_image(monkeypatch, files):
    opened = []
    monkeypatch.setattr(
        people_finder, "open_estimator", lambda **options: opened.append(options) or BlindEstimator()
    )
    PeopleFinder(None, files).open()
    assert not opened  # files may tell all
    finder = PeopleFinder()
    finder.open()
    finder(with_person(None), 0)
    assert len(opened) == 1


def test_people_in_files_keep_their_numbers_until_reset(files):
    finder = PeopleFinder(NoEstimator(), files, masks=False)
    image = with_person(None)
    for frame, left in enumerate((50, 51, 52)):
        people = finder(image, frame)
        assert [person.identity for person in people] == [1, 2]
        assert hips(people) == pytest.approx([left, 140], abs=0.1)
    assert finder(image, 3) == ()
    finder.reset()
    assert [person.identity for person in finder(image, 2)] == [1, 2]


def test_numbers_in_files_are_kept(tmp_path):
    for frame, numbers in enumerate([(7, 4), (4, 7)]):
        people = [standing((50.0 + 90 * (number == 7), HIP), TALL).to_openpose(number) for number in numbers]
        (tmp_path / f"a_{frame}_keypoints.json").write_text(json.dumps({"people": people}))
    finder = PeopleFinder(NoEstimator(), OpenPoseFiles(tmp_path, (WIDTH, HEIGHT)), masks=False)
    for frame in range(2):
        people = finder(with_person(None), frame)
        assert [person.identity for person in people] == [4, 7]
        assert hips(people) == pytest.approx([50, 140], abs=0.1)


@pytest.mark.parametrize(("place", "is_estimators"), [(52, True), (110, False)])
def test_the_mask_is_the_estimators_where_it_is_the_same_person(files, place, is_estimators):
    image = with_person(place)
    people = PeopleFinder(MagentaEstimator(), files)(image, 0)
    alone = magenta(image)[:, :95]  # the other person's limbs begin there
    mask = people[0].detection.mask
    assert (mask.alpha.shape == (*alone.shape[:1], WIDTH)) == is_estimators
    shown = mask.alpha_in(HEIGHT, WIDTH)
    assert shown[round(HIP), 50] > 0.5
    if is_estimators:
        assert np.array_equal(shown[:, :95] > 0.5, alone)
