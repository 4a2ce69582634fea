"""Live smoothing as somebody sees it who stands, sways or leans before a camera."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from skeletons import adult_skeleton, posed, posture

from dance_now.pose.model.pose import Pose
from dance_now.pose.retarget.motion_state import HiddenRowFilter
from dance_now.pose.retarget.retargeter import Retargeter

RATE = 30
PERSON = adult_skeleton()
TALL = 440.0  # pixels
SCALE = TALL / PERSON.height
NECK, HIPS = 1, 8


def trembling(count: int, seed: int) -> npt.NDArray[np.float64]:
    """(count, 137, 2) errors as of an estimator: each point's own, most of them lasting some frames."""
    generator = np.random.default_rng(seed)
    errors = generator.normal(0, 0.004 * TALL, (count, 137, 2))
    for frame in range(1, count):
        errors[frame] = 0.8 * errors[frame - 1] + 0.6 * errors[frame]
    return errors


def danced(poses: list[Pose], smooth: bool = True) -> npt.NDArray[np.float64]:
    """(n, 25, 2) body of the character, pixels."""
    retarget = Retargeter(PERSON)
    step = retarget if smooth else lambda pose, time: retarget.build(retarget.read(pose, time))
    return np.stack([step(pose, frame / RATE).pose.body[:, :2] for frame, pose in enumerate(poses)])


def shaken(pose: Pose, error: npt.NDArray[np.float64]) -> Pose:
    return replace(pose, points=pose.points + np.pad(error, ((0, 0), (0, 1))).astype(np.float32))


def test_who_stands_hardly_trembles() -> None:
    still = posed(PERSON, posture(PERSON), SCALE)
    poses = [shaken(still, error) for error in trembling(8 * RATE, 1)]
    rough, calm = (danced(poses, smooth)[2 * RATE :, [2, 5, 9, 12, 10, 13]] for smooth in (False, True))
    assert 2.4 * (calm - calm.mean(axis=0)).std() < (rough - rough.mean(axis=0)).std()


@pytest.mark.parametrize(("row", "leans"), [(HIPS, False), (NECK, True)])
def test_slow_sways_are_followed(row: int, leans: bool) -> None:
    seconds = 4.0
    clock = np.arange(round(2.25 * seconds * RATE)) / RATE
    way = np.sin(2 * np.pi * clock / seconds)
    poses = []
    for share, error in zip(way, trembling(len(clock), 2), strict=True):
        pose = posed(PERSON, posture(PERSON), SCALE)
        above = (pose.points[[11, 14], 1].mean() - pose.points[:, 1]) / TALL if leans else np.ones(137)
        points = pose.points + np.outer(0.05 * TALL * share * np.maximum(above, 0), [1, 0, 0])
        poses.append(shaken(replace(pose, points=points.astype(np.float32)), error))
    wave = np.exp(-2j * np.pi * clock / seconds)
    calm, rough = (
        ((danced(poses, smooth)[:, row, 0] - 320) * wave)[RATE:].mean() for smooth in (True, False)
    )
    late = -np.angle(calm / rough) / (2 * np.pi) * seconds
    assert abs(calm / rough) > 0.8
    assert late < 0.3


def test_the_row_of_furniture_is_steady_and_outlives_gaps() -> None:
    steady = HiddenRowFilter()
    assert steady(np.inf, 0.0) == np.inf
    assert steady(400.0, 0.1) == 400.0
    rows = [steady(400.0 + 4 * (-1) ** frame, 0.1 + frame / 30) for frame in range(1, 30)]
    assert np.ptp(rows[5:]) < 2
    assert steady(np.inf, 1.2) == pytest.approx(400, abs=2)
    assert steady(np.inf, 2.0) == np.inf
