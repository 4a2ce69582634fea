"""The kernel draws what the studio draws, whatever the surface, the size, the window and the threads."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from surface_cases import ball_arrays, decibels, resting_keypoints, studio_picture

from dance_now.character.templates.surface import SurfaceDrawing
from dance_now.core.arrays import FloatArray
from dance_now.pose.model.skeleton import Skeleton
from dance_now.render.camera import Camera

_SIZE = 200
_FEATURES: dict[str, dict[str, Any]] = {
    "plain": {},
    "unlit": {"unlit": (1, 0)},
    "narrow ramp": {"ramp": (0.2, 0.2001)},
    "world outline": {"metres": (0.02, 0.002)},
    "screen outline": {"screen": (0.006, 0.003), "outline_mix": (0, 1)},
    "hair-thin outline": {"metres": 1e-5},
    "rim": {"rim": [(0.9, 0.4, 0.1, 3, 0), (0, 0.5, 0.9, 0.7, 0.2)]},
    "emission": {"emission": [(0.3, 0, 0), (0, 0, 2)]},
    "matcap": {"matcap_texture": (2, 1)},
    "cut out": {"alpha_mode": (0, 1), "base_texture": 1, "shade_texture": 1},
    "cut out with an outline": {"alpha_mode": 1, "base_texture": 1, "metres": 0.02, "double_sided": 1},
    "blended": {"alpha_mode": (0, 2), "base_texture": (0, 1), "writes_depth": (1, 0)},
    "blended, hiding": {"alpha_mode": 2, "base_texture": (0, 1), "double_sided": 1},
    "blended outline": {"alpha_mode": (0, 2), "base": (1, 1, 1, 0.4), "metres": 0.02},
    "a shade of its own": {"shade_texture": (1, 2)},
    "no texture": {"base_texture": -1, "shade_texture": (-1, 0)},
    "both sides": {"double_sided": 1, "alpha_mode": 1, "base_texture": 1},
}


@pytest.fixture(scope="module")
def keypoints(small_skeleton: Skeleton) -> FloatArray:
    turn = Camera.orbit(25, 20, (0, 0, 0), 1.0).rotation
    return resting_keypoints(small_skeleton, _SIZE, turn)


def _scaled(keypoints: FloatArray, factor: float, shift: tuple[float, float] = (0, 0)) -> FloatArray:
    moved = keypoints.copy()
    moved[:, :3] *= factor
    moved[:, :2] += shift
    return moved


@pytest.mark.parametrize("feature", _FEATURES)
def test_draws_what_the_studio_draws(small_skeleton: Skeleton, keypoints: FloatArray, feature: str) -> None:
    arrays = ball_arrays(**_FEATURES[feature])
    drawing = SurfaceDrawing(small_skeleton, arrays)
    picture = drawing.draw(keypoints, (0, 0, _SIZE, _SIZE), screen_height=_SIZE)
    reference = studio_picture(arrays, drawing.vertices, _SIZE)
    assert (reference[..., 3] > 0).mean() > 0.1
    assert decibels(reference, picture) > 50


@pytest.mark.parametrize("wrap", [0, 1, 2])
@pytest.mark.parametrize("nearest", [0, 1])
def test_textures_wrap_as_in_the_studio(
    small_skeleton: Skeleton, keypoints: FloatArray, wrap: int, nearest: int
) -> None:
    arrays = ball_arrays(wrap_u=wrap, wrap_v=2 - wrap, nearest=nearest)
    uv = arrays.uv * np.float32(3.3) - np.float32(1.2)
    arrays = ball_arrays(wrap_u=wrap, wrap_v=2 - wrap, nearest=nearest, uv=uv)
    drawing = SurfaceDrawing(small_skeleton, arrays)
    picture = drawing.draw(_scaled(keypoints, 2), (0, 0, 2 * _SIZE, 2 * _SIZE), screen_height=2 * _SIZE)
    assert decibels(studio_picture(arrays, drawing.vertices, 2 * _SIZE), picture) > 45


@pytest.mark.parametrize("feature", ["world outline", "cut out", "blended", "matcap", "narrow ramp"])
def test_neither_threads_nor_windows_change_a_pixel(
    small_skeleton: Skeleton, keypoints: FloatArray, feature: str
) -> None:
    drawing = SurfaceDrawing(small_skeleton, ball_arrays(**_FEATURES[feature]))
    points = _scaled(keypoints, 1.7, (30.4, 11.3))
    whole = drawing.draw(points, (0, 0, 380, 360), screen_height=360)
    assert whole.any()
    for threads in (2, 3, 50):
        parts = drawing.draw(points, (0, 0, 380, 360), screen_height=360, threads=threads)
        np.testing.assert_array_equal(parts, whole)
    for left, top, width, height in (
        (100, 40, 200, 230),
        (171, 133, 1, 1),
        (155, 101, 64, 33),
        (0, 97, 380, 19),
    ):
        window = drawing.draw(points, (left, top, width, height), screen_height=360, threads=2)
        np.testing.assert_array_equal(window, whole[top : top + height, left : left + width])
    around = drawing.draw(points, (-40, -70, 500, 480), screen_height=360)
    np.testing.assert_array_equal(around[70:430, 40:420], whole)


def test_bounds_hold_the_figure(small_skeleton: Skeleton, keypoints: FloatArray) -> None:
    drawing = SurfaceDrawing(small_skeleton, ball_arrays(metres=0.02))
    picture = drawing.draw(keypoints, (0, 0, _SIZE, _SIZE), screen_height=_SIZE)
    assert drawing.bounds is not None
    left, top, width, height = drawing.bounds
    rows, columns = np.nonzero(picture[..., 3])
    assert (rows.min(), rows.max() + 1) == pytest.approx((top, top + height), abs=1)
    assert (columns.min(), columns.max() + 1) == pytest.approx((left, left + width), abs=1)


@pytest.mark.parametrize("size", [(1, 1), (1, 64), (2, 3), (17, 400), (640, 31), (1536, 1536)])
def test_every_size_is_drawn(small_skeleton: Skeleton, keypoints: FloatArray, size: tuple[int, int]) -> None:
    drawing = SurfaceDrawing(small_skeleton, ball_arrays(alpha_mode=(1, 2), metres=0.01))
    width, height = size
    points = _scaled(keypoints, max(size) / _SIZE)
    points[:, :2] -= points[8, :2] - (width / 2, height / 2)
    picture = drawing.draw(points, (0, 0, width, height), screen_height=height, threads=2)
    assert picture.shape == (height, width, 4)
    assert picture.any()


@pytest.mark.parametrize("value", [1e30, -1e30, 3e38, 1e6, 0.0, 1e-30])
def test_absurd_keypoints_are_survived(small_skeleton: Skeleton, keypoints: FloatArray, value: float) -> None:
    drawing = SurfaceDrawing(small_skeleton, ball_arrays(alpha_mode=(1, 2), metres=0.01))
    for chosen in (slice(None), slice(0, 137, 3), slice(8, 9)):
        points = keypoints.copy()
        points[chosen, :3] = value
        picture = drawing.draw(points, (0, 0, 64, 64), screen_height=64)
        assert picture.shape == (64, 64, 4)
    still = drawing.draw(keypoints, (0, 0, _SIZE, _SIZE), screen_height=_SIZE)
    again = SurfaceDrawing(small_skeleton, ball_arrays(alpha_mode=(1, 2), metres=0.01))
    expected = again.draw(keypoints, (0, 0, _SIZE, _SIZE), screen_height=_SIZE)
    np.testing.assert_array_equal(still, expected)


def test_what_is_no_pose_is_refused(small_skeleton: Skeleton, keypoints: FloatArray) -> None:
    drawing = SurfaceDrawing(small_skeleton, ball_arrays())
    for broken in (np.nan, np.inf):
        points = keypoints.copy()
        points[50, 1] = broken
        with pytest.raises(ValueError, match="keypoints"):
            drawing.draw(points, (0, 0, 64, 64), screen_height=64)
    with pytest.raises(ValueError, match="keypoints"):
        drawing.draw(keypoints[:100], (0, 0, 64, 64), screen_height=64)
    with pytest.raises(ValueError, match="up"):
        drawing.draw(keypoints, (0, 0, 64, 64), screen_height=64, up=(0, 0, 0))
    for window in ((0, 0, 0, 64), (0, 0, 64, 1 << 20)):
        with pytest.raises(ValueError, match="pixels"):
            drawing.draw(keypoints, window, screen_height=64)


def test_a_shadow_crosses_pixels_without_stairs(small_skeleton: Skeleton, keypoints: FloatArray) -> None:
    """A ramp that is narrower than a pixel is averaged over a pixel's samples."""
    arrays = ball_arrays(base_texture=-1, shade_texture=-1, ramp=(0.5, 0.5001))
    drawing = SurfaceDrawing(small_skeleton, arrays)
    picture = drawing.draw(_scaled(keypoints, 3), (0, 0, 3 * _SIZE, 3 * _SIZE), screen_height=3 * _SIZE)
    inside = picture[picture[..., 3] == 255][:, 0].astype(int)
    assert ((inside > inside.min() + 8) & (inside < inside.max() - 8)).sum() > 100
