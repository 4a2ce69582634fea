"""The first pass: who is where in every picture, kept small."""

import numpy as np
import pytest
from fakes import HEIGHT, HIP, TALL, WIDTH, MagentaEstimator, standing, with_person, write_photo, write_video
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dance_now.app.analysis import analyze
from dance_now.media.open_media import open_source
from dance_now.pose.estimators.people_finder import PeopleFinder
from dance_now.pose.model.detection import Detection, Person, PersonMask, TwoStageEstimator
from dance_now.pose.model.packed_mask import PackedMask
from dance_now.pose.tracking.limb_hull import hull_mask

MASKS = arrays.arrays(
    np.float32, st.tuples(st.integers(1, 9), st.integers(1, 9)), elements=st.floats(0, 1, width=32)
)


def quiet(*step):
    """Tells nobody."""


@given(MASKS)
def test_a_mask_survives_packing(alpha):
    to_picture = np.array([[2, 0, 5], [0, 3, 7]], np.float32)
    unpacked = PackedMask.of(PersonMask(alpha, to_picture)).unpacked()
    assert (unpacked.alpha.dtype, unpacked.alpha.shape) == (np.float32, alpha.shape)
    assert np.abs(unpacked.alpha - alpha).max() <= 0.5 / 255 + 1e-6
    np.testing.assert_array_equal(unpacked.to_image, to_picture)


def test_a_mask_is_packed_into_a_few_kilobytes():
    mask = hull_mask(standing((700, 600), 1000))
    assert len(PackedMask.of(mask).content) < 10_000 < mask.alpha.nbytes / 20


def test_everybody_is_kept_with_pose_mask_and_time(tmp_path):
    video = write_video(tmp_path / "clip.mp4", [50, None, 90], [0, 0.04, 0.2])
    steps = []
    with open_source(video) as source:
        found = analyze(source, PeopleFinder(MagentaEstimator()), lambda *step: steps.append(step), False)
    assert list(found.times.values()) == pytest.approx([0, 0.04, 0.2], abs=1e-3)
    assert [len(found.at(index)) for index in range(4)] == [1, 0, 1, 0]
    (person,) = found.at(2)
    expected = MagentaEstimator()(with_person(90))[0].detection
    np.testing.assert_allclose(person.detection.pose.points, expected.pose.points, atol=1)
    overlap = person.detection.mask.alpha_in(HEIGHT, WIDTH) * expected.mask.alpha_in(HEIGHT, WIDTH)
    assert overlap.sum() > 0.95 * expected.mask.alpha.sum()
    assert [pose is not None for pose in found.poses_of(1)] == [True, False, True]
    assert found.background is None
    assert steps == [("analysis", index + 1, 3) for index in range(3)]


class SteppingEstimator(MagentaEstimator):
    """Finds in a first step that the person is there, in a second one where."""

    def detect_bodies(self, image):
        """Everybody, in the middle."""
        return tuple(Person(each.identity, MIDDLE) for each in MagentaEstimator.__call__(self, image))

    def add_hands_and_faces(self, image, people):
        """In their places."""
        return tuple(each for each in MagentaEstimator.__call__(self, image) if people)

    def __call__(self, image):
        """Never both at once."""
        raise AssertionError


MIDDLE = Detection(standing((WIDTH / 2, HIP), TALL), PersonMask(np.zeros((1, 1), np.float32), np.eye(2, 3)))


def test_an_estimator_of_two_steps_is_asked_for_both(tmp_path):
    video = write_video(tmp_path / "clip.mp4", [50, None, 90, 100], [0, 0.04, 0.08, 0.12])
    with open_source(video) as source:
        assert isinstance(SteppingEstimator(), TwoStageEstimator)
        stepped = analyze(source, PeopleFinder(SteppingEstimator()), quiet, False)
        plain = analyze(source, PeopleFinder(MagentaEstimator()), quiet, False)
    for index in range(4):
        assert len(stepped.at(index)) == len(plain.at(index))
        for found, expected in zip(stepped.at(index), plain.at(index), strict=True):
            np.testing.assert_array_equal(found.detection.pose.points, expected.detection.pose.points)


def test_pictures_keep_their_numbers_where_one_is_broken(tmp_path):
    for number, place in enumerate([40, 60, 140]):
        write_photo(tmp_path / f"{number}.png", with_person(place))
    (tmp_path / "1.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    with open_source(tmp_path) as source:
        found = analyze(source, PeopleFinder(MagentaEstimator()), quiet, False)
        indices = [frame.index for frame in source.frames()]
    assert list(found.times) == indices
    assert all(len(found.at(index)) == 1 for index in indices)


def test_the_place_of_a_person_is_the_persons(tmp_path):
    with open_source(write_photo(tmp_path / "me.png", with_person(60))) as source:
        found = analyze(source, PeopleFinder(MagentaEstimator()), quiet, False)
    hip = found.poses_of(1)[0].points[8]
    assert hip[:2] == pytest.approx((60, HIP), abs=TALL / 40)
