"""Points around a figure that only pictures tell of."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest
from skeletons import chibi_skeleton, posed, posture

from dance_now.core.arrays import Image
from dance_now.pose.model.bone_rule import BONE_INDEX
from dance_now.pose.model.keypoints import BODY_LIMBS
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.synthesis.surface.surface_points import MeshPoints
from dance_now.training.sources.capsules import capsule_points

SCALE, THICK = 300.0, 0.05  # px a metre; metres from a limb's middle to its edge
THIGHS = [BONE_INDEX["leftUpperLeg"], BONE_INDEX["rightUpperLeg"]]


@pytest.fixture(scope="module")
def skeleton() -> Skeleton:
    return chibi_skeleton()


def pictures(skeleton: Skeleton, turns: Sequence[float]) -> tuple[list[Pose], list[Image]]:
    """A red figure of round limbs, blue from behind."""
    poses = [posed(skeleton, posture(skeleton, turn=turn), scale=SCALE, mid_hip=(256, 350)) for turn in turns]
    drawn = []
    for turn, pose in zip(turns, poses, strict=True):
        picture = np.zeros((512, 512, 4), np.uint8)
        color = (220, 20, 20, 255) if abs(turn) < 90 else (20, 20, 220, 255)
        for start, end in BODY_LIMBS[:13]:
            a, b = (tuple(int(v) for v in pose.points[row, :2]) for row in (start, end))
            cv2.line(picture, a, b, color, round(2 * THICK * SCALE))
        drawn.append(picture)
    return poses, drawn


def beside_thighs(points: MeshPoints, skeleton: Skeleton) -> np.ndarray:
    """How far the points on thighs lie before or behind the line of the bones, metres."""
    own = np.isin(points.bones[:, 0], THIGHS)
    assert own.sum() > 50
    middle = skeleton.rest[[9, 10, 12, 13], 2].mean()
    return np.abs(points.position[own, 2] - middle)


def test_somebody_seen_from_the_front_alone_is_about_round(skeleton: Skeleton) -> None:
    points = capsule_points(skeleton, 3000, *pictures(skeleton, np.linspace(-8, 8, 12).tolist()))
    assert np.quantile(beside_thighs(points, skeleton), 0.95) < 2 * THICK


def test_what_was_never_seen_has_the_color_beside_it(skeleton: Skeleton) -> None:
    points = capsule_points(skeleton, 3000, *pictures(skeleton, np.linspace(-8, 8, 12).tolist()))
    assert (points.color[:, 0] > 0.7).mean() > 0.97


def test_front_and_back_keep_their_colors(skeleton: Skeleton) -> None:
    turns = [*np.linspace(-30, 30, 8), *np.linspace(150, 210, 8)]
    points = capsule_points(skeleton, 3000, *pictures(skeleton, [float(turn) for turn in turns]))
    own = np.isin(points.bones[:, 0], THIGHS)
    front, back = own & (points.normal[:, 2] > 0.7), own & (points.normal[:, 2] < -0.7)
    assert points.color[front, 0].mean() > 0.6
    assert points.color[back, 2].mean() > 0.6


def test_an_arm_beside_the_trunk_has_nothing_of_it(skeleton: Skeleton) -> None:
    thin = 0.015
    poses, drawn = pictures(skeleton, np.linspace(-8, 8, 12).tolist())
    for pose, picture in zip(poses, drawn, strict=True):
        picture[:] = 0
        middle = pose.points[[2, 3, 4, 9, 12, 7, 6, 5], :2].round().astype(np.int32)  # all between the arms
        cv2.fillPoly(picture, [middle], (20, 220, 20, 255))
        for arm in ((2, 3, 4), (5, 6, 7)):
            line = pose.points[list(arm), :2].round().astype(np.int32)
            cv2.polylines(picture, [line], False, (220, 20, 20, 255), round(2 * thin * SCALE))
    points = capsule_points(skeleton, 3000, poses, drawn)
    for side, elbow, wrist in (("left", 6, 7), ("right", 3, 4)):
        own = points.bones[:, 0] == BONE_INDEX[f"{side}LowerArm"]
        assert own.sum() > 20
        axis = skeleton.rest[wrist] - skeleton.rest[elbow]
        away = points.position[own] - skeleton.rest[elbow]
        away = np.linalg.norm(np.cross(away, axis), axis=1) / np.linalg.norm(axis)
        assert np.median(away) < 2 * thin


def test_points_leave_no_holes(skeleton: Skeleton) -> None:
    points = capsule_points(skeleton, 3000, *pictures(skeleton, np.linspace(0, 330, 12).tolist()))
    own = points.position[np.isin(points.bones[:, 0], THIGHS)]
    nearest = np.sort(np.linalg.norm(own[:, None] - own, axis=2), axis=1)[:, 1]
    assert len(points.position) == 3000
    assert nearest.std() < 0.4 * nearest.mean()  # about 0.52 for random points
