"""A character made of an avatar's surface is that avatar, in every pose."""

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from avatars import build_humanoid
from surface_reference import UP, Posed, SurfaceReference

from dance_now.character.templates.surface import SurfaceArrays
from dance_now.core.arrays import FloatArray
from dance_now.core.errors import DanceNowError
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.avatar.avatar_keypoints import place_keypoints
from dance_now.render.avatar.mascot import MASCOT, avatar_file
from dance_now.render.camera import Camera
from dance_now.render.face.face_points import (
    FaceLandmarks,
    face_landmarks,
    sample_expression,
    with_observable_expressions,
)
from dance_now.render.renderer import Renderer
from dance_now.render.springs import STILL_STEPS, Springs
from dance_now.synthesis.dataset_renderer import label
from dance_now.synthesis.framing import random_rotation
from dance_now.synthesis.poses.avatar_poser import AvatarPoser, solve_poses
from dance_now.synthesis.poses.procedural_poses import random_target
from dance_now.training.metrics.image_metrics import score
from dance_now.training.surface.surface_builder import surface_arrays
from dance_now.training.surface.surface_mesh import SurfaceMesh
from dance_now.training.surface.surface_paint import Paint, reduced
from dance_now.training.surface.surface_rig import FIRST_JOINT, SurfaceRig

POSES = 20
SIZE = 512
NEAR = 1e-4  # metres
FILES = ("godette.vrm", "uka_flat.vrm", "gene.vrm", "kaykit_knight.glb", "kaykit_rogue.glb")


class Example:
    """An avatar beside the character that is made of it, in the same random poses."""

    def __init__(self, avatar: Avatar, face: FaceLandmarks | None) -> None:
        self.face, self.avatar = face, with_observable_expressions(avatar, face)
        self.skeleton, self.arrays = surface_arrays(avatar, face)
        self.rig = SurfaceRig.of(self.avatar)
        self.sources = SurfaceMesh.of(
            self.avatar, self.rig.carriers, tuple(self.skeleton.expressions)
        ).sources
        self.reference = SurfaceReference(self.skeleton, self.arrays)
        self._poser, self._springs = AvatarPoser(self.avatar), Springs(self.avatar)
        self._chance = np.random.default_rng(3)
        self.poses = solve_poses(
            BoneRig.of(self.skeleton), random_target(BoneRig.of(self.skeleton), self._chance, POSES)
        )

    def pose(self, number: int) -> tuple[FloatArray, Camera, dict[str, float], FloatArray]:
        """Settled nodes, a camera, expressions, and the keypoints that the camera sees."""
        points = self.poses.points[number]
        posed = self._poser.world(points, self.poses.rotations[number])
        expressions = sample_expression(self._chance, self.avatar)
        camera = Camera(random_rotation(self._chance), np.array([0, 0.8, 0]), 2.2)
        keypoints = place_keypoints(self.avatar, posed, points, self.face, expressions)
        seen = label(keypoints, camera, SIZE, None if self.face is None else np.ones(70))
        keypoints = np.concatenate([seen.points[:, :2], seen.depth[:, None], seen.points[:, 2:]], axis=1)
        return self._springs.settle(posed, STILL_STEPS), camera, expressions, keypoints.astype(np.float32)

    def told(self, keypoints: FloatArray, camera: Camera, expressions: dict[str, float]) -> Posed:
        """The character's pose, with the very expressions and the very ground."""
        posed = self.reference.pose(keypoints, camera.rotation @ UP)
        weights = np.array([expressions.get(name, 0.0) for name in self.skeleton.expressions])
        return replace(posed, weights=weights)

    def assert_same_surface(self) -> None:
        """Every vertex and every node is where the posed avatar has it."""
        for number in range(POSES):
            world, camera, expressions, keypoints = self.pose(number)
            posed = self.told(keypoints, camera, expressions)
            found = self.reference.vertices(posed)[0]
            surfaces = self.avatar.mesh_points(world, expressions)
            true = np.empty_like(found)
            for part in np.unique(self.sources[:, 0]):
                rows = self.sources[:, 0] == part
                true[rows] = surfaces[part][0][self.sources[rows, 1]]
            # Labels do not tell how far away the hips are.
            shift = (camera.rotation @ camera.centre)[None]
            away = true @ camera.rotation.T - shift - found
            away[:, :2] -= [-SIZE / 2 / posed.scale, SIZE / 2 / posed.scale]
            away[:, 2] -= away[:, 2].mean()
            assert np.linalg.norm(away, axis=1).max() < NEAR
            self._assert_same_nodes(world, camera, posed)

    def _assert_same_nodes(self, world: FloatArray, camera: Camera, posed: Posed) -> None:
        joined = [
            node
            for node, carrier in enumerate(self.rig.carriers)
            if carrier >= FIRST_JOINT or self.avatar.humanoid_owner(node) is not None
        ]
        moves = posed.affines[self.rig.carriers[joined]]
        turns = moves[:, :, :3] @ self.avatar.rest_world[joined, :3, :3]
        np.testing.assert_allclose(turns, camera.rotation @ world[joined, :3, :3], atol=1e-3)


