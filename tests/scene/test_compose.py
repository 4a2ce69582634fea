import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dance_now.scene.compose import Scene, compose, compose_at, place, plain_background

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS)
@settings(max_examples=50, deadline=None)
def test_alpha_0_keeps_the_background_and_alpha_255_gives_the_character(seed: int) -> None:
    generator = np.random.default_rng(seed)
    background = generator.integers(0, 256, (9, 7, 3), np.uint8)
    character = generator.integers(0, 256, (9, 7, 4), np.uint8)
    character[..., 3] = generator.choice([0, 1, 127, 254, 255], (9, 7))
    result = compose(background, character)
    alpha = character[..., 3]
    np.testing.assert_array_equal(result[alpha == 0], background[alpha == 0])
    np.testing.assert_array_equal(result[alpha == 255], character[..., :3][alpha == 255])
    share = alpha[..., None] / 255
    exact = background * (1 - share) + character[..., :3] * share
    assert np.abs(result - exact).max() <= 0.5 + 1e-9


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError):
        compose(np.zeros((4, 4, 3), np.uint8), np.zeros((4, 5, 4), np.uint8))


def canvas() -> np.ndarray:
    """A red square on a transparent canvas whose hidden colour is green."""
    image = np.zeros((32, 32, 4), np.uint8)
    image[..., :3] = (0, 255, 0)
    image[8:24, 8:24] = (220, 30, 40, 255)
    return image


@pytest.mark.parametrize("offset", [(0, 0), (5, 3), (-10, -12), (30, 25)])
def test_a_shift_by_whole_pixels_is_exact(offset: tuple[int, int]) -> None:
    x, y = offset
    box, patch = place(canvas(), [[1, 0, x], [0, 1, y]], 40, 48)
    picture = np.zeros((40, 48, 4), np.uint8)
    picture[box.slices] = patch
    expected = np.zeros((40, 48), bool)
    expected[max(0, 8 + y) : max(0, 24 + y), max(0, 8 + x) : max(0, 24 + x)] = True
    np.testing.assert_array_equal(picture[..., 3] == 255, expected)
    np.testing.assert_array_equal(picture[..., 3] == 0, ~expected)
    np.testing.assert_array_equal(picture[expected][:, :3], np.tile((220, 30, 40), (expected.sum(), 1)))


@pytest.mark.parametrize("scale", [0.2, 0.45, 0.9, 1.7, 3.0])
@pytest.mark.parametrize("turn", [0.0, 0.4])
def test_edges_keep_the_character_colour_at_every_size(scale: float, turn: float) -> None:
    cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
    box, patch = place(canvas(), [[cosine, -sine, 40], [sine, cosine, 20]], 140, 160)
    assert patch.shape == (box.height, box.width, 4)
    edge = (patch[..., 3] > 20) & (patch[..., 3] < 235)
    assert edge.any() or turn == 0
    np.testing.assert_allclose(
        patch[edge][:, :3].astype(int), np.tile((220, 30, 40), (edge.sum(), 1)), atol=8
    )
    area = patch[..., 3].sum() / 255
    assert area == pytest.approx(256 * scale * scale, rel=0.06)


def test_the_centre_lands_where_the_map_says() -> None:
    box, patch = place(canvas(), [[0.5, 0, 10.25], [0, 0.5, 7.75]], 60, 60)
    rows, columns = np.indices(patch.shape[:2])
    weight = patch[..., 3].astype(float)
    x = ((columns + 0.5 + box.left) * weight).sum() / weight.sum()
    y = ((rows + 0.5 + box.top) * weight).sum() / weight.sum()
    assert (x, y) == pytest.approx((18.25, 15.75), abs=0.05)


def test_a_thin_line_survives_shrinking() -> None:
    image = np.zeros((512, 512, 4), np.uint8)
    cv2.line(image, (100, 0), (100, 511), (0, 0, 0, 255), 2)
    _, patch = place(image, [[0.1, 0, 0], [0, 0.1, 0]], 60, 60)
    assert (patch[5:45, :, 3].max(axis=1) > 30).all()


def test_outside_the_picture_nothing_is_drawn() -> None:
    box, patch = place(canvas(), [[1, 0, 500], [0, 1, 0]], 40, 48)
    assert patch.size == 0
    background = np.full((40, 48, 3), 7, np.uint8)
    np.testing.assert_array_equal(compose_at(background, patch, box), background)


@pytest.mark.parametrize(("scene", "colour"), [(Scene.ALONE, (255, 255, 255)), (Scene.GREEN, (0, 255, 0))])
def test_plain_scenes_have_their_colour(scene: Scene, colour: tuple[int, int, int]) -> None:
    picture = plain_background(scene, 4, 6)
    assert picture.shape == (4, 6, 3)
    assert (picture == colour).all()
    with pytest.raises(ValueError):
        plain_background(Scene.ALPHA, 4, 6)
