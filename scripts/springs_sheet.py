"""Renders docs/springs.jpg: frames of a motion with hair and skirt as the avatar's own, swinging, and still.

The motion is in the folder DANCE_NOW_DATA.

python scripts/springs_sheet.py
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
from bench_springs import draw, simulated
from dance_now.character.templates.surface import SurfaceDrawing
from dance_now.core.arrays import Image
from dance_now.render.avatar.avatar_options import AvatarOptions
from dance_now.render.avatar.mascot import MASCOT, avatar_file
from dance_now.render.renderer import Renderer
from dance_now.synthesis.avatar_clip import AvatarClip
from dance_now.synthesis.dataset_renderer import label
from dance_now.training.surface.surface_builder import surface_arrays

SHEET: Final = Path("docs") / "springs.jpg"
MOTION: Final = "deepmimic/humanoid3d_spin.txt"
FRAMES: Final = (8, 14, 18, 21, 24, 27)
SIZE: Final = 400
ROWS: Final = ("the avatar's own", "swinging", "still")
CROP: Final = np.s_[20:380, 95:305]


def main() -> int:
    """Draws all frames, for springs depend on those before."""
    motion = Path(os.environ.get("DANCE_NOW_DATA", "")) / "motions" / MOTION
    if not motion.is_file():
        sys.exit("error: set DANCE_NOW_DATA to the folder with motions/")
    options, avatar_path = AvatarOptions(), avatar_file(Path(MASCOT))
    avatar = options.load(avatar_path)
    drawing, renderer = SurfaceDrawing(*surface_arrays(avatar, None)), Renderer(avatar, SIZE)
    clip = AvatarClip(avatar_path, motion, SIZE, options)
    moments = [moment for moment, _ in zip(clip.moments(), range(max(FRAMES) + 1), strict=False)]
    poses = [label(moment.points, moment.camera, SIZE, None) for moment in moments]
    pan = [moment.camera.centre[0] * SIZE / moment.camera.height for moment in moments]
    swinging = simulated(drawing, poses, [moment.time for moment in moments], pan)
    columns = []
    for index in FRAMES:
        moment, pose = moments[index], poses[index]
        points = np.column_stack([pose.points[:, :2], pose.depth, pose.points[:, 2]]).astype(np.float32)
        (still,) = simulated(drawing, [pose], [0.0])
        own = renderer.render(moment.swung, moment.camera)
        pictures = [own, *(draw(drawing, points, tails, SIZE)[1] for tails in (swinging[index], still))]
        columns.append(np.vstack([on_white(picture)[CROP] for picture in pictures]))
    sheet = np.hstack(columns)
    for row, caption in enumerate(ROWS):
        place = (8, 18 + row * (len(sheet) // len(ROWS)))
        cv2.putText(sheet, caption, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (40, 40, 40), 1, cv2.LINE_AA)
    cv2.imwrite(str(SHEET), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 85])
    print(SHEET.resolve())
    return 0


def on_white(picture: Image) -> Image:
    """RGB of a straight RGBA picture."""
    alpha = picture[..., 3:].astype(np.float32) / 255
    return np.rint(picture[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)


if __name__ == "__main__":
    sys.exit(main())