@pytest.mark.parametrize("kind", ["glb", "vrm0", "vrm1"])
def test_a_small_humanoid_moves_as_it_does_in_the_studio(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "small.glb"
    path.write_bytes(build_humanoid(kind).to_bytes())
    Example(load_avatar(path), None).assert_same_surface()


@pytest.mark.parametrize("name", FILES)
def test_avatars_move_as_they_do_in_the_studio(name: str, data_dir: Path) -> None:
    avatar = load_avatar(data_dir / "characters" / name)
    Example(avatar, face_landmarks(avatar)).assert_same_surface()


@pytest.fixture(scope="module")
def mascot() -> Example:
    path = avatar_file(Path(MASCOT))
    avatar = load_avatar(path)
    return Example(avatar, face_landmarks(avatar))


def test_the_mascot_moves_as_in_the_studio(mascot: Example) -> None:
    mascot.assert_same_surface()


def test_the_mascot_looks_as_in_the_studio(mascot: Example) -> None:
    renderer = Renderer(mascot.avatar, SIZE)
    for number in range(3):
        world, camera, expressions, keypoints = mascot.pose(number)
        true = renderer.render(world, camera, expressions)
        drawn = mascot.reference.draw(mascot.told(keypoints, camera, expressions), SIZE)
        assert score(drawn, true).psnr > 45


def test_expressions_are_read_off_the_face(mascot: Example) -> None:
    errors = []
    for number in range(POSES // 2):
        _, _, expressions, keypoints = mascot.pose(number)
        true = [expressions.get(name, 0.0) for name in mascot.skeleton.expressions]
        errors.append(np.abs(mascot.reference.pose(keypoints).weights - true))
    assert np.mean(errors) < 0.03


def test_a_face_that_moves_nothing_has_no_expressions(mascot: Example) -> None:
    skeleton, arrays = surface_arrays(mascot.avatar, None)
    assert not skeleton.expressions
    assert len(arrays.face_solve) == len(arrays.expression_vertices) == 0
    assert arrays.face_solve.shape == (0, 70, 3)


def test_arrays_hold_together(mascot: Example) -> None:
    arrays = mascot.arrays
    assert arrays.triangles.max() == len(arrays.positions) - 1
    assert len(np.unique(arrays.triangles)) == len(arrays.positions)  # nothing that is not drawn
    assert arrays.surface_triangles.sum() == len(arrays.triangles)
    np.testing.assert_allclose(arrays.weights.astype(float).sum(axis=1), 1, atol=2e-3)
    assert (np.diff(arrays.surface_flags[:, 0].astype(int)) >= 0).all()
    assert arrays.texture_sizes.astype(int).prod(axis=1).sum() == len(arrays.texels)
    assert arrays.expression_counts.sum() == len(arrays.expression_vertices)
    used = np.unique(arrays.surface_textures[arrays.surface_textures >= 0])
    assert used.tolist() == list(range(len(arrays.texture_sizes)))
    for field in fields(SurfaceArrays):
        assert np.isfinite(getattr(arrays, field.name).astype(np.float64)).all(), field.name


def test_a_vertex_names_a_carrier_once(mascot: Example) -> None:
    joints, weights = mascot.arrays.joints, mascot.arrays.weights
    for first in range(4):
        for second in range(first + 1, 4):
            twice = (joints[:, first] == joints[:, second]) & (weights[:, second] > 0)
            assert not twice.any()


def test_hidden_parts_are_left_out(mascot: Example) -> None:
    name = mascot.avatar.primitives[0].name
    _, arrays = surface_arrays(mascot.avatar, mascot.face, (name,))
    assert len(arrays.positions) < len(mascot.arrays.positions)
    with pytest.raises(DanceNowError, match="nothing named"):
        surface_arrays(mascot.avatar, mascot.face, ("no such part",))


def test_too_much_of_something_is_refused(mascot: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dance_now.training.surface.surface_builder._MOST", {"triangles": 1000})
    with pytest.raises(DanceNowError, match="triangles; a character may have 1000"):
        surface_arrays(mascot.avatar, mascot.face)


def _plain(edge: int, level: int) -> np.ndarray:
    return np.full((edge, edge, 4), level, np.uint8)


def test_pictures_are_halved_until_they_fit() -> None:
    pictures: Sequence[np.ndarray] = [_plain(64, 1), _plain(16, 2), _plain(64, 3)]
    assert [picture.shape[0] for picture in reduced(pictures, 64 * 64)] == [32, 16, 32]


def test_a_picture_is_kept_once_and_without_repetition(mascot: Example) -> None:
    material = next(item.material for item in mascot.avatar.primitives if item.material.base_texture)
    texture = replace(
        material.base_texture, pixels=np.tile(np.arange(8, dtype=np.uint8)[:, None, None], (1, 6, 4))
    )
    copy = replace(texture, pixels=texture.pixels.copy())
    paint = Paint.of([replace(material, base_texture=each, shade_texture=each) for each in (texture, copy)])
    assert paint.textures[:, :2].tolist() == [[0, 0], [0, 0]]
    assert paint.pictures[0].shape == (8, 1, 4)
