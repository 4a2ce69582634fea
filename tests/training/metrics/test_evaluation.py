"""A character that draws what is true, and one without a face, on a small data set."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import pytest
from skeletons import chibi_skeleton, posed, posture

from dance_now.character.character import Character
from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.pose.model.keypoints import BODY_LIMBS, FACE
from dance_now.pose.model.pose import Pose
from dance_now.training.losses.perceptual import PerceptualNetwork
from dance_now.training.metrics.evaluation import evaluate, sheet_files

Draw = Callable[[Pose], Image]
NAMES = ("walk_00001", "walk_00017", "jump_00002", "jump_00003", "still")
TURNS = (0, 30, 180, -40, 10)


def figure(pose: Pose, face: bool = True) -> Image:
    """(512, 512, 4): thick limbs, a round head and, on its front, two dark eyes and a mouth."""
    picture = np.zeros((512, 512, 4), np.uint8)

    def at(point: np.ndarray) -> tuple[int, int]:
        return round(float(point[0]) * 16), round(float(point[1]) * 16)

    for number, (start, end) in enumerate(BODY_LIMBS[:13]):
        color = (40 + 15 * number, 90, 200, 255)
        cv2.line(picture, at(pose.points[start]), at(pose.points[end]), color, 16, cv2.LINE_AA, 4)
    head = pose.points[17:19, :2].mean(axis=0) + np.array([0, 12])
    cv2.circle(picture, at(head), 65 * 16, (240, 200, 180, 255), -1, cv2.LINE_AA, 4)
    if face and pose.depth[0] < pose.depth[17:19].mean():
        for eye in (15, 16):
            cv2.circle(picture, at(pose.points[eye]), 5 * 16, (30, 30, 60, 255), -1, cv2.LINE_AA, 4)
        mouth = pose.points[FACE, :2].mean(axis=0) + np.array([0, 10])
        half = np.array([8, 0])
        cv2.line(picture, at(mouth - half), at(mouth + half), (150, 40, 40, 255), 2, cv2.LINE_AA, 4)
    return picture


class Actor:
    """What the evaluation needs of a character."""

    name = "actor"

    def __init__(self, draw: Draw) -> None:
        self._draw = draw

    def draw(self, pose: Pose, size: tuple[int, int]) -> Image:
        """The whole canvas, or its upper left part."""
        return np.ascontiguousarray(self._draw(pose)[: size[1], : size[0]])

    draw_unchecked = draw


def actor(draw: Draw) -> Character:
    """A character that draws as told."""
    return cast(Character, Actor(draw))


@pytest.fixture(scope="module")
def motions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of two motions and a picture that belongs to none; one looks away."""
    folder = tmp_path_factory.mktemp("motions")
    for part in ("test_img", "test_label"):
        (folder / part).mkdir()
    skeleton = chibi_skeleton()
    for name, turn in zip(NAMES, TURNS, strict=True):
        pose = posed(skeleton, posture(skeleton, turn=turn), scale=300.0, mid_hip=(256, 350))
        picture = cv2.cvtColor(figure(pose), cv2.COLOR_RGBA2BGRA)
        cv2.imwrite(str(folder / "test_img" / f"{name}.png"), picture)
        label = json.dumps({"version": 1.3, "people": [pose.to_openpose()]})
        (folder / "test_label" / f"{name}_keypoints.json").write_text(label)
    return folder


def test_the_true_pictures_are_worth_most(motions: Path) -> None:
    told: list[tuple[int, int]] = []
    result = evaluate(actor(figure), motions, report=lambda done, total: told.append((done, total)))
    assert told == [(number, 5) for number in (1, 2, 3, 4, 5)]
    assert (result.pictures, result.overall.heads) == (5, 4)
    assert result.psnr > 35
    assert result.iou > 0.99
    assert result.overall.ssim > 0.99
    assert result.overall.alpha_error < 0.01
    assert result.overall.face_detail == pytest.approx(1, abs=0.05)
    assert result.files == ()


def test_a_missing_face_shows_in_the_heads_score(motions: Path) -> None:
    """It hardly does in the whole figure's."""
    result = evaluate(actor(lambda pose: figure(pose, face=False)), motions)
    assert result.psnr > 20
    assert result.iou > 0.99
    assert result.overall.face_detail is not None
    assert result.overall.face_detail < 0.2
    share = {part.part: part.share for part in result.parts}
    assert share["face"] > 0.5


def test_each_motion_has_its_own_figures(motions: Path) -> None:
    def fails_from_behind(pose: Pose) -> Image:
        return figure(pose) if pose.depth[0] < pose.depth[17:19].mean() else np.zeros((512, 512, 4), np.uint8)

    result = evaluate(actor(fails_from_behind), motions)
    assert {name: summary.pictures for name, summary in result.motions.items()} == {
        "walk": 2,
        "jump": 2,
        "": 1,
    }
    assert result.motions["walk"].iou > 0.99
    assert result.motions["jump"].iou == pytest.approx(0.5, abs=0.01)
    assert result.motions["jump"].heads == 1
    assert result.iou > 0.99


