"""Decoded pictures: the same windows however they are kept."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dance_now.core.errors import DanceNowError
from dance_now.training.data import sample_cache as holding
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.data.sample_cache import SampleCache, free_memory

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def decoded(pictures: LabelledPictures) -> SampleCache:
    """All in memory."""
    samples = SampleCache(pictures, CPU)
    assert samples.is_decoded
    return samples


@pytest.fixture(scope="module")
def compressed(pictures: LabelledPictures) -> SampleCache:
    """Memory for one."""
    samples = SampleCache(pictures, CPU, memory_limit=200_000)
    assert not samples.is_decoded
    return samples


@settings(max_examples=40, deadline=None)
@given(
    index=st.integers(0, 5), x=st.integers(0, 448), y=st.integers(0, 448), side=st.sampled_from([16, 64, 512])
)
def test_a_window_is_a_piece_of_the_picture(
    pictures: LabelledPictures, decoded: SampleCache, compressed: SampleCache,
    index: int, x: int, y: int, side: int,
) -> None:  # fmt: skip
    x, y = min(x, 512 - side), min(y, 512 - side)
    true = pictures.picture(index)[y : y + side, x : x + side].astype(int)
    for samples in (decoded, compressed):
        found = samples.crop(index, x, y, side).numpy().astype(int)
        np.testing.assert_array_equal(found[..., 3], true[..., 3])
        np.testing.assert_array_equal(found[..., :3] * found[..., 3:], true[..., :3] * true[..., 3:])


def test_every_picture_is_told(pictures: LabelledPictures) -> None:
    told: list[tuple[int, int]] = []
    SampleCache(pictures, CPU, lambda done, total: told.append((done, total)))
    assert told == [(number, 6) for number in range(1, 7)]


def damage(folder: Path, kind: str, name: str) -> None:
    """What only a look at the picture shows."""
    if kind == "an empty picture":
        cv2.imwrite(str(folder / "train_img" / f"{name}.png"), np.zeros((512, 512, 4), np.uint8))
        return
    path = folder / "train_label" / f"{name}_keypoints.json"
    text = json.loads(path.read_text())
    person = text["people"][0]
    for part in ("pose", "face", "hand_left", "hand_right"):
        numbers = person[f"{part}_keypoints_2d"]
        person[f"{part}_keypoints_2d"] = [v / (1 if i % 3 == 2 else 4) for i, v in enumerate(numbers)]
    person["depth"] = [depth / 4 for depth in person["depth"]]
    path.write_text(json.dumps(text))


@pytest.mark.parametrize("kind", ["an empty picture", "a label that lies beside its figure"])
@pytest.mark.parametrize("memory_limit", [None, 10])
def test_pictures_and_labels_that_do_not_match_are_skipped(
    pairs: Path, tmp_path: Path, kind: str, memory_limit: int | None
) -> None:
    copy = shutil.copytree(pairs, tmp_path / "copy")
    damage(copy, kind, "p2")
    pictures = LabelledPictures(copy, "train")
    samples = SampleCache(pictures, CPU, memory_limit=memory_limit)
    assert samples.skipped == {kind: ["p2"]}
    assert len(samples) == 5
    np.testing.assert_array_equal(samples.keypoints, pictures.keypoints[[0, 1, 3, 4, 5]])
    last = torch.from_numpy(pictures.picture(5)[..., 3].copy())
    assert torch.equal(samples.crop(4, 0, 0, 512)[..., 3], last)


def test_nothing_that_matches_is_refused(pairs: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(pairs, tmp_path / "copy")
    for number in range(6):
        damage(copy, "a label that lies beside its figure", f"p{number}")
    with pytest.raises(DanceNowError, match="nothing to train on: 6 with a label that lies beside"):
        SampleCache(LabelledPictures(copy, "train"), CPU)


@pytest.mark.parametrize("variable", ["LOCAL_WORLD_SIZE", "WORLD_SIZE"])
def test_workers_on_one_machine_share_its_memory(
    pictures: LabelledPictures, decoded: SampleCache, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    needed = sum(figure.picture.numel() for figure in decoded._figures)
    monkeypatch.setattr(holding, "free_memory", lambda: 3 * needed)
    assert SampleCache(pictures, CPU).is_decoded
    monkeypatch.setenv(variable, "2")
    assert not SampleCache(pictures, CPU).is_decoded


def test_memory_is_known() -> None:
    assert 2**26 < free_memory() < 2**50
