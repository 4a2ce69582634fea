"""Face points that something hides keep their place and lose confidence."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from dance_now.core.arrays import FloatArray
from dance_now.render.avatar.avatar import load_avatar
from dance_now.render.camera import Camera
from dance_now.render.face.face_points import face_landmarks
from dance_now.render.occlusion import HIDDEN_CONFIDENCE, face_confidence
from dance_now.render.renderer import Renderer

NOSE, RIGHT_PUPIL = slice(27, 31), 68
Seen = Callable[[float, Mapping[str, float]], npt.NDArray[np.bool_]]


def blank_face() -> FloatArray:
    """(70, 3) points in a plane, the eyes 0.1 m apart."""
    points = np.zeros((70, 3), np.float32)
    points[36:42, 0], points[42:48, 0] = -0.05, 0.05
    return points


@pytest.mark.parametrize(
    ("nearer", "place", "confidence"),
    [
        (0.04, (0.0, 0.0), HIDDEN_CONFIDENCE),
        (0.001, (0.0, 0.0), 1),  # skin around the point
        (-0.04, (0.0, 0.0), 1),
        (0.04, (0.6, 0.0), 1),  # outside the picture
        (0.04, (0.0, -3.0), 1),
    ],
)
def test_a_point_is_hidden_by_what_is_well_before_it(
    nearer: float, place: tuple[float, float], confidence: float
) -> None:
    points = blank_face()
    points[30, :2] = place
    edge = 200
    depth = np.full((edge, edge), -nearer * edge, np.float32)  # the canvas is a metre high
    found = face_confidence(depth, Camera(np.eye(3), np.zeros(3), 1.0), points)
    assert found.shape == (70,)
    assert found[30] == np.float32(confidence)


def test_a_point_on_the_figures_edge_is_seen() -> None:
    depth = np.full((200, 200), -20, np.float32)
    depth[:, 100:] = np.inf  # a hand ends where the point is
    found = face_confidence(depth, Camera(np.eye(3), np.zeros(3), 1.0), blank_face())
    assert found[30] == 1
    assert found[36] == np.float32(HIDDEN_CONFIDENCE)


@pytest.fixture(scope="module")
def seen(data_dir: Path) -> Seen:
    """Which points of Godette's face are seen: ``seen(yaw, expressions)``, (70,)."""
    avatar = load_avatar(data_dir / "characters" / "godette.vrm")
    face = face_landmarks(avatar)
    assert face is not None
    renderer = Renderer(avatar, 160)

    def look(yaw: float, expressions: Mapping[str, float]) -> npt.NDArray[np.bool_]:
        points = face.positions(avatar, avatar.rest_world, expressions)
        camera = Camera.orbit(yaw, 0, points.mean(axis=0), 0.4)
        _, depth = renderer.render_with_depth(avatar.rest_world, camera, expressions)
        return np.asarray(face_confidence(depth, camera, points) == 1)

    return look


def test_a_face_that_looks_at_the_viewer_is_seen(seen: Seen) -> None:
    assert seen(0, {}).mean() > 0.9


def test_a_head_hides_the_other_cheek_and_from_behind_all(seen: Seen) -> None:
    turned = seen(45, {})
    assert turned[2:9].all()
    assert not turned[11:17].any()
    assert turned[NOSE].all()
    assert seen(180, {}).mean() < 0.1


def test_a_lid_hides_the_pupil(seen: Seen) -> None:
    assert seen(0, {})[RIGHT_PUPIL]
    assert not seen(0, {"blinkRight": 1.0})[RIGHT_PUPIL]
