"""An avatar performs a motion: the video moves as the motion does, in the motion's time."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from bvh_files import write_bvh

from dance_now.core.errors import DanceNowError
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.render.avatar.avatar import load_avatar
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton
from dance_now.render.avatar.avatar_options import AvatarOptions
from dance_now.synthesis.avatar_clip import SOLES, AvatarClip, hip_trajectory, leg_length, render_clip
from dance_now.synthesis.poses.avatar_poser import motion_target, pelvis_heading, solve_poses
from dance_now.synthesis.poses.hand_shapes import FINGER_SHAPES
from dance_now.synthesis.poses.motion import load_motion

SIZE = 64


@pytest.fixture(scope="module")
def motion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten frames in 0.4 s: the left arm rises from the side to above the head, then the body turns away."""
    arms = [{"LeftArm": (0.0, 0.0, angle)} for angle in np.linspace(-80, 85, 8)]
    path = tmp_path_factory.mktemp("motion") / "wave.bvh"
    turns = [{"Hips": (0.0, angle, 0.0), "LeftArm": (0.0, 0.0, -80.0)} for angle in (90.0, 180.0)]
    path.write_text(write_bvh([*arms, *turns]))
    return path


def _frames(path: Path) -> list[npt.NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="rgba"), np.uint8) for frame in container.decode(video=0)]


def test_the_avatar_moves_as_the_motion_does(humanoid_file: Any, motion: Path) -> None:
    with AvatarClip(humanoid_file("vrm1"), motion, SIZE, AvatarOptions()) as clip:
        pictures, times = zip(*clip.pictures(), strict=True)
        assert len(pictures) == clip.frame_count == 10
        assert float(clip.frame_rate) == pytest.approx(25)
    np.testing.assert_allclose(np.diff(times), 0.04)
    inked = [np.argwhere(picture[..., 3] > 0) for picture in pictures]
    low, high = inked[0][:, 0].min(), inked[7][:, 0].min()
    assert high < low - 5  # a hand above the head
    assert (pictures[0][:, SIZE // 2 + 8 :, 3] > 0).any()
    assert not pictures[9].any()  # its single-sided squares are not seen from behind
    for places in inked[:9]:
        assert not len(places) or (places.min() > 0 and places.max() < SIZE - 1)  # nothing is cut


@pytest.mark.parametrize(("name", "transparent"), [("clip.mp4", False), ("clip.webm", True)])
def test_alpha_is_kept_where_it_can_be(
    humanoid_file: Any, motion: Path, tmp_path: Path, name: str, transparent: bool
) -> None:
    reports: list[tuple[int, int]] = []
    output = tmp_path / name
    count = render_clip(
        humanoid_file("glb"), output, motion, size=SIZE, progress=lambda *done: reports.append(done)
    )
    assert count == 10
    assert reports[-1] == (10, 10)
    with av.open(str(output)) as container:
        stream = container.streams.video[0]
        assert float(stream.average_rate or 0) == pytest.approx(25)
        assert (stream.metadata.get("alpha_mode") == "1") == transparent
    if not transparent:
        assert _frames(output)[0][0, 0, :3].min() > 250  # white


def test_time_follows_the_motion(humanoid_file: Any, motion: Path) -> None:
    for frame_time, count, times in ((0.16, 10, [0.0, 0.16, 0.32]), (0.01, 4, [0.0, 0.03, 0.06])):
        paced = motion.with_name("paced.bvh")
        paced.write_text(motion.read_text().replace("Frame Time: 0.04", f"Frame Time: {frame_time}"))
        with AvatarClip(humanoid_file("vrm1"), paced, SIZE, AvatarOptions()) as clip:
            seen = [time for _, time in clip.pictures()]
            assert len(seen) == count
            assert seen[:3] == pytest.approx(times)


def test_what_cannot_be_leaves_nothing_behind(humanoid_file: Any, motion: Path, tmp_path: Path) -> None:
    (tmp_path / "there.mp4").write_bytes(b"precious")
    for output, message in (("there.mp4", "overwrite"), ("no/clip.mp4", "does not exist")):
        with pytest.raises(DanceNowError, match=message):
            render_clip(humanoid_file("glb"), tmp_path / output, motion, size=SIZE)
    (tmp_path / "bad.bvh").write_text("HIERARCHY")
    with pytest.raises(DanceNowError, match=r"bad"):
        render_clip(humanoid_file("glb"), tmp_path / "clip.mp4", tmp_path / "bad.bvh", size=SIZE)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.bvh", "there.mp4"]
    assert (tmp_path / "there.mp4").read_bytes() == b"precious"


def test_who_stands_neither_slides_nor_floats(humanoid_file: Any, tmp_path: Path) -> None:
    """A body that sways and steps from leg to leg on legs of other lengths, then jumps."""
    sway = [
        {"Hips": (0.0, 3.0 * index, 4.0 * np.sin(index)), "RightUpLeg": (-4.0 * (index % 5), 0.0, 0.0)}
        for index in range(12)
    ]
    text = write_bvh([*sway, {}, {}])
    *lines, flying = text.rstrip().splitlines()
    path = tmp_path / "sway.bvh"
    path.write_text("\n".join([*lines, flying.replace("0 90 0", "30 150 0", 1)]) + "\n")
    avatar, motion = load_avatar(humanoid_file("vrm1")), load_motion(path)
    rig = BoneRig.of(avatar_skeleton(avatar))
    frames = range(14)
    fingers = np.tile(np.array(FINGER_SHAPES["relaxed"], np.float32), (14, 2, 1, 1))
    solved = solve_poses(rig, motion_target(rig, motion, frames, fingers))
    points = np.einsum("nji,npj->npi", pelvis_heading(motion, frames), solved.points)
    placed = points + hip_trajectory(leg_length(avatar), motion, frames, points)[:, None]
    soles = placed[:, SOLES]
    heights = soles[..., 1].min(axis=1)
    np.testing.assert_allclose(heights[:13], 0, atol=1e-5)
    assert heights[13] > 0.4  # 60 cm on legs of 80 cm
    for before, after in pairwise(soles[:13]):
        foot = before[:, 1].argmin()
        np.testing.assert_allclose(after[foot, [0, 2]], before[foot, [0, 2]], atol=1e-5)
