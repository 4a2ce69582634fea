"""The part of a canvas that is drawn."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dance_now.character.canvas_region import BLOCK, WHOLE, canvas_region_around
from dance_now.character.character_file import CANVAS

corners = st.tuples(*[st.floats(-3000, 3000, width=32)] * 4).map(lambda c: np.array(c).reshape(2, 2))


@given(corners)
def test_the_part_holds_what_of_the_figure_is_on_the_canvas(corners: np.ndarray) -> None:
    lowest, highest = corners.min(axis=0), corners.max(axis=0)
    part = canvas_region_around(lowest, highest)
    first = np.array([part.left, part.top])
    last = first + np.array([part.width, part.height])
    assert (first >= 0).all()
    assert (last <= CANVAS).all()
    assert not (first % BLOCK).any()
    on_canvas = (highest > 0) & (lowest < CANVAS)
    assert (first <= np.maximum(lowest, 0))[on_canvas].all()
    assert (last >= np.minimum(highest, CANVAS))[on_canvas].all()


@given(corners)
def test_there_are_few_sizes(corners: np.ndarray) -> None:
    """Each of them is checked and planned once."""
    part = canvas_region_around(corners.min(axis=0), corners.max(axis=0))
    assert {part.width, part.height} <= set(range(192, CANVAS + 1, 32))


def test_a_figure_that_fills_the_canvas_is_drawn_whole() -> None:
    assert canvas_region_around(np.zeros(2), np.full(2, CANVAS)) == WHOLE
