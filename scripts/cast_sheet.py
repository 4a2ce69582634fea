"""Renders docs/cast.png: every built-in character, ground truth beside prediction, in held-out poses.

Arguments: NAME=DATASET for each character, a data set that ``dance-now render`` made of its avatar.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from dance_now.character.character import Character
from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.pose.model.pose import Pose
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.metrics.comparison_sheets import contact_sheet, over_backdrop
from dance_now.training.metrics.image_metrics import faces_viewer

SHEET: Final = Path("docs") / "cast.png"
PAIRS: Final = 4  # of each character
TILE: Final = 300  # pixels
SMALL_HEAD: Final = 60  # px between the ears from which a picture counts as a portrait


def main(arguments: Sequence[str]) -> int:
    """Command line: writes the sheet."""
    rows = []
    for argument in arguments:
        name, _, dataset = argument.partition("=")
        rows.append(pairs(Character.load(name), LabelledPictures(Path(dataset), "test")))
    if not rows:
        raise DanceNowError("Give NAME=DATASET for each character.")
    sheet = np.vstack(rows)
    if not cv2.imwrite(str(SHEET), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR)):
        raise DanceNowError(f"{SHEET} could not be written.")
    sys.stdout.write(f"{SHEET.resolve()}\n")
    return 0


def pairs(character: Character, pictures: LabelledPictures) -> Image:
    """Row of a portrait and whole figures that face the viewer, evenly spread over the test split."""
    labels = pictures.keypoints
    width = np.linalg.norm(labels[:, 17, :2] - labels[:, 18, :2], axis=1)
    inside = ((labels[:, :25, :2] > 0) & (labels[:, :25, :2] < 512)).all(axis=(1, 2))
    facing = np.array([faces_viewer(label, within=40) for label in labels])
    portraits = np.flatnonzero(facing & (width > SMALL_HEAD) & ~inside)
    whole = np.flatnonzero(facing & inside)
    chosen = [*spread(portraits, 1), *spread(whole, PAIRS - 1)]
    tiles = []
    for index in chosen:
        label = labels[index]
        drawn = character.draw(Pose(label[:, [0, 1, 3]], label[:, 2], label[:, 3] > 0))
        for picture in (pictures.picture(int(index)), drawn):
            tiles.append(cv2.resize(over_backdrop(picture), (TILE, TILE), interpolation=cv2.INTER_AREA))
    return contact_sheet([np.asarray(each, np.uint8) for each in tiles], 2 * PAIRS)


def spread(indices: np.ndarray[tuple[int, ...], np.dtype[np.int64]], count: int) -> list[int]:
    """Selects ``count`` indices, evenly spread."""
    places = np.linspace(0, len(indices) - 1, count + 2).round().astype(int)[1:-1]
    return [int(indices[place]) for place in places]


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except DanceNowError as error:
        sys.exit(f"error: {error}")
