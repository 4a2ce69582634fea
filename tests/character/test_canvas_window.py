from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skeletons import chibi_skeleton

from dance_now.character.canvas_window import canvas_window, head_window
from dance_now.pose.model.pose import Pose
from dance_now.pose.retarget.retargeter import Retargeted, Retargeter

CHIBI = chibi_skeleton()


def relaxed(height: float = 300.0, x: float = 0.0, y: float = 0.0) -> Retargeted:
    """A figure that stands, ``height`` pixels tall, moved by (x, y)."""
    standing = Retargeter(CHIBI, smooth=False)(Pose.empty(), 0.0)
    ratio = height / (CHIBI.height * standing.scale)
    pose = standing.pose.transformed(ratio, (x, y))
    return replace(standing, pose=pose, scale=standing.scale * ratio, height=height)


@given(st.floats(20, 4000), st.floats(-3000, 3000), st.floats(-3000, 3000))
@settings(max_examples=40, deadline=None)
def test_the_window_holds_the_figure(height: float, x: float, y: float) -> None:
    figure = relaxed(height, x, y)
    window = canvas_window(figure.pose, CHIBI, figure.scale)
    inside = window.to_canvas(figure.pose).points[figure.pose.visible, :2]
    assert inside.min() >= 0
    assert inside.max() <= 512


def test_a_canvas_point_is_where_the_window_says() -> None:
    figure = relaxed(411.0, 37.5, -20.25)
    window = canvas_window(figure.pose, CHIBI, figure.scale)
    inside = window.to_canvas(figure.pose).points[:, :2]
    back = inside * window.side / 512 + (window.left, window.top)
    shown = figure.pose.visible
    np.testing.assert_allclose(back[shown], figure.pose.points[shown, :2], atol=1e-2)


def test_the_window_keeps_its_size_while_the_figure_fits() -> None:
    sides = set()
    for shift in (0.0, 0.4, 7.3, 100.0):
        figure = relaxed(300.0, shift, 2 * shift)
        sides.add(canvas_window(figure.pose, CHIBI, figure.scale).side)
    assert sides == {384}  # 1.25 times 300, in whole blocks


def test_a_figure_with_stretched_arms_gets_a_larger_window() -> None:
    figure = relaxed(300.0)
    points = figure.pose.points.copy()
    points[4, 0] -= 400
    pose = Pose(points, figure.pose.depth, figure.pose.has_depth)
    window = canvas_window(pose, CHIBI, figure.scale)
    assert window.to_canvas(pose).points[4, 0] >= 0
    assert window.side > 500


@pytest.mark.parametrize("height", [1400.0, 2500.0, 4000.0])
def test_a_close_up_is_drawn_finely_and_holds_all_that_the_image_shows(height: float) -> None:
    figure = relaxed(height)
    ears = figure.pose.points[[17, 18], :2].mean(axis=0)
    pose = figure.pose.transformed(1.0, (640 - ears[0], 300 - ears[1]))
    whole = canvas_window(pose, CHIBI, figure.scale)
    close = canvas_window(pose, CHIBI, figure.scale, (1280, 720))
    assert whole.side / 3 <= close.side < 0.8 * whole.side
    inside = ((pose.points[:, :2] >= 0) & (pose.points[:, :2] <= (1280, 720))).all(axis=1) & pose.visible
    seen = close.to_canvas(pose).points[inside, :2]
    assert seen.min() >= 0
    assert seen.max() <= 512


@pytest.mark.parametrize("height", [300.0, 700.0])
def test_a_whole_figure_has_the_same_window_whatever_the_image(height: float) -> None:
    figure = relaxed(height)
    low = figure.pose.points[figure.pose.visible, :2].min(axis=0)
    pose = figure.pose.transformed(1.0, tuple(500.0 - low))
    window = canvas_window(pose, CHIBI, figure.scale)
    assert canvas_window(pose, CHIBI, figure.scale, (4000, 4000)) == window


def test_a_window_needs_a_figure() -> None:
    with pytest.raises(ValueError, match="points"):
        canvas_window(Pose.empty(), CHIBI, 100.0)


@pytest.mark.parametrize("height", [700.0, 1200.0])
def test_the_head_window_is_finer_and_holds_the_face(height: float) -> None:
    figure = relaxed(height)
    whole = canvas_window(figure.pose, CHIBI, figure.scale)
    head = head_window(figure.pose, CHIBI, figure.scale, whole)
    assert head is not None
    assert whole.side / 3 <= head.side <= 0.8 * whole.side
    face = head.to_canvas(figure.pose).points[[0, 15, 16, 17, 18, *range(25, 95)], :2]
    assert face.min() > 0.15 * 512
    assert face.max() < 0.85 * 512


def test_a_small_figure_needs_no_head_window() -> None:
    figure = relaxed(350.0)
    whole = canvas_window(figure.pose, CHIBI, figure.scale)
    assert head_window(figure.pose, CHIBI, figure.scale, whole) is None
