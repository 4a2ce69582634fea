"""From a data set to a character file, once for all the tests here, and what that draws."""

import hashlib
import json
import logging
import shutil
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch

from dance_now.character.character import Character
from dance_now.character.character_file import CharacterFile, read_character_file
from dance_now.character.templates.points_arrays import PointsArrays
from dance_now.character.templates.points_drawing import PointsDrawing
from dance_now.core.errors import DanceNowError
from dance_now.pose.model.pose import Pose
from dance_now.render.avatar.avatar_options import AvatarOptions
from dance_now.training import points_stages
from dance_now.training.character_card import Rights, dataset_card
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.distributed import Worker
from dance_now.training.metrics.evaluation import evaluate
from dance_now.training.metrics.scores import Evaluation
from dance_now.training.networks.generator_config import GeneratorConfig
from dance_now.training.networks.points_generator import ExportedPointsGenerator
from dance_now.training.networks.pose_corrections import PoseCorrections
from dance_now.training.points_export import compare_drawings, read_generator
from dance_now.training.points_stages import build_generator
from dance_now.training.sources import training_source as opening
from dance_now.training.sticks.sticks_config import STICKS, SticksConfig
from dance_now.training.train_character import train
from dance_now.training.train_config import TrainingConfig
from dance_now.training.training_loop import Trainer
from dance_now.training.training_run import Run


@dataclass(frozen=True)
class Trained:
    """What one run of the debug preset left."""

    output: Path
    evaluation: Evaluation
    stages: list[str]
    noise: list[str]
    content: CharacterFile


def silent(stage: str, done: int, total: int, remark: str) -> None:
    """No report."""


