"""A person in front of a known scene is cut out to the pixel."""

import cv2
import numpy as np
import pytest

from dance_now.core.arrays import FloatArray, Image
from dance_now.scene.background.camera_view import Plate, PlateView
from dance_now.scene.filters.region import bounding_box
from dance_now.scene.matting.difference_matte import Matte, difference_matte

HEIGHT, WIDTH = 360, 240
COLOR = np.array([60.0, 70, 160])


@pytest.fixture(scope="module")
def scene() -> Image:
    """A textured scene in greens and browns."""
    rng = np.random.default_rng(1)
    coarse = rng.uniform(60, 200, (12, 8, 3)).astype(np.float32) * [0.9, 1, 0.5]
    return np.clip(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), 0, 255).astype(
        np.uint8
    )


@pytest.fixture(scope="module")
def true_alpha() -> FloatArray:
    """A figure with two legs, soft by a pixel."""
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    cv2.ellipse(mask, (120, 130), (45, 80), 0, 0, 360, 1.0, -1)
    for leg in (100, 140):
        cv2.line(mask, (leg, 190), (leg, 300), 1.0, 26)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 1.0), np.float32)


@pytest.fixture(scope="module")
def image(scene: Image, true_alpha: FloatArray) -> Image:
    noise = np.random.default_rng(2).normal(0, 2, scene.shape)
    mixed = true_alpha[..., None] * COLOR + (1 - true_alpha[..., None]) * scene + noise
    return np.clip(mixed, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def coarse(true_alpha: FloatArray) -> FloatArray:
    """A network's mask: some pixels off, and soft."""
    moved = np.roll(true_alpha, (2, -3), axis=(0, 1))
    return np.asarray(cv2.GaussianBlur(moved, (0, 0), 4.0), np.float32)


@pytest.fixture(scope="module")
def matte(scene: Image, image: Image, coarse: FloatArray) -> tuple[Matte, tuple[slice, slice]]:
    box = bounding_box(coarse > 0.05, margin=0.08)
    assert box is not None
    plate = Plate.of(
        scene, np.zeros(scene.shape[:2], np.bool_), [scene], [np.zeros(scene.shape[:2], np.bool_)]
    )
    view = PlateView(plate, plate.small, plate.known, plate.tolerance, np.ones(3), None)
    return difference_matte(image, view, coarse, box), box.slices


def test_alpha_is_exact_to_a_fraction_of_a_pixel(
    matte: tuple[Matte, tuple[slice, slice]], true_alpha: FloatArray, coarse: FloatArray
) -> None:
    found, where = matte
    true = true_alpha[where]
    assert np.abs(found.alpha - true).mean() < 0.15 * np.abs(coarse[where] - true).mean()
    inside, outside = found.alpha > 0.5, true > 0.5
    assert (inside & outside).sum() / (inside | outside).sum() > 0.98


def test_colors_of_the_rim_are_the_persons_own(
    matte: tuple[Matte, tuple[slice, slice]], true_alpha: FloatArray
) -> None:
    found, where = matte
    rim = (true_alpha[where] > 0.3) & (true_alpha[where] < 0.95) & (found.alpha > 0.3)
    assert rim.sum() > 100
    assert np.abs(found.colors[rim] - COLOR).mean() < 8


def test_a_shadow_on_the_scene_is_not_the_person(scene: Image, coarse: FloatArray) -> None:
    shaded = scene.astype(np.float32)
    shaded[150:330] *= 0.6
    box = bounding_box(coarse > 0.05, margin=0.08)
    assert box is not None
    nothing = np.zeros(scene.shape[:2], np.bool_)
    plate = Plate.of(scene, nothing, [scene], [nothing])
    view = PlateView(plate, plate.small, plate.known, plate.tolerance, np.ones(3), None)
    found = difference_matte(shaded.astype(np.uint8), view, np.minimum(coarse, 0.5), box)
    assert (found.alpha > 0.5).mean() < 0.02
