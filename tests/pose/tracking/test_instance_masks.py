"""Each pixel of people who overlap belongs to one of them."""

import numpy as np
import pytest
from fakes import standing

from dance_now.pose.model.detection import Detection, PersonMask
from dance_now.pose.tracking.instance_masks import instance_masks
from dance_now.pose.tracking.limb_hull import hull_mask

WIDTH, HEIGHT = 320, 240


def person(x: float, mask: PersonMask | None = None) -> Detection:
    pose = standing((x, 120.0), 160.0)
    return Detection(pose, mask or hull_mask(pose))


def both(*places: float) -> PersonMask:
    """A mask in the image's own pixels that has taken everybody."""
    alpha = np.maximum.reduce([hull_mask(person(x).pose).alpha_in(HEIGHT, WIDTH) for x in places])
    return PersonMask(alpha, np.eye(2, 3, dtype=np.float32))


def test_somebody_alone_keeps_the_mask():
    alone = person(100)
    assert instance_masks([alone])[0] is alone
    far = instance_masks([person(50), person(280)])
    np.testing.assert_array_equal(far[0].mask.alpha, person(50).mask.alpha)


def test_a_mask_gives_back_what_it_took_of_a_neighbour():
    greedy, other = person(110, both(110, 190)), person(190)
    first, second = instance_masks([greedy, other])
    mine, theirs = (each.mask.alpha_in(HEIGHT, WIDTH) for each in (first, second))
    assert mine[120, 110] > 0.9
    assert mine[120, 190] < 0.1
    assert theirs[120, 190] > 0.9


@pytest.mark.parametrize("apart", [30, 60])
def test_no_pixel_has_two_owners(apart):
    masks = [each.mask.alpha_in(HEIGHT, WIDTH) for each in instance_masks([person(140), person(140 + apart)])]
    assert (sum(masks) < 1.15).all()
    union = both(140, 140 + apart).alpha
    assert (sum(masks)[union > 0.95] > 0.7).all()
