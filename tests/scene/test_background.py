import cv2
import numpy as np
import pytest

from dance_now.scene.background import BackgroundSurvey, CleanBackground, masked_median

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


def clip(
    step: int, *, shift: tuple[float, float] = (0, 0), gain: float = 1.0
) -> tuple[np.ndarray, np.ndarray]:
    """A picture with a person that walks, and its mask."""
    large = scenery(HEIGHT + 80, WIDTH + 80)
    view = np.array([[1, 0, -40 - shift[0]], [0, 1, -40 - shift[1]]], np.float64)
    image = cv2.warpAffine(large, view, (WIDTH, HEIGHT), flags=cv2.INTER_CUBIC)
    mask = person_at(20 + 12 * step)
    image = np.where(mask[..., None] > 0, 250, np.clip(image * gain, 0, 255)).astype(np.uint8)
    return image, mask


def survey(shifts: list[tuple[float, float]]) -> CleanBackground:
    samples = BackgroundSurvey()
    for step, shift in enumerate(shifts):
        samples.add(*clip(step, shift=shift))
    return samples.finish()


def error_in(clean: CleanBackground, step: int, shift: tuple[float, float], gain: float = 1.0) -> float:
    """Mean difference to the true background in the hole."""
    image, mask = clip(step, shift=shift, gain=gain)
    truth = np.clip(clip(100, shift=shift)[0] * gain, 0, 255)  # the person has left the picture
    return float(np.abs(clean.fill(image, mask).astype(float) - truth)[mask > 0].mean())


def test_a_still_camera_gets_its_background_back() -> None:
    clean = survey([(0, 0)] * 16)
    assert clean.camera == "still"
    assert error_in(clean, 8, (0, 0)) < 1


def test_exposure_is_matched() -> None:
    assert error_in(survey([(0, 0)] * 16), 8, (0, 0), gain=1.08) < 3


def test_a_handheld_camera_gets_its_background_back() -> None:
    generator = np.random.default_rng(0)
    shifts = [(float(x), float(y)) for x, y in generator.normal(0, 5, (16, 2))]
    clean = survey(shifts)
    assert clean.camera == "handheld"
    assert error_in(clean, 8, shifts[8]) < 6


def test_a_travelling_camera_is_told_apart_and_filled() -> None:
    generator = np.random.default_rng(1)
    samples = BackgroundSurvey()
    for step in range(10):
        blocks = cv2.resize(generator.integers(0, 256, (9, 16, 3), np.uint8), (WIDTH, HEIGHT))
        samples.add(np.asarray(blocks, np.uint8), person_at(20 + 10 * step))
    clean = samples.finish()
    assert clean.camera == "moving"
    image, mask = clip(3)
    result = clean.fill(image, mask)
    np.testing.assert_array_equal(result[mask == 0], image[mask == 0])
    assert result[mask > 0].mean() < 240  # the bright person is gone


def test_featureless_walls_count_as_still() -> None:
    samples = BackgroundSurvey()
    for step in range(6):
        image = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
        mask = person_at(20 + 40 * step)
        image[mask > 0] = 250
        samples.add(image, mask)
    assert samples.finish().camera == "still"


def test_one_picture_is_a_photo() -> None:
    samples = BackgroundSurvey()
    samples.add(*clip(0))
    assert samples.finish().camera == "photo"


@pytest.mark.parametrize("camera", ["photo", "moving"])
def test_without_a_plate_only_the_hole_changes(camera: str) -> None:
    image, mask = clip(4)
    result = CleanBackground(camera).fill(image, mask)  # type: ignore[arg-type]
    np.testing.assert_array_equal(result[mask == 0], image[mask == 0])
    assert np.abs(result[mask > 0].astype(int) - 250).mean() > 40


def test_pixels_never_seen_are_filled() -> None:
    samples = BackgroundSurvey()
    for _ in range(6):
        image = clip(0)[0]
        samples.add(image, person_at(20))
    clean = samples.finish()
    assert clean.plate is not None
    assert clean.plate[70:130, 30:50].mean() < 230


def test_memory_stays_bounded_and_samples_spread_over_the_clip() -> None:
    samples = BackgroundSurvey(max_samples=8)
    kept = 0
    for step in range(200):
        if samples.wants_next:
            samples.add(np.full((12, 16, 3), step, np.uint8), np.zeros((12, 16), np.float32))
            kept += 1
        else:
            samples.skip()
    values = [int(image[0, 0, 0]) for image in samples._images]
    assert len(values) <= 8
    assert kept < 60
    assert values[0] == 0
    assert values[-1] > 150
    assert len(set(np.diff(values))) == 1


def test_masked_median_ignores_hidden_samples() -> None:
    images = [np.full((2, 2, 3), value, np.uint8) for value in (10, 20, 30, 200, 210)]
    hidden = [np.zeros((2, 2), bool) for _ in images]
    hidden[3][0, 0] = hidden[4][0, 0] = True
    hidden[0][1, 1] = hidden[1][1, 1] = hidden[2][1, 1] = hidden[3][1, 1] = True
    median, unseen = masked_median(images, hidden)
    assert median[0, 0].tolist() == [20, 20, 20]
    assert unseen.tolist() == [[False, False], [False, True]]
