"""Draws random surfaces with a kernel whose path is given; run with the sanitizers' library loaded first."""

import ctypes
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from surface_cases import ball_arrays, random_arrays, random_keypoints, random_skeleton

from dance_now.character.kernel import library
from dance_now.character.templates import surface


def main(path: str, rounds: int) -> None:
    """Draws ``rounds`` surfaces of each kind."""
    kernel = ctypes.CDLL(path)
    library.declare(kernel)
    surface.kernel = lambda: kernel
    for seed in range(rounds):
        generator = np.random.default_rng(seed)
        skeleton = random_skeleton(generator)
        arrays = random_arrays(generator) if seed % 2 else ball_arrays(seed, alpha_mode=(seed // 2 % 2, 2))
        drawing = surface.SurfaceDrawing(skeleton, arrays)
        for _ in range(3):
            points = random_keypoints(generator, skeleton)
            left, top = generator.integers(-300, 300, 2)
            width, height = generator.integers(1, 200, 2)
            up = generator.normal(size=3)
            window = (int(left), int(top), int(width), int(height))
            drawing.draw(points, window, screen_height=float(height), threads=1 + seed % 3, up=up)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
