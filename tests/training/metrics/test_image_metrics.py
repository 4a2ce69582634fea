"""Scores of pictures that are right, shifted, dark or empty, and of faces that are blurred or blank."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dance_now.pose.model.keypoints import FACE
from dance_now.training.metrics.image_metrics import (
    Score,
    faces_viewer,
    head_box,
    head_score,
    score,
    structural_similarity,
)


def disk(x: float = 256, radius: float = 120, color: int = 200, size: int = 512) -> np.ndarray:
    """An opaque disk of one grey."""
    rows, columns = np.mgrid[:size, :size] + 0.5
    alpha = (np.hypot(columns - x, rows - size / 2) < radius) * 255
    grey = np.full_like(alpha, color)
    return np.stack([grey, grey, grey, alpha], axis=2).astype(np.uint8)


def test_the_same_picture_scores_best() -> None:
    result = score(disk(), disk())
    assert (result.psnr, result.iou, result.ssim, result.alpha_error) == pytest.approx((100, 1, 1, 0))


def test_two_empty_pictures_are_equal() -> None:
    empty = np.zeros((512, 512, 4), np.uint8)
    assert score(empty, empty) == Score(psnr=100, iou=1, ssim=1, alpha_error=0)


def test_a_larger_shift_scores_lower() -> None:
    results = [score(disk(256 + shift), disk()) for shift in (2, 8, 32, 128)]
    for nearer, farther in pairwise(results):
        assert farther.psnr < nearer.psnr
        assert farther.iou < nearer.iou


def test_a_known_shift_has_a_known_overlap() -> None:
    """Two disks of radius r, d apart."""
    radius, distance = 120, 64
    lens = 2 * radius**2 * np.arccos(distance / 2 / radius) - distance / 2 * np.sqrt(
        4 * radius**2 - distance**2
    )
    expected = lens / (2 * np.pi * radius**2 - lens)
    assert score(disk(256 + distance), disk()).iou == pytest.approx(expected, abs=0.01)


def test_a_wrong_grey_costs_its_difference() -> None:
    """20 of 255 too bright within the disk, nothing in the rim around it, counted by area."""
    result = score(disk(color=220), disk(color=200))
    inside, rim = 60**2, 68**2
    assert result.psnr == pytest.approx(-20 * np.log10(20 / 255 * np.sqrt(inside / rim)), abs=0.1)
    assert result.iou == 1


def test_what_is_transparent_has_no_color() -> None:
    hidden = disk()
    hidden[hidden[..., 3] == 0, :3] = 255
    assert score(hidden, disk()).psnr >= 100


def test_a_missing_figure_is_grey() -> None:
    """Mid-grey on mid-grey differs in the silhouette only."""
    result = score(np.zeros((512, 512, 4), np.uint8), disk(color=128))
    assert result.psnr > 50
    assert result.iou == 0


def test_the_background_does_not_count() -> None:
    """The same figure and error on a canvas twice the width score the same."""
    wide = [np.pad(picture, ((0, 0), (0, 512), (0, 0))) for picture in (disk(color=220), disk())]
    assert score(*wide).psnr == pytest.approx(score(disk(color=220), disk()).psnr, abs=0.05)


def test_a_wider_silhouette_costs_its_alpha() -> None:
    """A disk of 130 in place of 120, counted over the larger one and its surroundings."""
    result = score(disk(radius=130), disk(radius=120))
    expected = (65**2 - 60**2) / 73**2
    assert result.alpha_error == pytest.approx(expected, rel=0.05)


def test_similarity_is_that_of_the_paper() -> None:
    """The formula for one window, written out."""
    generator = np.random.default_rng(0)
    first, second = generator.random((2, 11, 11, 1)).astype(np.float32).repeat(3, axis=3)
    line = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = np.outer(line, line)[..., None] / line.sum() ** 2
    x, y = ((window * values[..., :1]).sum() for values in (first, second))
    xx, yy, xy = (
        (window * (a * b)[..., :1]).sum() - u * v
        for a, b, u, v in ((first, first, x, x), (second, second, y, y), (first, second, x, y))
    )
    expected = (2 * x * y + 1e-4) * (2 * xy + 9e-4) / ((x * x + y * y + 1e-4) * (xx + yy + 9e-4))
    assert structural_similarity(first, second)[5, 5] == pytest.approx(expected, abs=1e-4)


@given(arrays(np.float32, (16, 16, 3), elements=st.floats(0, 1, width=32)))
def test_a_picture_is_most_similar_to_itself(picture: np.ndarray) -> None:
    assert structural_similarity(picture, picture) == pytest.approx(1, abs=1e-3)
    assert structural_similarity(picture, 1 - picture).max() <= 1.001


def face_label(turn: float = 0, x: float = 256, y: float = 200, depth: bool = True) -> np.ndarray:
    """(137, 4) label of a head with ears 100 px apart, turned by degrees, its face an oval of points."""
    angle = np.linspace(0, 2 * np.pi, FACE.stop - FACE.start, endpoint=False)
    points = np.zeros((137, 3))
    points[[0, 15, 16, 17, 18]] = [[0, 21, 60], [-24, -5, 43], [24, -5, 43], [-50, 0, 0], [50, 0, 0]]
    points[FACE] = np.stack([35 * np.cos(angle), 40 * np.sin(angle) + 15, 45 + 0 * angle], axis=1)
    sine, cosine = np.sin(np.radians(turn)), np.cos(np.radians(turn))
    label = np.zeros((137, 4), np.float32)
    label[:, 0] = points[:, 0] * cosine + points[:, 2] * sine + x
    label[:, 1] = points[:, 1] + y
    label[:, 2] = (points[:, 0] * sine - points[:, 2] * cosine) * depth
    label[[0, *range(15, 19), *range(25, 95)], 3] = 1
    return label


def face(blank: bool = False) -> np.ndarray:
    """A head with two eyes and a mouth where ``face_label`` has them."""
    picture = disk(radius=100)
    picture = np.roll(picture, -50, axis=0)
    if not blank:
        for x in (-20, 20):
            cv2.circle(picture, (256 + x, 195), 8, (20, 30, 80, 255), -1, cv2.LINE_AA)
            cv2.circle(picture, (253 + x, 192), 2, (255, 255, 255, 255), -1, cv2.LINE_AA)
        cv2.line(picture, (246, 235), (266, 235), (120, 30, 30, 255), 2, cv2.LINE_AA)
    return picture


def blurred(picture: np.ndarray, sigma: float) -> np.ndarray:
    """A picture seen through a Gaussian of so many pixels."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def test_the_true_head_scores_best() -> None:
    result = head_score(face(), face(), face_label())
    assert result is not None
    assert (result.psnr, result.ssim, result.detail) == pytest.approx((100, 1, 1))


