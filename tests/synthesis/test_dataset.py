import hashlib
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from bvh_files import write_bvh

from dance_now.core.errors import DanceNowError
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.render.camera import Camera
from dance_now.synthesis import dataset as dataset_module
from dance_now.synthesis.dataset import DatasetSummary, render_dataset
from dance_now.synthesis.dataset_renderer import label
from dance_now.synthesis.poses.motion_library import load_motion_library, motion_credits
from dance_now.synthesis.surface.surface_points import MeshPoints


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


def test_labels_tell_face_and_camera(dataset: Path) -> None:
    for path in sorted((dataset / "test_label").iterdir()):
        document = json.loads(path.read_text())
        assert document["expression"] == {}  # squares have no face points
        camera = Camera(**document["camera"])
        np.testing.assert_allclose(camera.rotation @ camera.rotation.T, np.eye(3), atol=1e-5)
        assert camera.height > 0


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
    assert description["motion_credits"] == []  # those in a folder of one's own are not known
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
    built_in = {motion.name for motion in load_motion_library()}
    assert {name.rpartition("_")[0] for name in names} <= {*built_in, "procedural"}
    credited = json.loads((tmp_path / "set" / "dataset.json").read_text())["motion_credits"]
    assert credited == list(motion_credits())
    assert 2 <= sum(name.startswith("procedural") for name in names) <= 5
    other = render_dataset(avatar_file, tmp_path / "other", 12, None, size=64, workers=1, seed=1)
    assert other.labels_hash != summary.labels_hash


