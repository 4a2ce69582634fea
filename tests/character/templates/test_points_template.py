"""The points template: a square canvas, scaled to the picture or placed where the figure stands."""

from __future__ import annotations

import numpy as np
import pytest
from canvas_poses import canvas_poses
from points_networks import points_arrays
from skeletons import chibi_skeleton

from dance_now.character.character_file import CharacterCard
from dance_now.character.figure_bounds import FigureBounds
from dance_now.character.templates.points_template import PointsTemplate, open_template

SKELETON = chibi_skeleton()


def card(bounds: FigureBounds | None = None) -> CharacterCard:
    return CharacterCard("tester", "1", "CC0", "nobody", SKELETON, template="points", bounds=bounds)


@pytest.fixture(scope="module")
def template() -> PointsTemplate:
    return open_template(card(), points_arrays(), threads=1)


@pytest.fixture(scope="module")
def pose() -> np.ndarray:
    return canvas_poses(SKELETON)[2]


def scaled(pose: np.ndarray, scale: float, left: float = 0.0, top: float = 0.0) -> np.ndarray:
    """Keypoints of a picture ``scale`` times as large, moved there."""
    return (pose * np.array([scale, scale, scale, 1]) + np.array([left, top, 0, 0])).astype(np.float32)


def middle(picture: np.ndarray) -> np.ndarray:
    """Column and row of the alpha's centre, as parts of the sides."""
    alpha = picture[..., 3].astype(np.float64)
    rows, columns = np.indices(alpha.shape)
    return np.array([(alpha * at).sum() / alpha.sum() for at in (columns + 0.5, rows + 0.5)])


@pytest.mark.parametrize(
    "size", [(512, 512), (200, 200), (900, 900), (320, 512), (700, 400), (1, 1), (1536, 8)]
)
def test_pictures_have_the_size_asked_for(
    template: PointsTemplate, pose: np.ndarray, size: tuple[int, int]
) -> None:
    picture = template.draw(scaled(pose, max(size) / 512), size)
    assert picture.shape == (size[1], size[0], 4)
    assert picture.dtype == np.uint8
    assert picture.flags.c_contiguous
    if min(size) > 100:
        assert picture[..., 3].max() > 200


@pytest.mark.parametrize("side", [256, 1024])
def test_a_scaled_picture_shows_the_figure_at_its_place(
    template: PointsTemplate, pose: np.ndarray, side: int
) -> None:
    usual = middle(template.draw(pose, (512, 512)))
    found = middle(template.draw(scaled(pose, side / 512), (side, side)))
    np.testing.assert_allclose(found / side, usual / 512, atol=0.004)


def test_a_picture_with_bounds_is_that_without(template: PointsTemplate, pose: np.ndarray) -> None:
    """Only what the figure may touch is drawn, and nothing of it is cut off."""
    reach = np.full(137, 0.25, np.float32)
    bounds = FigureBounds(np.zeros((3, 2, 3), np.float32), reach)
    part = open_template(card(bounds), points_arrays(), threads=1)
    whole, other = template.draw(pose, (512, 512)), part.draw(pose, (512, 512))
    assert np.abs(whole[..., 3].astype(int) - other[..., 3]).mean() < 0.5
    far = scaled(pose, 0.4, 30, 20)
    assert part.draw(far, (512, 512))[300:, 300:].max() == 0


def test_a_figure_is_placed_where_it_stands(template: PointsTemplate, pose: np.ndarray) -> None:
    keypoints, scale = scaled(pose, 1.5, 300, 100), 1.5 * 400 / SKELETON.height
    (figure,) = template.draw_figure(keypoints, scale, (1920, 1080), False)
    assert figure.width == figure.height
    assert figure.width % 16 == 0
    assert figure.pixels.shape == (512, 512, 4)
    place = middle(figure.pixels) * figure.width / 512 + [figure.left, figure.top]
    true = middle(template.draw(pose, (512, 512))) * 1.5 + [300, 100]
    np.testing.assert_allclose(place, true, atol=4)


def test_haze_is_cleaned_off_a_placed_figure(template: PointsTemplate, pose: np.ndarray) -> None:
    (figure,) = template.draw_figure(scaled(pose, 1), 400 / SKELETON.height, (512, 512), False)
    alpha = figure.pixels[..., 3]
    usual = template.draw(pose, (512, 512))[..., 3]
    assert ((usual > 0) & (usual < 8)).any()
    assert (alpha == 0).any()
    assert (alpha == 255).any()
    from dance_now.character.templates import canvas_drawing

    table = canvas_drawing._CLEANED
    assert (table[:9] == 0).all()
    assert (table[247:] == 255).all()
    assert (np.diff(table.astype(int)) >= 0).all()


def test_detail_draws_a_large_head_again(template: PointsTemplate, pose: np.ndarray) -> None:
    scale = 3 * 400 / SKELETON.height
    keypoints = scaled(pose, 3)
    assert len(template.draw_figure(keypoints, scale, (1536, 1536), False)) == 1
    whole, head = template.draw_figure(keypoints, scale, (1536, 1536), True)
    assert head.width < 0.8 * whole.width
    assert head.top >= whole.top


def test_nothing_is_drawn_where_nothing_shows(template: PointsTemplate, pose: np.ndarray) -> None:
    scale = 400 / SKELETON.height
    assert template.draw_figure(scaled(pose, 1, 5000), scale, (512, 512), True) == ()
    assert template.draw_figure(np.zeros((137, 4), np.float32), scale, (512, 512), True) == ()
    assert template.draw_figure(pose, 0.0, (512, 512), False) == ()


def test_arrays_of_something_else_are_refused() -> None:
    with pytest.raises(TypeError):
        open_template(card(), {"positions": np.zeros((1, 3), np.float32)})


def test_detail_draws_a_large_figure_on_a_larger_canvas(template: PointsTemplate, pose: np.ndarray) -> None:
    for factor in (1.25, 1.53, 4):
        keypoints, scale = scaled(pose, factor), factor * 400 / SKELETON.height
        figures = (template.draw_figure(keypoints, scale, (2200, 2200), each)[0] for each in (False, True))
        usual, fine = figures
        assert len(usual.pixels) == 512
        assert len(fine.pixels) == min(fine.width, 1024)
        assert (usual.left, usual.top, usual.width) == (fine.left, fine.top, fine.width)
        placed = [middle(each.pixels) * each.width / len(each.pixels) for each in (usual, fine)]
        np.testing.assert_allclose(*placed, atol=0.01 * usual.width)
