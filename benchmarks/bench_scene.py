"""CPU time of matte and background at 1280x720 in ms, and flicker of the background.

Flicker is measured on synthetic images with camera noise, through which a person walks: the standard
deviation over time of pixels that are filled in all images, of those filled in some, and of their
surroundings.

Run: python benchmarks/bench_scene.py
"""

from __future__ import annotations

import time
from collections.abc import Callable

import cv2
import numpy as np

from dance_now.core.arrays import BoolArray, Image
from dance_now.pose.model.detection import Detection, PersonMask
from dance_now.pose.model.pose import Pose
from dance_now.scene.background.clean_background import Background, BackgroundCollector, inpainted_background
from dance_now.scene.background.inpainting import inpaint_smooth, inpaint_texture
from dance_now.scene.matting.matte import PersonMatting
from figures import record, run_benchmark

HEIGHT, WIDTH = 720, 1280
NOISE = 3.0  # grey levels: of a telephone's camera indoors


def scenery(seed: int = 0) -> Image:
    """Synthetic image with detail at every scale."""
    generator = np.random.default_rng(seed)
    total = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    for cells in (4, 16, 64, 256):
        noise = generator.random((cells, cells * 2, 3), np.float32)
        layer = np.asarray(cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.float32)
        total += layer * 90 / cells**0.3
    return np.clip(total, 0, 255).astype(np.uint8)


def person(shift: int = 0) -> Detection:
    """Person of 600 pixels in height, as a soft mask."""
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
    """Composites the person over the scene, in one color."""
    alpha = detection.mask.alpha_in(HEIGHT, WIDTH)[..., None]
    return np.rint(scene + (np.array((190, 120, 90), np.float32) - scene) * alpha).astype(np.uint8)


def milliseconds(function: Callable[[], object], rounds: int) -> float:
    """Least CPU time of ``rounds`` calls after a warm-up."""
    function()
    times = []
    for _ in range(rounds):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return 1000 * min(times)


def flicker(background: Background, scene: Image, pictures: int = 16) -> tuple[float, float, float]:
    """Flicker in grey levels: of pixels filled always, filled sometimes, and within 40 pixels around."""
    generator = np.random.default_rng(1)
    matte = PersonMatting(background)
    greys, holes = [], []
    for step in range(pictures):
        there = person(6 * step)
        noise = generator.standard_normal(scene.shape, np.float32) * np.float32(NOISE)
        image = np.clip(np.rint(picture(scene, there) + noise), 0, 255).astype(np.uint8)
        cutout = matte(image, [there])
        greys.append(cv2.cvtColor(background.fill(image, cutout), cv2.COLOR_RGB2GRAY))
        holes.append(cutout.hole)
    variance = np.var(np.array(greys, np.float32), axis=0)
    always, touched = np.min(holes, axis=0) == 255, np.max(holes, axis=0) > 0
    around = cv2.dilate(touched.astype(np.uint8), np.ones((81, 81), np.uint8)) > 0

    def varies(where: BoolArray) -> float:
        return float(np.sqrt(variance[where].mean()))

    return varies(always), varies(touched & ~always), varies(around & ~touched)


def main() -> None:
    """Command line: prints a line for each operation."""
    cv2.setNumThreads(1)
    scene, somebody = scenery(), person()
    image = picture(scene, somebody)
    analysis = BackgroundCollector(expected=24)
    for step in range(24):
        there = person((step - 12) * 40)
        analysis.add(picture(scene, there), [there])
    start = time.process_time()
    clean = analysis.finish()
    seconds = time.process_time() - start
    matte = PersonMatting(clean)
    cutout = matte(image, [somebody])
    gap = cutout.hole.astype(np.float32) / np.float32(255)
    rows = [
        (f"matte, {clean.camera} camera", milliseconds(lambda: matte(image, [somebody]), 30)),
        (f"background, {clean.camera} camera", milliseconds(lambda: clean.fill(image, cutout), 30)),
        ("inpaint, smooth", milliseconds(lambda: inpaint_smooth(image, gap), 10)),
        ("inpaint, texture", milliseconds(lambda: inpaint_texture(image, gap), 3)),
        ("inpaint, texture, at its best", milliseconds(lambda: inpaint_texture(image, gap, best=True), 1)),
        ("analysis: one sample", milliseconds(lambda: BackgroundCollector().add(image, [somebody]), 10)),
        ("analysis of 24: the plate", 1000 * seconds),
    ]
    print(f"{WIDTH}x{HEIGHT}, hole {float((cutout.hole > 0).mean()):.0%} of the picture")
    for name, value in rows:
        record(name, value, "ms")
        print(f"{name:36s} {value:8.1f} ms")
    print("flicker, grey levels: filled in all pictures, in some, what surrounds it")
    for name, background in ((f"{clean.camera} camera", clean), ("smooth", inpainted_background("moving"))):
        always, sometimes, around = flicker(background, scene)
        record(f"flicker, {name}: always filled", always, "grey levels")
        record(f"flicker, {name}: sometimes filled", sometimes, "grey levels")
        record(f"flicker, {name}: surroundings", around, "grey levels", "neither")
        print(f"{name:36s} {always:8.2f} {sometimes:8.2f} {around:8.2f}")


if __name__ == "__main__":
    run_benchmark(main)
