"""A data set: which pictures and labels are used, and what becomes of the others."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from skeletons import adult_skeleton, posed, posture

from dance_now.core.errors import DanceNowError
from dance_now.training.data.dataset_reader import LabelledPictures, read_label


@pytest.fixture
def copy(pairs: Path, tmp_path: Path) -> Path:
    """A copy of the data set that may be damaged."""
    return shutil.copytree(pairs, tmp_path / "copy")


def test_pairs_are_found(pairs: Path) -> None:
    train, test = (LabelledPictures(pairs, split) for split in ("train", "test"))
    assert (len(train), len(test)) == (6, 2)
    assert train.names == sorted(train.names)
    assert train.keypoints.shape == (6, 137, 4)
    assert train.size == (512, 512)
    assert train.skipped == {}
    assert train.picture(0).shape == (512, 512, 4)
    assert train.picture(0)[..., 3].max() == 255


def test_colors_are_in_their_order(pairs: Path, pictures: LabelledPictures) -> None:
    stored = cv2.imread(str(pairs / "train_img" / "p0.png"), cv2.IMREAD_UNCHANGED)
    assert stored is not None
    np.testing.assert_array_equal(pictures.picture(0), cv2.cvtColor(stored, cv2.COLOR_BGRA2RGBA))


def image(folder: Path) -> Path:
    """The picture that is damaged."""
    return folder / "train_img" / "p3.png"


def label(folder: Path) -> Path:
    """Its label."""
    return folder / "train_label" / "p3_keypoints.json"


def write(path: Path, shape: tuple[int, ...], kind: type = np.uint8) -> None:
    """A black picture."""
    assert cv2.imwrite(str(path), np.zeros(shape, kind))


def flip_a_bit(path: Path) -> None:
    """In the middle of a file."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


def move_away(path: Path) -> None:
    """A label of somebody far to the right."""
    text = json.loads(path.read_text())
    person = text["people"][0]
    person["pose_keypoints_2d"] = [v + 900 * (i % 3 == 0) for i, v in enumerate(person["pose_keypoints_2d"])]
    path.write_text(json.dumps(text))


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "no label": (lambda folder: label(folder).unlink(), "no label"),
    "no picture": (lambda folder: image(folder).unlink(), "no picture"),
    "text": (lambda folder: image(folder).write_bytes(b"no picture"), "a damaged picture"),
    "empty": (lambda folder: image(folder).write_bytes(b""), "a damaged picture"),
    "cut": (lambda folder: image(folder).write_bytes(image(folder).read_bytes()[:-40]), "a damaged picture"),
    "a bit": (lambda folder: flip_a_bit(image(folder)), "a damaged picture"),
    "no alpha": (lambda folder: write(image(folder), (512, 512, 3)), "a picture that is not RGBA"),
    "16 bit": (lambda folder: write(image(folder), (512, 512, 4), np.uint16), "a picture that is not RGBA"),
    "small": (lambda folder: write(image(folder), (256, 512, 4)), "another size than 512x512"),
    "huge": (lambda folder: write(image(folder), (8, 5000, 4)), "a picture larger than 4096 pixels"),
    "nobody": (lambda folder: label(folder).write_text('{"people": []}'), "a label that shows nobody"),
    "no JSON": (lambda folder: label(folder).write_text("{"), "a label that shows nobody"),
    "outside": (lambda folder: move_away(label(folder)), "a label outside its picture"),
}


@pytest.mark.parametrize(("damage", "reason"), DAMAGE.values(), ids=DAMAGE.keys())
def test_what_cannot_be_used_is_skipped_and_counted(
    copy: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[Path], object], reason: str
) -> None:
    damage(copy)
    before = sorted(copy.rglob("*"))
    with caplog.at_level(logging.WARNING):
        found = LabelledPictures(copy, "train")
    assert found.names == ["p0", "p1", "p2", "p4", "p5"]
    ((told, names),) = found.skipped.items()
    assert told.startswith(reason)
    assert names == ["p3"]
    (record,) = caplog.records
    assert f"skipped 1 with {told} (p3)" in record.getMessage()
    assert sorted(copy.rglob("*")) == before  # nothing is deleted


def test_labels_of_another_body_are_skipped_and_counted(
    dataset: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Two characters' sets in one folder, whose dataset.json tells which of them is meant."""
    copy = Path(shutil.copytree(dataset, tmp_path / "copy"))
    for name in ("p1", "p4"):
        path = copy / "train_label" / f"{name}_keypoints.json"
        adult = posed(adult_skeleton(), posture(adult_skeleton()), scale=200, mid_hip=(256, 300))
        path.write_text(json.dumps({"version": 1.3, "people": [adult.to_openpose()]}))
    with caplog.at_level(logging.WARNING):
        found = LabelledPictures(copy, "train")
    assert found.names == ["p0", "p2", "p3", "p5"]
    assert "2 with a label of another body than the data set's (p1, p4)" in caplog.text


def test_one_line_counts_all_reasons(copy: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("p0", "p1", "p2", "p4"):
        (copy / "train_label" / f"{name}_keypoints.json").unlink()
    flip_a_bit(image(copy))
    with caplog.at_level(logging.WARNING):
        assert LabelledPictures(copy, "train").names == ["p5"]
    (record,) = caplog.records
    assert "1 with a damaged picture (p3); 4 with no label (p0, p1, p2, ...)" in record.getMessage()


def test_folders_without_pairs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DanceNowError, match="no pairs"):
        LabelledPictures(tmp_path, "train")


def test_a_split_without_anything_usable_is_refused(copy: Path) -> None:
    for path in (copy / "train_img").iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(DanceNowError, match=r"nothing to use .* 6 with a damaged picture"):
        LabelledPictures(copy, "train")


LABELS = {
    "empty": "",
    "no JSON": "{",
    "a list": "[]",
    "nobody": '{"people": []}',
    "no object": '{"people": [5]}',
    "texts": json.dumps({"people": [{"pose_keypoints_2d": ["a"] * 75}]}),
    "too short": json.dumps({"people": [{"pose_keypoints_2d": [1.0] * 74}]}),
    "unseen": json.dumps({"people": [{"pose_keypoints_2d": [0.0] * 75}]}),
    "no people": "{}",
    "a number": "5",
    "bytes": "\udcff",
    "deep": "[" * 100_000,
}


@pytest.mark.parametrize("text", LABELS.values(), ids=LABELS.keys())
def test_unreadable_labels_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "p_keypoints.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DanceNowError):
        read_label(path)
