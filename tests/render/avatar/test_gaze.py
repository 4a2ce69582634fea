"""Where avatars look: by the bones of their eyes, or by expressions of their own."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from dance_now.core.errors import DanceNowError
from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.avatar.avatar_expressions import expression_names
from dance_now.render.avatar.gaze import GAZES, EyeRange, read_eye_range, uses_bone_gaze
from dance_now.render.avatar.mascot import MASCOT, avatar_file
from dance_now.render.face.face_points import face_landmarks

Array = npt.NDArray[np.float64]
RANGES = ("HorizontalInner", "HorizontalOuter", "VerticalUp", "VerticalDown")


def vrm1(kind: str = "bone", **scales: float) -> dict[str, Any]:
    maps = {f"rangeMap{name}": {"outputScale": scale} for name, scale in scales.items()}
    return {"VRMC_vrm": {"lookAt": {"type": kind, **maps}}}


def vrm0(kind: str = "Bone", **scales: float) -> dict[str, Any]:
    maps = {f"lookAt{name}": {"yRange": scale} for name, scale in scales.items()}
    return {"VRM": {"firstPerson": {"lookAtTypeName": kind, **maps}}}


@pytest.mark.parametrize("version", [vrm0, vrm1])
def test_reads_how_far_eyes_turn(version: Callable[..., dict[str, Any]]) -> None:
    told = version(**dict(zip(RANGES, (8.0, 12.0, 5.0, 500.0), strict=True)))
    assert read_eye_range(told) == EyeRange(8, 12, 5, 30)
    assert read_eye_range(version(HorizontalInner=8.0)) is None
    assert uses_bone_gaze(told)


@pytest.mark.parametrize(
    ("extensions", "by_bones"),
    [
        ({}, True),
        (vrm1("expression"), False),
        (vrm0("BlendShape"), False),
        ({"VRMC_vrm": {"lookAt": None}}, True),
    ],
)
def test_knows_who_looks_by_expressions(extensions: dict[str, Any], by_bones: bool) -> None:
    assert uses_bone_gaze(extensions) is by_bones


@pytest.fixture(scope="module")
def mascot() -> Avatar:
    return load_avatar(avatar_file(Path(MASCOT)))


def pupils(avatar: Avatar, **expressions: float) -> Array:
    """(2, 3) movement of the right and left pupil."""
    face = face_landmarks(avatar)
    assert face is not None
    rest = face.positions(avatar, avatar.rest_world)
    moved: Array = face.positions(avatar, avatar.rest_world, expressions) - rest
    assert np.abs(moved[:68]).max() < 1e-9  # eyes, brows and mouth stay
    return moved[68:]


@pytest.mark.parametrize(
    ("gaze", "axis", "way"), [("lookLeft", 0, 1), ("lookRight", 0, -1), ("lookUp", 1, 1), ("lookDown", 1, -1)]
)
def test_pupils_follow_the_bones_of_the_eyes(mascot: Avatar, gaze: str, axis: int, way: int) -> None:
    moved = pupils(mascot, **{gaze: 1.0})
    assert (way * moved[:, axis] > 0.005).all()
    np.testing.assert_allclose(moved[:, 1 - axis], 0, atol=0.001)
    np.testing.assert_allclose(moved, 2 * pupils(mascot, **{gaze: 0.5}), atol=1e-9)


def test_the_expression_is_the_turn_of_the_bones(mascot: Avatar) -> None:
    look = mascot.mesh_points(mascot.rest_world, {"lookLeft": 1.0})
    turn = EyeRange(8, 8, 6, 6).turn("lookLeft", 1)
    turned = mascot.mesh_points(mascot.pose({"leftEye": turn, "rightEye": turn}))
    for (positions, normals), (other, other_normals) in zip(look, turned, strict=True):
        np.testing.assert_allclose(positions, other, atol=1e-5)
        np.testing.assert_allclose(normals, other_normals, atol=1e-5)


def test_eyes_of_a_bare_skeleton_turn_as_far_as_they_are_drawn(humanoid_builder: Any, tmp_path: Path) -> None:
    """A square of 10 cm, 10 cm before its pivot, on a GLB that says nothing of its gaze."""
    builder = humanoid_builder("glb")
    nodes = builder.document["nodes"]
    nodes.append({"name": "mixamorig:LeftEye", "translation": [0.03, 1.65, 0.0]})
    corners = np.array([[-0.05, -0.05, 0.1], [0.05, -0.05, 0.1], [0.05, 0.05, 0.1]], np.float32)
    corner_view = {"POSITION": builder.accessor(corners)}
    builder.document["meshes"].append({"name": "Eye", "primitives": [{"attributes": corner_view}]})
    nodes[-1]["mesh"] = len(builder.document["meshes"]) - 1
    path = tmp_path / "eye.glb"
    path.write_bytes(builder.to_bytes())
    avatar = load_avatar(path)
    assert set(GAZES) <= set(expression_names(avatar))
    (eye,) = [index for index, part in enumerate(avatar.primitives) if part.mesh_name == "Eye"]
    rest = avatar.mesh_points(avatar.rest_world)[eye][0]
    for gaze, axis, slide in (("lookLeft", 0, 0.027), ("lookUp", 1, 0.02)):
        moved = avatar.mesh_points(avatar.rest_world, {gaze: 1.0})[eye][0] - rest
        assert moved.mean(axis=0)[axis] == pytest.approx(slide, rel=0.05)


def test_avatars_with_expressions_of_their_own_keep_them(data_dir: Path) -> None:
    godette = load_avatar(data_dir / "characters" / "godette.vrm")
    assert set(GAZES) <= set(expression_names(godette))
    assert max(len(part.targets) for part in godette.primitives) == 15  # as in the file


@pytest.mark.parametrize("name", ["gene.vrm", "uka_flat.vrm"])
def test_eyes_whose_range_is_unknown_stay_between_their_lids(data_dir: Path, name: str) -> None:
    avatar = load_avatar(data_dir / "characters" / name)
    face = face_landmarks(avatar)
    assert face is not None
    for gaze in GAZES:
        points = face.positions(avatar, avatar.rest_world, {gaze: 1.0})
        for eye, pupil in ((slice(36, 42), 68), (slice(42, 48), 69)):
            low, high = points[eye, :2].min(axis=0), points[eye, :2].max(axis=0)
            rim = 0.1 * (high - low)  # sleepy eyes are half covered at rest
            assert (points[pupil, :2] > low - rim).all()
            assert (points[pupil, :2] < high + rim).all()


@pytest.mark.parametrize(
    "look",
    [
        [1],
        "bone",
        {"type": "bone", **dict.fromkeys([f"rangeMap{name}" for name in RANGES], 5)},
        {"type": "bone", **{f"rangeMap{name}": {"outputScale": "far"} for name in RANGES}},
    ],
)
def test_nonsense_is_one_error(humanoid_builder: Any, tmp_path: Path, look: Any) -> None:
    builder = humanoid_builder("vrm1")
    builder.document["extensions"]["VRMC_vrm"]["lookAt"] = look
    path = tmp_path / "odd.vrm"
    path.write_bytes(builder.to_bytes())
    with pytest.raises(DanceNowError, match=r"odd\.vrm"):
        load_avatar(path)


def test_both_eyes_of_bare_morph_targets_look_one_way(humanoid_builder: Any, tmp_path: Path) -> None:
    builder = humanoid_builder("glb")
    mesh = builder.document["meshes"][0]
    mesh["primitives"][0]["targets"] *= 2
    mesh["extras"]["targetNames"] = ["eyeLookOutLeft", "eyeLookInRight"]
    path = tmp_path / "arkit.glb"
    path.write_bytes(builder.to_bytes())
    avatar = load_avatar(path)
    assert expression_names(avatar) == ("lookLeft",)
    assert len(avatar.expressions["lookLeft"]) == 2
