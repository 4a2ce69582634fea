"""How far a figure reaches."""

import json

import numpy as np
import pytest
from skeletons import chibi_skeleton, posed, posture

from dance_now.character.figure_bounds import TRUNK, FigureBounds, in_trunk_frame


def extent(reach: float = 0.0) -> FigureBounds:
    """Boxes of 20 cm around each origin, and balls around the wrists."""
    reaches = np.zeros(137, np.float32)
    reaches[[4, 7]] = reach
    return FigureBounds(np.array([[[-0.1] * 3, [0.1] * 3]] * 3, np.float32), reaches)


@pytest.mark.parametrize("turn", [0, 45, 120])
def test_boxes_turn_with_the_figure(turn: float) -> None:
    """A place in the head's frame is carried to where the head carries it."""
    skeleton = chibi_skeleton()
    pose = posed(skeleton, posture(skeleton, turn=turn), scale=150, mid_hip=(256, 300))
    points = np.concatenate([pose.points[:, :2], pose.depth[:, None]], axis=1)
    nose = in_trunk_frame("head", skeleton.rest, skeleton.rest[:1])[0]
    boxes = np.zeros((3, 2, 3), np.float32)
    boxes[list(TRUNK).index("head")] = nose
    lowest, highest = FigureBounds(boxes, np.zeros(137, np.float32)).bounds(points, skeleton.scale(points))
    hips, chest = points[8, :2], points[1, :2]
    np.testing.assert_allclose(lowest, np.minimum(np.minimum(hips, chest), points[0, :2]), atol=0.5)
    np.testing.assert_allclose(highest, np.maximum(np.maximum(hips, chest), points[0, :2]), atol=0.5)


def test_balls_reach_around_their_keypoints() -> None:
    skeleton = chibi_skeleton()
    pose = posed(skeleton, posture(skeleton), scale=100, mid_hip=(256, 300))
    points = np.concatenate([pose.points[:, :2], pose.depth[:, None]], axis=1)
    lowest, highest = extent(0.5).bounds(points, 100.0)
    assert lowest[0] <= points[[4, 7], 0].min() - 49
    assert highest[1] >= points[[4, 7], 1].max() + 49


def test_it_comes_back_from_json() -> None:
    there = extent(0.25)
    back = FigureBounds.from_json(json.loads(json.dumps(there.to_json())))
    np.testing.assert_allclose(back.boxes, there.boxes, atol=1e-4)
    np.testing.assert_allclose(back.reach, there.reach, atol=1e-4)


@pytest.mark.parametrize(
    "spoilt", [{"reach": [0.1]}, {"boxes": [[1]]}, {"reach": [-1.0] * 137}, {"reach": [float("nan")] * 137}]
)
def test_other_numbers_are_refused(spoilt: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="bounds"):
        FigureBounds.from_json({**extent().to_json(), **spoilt})
