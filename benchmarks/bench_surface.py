"""Prints how near a character made of its avatar's surface comes to the avatar's renders, at their full size.

Over poses of motions that were held out, in a data set of one avatar rendered at 1024 or so:

    dance-now render AVATAR -o DATASET --size 1024 --images 600 --seed 0
    python benchmarks/bench_surface.py DATASET AVATAR [CHARACTER]

Rows: the drawing of CHARACTER (a trained one, at 512) upscaled, and on the largest canvas that it has; the
surface as the kernel draws it, where that is built; the same vertices by the studio's renderer, which is the
ceiling; the same if the labels' own expressions were known, and where the ground is as well. Medians over
the poses, over grey: PSNR in dB within the silhouettes and 16 px around them; SSIM in the rectangle around
these; how strong lines are, as the mean of the Laplacian's amount, drawn over true; likeness
2ab / (a^2 + b^2) of the gradients a and b. Heads that look at the viewer: SSIM. Last, means of the score of
``dance-now evaluate``, at 256 px, in dB and SSIM.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np

from dance_now.character.character import Character
from dance_now.character.templates.surface import SurfaceArrays
from dance_now.core.arrays import FloatArray, Image
from dance_now.core.errors import DanceNowError
from dance_now.core.upscaling import upscale
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.render.avatar.avatar_options import AvatarOptions
from dance_now.render.avatar.mascot import avatar_file
from dance_now.render.face.face_points import face_landmarks
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.metrics.image_metrics import (
    gradients,
    head_score,
    over_grey,
    score,
    structural_similarity,
)
from dance_now.training.metrics.temporal_jitter import pose_from_label
from dance_now.training.surface.surface_builder import surface_arrays
from figures import record, run_benchmark

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "helpers"))
from surface_reference import UP, Posed, SurfaceReference

POSES: Final = 24
AROUND: Final = 16  # pixels
DRAWN: Final = 512  # by a trained character, pixels
_LUMINANCE: Final = np.array([0.299, 0.587, 0.114], np.float32)


class Shown(NamedTuple):
    """What a picture shows.

    Attributes:
        keypoints: (137, 4) x, y, depth, confidence in px.
        expressions: name -> weight.
        up: (3,) away from the ground, view frame.
    """

    keypoints: FloatArray
    expressions: dict[str, float]
    up: FloatArray


Draw = Callable[[Shown], Image]


def main(arguments: Sequence[str]) -> int:
    """Prints the table."""
    if not 2 <= len(arguments) <= 3:
        print(__doc__)
        return 2
    dataset, (avatar_path, *character) = Path(arguments[0]), arguments[1:]
    pictures = LabelledPictures(dataset, "test")
    size = pictures.size[0]
    avatar = AvatarOptions(has_permission=True).load(avatar_file(Path(avatar_path)))
    skeleton, arrays = surface_arrays(avatar, face_landmarks(avatar))
    rows: dict[str, Draw] = {}
    if character:
        trained = Character.load(character[0], threads=1)
        rows["trained, upscaled"] = lambda shown: drawn_enlarged(trained, shown, size)
        rows["trained, larger canvas"] = lambda shown: trained.draw_unchecked(
            pose_from_label(shown.keypoints), pictures.size
        )
    rows |= dict(surface_rows(skeleton, arrays, size))
    measured: dict[str, list[list[float]]] = {name: [] for name in rows}
    for index in np.linspace(0, len(pictures) - 1, min(POSES, len(pictures))).round().astype(int):
        true, shown = pictures.picture(index), read_shown(pictures, index)
        for name, draw in rows.items():
            measured[name].append(measures(draw(shown), true, shown.keypoints))
    print(f"{'':28s}   PSNR   SSIM  lines  likeness   heads   256 px")
    for name, values in measured.items():
        table = np.array(values)
        medians, (small, similar) = np.nanmedian(table[:, :5], axis=0), table[:, 5:].mean(axis=0)
        record(f"{name}: PSNR", medians[0], "dB")
        record(f"{name}: SSIM", medians[1], "SSIM")
        record(f"{name}: lines, drawn over true", medians[2], "ratio")
        record(f"{name}: gradient likeness", medians[3], "ratio", "higher")
        record(f"{name}: heads", medians[4], "SSIM")
        record(f"{name}: at 256 px", small, "dB")
        cells = "{:6.2f}  {:.3f}  {:5.2f}     {:.3f}    {:.3f}".format(*medians)
        print(f"{name:28s} {cells}   {small:5.2f} {similar:.3f}")
    return 0


def read_shown(pictures: LabelledPictures, index: int) -> Shown:
    """A picture's keypoints, and what else its label file tells."""
    path = pictures.folder / "test_label" / f"{pictures.names[index]}_keypoints.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    rotation = np.array(document["camera"]["rotation"])
    return Shown(pictures.keypoints[index], document["expression"], rotation @ UP)


