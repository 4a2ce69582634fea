import cv2
import numpy as np
import pytest

from dance_now.scene.compositing.composition import Layer
from dance_now.scene.compositing.grain import GrainMatch, estimate_blur, estimate_noise
from dance_now.scene.filters.region import Box

PERSON = np.zeros((75, 100))
PERSON[5:70, 10:90] = 1


def picture(blur: float, noise: float) -> np.ndarray:
    """Discs on grey, seen through a lens and by a sensor."""
    image = np.full((300, 400), 90, np.uint8)
    for x in range(60, 400, 90):
        cv2.circle(image, (x, 150), 35, 190, -1, cv2.LINE_AA)
    soft = cv2.GaussianBlur(image, (0, 0), blur).astype(np.float64)
    soft += np.random.default_rng(1).normal(0, 1, soft.shape) * noise
    return np.clip(np.rint(soft), 0, 255).astype(np.uint8)


def disc() -> Layer:
    """A white disc."""
    pixels = np.zeros((100, 100, 4), np.uint8)
    cv2.circle(pixels, (50, 50), 30, (200, 200, 200, 255), -1)
    return Layer(Box(20, 120, 40, 140), pixels)


def textured(blur: float, noise: float, index: int = 0) -> np.ndarray:
    texture = GrainMatch()
    texture.observe(picture(blur, noise)[..., None].repeat(3, axis=2), PERSON, 0.0)
    return texture(disc(), index).pixels


@pytest.mark.parametrize("blur", [0.6, 1.0, 2.0])
def test_blur_is_read_off_edges(blur: float) -> None:
    true = np.hypot(blur, 0.4)  # a drawn edge is a pixel wide itself
    assert estimate_blur(picture(blur, 0.0)) == pytest.approx(true, rel=0.15)
    assert estimate_blur(picture(blur, 2.0)) == pytest.approx(true, rel=0.2)
    assert estimate_blur(np.full((40, 40), 90, np.uint8)) == 0


@pytest.mark.parametrize("noise", [1.0, 3.0, 5.0])
def test_noise_is_read_off_flat_parts(noise: float) -> None:
    assert estimate_noise(picture(1.0, noise)) == pytest.approx(noise, rel=0.2)


def test_a_sharp_clean_source_leaves_the_layer_alone() -> None:
    np.testing.assert_array_equal(textured(0.5, 0.0), disc().pixels)


def test_a_soft_source_makes_the_character_soft() -> None:
    soft = textured(2.0, 0.0)
    edge = lambda pixels: np.abs(np.diff(pixels[50, :, 3].astype(int))).max()  # noqa: E731
    assert edge(soft) < 0.5 * edge(disc().pixels)


def test_grain_is_as_strong_as_the_sources_and_new_in_each_frame() -> None:
    first, second = textured(0.5, 3.0, 0), textured(0.5, 3.0, 1)
    inside = (slice(35, 65), slice(35, 65))
    assert first[inside][..., :3].std() == pytest.approx(3.0, rel=0.35)
    assert (first[inside] != second[inside]).any()
    np.testing.assert_array_equal(first, textured(0.5, 3.0, 0))
    assert not first[:15].any()
    assert (first[..., :3] <= first[..., 3:]).all()


def test_before_a_look_nothing_changes() -> None:
    np.testing.assert_array_equal(GrainMatch()(disc(), 0).pixels, disc().pixels)
