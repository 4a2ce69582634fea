"""Drawing with a character, and what is refused."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from generators import content, model_of, node, small_model, tensor
from skeletons import adult_skeleton, chibi_skeleton, posed, posture

import dance_now.character.character as module
from dance_now.character.character import Character, builtin_names
from dance_now.character.character_file import write_character_file
from dance_now.core.errors import DanceNowError, MissingExtraError
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton


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


def test_one_that_is_to_draw_few_frames_draws_the_same(character: Character) -> None:
    pose = pose_of(chibi_skeleton())
    picture = Character(content(), optimize=False).draw(pose)
    assert np.abs(picture.astype(int) - character.draw(pose)).max() <= 1


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


def generator(*tail: object, **tensors: object) -> bytes:
    """The small generator with its last operator replaced."""
    sound = small_model()
    nodes = [*list(sound.graph.node)[:-1], *tail]
    return bytes(model_of(nodes, [*sound.graph.initializer, *tensors.values()]).SerializeToString())  # type: ignore[list-item]


def test_numbers_that_are_not_finite_are_no_image() -> None:
    spoiled = generator(node("Log", "nought", "x"), node("Expand", "x picture", "rgba"),
                        nought=tensor("nought", -1, np.float32))  # fmt: skip
    with pytest.raises(DanceNowError, match="did not return a picture"):
        Character(content(spoiled)).draw(pose_of(chibi_skeleton()))


def test_a_generator_that_fails_while_drawing_is_reported() -> None:
    """Rows picked by what the pose says cannot be checked beforehand."""
    far = [node("Cast", "scaled", "far", to=7), node("Squeeze", "far last", "row"),
           node("Gather", "points row", "y", axis=1), node("Slice", "y at0 at1 at1", "z"),
           node("Expand", "z picture", "rgba")]  # fmt: skip
    sound = small_model()
    tensors = [*sound.graph.initializer, tensor("at0", [0]), tensor("at1", [1])]
    tensors[2].CopyFrom(tensor("scale", 1e6, np.float32))
    data = model_of([*list(sound.graph.node)[:6], *far], tensors).SerializeToString()
    with pytest.raises(DanceNowError):
        Character(content(data)).draw(pose_of(chibi_skeleton()))


def test_a_foreign_generator_never_reaches_the_runtime(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_: pytest.fail("was opened"))
    with pytest.raises(DanceNowError, match="refused"):
        Character(content(b"not a model"))


def test_a_graph_that_the_runtime_refuses_is_reported() -> None:
    data = small_model()
    data.graph.node[8].op_type = "Not"  # of numbers that are no truth values
    with pytest.raises(DanceNowError, match="cannot be loaded"):
        Character(content(data.SerializeToString()))


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(DanceNowError, match="no cuda"):
        Character(content(), "cuda")
    assert Character(content(), "cpu").name == "tester"


def test_a_missing_runtime_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match="pip install"):
        Character(content())


@pytest.fixture
def builtin_pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two built-in characters."""
    monkeypatch.setattr(module, "BUILTIN_FOLDER", tmp_path)
    for name in ("tester", "another"):
        write_character_file(tmp_path / f"{name}.dance", content(name=name))
    return tmp_path


def test_builtin_characters_are_loaded_by_name(builtin_pair: Path) -> None:
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
