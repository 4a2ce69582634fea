"""What users say about an avatar: its bones, what to hide, and that they may use it."""

import json
from pathlib import Path
from typing import Any

import pytest

from dance_now.core.errors import DanceNowError
from dance_now.render.avatar.avatar_options import AvatarOptions


def _write(path: Path, builder: Any) -> Path:
    path.write_bytes(builder.to_bytes())
    return path


@pytest.fixture
def own_names(tmp_path: Path, humanoid_builder: Any) -> Path:
    """A file whose head and left hand have names that nobody knows."""
    builder = humanoid_builder("glb")
    for node in builder.document["nodes"]:
        node["name"] = {"mixamorig:Head": "Kopf", "mixamorig:LeftHand": "Pfote_L"}.get(
            node["name"], node["name"]
        )
    return _write(tmp_path / "own.glb", builder)


def _bones(folder: Path, content: object) -> Path:
    path = folder / "bones.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_bones_are_found_by_the_names_given(own_names: Path, tmp_path: Path) -> None:
    found = AvatarOptions().load(own_names)
    assert found.skeleton == "structure of the joints"
    assert any("head, leftHand" in remark for remark in found.remarks)
    bones = _bones(tmp_path, {"head": "Kopf", "leftHand": "Pfote_L"})
    avatar = AvatarOptions(bones=bones).load(own_names)
    assert avatar.node_names[avatar.bones["head"]] == "Kopf"
    assert avatar.rest_position("leftHand")[0] == pytest.approx(0.8)


def test_given_bones_go_before_guessed_ones(own_names: Path, tmp_path: Path) -> None:
    bones = _bones(tmp_path, {"head": "Kopf", "leftHand": "Pfote_L", "neck": "mixamorig:LeftHandThumb1"})
    avatar = AvatarOptions(bones=bones).load(own_names)
    assert "leftThumbProximal" not in avatar.bones


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ([1], "an object of bone"),
        ({"head": 3}, "an object of bone"),
        ({"snout": "Kopf"}, "'snout' is not a humanoid bone"),
        ({"head": "Kopf2"}, "no node named 'Kopf2'"),
        ({"head": "Kopf", "leftHand": "Kopf"}, "share a node"),
    ],
)
def test_tables_that_make_no_sense(own_names: Path, tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(DanceNowError, match=message):
        AvatarOptions(bones=_bones(tmp_path, content)).load(own_names)


def test_a_table_that_is_not_there(own_names: Path, tmp_path: Path) -> None:
    with pytest.raises(DanceNowError, match=r"nowhere\.json"):
        AvatarOptions(bones=tmp_path / "nowhere.json").load(own_names)


def test_a_forbidden_avatar_needs_permission(tmp_path: Path, humanoid_builder: Any) -> None:
    builder = humanoid_builder("vrm0")
    builder.document["extensions"]["VRM"]["meta"]["allowedUserName"] = "OnlyAuthor"
    path = _write(tmp_path / "mine.vrm", builder)
    with pytest.raises(DanceNowError, match=r"mine.vrm.*without its author's permission.*has_permission"):
        AvatarOptions().load(path)
    avatar = AvatarOptions(has_permission=True).load(path)
    assert avatar.prohibitions == ("it may not be used without its author's permission",)


def test_hiding_what_is_not_there_is_told_at_once(humanoid_file: Any) -> None:
    with pytest.raises(DanceNowError, match="sword"):
        AvatarOptions(hide=("sword",)).load(humanoid_file("glb"))


def test_only_what_changes_pictures_is_noted(own_names: Path, tmp_path: Path) -> None:
    assert AvatarOptions(has_permission=True).to_json() == {}
    options = AvatarOptions(hide=("b", "a"), bones=_bones(tmp_path, {"head": "Kopf"}))
    assert options.to_json() == {"hide": ["a", "b"], "bones": {"head": "Kopf"}}
