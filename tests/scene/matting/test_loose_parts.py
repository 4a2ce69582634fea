"""Hair that flies beyond a network's mask."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dance_now.core.arrays import FloatArray, Image
from dance_now.scene.matting.loose_parts import loose_parts

HAIR, SHIRT, WALL = (90, 50, 30), (40, 90, 170), (150, 160, 140)


def figure(wall: tuple[int, int, int] = WALL) -> tuple[Image, FloatArray, Image]:
    """Somebody 200 pixels tall whose hair flies to the right: image, coarse mask, and the hair (0, 255)."""
    image = np.full((320, 320, 3), wall, np.uint8)
    image = np.clip(image + np.random.default_rng(0).normal(0, 4, image.shape), 0, 255).astype(np.uint8)
    body, hair = np.zeros((320, 320), np.uint8), np.zeros((320, 320), np.uint8)
    cv2.ellipse(body, (160, 180), (30, 80), 0, 0, 360, 255, -1)
    image[body > 0] = SHIRT
    head = np.zeros_like(body)
    cv2.circle(head, (160, 80), 20, 255, -1)
    image[head > 0] = HAIR
    cv2.fillPoly(hair, [np.array([[165, 65], [225, 70], [222, 92], [165, 90]])], 255)
    image[hair > 0] = HAIR
    coarse = cv2.GaussianBlur(body | head, (0, 0), 2).astype(np.float32) / 255
    return image, coarse, hair & ~cv2.dilate(head, np.ones((9, 9), np.uint8))


def test_flying_hair_is_found_and_the_scene_is_not() -> None:
    image, coarse, hair = figure()
    found = loose_parts(coarse, image, 200)
    assert (found[hair > 0] > 0).mean() > 0.85
    away = cv2.dilate(hair, np.ones((13, 13), np.uint8)) == 0
    assert (found[away & (coarse < 0.02)] > 0).mean() < 0.002


def test_nothing_is_found_before_a_scene_of_the_same_color() -> None:
    image, coarse, _ = figure(wall=HAIR)
    assert (loose_parts(coarse, image, 200) > 0).mean() < 0.002


@pytest.mark.parametrize("shape", [(8, 8), (1, 40), (40, 1)])
def test_tiny_images(shape: tuple[int, int]) -> None:
    image = np.full((*shape, 3), 90, np.uint8)
    assert not loose_parts(np.zeros(shape, np.float32), image, 5).any()
    assert loose_parts(np.ones(shape, np.float32), image, 5).shape == shape
