from dataclasses import replace

import numpy as np
import pytest

from dance_now.scene.compositing.composition import composite_over
from dance_now.scene.compositing.figure_lighting import FigureShader, PlacedCanvas, PlacedFigure

SCENE = np.random.default_rng(0).normal(90, 4, (240, 320, 3)).clip(0, 255).astype(np.uint8)
PERSON = np.zeros((120, 160))
PERSON[30:100, 60:100] = 1


def standing() -> PlacedFigure:
    """A white block, 100 pixels tall, on the ground at row 200."""
    canvas = np.zeros((128, 128, 4), np.uint8)
    canvas[14:114, 44:84] = 255
    soles = np.array([[[176, 198], [178, 200]], [[146, 198], [144, 200]]], np.float64)
    return PlacedFigure((PlacedCanvas(canvas, (96, 86), (128, 128)),), soles, 100.0)


@pytest.mark.parametrize("best", [False, True])
def test_a_character_takes_on_the_light_and_throws_a_shadow(best: bool) -> None:
    presence = FigureShader(1.0, best=best)
    presence.observe(SCENE, PERSON, 0.0)
    picture = SCENE.copy()
    composite_over(picture, presence.shade(picture, standing(), 0.0, 0))
    assert picture[150, 160].max() < 200  # a dim scene has no 255
    assert picture[203:207, 140:180].mean() < SCENE[203:207, 140:180].mean() - 7
    np.testing.assert_array_equal(picture[:80], SCENE[:80])
    block = picture[120:180, 145:175].astype(float)
    assert (block.std(axis=(0, 1)).max() > 1) == best


def test_without_a_match_only_the_shadow_is_added() -> None:
    presence, figure = FigureShader(0.0), standing()
    presence.observe(SCENE, PERSON, 0.0)
    picture, plain = SCENE.copy(), SCENE.copy()
    composite_over(picture, presence.shade(picture, figure, 0.0, 0))
    composite_over(plain, figure.layer(*SCENE.shape[:2]))
    assert (picture <= plain).all()
    np.testing.assert_array_equal(picture[100:190, 140:180], plain[100:190, 140:180])


def test_reset_forgets_the_light() -> None:
    presence = FigureShader(1.0)
    presence.observe(SCENE, PERSON, 0.0)
    presence.reset()
    picture = SCENE.copy()
    composite_over(picture, presence.shade(picture, standing(), 0.0, 0))
    assert picture[150, 160].min() == 255


def test_furniture_cuts_the_character_and_its_shadow() -> None:
    whole, cut = standing(), replace(standing(), hidden_below=150.5)
    picture, shaded = SCENE.copy(), SCENE.copy()
    composite_over(picture, FigureShader(0.0).shade(picture, cut, 0.0, 0))
    composite_over(shaded, FigureShader(0.0).shade(shaded, whole, 0.0, 0))
    np.testing.assert_array_equal(picture[151:], SCENE[151:])
    np.testing.assert_array_equal(picture[100:150], shaded[100:150])
    assert (picture[150, 145:175] > SCENE[150, 145:175]).all()  # half a row
    assert (picture[150, 145:175] < 255).all()