def test_what_exists_is_kept(avatar_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "precious"
    output.mkdir()
    (output / "thesis.txt").write_text("years of work")
    with pytest.raises(DanceNowError, match="already exists"):
        render_dataset(avatar_file, output, 2, None, size=64, workers=1)
    with pytest.raises(DanceNowError, match="other files than results"):
        render_dataset(avatar_file, output, 2, None, size=64, workers=1, overwrite=True)
    assert (output / "thesis.txt").exists()


def test_an_old_data_set_is_replaced_when_asked(avatar_file: Path, tmp_path: Path) -> None:
    for images in (3, 2):
        render_dataset(avatar_file, tmp_path / "set", images, None, size=64, workers=1, overwrite=True)
    assert len(list((tmp_path / "set").glob("*_img/*.png"))) == 2


def stop_after(pictures: int) -> Callable[[int, int], None]:
    def stop(done: int, total: int) -> None:
        if done == pictures:
            raise KeyboardInterrupt

    return stop


def test_an_interrupted_set_goes_on_where_it_was(
    dataset: Path, avatar_file: Path, motions: Path, tmp_path: Path
) -> None:
    output, part = tmp_path / "set", tmp_path / "set.part"
    with pytest.raises(KeyboardInterrupt):
        render_dataset(avatar_file, output, 40, motions, size=96, workers=1, progress=stop_after(7))
    assert not output.exists()
    first = {path: path.stat().st_mtime_ns for path in part.glob("train_img/*.png")}
    assert len(first) == 7
    (
        part / "train_label" / f"{next(iter(first)).stem}_keypoints.json"
    ).unlink()  # its picture was not finished
    seen: list[tuple[int, int]] = []
    render_dataset(
        avatar_file,
        output,
        40,
        motions,
        size=96,
        workers=1,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen == [(done, 40) for done in range(7, 41)]
    assert digest(output) == digest(dataset)
    assert (
        sum((output / path.relative_to(part)).stat().st_mtime_ns == time for path, time in first.items()) == 6
    )
    assert list(tmp_path.iterdir()) == [output]


def test_a_part_of_something_else_is_not_continued(
    humanoid_file: Callable[[str], Path], avatar_file: Path, motions: Path, tmp_path: Path
) -> None:
    output = tmp_path / "set"
    with pytest.raises(KeyboardInterrupt):
        render_dataset(avatar_file, output, 4, motions, size=64, workers=1, progress=stop_after(1))
    with pytest.raises(DanceNowError, match="begun with another avatar"):
        render_dataset(humanoid_file("vrm0"), output, 4, motions, size=64, workers=1)
    with pytest.raises(DanceNowError, match="begun with other motions or settings"):
        render_dataset(avatar_file, output, 5, motions, size=64, workers=1)
    with pytest.raises(DanceNowError, match="begun with other motions or settings"):
        render_dataset(avatar_file, output, 4, motions, size=96, workers=1)
    render_dataset(humanoid_file("vrm0"), output, 4, motions, size=64, workers=1, overwrite=True)
    assert len(list(output.glob("*_img/*.png"))) == 4
    assert list(tmp_path.iterdir()) == [output]


def test_what_fails_before_the_first_picture_leaves_nothing_behind(
    avatar_file: Path, motions: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise DanceNowError("no surface")

    monkeypatch.setattr(dataset_module, "sample_points", fail)
    with pytest.raises(DanceNowError, match="no surface"):
        render_dataset(avatar_file, tmp_path / "set", 4, motions, size=64, workers=1)
    assert not list(tmp_path.iterdir())


def test_shards_hold_what_the_folders_would(
    dataset: Path, avatar_file: Path, motions: Path, tmp_path: Path
) -> None:
    output = tmp_path / "set"
    render_dataset(avatar_file, output, 40, motions, size=96, workers=1, shards=True)
    assert sorted(path.name for path in output.iterdir()) == [
        *("dataset.json", "points.npz", "test-000000.tar", "train-000000.tar")
    ]
    description, plain = (json.loads((folder / "dataset.json").read_text()) for folder in (output, dataset))
    assert description.pop("shards") == ["train-000000.tar", "test-000000.tar"]
    assert description == plain
    for split in ("train", "test"):
        with tarfile.open(output / f"{split}-000000.tar") as shard:
            members = shard.getnames()
            pictures = sorted((dataset / f"{split}_img").iterdir())
            assert members == [f"{path.stem}.{kind}" for path in pictures for kind in ("png", "json")]
            for path in pictures:
                label = dataset / f"{split}_label" / f"{path.stem}_keypoints.json"
                for source, kind in ((path, "png"), (label, "json")):
                    packed = shard.extractfile(f"{path.stem}.{kind}")
                    assert packed is not None
                    assert packed.read() == source.read_bytes()


@pytest.mark.parametrize(("images", "workers"), [(0, 1), (1, 0)])
def test_nothing_to_do_is_an_error(avatar_file: Path, tmp_path: Path, images: int, workers: int) -> None:
    with pytest.raises(DanceNowError, match="at least one"):
        render_dataset(avatar_file, tmp_path / "set", images, None, workers=workers)


def test_a_folder_without_motions_is_an_error(avatar_file: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(DanceNowError, match="no usable motion"):
        render_dataset(avatar_file, tmp_path / "set", 4, tmp_path / "empty")


def test_a_label_is_what_the_camera_sees() -> None:
    keypoints = np.zeros((137, 3), np.float32)
    keypoints[:, 1] = 1
    keypoints[4] = (-0.5, 1.5, 0.25)  # the right wrist: to the viewer's left, up, near
    pose = label(keypoints, Camera(np.eye(3), np.array([0.0, 1, 0]), 2), 512, face=None)
    np.testing.assert_allclose(pose.points[4], [128, 128, 1])
    assert pose.depth[4] == pytest.approx(-64)
    assert pose.depth[8] == 0
    assert not pose.visible[25:95].any()


def test_parts_give_the_same_bytes_as_one(
    tmp_path: Path, avatar_file: Path, motions: Path, dataset: Path
) -> None:
    def render(number: int) -> DatasetSummary:
        return render_dataset(
            avatar_file, tmp_path / "set", 40, motions, size=96, workers=1, part=(number, 3)
        )

    assert [render(number).labels_hash for number in (3, 1)] == ["", ""]
    assert not (tmp_path / "set").exists()
    assert render(2).labels_hash
    assert digest(tmp_path / "set") == digest(dataset)
    assert (tmp_path / "set" / "points.npz").read_bytes() == (dataset / "points.npz").read_bytes()
    with pytest.raises(DanceNowError, match="already exists"):
        render(1)


def test_parts_do_not_mix_two_data_sets(tmp_path: Path, avatar_file: Path, motions: Path) -> None:
    arguments = {"size": 96, "workers": 1, "part": (1, 2)}
    render_dataset(avatar_file, tmp_path / "set", 10, motions, **arguments)
    with pytest.raises(DanceNowError, match="was begun with other motions or settings"):
        render_dataset(avatar_file, tmp_path / "set", 10, motions, seed=1, **arguments)
    with pytest.raises(DanceNowError, match="overwrite does not go with shard"):
        render_dataset(avatar_file, tmp_path / "set", 10, motions, overwrite=True, **arguments)
