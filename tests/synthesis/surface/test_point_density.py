"""Points lie closest where people look, and are not wasted where nothing shows."""

import numpy as np
import pytest

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.bone_rule import BONE_INDEX, BONE_NAMES
from dance_now.synthesis.surface.point_density import PointDensity, visibility_weights


@pytest.fixture
def face() -> FloatArray:
    """Face points with eyes 6 cm apart at a height of 1.5 m; everything else lies in their middle."""
    points = np.tile(np.array([0, 1.5, 0.1], np.float32), (70, 1))
    points[36:42, 0], points[42:48, 0] = -0.03, 0.03
    return points


def weights(bone: str, count: int) -> FloatArray:
    result = np.zeros((count, len(BONE_NAMES)), np.float32)
    result[:, BONE_INDEX[bone]] = 1
    return result


def test_eyes_are_densest_and_it_falls_off_around_them(face: FloatArray) -> None:
    places = np.array([[0.03, 1.5, 0.1], [0.06, 1.5, 0.1], [0.2, 1.5, 0.1]], np.float32)
    eye, temple, far = PointDensity(face)(places, weights("head", 3))
    assert eye > 2 * temple > 2 * far
    assert far == pytest.approx(PointDensity(None)(places, weights("head", 3))[2], rel=1e-3)


def test_a_hand_before_the_face_is_a_hand(face: FloatArray) -> None:
    place = np.array([[0.03, 1.5, 0.1]], np.float32)
    held = weights("leftHand", 1)
    assert PointDensity(face)(place, held) == PointDensity(None)(place, held)


def test_what_lies_inside_something_gets_fewer_points() -> None:
    generator = np.random.default_rng(0)
    normals = generator.normal(size=(200_000, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    radius = np.where(np.arange(len(normals)) % 2, 1.0, 0.5)[:, None].astype(np.float32)
    density = visibility_weights(radius * normals, normals)
    assert (density[1::2] == 1).mean() > 0.97
    assert (density[::2] < 0.5).mean() > 0.9
