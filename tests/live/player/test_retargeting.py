"""The player retargets motions as Python does: keypoints within half a pixel of a picture of 512."""

import numpy as np
import pytest
from bvh_files import write_bvh
from player_poses import performed

from dance_now.character.character import Character, builtin_files
from dance_now.synthesis.poses.motion import load_motion
from dance_now.synthesis.poses.motion_library import load_motion_library
from scripts.player_motions import TITLES, packed_motions

PIXELS = 0.5


def compare(node, tmp_path, source, motions, name="tempo"):
    """Retargets here and under node; returns the largest difference in pixels."""
    skeleton = Character.load(name).skeleton
    counts = node("retarget_motions.mjs", builtin_files()[name], source, tmp_path / "points.f32")
    found = np.fromfile(tmp_path / "points.f32", np.float32).reshape(-1, 138, 3)
    assert list(counts) == [motion.name for motion in motions] or len(motions) == 1
    scale, worst, place = 512 / (1.25 * skeleton.height), 0.0, 0
    for motion, count in zip(motions, counts.values(), strict=True):
        points, hips = performed(skeleton, motion)
        assert count == len(points)
        theirs = found[place : place + count]
        place += count
        worst = max(worst, float(np.abs(theirs[:, :137] - points).max() * scale))
        worst = max(worst, float(np.abs(theirs[:, 137] - hips).max() * scale))
    assert place == len(found)
    return worst


def test_the_motions_of_the_page(node, site, tmp_path):
    library = {motion.name: motion for motion in load_motion_library()}
    motions = [library[name] for name in sorted(TITLES.values())]
    packed = tmp_path / "sorted.bin"
    packed.write_bytes(packed_motions(motion.name for motion in motions))
    assert (site / "motions.bin").read_bytes() == packed_motions(TITLES.values())
    assert compare(node, tmp_path, packed, motions) < PIXELS


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tempo", "godette"])
def test_every_motion_of_the_library(node, tmp_path, name):
    (tmp_path / "all.bin").write_bytes(packed_motions())
    assert compare(node, tmp_path, tmp_path / "all.bin", load_motion_library(), name) < PIXELS


def test_a_bvh_file(node, tmp_path):
    path = tmp_path / "wave.bvh"
    rows = [{}, *({"LeftArm": (5 * i, 0, 60 - 4 * i), "RightLeg": (9 * i, i, 0)} for i in range(12))]
    path.write_text(write_bvh(rows))
    assert compare(node, tmp_path, path, [load_motion(path)]) < PIXELS


def test_real_files(node, tmp_path, data_dir):
    vrma = sorted((data_dir / "motions" / "vrma").glob("*.vrma"))
    bvh = sorted((data_dir / "motions" / "cmu_amc2bvh").glob("*.bvh"))[:1]
    for path in [*vrma, *bvh]:
        assert compare(node, tmp_path, path, [load_motion(path)], "godette") < PIXELS
