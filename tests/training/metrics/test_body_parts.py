"""Which part of a body a pixel and an error belong to."""

import numpy as np
import pytest
from skeletons import chibi_skeleton, posed, posture

from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.keypoints import BODY_INDEX, FACE, LEFT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.training.metrics.body_parts import PARTS, part_errors, part_map, summarise_part_errors
from dance_now.training.metrics.image_metrics import ImageComparison


def figure(turn: float = 0) -> FloatArray:
    """The label of a chibi with raised arms on a 512 px canvas."""
    skeleton = chibi_skeleton()
    place = posture(skeleton, turn=turn, left_arm=[[1, 0.3, 0]] * 2, right_arm=[[-1, 0.3, 0]] * 2)
    return label_of(posed(skeleton, place, scale=300.0, mid_hip=(256, 350)))


def label_of(pose: Pose) -> FloatArray:
    """(137, 4) x, y, depth, confidence."""
    return np.concatenate([pose.points[:, :2], pose.depth[:, None], pose.points[:, 2:]], axis=1)


def part_at(label: FloatArray, point: FloatArray) -> str:
    """The part that a place of the full picture belongs to."""
    column, row = (int(value) for value in point[:2] / 2)
    return PARTS[part_map(label, 512, (256, 256))[row, column]]


def blocks(*changed: FloatArray, by: int = 60) -> Image:
    """An opaque grey picture, brighter in a small block around each of the given places."""
    picture = np.full((512, 512, 4), 255, np.uint8)
    picture[..., :3] = 100
    for x, y in (point[:2].astype(int) for point in changed):
        picture[y - 4 : y + 4, x - 4 : x + 4, :3] += np.uint8(by)
    return picture


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("right_elbow", "arms"),
        ("left_knee", "legs"),
        ("left_big_toe", "feet"),
        ("mid_hip", "trunk"),
    ],
)
def test_a_joint_belongs_to_its_limb(name: str, part: str) -> None:
    label = figure()
    assert part_at(label, label[BODY_INDEX[name]]) == part


def test_heads_have_a_face_in_front_and_hair_around_and_behind() -> None:
    label = figure()
    centre = label[FACE, :3].mean(axis=0)
    assert part_at(label, centre) == "face"
    assert part_at(label, centre - [0, 110, 0]) == "hair"
    away = figure(turn=180)
    assert part_at(away, away[FACE, :3].mean(axis=0)) == "hair"


def test_hands_end_near_their_fingers() -> None:
    label = figure()
    hand = label[LEFT_HAND]
    assert part_at(label, hand[9]) == "hands"
    beyond = hand[9, :3] + 3 * (hand[12, :3] - hand[0, :3])
    assert part_at(label, np.clip(beyond, 0, 511)) == "arms"


def test_a_label_of_nobody_has_one_part_only() -> None:
    assert len(np.unique(part_map(np.zeros((137, 4), np.float32), 512, (256, 256)))) == 1


def test_points_far_outside_do_no_harm() -> None:
    label = figure()
    label[BODY_INDEX["left_wrist"], :2] = 1e9
    assert part_map(label, 512, (256, 256)).shape == (256, 256)


def test_errors_are_shared_out_by_their_squares() -> None:
    label = figure()
    elbow, knee = label[BODY_INDEX["right_elbow"]], label[BODY_INDEX["left_knee"]]
    true = blocks()
    once = part_errors(ImageComparison.of(blocks(elbow, knee), true), label, 512)
    twice = part_errors(ImageComparison.of(blocks(elbow, by=120), true), label, 512)
    share = {each.part: each.share for each in summarise_part_errors([once, twice])}
    assert share["arms"] == pytest.approx(5 / 6, abs=0.03)
    assert share["legs"] == pytest.approx(1 / 6, abs=0.03)
    assert sum(each.area for each in summarise_part_errors([once])) == pytest.approx(1)


def test_what_a_shift_mends_is_geometry() -> None:
    """Noise with a grain of some pixels, moved by a pixel of the reduced picture, or darkened."""
    coarse = np.random.default_rng(0).integers(40, 200, (32, 32, 3)).astype(np.uint8)
    true = np.full((512, 512, 4), 255, np.uint8)
    true[..., :3] = coarse.repeat(16, axis=0).repeat(16, axis=1)
    moved = np.roll(true, 2, axis=1)
    darker = true.copy()
    darker[..., :3] -= 30
    label = figure()
    by_shift = summarise_part_errors([part_errors(ImageComparison.of(moved, true), label, 512)])
    by_shade = summarise_part_errors([part_errors(ImageComparison.of(darker, true), label, 512)])
    assert min(each.moved for each in by_shift if each.area) > 0.9
    assert max(each.moved for each in by_shade) < 0.01


def test_no_error_has_no_parts() -> None:
    true = blocks()
    assert summarise_part_errors([part_errors(ImageComparison.of(true, true), figure(), 512)]) == ()
