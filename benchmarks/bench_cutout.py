"""How exact the matte is, and how well holes are filled, on composites whose truth is known.

An avatar rendered by the studio is pasted over real pictures: its alpha is the true matte, what it covers is
the true background. The matte is compared with the bare mask of the pose network, the fills with OpenCV's
Telea and Navier-Stokes inpainting.

Run: DANCE_NOW_DATA=folder python benchmarks/bench_cutout.py
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from dance_now.arrays import FloatArray, Image
from dance_now.pose.estimator import Detection
from dance_now.pose.opening import open_estimator
from dance_now.scene.background import unknown_background
from dance_now.scene.inpaint import inpaint_smooth, inpaint_texture
from dance_now.scene.limbs import coarse_mask
from dance_now.scene.matte import Matte
from dance_now.studio.dataset import render_dataset

PICTURES = 12
# Parts of the clips in which nobody is: left, top, right, bottom as shares of the picture
PLACES = (
    ("sam2_juggle.mp4", (0.0, 0.0, 0.44, 1.0)),
    ("sam2_juggle.mp4", (0.65, 0.0, 1.0, 1.0)),
    ("single_cam01.mp4", (0.1, 0.55, 0.9, 1.0)),
    ("multi_cam01.mp4", (0.0, 0.65, 1.0, 1.0)),
)


@dataclass(frozen=True, eq=False)
class Composite:
    """A picture with an avatar in it.

    Attributes:
        image: (H, W, 3) uint8.
        behind: (H, W, 3) uint8, the same without the avatar.
        alpha: (H, W) float32, the avatar's.
    """

    image: Image
    behind: Image
    alpha: FloatArray


def composites(data: Path, pictures: int) -> Iterator[Composite]:
    """One avatar in many poses over places of the clips; the same at every run."""
    places = [_place(data / "people" / name, *part) for name, part in PLACES]
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        render_dataset(data / "characters" / "godette.vrm", Path(folder) / "set", pictures, None, workers=1)
        for index, path in enumerate(sorted(Path(folder).glob("set/*_img/*.png"))):
            avatar = np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED), np.uint8)
            yield _pasted(avatar, places[index % len(places)], generator)


def _place(path: Path, left: float, top: float, right: float, bottom: float) -> Image:
    with av.open(str(path)) as container:
        image = next(container.decode(video=0)).to_ndarray(format="rgb24")
    height, width = image.shape[:2]
    part = image[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]
    scale = 720 / part.shape[0]
    return np.asarray(cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)


def _pasted(avatar: Image, behind: Image, generator: np.random.Generator) -> Composite:
    height, width = behind.shape[:2]
    side = round(min(height, width) * generator.uniform(0.8, 1.0))
    small = cv2.resize(avatar, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)
    x, y = round((width - side) * generator.random()), round((height - side) * generator.random())
    alpha = np.zeros((height, width), np.float32)
    colour = np.zeros((height, width, 3), np.float32)
    alpha[y : y + side, x : x + side] = small[..., 3] / 255
    colour[y : y + side, x : x + side] = small[..., 2::-1]
    image = behind + (colour - behind) * alpha[..., None]
    return Composite(np.rint(image).astype(np.uint8), behind, alpha)


def matte_errors(composite: Composite, detection: Detection) -> tuple[float, float]:
    """Mean absolute alpha error of the bare mask and of the matte, over the avatar's area, in percent."""
    height, width = composite.alpha.shape
    area = float(composite.alpha.sum())
    bare = coarse_mask([detection], height, width)
    matte = Matte(unknown_background())(composite.image, [detection]).alpha
    full = cv2.resize(matte, (width, height), interpolation=cv2.INTER_LINEAR)
    errors = [100 * float(np.abs(each - composite.alpha).sum()) / area for each in (bare, np.asarray(full))]
    return errors[0], errors[1]


Fill = Callable[[Image, Image], Image]
FILLS: dict[str, Fill] = {
    "OpenCV Telea": lambda image, hole: np.asarray(cv2.inpaint(image, hole, 5, cv2.INPAINT_TELEA), np.uint8),
    "OpenCV Navier-Stokes": lambda image, hole: np.asarray(
        cv2.inpaint(image, hole, 5, cv2.INPAINT_NS), np.uint8
    ),
    "smooth": lambda image, hole: inpaint_smooth(image, (hole > 0).astype(np.float32)),
    "texture": lambda image, hole: inpaint_texture(image, (hole > 0).astype(np.float32)),
    "texture, best of 4": lambda image, hole: inpaint_texture(image, (hole > 0).astype(np.float32), tries=4),
}


def fill_scores(composite: Composite, fill: Fill) -> tuple[float, float, float]:
    """PSNR in the hole, how much its detail differs from the true one's (natural log), and seconds."""
    hole = cv2.dilate((composite.alpha > 0.05).astype(np.uint8), np.ones((15, 15), np.uint8))
    image = np.where(hole[..., None] > 0, 128, composite.image).astype(np.uint8)
    start = time.process_time()
    filled = fill(image, np.asarray(hole, np.uint8))
    seconds = time.process_time() - start
    inside = hole > 0
    error = float(np.mean((filled[inside].astype(np.float32) - composite.behind[inside]) ** 2))
    detail = [float(_detail(picture)[inside].mean()) for picture in (filled, composite.behind)]
    return 10 * float(np.log10(255**2 / error)), abs(float(np.log(detail[0] / detail[1]))), seconds


def _detail(picture: Image) -> FloatArray:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.abs(np.asarray(cv2.Laplacian(grey, cv2.CV_32F), np.float32))


def main() -> None:
    """Prints two tables."""
    cv2.setNumThreads(1)
    data = Path(os.environ.get("DANCE_NOW_DATA", "shared"))
    estimator = open_estimator(hands=True, face=False)
    errors: list[tuple[float, float]] = []
    scores: dict[str, list[tuple[float, float, float]]] = {name: [] for name in FILLS}
    for composite in composites(data, PICTURES):
        estimator.reset()
        found = estimator(composite.image)
        if found:
            errors.append(matte_errors(composite, found[0].detection))
        for name, fill in FILLS.items():
            scores[name].append(fill_scores(composite, fill))
    print(f"matte: mean absolute alpha error, percent of the avatar's area, median of {len(errors)} pictures")
    for name, value in zip(
        ("mask of the pose network, limbs", "matte"), np.median(errors, axis=0), strict=True
    ):
        print(f"{name:36s} {value:8.1f}")
    print(f"fill: median of {PICTURES} pictures    PSNR dB   detail (0 = as much as the truth)   seconds")
    for name, rows in scores.items():
        psnr, detail, seconds = np.median(rows, axis=0)
        print(f"{name:36s} {psnr:8.2f} {detail:10.2f} {seconds:30.2f}")


if __name__ == "__main__":
    main()