def test_a_blank_face_has_no_detail() -> None:
    """The whole figure's score hardly sees it."""
    result = head_score(face(blank=True), face(), face_label())
    assert result is not None
    assert result.detail < 0.05
    assert result.psnr < score(face(blank=True), face()).psnr
    invented = head_score(face(), face(blank=True), face_label())
    assert invented is not None
    assert invented.detail < 0.05


def test_blur_costs_detail_step_by_step() -> None:
    label = face_label()
    results = [head_score(blurred(face(), s), face(), label) for s in (0.3, 1, 2, 4)]
    details = [result.detail for result in results if result is not None]
    assert len(details) == 4
    for sharper, softer in pairwise(details):
        assert softer < sharper - 0.1
    assert details[0] > 0.9


def test_a_small_shift_of_a_sharp_face_is_forgiven_in_its_detail_only() -> None:
    label = face_label()
    shifted, soft = np.roll(face(), 2, axis=1), blurred(face(), 2)
    of_shifted, of_blurred = (head_score(each, face(), label) for each in (shifted, soft))
    assert of_shifted is not None
    assert of_blurred is not None
    assert of_shifted.psnr < of_blurred.psnr
    assert of_shifted.detail > of_blurred.detail + 0.3
    far = head_score(np.roll(face(), 15, axis=1), face(), label)
    assert far is not None
    assert far.detail < 0.3


def test_an_error_outside_the_head_does_not_count() -> None:
    other = face()
    other[400:, :, :] = 77
    result = head_score(other, face(), face_label())
    assert result is not None
    assert result.psnr == 100


@pytest.mark.parametrize("depth", [True, False])
@pytest.mark.parametrize(("turn", "facing"), [(0, True), (45, True), (-45, True), (80, False), (180, False)])
def test_a_face_looks_at_the_viewer_with_and_without_depth(turn: float, facing: bool, depth: bool) -> None:
    assert faces_viewer(face_label(turn, depth=depth)) is facing


def test_heads_that_look_away_or_leave_the_picture_have_no_score() -> None:
    assert head_score(face(), face(), face_label(turn=120)) is None
    assert head_score(face(), face(), face_label(x=30)) is None
    assert head_score(face(), face(), face_label(y=490)) is None
    bodily = face_label()
    bodily[FACE] = 0
    assert head_box(bodily) is None
    assert head_score(face(), face(), bodily) is None


def test_a_heads_box_is_a_square_around_it() -> None:
    left, top, right, bottom = head_box(face_label(), rim=0) or (0, 0, 0, 0)
    assert (left, right) == pytest.approx((206, 306), abs=1)
    assert right - left == bottom - top
    wide = head_box(face_label(), rim=0.5) or (0, 0, 0, 0)
    assert wide[2] - wide[0] == pytest.approx(200, abs=2)
    assert (wide[1] + wide[3]) / 2 == pytest.approx((top + bottom) / 2, abs=1)
