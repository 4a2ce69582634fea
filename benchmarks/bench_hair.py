"""Flying hair in mattes: how much of it is removed with the person where no clean plate is known.

A woman of MakeHuman's proportions (``adult_avatars``) whose long hair flies is rendered over crops of real
scenes. The matte is made from her true mask without the hair farther than 3 % of her height from her body,
as a pose network gives it, so that the columns measure the matte alone.

- hair: share of the pixels of that hair that the hole covers.
- too much: pixels of the scene, farther than 3 % of her height from her, that are removed too, of her area.
- ms: processor time of a matte.

python benchmarks/bench_hair.py [--sheet FILE]
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import cv2
import numpy as np

from adult_avatars import adult_avatar
from bench_detection import scenes
from dance_now.core.arrays import Image
from dance_now.pose.model.detection import Detection, PersonMask
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton
from dance_now.render.camera import Camera
from dance_now.render.renderer import Renderer
from dance_now.scene.background.clean_background import inpainted_background
from dance_now.scene.matting.matte import PersonMatting
from dance_now.synthesis.dataset_renderer import label
from figures import record, run_benchmark

SIDE = 640
SWINGS = (-70.0, -40.0, 40.0, 75.0)


def cases(data: Path) -> list[tuple[Image, Detection, Image, Image]]:
    """Image, detection without the hair, and her mask (0, 255), with and without the hair."""
    found = []
    places = scenes(data)
    for swing in SWINGS:
        avatar = adult_avatar("woman", swing)
        low, high = avatar.bounds()
        camera = Camera.orbit(15, 5, (low + high) / 2 * [0, 1, 1], 1.35 * float(high[1] - low[1]))
        whole = Renderer(avatar, SIDE).render(avatar.rest_world, camera)
        bald = Renderer(avatar, SIDE, hide=("long hair",)).render(avatar.rest_world, camera)[..., 3]
        skeleton = avatar_skeleton(avatar)
        pose = label(skeleton.rest, camera, SIDE, None)
        reach = round(0.03 * SIDE / 1.35)
        head = np.minimum(
            cv2.dilate(bald, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)), whole[..., 3], dtype=np.uint8
        )
        soft = cv2.GaussianBlur(head, (0, 0), 2.5).astype(np.float32) / 255
        small = np.asarray(cv2.resize(soft, (256, 256), interpolation=cv2.INTER_AREA), np.float32)
        mask = PersonMask(small, np.array([[SIDE / 256, 0, 0], [0, SIDE / 256, 0]], np.float32))
        for place in places:
            scale = SIDE / min(place.shape[:2])
            scene = cv2.resize(place, None, fx=scale + 0.01, fy=scale + 0.01)[:SIDE, :SIDE]
            alpha = whole[..., 3:].astype(np.float32) / 255
            image = (scene * (1 - alpha) + whole[..., :3] * alpha).astype(np.uint8)
            found.append((image, Detection(pose, mask), whole[..., 3], head))
    return found


def main() -> None:
    """Command line: prints the means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    rows, tiles = [], []
    for image, detection, whole, bald in cases(Path(os.environ["DANCE_NOW_DATA"])):
        matting = PersonMatting(inpainted_background())
        begun = time.process_time()
        hole = matting(image, [detection]).hole > 127
        spent = time.process_time() - begun
        near = cv2.dilate(bald, np.ones((9, 9), np.uint8)) > 127
        hair = (whole > 127) & ~near
        reach = round(0.03 * SIDE)
        around = cv2.dilate(whole, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 127
        rows.append(
            ((hole & hair).sum() / hair.sum(), (hole & ~around).sum() / (bald > 127).sum(), 1000 * spent)
        )
        tile = image.copy()
        tile[hole] = (tile[hole] * 0.4 + np.array([255, 40, 200]) * 0.6).astype(np.uint8)
        tiles.append(cv2.resize(tile, (300, 300), interpolation=cv2.INTER_AREA))
    hair_share, excess, milliseconds = np.mean(rows, axis=0)
    record("hair removed with the person", 100 * hair_share, "% of it", "higher")
    record("scene removed with the person", 100 * excess, "% of her area", "lower")
    record("processor", milliseconds, "ms")
    print(
        f"{len(rows)} images: hair {hair_share:.1%} (worst {min(row[0] for row in rows):.1%}), too much "
        f"{excess:.1%} (worst {max(row[1] for row in rows):.1%}), {milliseconds:.0f} ms"
    )
    if arguments.sheet:
        sheet = np.vstack([np.hstack(tiles[start : start + 5]) for start in range(0, len(tiles), 5)])
        cv2.imwrite(str(arguments.sheet), sheet[..., ::-1])


if __name__ == "__main__":
    run_benchmark(main)
