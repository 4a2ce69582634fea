import io
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.spatial import cKDTree

from dance_now.core.errors import DanceNowError
from dance_now.pose.model.bone_rule import BONE_INDEX, BONE_NAMES
from dance_now.render.avatar.avatar import load_avatar
from dance_now.synthesis.surface.surface_points import MeshPoints, sample_points


@pytest.fixture(scope="module")
def points(humanoid_file: Callable[[str], Path]) -> MeshPoints:
    return sample_points(load_avatar(humanoid_file("vrm1")), 800)


def test_points_lie_on_the_surface_with_its_color(points: MeshPoints) -> None:
    assert len(points) == 800
    np.testing.assert_allclose(points.position[:, 2], 0, atol=1e-6)  # every square faces the front
    np.testing.assert_allclose(points.normal, np.tile([0, 0, 1], (800, 1)), atol=1e-5)
    np.testing.assert_allclose(points.color, np.tile([1, 0, 0], (800, 1)), atol=1e-5)


def test_points_hang_on_the_bone_of_their_square(points: MeshPoints) -> None:
    near = np.linalg.norm(points.position - [-0.5, 1.5, 0], axis=1) < 0.05
    assert near.any()
    assert (points.bones[near, 0] == BONE_INDEX["rightLowerArm"]).all()
    np.testing.assert_allclose(points.weights[near, 0], 1)
    spine = np.linalg.norm(points.position - [0, 1.2, 0], axis=1) < 0.05
    assert (points.bones[spine, 0] == BONE_INDEX["chest"]).all()


def test_head_and_hands_are_denser(points: MeshPoints) -> None:
    counts = np.bincount(points.bones[:, 0], minlength=len(BONE_NAMES))
    plain = counts[BONE_INDEX["leftLowerLeg"]]
    assert 1.05 < counts[BONE_INDEX["head"]] / plain < 1.7
    assert 1.4 < counts[BONE_INDEX["leftHand"]] / plain < 2.5


def test_points_are_spread_evenly(points: MeshPoints) -> None:
    """Random points would have neighbours at a tenth of their mean distance; these keep theirs."""
    own = points.position[points.bones[:, 0] == BONE_INDEX["leftLowerLeg"]]
    nearest = cKDTree(own).query(own, 2)[0][:, 1]
    assert nearest.min() > 0.5 * nearest.mean()


def test_the_same_seed_gives_the_same_points(humanoid_file: Callable[[str], Path]) -> None:
    avatar = load_avatar(humanoid_file("vrm0"))
    first, second = (sample_points(avatar, 100, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first.position, second.position)
    assert (sample_points(avatar, 100, seed=4).position != first.position).any()


def test_patches_show_the_square_around_their_point(points: MeshPoints) -> None:
    """Red where they lie on it, nothing beyond its edge."""
    shown = points.patches[..., 3] == 255
    assert (points.patches[shown][:, :3] == [255, 0, 0]).all()
    np.testing.assert_array_equal(points.patches[shown][:, 4], 128)  # squares are flat
    inner = shown.all(axis=(1, 2))
    assert 0.2 < inner.mean() < 1
    assert shown[:, 3:5, 3:5].mean() > 0.95


def test_patches_reach_to_the_next_points(points: MeshPoints) -> None:
    own = points.bones[:, 0] == BONE_INDEX["leftLowerLeg"]
    nearest = cKDTree(points.position[own]).query(points.position[own], 4)[0][:, 3]
    assert (points.reach[own] > 0.7 * nearest).mean() > 0.9


def test_a_file_gives_the_points_back(points: MeshPoints, tmp_path: Path) -> None:
    points.save(tmp_path / "points.npz")
    again = MeshPoints.load(tmp_path / "points.npz")
    for name in ("position", "normal", "color", "bones", "weights", "reach", "two_sided", "patches"):
        np.testing.assert_array_equal(getattr(again, name), getattr(points, name))


@pytest.mark.parametrize(
    "change", ["missing", "short", "bone", "weights", "nan", "patches", "basis", "pickle"]
)
def test_a_damaged_file_is_refused(points: MeshPoints, tmp_path: Path, change: str) -> None:
    points.save(tmp_path / "points.npz")
    with np.load(tmp_path / "points.npz") as file:
        arrays = dict(file)
    if change == "missing":
        del arrays["color"]
    elif change == "short":
        arrays["normal"] = arrays["normal"][1:]
    elif change == "bone":
        arrays["bones"][0, 0] = len(BONE_NAMES)
    elif change == "weights":
        arrays["weights"] *= 2
    elif change == "nan":
        arrays["position"][3] = np.nan
    elif change == "patches":
        arrays["patches"] = arrays["patches"][:, :4]
    elif change == "basis":
        arrays["pose_basis"] = np.float32(0)
    else:
        arrays["color"] = np.array([{"run": "me"}] * len(points), object)
    np.savez(tmp_path / "points.npz", **arrays)
    with pytest.raises(DanceNowError, match="not a file of surface points"):
        MeshPoints.load(tmp_path / "points.npz")


def test_a_file_that_is_no_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "points.npz").write_bytes(b"PK\x03\x04 not really")
    with pytest.raises(DanceNowError, match=r"points\.npz"):
        MeshPoints.load(tmp_path / "points.npz")
    with pytest.raises(DanceNowError):
        MeshPoints.load(tmp_path / "absent.npz")


def test_a_file_that_unpacks_to_too_much_is_refused(points: MeshPoints, tmp_path: Path) -> None:
    """Zeros pack well, and a header can claim any shape without a byte behind it."""
    path = tmp_path / "points.npz"
    points.save(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive, archive.open("more.npy", "w") as member:
        for _ in range(33):
            member.write(bytes(2**24))
    assert path.stat().st_size < 2**22
    with pytest.raises(DanceNowError, match="too large"):
        MeshPoints.load(path)
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<f4", "fortran_order": False, "shape": (2**60, 3)}
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("position.npy", header.getvalue())
    with pytest.raises(DanceNowError, match="not a file of surface points"):
        MeshPoints.load(path)


@pytest.mark.parametrize(("alpha", "opaque"), [(0.3, False), (0.7, True)])
def test_transparent_surfaces_carry_no_points(
    humanoid_file: Callable[[str], Path], alpha: float, opaque: bool
) -> None:
    avatar = load_avatar(humanoid_file("vrm1"))
    glass = replace(
        avatar.primitives[0].material, alpha_mode="BLEND", base_color=np.array([1, 1, 1, alpha], np.float32)
    )
    avatar = replace(avatar, primitives=(replace(avatar.primitives[0], material=glass),))
    if opaque:
        assert len(sample_points(avatar, 50)) == 50
    else:
        with pytest.raises(DanceNowError, match="no opaque surface"):
            sample_points(avatar, 50)


def test_a_real_avatar_uses_the_bones_of_the_rule(data_dir: Path) -> None:
    points = sample_points(load_avatar(data_dir / "characters" / "uka_flat.vrm"), 4000)
    assert len(points) == 4000
    used = {BONE_NAMES[bone] for bone in np.unique(points.bones[:, 0])}
    assert {"hips", "spine", "chest", "head", "leftFoot", "rightHand", "leftLittleDistal"} <= used
