"""A speaker's camera picture anywhere at the edge of a screen recording is found."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import frames

from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.pose.estimators.estimator_registry import open_estimator
from dance_now.pose.model.detection import PoseEstimator

HEIGHT, WIDTH = 1080, 1920
NOSE = (0.5, 0.3)  # in the camera's picture, about


@pytest.fixture(scope="module")
def estimate() -> PoseEstimator:
    try:
        return open_estimator(hands=False, face=False)
    except DanceNowError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def speaker(estimate: PoseEstimator, data_dir: Path) -> Image:
    """Head and chest, 16 to 9."""
    (image,) = frames(data_dir / "people" / "sam2_juggle.mp4", 60, 1)
    estimate.reset()
    (person,) = estimate(image)
    body = person.detection.pose.body
    tall = 1.5 * (body[8, 1] - body[0, 1])
    left, top = round(body[0, 0] - tall * 8 / 9), round(body[0, 1] - NOSE[1] * tall)
    return image[top : round(top + tall), left : round(left + tall * 16 / 9)]


def screen_with(camera: Image, across: float, down: float, width: int) -> tuple[Image, tuple[int, int, int]]:
    """A page of code with the camera's picture, and where that is: left, top, height."""
    screen = np.full((HEIGHT, WIDTH, 3), 250, np.uint8)
    for line in range(26):
        text = f"def function(argument): return value + {line}"
        cv2.putText(screen, text, (60, 60 + 38 * line), cv2.FONT_HERSHEY_SIMPLEX, 0.9, (40, 40, 60), 2)
    height = round(width * camera.shape[0] / camera.shape[1])
    left, top = round(across * (WIDTH - width)), round(down * (HEIGHT - height))
    small = cv2.resize(camera, (width, height), interpolation=cv2.INTER_AREA)
    screen[top : top + height, left : left + width] = small
    return screen, (left, top, height)


@pytest.mark.parametrize("width", [320, 640])
@pytest.mark.parametrize(("across", "down"), [(0, 0), (1, 0), (1, 0.5), (0.5, 0), (0.98, 0.97)])
def test_the_speaker_is_found(
    estimate: PoseEstimator, speaker: Image, across: float, down: float, width: int
) -> None:
    screen, (left, top, height) = screen_with(speaker, across, down, width)
    estimate.reset()
    (person,) = estimate(screen)
    nose = person.detection.pose.body[0, :2]
    expected = left + NOSE[0] * width, top + NOSE[1] * height
    assert np.linalg.norm(nose - expected) < 0.15 * height
