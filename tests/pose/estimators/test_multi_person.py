"""Several people in made-up frames, read by a network that knows their colors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from fakes import standing

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.estimators.multi_person import MultiPersonTracker
from dance_now.pose.estimators.person_network import PersonLandmarks
from dance_now.pose.model.detection import Detection, Person, PersonMask
from dance_now.pose.model.pose import Pose
from dance_now.pose.networks.litert import Region
from dance_now.pose.networks.person_detector import DetectedRegion
from dance_now.pose.tracking.limb_hull import hull_mask
from dance_now.pose.tracking.tracker import MAX_PEOPLE

WIDTH, HEIGHT, TALL = 640, 360, 200.0
CLOTHES = ((220, 40, 40), (40, 60, 220), (30, 160, 60))


def picture(places: Sequence[float | None]) -> Image:
    """People in their colors at columns, the last one in front."""
    image = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
    for place, color in zip(places, CLOTHES, strict=False):
        if place is not None:
            shape = hull_mask(standing((place, 180.0), TALL)).alpha_in(HEIGHT, WIDTH)
            image[shape > 0.5] = color
    return image


class ColorNetwork:
    """Sees whoever fills most of a square; reads them where they are by their color."""

    def __init__(self) -> None:
        self.searches = self.looks = 0

    def detect(self, image: Image, squares: Sequence[Region]) -> list[DetectedRegion]:
        """Everybody of whom more than a third is seen."""
        self.searches += 1
        seen = [(self._pixels(image, color), color) for color in CLOTHES]
        seen.sort(key=lambda each: -len(each[0]))
        return [DetectedRegion(self._around(pixels), 0.9) for pixels, _ in seen if len(pixels) > 2500]

    def read_person(
        self, image: Image, region: Region, mask: FloatArray | None = None
    ) -> PersonLandmarks | None:
        """The person with most pixels near the region's middle."""
        self.looks += 1
        best, found = 400, None
        for color in CLOTHES:
            pixels = self._pixels(image, color)
            near = pixels[np.abs(pixels[:, 0] - region.x) < 40]
            if len(near) > best:
                best, found = len(near), (pixels, color)
        if found is None:
            return None
        pixels, color = found
        x = float(np.median(pixels[:, 0]))
        alpha = (image[..., 0] == color[0]).astype(np.float32)
        detection = Detection(standing((x, 180.0), TALL), PersonMask(alpha, np.eye(2, 3, dtype=np.float32)))
        return PersonLandmarks(detection, np.array([[x, 180.0], [x, 40.0]], np.float32), 1.0)

    @staticmethod
    def _pixels(image: Image, color: tuple[int, int, int]) -> np.ndarray:
        return np.argwhere(image[..., 0] == color[0])[:, ::-1]

    @staticmethod
    def _around(pixels: np.ndarray) -> Region:
        return Region(float(np.median(pixels[:, 0])), 180.0, 350.0, 0.0)


def colors(image: Image, people: Sequence[Person]) -> dict[int, int]:
    """Identity -> which color is in that person's mask."""
    found = {}
    for person in people:
        mask = person.detection.mask.alpha_in(HEIGHT, WIDTH) > 0.5
        found[person.identity] = CLOTHES.index(tuple(np.median(image[mask], axis=0).astype(int).tolist()))
    return found


def test_everybody_is_found_and_followed_without_searching_again() -> None:
    network = ColorNetwork()
    people = MultiPersonTracker(network, MAX_PEOPLE)
    image = picture([100, 320, 540])
    assert sorted(colors(image, people(image)).values()) == [0, 1, 2]
    before = network.searches
    for step in range(10):
        assert len(people(picture([100 + step, 320, 540]))) == 3
    assert network.searches == before


