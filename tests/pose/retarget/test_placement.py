"""Size and place of a character: whole people, people cut by the image, and the way between."""

import numpy as np
import pytest
from skeletons import adult_skeleton, chibi_skeleton, posed, posture

from dance_now.pose.model.keypoints import POINT_COUNT
from dance_now.pose.model.pose import Pose
from dance_now.pose.retarget.retargeter import Retargeted, Retargeter

CHIBI, ADULT = chibi_skeleton(), adult_skeleton()
SCALE, HIP = 200.0, 240.0  # of the person, pixels a metre; its mid-hip in the image
TALL = ADULT.height * SCALE
HEAD = [0, 15, 16, 17, 18]


def person(**options: object) -> Pose:
    return posed(ADULT, posture(ADULT), mid_hip=(320, HIP), **options)


def in_picture(metres: float) -> float:
    """The row of a height of the person, which stands at 0."""
    return HIP - (metres - float(ADULT.rest[8, 1])) * SCALE


def photo(pose: Pose, bottom: float = 480, **options: float) -> Retargeted:
    return Retargeter(CHIBI, smooth=False)(pose, 0.0, size=(640, round(bottom)), **options)


def crown(result: Retargeted) -> float:
    ears = float(result.pose.points[[17, 18], 1].mean())
    return ears - float(CHIBI.bounds[1, 1] - CHIBI.rest[[17, 18], 1].mean()) * result.scale


@pytest.mark.parametrize("rows", [[1], [9, 12], [10, 13]], ids=["neck", "hips", "knees"])
def test_an_image_cuts_the_character_where_it_cuts_the_person(rows: list[int]) -> None:
    bottom = in_picture(float(ADULT.rest[rows, 1].mean()))
    result = photo(person(), bottom)
    assert crown(result) == pytest.approx(in_picture(ADULT.height), abs=0.05 * TALL)
    assert result.pose.points[rows, 1].mean() == pytest.approx(bottom, abs=0.1 * TALL)
    assert result.scale < photo(person()).scale


def test_a_portrait_gives_a_head_of_the_persons_size() -> None:
    seen = person()
    points = np.zeros((POINT_COUNT, 3), np.float32)
    points[HEAD] = seen.points[HEAD]
    result = photo(Pose(points), in_picture(float(ADULT.rest[1, 1])))
    assert crown(result) == pytest.approx(in_picture(ADULT.height), abs=0.08 * TALL)
    head = (CHIBI.bounds[1, 1] - CHIBI.rest[1, 1]) * result.scale
    assert head == pytest.approx((ADULT.height - ADULT.rest[1, 1]) * SCALE, rel=0.35)


def test_who_leaves_the_image_by_the_feet_is_no_jump() -> None:
    retarget = Retargeter(CHIBI)
    rows = []
    for frame in range(150):
        bottom = 480 - 300 * float(np.clip((frame - 30) / 60, 0, 1))
        result = retarget(person(), frame / 30, size=(640, round(bottom)))
        rows.append([crown(result), result.scale * CHIBI.height])
    assert np.abs(np.diff(rows, axis=0)).max() < 0.02 * TALL
    assert rows[-1][1] < 0.8 * rows[0][1]


def test_a_head_below_the_upper_edge_stays_below_it() -> None:
    seen = person()
    up = in_picture(ADULT.height) - 2  # the person's own crown is 2 pixels below the edge
    points = seen.points.copy()
    points[seen.visible, 1] -= up
    bent = points.copy()  # somebody who looks shorter than it is: the character would reach above the edge
    bent[[19, 21, 22, 24, 11, 14], 1] -= 0.06 * TALL
    for rows in (points, bent):
        result = photo(Pose(rows, seen.depth, seen.has_depth))
        assert crown(result) > -0.03 * TALL  # where it is, is guessed from the ears
        soles = result.pose.points[[19, 22], 1].max()
        assert soles == pytest.approx(rows[[19, 22], 1].max(), abs=0.04 * TALL)


@pytest.mark.parametrize("ratio", [0.6, 1.0])
def test_a_small_character_is_cut_by_the_same_edge(ratio: float) -> None:
    bottom = in_picture(float(ADULT.rest[[10, 13], 1].mean()))
    result = photo(person(), bottom, height_ratio=ratio)
    assert result.pose.points[[10, 13], 1].mean() == pytest.approx(bottom, abs=0.1 * TALL)


def test_a_person_in_an_endless_image_is_not_cut() -> None:
    retarget = Retargeter(CHIBI, smooth=False)
    assert retarget(person(), 0.0).scale == pytest.approx(photo(person(), 4000).scale, rel=0.02)
