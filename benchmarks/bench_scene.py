"""Milliseconds of processor time of matte and background at 1280x720.

Run: python benchmarks/bench_scene.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np

from dance_now.arrays import Image
from dance_now.pose.estimator import Detection, PersonMask
from dance_now.pose.pose import Pose
from dance_now.scene.background import BackgroundSurvey
from dance_now.scene.inpaint import inpaint_smooth, inpaint_texture
from dance_now.scene.matte import Matte

HEIGHT, WIDTH = 720, 1280


def scenery(seed: int = 0) -> Image:
    """A picture with detail at every scale."""
    generator = np.random.default_rng(seed)
    total = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for cells in (4, 16, 64, 256):
        noise = generator.random((cells, cells * 2, 3), np.float32)
        layer = np.asarray(cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.float32)
        total += layer * 90 / cells**0.3
    return np.clip(total, 0, 255).astype(np.uint8)


def person(shift: int = 0) -> Detection:
    """Somebody 600 pixels high, known by a soft mask."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    x = WIDTH // 2 + shift
    cv2.circle(mask, (x, 110), 50, 255, -1)
    cv2.rectangle(mask, (x - 70, 160), (x + 70, 420), 255, -1)
    cv2.line(mask, (x - 60, 190), (x - 160, 400), 255, 40)
    cv2.line(mask, (x + 60, 190), (x + 160, 400), 255, 40)
    cv2.line(mask, (x - 35, 420), (x - 50, 660), 255, 60)
    cv2.line(mask, (x + 35, 420), (x + 50, 660), 255, 60)
    small = cv2.resize(cv2.GaussianBlur(mask, (0, 0), 3), (256, 144), interpolation=cv2.INTER_AREA)
    alpha = np.asarray(small, np.float32) / np.float32(255)
    return Detection(
        Pose.empty(), PersonMask(alpha, np.eye(2, 3, dtype=np.float32) * np.float32(WIDTH / 256))
    )


def picture(scene: Image, detection: Detection) -> Image:
    """The scene with the person in front, in one colour."""
    alpha = detection.mask.alpha_in(HEIGHT, WIDTH)[..., None]
    return np.rint(scene + (np.array((190, 120, 90), np.float32) - scene) * alpha).astype(np.uint8)


def milliseconds(function: Callable[[], object], rounds: int) -> float:
    """The least of ``rounds`` calls after one to warm up: what other processes do not disturb."""
    function()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def main() -> None:
    """Prints one line for each operation."""
    cv2.setNumThreads(1)
    scene, somebody = scenery(), person()
    image = picture(scene, somebody)
    survey = BackgroundSurvey(expected=24)
    for step in range(24):
        there = person((step - 12) * 40)
        survey.add(picture(scene, there), [there])
    start = time.process_time()
    clean = survey.finish()
    seconds = time.process_time() - start
    matte = Matte(clean)
    cutout = matte(image, [somebody])
    gap = cutout.hole.astype(np.float32) / np.float32(255)
    rows = [
        (f"matte, {clean.camera} camera", milliseconds(lambda: matte(image, [somebody]), 30)),
        (f"background, {clean.camera} camera", milliseconds(lambda: clean.fill(image, cutout), 30)),
        ("inpaint, smooth", milliseconds(lambda: inpaint_smooth(image, gap), 10)),
        ("inpaint, texture", milliseconds(lambda: inpaint_texture(image, gap), 3)),
        ("inpaint, texture, at its best", milliseconds(lambda: inpaint_texture(image, gap, best=True), 1)),
        ("survey: one sample", milliseconds(lambda: BackgroundSurvey().add(image, [somebody]), 10)),
        ("survey of 24: the plate", 1000 * seconds),
    ]
    print(f"{WIDTH}x{HEIGHT}, hole {float((cutout.hole > 0).mean()):.0%} of the picture")
    for name, value in rows:
        print(f"{name:36s} {value:8.1f} ms")


if __name__ == "__main__":
    main()
