"""Colors of clothes."""

import numpy as np
import pytest
from fakes import standing

from dance_now.pose.model.detection import Detection
from dance_now.pose.model.pose import Pose
from dance_now.pose.tracking.limb_hull import hull_mask
from dance_now.pose.tracking.reidentification import color_histogram, histogram_similarity

RED, BLUE, GREEN = (200, 40, 40), (40, 60, 200), (40, 160, 70)


def worn(upper, lower, x=100.0, light=1.0):
    """The colors of somebody dressed so, in front of grey."""
    pose = standing((x, 120.0), 180.0)
    person = Detection(pose, hull_mask(pose))
    image = np.full((240, 320, 3), 128.0)
    shape = person.mask.alpha_in(240, 320) > 0.3
    image[shape] = lower
    image[:120][shape[:120]] = upper
    return color_histogram(np.clip(image * light, 0, 255).astype(np.uint8), person)


def test_the_same_clothes_are_alike_wherever_they_are():
    assert histogram_similarity(worn(RED, BLUE), worn(RED, BLUE, x=170)) > 0.9
    assert histogram_similarity(worn(RED, BLUE), worn(RED, BLUE, light=0.95)) > 0.85


@pytest.mark.parametrize("other", [(GREEN, GREEN), (BLUE, RED)])
def test_other_clothes_are_not(other):
    assert histogram_similarity(worn(RED, BLUE), worn(*other)) < 0.5


def test_half_the_clothes_are_half_alike():
    assert histogram_similarity(worn(RED, BLUE), worn(RED, GREEN)) == pytest.approx(0.5, abs=0.2)


def test_nothing_is_known_of_somebody_outside():
    assert worn(RED, BLUE, x=900.0) is None
    assert histogram_similarity(None, worn(RED, BLUE)) is None
    empty = Pose.empty()
    assert color_histogram(np.zeros((9, 9, 3), np.uint8), Detection(empty, hull_mask(empty))) is None
