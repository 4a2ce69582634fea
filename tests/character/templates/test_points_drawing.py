"""Points networks are drawn in bounds, repeatably, and the same by any number of threads."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from canvas_poses import canvas_poses
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as array_of
from points_networks import points_arrays
from skeletons import chibi_skeleton

from dance_now.character.canvas_region import WHOLE, CanvasRegion
from dance_now.character.kernel.points_library import points_kernel
from dance_now.character.templates.points_arrays import PointsArrays
from dance_now.character.templates.points_drawing import PointsDrawing

PART = CanvasRegion(96, 64, 320, 416)


def network(patches: bool = True, width: int = 4) -> PointsArrays:
    return PointsArrays.of(points_arrays(patches=patches, width=width))


@pytest.fixture(scope="module")
def poses() -> np.ndarray:
    return canvas_poses(chibi_skeleton())


@pytest.mark.parametrize("patches", [True, False])
def test_the_figure_is_drawn_where_it_is(poses: np.ndarray, patches: bool) -> None:
    drawing = PointsDrawing(chibi_skeleton(), network(patches))
    moved = poses[0] + np.array([100, 0, 0, 0], np.float32)
    first, second = drawing.draw(poses[0]), drawing.draw(moved)
    columns = [np.flatnonzero((each[..., 3] > 128).any(axis=0)) for each in (first, second)]
    assert 0 < len(columns[0]) < 400
    assert abs((columns[1].mean() - columns[0].mean()) - 100) < 6
    again = drawing.draw(poses[0])
    assert np.array_equal(first, again)


@pytest.mark.parametrize("width", [4, 8, 16, 20])
@pytest.mark.parametrize("patches", [True, False])
def test_threads_and_instruction_sets_change_no_bit(poses: np.ndarray, width: int, patches: bool) -> None:
    arrays, skeleton = network(patches, width), chibi_skeleton()
    best = points_kernel().best_instructions()
    drawings = [
        PointsDrawing(skeleton, arrays, threads, instructions)
        for threads, instructions in ((1, 0), (2, None), (5, 0), *((1, each) for each in range(1, best + 1)))
    ]
    for keypoints in poses[[2, 6, 9]]:
        for part in (WHOLE, PART):
            first, *others = (drawing.draw(keypoints, part) for drawing in drawings)
            assert first.any() or part is PART
            for other in others:
                assert np.array_equal(first, other)


def test_several_threads_may_draw_at_once(poses: np.ndarray) -> None:
    drawing = PointsDrawing(chibi_skeleton(), network(), 2)
    alone = [drawing.draw(keypoints) for keypoints in poses[:4]]
    found: dict[int, np.ndarray] = {}

    def draw(number: int) -> None:
        found[number] = drawing.draw(poses[number])

    threads = [threading.Thread(target=draw, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.array_equal(found[number], alone[number]) for number in range(4))


def test_a_part_shows_what_the_whole_shows(poses: np.ndarray) -> None:
    drawing = PointsDrawing(chibi_skeleton(), network())
    whole = drawing.draw(poses[0]).astype(int)
    part = drawing.draw(poses[0], PART).astype(int)
    cut = whole[PART.top : PART.top + PART.height, PART.left : PART.left + PART.width]
    inner = (slice(48, -48), slice(48, -48))
    assert np.abs(cut[inner] - part[inner])[..., 3].mean() < 0.5


@pytest.mark.parametrize(
    "part", [CanvasRegion(0, 0, 96, 512), CanvasRegion(0, 0, 256, 250), CanvasRegion(0, 0, 2048, 512)]
)
def test_sizes_that_cannot_be_drawn_are_refused(poses: np.ndarray, part: CanvasRegion) -> None:
    with pytest.raises(ValueError, match="cannot draw"):
        PointsDrawing(chibi_skeleton(), network()).draw(poses[0], part)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_keypoints_have_to_be_finite(poses: np.ndarray, value: float) -> None:
    keypoints = poses[0].copy()
    keypoints[3, 1] = value
    with pytest.raises(ValueError, match="finite"):
        PointsDrawing(chibi_skeleton(), network()).draw(keypoints)


finite = st.floats(width=32, allow_nan=False, allow_infinity=False)


@settings(max_examples=40)
@given(keypoints=array_of(np.float32, (137, 4), elements=finite | st.floats(-600, 600, width=32)))
def test_any_finite_keypoints_are_drawn(keypoints: np.ndarray) -> None:
    drawing = PointsDrawing(chibi_skeleton(), network())
    assert drawing.draw(keypoints, CanvasRegion(0, 0, 192, 192)).shape == (192, 192, 4)


@pytest.mark.parametrize("scale", [1e-30, 1e-4, 0.01, 30, 1e4, 1e30])
def test_figures_of_any_size_are_drawn(poses: np.ndarray, scale: float) -> None:
    keypoints = poses[0].copy()
    keypoints[:, :3] = (keypoints[:, :3].astype(np.float64) * scale).astype(np.float32)
    PointsDrawing(chibi_skeleton(), network()).draw(keypoints)


def test_the_largest_values_that_pass_the_check_are_drawn(poses: np.ndarray) -> None:
    arrays = points_arrays()
    for name, value in (("shapes", 10), ("face_solve", 6e4), ("pose_basis", 1e4), ("colors", -6e4)):
        arrays[name][:] = value
    arrays["inner"][:] = 1
    for name in arrays:
        if name.endswith("weight"):
            arrays[name][:] = 6e4
    drawing = PointsDrawing(chibi_skeleton(), PointsArrays.of(arrays))
    for keypoints in poses:
        drawing.draw(keypoints)