def test_a_limit_spreads_over_the_pictures(motions: Path) -> None:
    result = evaluate(actor(figure), motions, limit=2)
    assert [each.name for each in result.scores] == ["jump_00002", "walk_00017"]


def test_the_same_is_worth_the_same(motions: Path) -> None:
    first, second = (evaluate(actor(figure), motions, limit=2) for _ in range(2))
    assert first == second


def test_sheets_and_figures_are_written_side_by_side(motions: Path, tmp_path: Path) -> None:
    files = sheet_files(tmp_path / "sheet.png")
    result = evaluate(actor(figure), motions, files.sheet)
    assert result.files == files
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "sheet.json",
        "sheet.png",
        "sheet_heads.png",
    ]
    sheet = cv2.imread(str(files.sheet))
    assert sheet is not None
    assert sheet.shape == (3 * 512, 2 * 3 * 512, 3)
    figures = json.loads(files.figures.read_text())
    assert figures["character"] == "actor"
    assert figures["overall"]["psnr"] == result.psnr
    assert [each["name"] for each in figures["pictures"]] == sorted(NAMES)
    assert figures["pictures"][0]["head"] is None  # jump_00002 looks away


def test_without_heads_there_is_no_sheet_of_them(motions: Path, tmp_path: Path) -> None:
    folder = tmp_path / "away"
    for kind, end in (("img", ".png"), ("label", "_keypoints.json")):
        (folder / f"test_{kind}").mkdir(parents=True)
        name = f"test_{kind}/jump_00002{end}"
        (folder / name).write_bytes((motions / name).read_bytes())
    files = sheet_files(tmp_path / "sheet.png")
    result = evaluate(actor(figure), folder, files.sheet)
    assert result.files == (files.sheet, files.figures)
    assert not files.heads.exists()
    assert result.overall.head_psnr is None


def test_the_perceptual_distance_is_left_out_without_its_network(
    motions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PerceptualNetwork, "is_installed", lambda: False)
    result = evaluate(actor(figure), motions, limit=1)
    assert result.overall.perceptual is None
    assert result.scores == (replace(result.scores[0], perceptual=None),)


@pytest.mark.skipif(not PerceptualNetwork.is_installed(), reason="needs the network's weights")
def test_the_perceptual_distance_tells_a_missing_face(motions: Path) -> None:
    whole = evaluate(actor(figure), motions, limit=3).overall.perceptual
    blank = evaluate(actor(lambda pose: figure(pose, face=False)), motions, limit=3).overall.perceptual
    assert whole is not None
    assert blank is not None
    assert whole < 0.5 * blank


def test_figures_of_empty_pictures_can_be_written(motions: Path, tmp_path: Path) -> None:
    """Two empty pictures are equal; JSON could not say that they are infinitely alike."""
    folder = tmp_path / "empty"
    for kind in ("img", "label"):
        (folder / f"test_{kind}").mkdir(parents=True)
    label = "test_label/still_keypoints.json"
    (folder / label).write_bytes((motions / label).read_bytes())
    empty = np.zeros((512, 512, 4), np.uint8)
    cv2.imwrite(str(folder / "test_img" / "still.png"), empty)
    files = sheet_files(tmp_path / "sheet.png")
    evaluate(actor(lambda pose: empty), folder, files.sheet)
    figures = json.loads(files.figures.read_text(), parse_constant=pytest.fail)
    assert figures["overall"]["psnr"] == 100
    assert figures["parts"] == []


def test_pictures_may_have_any_size(motions: Path, tmp_path: Path) -> None:
    folder = tmp_path / "wide"
    for kind in ("img", "label"):
        (folder / f"test_{kind}").mkdir(parents=True)
    label = "test_label/still_keypoints.json"
    (folder / label).write_bytes((motions / label).read_bytes())
    true = cv2.imread(str(motions / "test_img" / "still.png"), cv2.IMREAD_UNCHANGED)
    assert true is not None
    cv2.imwrite(str(folder / "test_img" / "still.png"), true[:480, :400])
    assert evaluate(actor(figure), folder).psnr > 35


def test_a_sheet_that_cannot_be_written_is_one_clear_error(motions: Path, tmp_path: Path) -> None:
    with pytest.raises(DanceNowError, match="nowhere"):
        evaluate(actor(figure), motions, tmp_path / "nowhere" / "sheet.png", limit=1)


def test_a_character_of_another_body_ends_it_and_nothing_is_written(motions: Path, tmp_path: Path) -> None:
    def refuses(pose: Pose) -> Image:
        raise DanceNowError("This pose does not have the actor's proportions.")

    with pytest.raises(DanceNowError, match="proportions"):
        evaluate(actor(refuses), motions, tmp_path / "sheet.png")
    assert not list(tmp_path.iterdir())
