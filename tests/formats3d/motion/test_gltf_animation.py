from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from avatars import GlbBuilder
from hypothesis import given, settings
from hypothesis import strategies as st
from motion_clips import about, clip_builder, write_gltf_text

from dance_now.core.errors import DanceNowError
from dance_now.pose.model.bone_rule import unit
from dance_now.synthesis.poses.motion import Motion, load_motion, load_motions

# The left arm from the side over the front (a quarter turn about y) while the right leg kicks backwards.
SWEEP = {
    "leftUpperArm": [about(1, 0), about(1, -90)],
    "rightUpperLeg": [about(0, 0), about(0, 60)],
}


def direction(motion: Motion, start: str, end: str, frame: int) -> np.ndarray:
    return unit(motion.joint(end, [frame]) - motion.joint(start, [frame]))[0]


def write(path: Path, builder: GlbBuilder) -> Path:
    if path.suffix == ".gltf":
        write_gltf_text(builder, path)
    else:
        path.write_bytes(builder.to_bytes())
    return path


@pytest.mark.parametrize("kind", ["glb", "gltf", "vrma"])
def test_limbs_point_where_the_clip_turns_them(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path / f"sweep.{kind}", clip_builder({"Sweep": SWEEP}, vrma=kind == "vrma"))
    motion = load_motion(path)
    assert motion.name == "sweep"
    assert len(motion.positions) == 31
    for share, frame in ((0.5, 15), (1.0, 30)):
        turn, kick = np.radians([90 * share, 60 * share])
        for start, end in (("leftUpperArm", "leftLowerArm"), ("leftLowerArm", "leftHand")):
            expected = [np.cos(turn), 0, np.sin(turn)]
            np.testing.assert_allclose(direction(motion, start, end, frame), expected, atol=1e-4)
        expected = [0, -np.cos(kick), -np.sin(kick)]
        np.testing.assert_allclose(
            direction(motion, "rightUpperLeg", "rightLowerLeg", frame), expected, atol=1e-4
        )
        np.testing.assert_allclose(
            direction(motion, "rightUpperArm", "rightHand", frame), [-1, 0, 0], atol=1e-4
        )


@pytest.mark.parametrize(("kind", "halfway"), [("STEP", 0.0), ("LINEAR", 45.0), ("CUBICSPLINE", 45.0)])
def test_every_interpolation_is_understood(tmp_path: Path, kind: str, halfway: float) -> None:
    keys = SWEEP["leftUpperArm"]
    if kind == "CUBICSPLINE":
        flat = [0.0] * 4
        keys = [flat, keys[0], flat, flat, keys[1], flat]
    builder = clip_builder({"Sweep": {"leftUpperArm": keys}}, interpolation=kind)
    motion = load_motion(write(tmp_path / "sweep.glb", builder))
    x, _, z = direction(motion, "leftUpperArm", "leftLowerArm", 15)
    assert np.degrees(np.arctan2(z, x)) == pytest.approx(halfway, abs=0.01)


def test_a_turned_figure_faces_the_front(tmp_path: Path) -> None:
    """An armature that lies on its back, as Blender exports it, changes nothing."""
    builder = clip_builder({"Sweep": SWEEP})
    builder.document["nodes"][0]["rotation"] = about(0, -90)
    motion = load_motion(write(tmp_path / "sweep.glb", builder))
    np.testing.assert_allclose(direction(motion, "leftUpperArm", "leftHand", 30), [0, 0, 1], atol=1e-4)
    np.testing.assert_allclose(direction(motion, "leftUpperLeg", "leftFoot", 30), [0, -1, 0], atol=1e-4)


def test_each_clip_is_a_motion_and_a_t_pose_is_none(tmp_path: Path) -> None:
    clips = {"A_TPose": {"head": [about(1, 0)]}, "Sweep": SWEEP, "../../up": SWEEP}
    motions = load_motions([write(tmp_path / "library.glb", clip_builder(clips))])
    assert [motion.name for motion in motions] == ["library_Sweep", "library__up"]
    assert motions[0].frames[0] > 0  # it begins in a T-pose


@pytest.mark.parametrize("kind", ["glb", "vrma"])
def test_a_file_without_an_arm_is_refused(tmp_path: Path, kind: str) -> None:
    builder = clip_builder({"Sweep": SWEEP}, vrma=kind == "vrma")
    if kind == "vrma":
        del builder.document["extensions"]["VRMC_vrm_animation"]["humanoid"]["humanBones"]["leftLowerArm"]
    else:
        next(node for node in builder.document["nodes"] if node["name"] == "leftLowerArm")["name"] = "wing"
    with pytest.raises(DanceNowError, match=r"has no leftLowerArm\.$"):
        load_motion(write(tmp_path / f"one_armed.{kind}", builder))


