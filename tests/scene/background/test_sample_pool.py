import numpy as np

from dance_now.pose.model.detection import Detection, PersonMask
from dance_now.pose.model.pose import Pose
from dance_now.scene.background.sample_pool import SamplePool

HEIGHT, WIDTH = 90, 160


def detection(mask: np.ndarray) -> Detection:
    """Somebody of whom only the mask is known."""
    return Detection(Pose.empty(), PersonMask(mask, np.eye(2, 3, dtype=np.float32)))


def person_at(x: int) -> Detection:
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[20:80, x : x + 20] = 1
    return detection(mask)


def numbered(step: int) -> np.ndarray:
    """An image that tells its place."""
    return np.full((HEIGHT, WIDTH, 3), step, np.uint8)


def places(pool: SamplePool) -> list[int]:
    return [int(sample.image[0, 0, 0]) for sample in pool.take_samples()]


def test_memory_stays_bounded_and_samples_spread_over_the_clip() -> None:
    pool = SamplePool(max_samples=8)
    for step in range(200):
        pool.offer(numbered(step), [detection(np.zeros((HEIGHT, WIDTH), np.float32))])
    found = places(pool)
    assert 4 <= len(found) <= 8
    assert found[0] == 0
    assert found[-1] > 150
    even = [place for place in found if place % 16 == 0]
    assert np.diff(even).max() <= 64


def test_a_known_length_spares_samples_that_would_be_dropped_again() -> None:
    pool = SamplePool(expected=100, max_samples=8)
    wanted = 0
    for _ in range(100):
        wanted += pool.wants_next
        pool.skip()
    assert wanted == 8


def test_what_only_a_moment_shows_is_kept() -> None:
    """Somebody stands in one place and steps aside for a tenth of the gap between two even samples."""
    pool = SamplePool(expected=240, max_samples=12)
    aside = range(125, 132)
    for step in range(240):
        pool.offer(numbered(step), [person_at(110 if step in aside else 40)])
    assert sum(place in aside for place in places(pool)) >= 2


def test_frames_without_anybody_and_of_another_size_are_passed_by() -> None:
    pool = SamplePool()
    pool.offer(numbered(1), ())
    pool.offer(numbered(2), [person_at(40)])
    pool.offer(np.zeros((9, 16, 3), np.uint8), [person_at(40)])
    assert pool.offered == 3
    assert places(pool) == [2]