def surface_rows(skeleton: Skeleton, arrays: SurfaceArrays, size: int) -> Iterator[tuple[str, Draw]]:
    """Ways to draw a surface."""
    kernel = kernel_draw(skeleton, arrays, size)
    if kernel is not None:
        yield "surface", kernel
    reference = SurfaceReference(skeleton, arrays)

    def weights(shown: Shown) -> FloatArray:
        return np.array([shown.expressions.get(name, 0.0) for name in skeleton.expressions], np.float32)

    def told(shown: Shown, up: FloatArray) -> Posed:
        posed = reference.pose(shown.keypoints, up)
        return Posed(posed.scale, posed.affines, weights(shown))

    yield "surface by the studio", lambda shown: reference.draw(reference.pose(shown.keypoints), size)
    yield "and true expressions", lambda shown: reference.draw(told(shown, UP), size)
    yield "and true ground", lambda shown: reference.draw(told(shown, shown.up), size)


def kernel_draw(skeleton: Skeleton, arrays: SurfaceArrays, size: int) -> Draw | None:
    """The kernel's drawing; None where it is not built."""
    try:
        from dance_now.character.templates.surface import SurfaceDrawing

        drawing = SurfaceDrawing(skeleton, arrays)
    except (ImportError, DanceNowError):
        return None
    return lambda shown: drawing.draw(shown.keypoints, (0, 0, size, size), screen_height=size, threads=1)


def drawn_enlarged(character: Character, shown: Shown, size: int) -> Image:
    """(size, size, 4) what a trained character draws at its own size, as it is upscaled for a scene."""
    pose = pose_from_label(shown.keypoints)
    shrink = np.float32(DRAWN / size)
    small = Pose(pose.points * np.array([shrink, shrink, 1], np.float32), pose.depth * shrink, pose.has_depth)
    drawn = cv2.cvtColor(character.draw(small, (DRAWN, DRAWN)), cv2.COLOR_RGBA2mRGBA)
    return np.asarray(
        cv2.cvtColor(upscale(np.asarray(drawn, np.uint8), (size, size)), cv2.COLOR_mRGBA2RGBA), np.uint8
    )


def measures(drawn: Image, true: Image, label: FloatArray) -> list[float]:
    """PSNR, SSIM, lines, likeness, SSIM of the head (NaN where none looks at the viewer), score at 256 px."""
    first, second = over_grey(drawn), over_grey(true)
    union = ((first[..., 3] > 0.5) | (second[..., 3] > 0.5)).astype(np.uint8)
    near = cv2.dilate(union, np.ones((2 * AROUND + 1, 2 * AROUND + 1), np.uint8)) > 0
    first, second = first[..., :3], second[..., :3]
    psnr = -10 * np.log10(np.square(first - second)[near].mean())
    rectangle = np.s_[tuple(slice(where.min(), where.max() + 1) for where in np.nonzero(near))]
    ssim = structural_similarity(first, second)[rectangle].mean()
    grey = first @ _LUMINANCE, second @ _LUMINANCE
    lines = [np.abs(cv2.Laplacian(each, cv2.CV_32F))[near].mean() for each in grey]
    a, b = (np.stack(gradients(each))[:, near] for each in grey)
    alike = 2 * (a * b).sum() / (np.square(a).sum() + np.square(b).sum())
    head, small = head_score(drawn, true, label), score(drawn, true)
    head_ssim = np.nan if head is None else head.ssim
    return [
        float(value) for value in (psnr, ssim, lines[0] / lines[1], alike, head_ssim, small.psnr, small.ssim)
    ]


if __name__ == "__main__":
    run_benchmark(lambda: main(sys.argv[1:]))
