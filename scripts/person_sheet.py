"""Renders docs/person.jpg: a person's motion above, and below a figure trained from another person's video.

dance-now train sam2_juggle.mp4 -o juggler.dance --licence ... --credits ...
python scripts/person_sheet.py juggler.dance single_cam01.mp4
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from dance_now import dance
from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.media.open_media import open_source

SHEET: Final = Path("docs") / "person.jpg"
MOMENTS: Final = 6
TILE_WIDTH: Final = 230
SHOWN: Final = slice(0.05, 0.75)  # of a frame's height


def main(arguments: Sequence[str]) -> int:
    """Command line: writes the sheet."""
    if len(arguments) != 2:
        raise DanceNowError("Give a character file and a video.")
    character, video = map(Path, arguments)
    with tempfile.TemporaryDirectory() as folder:
        danced = Path(folder) / "danced.mp4"
        dance(video, character, danced)
        sheet = np.vstack([moments(video), moments(danced)])
    if not cv2.imwrite(str(SHEET), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90]):
        raise DanceNowError(f"{SHEET} could not be written.")
    sys.stdout.write(f"{SHEET.resolve()}\n")
    return 0


def moments(video: Path) -> Image:
    """Evenly spread frames of a video, side by side."""
    with open_source(video) as source, closing(source.frames()) as frames:
        images = [frame.image for frame in frames]
    wanted = [round((moment + 0.5) * len(images) / MOMENTS) for moment in range(MOMENTS)]
    return np.hstack([tile(images[index]) for index in wanted])


def tile(image: Image) -> Image:
    """Scaled frame, cropped to the figure's rows."""
    rows = slice(*(round(share * len(image)) for share in (SHOWN.start, SHOWN.stop)))
    height = round(TILE_WIDTH * len(image[rows]) / image.shape[1])
    return np.asarray(cv2.resize(image[rows], (TILE_WIDTH, height), interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
