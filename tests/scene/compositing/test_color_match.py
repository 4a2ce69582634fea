import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dance_now.scene.compositing.color_match import ColorMatch

CANVAS = np.zeros((16, 16, 4), np.uint8)
CANVAS[..., 3] = np.arange(16) * 17
CANVAS[:8, :, :3] = 255
CANVAS[8:, :8, :3] = (200, 120, 90)


def scene(
    white: tuple[float, float, float] = (1.0, 1.0, 1.0), black: float = 0.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Grey and colored things under a light: (image, person)."""
    generator = np.random.default_rng(seed)
    albedo = generator.choice([0.02, 0.2, 0.45, 0.7, 0.98], (24, 32, 1)) * np.ones(3)
    albedo[generator.random((24, 32)) < 0.2] = (0.2, 0.5, 0.1)
    albedo = albedo.repeat(10, axis=0).repeat(10, axis=1)
    light = black + (255 * np.array(white) - black) * albedo
    person = np.zeros(light.shape[:2])
    person[60:200, 110:190] = 1
    return np.clip(light, 0, 255).astype(np.uint8), person


def matched(
    strength: float, white: tuple[float, float, float] = (1.0, 1.0, 1.0), black: float = 0.0
) -> np.ndarray:
    match = ColorMatch(strength)
    match.observe(*scene(white, black), 0.0)
    return match(CANVAS)


def test_without_strength_or_look_nothing_changes() -> None:
    np.testing.assert_array_equal(matched(0.0, white=(0.5, 0.6, 0.7)), CANVAS)
    np.testing.assert_array_equal(ColorMatch(1.0)(CANVAS), CANVAS)


def test_a_neutral_scene_changes_little() -> None:
    assert np.abs(matched(1.0).astype(int) - CANVAS).max() <= 14


def test_dim_light_darkens_and_haze_lifts_blacks() -> None:
    assert matched(1.0, white=(0.7, 0.7, 0.7))[0, 0, 0] < 200
    assert matched(0.5, white=(0.7, 0.7, 0.7))[0, 0, 0] in range(200, 245)
    assert matched(1.0, black=60.0)[12, 12, 0] > 20


@pytest.mark.parametrize(("white", "warm"), [((0.9, 0.85, 0.7), True), ((0.72, 0.85, 0.95), False)])
def test_the_tint_of_the_light_is_taken_up(white: tuple[float, float, float], warm: bool) -> None:
    red, _, blue = matched(1.0, white=white)[0, 0, :3].astype(int)
    assert (red > blue + 8) if warm else (blue > red + 8)


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_colors_stay_recognisable_whatever_the_scene(seed: int, strength: float) -> None:
    generator = np.random.default_rng(seed)
    picture = np.broadcast_to(generator.integers(0, 256, 3), (90, 120, 3)).astype(np.uint8).copy()
    picture[::2, ::3] = generator.integers(0, 256, 3)
    person = np.zeros((90, 120))
    person[20:70, 40:80] = 1
    match = ColorMatch(strength)
    match.observe(picture, person, 0.0)
    shown = match(CANVAS)
    np.testing.assert_array_equal(shown[..., 3], CANVAS[..., 3])
    white = shown[0, 0, :3].astype(int)
    assert white.min() >= 254 - 150 * strength
    assert shown[12, 12, :3].max() <= 36 * strength + 1
    assert white.max() - white.min() <= 55 * strength + 1


def test_one_odd_image_hardly_shows() -> None:
    match = ColorMatch(1.0)
    for step in range(20):
        match.observe(*scene(seed=step), step * 0.25)
    before = match(CANVAS).astype(int)
    match.observe(*scene(white=(0.3, 0.3, 0.3)), 5.0)
    assert np.abs(match(CANVAS).astype(int) - before).max() <= 12


def test_an_image_without_person_is_looked_at_as_a_whole() -> None:
    match = ColorMatch(1.0)
    match.observe(scene(white=(0.6, 0.6, 0.6))[0], np.zeros((1, 1)), 0.0)
    assert match(CANVAS)[0, 0, 0] < 200


@pytest.mark.parametrize("strength", [-0.1, 1.1, float("nan")])
def test_strengths_lie_between_0_and_1(strength: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        ColorMatch(strength)
