"""Renders docs/pictures.webp: five drawings by children, and the avatars made of them, dancing.

The drawings are in the folder DANCE_NOW_DATA; they are of facebookresearch/AnimatedDrawings (MIT). Their
joints are found by the program, but for the third, which has no neck: it takes those that come with it. The
fifth has four legs and fails. The place of a drawing that is refused stays empty.

python scripts/picture_sheet.py
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import PIL.Image

from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.media.image.image_file import over_white, read_image
from dance_now.picture_rig.rig_picture import RigOptions, rig_picture
from dance_now.render.avatar.avatar_options import DEFAULT_OPTIONS
from dance_now.synthesis.avatar_clip import AvatarClip

SHEET: Final = Path("docs") / "pictures.webp"
DRAWINGS: Final = ("drawing_1", "drawing_2", "drawing_3", "drawing_4", "drawing_6")
WITH_JOINTS: Final = ("drawing_3",)
MOTION: Final = Path("motions") / "deepmimic" / "humanoid3d_dance_a.txt"
SIDE: Final = 200  # px
FIRST, COUNT, STEP = 0, 40, 1  # frames
QUALITY: Final = 45
_ROWS: Final = {
    "shoulder": (5, 2),
    "elbow": (6, 3),
    "hand": (7, 4),
    "hip": (12, 9),
    "knee": (13, 10),
    "foot": (14, 11),
}


def main() -> int:
    """Rigs the drawings and writes the animation."""
    data = Path(os.environ.get("DANCE_NOW_DATA", ""))
    if not (data / "pictures").is_dir():
        sys.exit("error: set DANCE_NOW_DATA to the folder with pictures/, which holds the drawings")
    stills: list[Image] = []
    dances: list[list[Image]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in DRAWINGS:
            picture, avatar = data / "pictures" / f"{name}.png", Path(folder) / f"{name}.vrm"
            joints = None
            if name in WITH_JOINTS:
                joints = Path(folder) / f"{name}.json"
                joints.write_text(
                    json.dumps(openpose((picture.with_name(f"{name}_joints.yaml")).read_text()))
                )
            stills.append(fitted(read_image(picture)[..., :3]))
            try:
                rig_picture(
                    picture,
                    avatar,
                    licence="MIT",
                    credits="Meta Platforms, AnimatedDrawings",
                    options=RigOptions(joints=joints),
                )
            except DanceNowError as error:
                print(f"{name}: {error}")
                dances.append([fitted(np.full((8, 8, 3), 255, np.uint8))] * COUNT)
                continue
            dances.append(danced(avatar, data / MOTION))
    frames = [np.vstack([np.hstack(stills), np.hstack(row)]) for row in zip(*dances, strict=True)]
    pictures = [PIL.Image.fromarray(frame) for frame in frames]
    pictures[0].save(
        SHEET,
        save_all=True,
        append_images=pictures[1:],
        duration=50 * STEP,
        loop=0,
        quality=QUALITY,
        method=6,
    )
    print(f"{SHEET.resolve()}: {SHEET.stat().st_size / 1e3:.0f} kB")
    return 0


def danced(avatar: Path, motion: Path) -> list[Image]:
    """Frames of an avatar that performs a motion."""
    clip = AvatarClip(avatar, motion, 2 * SIDE, DEFAULT_OPTIONS)
    found = []
    for number, (picture, _) in enumerate(clip.pictures()):
        if number >= FIRST and (number - FIRST) % STEP == 0:
            found.append(fitted(over_white(picture)))
        if len(found) == COUNT:
            break
    return found


def fitted(picture: Image) -> Image:
    """(SIDE, SIDE, 3) a whole picture on white."""
    scale = SIDE / max(picture.shape[:2])
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    square = np.full((SIDE, SIDE, 3), 255, np.uint8)
    top, left = (SIDE - small.shape[0]) // 2, (SIDE - small.shape[1]) // 2
    square[top : top + small.shape[0], left : left + small.shape[1]] = small
    return square


def openpose(text: str) -> dict[str, object]:
    """OpenPose's document of a drawing's joints as AnimatedDrawings writes them."""
    found = re.findall(r"loc:\s*- (\d+)\s*- (\d+)\s*name: (\w+)", text)
    places = {name: np.array([float(x), float(y)]) for x, y, name in found}
    points = np.zeros((25, 3))
    for limb, rows in _ROWS.items():
        for side, row in zip(("left", "right"), rows, strict=True):
            place = places[f"{side}_{limb}"]
            if limb in ("hand", "foot"):  # tips, where OpenPose has wrists and ankles
                place = 0.75 * place + 0.25 * places[f"{side}_{'elbow' if limb == 'hand' else 'knee'}"]
            points[row] = (*place, 1)
    return {"version": 1.3, "people": [{"pose_keypoints_2d": points.ravel().tolist()}]}


if __name__ == "__main__":
    sys.exit(main())
