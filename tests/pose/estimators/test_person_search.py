"""Who is found in pictures that are hard, and what is not a person."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from clips import frames
from fakes import standing
from hard_pictures import HIPS, NOSE, behind_table, dark, far_away, filled_beside_passer_by, webcam

from dance_now.core.arrays import FloatArray, Image
from dance_now.core.errors import DanceNowError
from dance_now.pose.estimators.blazepose import BlazePose
from dance_now.pose.estimators.multi_person import MultiPersonTracker
from dance_now.pose.estimators.person_network import PersonLandmarks
from dance_now.pose.estimators.person_search import PersonSearch
from dance_now.pose.model.detection import Detection, Person, PersonMask
from dance_now.pose.networks.litert import Region
from dance_now.pose.networks.person_detector import DetectedRegion


@pytest.fixture(scope="module")
def network() -> BlazePose:
    try:
        return BlazePose()
    except DanceNowError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def frame(data_dir: Path) -> Image:
    """The juggler's first frame."""
    return next(frames(data_dir / "people" / "sam2_juggle.mp4", 0, 1))


@pytest.fixture(scope="module")
def gymnast(data_dir: Path) -> Image:
    return next(frames(data_dir / "people" / "single_cam01.mp4", 0, 1))


def body(network: BlazePose, image: Image) -> np.ndarray:
    (person,) = MultiPersonTracker(network)(image)
    return person.detection.pose.body


@pytest.mark.parametrize("width", [320, 384, 480, 640])
def test_speaker_in_the_corner_of_a_screen_recording(network: BlazePose, frame: Image, width: int) -> None:
    slide, nose, bottom = webcam(frame, width)
    (person,) = MultiPersonTracker(network)(slide)
    pose = person.detection.pose
    assert np.hypot(*(pose.body[0, :2] - nose)) < 0.03 * width
    assert pose.hidden_below == pytest.approx(bottom, abs=0.02 * width)


@pytest.mark.parametrize("share", [0.30, 0.22, 0.18, 0.14])
def test_person_far_away(network: BlazePose, frame: Image, share: float) -> None:
    image, nose = far_away(frame, share)
    assert np.hypot(*(body(network, image)[0, :2] - nose)) < 0.03 * share * 1080


def test_who_fills_the_image_goes_before_a_passer_by(
    network: BlazePose, frame: Image, gymnast: Image
) -> None:
    image = filled_beside_passer_by(frame, gymnast)
    assert body(network, image)[0, 0] > 800


@pytest.mark.parametrize("mean", [10.0, 4.0])
def test_dark_image(network: BlazePose, frame: Image, mean: float) -> None:
    found = body(network, dark(frame, mean))
    assert np.hypot(*(found[0, :2] - NOSE)) < 15
    assert np.hypot(*(found[8, :2] - HIPS)) < 15


def test_people_are_upside_down_only_where_they_are(network: BlazePose, frame: Image) -> None:
    found = body(network, np.ascontiguousarray(frame[::-1, ::-1]))
    assert np.hypot(*(found[0, :2] - [1280 - NOSE[0], 720 - NOSE[1]])) < 15
    # legs alone, whose shoes a detector takes for a head
    legs = np.ascontiguousarray(frame[330:700, 520:900])
    shown = body(network, legs)
    assert shown[8, 1] < shown[[10, 13], 1].min() < shown[[11, 14], 1].min()


def test_table_ends_the_person(network: BlazePose, frame: Image) -> None:
    (person,) = MultiPersonTracker(network)(behind_table(frame))
    assert person.detection.pose.hidden_below == pytest.approx(400, abs=6)
    (person,) = MultiPersonTracker(network)(frame)
    assert person.detection.pose.hidden_below == np.inf


def test_table_stays_where_it_is_while_the_person_moves(network: BlazePose, data_dir: Path) -> None:
    people, rows = MultiPersonTracker(network), []
    for image in frames(data_dir / "people" / "sam2_juggle.mp4", 0, 12):
        (person,) = people(behind_table(image, 420))
        rows.append(person.detection.pose.hidden_below)
    np.testing.assert_allclose(rows, 420, atol=6)