@pytest.fixture(scope="session")
def trained(dataset: Path, debug: TrainingConfig, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A character trained for a few steps."""
    output = tmp_path_factory.mktemp("trained") / "tiny.dance"
    stages: list[str] = []
    noise: list[str] = []
    handler = logging.Handler(logging.WARNING)
    handler.emit = lambda record: noise.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("torch").addHandler(handler)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        evaluation = train(
            dataset, output, debug, report=lambda stage, done, total, remark: stages.append(stage)
        )
    logging.getLogger("torch").removeHandler(handler)
    noise += [str(warning.message) for warning in caught]
    content = read_character_file(output)
    return Trained(output, evaluation, stages, noise, content)


@pytest.fixture(scope="session")
def points(dataset: Path) -> npt.NDArray[np.float32]:
    """(8, 137, 4) labels of both splits."""
    return np.concatenate([LabelledPictures(dataset, split).keypoints for split in ("train", "test")])


def test_a_character_is_made(trained: Trained, points: npt.NDArray[np.float32]) -> None:
    character = Character.load(trained.output)
    assert character.name == "tiny"
    pose = Pose(points[0][:, [0, 1, 3]], points[0][:, 2], points[0][:, 3] > 0)
    picture = character.draw(pose)
    assert picture.shape == (512, 512, 4)
    assert 0.01 < (picture[..., 3] > 128).mean() < 0.5
    preview = cv2.imdecode(np.frombuffer(character.preview, np.uint8), cv2.IMREAD_UNCHANGED)
    assert preview is not None
    assert preview.shape == (512, 512, 4)


def test_the_file_tells_its_provenance(trained: Trained, debug: TrainingConfig) -> None:
    card = trained.content.card
    assert (card.licence, card.credits) == ("CC0", "nobody")
    provenance = card.provenance
    assert provenance["steps"] == debug.steps
    assert provenance["pictures_seen"] == debug.steps * debug.batch
    assert provenance["config"] == json.loads(json.dumps(debug.to_json()))
    assert provenance["dataset"]["labels_sha256"] == "1" * 64
    assert provenance["test"]["pictures"] == trained.evaluation.pictures == 2
    assert provenance["test"]["silhouette_iou"] == pytest.approx(trained.evaluation.iou, abs=1e-4)


def test_the_run_is_kept_beside_it(trained: Trained, debug: TrainingConfig) -> None:
    folder = trained.output.with_name("tiny.run")
    kept = {path.name for path in folder.iterdir()}
    assert {"ema.pt", "checkpoint.pt", "config.json", "log.jsonl", "preview.png", "source.json"} <= kept
    assert json.loads((folder / "config.json").read_text()) == json.loads(json.dumps(debug.to_json()))
    assert {*trained.stages} == {"load", "train", "evaluate"}


def test_training_and_export_keep_quiet(trained: Trained) -> None:
    assert trained.noise == []


def test_the_file_draws_what_was_trained(
    trained: Trained, dataset: Path, debug: TrainingConfig, points: npt.NDArray[np.float32]
) -> None:
    run = trained.output.with_name("tiny.run")
    corrections = PoseCorrections(len(LabelledPictures(dataset, "train")), lambda step: torch.empty(0))
    trainer = Trainer(
        build_generator(dataset, debug),
        lambda step: (torch.empty(0), torch.empty(0)),
        run,
        debug,
        corrections=corrections,
    )
    assert trainer.step == debug.steps
    generator = trainer.ema_generator().cpu()
    drawing = PointsDrawing(trained.content.card.skeleton, PointsArrays.of(trained.content.arrays), 1)
    difference, _ = compare_drawings(drawing, generator, points)
    assert difference < 0.5  # level of 255: half precision does not show


def test_a_decoder_of_the_usual_sizes_begins_trained(dataset: Path, debug: TrainingConfig) -> None:
    usual = replace(debug, generator=GeneratorConfig(points=300))
    first, second = (build_generator(dataset, usual) for _ in range(2))
    _, builtin = read_generator("tempo:network")
    for name, value in builtin.decoder.state_dict().items():
        assert torch.equal(first.decoder.state_dict()[name], value)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert build_generator(dataset, debug).decoder.narrow.weight.shape[0] == debug.generator.width == 8


def test_training_goes_on_from_its_run(
    trained: Trained, dataset: Path, debug: TrainingConfig, tmp_path: Path
) -> None:
    """Other options in the same place are refused before anything is drawn."""
    copy = tmp_path / "tiny.run"
    shutil.copytree(trained.output.with_name("tiny.run"), copy)
    with pytest.raises(DanceNowError, match="other options"):
        train(dataset, tmp_path / "tiny.dance", replace(debug, seed=5), report=silent)


def test_a_run_is_not_continued_with_another_data_set(
    trained: Trained, dataset: Path, debug: TrainingConfig, tmp_path: Path
) -> None:
    """A finished run would else give the old character under the new source's name."""
    shutil.copytree(trained.output.with_name("tiny.run"), tmp_path / "tiny.run")
    other = Path(shutil.copytree(dataset, tmp_path / "other"))
    text = (other / "dataset.json").read_text()
    (other / "dataset.json").write_text(text.replace("1" * 64, "2" * 64))
    with pytest.raises(DanceNowError, match="another avatar or data set"):
        train(other, tmp_path / "tiny.dance", debug, report=silent)


def test_a_run_is_not_continued_with_other_parts_hidden(
    debug: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AvatarOptions, "load", lambda options, path: SimpleNamespace(licence="CC0"))
    monkeypatch.setattr(opening, "render_dataset", lambda avatar, dataset, *_, **__: dataset.mkdir())
    avatar, output = tmp_path / "a.vrm", tmp_path / "a.dance"
    avatar.write_bytes(b"the same")
    for hide, message in (
        (("sword",), "is not a data set"),  # rendered, in this test by nobody
        (("sword",), "is not a data set"),
        ((), "hidden parts"),
        (("shield",), "hidden parts"),
    ):
        with pytest.raises(DanceNowError, match=message):
            train(avatar, output, debug, options=AvatarOptions(hide=hide), template="points", report=silent)


def test_an_unknown_licence_must_be_given(
    dataset: Path, debug: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "set"
    shutil.copytree(dataset, copy)
    description = json.loads((copy / "dataset.json").read_text())
    description["avatar"].update(licence="unknown", credits="unknown")
    (copy / "dataset.json").write_text(json.dumps(description))
    with pytest.raises(DanceNowError, match="licence and credits are needed"):
        dataset_card(copy, "tiny", Rights())
    assert dataset_card(copy, "tiny", Rights("CC0", "KayKit")).credits == "KayKit"
    avatar = tmp_path / "a.glb"
    avatar.write_bytes(b"")
    monkeypatch.setattr(AvatarOptions, "load", lambda options, path: SimpleNamespace(licence="unknown"))
    with pytest.raises(DanceNowError, match="licence and credits are needed"):
        train(avatar, tmp_path / "a.dance", debug, report=silent)
    assert not (tmp_path / "a.run").exists()


def test_a_data_set_without_test_pictures_is_refused_before_training(
    dataset: Path, debug: TrainingConfig, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(dataset, tmp_path / "copy"))
    shutil.rmtree(copy / "test_img")
    with pytest.raises(DanceNowError, match="test_img"):
        train(copy, tmp_path / "tiny.dance", debug, report=silent)
    assert not (tmp_path / "tiny.run" / "checkpoint.pt").exists()


def test_credits_keep_their_script_and_lose_their_control_characters(dataset: Path) -> None:
    """An ideographic space is common in Japanese names; what it writes the reader has to accept."""
    rights = Rights(licence="CC BY 4.0", credits="山田\u3000太郎\t\x1b[2J")
    card = dataset_card(dataset, "tiny", rights)
    assert card.credits == "山田\u3000太郎  [2J"
    with pytest.raises(DanceNowError, match="Shorten it"):
        dataset_card(dataset, "tiny", Rights(licence="x" * 20_000))


@pytest.mark.parametrize(
    "name", ["tiny", "tiny.onnx", "Tiny.dance", "a b.dance", ".dance", "ä.dance", "x" * 70 + ".dance"]
)
def test_bad_names_are_refused_at_once(
    dataset: Path, debug: TrainingConfig, tmp_path: Path, name: str
) -> None:
    with pytest.raises(DanceNowError, match=r"name|called"):
        train(dataset, tmp_path / name, debug, report=silent)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent", "does not exist"),
        ("picture.png", "not a training source"),
        ("a.vrmx", "not a training source"),
    ],
)
def test_a_wrong_source_is_refused(debug: TrainingConfig, tmp_path: Path, name: str, reason: str) -> None:
    source = tmp_path / name
    if source.suffix:
        source.write_bytes(b"x")
    with pytest.raises(DanceNowError, match=reason):
        train(source, tmp_path / "tiny.dance", debug, report=silent)


