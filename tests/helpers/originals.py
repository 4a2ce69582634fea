"""The original's layout, made by the tests: a simple figure over a drawn background, 2D keypoints only."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from skeletons import chibi_skeleton, posed, posture

from dance_now.core.arrays import Image
from dance_now.pose.model.keypoints import BODY_LIMBS
from dance_now.pose.model.pose import Pose

PICTURES, SIDE, SCALE = 24, 320, 180.0


def background() -> Image:
    """(SIDE, SIDE, 3): a gradient with disks."""
    across, down = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    picture = np.dstack([120 + 0.2 * across, 150 + 0.1 * down, 130 + 0 * down]).astype(np.uint8)
    for number in range(6):
        place = np.random.default_rng(number).integers(0, SIDE, 2).tolist()
        cv2.circle(picture, place, 20, (90, 140, 60 + 20 * number), -1)
    return np.ascontiguousarray(picture)


def pose_number(number: int) -> Pose:
    """A pose in an image of SIDE pixels, with its true depth."""
    chance = np.random.default_rng(number)
    skeleton = chibi_skeleton()
    place = posture(
        skeleton,
        turn=float(chance.uniform(-50, 50)),
        left_arm=[[0.7, chance.uniform(-1, 1), 0.2], [0.6, chance.uniform(-1, 1), 0.2]],
        right_arm=[[-0.7, chance.uniform(-1, 1), 0.2], [-0.6, chance.uniform(-1, 1), 0.2]],
    )
    middle = (SIDE / 2 + float(chance.uniform(-70, 70)), 200.0)
    return posed(skeleton, place, scale=SCALE, mid_hip=middle)


def drawn(pose: Pose) -> tuple[Image, Image]:
    """The image (SIDE, SIDE, 3), and where the figure is (SIDE, SIDE) 0 or 255."""
    picture, figure = background(), np.zeros((SIDE, SIDE), np.uint8)
    colors = np.random.default_rng(9).integers(0, 60, (len(BODY_LIMBS), 3))
    for (start, end), color in zip(BODY_LIMBS[:13], colors.tolist(), strict=False):
        from_, to = (pose.points[row, :2].astype(int).tolist() for row in (start, end))
        cv2.line(picture, from_, to, color, 14)
        cv2.line(figure, from_, to, 255, 14)
    head = tuple(pose.points[17:19, :2].mean(axis=0).astype(int).tolist())
    cv2.circle(picture, head, 40, (250, 210, 200), -1)
    cv2.circle(figure, head, 40, 255, -1)
    return picture, figure


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A set in the original's layout: train_img, train_label, and labels without images in test_label."""
    folder = tmp_path_factory.mktemp("original")
    for name in ("train_img", "train_label", "test_label"):
        (folder / name).mkdir()
    for number in range(PICTURES):
        pose = pose_number(number)
        person = {
            key: value for key, value in pose.to_openpose().items() if key not in ("depth", "has_depth")
        }
        text = json.dumps({"version": 1.3, "people": [person]})
        suffix = "png" if number % 2 else "jpg"
        picture = cv2.cvtColor(drawn(pose)[0], cv2.COLOR_RGB2BGR)
        cv2.imwrite(
            str(folder / "train_img" / f"p{number:02d}.{suffix}"), picture, [cv2.IMWRITE_JPEG_QUALITY, 99]
        )
        (folder / "train_label" / f"p{number:02d}_keypoints.json").write_text(text)
    (folder / "test_label" / "q_keypoints.json").write_text(text)
    return folder