def test_the_image_edge_is_no_table(network: BlazePose, frame: Image) -> None:
    (person,) = MultiPersonTracker(network)(np.ascontiguousarray(frame[:400]))
    assert person.detection.pose.hidden_below == np.inf


def landmarks(x: float, height: float, certainty: float, angle: float = 0.0) -> PersonLandmarks:
    """Somebody who stands in the middle of an image of 640x360."""
    pose = standing((x, 180.0), height)
    up = np.array([np.sin(angle), -np.cos(angle)]) * height * 0.7
    circle = np.array([[x, 180.0], [x + up[0], 180.0 + up[1]]], np.float32)
    mask = PersonMask(np.zeros((8, 8), np.float32), np.eye(2, 3, dtype=np.float32))
    return PersonLandmarks(Detection(pose, mask), circle, certainty)


class ListedNetwork:
    """Detects what it is told, and reads it in any region around its place."""

    def __init__(self, *listed: tuple[PersonLandmarks, float]) -> None:
        self.listed = list(listed)

    def detect(self, image: Image, squares: Sequence[Region]) -> list[DetectedRegion]:
        """All that is listed."""
        return [DetectedRegion(reading.region, score) for reading, score in self.listed]

    def read_person(
        self, image: Image, region: Region, mask: FloatArray | None = None
    ) -> PersonLandmarks | None:
        """The reading nearest to the region, that way up."""
        near = [each for each, _ in self.listed if abs(each.region.x - region.x) < 20]
        return min(near, key=lambda each: abs(np.sin((each.region.angle - region.angle) / 2)), default=None)


def first_look(network: ListedNetwork, count: int = 1) -> list[PersonLandmarks]:
    return [each.reading for each in PersonSearch(network).first_look(IMAGE, count, 0)]


IMAGE = np.full((360, 640, 3), 128, np.uint8)


def test_the_largest_person_who_is_sure_is_the_first() -> None:
    small, large = landmarks(100, 120, 0.95), landmarks(400, 200, 0.9)
    doubtful = landmarks(550, 300, 0.3)
    network = ListedNetwork((small, 0.95), (large, 0.8), (doubtful, 0.6))
    assert first_look(network)[:1] == [large]
    assert first_look(network, 8) == [large, small]


def test_upside_down_gives_way_to_upright() -> None:
    inverted, upright = landmarks(320, 200, 0.85, np.pi), landmarks(320, 200, 0.8)
    network = ListedNetwork((inverted, 0.9), (upright, 0.4))
    assert first_look(network) == [upright]
    surely = replace(inverted, certainty=0.98)
    assert first_look(ListedNetwork((surely, 0.95), (upright, 0.4))) == [surely]


def test_wrong_first_reading_is_dropped_within_five_frames() -> None:
    wrong, right = landmarks(550, 300, 0.62), landmarks(150, 200, 0.95)
    network = ListedNetwork((wrong, 0.9))
    people = MultiPersonTracker(network)
    seen: list[tuple[Person, ...]] = [people(IMAGE)]
    network.listed.append((right, 0.95))
    seen += [people(IMAGE) for _ in range(5)]
    assert seen[0][0].identity == 1
    assert seen[0][0].detection.pose.body[1, 0] == pytest.approx(550, abs=5)
    assert seen[-1][0].identity == 2
    assert seen[-1][0].detection.pose.body[1, 0] == pytest.approx(150, abs=5)


def test_somebody_much_larger_was_overlooked() -> None:
    small, large = landmarks(100, 120, 0.95), landmarks(400, 200, 0.95)
    network = ListedNetwork((small, 0.95))
    people = MultiPersonTracker(network)
    people(IMAGE)
    network.listed.append((large, 0.95))
    last = [people(IMAGE) for _ in range(5)][-1]
    assert last[0].detection.pose.body[1, 0] == pytest.approx(400, abs=5)


def test_people_beyond_the_most_are_counted() -> None:
    crowd = [(landmarks(60 + 100 * place, 150, 0.95), 0.95) for place in range(6)]
    people = MultiPersonTracker(ListedNetwork(*crowd), 4)
    assert len(people(IMAGE)) == 4
    assert people.left_out == 2
