import cv2
import numpy as np
import pytest

from dance_now.scene.matte import grow, refine


def disc(radius: float, height: int = 200, width: int = 240) -> np.ndarray:
    y, x = np.indices((height, width), np.float32)
    return np.clip(radius - np.hypot(x - width / 2, y - height / 2) + 0.5, 0, 1).astype(np.float32)


def test_a_rough_mask_is_pulled_onto_the_edge() -> None:
    true = disc(60)
    noise = np.random.default_rng(0).normal(0, 3, (200, 240, 3))
    image = np.clip(true[..., None] * (180, 60, 50) + (1 - true[..., None]) * (70, 120, 160) + noise, 0, 255)
    rough = np.asarray(cv2.GaussianBlur(disc(59), (0, 0), 3), np.float32)
    refined = refine(rough, image.astype(np.uint8))
    assert refined.shape == rough.shape
    assert refined.dtype == np.float32
    assert np.abs(refined - true).mean() < 0.5 * np.abs(rough - true).mean()
    assert refined.min() == 0
    assert refined.max() == 1


def test_a_flat_picture_leaves_the_mask_about_as_it_is() -> None:
    rough = disc(50)
    refined = refine(rough, np.full((200, 240, 3), 128, np.uint8))
    assert np.abs(refined - rough).mean() < 0.01


def test_nothing_stays_nothing() -> None:
    image = np.random.default_rng(1).integers(0, 255, (40, 50, 3), np.uint8)
    assert not refine(np.zeros((40, 50), np.float32), image).any()
    assert not grow(np.zeros((40, 50), np.float32), 5).any()


def test_far_from_the_mask_nothing_appears() -> None:
    image = np.random.default_rng(2).integers(0, 255, (200, 240, 3), np.uint8)
    assert not refine(disc(40), image)[disc(50) == 0].any()


@pytest.mark.parametrize("pixels", [0, 1, 5, 20])
def test_grow_widens_by_so_many_pixels(pixels: int) -> None:
    before = disc(40)
    after = grow(before, pixels)
    assert (after >= before).all()
    assert (after >= 0.5).sum() == pytest.approx(np.pi * (40 + pixels) ** 2, rel=0.06)
    assert not after[disc(40 + pixels + 3) == 0].any()