def test_people_who_cross_keep_their_numbers() -> None:
    people = MultiPersonTracker(ColorNetwork(), MAX_PEOPLE)
    seen = []
    for frame in range(60):
        image = picture([100 + 7.0 * frame, 520 - 7.0 * frame])
        seen.append(colors(image, people(image)))
    assert seen[0] == seen[-1] == {1: 0, 2: 1} or seen[0] == seen[-1] == {1: 1, 2: 0}
    assert all(item in seen[0].items() for found in seen for item in found.items())
    assert min(map(len, seen)) == 1  # one of them was hidden


def test_who_comes_and_goes() -> None:
    people = MultiPersonTracker(ColorNetwork(), MAX_PEOPLE)
    for _ in range(3):
        assert [person.identity for person in people(picture([100]))] == [1]
    both = [people(picture([100, 400])) for _ in range(30)]
    assert [person.identity for person in both[-1]] == [1, 2]
    gone = [people(picture([None, 400])) for _ in range(5)]
    assert [person.identity for person in gone[-1]] == [2]
    back = [people(picture([110, 400])) for _ in range(8)]
    assert [person.identity for person in back[-1]] == [1, 2]


def test_one_person_is_followed_and_nobody_else_looked_for() -> None:
    network = ColorNetwork()
    people = MultiPersonTracker(network)
    for _ in range(5):  # the first look, and another that checks it
        first = colors(picture([100, 400]), people(picture([100, 400])))
    network.searches = network.looks = 0
    for step in range(40):
        image = picture([100 + step, 400 + step])
        assert colors(image, people(image)) == first
    assert network.searches == 0
    assert network.looks == 40


@pytest.mark.parametrize("max_people", [1, MAX_PEOPLE])
def test_the_same_frames_give_the_same_people_after_a_reset(max_people: int) -> None:
    people, runs = MultiPersonTracker(ColorNetwork(), max_people), []
    for _ in range(2):
        people.reset()
        found = [people(picture([100 + 9 * frame, 400 - 9 * frame])) for frame in range(20)]
        runs.append(
            [[(each.identity, each.detection.pose.points.tobytes()) for each in row] for row in found]
        )
    assert runs[0] == runs[1]


def test_nobody() -> None:
    people = MultiPersonTracker(ColorNetwork(), MAX_PEOPLE)
    assert people(picture([])) == ()
    assert len(people(picture([200]))) == 1
    assert people(picture([])) == ()


class LegsNetwork:
    """An image of legs: shoes are taken for a head, unless the square reaches far above the image."""

    def __init__(self, knows_legs: bool) -> None:
        self.knows_legs = knows_legs

    def detect(self, image: Image, squares: Sequence[Region]) -> list[DetectedRegion]:
        """Somebody upside down."""
        return [DetectedRegion(Region(320, 180, 350, 3.0), 0.9)]

    def read_person(
        self, image: Image, region: Region, mask: FloatArray | None = None
    ) -> PersonLandmarks | None:
        """Somebody folded up in squares of the image, who stands in squares above it."""
        above = region.y < 100
        if above and not self.knows_legs:
            return None
        pose = standing((320.0, 0.0), 700.0)
        if not above:
            points = pose.points.copy()
            points[[0, 17, 18], 1], points[[1, 2, 5], 1] = 120, 60
            pose = Pose(points, pose.depth, pose.has_depth)
        mask = PersonMask(np.zeros((8, 8), np.float32), np.eye(2, 3, dtype=np.float32))
        return PersonLandmarks(Detection(pose, mask), np.array([[320, 40], [320, -400.0]], np.float32), 1.0)


def test_legs_alone_are_of_somebody_who_stands() -> None:
    (person,) = MultiPersonTracker(LegsNetwork(knows_legs=True))(picture([]))
    body = person.detection.pose.body
    assert body[0, 1] < body[8, 1] < body[10, 1] < body[11, 1]


def test_legs_that_cannot_be_read_are_nobody() -> None:
    assert MultiPersonTracker(LegsNetwork(knows_legs=False))(picture([])) == ()
