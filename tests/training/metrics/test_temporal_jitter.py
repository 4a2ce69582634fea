"""How far drawings move whose keypoints tremble."""

from functools import partial

import cv2
import numpy as np
import pytest

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.pose import Pose
from dance_now.training.metrics.temporal_jitter import NOISE, jitter

SIDE = 256


@pytest.fixture
def labels() -> FloatArray:
    """Four poses whose first point lies in the middle."""
    labels = np.ones((4, 137, 4), np.float32)
    labels[:, :, :2] = SIDE / 2
    return labels


def blob(x: float, y: float, color: float = 230.0) -> Image:
    """A soft spot on grey."""
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5
    spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 2 / 12**2)
    picture = np.full((SIDE, SIDE, 4), 255, np.uint8)
    picture[..., :3] = (128 + (color - 128) * spot[..., None]).round()
    return picture


@pytest.mark.parametrize("gain", [0.5, 1.0, 3.0])
def test_what_follows_a_point_moves_as_it_does(labels: FloatArray, gain: float) -> None:
    """Eight trembles of two coordinates: the mean of their squares is known to a quarter or so."""

    def draw(pose: Pose) -> Image:
        x, y = SIDE / 2 + gain * (pose.points[0, :2] - SIDE / 2)
        return blob(float(x), float(y))

    expected = gain * NOISE
    assert jitter(draw, labels) == pytest.approx(expected, rel=0.4)


def test_an_average_of_points_moves_less(labels: FloatArray) -> None:
    def draw(pose: Pose) -> Image:
        x, y = pose.points[:, :2].mean(axis=0)
        return blob(float(x), float(y))

    assert jitter(draw, labels) < 0.3 * NOISE


def test_a_still_drawing_does_not_move(labels: FloatArray) -> None:
    assert jitter(lambda pose: blob(128, 128), labels) == 0
    assert jitter(lambda pose: np.zeros((SIDE, SIDE, 4), np.uint8), labels) == 0


def test_flicker_counts(labels: FloatArray) -> None:
    steady = jitter(lambda pose: blob(128, 128), labels)
    flickering = jitter(lambda pose: blob(128, 128, 230 + 20 * np.sign(pose.points[0, 0] - 128)), labels)
    assert flickering > steady + 0.1


def test_blur_does_not_pass_for_calm(labels: FloatArray) -> None:
    """A blurred picture changes less, but has less to change."""

    def draw(pose: Pose, sigma: float) -> Image:
        picture = np.zeros((SIDE, SIDE, 4), np.uint8)
        x, y = (round(float(value) * 256) for value in pose.points[0, :2])
        cv2.circle(picture, (x, y), 40 * 256, (255, 255, 255, 255), -1, cv2.LINE_AA, 8)
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)

    sharp, soft = (jitter(partial(draw, sigma=sigma), labels) for sigma in (0.8, 4.0))
    assert soft == pytest.approx(sharp, rel=0.35)
