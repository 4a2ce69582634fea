import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from bvh_files import write_bvh

from dance_now.errors import DanceNowError
from dance_now.pose.bones import BoneRig
from dance_now.pose.pose import Pose
from dance_now.pose.skeleton import Skeleton
from dance_now.studio import dataset as dataset_module
from dance_now.studio.bank import load_bank
from dance_now.studio.camera import Camera
from dance_now.studio.dataset import render_dataset
from dance_now.studio.photography import label
from dance_now.studio.points import MeshPoints
from dance_now.studio.selection import ZOOMED_SHARE, random_camera


@pytest.fixture(scope="module", autouse=True)
def few_points() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset_module, "POINT_BUDGET", 300)
        yield


@pytest.fixture(scope="module")
def motions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("motions")
    for number in range(12):
        arms = {"LeftArm": (0.0, 0.0, -80.0 + 2 * number), "RightArm": (0.0, 7.0 * number, 80.0)}
        rows = [
            {**arms, "RightUpLeg": (-90.0 * frame / (10 + 4 * number), 0.0, 0.0)}
            for frame in range(10 + 4 * number)
        ]
        (folder / f"motion{number:02d}.bvh").write_text(write_bvh(rows))
    return folder


@pytest.fixture(scope="module")
def avatar_file(humanoid_file: Callable[[str], Path]) -> Path:
    return humanoid_file("vrm1")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory, avatar_file: Path, motions: Path) -> Path:
    output = tmp_path_factory.mktemp("data") / "set"
    seen: list[tuple[int, int]] = []
    summary = render_dataset(
        avatar_file,
        output,
        40,
        motions,
        size=96,
        workers=1,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert (summary.train, summary.test, summary.motions) == (37, 3, 12)
    assert seen == [(done, 40) for done in range(1, 41)]
    return output


def digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.suffix in {".png", ".json"}:
            total.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return total.hexdigest()


def test_every_picture_has_its_label(dataset: Path) -> None:
    for split, count in (("train", 37), ("test", 3)):
        pictures = {path.stem for path in (dataset / f"{split}_img").glob("*.png")}
        labels = {
            path.name.removesuffix("_keypoints.json") for path in (dataset / f"{split}_label").iterdir()
        }
        assert pictures == labels
        assert len(pictures) == count
    assert not dataset.with_name("set.part").exists()


def test_no_motion_is_in_both_splits(dataset: Path) -> None:
    stems = [
        {path.stem.rsplit("_", 1)[0] for path in (dataset / f"{split}_img").iterdir()}
        for split in ("train", "test")
    ]
    assert not stems[0] & stems[1]
    assert "procedural" in stems[0]
    assert all(stem.startswith("motion") for stem in stems[1])


def test_pictures_have_true_alpha_and_the_figure_where_the_label_says(dataset: Path) -> None:
    inside, filled = [], []
    for path in sorted((dataset / "train_img").iterdir()):
        picture = np.asarray(cv2.imread(str(path), cv2.IMREAD_UNCHANGED))
        assert picture.shape == (96, 96, 4)
        assert not picture[picture[..., 3] == 0].any()
        pose = read_label(dataset / "train_label" / f"{path.stem}_keypoints.json")
        filled.append((picture[..., 3] > 0).mean())
        x, y = pose.body[[2, 3, 5, 6, 9, 10, 12, 13], :2].T
        shown = (x > 1) & (x < 95) & (y > 1) & (y < 95)
        inside += list(picture[y[shown].astype(int), x[shown].astype(int), 3] > 0)
    # Squares that are seen edge-on leave nothing at their joint.
    assert np.mean(inside) > 0.6
    assert np.mean(filled) < 0.15


def read_label(path: Path) -> Pose:
    document = json.loads(path.read_text())
    assert document["version"] == 1.3
    return Pose.from_openpose(document["people"][0])


def test_labels_are_complete_poses_of_the_skeleton(dataset: Path) -> None:
    skeleton = Skeleton.from_json(json.loads((dataset / "dataset.json").read_text())["skeleton"])
    for path in sorted((dataset / "test_label").iterdir()):
        pose = read_label(path)
        np.testing.assert_array_equal(pose.visible, skeleton.known)
        assert pose.depth[8] == 0
        assert pose.has_depth[skeleton.known].all()
        view = np.stack([pose.points[:, 0], -pose.points[:, 1], -pose.depth], axis=1)
        lengths = np.linalg.norm(view[[5, 6, 9]] - view[[6, 7, 10]], axis=1)
        scale = lengths / skeleton.lengths([(5, 6), (6, 7), (9, 10)])
        np.testing.assert_allclose(scale, scale[0], rtol=1e-3)
        rotations = BoneRig.of(skeleton).rotations(view.astype(np.float32))
        assert np.isfinite(rotations).all()


def test_the_description_and_the_points_can_be_read(dataset: Path) -> None:
    description = json.loads((dataset / "dataset.json").read_text())
    assert description["avatar"]["name"] == "Square"
    assert description["avatar"]["licence"] == "https://creativecommons.org/publicdomain/zero/1.0/"
    assert description["avatar"]["credits"] == "Somebody"
    assert (description["canvas"], description["train"], description["test"]) == (96, 37, 3)
    assert len(description["labels_sha256"]) == 64
    assert len(MeshPoints.load(dataset / "points.npz")) == 300


def test_the_pictures_do_not_depend_on_the_workers(
    dataset: Path, avatar_file: Path, motions: Path, tmp_path: Path
) -> None:
    render_dataset(avatar_file, tmp_path / "set", 40, motions, size=96, workers=2)
    assert digest(tmp_path / "set") == digest(dataset)


def test_without_motions_the_built_in_ones_are_shown_and_poses_made_up(
    avatar_file: Path, tmp_path: Path
) -> None:
    summary = render_dataset(avatar_file, tmp_path / "set", 12, None, size=64, workers=1)
    assert (summary.train, summary.test) == (11, 1)
    names = {path.stem for path in (tmp_path / "set").glob("*_img/*.png")}
    built_in = {motion.name for motion in load_bank()}
    assert {name.rpartition("_")[0] for name in names} <= {*built_in, "procedural"}
    assert 2 <= sum(name.startswith("procedural") for name in names) <= 5
    other = render_dataset(avatar_file, tmp_path / "other", 12, None, size=64, workers=1, seed=1)
    assert other.labels_hash != summary.labels_hash


def test_what_exists_is_kept(avatar_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "precious"
    output.mkdir()
    (output / "thesis.txt").write_text("years of work")
    with pytest.raises(DanceNowError, match="exists already"):
        render_dataset(avatar_file, output, 2, None, size=64, workers=1)
    with pytest.raises(DanceNowError, match="not a data set"):
        render_dataset(avatar_file, output, 2, None, size=64, workers=1, overwrite=True)
    assert (output / "thesis.txt").exists()


def test_an_old_data_set_is_replaced_when_asked(avatar_file: Path, tmp_path: Path) -> None:
    for images in (3, 2):
        render_dataset(avatar_file, tmp_path / "set", images, None, size=64, workers=1, overwrite=True)
    assert len(list((tmp_path / "set").glob("*_img/*.png"))) == 2


def test_a_failure_leaves_nothing_behind(avatar_file: Path, tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_dataset(avatar_file, tmp_path / "set", 4, None, size=64, workers=1, progress=stop)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("images", "workers"), [(0, 1), (1, 0)])
def test_nothing_to_do_is_an_error(avatar_file: Path, tmp_path: Path, images: int, workers: int) -> None:
    with pytest.raises(DanceNowError, match="at least one"):
        render_dataset(avatar_file, tmp_path / "set", images, None, workers=workers)


def test_a_folder_without_motions_is_an_error(avatar_file: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DanceNowError, match="no motion that can be used"):
        render_dataset(avatar_file, tmp_path / "set", 4, tmp_path / "empty")


def test_whole_figures_are_never_cut_and_some_are_near() -> None:
    generator = np.random.default_rng(0)
    mesh = np.random.default_rng(1).uniform((-0.7, 0, -0.3), (0.7, 1.6, 0.3), (500, 3)).astype(np.float32)
    places = np.array([[0, 1.5, 0], [0, 0.9, 0]], np.float32)
    whole, near, yaws = 0, 0, []
    for _ in range(400):
        camera = random_camera(generator, 1.6, mesh, *places)
        projected = camera.project(mesh, 512)[:, :2]
        if camera.height >= 1.6:
            whole += 1
            assert projected.min() >= 0
            assert projected.max() <= 512
        else:
            near += 1
            assert 0.33 * 1.6 <= camera.height <= 0.95 * 1.6
            middle = camera.project([[0, 1.2, 0]], 512)[0, :2]
            assert (np.abs(middle - 256) < 500).all()
        front = camera.rotation @ [0, 0, 1]
        yaws.append(np.degrees(np.arctan2(front[0], front[2])))
    assert abs(near / 400 - ZOOMED_SHARE) < 0.08
    assert abs(np.mean(np.abs(yaws) < 61) - 0.6) < 0.1


def test_a_label_is_what_the_camera_sees() -> None:
    keypoints = np.zeros((137, 3), np.float32)
    keypoints[:, 1] = 1
    keypoints[4] = (-0.5, 1.5, 0.25)  # the right wrist: to the viewer's left, up, near
    pose = label(keypoints, Camera(np.eye(3), np.array([0.0, 1, 0]), 2), 512, has_face=False)
    np.testing.assert_allclose(pose.points[4], [128, 128, 1])
    assert pose.depth[4] == pytest.approx(-64)
    assert pose.depth[8] == 0
    assert not pose.visible[25:95].any()
