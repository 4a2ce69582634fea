"""Fuzzing targets of data sets and folders of labelled images; see ``fuzz_targets``."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
from mutations import mend_png, spoil_bytes, spoil_json
from PIL import Image, ImageDraw

Case = Callable[[random.Random, Path], None]


def _files(count: int) -> dict[str, bytes]:
    """Images and labels of a figure by their paths; the last one is the test split."""
    from skeletons import chibi_skeleton, posed, posture

    from dance_now.pose.model.keypoints import BODY_LIMBS

    skeleton, files = chibi_skeleton(), {}
    for number in range(count):
        split = "train" if number < count - 1 else "test"
        pose = posed(skeleton, posture(skeleton), scale=300, mid_hip=(256 + 4 * number, 350))
        image = Image.new("RGBA", (512, 512))
        for start, end in BODY_LIMBS[:13]:
            line = [tuple(map(float, pose.points[point, :2])) for point in (start, end)]
            ImageDraw.Draw(image).line(line, (90, 80, 200, 255), 20)
        data = io.BytesIO()
        image.save(data, "PNG")
        files[f"{split}_img/p{number}.png"] = data.getvalue()
        label = {"version": 1.3, "people": [pose.to_openpose()]}
        files[f"{split}_label/p{number}_keypoints.json"] = json.dumps(label).encode()
    return files


def _write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data)


def _spoiled(chance: random.Random, name: str, data: bytes) -> bytes:
    if name.endswith(".json"):
        spoiled = json.dumps(spoil_json(chance, json.loads(data))).encode()
        return spoil_bytes(chance, spoiled) if chance.random() < 0.1 else spoiled
    spoiled = spoil_bytes(chance, data, chance.choice((60, 400, None)))
    return mend_png(spoiled) if name.endswith(".png") and chance.random() < 0.8 else spoiled


def data_sets() -> Case:
    """Data sets: description, points, labels and pictures, read as training reads them."""
    from skeletons import chibi_skeleton

    from dance_now.synthesis.surface.corrective_shapes import POSE_FEATURES
    from dance_now.synthesis.surface.point_placement import INFLUENCES
    from dance_now.synthesis.surface.surface_patches import CHANNELS, TEXELS
    from dance_now.synthesis.surface.surface_points import MeshPoints
    from dance_now.training.character_card import Rights, dataset_card
    from dance_now.training.data.dataset_reader import LabelledPictures

    files, count, generator = _files(3), 40, np.random.default_rng(0)
    avatar = {"name": "a", "licence": "CC0", "credits": "me"}
    description = {
        "schema": 1,
        "avatar": avatar,
        "canvas": 512,
        "skeleton": chibi_skeleton().to_json(),
        "seed": 0,
        "train": 2,
        "test": 1,
        "motions": 1,
        "labels_sha256": "x",
        "motion_credits": [],
    }
    files["dataset.json"] = json.dumps(description).encode()
    points = MeshPoints(
        position=generator.normal(size=(count, 3)).astype(np.float32),
        normal=generator.normal(size=(count, 3)).astype(np.float32),
        color=generator.random((count, 3)).astype(np.float32),
        bones=np.zeros((count, INFLUENCES), np.int64),
        weights=np.tile(np.eye(INFLUENCES, dtype=np.float32)[0], (count, 1)),
        reach=np.ones(count, np.float32),
        two_sided=np.zeros(count, np.bool_),
        patches=np.zeros((count, TEXELS, TEXELS, CHANNELS), np.uint8),
        morphs=np.zeros((count, 3, 3), np.float32),
        patch_morphs=np.zeros((count, 2, 3, 3), np.float32),
        face_basis=np.zeros((1, 70, 3), np.float32),
        pose_basis=np.zeros((POSE_FEATURES, 2), np.float32),
    )
    names = [*files, *["points.npz"] * 4, *["dataset.json"] * 3]

    def case(chance: random.Random, folder: Path) -> None:
        name = chance.choice(names)
        if name == "points.npz":
            if "points.npz" not in files:
                points.save(folder / name)
                files[name] = (folder / name).read_bytes()
            (folder / name).write_bytes(spoil_bytes(chance, files[name], chance.choice((400, None))))
            MeshPoints.load(folder / name)
            return
        _write(folder, {**files, name: _spoiled(chance, name, files[name])})
        dataset_card(folder, "x", Rights("CC0", "me"))
        for split in ("train", "test"):
            pictures = LabelledPictures(folder, split)
            for index in range(len(pictures)):
                pictures.picture(index)

    return case


def layouts() -> Case:
    """Folders of images with OpenPose labels, read and decoded."""
    from dance_now.training.sources.openpose_layout import read_openpose_layout

    files = _files(9)

    def case(chance: random.Random, folder: Path) -> None:
        spoiled = dict(files)
        for name in chance.sample(list(files), chance.choice((1, 3, 8))):
            spoiled[name] = _spoiled(chance, name, files[name])
        _write(folder, spoiled)
        for image in read_openpose_layout(folder).pictures:
            image.picture()

    return case
