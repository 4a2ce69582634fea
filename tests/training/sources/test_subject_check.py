"""Two characters in one set are told from one that is seen from several sides."""

import json
import logging
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from originals import drawn, pose_number

from dance_now.training.sources.prepare_dataset import prepare_dataset
from dance_now.training.sources.subject_check import find_second_subject, part_colors

PARTS = 6
Colors = npt.NDArray[np.float64]


def colored(count: int, seed: int) -> Colors:
    """(count, 6, 3) colors of one figure in changing light, its forearms not always seen."""
    chance = np.random.default_rng(seed)
    colors = chance.uniform(20, 80, (1, PARTS, 3)) + chance.normal(0, 3, (count, PARTS, 3))
    colors[chance.random(count) < 0.2, 3] = np.nan
    return colors


@pytest.mark.parametrize(("one", "other"), [(40, 12), (12, 40), (5, 60)])
def test_the_rarer_of_two_figures_is_found(one: int, other: int) -> None:
    found = find_second_subject(np.concatenate([colored(one, 1), colored(other, 2)]))
    expected = np.arange(one + other) < one
    np.testing.assert_array_equal(found, expected if one < other else ~expected)


def test_one_figure_is_one() -> None:
    assert not find_second_subject(colored(50, 1)).any()
    both_sides = colored(50, 1)
    both_sides[::2, :2] += 40  # hair for a face, a shirt for an open jacket
    assert not find_second_subject(both_sides).any()
    assert not find_second_subject(colored(1, 1)).any()
    assert not find_second_subject(np.full((9, PARTS, 3), np.nan)).any()


def test_colors_are_those_of_the_parts() -> None:
    pose = pose_number(0)
    picture = np.zeros((320, 320, 4), np.uint8)
    picture[:] = (255, 0, 0, 255)
    np.testing.assert_allclose(part_colors(picture, pose), np.tile([53.2, 80.1, 67.2], (PARTS, 1)), atol=0.3)
    assert np.isnan(part_colors(picture * 0, pose)).all()


@pytest.mark.parametrize("figures", [1, 2])
def test_a_set_of_two_characters_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, figures: int
) -> None:
    for name in ("train_img", "train_label"):
        (tmp_path / "set" / name).mkdir(parents=True)
    for number in range(12):
        pose = pose_number(number)
        picture, figure = drawn(pose)
        colors = 255 - picture if number % 3 == 0 and figures == 2 else picture
        path = tmp_path / "set" / "train_img" / f"p{number:02d}.png"
        cv2.imwrite(str(path), np.dstack([colors, figure]))
        label = json.dumps({"version": 1.3, "people": [pose.to_openpose()]})
        (tmp_path / "set" / "train_label" / f"p{number:02d}_keypoints.json").write_text(label)
    with caplog.at_level(logging.WARNING):
        prepare_dataset(tmp_path / "set", tmp_path / "dataset", "CC0", "nobody")
    told = [record.getMessage() for record in caplog.records if "two characters" in record.getMessage()]
    assert len(told) == figures - 1
    if told:
        assert "8 look like p01, 4 like p00" in told[0]
