"""Each stage of the kernel against the rule in Python that it follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from surface_subjects import Subject, SubjectPose

from dance_now.character.templates.surface import SurfaceDrawing
from dance_now.core.arrays import FloatArray
from dance_now.formats3d.spring_rig import Collider
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.model.keypoints import FACE
from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.springs import STILL_STEPS, Springs

_SIZE = 256


@pytest.fixture(scope="module")
def sitter(small_avatar: Callable[[str], Avatar]) -> Subject:
    return Subject(small_avatar("vrm1"))


@pytest.fixture(scope="module")
def godette(data_dir: Path) -> Subject:
    return Subject(load_avatar(data_dir / "characters" / "godette.vrm"))


def _pixels(pose: SubjectPose) -> FloatArray:
    """(137, 3) keypoints in the view frame."""
    return pose.keypoints[:, :3] * np.float32([1, -1, -1])


def test_bones_follow_the_rule(sitter: Subject) -> None:
    drawing, rig = SurfaceDrawing(sitter.skeleton, sitter.arrays), BoneRig.of(sitter.skeleton)
    for pose in sitter.poses(8, _SIZE):
        drawing.place(pose.keypoints, screen_height=_SIZE)
        view = _pixels(pose)
        scale = sitter.skeleton.scale(view)
        rotations = rig.rotations(view)
        anchors = rig.anchors(view, rotations, np.float32(scale)) / scale
        np.testing.assert_allclose(drawing.affines[:47, :, :3], rotations, atol=1e-4)
        placed = np.einsum("bij,bj->bi", drawing.affines[:47, :, :3], rig.pivots) + drawing.affines[:47, :, 3]
        np.testing.assert_allclose(placed, anchors, atol=1e-4)


def test_expressions_follow_the_face(godette: Subject) -> None:
    drawing, rig = SurfaceDrawing(godette.skeleton, godette.arrays), BoneRig.of(godette.skeleton)
    assert len(drawing.weights) > 3
    for pose in godette.poses(6, _SIZE):
        keypoints = pose.keypoints.copy()
        keypoints[FACE.start : FACE.start + 70 : 3, 3] = 0
        drawing.place(keypoints, screen_height=_SIZE)
        view = _pixels(pose)
        scale, rotations = godette.skeleton.scale(view), rig.rotations(view)
        anchor = rig.anchors(view, rotations, np.float32(scale))[2]
        local = (view[FACE] - anchor) / scale @ rotations[2] + rig.pivots[2]
        departure = (local - godette.skeleton.rest[FACE]) * (keypoints[FACE, 3:] > 0)
        expected = np.clip(np.einsum("ekc,kc->e", godette.arrays.face_solve, departure), 0, 1)
        np.testing.assert_allclose(drawing.weights, expected, atol=2e-3)


def _assert_springs_settle(sitter: Subject) -> None:
    drawing, springs = SurfaceDrawing(sitter.skeleton, sitter.arrays), Springs(sitter.avatar)
    assert sitter.avatar.spring_rig is not None
    joints = sitter.avatar.spring_rig.joints
    assert len(drawing.affines) == 47 + len(joints) > 47
    swung = 0.0
    for pose in sitter.poses(6, _SIZE, level=True):
        drawing.place(pose.keypoints, screen_height=_SIZE)
        settled = springs.settle(pose.posed, STILL_STEPS)
        scale = _SIZE / pose.camera.height
        hips = pose.keypoints[8, :3] * (1, -1, -1) / scale
        shift = hips - (pose.posed[sitter.avatar.bones["leftUpperLeg"], :3, 3] / 2)
        shift -= pose.posed[sitter.avatar.bones["rightUpperLeg"], :3, 3] / 2
        for number, joint in enumerate(joints):
            head, tail = sitter.arrays.spring_points[number]
            affine = drawing.affines[47 + number]
            for point, local in ((head, np.zeros(3)), (tail, joint.tail)):
                expected = settled[joint.node] @ np.append(local, 1)
                found = affine[:, :3] @ point + affine[:, 3]
                np.testing.assert_allclose(found - shift, expected[:3], atol=1e-4)
            rest = pose.posed[joint.node] @ np.append(joint.tail, 1)
            swung = max(swung, float(np.linalg.norm(rest[:3] - expected[:3])))
    assert swung > 0.01


@pytest.mark.parametrize("kind", ["vrm0", "vrm1"])
@pytest.mark.parametrize("with_colliders", [False, True])
def test_springs_settle_as_in_the_studio(
    small_avatar: Callable[[str], Avatar], kind: str, with_colliders: bool
) -> None:
    avatar = small_avatar(kind)
    assert avatar.spring_rig is not None
    if with_colliders:
        head, front = avatar.bones["head"], 1 if kind == "vrm1" else -1
        colliders = (
            Collider(head, np.array([0, -0.05, 0.15 * front]), 0.1),
            Collider(head, np.array([-0.1, -0.1, 0.1 * front]), 0.05, np.array([0.2, 0, 0.2 * front])),
        )
        joints = tuple(replace(joint, colliders=(0, 1), radius=0.02) for joint in avatar.spring_rig.joints)
        avatar = replace(avatar, spring_rig=replace(avatar.spring_rig, joints=joints, colliders=colliders))
    _assert_springs_settle(Subject(avatar))


def test_an_avatars_springs_settle_as_in_the_studio(godette: Subject) -> None:
    _assert_springs_settle(godette)


def test_hair_falls_to_where_down_is(sitter: Subject) -> None:
    drawing = SurfaceDrawing(sitter.skeleton, sitter.arrays)
    pose = sitter.poses(1, _SIZE, level=True)[0]
    tails = []
    for up in ((0, 1, 0), (0, -2, 0), (1, 0, 0)):
        drawing.place(pose.keypoints, screen_height=_SIZE, up=up)
        head, tail = sitter.arrays.spring_points[0]
        tails.append(drawing.affines[47, :, :3] @ (tail - head))
    assert tails[0][1] < 0 < tails[1][1]
    assert tails[2][0] < -abs(tails[2][1])


def test_vertices_are_blended_linearly(godette: Subject) -> None:
    arrays = godette.arrays
    drawing = SurfaceDrawing(godette.skeleton, arrays)
    weights = arrays.weights.astype(np.float64)
    weights /= weights.sum(axis=1, keepdims=True)
    first = np.cumsum(arrays.expression_counts) - arrays.expression_counts
    owners = np.zeros(len(arrays.positions), int)
    number = np.repeat(np.arange(len(arrays.surface_triangles)), arrays.surface_triangles)
    owners[arrays.triangles] = number[:, None]
    for pose in godette.poses(3, _SIZE):
        drawing.place(pose.keypoints, screen_height=_SIZE)
        positions, normals = arrays.positions.astype(np.float64), arrays.normals.astype(np.float64)
        for weight, start, count in zip(drawing.weights, first, arrays.expression_counts, strict=True):
            moved = slice(start, start + count)
            positions[arrays.expression_vertices[moved]] += weight * arrays.expression_offsets[moved]
            normals[arrays.expression_vertices[moved]] += weight * arrays.expression_normals[moved]
        blended = np.einsum("vk,vkij->vij", weights, drawing.affines[arrays.joints])
        scale = 2 * godette.skeleton.scale(_pixels(pose))
        placed = (
            (np.einsum("vij,vj->vi", blended[:, :, :3], positions) + blended[:, :, 3]) * scale * (1, -1, -1)
        )
        turned = np.einsum("vij,vj->vi", blended[:, :, :3], normals)
        turned /= np.linalg.norm(turned, axis=1, keepdims=True)
        surface, hull = np.split(drawing.vertices.astype(np.float64), 2)
        np.testing.assert_allclose(surface[:, :3], placed, atol=2e-3)
        np.testing.assert_allclose(surface[:, 3:6], turned, atol=1e-4)
        np.testing.assert_array_equal(surface[:, 6:], arrays.uv)

        pushed = np.einsum("vij,vj->vi", blended[:, :, :3], arrays.outline_normals.astype(np.float64))
        pushed /= np.linalg.norm(pushed, axis=1, keepdims=True)
        metres, screen = arrays.surface_outline[owners, 4:].T.astype(np.float64)
        along = np.where(metres > 0, np.maximum(metres * scale, 1), 0)
        flat = np.maximum(np.hypot(pushed[:, 0], pushed[:, 1]), 1e-6)
        reach = along + screen * 2 * _SIZE * np.maximum(1 - np.abs(pushed[:, 2]), 0) / flat
        expected = placed + pushed * np.stack([reach, -reach, -along], axis=1)
        np.testing.assert_allclose(hull[:, :3], expected, atol=5e-3)
