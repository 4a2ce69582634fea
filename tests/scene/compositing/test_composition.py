import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dance_now.core.arrays import Image
from dance_now.scene.compositing.composition import (
    Layer,
    Scene,
    blend_detail,
    composite_over,
    merge_layers,
    place_canvas,
    plain_background,
    side_by_side,
    unpremultiply,
)
from dance_now.scene.filters.region import Box

RED = (220, 30, 40)
SEEDS = st.integers(0, 2**32 - 1)


def square() -> Image:
    """A red square on a transparent canvas whose hidden color is green."""
    image = np.zeros((64, 64, 4), np.uint8)
    image[..., :3] = (0, 255, 0)
    image[16:48, 16:48] = (*RED, 255)
    return image


def figure(size: int = 512) -> Image:
    """A soft-edged figure with lines and colors, on a transparent canvas with other colors."""
    generator = np.random.default_rng(3)
    colors = cv2.resize(generator.integers(0, 256, (12, 12, 3), np.uint8), (size, size))
    alpha = np.zeros((size, size), np.uint8)
    cv2.ellipse(alpha, (size // 2, size // 2), (size // 5, size // 3), 20, 0, 360, 255, -1)
    cv2.line(alpha, (size // 4, size // 4), (size // 2, size // 2), 255, size // 40)
    soft = cv2.GaussianBlur(alpha, (0, 0), size / 400)
    return np.dstack([colors, soft]).astype(np.uint8)


def exact(canvas: Image, side: int) -> np.ndarray:
    """The canvas averaged to ``side``, in float, premultiplied; alpha in [0, 255]."""
    values = canvas.astype(np.float64)
    values[..., :3] *= values[..., 3:] / 255
    return cv2.resize(values, (side, side), interpolation=cv2.INTER_AREA)


def light(levels: np.ndarray) -> np.ndarray:
    """What sRGB levels of 0 to 255 stand for, 0 to 1."""
    shares = np.asarray(levels, np.float64) / 255
    return np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)


@given(SEEDS, st.sampled_from([3, 4]))
@settings(max_examples=50, deadline=None)
def test_over_is_exact_where_alpha_is_0_or_255_and_mixes_between(seed: int, channels: int) -> None:
    generator = np.random.default_rng(seed)
    picture = generator.integers(0, 256, (9, 7, channels), np.uint8)
    alpha = generator.choice([0, 1, 127, 254, 255], (6, 4)).astype(np.uint8)
    colors = (generator.random((6, 4, 3)) * alpha[..., None]).astype(np.uint8)
    before = picture.copy()
    layer = Layer(Box(2, 8, 1, 5), np.dstack([colors, alpha]))
    composite_over(picture, layer)
    outside = np.ones((9, 7), np.bool_)
    outside[layer.box.slices] = False
    np.testing.assert_array_equal(picture[outside], before[outside])
    below = before[layer.box.slices].astype(np.float64)
    part, share = picture[layer.box.slices], alpha[..., None] / 255
    if channels == 4:
        expected = layer.pixels + below * (1 - share)
        assert np.abs(part - np.clip(expected, 0, 255)).max() <= 0.5 + 1e-6
    else:
        above = np.rint(np.clip(colors / np.maximum(share, 1e-9), 0, 255))
        mixed = light(above) * share + light(below) * (1 - share)
        assert np.abs(light(part) - mixed).max() < 0.005
    np.testing.assert_array_equal(part[alpha == 0], before[layer.box.slices][alpha == 0])
    np.testing.assert_array_equal(part[alpha == 255], layer.pixels[alpha == 255][:, :channels])


@pytest.mark.parametrize("corner", [(0, 0), (5, 3), (-20, -24), (60, 50)])
def test_at_its_own_size_the_canvas_is_copied(corner: tuple[int, int]) -> None:
    x, y = corner
    layer = place_canvas(square(), corner, (64, 64), 80, 96)
    picture = np.zeros((80, 96, 4), np.uint8)
    composite_over(picture, layer)
    expected = np.zeros((80, 96), bool)
    expected[max(0, 16 + y) : max(0, 48 + y), max(0, 16 + x) : max(0, 48 + x)] = True
    np.testing.assert_array_equal(picture[..., 3], np.where(expected, 255, 0))
    np.testing.assert_array_equal(picture[expected][:, :3], np.tile(RED, (expected.sum(), 1)))


def test_a_rectangle_is_placed_as_it_is() -> None:
    canvas = square()[10:40, 4:60]
    layer = place_canvas(canvas, (7, -3), (56, 30), 100, 90)
    picture = np.zeros((100, 90, 4), np.uint8)
    composite_over(picture, layer)
    np.testing.assert_array_equal(picture[:27, 7:63, 3], canvas[3:, :, 3])
    wider = place_canvas(canvas, (7, 5), (112, 60), 200, 200)
    assert wider.pixels[..., 3].astype(float).sum() == pytest.approx(4 * canvas[..., 3].sum(), rel=0.03)


@pytest.mark.parametrize("side", [24, 96, 250, 304, 496, 511])
@pytest.mark.parametrize("corner", [(7, 11), (-60, -90)])
def test_smaller_is_within_2_levels_of_an_exact_average(side: int, corner: tuple[int, int]) -> None:
    canvas = figure()
    background = np.random.default_rng(5).integers(0, 256, (400, 420, 4), np.uint8)
    true = np.zeros((400 + 512 + 90, 420 + 512 + 60, 4))
    true[corner[1] + 90 : corner[1] + 90 + side, corner[0] + 60 : corner[0] + 60 + side] = exact(canvas, side)
    true = true[90:490, 60:480]
    expected = true + background * (1 - true[..., 3:] / 255)
    composite_over(background, place_canvas(canvas, corner, (side, side), 400, 420))
    assert np.abs(background - expected).max() <= 2


@pytest.mark.parametrize("side", [528, 700, 1024, 1536])
def test_the_drawn_part_does_not_depend_on_what_the_image_cuts(side: int) -> None:
    canvas = figure()
    whole = np.zeros((side, side, 4), np.uint8)
    composite_over(whole, place_canvas(canvas, (0, 0), (side, side), side, side))
    left, top = side // 3, side // 4
    part = np.zeros((200, 230, 4), np.uint8)
    composite_over(part, place_canvas(canvas, (-left, -top), (side, side), 200, 230))
    np.testing.assert_array_equal(part, whole[top : top + 200, left : left + 230])


@pytest.mark.parametrize("side", [13, 28, 58, 80, 110, 192])
def test_edges_keep_the_characters_color_at_every_size(side: int) -> None:
    picture = np.zeros((240, 240, 4), np.uint8)
    composite_over(picture, place_canvas(square(), (40, 20), (side, side), 240, 240))
    share = picture[..., 3:] / 255
    # as seen over any background: no brighter, no darker, no other color along the edge
    assert np.abs(picture[..., :3] - np.array(RED) * share).max() <= 4
    assert share.sum() == pytest.approx(side * side / 4, rel=0.06)
    shown = unpremultiply(picture)
    solid = shown[..., 3] == 255
    np.testing.assert_allclose(shown[solid][:, :3].astype(int), np.tile(RED, (solid.sum(), 1)), atol=2)


@pytest.mark.parametrize("side", [30, 64, 101, 150])
def test_the_centre_lands_where_the_square_says(side: int) -> None:
    picture = np.zeros((200, 200, 4), np.uint8)
    composite_over(picture, place_canvas(square(), (10, 7), (side, side), 200, 200))
    rows, columns = np.indices((200, 200))
    weight = picture[..., 3].astype(float)
    x, y = ((places + 0.5) * weight for places in (columns, rows))
    assert (x.sum() / weight.sum(), y.sum() / weight.sum()) == pytest.approx(
        (10 + side / 2, 7 + side / 2), abs=0.05
    )


def test_a_thin_line_survives_shrinking() -> None:
    image = np.zeros((512, 512, 4), np.uint8)
    cv2.line(image, (100, 0), (100, 511), (0, 0, 0, 255), 2)
    picture = np.zeros((60, 60, 4), np.uint8)
    composite_over(picture, place_canvas(image, (0, 0), (51, 51), 60, 60))
    assert (picture[5:45, :, 3].max(axis=1) > 30).all()


@pytest.mark.parametrize("corner", [(500, 0), (0, 500), (-500, 0), (0, -64)])
def test_outside_the_picture_nothing_is_drawn(corner: tuple[int, int]) -> None:
    layer = place_canvas(square(), corner, (64, 64), 40, 48)
    assert layer.pixels.size == 0
    background = np.full((40, 48, 3), 7, np.uint8)
    composite_over(background, layer)
    assert (background == 7).all()


def test_nothing_drawn_gives_an_empty_layer() -> None:
    assert place_canvas(np.zeros((64, 64, 4), np.uint8), (0, 0), (64, 64), 40, 48).pixels.size == 0


@pytest.mark.parametrize(("shape", "side"), [((0, 32, 4), 64), ((64, 64, 3), 64), ((64, 64, 4), 0)])
def test_only_pictures_with_alpha_are_placed(shape: tuple[int, int, int], side: int) -> None:
    with pytest.raises(ValueError, match="cannot place"):
        place_canvas(np.zeros(shape, np.uint8), (0, 0), (side, side), 40, 48)


@pytest.mark.parametrize(("scene", "color"), [(Scene.ALONE, (255, 255, 255)), (Scene.GREEN, (0, 255, 0))])
def test_plain_scenes_have_their_color(scene: Scene, color: tuple[int, int, int]) -> None:
    picture = plain_background(scene, 4, 6)
    assert picture.shape == (4, 6, 3)
    assert (picture == color).all()
    with pytest.raises(ValueError, match="no plain background"):
        plain_background(Scene.ALPHA, 4, 6)


def test_a_detail_is_shown_inside_and_fades_into_the_whole() -> None:
    whole = Layer(Box(10, 210, 20, 220), np.full((200, 200, 4), 100, np.uint8))
    fine = Layer(Box(60, 160, 70, 170), np.full((100, 100, 4), 180, np.uint8))
    shown = blend_detail(whole, fine, (70, 60), 100)
    assert shown.box == whole.box
    assert (shown.pixels[70:130, 70:130] == 180).all()
    assert (shown.pixels[:50] == 100).all()
    assert np.abs(np.diff(shown.pixels.astype(int), axis=0)).max() < 14
    assert np.abs(np.diff(shown.pixels.astype(int), axis=1)).max() < 14


@pytest.mark.parametrize("side", [528, 1024])
def test_the_same_drawing_as_a_detail_changes_nothing(side: int) -> None:
    whole = place_canvas(figure(), (3, 5), (side, side), 900, 900)
    again = blend_detail(whole, whole, (60, 40), 300)
    assert np.abs(again.pixels.astype(int) - whole.pixels).max() <= 1


def test_a_detail_outside_the_whole_is_left_out() -> None:
    whole = place_canvas(square(), (0, 0), (64, 64), 100, 100)
    assert blend_detail(whole, place_canvas(square(), (60, 60), (30, 30), 100, 100), (60, 60), 30) is whole


def test_side_by_side_shows_both() -> None:
    source, result = np.full((4, 6, 3), 10, np.uint8), np.full((4, 6, 3), 200, np.uint8)
    both = side_by_side(source, result)
    assert both.shape == (4, 12, 3)
    assert (both[:, :6] == 10).all()
    assert (both[:, 6:] == 200).all()


def test_merged_layers_are_what_they_are_one_over_the_other():
    rng = np.random.default_rng(3)
    layers = []
    for box in (Box(2, 20, 3, 12), Box(10, 30, 8, 28), Box(0, 5, 20, 31)):
        alpha = rng.integers(0, 256, (box.height, box.width, 1))
        color = rng.integers(0, 256, (box.height, box.width, 3)) * alpha // 255
        layers.append(Layer(box, np.concatenate([color, alpha], axis=2).astype(np.uint8)))
    picture = np.zeros((32, 32, 4), np.uint8)
    for layer in layers:
        composite_over(picture, layer)
    merged = merge_layers(layers)
    assert merged.box == Box(0, 30, 3, 31)
    whole = np.zeros_like(picture)
    whole[merged.box.slices] = merged.pixels
    np.testing.assert_array_equal(whole, picture)
    assert merge_layers(layers[:1]) is layers[0]
    assert merge_layers([]).pixels.size == 0
