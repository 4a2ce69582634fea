"""Pictures with 2D labels become a data set that trains."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest
import torch
from originals import PICTURES, SIDE, drawn, pose_number
from skeletons import chibi_skeleton

from dance_now.character.character import Character
from dance_now.core.errors import DanceNowError
from dance_now.pose.model.skeleton import RIGID_SEGMENTS
from dance_now.render.avatar.avatar_options import DEFAULT_OPTIONS
from dance_now.training.character_card import Rights, dataset_card, dataset_skeleton
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.distributed import Worker
from dance_now.training.sources.openpose_layout import read_openpose_layout
from dance_now.training.sources.prepare_dataset import prepare_dataset
from dance_now.training.sources.training_source import TrainingSource
from dance_now.training.sticks import sticks_stages as sticks_stages
from dance_now.training.sticks.sticks_config import STICKS
from dance_now.training.train_character import Stage, train
from dance_now.training.train_config import PRESETS
from dance_now.training.training_run import Run

RIGHTS = Rights("CC0", "me")


@pytest.fixture(scope="module")
def prepared(original: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same set in the studio's layout."""
    output = tmp_path_factory.mktemp("prepared") / "dataset"
    prepare_dataset(original, output, "CC0", "nobody")
    return output


def test_the_card_names_where_the_pictures_come_from(original: Path, prepared: Path) -> None:
    card = dataset_card(prepared, "simple", RIGHTS)
    assert card.provenance["avatar"]["name"] == original.name


def test_the_figure_is_cut_out(prepared: Path) -> None:
    upscale = 512 / SIDE
    for split in ("train", "test"):
        pictures = LabelledPictures(prepared, split)
        for index in (0, len(pictures) - 1):
            found = pictures.picture(index)[..., 3] > 127
            figure = drawn(pose_number(int(pictures.names[index][1:])))[1]
            true = cv2.resize(figure, None, fx=upscale, fy=upscale) > 127
            assert (found & true).sum() / (found | true).sum() > 0.9


def test_the_last_tenth_is_held_out(prepared: Path) -> None:
    assert LabelledPictures(prepared, "test").names == [f"p{PICTURES - 2}", f"p{PICTURES - 1}"]
    assert len(LabelledPictures(prepared, "train")) == PICTURES - 2


def test_the_body_has_the_proportions_that_the_labels_show(prepared: Path) -> None:
    found, true = dataset_skeleton(prepared).lengths(), chibi_skeleton().lengths()
    np.testing.assert_allclose(found / found.sum(), true / true.sum(), rtol=0.12, atol=0.005)


def test_labels_are_complete_poses_of_that_body(prepared: Path) -> None:
    pictures, skeleton = LabelledPictures(prepared, "train"), dataset_skeleton(prepared)
    pairs = np.array(RIGID_SEGMENTS)
    for label, name in zip(pictures.keypoints, pictures.names, strict=True):
        lengths = np.linalg.norm(label[pairs[:, 0], :3] - label[pairs[:, 1], :3], axis=1)
        expected = skeleton.lengths() * lengths.sum() / skeleton.lengths().sum()
        np.testing.assert_allclose(lengths, expected, rtol=0.02)
        drawn_at = pose_number(int(name[1:])).points[:15, :2] * 512 / SIDE
        assert np.median(np.linalg.norm(label[:15, :2] - drawn_at, axis=1)) < 6


