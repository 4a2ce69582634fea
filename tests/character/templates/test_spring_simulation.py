"""Hair swings with a figure's motion, the same at every frame rate, and never explodes."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import numpy.typing as npt
import pytest
from skeletons import chibi_skeleton, posed, posture
from surfaces import surface_arrays

from dance_now.character.templates.spring_simulation import SpringSimulation
from dance_now.character.templates.surface import SurfaceArrays, SurfaceDrawing
from dance_now.core.arrays import FloatArray
from dance_now.pose.model.pose import Pose

SKELETON = chibi_skeleton()
SCALE = 300.0  # pixels per metre
STANDING = posed(SKELETON, posture(SKELETON))


def drawing_of(**forces: float) -> SurfaceDrawing:
    """The made-up character; ``stiffness``, ``drag``, ``gravity`` of its tail."""
    arrays = SurfaceArrays(**surface_arrays())
    changed = arrays.spring_forces.copy()
    for column, name in ((0, "stiffness"), (1, "drag"), (4, "gravity")):
        if name in forces:
            changed[:, column] = forces[name]
    return SurfaceDrawing(SKELETON, dataclasses.replace(arrays, spring_forces=changed))


def simulation(**forces: float) -> SpringSimulation:
    found = drawing_of(**forces).spring_simulation()
    assert found is not None
    return found


def at(x: float, y: float = 0.0, pose: Pose = STANDING, scale: float = SCALE) -> Pose:
    """A pose in a picture, its hips at (x, y)."""
    factor = scale / float(SKELETON.scale(keypoints_of(pose)[:, :3]))
    across, down = (pose.points[8, :2] * factor).tolist()
    return pose.transformed(factor, (x - across, y - down))


def keypoints_of(pose: Pose) -> FloatArray:
    return np.column_stack([pose.points[:, :2], pose.depth, pose.points[:, 2]]).astype(np.float32)


def swinging(seconds: float, **options: float) -> npt.NDArray[np.float64]:
    """Tails at the last of poses that go to and fro for a second and a half."""
    simulate, tails = simulation(**options), np.zeros((1, 3))
    for time in np.arange(0, 1.5 + 1e-9, seconds):
        tails = simulate(at(80 * np.sin(6 * time)), float(time))
    return tails


def test_a_pose_on_its_own_hangs_as_it_is_drawn_without_simulation() -> None:
    drawing = drawing_of()
    keypoints = keypoints_of(at(200, 150))
    drawing.place(keypoints, screen_height=400)
    still = drawing.vertices.copy()
    simulate = drawing.spring_simulation()
    assert simulate is not None
    drawing.place(keypoints, screen_height=400, tails=simulate(at(200, 150), 3.0))
    np.testing.assert_allclose(drawing.vertices, still, atol=1e-2)  # samples


def test_hair_lags_behind_a_figure_that_starts_to_move() -> None:
    simulate = simulation()
    hanging = simulate(at(100), 0.0)
    for step in range(1, 7):
        tails = simulate(at(100 + 20 * step), step / 30)
    assert tails[0, 0] < hanging[0, 0] - 0.02
    for step in range(7, 200):
        tails = simulate(at(220), step / 30)
    np.testing.assert_allclose(tails, hanging, atol=2e-3)


@pytest.mark.parametrize("rate", [12, 24, 60])
def test_the_frame_rate_hardly_matters(rate: int) -> None:
    usual = swinging(1 / 30)
    assert np.linalg.norm(usual - swinging(10.0)) > 0.02
    assert np.linalg.norm(swinging(1 / rate) - usual) < 0.03 * SKELETON.height


def test_the_same_motion_gives_the_same_bits() -> None:
    np.testing.assert_array_equal(swinging(1 / 30), swinging(1 / 30))


def test_a_camera_that_pans_blows_nothing_about() -> None:
    panned, alone = simulation(), simulation()
    hanging = panned(at(100), 0.0)
    alone(at(100), 0.0)
    for step in range(1, 10):
        told = panned(at(100 + 30 * step), step / 30, scene_shift=(30.0, 0.0))
        untold = alone(at(100 + 30 * step), step / 30)
    np.testing.assert_allclose(told, hanging, atol=1e-4)
    assert np.linalg.norm(untold - hanging) > 0.05


def test_a_figure_that_comes_nearer_is_not_blown_about() -> None:
    simulate = simulation()
    hanging = simulate(at(300, 300), 0.0)
    for step in range(1, 30):
        tails = simulate(at(300, 300, scale=SCALE * (1 + 0.03 * step)), step / 30)
    np.testing.assert_allclose(tails, hanging, atol=0.02)


@pytest.mark.parametrize("time", [5.0, 0.05, -1.0])
def test_what_does_not_follow_begins_anew(time: float) -> None:
    simulate = simulation()
    simulate(at(100), 0.0)
    for step in range(1, 4):
        simulate(at(100 + 25 * step), step / 60)
    np.testing.assert_allclose(simulate(at(900), time), simulation()(at(900), 0.0), atol=0.06)


def test_reset_forgets_the_motion() -> None:
    simulate = simulation()
    for step in range(5):
        simulate(at(100 + 25 * step), step / 30)
    simulate.reset()
    np.testing.assert_array_equal(simulate(at(300), 5 / 30), simulation()(at(300), 0.0))


@pytest.mark.parametrize("up", [(0, 1, 0), (0, 0.8, 0.6)])
@pytest.mark.parametrize(
    "forces", [{}, {"stiffness": 0.0, "drag": 0.0}, {"stiffness": 1e4}, {"drag": 1.0}, {"gravity": -1e4}]
)
def test_nothing_explodes(forces: dict[str, float], up: tuple[float, float, float]) -> None:
    simulate, generator = simulation(**forces), np.random.default_rng(3)
    drawing = drawing_of(**forces)
    length = np.linalg.norm(np.diff(surface_arrays()["spring_points"][0], axis=0))
    for step in range(300):
        keypoints = at(*generator.normal(0, 10.0 ** generator.integers(0, 5), 2), pose=random_pose(generator))
        tails = simulate(keypoints, step / generator.choice([12, 30, 240]), up)
        assert np.isfinite(tails).all()
        drawing.place(keypoints_of(keypoints), screen_height=400, tails=tails)
        joint = drawing.affines[47]
        np.testing.assert_allclose(joint[:, :3] @ joint[:, :3].T, np.eye(3), atol=1e-6)
    assert 0 < length < 1


@pytest.mark.slow
def test_ten_thousand_random_poses() -> None:
    simulate, generator = simulation(), np.random.default_rng(4)
    for step in itertools.islice(itertools.count(), 10_000):
        tails = simulate(at(*generator.normal(0, 300, 2), pose=random_pose(generator)), step / 30)
        assert np.abs(tails).max() < 2 * SKELETON.height


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_time_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        simulation()(at(0.0), value)


def test_a_character_without_springs_has_no_simulation() -> None:
    arrays = SurfaceArrays(**surface_arrays())
    without = {
        name: getattr(arrays, name)[:0] for name in ("spring_parents", "spring_points", "spring_forces")
    }
    bare = dataclasses.replace(
        arrays,
        **without,
        joints=np.where(arrays.joints >= 47, 0, arrays.joints).astype(np.uint16),
        spring_colliders=np.zeros((0, arrays.spring_colliders.shape[1]), np.uint8),
    )
    assert SurfaceDrawing(SKELETON, bare).spring_simulation() is None


def random_pose(generator: np.random.Generator) -> Pose:
    """Limbs anywhere, with the body's proportions."""
    directions = generator.normal(size=(4, 2, 3))
    names = ("left_arm", "right_arm", "left_leg", "right_leg")
    chosen = dict(zip(names, directions.tolist(), strict=True))
    return posed(SKELETON, posture(SKELETON, turn=float(generator.uniform(-180, 180)), **chosen))
