"""Matte of the figure in a picture: its transparency, a plain ground, or a person on a busy one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import BoolArray, FloatArray, Image
from dance_now.core.errors import DanceNowError
from dance_now.media.image.image_file import over_white, read_image
from dance_now.pose.model.detection import PoseEstimator
from dance_now.scene.filters.guided_filter import refine_mask
from dance_now.scene.matting.closed_form_matting import closed_form

_LARGEST: Final = 2400  # pixels of the longer side that is worked on
_TRANSPARENT: Final = 0.02  # of the picture: from there on its alpha says what the figure is
_PLAIN: Final = 0.8  # of the border has the colour of a plain ground
_UNLIKE: Final = 16.0  # CIELAB: least difference from a plain ground
_SEAMS: Final = 0.006  # of the longer side: gaps in an outline that are closed
_SECOND: Final = 0.3  # of the largest figure: from there on another one is spoken of


@dataclass(frozen=True, eq=False)
class PictureMatte:
    """A picture and the alpha of its figure.

    Attributes:
        rgb: (H, W, 3).
        alpha: (H, W) float32 in [0, 1].
        scale: pixels of the file's picture for one of these.
        notes: what a user should know of how it was found.
    """

    rgb: Image
    alpha: FloatArray
    scale: float
    notes: tuple[str, ...]


def cut_out(picture: Path, mask: Path | None, estimator: PoseEstimator) -> PictureMatte:
    """Cuts the figure out of a picture.

    Args:
        picture: image file.
        mask: image file of the same size, white (or opaque) on the figure; overrides all else.
        estimator: for people on a busy ground.

    Raises:
        DanceNowError: unreadable files, a mask of another size, or no figure on a busy ground.
    """
    pixels = read_image(picture)
    height, width = pixels.shape[:2]
    scale = max(1.0, max(height, width) / _LARGEST)
    size = (max(1, round(width / scale)), max(1, round(height / scale)))
    alpha = pixels[..., 3] if pixels.shape[2] == 4 else None
    rgb = _reduced(pixels[..., :3], size)
    how = "given"
    found: FloatArray
    if mask is not None:
        found = _share(_reduced(_read_mask(mask, (height, width)), size))
    elif alpha is not None and (alpha < 128).mean() > _TRANSPARENT:
        found, how = _share(_reduced(alpha, size)), "alpha"
    else:
        rgb = _reduced(over_white(pixels) if alpha is not None else pixels, size)
        ground = _plain_ground(rgb)
        if ground is not None:
            found, how = _on_plain_ground(rgb, ground), "plain"
        else:
            found, how = _person(rgb, estimator), "person"
    return PictureMatte(rgb, found, scale, _notes(found, how))


def _share(levels: Image) -> FloatArray:
    return np.asarray(levels.astype(np.float32) / np.float32(255), np.float32)


def _reduced(image: Image, size: tuple[int, int]) -> Image:
    if image.shape[1::-1] == size:
        return np.ascontiguousarray(image)
    return np.asarray(cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA), np.uint8)


def _read_mask(path: Path, shape: tuple[int, int]) -> Image:
    pixels = read_image(path)
    if pixels.shape[:2] != shape:
        raise DanceNowError(
            f"{path} has {pixels.shape[1]}x{pixels.shape[0]} pixels, the picture {shape[1]}x{shape[0]}; "
            "they must be of one size.",
            option="mask",
        )
    if pixels.shape[2] == 4 and pixels[..., 3].min() < 128:
        return pixels[..., 3]
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels[..., :3]), cv2.COLOR_RGB2GRAY))


def _plain_ground(rgb: Image) -> FloatArray | None:
    """(H, W, 3) CIELAB of the ground where the border is of one colour, shaded smoothly; else None."""
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    height, width = lab.shape[:2]
    rim = max(2, round(0.02 * min(height, width)))
    border = np.ones((height, width), bool)
    border[rim:-rim, rim:-rim] = False
    rows, columns = np.indices((height, width)).astype(np.float32)
    terms = np.stack(
        [np.ones_like(rows), rows / height, columns / width, (rows / height) ** 2, (columns / width) ** 2],
        axis=2,
    )
    known, kept = lab[border], terms[border]
    near = np.linalg.norm(known - np.median(known, axis=0), axis=1) < 25
    for _ in range(3):
        if near.mean() < 0.5:
            return None
        fit, *_ = np.linalg.lstsq(kept[near], known[near], rcond=None)
        near = np.linalg.norm(known - kept @ fit, axis=1) < _UNLIKE * 0.75
    if near.mean() < _PLAIN:
        return None
    return np.asarray(terms @ fit, np.float32)


def _on_plain_ground(rgb: Image, ground: FloatArray) -> FloatArray:
    """Alpha of what differs from a plain ground, and of what that encloses (white clothes on white paper)."""
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    unlike = np.linalg.norm(lab - ground, axis=2)
    seam = max(1, round(_SEAMS * max(rgb.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * seam + 1, 2 * seam + 1))
    solid = cv2.morphologyEx((unlike > _UNLIKE).astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    outside = _reached_from_border(solid == 0)
    inside = (~outside).astype(np.float32)
    # At the outline the difference from the ground tells how much of a pixel is figure.
    soft = np.clip(unlike / (2 * _UNLIKE), 0, 1)
    band = cv2.dilate(outside.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return np.asarray(np.where(band & ~outside, np.maximum(soft, 0.6), inside), np.float32)


def _reached_from_border(free: BoolArray) -> BoolArray:
    padded = np.pad(free, 1, constant_values=True).astype(np.uint8)
    _, labels = cv2.connectedComponents(padded, connectivity=4)
    return np.asarray(labels[1:-1, 1:-1] == labels[0, 0])


def _person(rgb: Image, estimator: PoseEstimator) -> FloatArray:
    estimator.reset()
    people = estimator(rgb)
    if not people:
        raise DanceNowError(
            "no person was found on the picture's busy ground; give the figure's outline with mask, or a "
            "picture with a plain or transparent ground.",
            option="mask",
        )
    coarse = people[0].detection.mask.alpha_in(*rgb.shape[:2])
    return closed_form(refine_mask(coarse, rgb), coarse, rgb)


def _notes(alpha: FloatArray, how: str) -> tuple[str, ...]:
    _, _, statistics, _ = cv2.connectedComponentsWithStats((alpha > 0.5).astype(np.uint8))
    areas = np.sort(statistics[1:, cv2.CC_STAT_AREA])[::-1]
    others = int((areas[1:] > _SECOND * areas[0]).sum()) if len(areas) else 0
    notes = [f"{others + 1} figures found: the largest is taken"] if others else []
    if how == "person":
        notes.append("the ground is busy: the outline is that of the person's mask")
    return tuple(notes)
