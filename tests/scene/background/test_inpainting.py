from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dance_now.scene.background.inpainting import StreamInpainting, inpaint_smooth, inpaint_texture
from dance_now.scene.filters.push_pull import push_pull

Inpaint = Callable[[np.ndarray, np.ndarray], np.ndarray]
ALL = pytest.mark.parametrize(
    "inpaint",
    [inpaint_smooth, inpaint_texture, partial(inpaint_texture, best=True)],
    ids=["smooth", "texture", "best"],
)


def hole_in(height: int, width: int) -> np.ndarray:
    hole = np.zeros((height, width), np.float32)
    hole[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = 1
    return hole


@ALL
def test_outside_the_hole_not_a_bit_changes(inpaint: Inpaint) -> None:
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    hole = hole_in(60, 80)
    before = image.copy()
    result = inpaint(image, hole)
    np.testing.assert_array_equal(result[hole == 0], image[hole == 0])
    np.testing.assert_array_equal(image, before)


@ALL
def test_a_gradient_is_continued(inpaint: Inpaint) -> None:
    y, x = np.indices((90, 120))
    image = np.stack([2 * x, y + 60, 200 - x], axis=-1).astype(np.uint8)
    hole = hole_in(90, 120)
    image_with_person = image.copy()
    image_with_person[hole > 0] = (255, 0, 255)
    result = inpaint(image_with_person, hole)
    assert np.abs(result.astype(int) - image)[hole > 0].mean() < 12


@ALL
@pytest.mark.parametrize("size", [(5, 5), (3, 200), (33, 17)])
def test_small_frames_and_whole_holes_give_an_image(inpaint: Inpaint, size: tuple[int, int]) -> None:
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    for hole in (np.ones(size, np.float32), np.zeros(size, np.float32), hole_in(*size)):
        result = inpaint(image, hole)
        assert result.shape == image.shape
        assert result.dtype == np.uint8


def test_texture_is_copied_not_smeared() -> None:
    x = np.indices((120, 160))[1]
    stripes = np.where((x // 4) % 2 == 0, 40, 210).astype(np.uint8)
    image = np.repeat(stripes[..., None], 3, axis=2)
    hole = hole_in(120, 160)
    image_with_person = image.copy()
    image_with_person[hole > 0] = 128
    inside = inpaint_texture(image_with_person, hole)[hole > 0].astype(float)
    assert inside.std() > 60


def test_the_same_image_gives_the_same_fill() -> None:
    image = np.random.default_rng(3).integers(0, 256, (60, 80, 3), np.uint8)
    np.testing.assert_array_equal(
        inpaint_texture(image, hole_in(60, 80)), inpaint_texture(image, hole_in(60, 80))
    )


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_pull_push_keeps_what_is_known_and_stays_in_range(seed: int) -> None:
    generator = np.random.default_rng(seed)
    values = generator.random((21, 34, 3), np.float32)
    weight = (generator.random((21, 34)) < 0.3).astype(np.float32)
    weight[0, 0] = 1
    filled = push_pull(values, weight)
    np.testing.assert_allclose(filled[weight > 0], values[weight > 0], atol=1e-5)
    known = values[weight > 0]
    assert filled.min() >= known.min() - 1e-4
    assert filled.max() <= known.max() + 1e-4


def test_a_stream_is_inpainted_like_a_frame():
    """Smoothly, steadily from frame to frame, and nowhere else."""
    rows, columns = np.mgrid[:120, :160]
    image = np.stack([40 + rows, 60 + columns // 2, 200 - columns // 2], axis=-1).astype(np.uint8)
    hole = np.zeros((120, 160), np.uint8)
    hole[30:90, 50:90] = 255
    hole[29, 50:90] = 128
    damaged = image.copy()
    damaged[hole > 0] = (255, 0, 255)
    inpaint = StreamInpainting()
    filled = inpaint(damaged, hole)
    np.testing.assert_array_equal(filled[hole == 0], image[hole == 0])
    away = filled.astype(int) - image
    assert np.abs(away[31:89, 51:89]).mean() < 8
    np.testing.assert_array_equal(inpaint(damaged, hole), filled)
    np.testing.assert_array_equal(inpaint(image, np.zeros_like(hole)), image)
    everything = inpaint(damaged, np.full_like(hole, 255))
    assert everything.shape == image.shape