@pytest.mark.parametrize("stage", ["body", "head"])
def test_stages_leave_what_the_next_one_needs(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    """Each of the original's stages alone, up to one; the body trains without the others."""
    stages: tuple[Stage, ...] = ("body",) if stage == "body" else ("heads", "body", "fake-heads", "head")
    config = replace(PRESETS["debug"], steps=2)
    for each in stages:
        done = train(
            prepared, tmp_path / "simple.dance", config,
            rights=RIGHTS, template="sticks", sticks=STICKS["debug"], stage=each, report=lambda *told: None,
        )  # fmt: skip
        assert done is None
    run = tmp_path / "simple.run"
    assert (run / stage / "ema.pt").exists()
    if stage == "head":
        names = {path.name for path in (prepared / "train_img").iterdir()}
        for heads in ("real_heads", "drawn_heads"):
            assert {path.name for path in (run / heads).iterdir()} == names
        exported: list[object] = []
        monkeypatch.setattr(sticks_stages, "export", lambda make_content, *_: exported.append(make_content))
        # The first of two workers, of which the other has left.
        whole = Run(
            run, prepared, tmp_path / "simple.dance", dataset_card(prepared, "simple", RIGHTS), config,
            lambda *told: None, Worker(0, 2),
        )  # fmt: skip
        sticks_stages.SticksStages(whole, STICKS["debug"]).export()
        assert len(exported) == 1


def test_heads_of_an_unfinished_body_are_not_drawn(prepared: Path, tmp_path: Path) -> None:
    """They would stay when it is finished."""
    config = replace(PRESETS["debug"], steps=2)

    def run_stage(stage: Stage) -> None:
        train(
            prepared, tmp_path / "simple.dance", config,
            rights=RIGHTS, template="sticks", sticks=STICKS["debug"], stage=stage, report=lambda *told: None,
        )  # fmt: skip

    run_stage("body")
    average = tmp_path / "simple.run" / "body" / "ema.pt"
    state = torch.load(average, weights_only=True)
    torch.save({**state, "step": 1}, average)
    with pytest.raises(DanceNowError, match=r"step 1 of 2\. Set stage to body"):
        run_stage("fake-heads")
    assert not (tmp_path / "simple.run" / "drawn_heads").exists()
    torch.save(state, average)
    with pytest.raises(DanceNowError, match=r"has no checkpoint\. Set stage to head"):
        run_stage("export")


def test_points_learn_from_pictures_as_they_are(original: Path, tmp_path: Path) -> None:
    config = replace(PRESETS["debug"], steps=2)
    output = tmp_path / "simple.dance"
    train(original, output, config, rights=RIGHTS, stage="body", report=lambda *told: None)
    assert (tmp_path / "simple.run" / "ema.pt").exists()


@pytest.mark.slow
@pytest.mark.parametrize("template", ["points", "sticks"])
def test_it_trains_from_end_to_end(
    original: Path, prepared: Path, tmp_path: Path, template: Literal["points", "sticks"]
) -> None:
    sticks = STICKS["debug"]
    config = replace(PRESETS["debug"], steps=3)
    output = tmp_path / "simple.dance"
    source = original if template == "points" else prepared
    result = train(
        source, output, config, rights=RIGHTS, template=template, sticks=sticks, report=lambda *told: None
    )
    assert result is not None
    character = Character.load(output)
    assert character.card.template == template
    assert (character.card.licence, character.card.credits) == ("CC0", "me")
    assert character.card.provenance["steps"] == 3


@pytest.mark.parametrize("rights", [Rights(), Rights("CC0"), Rights(credits="me"), Rights("CC0", "")])
def test_whose_licence_and_credit_nobody_names_is_not_trained(
    original: Path, tmp_path: Path, rights: Rights
) -> None:
    with pytest.raises(DanceNowError, match="licence and credits are needed"):
        train(original, tmp_path / "a.dance", PRESETS["debug"], rights=rights, report=lambda *told: None)
    assert not list(tmp_path.iterdir())


def test_pictures_are_told_apart_by_their_labels(original: Path, tmp_path: Path) -> None:
    """By contents as long as before, too; what else lies in the folder does not matter."""
    copy = Path(shutil.copytree(original, tmp_path / "copy"))

    def fingerprint(folder: Path) -> object:
        return TrainingSource.of(folder, None, DEFAULT_OPTIONS).fingerprint(PRESETS["debug"])

    (copy / "old_img").mkdir()
    (copy / "old_img" / "p00.png").write_bytes(b"another")
    assert fingerprint(copy) == fingerprint(original)
    label = next((copy / "train_label").iterdir())
    label.write_bytes(label.read_bytes().replace(b"1", b"2", 1))
    assert fingerprint(copy) != fingerprint(original)


def spoil(folder: Path, what: str) -> None:
    """Makes three of the pairs unusable."""
    for number in (1, 3, 5):
        picture = folder / "train_img" / f"p{number:02d}.png"
        label = folder / "train_label" / f"p{number:02d}_keypoints.json"
        if what == "pictures without a label":
            label.unlink()
        elif what == "damaged pictures":
            picture.write_bytes(b"no picture")
        elif what == "damaged labels":
            label.write_text("{")
        elif what == "labels without a person":
            label.write_text(json.dumps({"people": []}))
        elif what == "labels of a picture of another size":
            text = json.loads(label.read_text())
            person = text["people"][0]
            values = person["pose_keypoints_2d"]
            person["pose_keypoints_2d"] = [v if place % 3 == 2 else 4 * v for place, v in enumerate(values)]
            label.write_text(json.dumps(text))


@pytest.mark.parametrize(
    "what",
    [
        "pictures without a label",
        "damaged pictures",
        "damaged labels",
        "labels without a person",
        "labels of a picture of another size",
    ],
)
def test_what_cannot_be_used_is_counted_and_kept(original: Path, tmp_path: Path, what: str) -> None:
    copy = Path(shutil.copytree(original, tmp_path / "copy"))
    spoil(copy, what)
    before = sorted(path.name for path in copy.rglob("*"))
    findings = read_openpose_layout(copy)
    assert findings.skipped[what] == 3
    assert len(findings.pictures) == PICTURES - 3
    assert sorted(path.name for path in copy.rglob("*")) == before


@pytest.mark.parametrize("kept", [0, 1])
def test_an_empty_set_and_a_single_picture_are_refused(original: Path, tmp_path: Path, kept: int) -> None:
    copy = Path(shutil.copytree(original, tmp_path / "copy"))
    for path in sorted((copy / "train_img").iterdir())[kept:]:
        path.unlink()
    with pytest.raises(DanceNowError, match=f"has {kept} usable pairs"):
        prepare_dataset(copy, tmp_path / "dataset", "CC0", "me")
    assert not (tmp_path / "dataset").exists()
