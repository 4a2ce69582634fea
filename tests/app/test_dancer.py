"""One frame after the other through the dancer, with a fake estimator and a fake character."""

import numpy as np
import pytest
from fakes import MagentaEstimator, NoEstimator, RedCharacter, scenery, standing, with_person

from dance_now.app.dancer import Dancer
from dance_now.media.frame import Frame
from dance_now.pose.model.pose import Pose


def frames(places):
    return [Frame(with_person(place), index / 25, index) for index, place in enumerate(places)]


def test_reset_forgets_the_motion_and_the_source_is_not_written_to():
    dancer = Dancer(RedCharacter(), estimator=MagentaEstimator())
    clip = frames([40, 60, 90])
    first = [dancer(frame).image for frame in clip]
    dancer.reset()
    for frame, before in zip(clip, first, strict=True):
        np.testing.assert_array_equal(dancer(frame).image, before)
        np.testing.assert_array_equal(frame.image, with_person([40, 60, 90][frame.index]))


def test_photos_do_not_depend_on_each_other():
    dancer = Dancer(RedCharacter(), estimator=MagentaEstimator(), smooth=False)
    alone = dancer(frames([120])[0]).image
    dancer(frames([40])[0])
    np.testing.assert_array_equal(dancer(frames([120])[0]).image, alone)


@pytest.mark.parametrize("has_depth", [True, False])
def test_draw_takes_a_persons_pose_with_or_without_depth(has_depth):
    dancer = Dancer(RedCharacter(), estimator=NoEstimator())
    picture = dancer.draw(standing((400, 300), 500, has_depth))
    assert (picture.shape, picture.dtype) == ((512, 512, 4), np.uint8)
    rows = np.nonzero(picture[..., 3])[0]
    assert rows.min() > 5
    assert rows.max() < 507


def test_poses_without_a_time_do_not_depend_on_each_other():
    dancer = Dancer(RedCharacter(), estimator=NoEstimator())
    calm = standing((400, 300), 500)
    alone = dancer.draw(calm)
    points = calm.points.copy()
    points[[4, 7], 1] -= 250  # both hands up
    dancer.draw(Pose(points))
    np.testing.assert_array_equal(dancer.draw(calm), alone)


def test_a_frame_tells_what_was_found():
    dancer = Dancer(RedCharacter(), estimator=MagentaEstimator(), smooth=False)
    seen, nobody = (dancer(frame) for frame in frames([96, None]))
    (part,) = seen.parts
    assert part.person.identity == 1
    assert part.character is dancer.characters[0]
    assert nobody.parts == []
    np.testing.assert_array_equal(nobody.image, scenery())
