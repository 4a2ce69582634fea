"""Feet that stand do not slide, feet that step are let go, soles stay on the ground."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from skeletons import adult_skeleton, chibi_skeleton, posed, posture

from dance_now.pose.model.pose import Pose
from dance_now.pose.model.soles import sole_points
from dance_now.pose.retarget.clip_motion import read_clip
from dance_now.pose.retarget.retargeter import Retargeted, Retargeter

Array = npt.NDArray[np.float64]

CHIBI, ADULT = chibi_skeleton(), adult_skeleton()
RATE, SCALE = 30, 200.0
TALL = ADULT.height * SCALE
FEET = np.array([[11, 22, 23, 24], [14, 19, 20, 21]])  # right, left
FIRST, STEP = 40, 20  # frames: when the right foot leaves, and for how long


def standing(frame: int, random: np.random.Generator) -> Pose:
    """Somebody who sways over still feet, then makes a step with the right foot; with noise."""
    pose = posed(ADULT, posture(ADULT), SCALE)
    points = pose.points.copy()
    sway = 6 * np.sin(frame / 8)
    points[:, 0] += sway * np.clip((points[[14], 1] - points[:, 1]) / TALL, 0, 1)
    part = np.clip((frame - FIRST) / STEP, 0, 1)
    points[FEET[0], 0] -= 50 * part
    points[FEET[0], 1] -= 25 * np.sin(np.pi * part)
    points[10, 0] -= 25 * part
    points[:, :2] += random.normal(0, 0.7, (len(points), 2))
    return replace(pose, points=points)


def poses(count: int = 100) -> list[Pose]:
    random = np.random.default_rng(3)
    return [standing(frame, random) for frame in range(count)]


def clip(seen: list[Pose], camera: Array | None = None) -> list[Retargeted]:
    retarget = Retargeter(CHIBI)
    states = read_clip(retarget, seen, [frame / RATE for frame in range(len(seen))], camera=camera)
    return [retarget.build(state) for state in states if state is not None]


def live(seen: list[Pose]) -> list[Retargeted]:
    retarget = Retargeter(CHIBI)
    return [retarget(pose, frame / RATE) for frame, pose in enumerate(seen)]


def soles(results: list[Retargeted]) -> Array:
    """Middles (n, 2, 2) of both soles, left and right, % of the person's height."""
    points = [sole_points(each.pose, CHIBI, each.scale).mean(axis=1) for each in results]
    return np.stack(points) * 100 / TALL


def spread(track: Array) -> float:
    return float(np.linalg.norm(track - track.mean(axis=0), axis=1).max())


def test_feet_stand_still_in_clips() -> None:
    track = soles(clip(poses()))
    assert spread(track[:, 0]) < 0.3
    assert spread(track[: FIRST - 2, 1]) < 0.3
    assert spread(track[FIRST + STEP + 2 :, 1]) < 0.3
    assert np.linalg.norm(track[-1, 1] - track[0, 1]) > 5  # the step is made


def test_a_foot_that_is_let_go_does_not_jump() -> None:
    held, free = soles(clip(poses())), soles(live(poses()))
    steps = np.linalg.norm(np.diff(held, axis=0), axis=2).max()
    assert steps < np.linalg.norm(np.diff(free, axis=0), axis=2).max() + 1.0


def test_feet_follow_the_ground_under_a_moving_camera() -> None:
    camera = np.stack([20 * np.sin(np.arange(100) / 15), 8 * np.cos(np.arange(100) / 11)], axis=1)
    seen = []
    for pose, shift in zip(poses(), camera, strict=True):
        points = pose.points.copy()
        points[:, :2] += shift.astype(np.float32)
        seen.append(replace(pose, points=points))
    track = soles(clip(seen, camera)) - camera[:, None] * 100 / TALL
    assert spread(track[:, 0]) < 0.3


def test_soles_stay_above_the_ground() -> None:
    ground = posed(ADULT, posture(ADULT), SCALE).points[[19, 21, 22, 24], 1].max()
    for result in clip(poses()):
        lowest = sole_points(result.pose, CHIBI, result.scale)[..., 1].max()
        assert lowest < ground + 0.035 * TALL


def test_bones_keep_their_lengths() -> None:
    for result in clip(poses())[::9]:
        pose = result.pose
        solid = np.column_stack([pose.points[:, :2], pose.depth]) / result.scale
        for first, second in ((9, 10), (10, 11), (12, 13), (13, 14), (14, 19), (11, 22), (14, 21)):
            rest = np.linalg.norm(CHIBI.rest[second] - CHIBI.rest[first])
            np.testing.assert_allclose(np.linalg.norm(solid[second] - solid[first]), rest, rtol=0.01)


def test_a_body_without_feet_is_held_by_its_ankles() -> None:
    known = CHIBI.known.copy()
    known[[19, 20, 21, 22, 23, 24]] = False
    rest = CHIBI.rest.copy()
    rest[~known] = 0
    retarget = Retargeter(replace(CHIBI, rest=rest, known=known))
    seen = poses(40)
    states = read_clip(retarget, seen, [frame / RATE for frame in range(len(seen))])
    ankles = [retarget.build(state).pose.points[14, :2] for state in states if state is not None]
    assert spread(np.stack(ankles) * 100 / TALL) < 0.3
