"""Compositing time of a character: milliseconds of CPU time on one thread.

The character is a synthetic figure of 0.85 of the image's height.

Run: python benchmarks/bench_compose.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np

from dance_now.core.arrays import Image
from dance_now.scene.compositing.color_match import ColorMatch
from dance_now.scene.compositing.composition import composite_over, place_canvas, unpremultiply
from dance_now.scene.compositing.figure_lighting import FigureShader, PlacedCanvas, PlacedFigure
from dance_now.scene.compositing.grain import GrainMatch
from dance_now.scene.compositing.ground_shadow import ContactShadow
from dance_now.scene.compositing.light_direction import LightDirectionEstimator
from figures import record, run_benchmark

SIZES = ((1280, 720), (1920, 1080))
ROUNDS = 15


def figure() -> Image:
    """Synthetic figure: a head, a body and legs on a canvas, soft-edged."""
    generator = np.random.default_rng(0)
    colors = cv2.resize(generator.integers(0, 256, (16, 16, 3), np.uint8), (512, 512))
    alpha = np.zeros((512, 512), np.uint8)
    cv2.circle(alpha, (256, 150), 85, 255, -1)
    cv2.ellipse(alpha, (256, 300), (70, 110), 0, 0, 360, 255, -1)
    cv2.line(alpha, (230, 380), (215, 455), 255, 40)
    cv2.line(alpha, (282, 380), (297, 455), 255, 40)
    return np.dstack([colors, cv2.GaussianBlur(alpha, (0, 0), 1.0)]).astype(np.uint8)


def milliseconds(function: Callable[[], object]) -> float:
    """CPU time of the fastest call."""
    best = np.inf
    for _ in range(ROUNDS):
        begun = time.process_time()
        function()
        best = min(best, time.process_time() - begun)
    return 1000 * best


def operations(width: int, height: int) -> dict[str, Callable[[], object]]:
    """Timed operations for one image size."""
    canvas = figure()
    image = np.random.default_rng(1).integers(60, 200, (height, width, 3), np.uint8)
    side = round(height * 0.85 * 1.25 / 16) * 16
    corner = (width // 2 - side // 2, height - side)
    small = (640, 640 * height // width)
    person = cv2.resize(canvas[..., 3], small).astype(np.float32) / 255
    empty = np.asarray(cv2.resize(image, small), np.uint8)
    ground = corner[1] + side * 475 / 512
    soles = np.array([[[15, -5], [18, 0]], [[-15, -5], [-18, 0]]]) * side / 512 + (width / 2, ground)
    standing = PlacedFigure((PlacedCanvas(canvas, corner, (side, side)),), soles, side * 0.8)
    layer, picture = place_canvas(canvas, corner, (side, side), height, width), image.copy()
    transparent = np.zeros((height, width, 4), np.uint8)
    match, shadow, texture = ColorMatch(0.5), ContactShadow(), GrainMatch()
    plain, best = FigureShader(0.5), FigureShader(0.5, best=True)
    for learner in (match, texture, plain, best):
        learner.observe(image, person, 0.0)
    feet = soles.mean(axis=(0, 1))
    return {
        "place": lambda: place_canvas(canvas, corner, (side, side), height, width),
        "draw over": lambda: composite_over(picture, layer),
        "straight alpha (scene alpha only)": lambda: unpremultiply(transparent),
        "light: apply": lambda: match(canvas),
        "light: observe (5 a second)": lambda: ColorMatch(0.5).observe(image, person, 0.0),
        "light direction: observe (4 a second)": lambda: LightDirectionEstimator().observe(
            image, empty, person, feet, standing.height, 0.0
        ),
        "contact shadow": lambda: shadow(picture, layer, soles, standing.height, 0.0),
        "grain and blur (best)": lambda: texture(layer, 0),
        "grain and blur: observe (best, 2 a second)": lambda: GrainMatch().observe(image, person, 0.0),
        "all of a frame": lambda: composite_over(picture, plain.shade(picture, standing, 0.0, 0)),
        "all of a frame, best": lambda: composite_over(picture, best.shade(picture, standing, 0.0, 0)),
    }


def main() -> None:
    """Command line: prints a line for each operation and size."""
    cv2.setNumThreads(1)
    for width, height in SIZES:
        print(f"{width}x{height}:")
        for name, function in operations(width, height).items():
            spent = milliseconds(function)
            record(f"{width}x{height}: {name}", spent, "ms")
            print(f"  {name:42s} {spent:6.2f} ms")


if __name__ == "__main__":
    run_benchmark(main)
