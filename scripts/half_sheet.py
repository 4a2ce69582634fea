"""Renders docs/half.webp: partly visible people, and the characters that replace them.

A portrait (``skimage.data.astronaut()``, if scikit-image is installed), and crops of frames of clips in the
folder DANCE_NOW_DATA: head, upper body, to the knees, one arm outside, from behind, legs alone.

python scripts/half_sheet.py [CHARACTER]
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from dance_now.app.dancer import Dancer
from dance_now.character.character import Character
from dance_now.core.arrays import Image
from dance_now.media.frame import Frame
from dance_now.media.open_media import open_source
from dance_now.pose.estimators.estimator_registry import open_estimator
from dance_now.pose.model.pose import Pose

SHEET: Final = Path("docs") / "half.webp"
TILE_HEIGHT: Final = 270
COLUMNS: Final = 4
MOMENTS: Final = (("sam2_juggle", 0), ("single_cam01", 0), ("single_cam03", 0))


def frame(clip: Path, index: int) -> Image:
    """Reads one frame of a clip."""
    with open_source(clip) as source:
        for each in source.frames():
            if each.index == index:
                return each.image
    raise ValueError(f"{clip} has no frame {index}")


def crops(image: Image, pose: Pose) -> Iterator[tuple[str, Image]]:
    """Crops of an image of a whole person, each with its name."""
    body = pose.body[:, :2]
    nose, neck, hip = body[[0, 1, 8]]
    knees, feet = body[[10, 13], 1].mean(), body[[11, 14, 19, 22], 1].max()
    tall = float(feet - nose[1])
    top = nose[1] - 0.2 * tall
    chest = neck[1] + 0.08 * tall
    wide = (hip[0] - 0.35 * tall, hip[0] + 0.35 * tall)
    shoulder = body[[2, 5], 0].max()
    boxes = {
        "head": (nose[0] - 0.2 * tall, top, nose[0] + 0.2 * tall, chest),
        "upper body": (wide[0], top, wide[1], hip[1]),
        "to the knees": (wide[0], top, wide[1], knees),
        "an arm outside": (wide[0], top, shoulder, feet + 0.08 * tall),
        "legs": (wide[0], hip[1], wide[1], feet + 0.08 * tall),
    }
    for name, box in boxes.items():
        left, upper, right, lower = (max(round(float(value)), 0) for value in box)
        yield name, np.ascontiguousarray(image[upper:lower, left:right])


def pictures(data: Path | None) -> Iterator[tuple[str, Image]]:
    """Available images of the sheet."""
    try:
        from skimage.data import astronaut
    except ImportError:
        print("without scikit-image, there is no portrait")
    else:
        yield "portrait", np.asarray(astronaut(), np.uint8)
    if data is None:
        print("without DANCE_NOW_DATA, there are no crops of clips")
        return
    estimate = open_estimator(hands=False, face=False)
    for clip, index in MOMENTS:
        image = frame(data / "people" / f"{clip}.mp4", index)
        estimate.reset()
        pose = estimate(image)[0].detection.pose
        for name, crop in crops(image, pose):
            yield f"{clip}: {name}", crop


def tile(name: str, image: Image, drawn: Image) -> Image:
    """Source and result side by side, under their name."""
    scale = TILE_HEIGHT / image.shape[0]
    size = (round(scale * image.shape[1]), TILE_HEIGHT)
    both = np.hstack([cv2.resize(each, size, interpolation=cv2.INTER_AREA) for each in (image, drawn)])
    title = np.full((24, both.shape[1], 3), 255, np.uint8)
    cv2.putText(title, name, (4, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([title, both])


def sheet(tiles: list[Image]) -> Image:
    """Arranges tiles in rows, on white."""
    rows = [tiles[start : start + COLUMNS] for start in range(0, len(tiles), COLUMNS)]
    width = max(sum(each.shape[1] + 8 for each in row) for row in rows)
    lines = []
    for row in rows:
        line = np.full((TILE_HEIGHT + 32, width, 3), 255, np.uint8)
        left = 0
        for each in row:
            line[: each.shape[0], left : left + each.shape[1]] = each
            left += each.shape[1] + 8
        lines.append(line)
    return np.vstack(lines)


def main() -> None:
    """Command line: writes the sheet."""
    folder = os.environ.get("DANCE_NOW_DATA")
    dancer = Dancer(Character.load(sys.argv[1] if len(sys.argv) > 1 else "godette"), smooth=False)
    tiles = []
    for name, image in pictures(Path(folder) if folder else None):
        dancer.reset()
        tiles.append(tile(name, image, dancer(Frame(image, 0.0, 0)).image))
    if not tiles:
        print("nothing to draw")
        return
    picture = cv2.cvtColor(sheet(tiles), cv2.COLOR_RGB2BGR)
    if not cv2.imwrite(str(SHEET), picture, [cv2.IMWRITE_WEBP_QUALITY, 85]):
        sys.exit(f"{SHEET} cannot be written")
    print(f"{SHEET}: {SHEET.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
