"""A data set as windows: what decides them, and what is refused."""

import json
import shutil
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dance_now.errors import DanceNowError
from dance_now.training.data import LabelledPictures, premultiplied, read_label


def test_pairs_are_found(dataset: Path) -> None:
    train, test = (LabelledPictures(dataset, split) for split in ("train", "test"))
    assert (len(train), len(test)) == (6, 2)
    assert train.names == sorted(train.names)
    assert train.keypoints.shape == (6, 137, 4)
    assert train.picture(0).shape == (512, 512, 4)
    assert train.picture(0)[..., 3].max() == 255


def test_colours_are_in_their_order(dataset: Path, pictures: LabelledPictures) -> None:
    stored = cv2.imread(str(dataset / "train_img" / "p0.png"), cv2.IMREAD_UNCHANGED)
    assert stored is not None
    true = cv2.cvtColor(stored, cv2.COLOR_BGRA2RGBA)
    np.testing.assert_array_equal(pictures.picture(0), true)


@settings(max_examples=15, deadline=None)
@given(step=st.integers(0, 10**6), seed=st.integers(0, 100), side=st.sampled_from([64, 128, 512]))
def test_windows_depend_on_seed_and_step_alone(
    pictures: LabelledPictures, step: int, seed: int, side: int
) -> None:
    first = pictures.windows(step, 2, side, seed)
    pictures.windows(step + 1, 3, 64, seed + 1)
    again = pictures.windows(step, 2, side, seed)
    for a, b in zip(first, again, strict=True):
        assert torch.equal(a, b)
    assert first[1].shape == (2, 4, side, side)
    assert 0 <= first[1].min() <= first[1].max() <= 1


def test_other_steps_and_seeds_give_other_windows(pictures: LabelledPictures) -> None:
    windows = [pictures.windows(step, 2, 128, seed)[0] for step, seed in ((0, 0), (1, 0), (0, 1))]
    assert not torch.equal(windows[0], windows[1])
    assert not torch.equal(windows[0], windows[2])


@settings(max_examples=30, deadline=None)
@given(step=st.integers(0, 10**6), side=st.sampled_from([64, 128, 256]))
def test_keypoints_move_with_their_window(pictures: LabelledPictures, step: int, side: int) -> None:
    """The window is a piece of the picture, and the shift of the labels says which."""
    keypoints, windows = (part.numpy() for part in pictures.windows(step, 1, side, 0))
    index = next(
        number
        for number in range(len(pictures))
        if (pictures.keypoints[number, :, 2:] == keypoints[0, :, 2:]).all()
    )
    shift = pictures.keypoints[index, :, :2] - keypoints[0, :, :2]
    x, y = np.round(shift[0]).astype(int)
    np.testing.assert_allclose(shift, np.broadcast_to([x, y], shift.shape), atol=1e-3)
    assert 0 <= x <= 512 - side
    assert 0 <= y <= 512 - side
    true = premultiplied(pictures.picture(index)[y : y + side, x : x + side])
    np.testing.assert_array_equal(windows[0], true)
    body = keypoints[0, :25, :2]
    assert ((body > -side / 2) & (body < 1.5 * side)).all(axis=1).any()  # a window lies on the figure


def test_a_stream_goes_on_where_it_is_told(pictures: LabelledPictures) -> None:
    whole = list(islice(pictures.stream(0, 2, 64, 3), 5))
    rest = list(islice(pictures.stream(2, 2, 64, 3), 3))
    for (a, b), (c, d) in zip(whole[2:], rest, strict=True):
        assert torch.equal(a, c)
        assert torch.equal(b, d)


def test_premultiplied_colour_vanishes_with_alpha() -> None:
    picture = np.array([[[255, 128, 0, 255], [255, 255, 255, 0], [200, 100, 50, 128]]], np.uint8)
    found = premultiplied(picture)
    assert found.shape == (4, 1, 3)
    np.testing.assert_allclose(found[:, 0, 0], [1, 128 / 255, 0, 1], atol=1e-6)
    np.testing.assert_array_equal(found[:, 0, 1], 0)
    np.testing.assert_allclose(found[:, 0, 2], np.array([200, 100, 50, 255]) / 255 * 128 / 255, atol=1e-6)


def test_a_folder_without_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DanceNowError, match="no pairs"):
        LabelledPictures(tmp_path, "train")


def test_pictures_without_labels_are_left_out(dataset: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(dataset, tmp_path / "copy")
    (copy / "train_label" / "p3_keypoints.json").unlink()
    assert LabelledPictures(copy, "train").names == ["p0", "p1", "p2", "p4", "p5"]


LABELS = {
    "empty": "",
    "no JSON": "{",
    "a list": "[]",
    "nobody": '{"people": []}',
    "no object": '{"people": [5]}',
    "texts": json.dumps({"people": [{"pose_keypoints_2d": ["a"] * 75}]}),
    "too short": json.dumps({"people": [{"pose_keypoints_2d": [1.0] * 74}]}),
    "no people": "{}",
    "a number": "5",
    "bytes": "\udcff",
}


@pytest.mark.parametrize("text", LABELS.values(), ids=LABELS.keys())
def test_unreadable_labels_are_refused(dataset: Path, tmp_path: Path, text: str) -> None:
    path = tmp_path / "p_keypoints.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DanceNowError):
        read_label(path)


@pytest.mark.parametrize("kind", ["damaged", "no alpha"])
def test_a_picture_without_alpha_is_refused(dataset: Path, tmp_path: Path, kind: str) -> None:
    copy = shutil.copytree(dataset, tmp_path / "copy")
    path = copy / "train_img" / "p0.png"
    if kind == "damaged":
        path.write_bytes(b"no picture")
    else:
        cv2.imwrite(str(path), np.zeros((512, 512, 3), np.uint8))
    with pytest.raises(DanceNowError, match="RGBA"):
        LabelledPictures(copy, "train").picture(0)


def test_a_picture_smaller_than_its_windows_is_refused(dataset: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(dataset, tmp_path / "copy")
    for path in (copy / "train_img").glob("*.png"):
        cv2.imwrite(str(path), np.zeros((100, 100, 4), np.uint8))
    with pytest.raises(DanceNowError, match="smaller"):
        LabelledPictures(copy, "train").windows(0, 1, 128, 0)
