"""Who is taken, from an estimator or from files."""

import json

import numpy as np
import pytest

from dance_now.pose.finder import PersonFinder
from dance_now.pose.openpose_files import OpenPoseFiles
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


def hips(detection):
    return float(detection.pose.body[8, 0])


def test_without_files_the_estimator_decides():
    found = PersonFinder(MagentaEstimator())(with_person(70), 0)
    assert hips(found) == pytest.approx(70, abs=3)
    assert PersonFinder(BlindEstimator())(with_person(70), 0) is None


def test_with_files_the_same_person_is_kept_until_reset(files):
    find = PersonFinder(NoEstimator(), files, masks=False)
    image = with_person(None)
    assert [hips(find(image, frame)) for frame in range(2)] == pytest.approx([50, 51], abs=0.1)
    find.reset()
    assert hips(find(image, 2)) == pytest.approx(140, abs=0.1)
    assert find(image, 3) is None


@pytest.mark.parametrize(("place", "is_estimators"), [(52, True), (110, False)])
def test_the_mask_is_the_estimators_where_it_is_the_same_person(files, place, is_estimators):
    image = with_person(place)
    mask = PersonFinder(MagentaEstimator(), files)(image, 0).mask
    assert np.array_equal(mask.alpha > 0.5, magenta(image)) == is_estimators
    shown = mask.alpha_in(HEIGHT, WIDTH)
    assert shown[round(HIP), 50] > 0.5
