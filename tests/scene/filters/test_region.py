import numpy as np
import pytest

from dance_now.scene.filters.region import Box


@pytest.mark.parametrize(
    ("one", "other", "both"),
    [
        (Box(0, 10, 0, 10), Box(4, 20, 6, 8), Box(4, 10, 6, 8)),
        (Box(0, 10, 0, 10), Box(2, 3, 4, 5), Box(2, 3, 4, 5)),
        (Box(0, 10, 0, 10), Box(0, 10, 12, 20), Box(0, 10, 12, 12)),
    ],
)
def test_what_two_boxes_share(one: Box, other: Box, both: Box) -> None:
    assert one & other == both
    assert (other & one).height == both.height
    assert min((one & other).width, (one & other).height) >= 0


def test_a_box_within_another_shows_the_same_pixels() -> None:
    picture = np.arange(400).reshape(20, 20)
    outer, inner = Box(3, 18, 2, 19), Box(5, 9, 7, 12)
    part = picture[outer.slices]
    np.testing.assert_array_equal(part[inner.within(outer).slices], picture[inner.slices])
