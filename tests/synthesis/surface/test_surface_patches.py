"""What patches show of made-up surfaces."""

import numpy as np
import pytest

from dance_now.core.arrays import FloatArray
from dance_now.synthesis.surface.surface_patches import HEIGHT_STEPS, TEXELS, bake_patches, tangents
from dance_now.synthesis.surface.surface_samples import SurfaceSamples


def samples(position: FloatArray, normal: FloatArray, color: FloatArray, layer: int = 0) -> SurfaceSamples:
    count = len(position)
    return SurfaceSamples(
        layer=np.full(count, layer),
        corners=np.zeros((count, 3), np.int64),
        barycentric=np.full((count, 3), 1 / 3, np.float32),
        position=position.astype(np.float32),
        normal=np.broadcast_to(normal, position.shape).astype(np.float32),
        color=np.broadcast_to(color, position.shape).astype(np.float32),
    )


def plane(count: int = 40000) -> FloatArray:
    """Places on a square of 2 m across the z axis."""
    place = np.random.default_rng(0).uniform(-1, 1, (count, 3))
    place[:, 2] = 0
    return place.astype(np.float32)


UP = np.array([0.0, 0.0, 1.0], np.float32)
ORIGIN = np.zeros((1, 3), np.float32)


def test_tangents_are_right_handed_frames() -> None:
    normal = np.random.default_rng(1).normal(size=(50, 3))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    normal[0] = (0, 0, -1)
    first, second = tangents(normal.astype(np.float32)).transpose(1, 0, 2)
    np.testing.assert_allclose(np.cross(first, second), normal, atol=1e-5)


def test_rows_run_along_the_second_tangent() -> None:
    """A picture on the surface is found again the right way round."""
    place = plane()
    color = np.stack([place[:, 0] > 0, place[:, 1] > 0, 0 * place[:, 0]], axis=1).astype(np.float32)
    patch = bake_patches(samples(ORIGIN, UP, UP), np.array([0.5], np.float32), samples(place, UP, color))[0]
    first, second = tangents(UP[None])[0]
    columns, rows = np.meshgrid(np.arange(TEXELS) - 3.5, np.arange(TEXELS) - 3.5)
    expected = columns[..., None] * first + rows[..., None] * second
    np.testing.assert_array_equal(patch[..., 0] == 255, expected[..., 0] > 0)
    np.testing.assert_array_equal(patch[..., 1] == 255, expected[..., 1] > 0)


def test_nothing_is_shown_beyond_an_edge() -> None:
    place = plane()
    half = samples(place[place[:, 0] < 0], UP, UP)
    patch = bake_patches(samples(ORIGIN, UP, UP), np.array([0.5], np.float32), half)[0]
    assert 0.45 < (patch[..., 3] == 255).mean() < 0.7


def test_other_layers_are_not_shown() -> None:
    other = samples(plane(), UP, UP, layer=1)
    far = samples(ORIGIN + 9, UP, UP)
    parts = {
        name: np.concatenate([getattr(other, name), getattr(far, name)])
        for name in ("layer", "corners", "barycentric", "position", "normal", "color")
    }
    patch = bake_patches(samples(ORIGIN, UP, UP), np.array([0.5], np.float32), SurfaceSamples(**parts))[0]
    assert not patch[..., 3].any()


@pytest.mark.parametrize("radius", [2.0, 4.0])
def test_heights_follow_a_ball(radius: float) -> None:
    direction = np.random.default_rng(2).normal(size=(200000, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    ball = samples((radius * (direction - UP)).astype(np.float32), UP, UP)
    reach = 0.4
    patch = bake_patches(samples(ORIGIN, UP, UP), np.array([reach], np.float32), ball)[0]
    steps = (np.arange(TEXELS) + 0.5) / TEXELS * 2 - 1
    square = reach**2 * (steps[:, None] ** 2 + steps[None] ** 2)
    expected = (np.sqrt(radius**2 - square) - radius) / reach * HEIGHT_STEPS
    np.testing.assert_allclose(patch[..., 4].astype(float) - 128, expected, atol=4)
