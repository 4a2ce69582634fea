"""Edges, outlines and textures do not shimmer: what moves a little is drawn as what moved a little."""

from collections.abc import Iterable
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from skeletons import posed, posture

from dance_now.character.character import Character

NAMES = [
    "godette",
    pytest.param("uka", marks=pytest.mark.slow),
    pytest.param("tempo", marks=pytest.mark.slow),
]


class View(NamedTuple):
    """Where a figure stands in a picture: pixels per metre, and x, y of the middle of its hips."""

    scale: float
    hips: tuple[float, float]


def differences(character: Character, views: Iterable[View], size: tuple[int, int]) -> np.ndarray:
    """Mean difference of each picture from the one before, which is moved as the figure moved."""
    skeleton = character.card.skeleton
    posture_shown = posture(skeleton, turn=20)
    found: list[float] = []
    last: tuple[np.ndarray, View] | None = None
    for view in views:
        pose = posed(skeleton, posture_shown, scale=view.scale, mid_hip=view.hips)
        drawn = character.draw(pose, size).astype(np.float32)
        drawn[..., :3] *= drawn[..., 3:] / 255
        if last is not None:
            before, old = last
            growth = view.scale / old.scale
            shift = [new - 0.5 - growth * (was - 0.5) for new, was in zip(view.hips, old.hips, strict=True)]
            matrix = np.array([[growth, 0, shift[0]], [0, growth, shift[1]]])
            moved = cv2.warpAffine(before, matrix, size, flags=cv2.INTER_CUBIC)
            near = cv2.dilate((drawn[..., 3] > 0).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
            found.append(float(np.abs(moved - drawn)[near].mean()))
        last = drawn, view
    return np.array(found)


@pytest.mark.parametrize("name", NAMES)
def test_a_pan_of_less_than_a_pixel_is_smooth(name: str) -> None:
    character = Character.load(name)
    scale = 400 / character.card.skeleton.height
    views = (View(scale, (200 + 0.13 * step, 230 + 0.07 * step)) for step in range(40))
    each = differences(character, views, (400, 480))
    assert each.max() < 2 * np.median(each)


@pytest.mark.parametrize("name", NAMES)
def test_a_slow_zoom_is_smooth(name: str) -> None:
    character = Character.load(name)
    scale = 300 / character.card.skeleton.height
    views = (View(scale * 4 ** (step / 120), (310.3, 700.7)) for step in range(121))
    each = differences(character, views, (620, 1400))
    assert each.max() < 2 * np.median(each)
