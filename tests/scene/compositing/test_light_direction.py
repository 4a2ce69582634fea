import cv2
import numpy as np
import pytest

from dance_now.scene.compositing.composition import Layer
from dance_now.scene.compositing.ground_shadow import ContactShadow
from dance_now.scene.compositing.light_direction import DirectionalLight, LightDirectionEstimator
from dance_now.scene.filters.region import Box

FEET, HEIGHT = np.array([200.0, 200.0]), 120.0


def ground(seed: int = 0) -> np.ndarray:
    """Grass, as it were."""
    noise = np.random.default_rng(seed).normal(0, 12, (300, 400, 3))
    return np.clip(noise + np.array([90, 120, 60]), 0, 255).astype(np.uint8)


def body() -> np.ndarray:
    """(300, 400) a figure that stands at FEET."""
    mask = np.zeros((300, 400), np.float32)
    mask[80:200, 185:215] = 1
    return mask


def lit(across: float, down: float, darkness: float) -> np.ndarray:
    """The ground with the body's shadow, and the body on it."""
    y = FEET[1]
    shear = np.array([[1, -across, across * y], [0, -down, y + down * y]])
    shadow = cv2.GaussianBlur(cv2.warpAffine(body(), shear, (400, 300)), (0, 0), 2)
    picture = ground() * (1 - darkness * shadow[..., None])
    picture[body() > 0] = 200
    return picture.astype(np.uint8)


def read(*pictures: np.ndarray) -> LightDirectionEstimator:
    reader = LightDirectionEstimator()
    for index, picture in enumerate(pictures):
        reader.observe(picture, ground()[::2, ::2], body()[::2, ::2], FEET, HEIGHT, index * 0.25)
    return reader


@pytest.mark.parametrize(("across", "down"), [(0.8, -0.25), (-0.7, 0.3), (-1.0, -0.35), (0.6, 0.4)])
def test_the_direction_is_read_off_the_shadow(across: float, down: float) -> None:
    sun = read(lit(across, down, 0.45)).light
    assert sun is not None
    assert sun.across == pytest.approx(across, abs=0.3)
    assert sun.down == pytest.approx(down, abs=0.2)
    assert sun.darkness == pytest.approx(0.4, abs=0.12)


@pytest.mark.parametrize("darkness", [0.0, 0.1])
def test_a_faint_shadow_is_diffuse_light(darkness: float) -> None:
    assert read(lit(0.8, -0.25, darkness)).light is None


def test_another_color_is_no_shadow() -> None:
    picture = lit(0.0, -0.1, 0.0)
    picture[180:210, 220:300] = (120, 60, 20)
    assert read(picture).light is None


def test_one_odd_image_changes_little() -> None:
    plain = lit(0.8, -0.25, 0.0)
    sun = read(*[plain] * 10, lit(0.8, -0.25, 0.5)).light
    assert sun is None or sun.darkness < 0.1


def test_the_shadow_falls_to_the_side_that_the_light_says() -> None:
    layer = Layer(Box(80, 200, 185, 215), np.full((120, 30, 4), 255, np.uint8))
    soles = np.array([[[205, 198], [207, 200]], [[193, 198], [191, 200]]], np.float64)
    soft, cast = np.full((300, 400, 3), 180, np.uint8), np.full((300, 400, 3), 180, np.uint8)
    ContactShadow()(soft, layer, soles, HEIGHT, 0.0)
    ContactShadow()(cast, layer, soles, HEIGHT, 0.0, DirectionalLight(0.8, -0.3, 0.4))
    right, left = (slice(185, 192), slice(232, 238)), (slice(185, 192), slice(162, 168))
    assert cast[right].mean() < soft[right].mean() - 40
    assert cast[left].mean() == pytest.approx(soft[left].mean(), abs=2)
    assert (cast.astype(int) - soft).max() <= 5
    far = (slice(0, 300), slice(290, 400))  # where the person's own shadow is still in the image
    np.testing.assert_allclose(cast[far].astype(int), soft[far], atol=2)
