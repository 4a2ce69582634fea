"""Corrective shapes put hair where springs let it hang, in poses they were not fitted to."""

from pathlib import Path

import numpy as np
import pytest

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.bone_rule import BONE_INDEX, BONE_NAMES, BoneRig
from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton, place_keypoints
from dance_now.render.avatar.mascot import MASCOT, avatar_file
from dance_now.render.springs import Springs
from dance_now.synthesis.poses.avatar_poser import AvatarPoser, SolvedPoses
from dance_now.synthesis.poses.motion_library import load_motion_library
from dance_now.synthesis.poses.pose_selection import select_poses
from dance_now.synthesis.surface import corrective_shapes as correctives
from dance_now.synthesis.surface.corrective_shapes import (
    POSE_FEATURES,
    SurfaceBinding,
    fit_correctives,
    pose_features,
)
from dance_now.synthesis.surface.point_placement import place_points
from dance_now.synthesis.surface.surface_points import MeshPoints, sample_points

TAIL = 0.15  # metres from the middle that only the mascot's two tails of hair hang


@pytest.fixture(scope="module")
def avatar() -> Avatar:
    return load_avatar(avatar_file(Path(MASCOT)))


@pytest.fixture(scope="module")
def rig(avatar: Avatar) -> BoneRig:
    return BoneRig.of(avatar_skeleton(avatar))


@pytest.fixture(scope="module")
def poses(rig: BoneRig) -> tuple[SolvedPoses, SolvedPoses]:
    train, test = select_poses(rig, load_motion_library(), 70, np.random.default_rng(0))
    return train.poses, test.poses


@pytest.fixture(scope="module")
def surface(avatar: Avatar) -> SurfaceBinding:
    """Some points, as ``sample_points`` places them."""
    return place_points(avatar, 600, np.random.default_rng(0)).surface


def skinned(
    avatar: Avatar, rig: BoneRig, surface: SurfaceBinding, rest: FloatArray, poses: SolvedPoses, row: int
) -> tuple[FloatArray, FloatArray]:
    """Where bones carry points (N, 3) at rest in a pose, and where the avatar has them once hair hangs."""
    given, rotations = poses.points[row], poses.rotations[row]
    world = AvatarPoser(avatar).world(given, rotations)
    keypoints = place_keypoints(avatar, world, given, None, {}).astype(np.float32)
    anchors = rig.anchors(keypoints, rotations, np.ones((), np.float32))
    shift = anchors - np.einsum("bij,bj->bi", rotations, rig.pivots)
    linear = (surface.weights @ rotations.reshape(-1, 9)).reshape(-1, 3, 3)
    carried = np.einsum("nij,nj->ni", linear, rest) + surface.weights @ shift
    return carried, surface.moved(avatar, Springs(avatar).settle(world, 30))[:, 0]


def test_hair_hangs_in_poses_never_seen(
    avatar: Avatar, rig: BoneRig, surface: SurfaceBinding, poses: tuple[SolvedPoses, SolvedPoses]
) -> None:
    seen, unseen = poses
    basis, shapes = fit_correctives(avatar, rig, None, surface, seen, np.random.default_rng(0))
    assert basis.shape[0] == POSE_FEATURES
    assert shapes.shape == (600, 3, basis.shape[1], 3)
    hair = (np.abs(surface.rest[:, 0, 0]) > TAIL) & (surface.weights[:, BONE_INDEX["head"]] > 0.9)
    assert hair.sum() > 20
    plain, corrected = [], []
    for row in range(len(unseen.points)):
        weights = pose_features(rig, unseen.rotations[row : row + 1]) @ basis
        rest = surface.rest[:, 0]
        for places, errors in ((rest, plain), (rest + weights[0] @ shapes[:, 0], corrected)):
            carried, true = skinned(avatar, rig, surface, places, unseen, row)
            errors.append(np.linalg.norm(carried - true, axis=1))
    assert np.mean(plain, axis=0)[hair].mean() > 0.02
    assert np.mean(corrected, axis=0)[hair].mean() < 0.25 * np.mean(plain, axis=0)[hair].mean()
    assert np.mean(corrected, axis=0)[~hair].mean() < np.mean(plain, axis=0)[~hair].mean() + 5e-4


def test_features_are_nothing_at_rest(rig: BoneRig) -> None:
    rest = np.tile(np.eye(3, dtype=np.float32), (2, len(BONE_NAMES), 1, 1))
    np.testing.assert_allclose(pose_features(rig, rest), np.eye(POSE_FEATURES)[[-1, -1]], atol=1e-6)


def test_what_poses_do_not_tell_is_left_alone() -> None:
    """Points that tremble at random get no shape; those that follow a feature get it back."""
    chance = np.random.default_rng(1)
    features = np.concatenate([chance.normal(size=(300, 3)), np.ones((300, 1))], axis=1).astype(np.float32)
    moves = np.zeros((300, 4, 9), np.float32)
    moves[:, 0, :3] = chance.normal(size=(300, 3)) * 0.01
    moves[:, 1, 1] = features[:, 2] * 0.01
    moves[:, 2, 4] = features[:, 0] * 0.01  # a tangent turns, the place stays
    moment = np.einsum("nf,npc->fpc", features, moves) / 300
    basis, shapes = correctives._shapes(features, moment, np.square(moves[:, :, :3]).sum(axis=2).mean(axis=0))
    predicted = np.einsum("nk,kpc->npc", features @ basis, shapes)
    np.testing.assert_allclose(predicted[:, [0, 2, 3]], 0, atol=1e-6)
    np.testing.assert_allclose(predicted[:, 1], moves[:, 1], atol=5e-4)
    np.testing.assert_allclose(np.square(features @ basis).mean(axis=0), 1, rtol=0.01)


def test_points_of_a_data_set_carry_the_shapes(
    avatar: Avatar,
    rig: BoneRig,
    poses: tuple[SolvedPoses, SolvedPoses],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setattr(correctives, "_POSES", 40)
    found = sample_points(avatar, 300, posed=(rig, poses[0]))
    count = found.pose_basis.shape[1]
    assert 2 <= count <= 8
    assert found.morphs.shape == (300, count, 3)
    found.save(tmp_path / "points.npz")
    again = MeshPoints.load(tmp_path / "points.npz")
    np.testing.assert_array_equal(again.pose_basis, found.pose_basis)
    assert again.subset(100).morphs.shape == (100, count, 3)
