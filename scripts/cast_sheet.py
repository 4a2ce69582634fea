"""Renders docs/cast.png and docs/surface.jpg: built-in characters, truth beside drawing, in held-out poses.

cast.png shows portraits and whole figures, reduced; surface.jpg parts of whole figures, pixel for pixel.

Arguments: NAME=DATASET for each character, made of its avatar by ``dance-now render --size 1024``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.character.character import Character
from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.metrics.comparison_sheets import contact_sheet, over_backdrop
from dance_now.training.metrics.image_metrics import faces_viewer
from dance_now.training.metrics.temporal_jitter import pose_from_label

SHEET: Final = Path("docs") / "cast.png"
PARTS: Final = Path("docs") / "surface.jpg"
PART: Final = (400, 540)  # width and height of a part, pixels
PART_PAIRS: Final = 2  # of each character
QUALITY: Final = 84
PAIRS: Final = 4  # of each character
TILE: Final = 288  # pixels
SMALL_HEAD: Final = 0.12  # between the ears, of the picture's width, from which it counts as a portrait


Indices = npt.NDArray[np.int64]


def main(arguments: Sequence[str]) -> int:
    """Command line: writes the sheet."""
    rows, parts = [], []
    for argument in arguments:
        name, _, dataset = argument.partition("=")
        character, pictures = Character.load(name), LabelledPictures(Path(dataset), "test")
        portraits, whole = views(pictures)
        rows.append(contact_sheet(list(reduced(character, pictures, portraits, whole)), 2 * PAIRS))
        parts.append(np.hstack(list(full_size(character, pictures, whole))))
    if not rows:
        raise DanceNowError("Give NAME=DATASET for each character.")
    for path, sheet in ((SHEET, np.vstack(rows)), (PARTS, np.vstack(parts))):
        bgr = cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR)
        options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY] if path.suffix == ".jpg" else []
        if not cv2.imwrite(str(path), bgr, options):
            raise DanceNowError(f"{path} could not be written.")
        sys.stdout.write(f"{path.resolve()}\n")
    return 0


def views(pictures: LabelledPictures) -> tuple[Indices, Indices]:
    """Pictures whose figure faces the viewer: portraits, and whole figures."""
    labels = pictures.keypoints
    side = pictures.size[0]
    width = np.linalg.norm(labels[:, 17, :2] - labels[:, 18, :2], axis=1)
    inside = ((labels[:, :25, :2] > 0) & (labels[:, :25, :2] < side)).all(axis=(1, 2))
    facing = np.array([faces_viewer(label, within=40) for label in labels])
    return np.flatnonzero(facing & (width > SMALL_HEAD * side) & ~inside), np.flatnonzero(facing & inside)


def pair(character: Character, pictures: LabelledPictures, index: int) -> tuple[Image, Image]:
    """True picture and drawing, over a backdrop."""
    drawn = character.draw(pose_from_label(pictures.keypoints[index]), pictures.size)
    return over_backdrop(pictures.picture(index)), over_backdrop(drawn)


def reduced(
    character: Character, pictures: LabelledPictures, portraits: Indices, whole: Indices
) -> Iterator[Image]:
    """A portrait and whole figures, true and drawn, evenly spread over the test split."""
    for index in [*spread(portraits, 1), *spread(whole, PAIRS - 1)]:
        for picture in pair(character, pictures, index):
            yield np.asarray(cv2.resize(picture, (TILE, TILE), interpolation=cv2.INTER_AREA), np.uint8)


def full_size(character: Character, pictures: LabelledPictures, whole: Indices) -> Iterator[Image]:
    """Upper parts of the whole figures, true and drawn, pixel for pixel."""
    for index in spread(whole, PART_PAIRS):
        neck, hips = pictures.keypoints[index][[1, 8], :2]
        middle = neck + (hips - neck) * 0.25
        left, top = (
            int(np.clip(center - length / 2, 0, side - length))
            for center, length, side in zip(middle, PART, pictures.size, strict=True)
        )
        for picture in pair(character, pictures, index):
            yield picture[top : top + PART[1], left : left + PART[0]]


def spread(indices: Indices, count: int) -> list[int]:
    """Selects ``count`` indices, evenly spread."""
    places = np.linspace(0, len(indices) - 1, count + 2).round().astype(int)[1:-1]
    return [int(indices[place]) for place in places]


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except DanceNowError as error:
        sys.exit(f"error: {error}")