def _loop(document: dict[str, Any]) -> None:
    document["nodes"][1]["children"].append(0)


def _long(document: dict[str, Any]) -> None:
    document["animations"][0]["samplers"][0]["interpolation"] = "CUBICSPLINE"


def _far(document: dict[str, Any]) -> None:
    document["accessors"][0]["count"] = 3_000_000_000


def _no_bone(document: dict[str, Any]) -> None:
    document["extensions"]["VRMC_vrm_animation"]["humanoid"]["humanBones"]["head"]["node"] = 4711


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_loop, "not a tree|a cycle"),
        (_long, "keyframes of a clip are inconsistent"),
        (_far, "elements"),
        (_no_bone, "does not exist"),
        (lambda document: document.pop("animations"), "no animation clip"),
        (lambda document: document["nodes"][0].update(scale=[0, 0, 0]), "a scale of zero"),
        (lambda document: document["animations"][0]["channels"][0].update(sampler=9), "malformed"),
        (lambda document: document.update(extensionsRequired=["EXT_meshopt_compression"]), "EXT_meshopt"),
    ],
)
def test_a_damaged_clip_is_refused_in_one_line(
    tmp_path: Path, damage: Callable[[dict[str, Any]], object], message: str
) -> None:
    builder = clip_builder({"Sweep": SWEEP}, vrma=True)
    damage(builder.document)
    with pytest.raises(DanceNowError, match=message) as caught:
        load_motion(write(tmp_path / "bad.vrma", builder))
    assert "\n" not in str(caught.value)
    assert "bad" in str(caught.value)


@pytest.mark.parametrize("values", [[[0, 0, 0, 0]] * 2, [[np.nan, 0, 0, 1]] * 2])
def test_rotations_that_are_none_are_refused(tmp_path: Path, values: list[list[float]]) -> None:
    builder = clip_builder({"Sweep": {"leftUpperArm": values}})
    with pytest.raises(DanceNowError, match=r"no length|non-finite"):
        load_motion(write(tmp_path / "bad.glb", builder))


def test_a_clip_that_lasts_for_years_takes_no_memory(tmp_path: Path) -> None:
    with pytest.raises(DanceNowError, match="lasts"):
        load_motion(write(tmp_path / "long.glb", clip_builder({"Sweep": SWEEP}, seconds=1e9)))


@pytest.mark.parametrize(
    "uri", ["../secret.bin", "/etc/passwd", "C:\\secret.bin", "absent.bin", "data:,@@", None]
)
def test_a_text_file_reads_nothing_from_elsewhere(tmp_path: Path, uri: str | None) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(b"0" * 10_000)
    builder = clip_builder({"Sweep": SWEEP})
    path = write(folder / "sweep.gltf", builder)
    path.write_text(
        path.read_text().replace('"sweep.bin"', "null" if uri is None else repr(uri)[1:-1].join('""'))
    )
    with pytest.raises(DanceNowError):
        load_motion(path)


@settings(max_examples=60, deadline=None)
@given(place=st.integers(0, 10_000), value=st.integers(0, 255))
def test_a_changed_byte_gives_a_motion_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int
) -> None:
    data = bytearray(clip_builder({"Sweep": SWEEP}, vrma=True).to_bytes())
    data[place % len(data)] = value
    path = tmp_path_factory.mktemp("fuzz") / "clip.vrma"
    path.write_bytes(data)
    with suppress(DanceNowError):
        assert np.isfinite(load_motion(path).positions).all()


def test_the_clips_that_exist_stand_upright(data_dir: Path) -> None:
    for path in ("ual_cc0/AnimationLibrary_Godot_Standard.gltf", "vrma/idle_loop.vrma"):
        motions = {
            motion.name.rpartition("Standard_")[2]: motion
            for motion in load_motions([data_dir / "motions" / path])
        }
        for name in ("idle_loop",) if "idle_loop" in motions else ("Walk_Loop", "Dance_Loop", "Idle_Loop"):
            motion = motions[name]
            frames = list(motion.frames)
            trunk = unit(motion.joint("head", frames) - motion.joint("hips", frames))
            feet = motion.joint("leftFoot", frames) - motion.joint("hips", frames)
            assert trunk[:, 1].min() > 0.8
            assert feet[:, 1].max() < 0
            gaze = motion.head[frames] @ motion.reference.head.T @ [0, 0, 1]
            assert gaze[:, 2].min() > 0.5
