"""Drawing with a character, and what is refused."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from character_files import content
from skeletons import adult_skeleton, chibi_skeleton, posed, posture

import dance_now.character.character as module
from dance_now.character.character import Character, builtin_names
from dance_now.character.character_file import write_character_file
from dance_now.core.errors import DanceNowError
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.retarget.retargeter import Retargeter


def pose_of(skeleton: Skeleton, turn: float = 0.0) -> Pose:
    """A standing pose on the canvas."""
    return posed(skeleton, posture(skeleton, turn=turn), scale=250, mid_hip=(256, 330))


@pytest.fixture(scope="module")
def character() -> Character:
    return Character(content())


def test_a_pose_becomes_an_image(character: Character) -> None:
    pose = pose_of(chibi_skeleton())
    picture = character.draw(pose)
    assert (picture.shape, picture.dtype) == ((512, 512, 4), np.uint8)
    np.testing.assert_array_equal(picture, character.draw(pose))
    assert (picture != character.draw(pose_of(chibi_skeleton(), turn=60))).any()


def test_drawing_leaves_the_pose_alone(character: Character) -> None:
    pose = pose_of(chibi_skeleton())
    before = pose.points.copy()
    character.draw(pose)
    np.testing.assert_array_equal(pose.points, before)


def without(pose: Pose, row: int) -> Pose:
    """The pose with one point missing."""
    points = pose.points.copy()
    points[row] = 0
    return Pose(points, pose.depth, pose.has_depth)


@pytest.mark.parametrize(
    ("pose", "reason"),
    [
        (Pose.empty(), "not complete"),
        (without(pose_of(chibi_skeleton()), 4), "not complete"),
        (Pose(pose_of(chibi_skeleton()).points), "not complete"),
        (pose_of(adult_skeleton()), "proportions"),
        (
            Pose(np.tile(np.array([256, 256, 1], np.float32), (137, 1)), has_depth=np.ones(137, bool)),
            "proportions",
        ),
    ],
    ids=["empty", "a wrist is missing", "no depth", "another body", "one spot"],
)
def test_a_pose_that_is_not_its_own_is_refused(character: Character, pose: Pose, reason: str) -> None:
    with pytest.raises(DanceNowError, match=reason):
        character.draw(pose)


def test_a_missing_finger_is_no_hindrance(character: Character) -> None:
    assert character.draw(without(pose_of(chibi_skeleton()), 100)).shape == (512, 512, 4)


@pytest.mark.parametrize("size", [(1, 1), (300, 200), (1536, 1536)])
def test_any_size_is_drawn(character: Character, size: tuple[int, int]) -> None:
    share = size[1] / 512
    picture = character.draw(pose_of(chibi_skeleton()).transformed(share, (0.0, 0.0)), size)
    assert picture.shape == (size[1], size[0], 4)
    if share == 3:
        small = character.draw(pose_of(chibi_skeleton()))
        whole = np.argwhere(picture[..., 3] > 127)
        np.testing.assert_allclose(
            whole.max(axis=0) / 3, np.argwhere(small[..., 3] > 127).max(axis=0), atol=1
        )


@pytest.mark.parametrize("size", [(0, 10), (10, 0), (1537, 10), (100000, 100000)])
def test_sizes_out_of_range_are_refused(character: Character, size: tuple[int, int]) -> None:
    with pytest.raises(DanceNowError, match="size must be"):
        character.draw(pose_of(chibi_skeleton()), size)


def test_a_figure_is_drawn_where_the_picture_shows_it(character: Character) -> None:
    pose = pose_of(chibi_skeleton())
    (drawn,) = character.draw_figure(pose, 250.0, (512, 512))
    whole = np.zeros((512, 512, 4), np.uint8)
    whole[drawn.top : drawn.top + drawn.height, drawn.left : drawn.left + drawn.width] = drawn.pixels
    assert drawn.pixels.shape == (drawn.height, drawn.width, 4)
    assert drawn.height < 400
    assert whole[..., 3].any()
    assert character.draw_figure(pose.transformed(1.0, (5000.0, 0.0)), 250.0, (512, 512)) == ()


def test_arrays_that_do_not_fit_are_refused() -> None:
    for arrays in ({"positions": np.zeros((3, 3), np.float32)}, {"more": np.zeros(3, np.float32)}):
        with pytest.raises(DanceNowError, match="tester is damaged"):
            Character(content(arrays))


@pytest.fixture
def builtin_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two built-in characters."""
    monkeypatch.setattr(module, "BUILTIN_FOLDER", tmp_path)
    for name in ("tester", "another"):
        write_character_file(tmp_path / f"{name}.dance", content(name=name))
    return tmp_path


def test_built_in_characters_are_called_by_name(builtin_pair: Path) -> None:
    assert builtin_names() == ["another", "tester"]
    assert Character.load("another").name == "another"
    assert Character.load(builtin_pair / "tester.dance").name == "tester"


@pytest.mark.parametrize("name", ["nobody", "../tester", "tester.zip", ""])
def test_an_unknown_name_lists_the_known(builtin_pair: Path, name: str) -> None:
    with pytest.raises(DanceNowError, match="Known: another, tester"):
        Character.load(name)


def test_a_file_that_is_not_there_is_reported(builtin_pair: Path) -> None:
    with pytest.raises(DanceNowError, match="There is no character file"):
        Character.load(builtin_pair / "nobody.dance")


def test_the_preview_and_card_come_along(character: Character) -> None:
    assert character.preview.startswith(b"\x89PNG")
    assert character.skeleton.height == pytest.approx(chibi_skeleton().height)
    assert dataclasses.is_dataclass(character.card)


def test_hair_hangs_towards_the_ground_that_the_camera_sees() -> None:
    character = Character.load("tempo")
    standing = Retargeter(character.skeleton, smooth=False)(Pose.empty(), 0.0)
    scale = 400 / character.skeleton.height
    pose = standing.pose.transformed(scale / standing.scale, (300.0, 300.0))
    level, same, from_above = (
        character.draw_figure(pose, scale, (600, 600), up=up)[0].pixels
        for up in (None, (0.0, 1.0, 0.0), (0.0, 0.94, 0.34))
    )
    np.testing.assert_array_equal(level, same)
    assert level.shape != from_above.shape or (level != from_above).any()


def test_a_gpu_that_is_not_used_is_said(caplog: pytest.LogCaptureFixture) -> None:
    Character(content(), device="auto")
    assert not caplog.messages
    Character(content(), device="cuda")
    assert [message for message in caplog.messages if "is drawn on the CPU" in message]
