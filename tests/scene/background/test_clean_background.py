import cv2
import numpy as np
import pytest

from dance_now.pose.model.detection import Detection, PersonMask
from dance_now.pose.model.pose import Pose
from dance_now.scene.background.clean_background import BackgroundCollector, CleanBackground
from dance_now.scene.background.plate_samples import background_median
from dance_now.scene.matting.matte import PersonMatting

HEIGHT, WIDTH = 180, 320


def scenery(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    generator = np.random.default_rng(5)
    total = np.zeros((height, width, 3), np.float32)
    for cells in (5, 20, 60):
        total += cv2.resize(generator.random((cells, cells, 3), np.float32), (width, height)) * 80
    return np.clip(total, 0, 255).astype(np.uint8)


def person_at(x: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[50:150, x : x + 40] = 1
    return mask


def detection(mask: np.ndarray) -> Detection:
    """Somebody of whom only the mask is known."""
    return Detection(Pose.empty(), PersonMask(mask, np.eye(2, 3, dtype=np.float32)))


def filled(clean: CleanBackground, image: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The image without the person."""
    return clean.fill(image, PersonMatting(clean)(image, [detection(mask)]))


def clip(
    step: int, *, shift: tuple[float, float] = (0, 0), gain: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """An image with a person that walks, and its mask."""
    large = scenery(HEIGHT + 80, WIDTH + 80)
    view = np.array([[1, 0, -40 - shift[0]], [0, 1, -40 - shift[1]]], np.float64)
    image = cv2.warpAffine(large, view, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)
    mask = person_at(20 + 12 * step)
    image = np.where(mask[..., None] > 0, 250, np.clip(image * gain, 0, 255)).astype(np.uint8)
    return image, mask


def collected(shifts: list[tuple[float, float]]) -> CleanBackground:
    samples = BackgroundCollector()
    for step, shift in enumerate(shifts):
        image, mask = clip(step, shift=shift)
        samples.add(image, [detection(mask)])
    return samples.finish()


def error_in(clean: CleanBackground, step: int, shift: tuple[float, float], gain: float = 1.0) -> float:
    """Mean difference to the true background in the hole."""
    image, mask = clip(step, shift=shift, gain=gain)
    truth = np.clip(clip(100, shift=shift)[0] * gain, 0, 255)  # the person has left the image
    return float(np.abs(filled(clean, image, mask).astype(float) - truth)[mask > 0].mean())


def test_a_still_camera_gets_its_background_back() -> None:
    clean = collected([(0, 0)] * 16)
    assert clean.camera == "still"
    assert error_in(clean, 8, (0, 0)) < 1


def test_exposure_is_matched() -> None:
    assert error_in(collected([(0, 0)] * 16), 8, (0, 0), gain=1.08) < 3


def test_a_handheld_camera_gets_its_background_back() -> None:
    generator = np.random.default_rng(0)
    shifts = [(float(x), float(y)) for x, y in generator.normal(0, 5, (16, 2))]
    clean = collected(shifts)
    assert clean.camera == "handheld"
    assert error_in(clean, 8, shifts[8]) < 6


def travelling_clip(step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A camera that pans over a wide scene and a person who keeps pace: image, mask, the scene alone."""
    wide = np.asarray(cv2.GaussianBlur(scenery(HEIGHT, 3 * WIDTH), (0, 0), 1), np.uint8)
    alone = wide[:, 12 * step : 12 * step + WIDTH].copy()
    mask = person_at(120 + 2 * (step % 5))
    return np.where(mask[..., None] > 0, 250, alone).astype(np.uint8), mask, alone


def test_a_travelling_camera_shows_at_other_times_what_is_hidden() -> None:
    samples = BackgroundCollector()
    for step in range(24):
        image, mask, _ = travelling_clip(step)
        samples.add(image, [detection(mask)])
    clean = samples.finish()
    assert clean.camera == "moving"
    for step in (1, 12, 20):
        image, mask, alone = travelling_clip(step)
        error = np.abs(filled(clean, image, mask).astype(int) - alone)[mask > 0].mean()
        blind = np.abs(filled(CleanBackground("moving"), image, mask).astype(int) - alone)[mask > 0].mean()
        assert error < 0.4 * blind


def test_frames_that_have_nothing_to_do_with_each_other_are_filled_smoothly() -> None:
    generator = np.random.default_rng(1)
    samples = BackgroundCollector()
    for step in range(10):
        blocks = cv2.resize(generator.integers(0, 256, (9, 16, 3), np.uint8), (WIDTH, HEIGHT))
        samples.add(np.asarray(blocks, np.uint8), [detection(person_at(20 + 10 * step))])
    clean = samples.finish()
    assert clean.camera == "moving"
    assert not clean.keyframes
    image, mask = clip(3)
    assert filled(clean, image, mask)[mask > 0].mean() < 240  # the bright person is gone


def test_featureless_walls_count_as_still() -> None:
    samples = BackgroundCollector()
    for step in range(6):
        image = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
        mask = person_at(20 + 40 * step)
        image[mask > 0] = 250
        samples.add(image, [detection(mask)])
    assert samples.finish().camera == "still"


def test_one_image_is_a_photo() -> None:
    samples = BackgroundCollector()
    image, mask = clip(0)
    samples.add(image, [detection(mask)])
    assert samples.finish().camera == "photo"


@pytest.mark.parametrize("camera", ["photo", "moving", "still"])
def test_only_the_hole_changes(camera: str) -> None:
    image, mask = clip(4)
    clean = collected([(0, 0)] * 8) if camera == "still" else CleanBackground(camera)  # type: ignore[arg-type]
    cutout = PersonMatting(clean)(image, [detection(mask)])
    result = clean.fill(image, cutout)
    np.testing.assert_array_equal(result[cutout.hole == 0], image[cutout.hole == 0])
    assert (cutout.hole[mask > 0] > 250).all()
    assert np.abs(result[mask > 0].astype(int) - 250).mean() > 40


def test_pixels_never_seen_are_invented_and_stay_as_they_are() -> None:
    samples = BackgroundCollector()
    for _ in range(6):
        samples.add(clip(0)[0], [detection(person_at(20))])
    clean = samples.finish()
    assert len(clean.keyframes) == 1
    assert clean.keyframes[0].plate.image[70:130, 30:50].mean() < 230
    assert (clean.keyframes[0].plate.known[70:130, 30:50] == 0).all()
    image, mask = clip(0)
    noisy = np.clip(image + np.random.default_rng(0).normal(0, 2, image.shape), 0, 255).astype(np.uint8)
    inside = slice(70, 130), slice(30, 50)
    again = filled(clean, noisy, mask)[inside].astype(int)
    assert np.abs(filled(clean, image, mask)[inside] - again).mean() < 1


def test_the_median_counts_what_lies_away_from_people() -> None:
    images = [np.full((2, 2, 3), value, np.uint8) for value in (10, 20, 30, 200, 210)]
    distances = [np.full((2, 2), 50, np.uint8) for _ in images]
    distances[3][0, 0] = distances[4][0, 0] = 0
    for index, distance in enumerate((0, 9, 8, 7, 3)):  # hardly ever far: the three times it was farthest
        distances[index][0, 1] = distance
    for index in range(4):  # seen once
        distances[index][1, 1] = 0
    median, unseen = background_median(images, distances, safe_distance=20, min_distance=4)
    assert median[0, 0].tolist() == [20, 20, 20]
    assert median[0, 1].tolist() == [30, 30, 30]
    assert unseen.tolist() == [[False, False], [False, True]]
