"""Renders docs/dance.webp, the animation of the README: a juggler, and Tempo in his place.

The clip is in the folder DANCE_NOW_DATA; it is from the demo gallery of facebookresearch/sam2 (Apache-2.0).

python scripts/front_animation.py [DANCED.mp4]
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import PIL.Image

from dance_now import dance
from dance_now.core.arrays import Image
from dance_now.media.open_media import open_source

PICTURE: Final = Path("docs") / "dance.webp"
CLIP: Final = "sam2_juggle.mp4"
FIRST, LAST, STEP = 30, 150, 2  # frames
CROP: Final = np.s_[0:720, 250:970]
SIDE: Final = 360  # px of each half
QUALITY: Final = 62


def main(arguments: list[str]) -> int:
    """Dances the clip, unless a file is given, and writes both side by side."""
    clip = Path(os.environ.get("DANCE_NOW_DATA", "")) / "people" / CLIP
    if not clip.is_file():
        sys.exit("error: set DANCE_NOW_DATA to the folder with people/, which holds the clips")
    with tempfile.TemporaryDirectory() as folder:
        danced = Path(arguments[0]) if arguments else dance(clip, "tempo", Path(folder) / "danced.mp4").output
        halves = [frames(path) for path in (clip, danced)]
    pictures = [
        PIL.Image.fromarray(np.hstack([halved(each) for each in pair])) for pair in zip(*halves, strict=True)
    ]
    with open_source(clip) as source:
        duration = round(1000 * STEP / float(source.frame_rate))
    pictures[0].save(
        PICTURE,
        save_all=True,
        append_images=pictures[1:],
        duration=duration,
        loop=0,
        quality=QUALITY,
        method=6,
    )
    print(f"{PICTURE.resolve()}: {PICTURE.stat().st_size / 1e6:.1f} MB")
    return 0


def frames(path: Path) -> list[Image]:
    """The frames that are shown."""
    with open_source(path) as source:
        return [each.image for each in source.frames() if each.index in range(FIRST, LAST, STEP)]


def halved(image: Image) -> Image:
    """The part with the person, reduced."""
    return np.asarray(cv2.resize(image[CROP], (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