BROKEN = {
    "no file": (None, "licence"),  # it is taken for pictures from elsewhere, whose licence nobody tells
    "no JSON": ("{", "cannot be read"),
    "a list": ("[]", "cannot be read"),
    "empty": ("{}", "malformed"),
    "no skeleton": ('{"avatar": {"licence": "CC0-1.0", "credits": ""}, "labels_sha256": "", "train": 1, '
                    '"test": 1, "motions": [], "seed": 0, "skeleton": {}}', "malformed"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_a_folder_that_is_no_data_set_is_refused(
    dataset: Path, debug: TrainingConfig, tmp_path: Path, text: str | None, reason: str
) -> None:
    copy = shutil.copytree(dataset, tmp_path / "copy")
    (copy / "dataset.json").unlink()
    if text is not None:
        (copy / "dataset.json").write_text(text)
    with pytest.raises(DanceNowError, match=reason):
        train(copy, tmp_path / "tiny.dance", debug, report=silent)


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("sticks", [None, STICKS["debug"]])
def test_pictures_of_another_size_are_refused_before_training(
    dataset: Path, debug: TrainingConfig, tmp_path: Path, split: str, sticks: SticksConfig | None
) -> None:
    copy = Path(shutil.copytree(dataset, tmp_path / "copy"))
    for path in (copy / f"{split}_img").iterdir():
        image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert image is not None
        cv2.imwrite(str(path), cv2.resize(image, (1024, 1024)))
    with pytest.raises(DanceNowError, match=r"1024x1024, not 512x512") as caught:
        train(copy, tmp_path / "tiny.dance", debug, sticks=sticks, report=silent)
    assert "\n" not in str(caught.value)
    assert {path.name for path in (tmp_path / "tiny.run").iterdir()} <= {"source.json", "config.json"}


def test_frames_of_another_video_are_not_used(debug: TrainingConfig, tmp_path: Path) -> None:
    """A run that stopped when frames were cut out and nothing else was made."""
    output, rights = tmp_path / "a.dance", Rights("CC0", "me")
    (tmp_path / "a.run" / opening.FRAMES).mkdir(parents=True)
    clip = tmp_path / "a.mp4"
    clip.write_bytes(b"one")
    with pytest.raises(DanceNowError, match="0 usable pairs"):
        train(clip, output, debug, rights=rights, report=silent)
    clip.write_bytes(b"two")
    with pytest.raises(DanceNowError, match="begun with another"):
        train(clip, output, debug, rights=rights, report=silent)


def test_training_goes_on_from_a_character_file(
    trained: Trained, dataset: Path, debug: TrainingConfig, points: npt.NDArray[np.float32], tmp_path: Path
) -> None:
    config, output = replace(debug, steps=1, rate=1e-7), tmp_path / "more.dance"
    train(dataset, output, config, start=str(trained.output), report=silent)
    before, after = Character(trained.content), Character.load(output)
    pose = Pose(points[0][:, [0, 1, 3]], points[0][:, 2], points[0][:, 3] > 0)
    difference = before.draw(pose).astype(float) - after.draw(pose)
    assert np.abs(difference).mean() < 0.05  # a new network's is above 1
    digest = hashlib.sha256(trained.output.read_bytes()).hexdigest()
    assert after.card.provenance["from_sha256"] == digest
    np.testing.assert_allclose(after.card.bounds.reach, before.card.bounds.reach, atol=0.01)
    with pytest.raises(DanceNowError, match="another generator or start"):
        train(dataset, output, config, report=silent)


def test_a_start_of_another_body_or_template_is_refused(
    dataset: Path, debug: TrainingConfig, tmp_path: Path
) -> None:
    output = tmp_path / "a.dance"
    for start, reason in (
        ("uka:network", "another body"),
        ("uka", "no points network"),
        (str(tmp_path / "none.dance"), "cannot be read"),
    ):
        with pytest.raises(DanceNowError, match=reason):
            train(dataset, output, debug, start=start, report=silent)
        shutil.rmtree(tmp_path / "a.run")
    with pytest.raises(DanceNowError, match="goes with points"):
        train(dataset, output, debug, start="uka:network", template="sticks", report=silent)


def test_what_was_never_trained_is_not_exported(dataset: Path, debug: TrainingConfig, tmp_path: Path) -> None:
    with pytest.raises(DanceNowError, match=r"has no checkpoint\. Set stage to body"):
        train(dataset, tmp_path / "tiny.dance", debug, stage="export", report=silent)


def test_the_first_worker_exports_alone(
    trained: Trained, dataset: Path, debug: TrainingConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The others have left by then, and nobody would answer."""
    copy = tmp_path / "tiny.run"
    shutil.copytree(trained.output.with_name("tiny.run"), copy)
    exported: list[ExportedPointsGenerator] = []
    monkeypatch.setattr(points_stages, "export", lambda module, *_: exported.append(module))
    whole = Run(
        copy, dataset, tmp_path / "tiny.dance", trained.content.card, debug, silent, worker=Worker(0, 2)
    )
    points_stages.PointsStages(whole).export()
    assert len(exported) == 1


def test_a_data_set_without_points_is_refused(dataset: Path, debug: TrainingConfig, tmp_path: Path) -> None:
    copy = shutil.copytree(dataset, tmp_path / "copy")
    (copy / "points.npz").unlink()
    with pytest.raises(DanceNowError, match="points"):
        train(copy, tmp_path / "tiny.dance", debug, report=silent)


def test_the_file_is_worth_what_training_told(trained: Trained, dataset: Path) -> None:
    assert evaluate(Character(trained.content), dataset) == trained.evaluation
