"""Milliseconds of the scene package at 1280x720: matte, background fills, compositing.

Run: python benchmarks/bench_scene.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.scene.background import BackgroundSurvey
from dance_now.scene.compose import compose, compose_at, place
from dance_now.scene.inpaint import inpaint_smooth, inpaint_texture
from dance_now.scene.matte import grow, refine

HEIGHT, WIDTH = 720, 1280


def scenery(seed: int = 0) -> npt.NDArray[np.uint8]:
    """A picture with detail at every scale."""
    generator = np.random.default_rng(seed)
    total = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for cells in (4, 16, 64, 256):
        noise = generator.random((cells, cells * 2, 3), np.float32)
        layer = np.asarray(cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.float32)
        total += layer * 90 / cells**0.3
    return np.clip(total, 0, 255).astype(np.uint8)


def person(shift: int = 0) -> npt.NDArray[np.float32]:
    """A soft figure 600 pixels high; with its hole about 13 % of the picture."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    x = WIDTH // 2 + shift
    cv2.circle(mask, (x, 110), 50, 255, -1)
    cv2.rectangle(mask, (x - 70, 160), (x + 70, 420), 255, -1)
    cv2.line(mask, (x - 60, 190), (x - 160, 400), 255, 40)
    cv2.line(mask, (x + 60, 190), (x + 160, 400), 255, 40)
    cv2.line(mask, (x - 35, 420), (x - 50, 660), 255, 60)
    cv2.line(mask, (x + 35, 420), (x + 50, 660), 255, 60)
    return np.asarray(cv2.GaussianBlur(mask, (0, 0), 3), np.float32) / np.float32(255)


def milliseconds(function: Callable[[], object], rounds: int) -> float:
    """The median over ``rounds`` calls after one to warm up."""
    function()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return float(np.median(times) * 1000)


def main() -> None:
    """Prints one line for each operation."""
    image, alpha = scenery(), person()
    hole = grow(alpha, 14)
    survey = BackgroundSurvey()
    for step in range(24):
        survey.add(image, person((step - 12) * 40))
    start = time.perf_counter()
    clean = survey.finish()
    seconds = time.perf_counter() - start
    character = np.zeros((512, 512, 4), np.uint8)
    character[40:500, 150:360] = (200, 120, 90, 255)
    whole = np.dstack([image, (alpha * 255).astype(np.uint8)])
    to_picture = np.array([[1.3, 0, 300], [0, 1.3, 40]])
    box, patch = place(character, to_picture, HEIGHT, WIDTH)
    rows = [
        ("matte: refine", milliseconds(lambda: refine(alpha, image), 20)),
        ("matte: grow", milliseconds(lambda: grow(alpha, 14), 20)),
        (f"background: fill, {clean.camera} camera", milliseconds(lambda: clean.fill(image, hole), 20)),
        ("background: inpaint, smooth", milliseconds(lambda: inpaint_smooth(image, hole), 10)),
        ("background: inpaint, texture", milliseconds(lambda: inpaint_texture(image, hole), 3)),
        ("compose: whole picture", milliseconds(lambda: compose(image, whole), 20)),
        ("compose: place", milliseconds(lambda: place(character, to_picture, HEIGHT, WIDTH), 20)),
        ("compose: lay the placed part", milliseconds(lambda: compose_at(image, patch, box), 20)),
    ]
    print(f"{WIDTH}x{HEIGHT}, hole {float((hole > 0).mean()):.0%} of the picture")
    for name, value in rows:
        print(f"{name:40s} {value:8.1f} ms")
    print(f"{'background: survey of 24, finish':40s} {seconds * 1000:8.0f} ms")


if __name__ == "__main__":
    main()
