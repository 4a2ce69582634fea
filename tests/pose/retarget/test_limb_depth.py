"""Depth of limbs: sides are kept, cameras are levelled out."""

from collections.abc import Iterable

import numpy as np
import pytest

from dance_now.pose.model.body_scale import SEGMENT_INDEX, SEGMENT_RATIOS
from dance_now.pose.retarget.limb_depth import DepthLifter, SegmentObservation

HEIGHT = 400.0
COUNT = len(SEGMENT_RATIOS)
FOREARM = SEGMENT_INDEX["left_forearm"]
RATE = 30


def sticks(forearm: np.ndarray, raw: float | None = None) -> SegmentObservation:
    """A person who stands, the left forearm pointing as told; the estimator may see another depth."""
    lengths = SEGMENT_RATIOS * HEIGHT
    solid = np.zeros((COUNT, 3))
    solid[:, 1] = -lengths
    solid[SEGMENT_INDEX["trunk"], 1] *= -1
    for name in ("hips", "shoulders"):
        solid[SEGMENT_INDEX[name]] = (lengths[SEGMENT_INDEX[name]], 0, 0)
    solid[FOREARM] = forearm / np.linalg.norm(forearm) * lengths[FOREARM]
    depth = solid[:, 2].copy()
    if raw is not None:
        depth[FOREARM] = raw
    return SegmentObservation(solid[:, :2], depth, np.ones(COUNT, bool), np.ones(COUNT), lengths)


def depths(pictures: Iterable[SegmentObservation], lifter: DepthLifter | None = None) -> np.ndarray:
    """(n,) depth of the left forearm over its length, towards the viewer positive."""
    lift = lifter or DepthLifter()
    found = [lift(each, frame / RATE, yaw=0.0, height=HEIGHT) for frame, each in enumerate(pictures)]
    return np.array([segments[FOREARM, 2] / (SEGMENT_RATIOS[FOREARM] * HEIGHT) for segments in found])


FORWARD = np.array([0.3, -0.4, 0.8])


@pytest.mark.parametrize("frames", [3, 6])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_limb_does_not_flip_where_the_estimator_does_for_a_moment(frames: int, sign: float) -> None:
    towards = FORWARD * [1, 1, sign]
    wrong = sticks(towards, raw=-sign * 0.8 * SEGMENT_RATIOS[FOREARM] * HEIGHT)
    found = depths([sticks(towards)] * 20 + [wrong] * frames + [sticks(towards)] * 20)
    assert (sign * found > 0.1).all()


def test_a_limb_that_stays_on_the_other_side_is_believed() -> None:
    away = sticks(FORWARD * [1, 1, -1])
    found = depths([sticks(FORWARD)] * 20 + [away] * 40)
    assert found[-1] < -0.6


def test_a_limb_that_passes_the_image_plane_changes_sides_at_once() -> None:
    angles = np.radians(np.linspace(60, -60, 25))
    pictures = [sticks(np.array([0, -np.cos(angle), np.sin(angle)])) for angle in angles]
    found = depths([pictures[0]] * 15 + pictures + [pictures[-1]] * 5)[15:40]
    late = [sign for sign, angle in zip(np.sign(found), angles, strict=True) if abs(angle) > np.radians(25)]
    assert late == sorted(late, reverse=True)
    assert np.degrees(np.abs(np.arcsin(np.clip(found, -1, 1)) - angles)).max() < 25


def test_what_lies_ahead_settles_what_a_first_image_gets_wrong() -> None:
    wrong = sticks(FORWARD, raw=-0.8 * SEGMENT_RATIOS[FOREARM] * HEIGHT)
    clip = [wrong] * 4 + [sticks(FORWARD)] * 30
    assert depths(clip)[0] < 0
    lifter = DepthLifter()
    lifter.record()
    depths(reversed(clip), lifter)
    lifter.freeze()
    assert (depths(clip, lifter) > 0.1).all()


@pytest.mark.parametrize("degrees", [-15, 10, 28])
def test_nobody_leans_because_the_camera_looks_down(degrees: float) -> None:
    level = sticks(FORWARD)
    solid = np.column_stack([level.projected, level.raw])
    sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
    solid = solid @ np.array([[1, 0, 0], [0, cosine, -sine], [0, sine, cosine]]).T  # seen from above
    seen = SegmentObservation(solid[:, :2], solid[:, 2], level.known, level.trust, level.lengths)
    lift = DepthLifter()
    for frame in range(10):
        trunk = lift(seen, frame / RATE, yaw=0.0, height=HEIGHT)[SEGMENT_INDEX["trunk"]]
    assert np.degrees(np.arctan2(abs(trunk[2]), trunk[1])) < 4
    assert abs(np.degrees(np.arctan(lift.slope)) - degrees) < 4
