"""The drift of a panned camera, away from people who move by themselves."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from dance_now.pose.model.detection import Detection, PersonMask
from dance_now.pose.model.pose import Pose
from dance_now.scene.background.camera_drift import CameraDrift

SIZE = (640, 480)


def scene() -> npt.NDArray[np.uint8]:
    noise = np.random.default_rng(0).integers(0, 256, (90, 120, 3)).astype(np.uint8)
    return cv2.resize(noise, (960, 720), interpolation=cv2.INTER_CUBIC)


def seen(left: int, top: int) -> npt.NDArray[np.uint8]:
    return np.ascontiguousarray(scene()[top : top + SIZE[1], left : left + SIZE[0]])


@pytest.mark.parametrize("pan", [(0, 0), (9, 0), (-6, 4)])
def test_the_scene_moves_against_the_camera(pan: tuple[int, int]) -> None:
    drift = CameraDrift()
    for step in range(3):
        drift.update(seen(100 + step * pan[0], 100 + step * pan[1]), ())
        expected = (-pan[0], -pan[1]) if step else (0, 0)
        np.testing.assert_allclose(drift.at(np.array([320.0, 240.0])), expected, atol=0.3)


def test_a_person_who_moves_is_no_camera() -> None:
    drift, alpha = CameraDrift(), np.zeros((16, 16), np.float32)
    alpha[2:14, 3:13] = 1
    to_image = np.array([[40, 0, 0], [0, 30, 0]], np.float32)
    people = [Detection(Pose.empty(), PersonMask(alpha, to_image))]
    for step in range(3):
        picture = seen(100, 100)
        picture[60:420, 120:520] = scene()[60:420, 200 + 8 * step : 600 + 8 * step]
        drift.update(picture, people)
        assert drift.at(np.array([320.0, 240.0])) == (0.0, 0.0)


def test_a_cut_and_a_reset_are_no_motion() -> None:
    drift = CameraDrift()
    drift.update(seen(100, 100), ())
    drift.update(255 - scene()[::-1, ::-1][: SIZE[1], : SIZE[0]], ())
    assert drift.at(np.array([1.0, 1.0])) == (0.0, 0.0)
    drift.reset()
    drift.update(seen(100, 100), ())
    assert drift.at(np.array([1.0, 1.0])) == (0.0, 0.0)
