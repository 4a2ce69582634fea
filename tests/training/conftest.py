"""A made-up figure of points on capsules, and a tiny data set of pictures of it, drawn simply."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from skeletons import chibi_skeleton, posed, posture

from dance_now.pose.model.bone_rule import BONE_INDEX, SWING_LEVELS
from dance_now.pose.model.keypoints import BODY_LIMBS, FACE
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.synthesis.surface.corrective_shapes import POSE_FEATURES
from dance_now.synthesis.surface.point_placement import INFLUENCES
from dance_now.synthesis.surface.surface_patches import CHANNELS, TEXELS
from dance_now.synthesis.surface.surface_points import MeshPoints
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.networks.generator_config import GeneratorConfig
from dance_now.training.networks.points_generator import PointsGenerator
from dance_now.training.train_config import PRESETS, TrainingConfig

POINTS = 4000
RADIUS, HEAD_RADIUS = 0.035, 0.16  # metres
SCALE = 300.0  # px a metre


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Small tensors gain nothing from more, and lose much where the machine is busy."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def skeleton() -> Skeleton:
    """A cartoon figure."""
    return chibi_skeleton()


@pytest.fixture(scope="session")
def mesh(skeleton: Skeleton) -> MeshPoints:
    """Points on capsules around its limbs, a ball around its head; two expressions, three shapes."""
    generator = np.random.default_rng(7)
    rest = skeleton.rest
    limbs = [(swing.name, swing.start, swing.end) for level in SWING_LEVELS for swing in level]
    limbs += [("hips", 9, 12), ("chest", 8, 1), ("head", 17, 18)]
    rows = np.array([BONE_INDEX[name] for name, _, _ in limbs])
    radius = np.array([0.012 if start >= 95 else RADIUS for _, start, _ in limbs])
    radius[-1] = HEAD_RADIUS
    ends = rest[np.array([[start, end] for _, start, end in limbs])].astype(np.float64)
    ends[-1] = ends[-1].mean(axis=0)  # a ball
    area = radius * (np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1) + 2 * radius)
    chosen = np.sort(generator.choice(len(limbs), POINTS, p=area / area.sum()))
    along = generator.random((POINTS, 1))
    direction = generator.normal(size=(POINTS, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    position = ends[chosen, 0] * (1 - along) + ends[chosen, 1] * along + radius[chosen, None] * direction
    bones = rows[chosen]
    patches = np.full((POINTS, TEXELS, TEXELS, CHANNELS), (0, 0, 0, 255, 128), np.uint8)  # flat and whole
    morphs = (generator.normal(size=(POINTS, 5, 3)) * 0.005).astype(np.float32)
    patch_morphs = (generator.normal(size=(POINTS, 2, 5, 3)) * 0.001).astype(np.float32)
    morphs[POINTS // 2 :], patch_morphs[POINTS // 2 :] = 0, 0  # what moves comes first
    patches[..., :3] = (colors()[bones, None, None] * 255).astype(np.uint8)
    return MeshPoints(
        position=position.astype(np.float32),
        normal=direction.astype(np.float32),
        color=colors()[bones].astype(np.float32),
        bones=np.stack([bones, *(INFLUENCES - 1) * [0 * bones]], axis=1),
        weights=np.tile(np.eye(INFLUENCES, dtype=np.float32)[0], (POINTS, 1)),
        reach=np.full(POINTS, 0.4 * RADIUS, np.float32),
        two_sided=np.zeros(POINTS, np.bool_),
        patches=patches,
        morphs=morphs,
        patch_morphs=patch_morphs,
        face_basis=(generator.normal(size=(2, FACE.stop - FACE.start, 3)) * 0.02).astype(np.float32),
        pose_basis=(generator.normal(size=(POSE_FEATURES, 3)) * 0.3).astype(np.float32),
    )


def colors() -> npt.NDArray[np.float64]:
    """One color a bone."""
    return np.random.default_rng(3).uniform(0.2, 1, (len(BONE_INDEX), 3))


def pose_number(skeleton: Skeleton, number: int) -> Pose:
    """A pose on the 512 px canvas."""
    chance = np.random.default_rng(number)
    place = posture(
        skeleton,
        turn=float(chance.uniform(-60, 60)),
        left_arm=[[0.5, chance.uniform(-1, 1), 0.3], [0.3, chance.uniform(-1, 1), 0.3]],
        right_arm=[[-0.5, chance.uniform(-1, 1), 0.3], [-0.3, chance.uniform(-1, 1), 0.3]],
    )
    return posed(skeleton, place, scale=SCALE, mid_hip=(256 + float(chance.uniform(-20, 20)), 350))


def drawn_simply(pose: Pose) -> npt.NDArray[np.uint8]:
    """(512, 512, 4) uint8: thick lines along the limbs and a disk for the head."""
    picture = np.zeros((512, 512, 4), np.uint8)
    for number, (start, end) in enumerate(BODY_LIMBS[:13]):
        color = (np.random.default_rng(number).uniform(60, 255, 3)).astype(int).tolist()
        a, b = (tuple(int(v) for v in pose.points[row, :2]) for row in (start, end))
        cv2.line(picture, a, b, (*color, 255), round(2 * RADIUS * SCALE), cv2.LINE_AA)
    head = pose.points[17:19, :2].mean(axis=0)
    cv2.circle(picture, (int(head[0]), int(head[1])), round(HEAD_RADIUS * SCALE), (240, 200, 180, 255), -1)
    return picture


@pytest.fixture(scope="session")
def pairs(skeleton: Skeleton, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six training and two test pictures with their labels."""
    folder = tmp_path_factory.mktemp("dataset")
    for number in range(8):
        split = "train" if number < 6 else "test"
        for kind in ("img", "label"):
            (folder / f"{split}_{kind}").mkdir(exist_ok=True)
        pose = pose_number(skeleton, number)
        picture = cv2.cvtColor(drawn_simply(pose), cv2.COLOR_RGBA2BGRA)
        cv2.imwrite(str(folder / f"{split}_img" / f"p{number}.png"), picture)
        label = json.dumps({"version": 1.3, "people": [pose.to_openpose()]})
        (folder / f"{split}_label" / f"p{number}_keypoints.json").write_text(label)
    return folder


@pytest.fixture(scope="session")
def dataset(pairs: Path, skeleton: Skeleton, mesh: MeshPoints) -> Path:
    """All that the studio writes."""
    mesh.save(pairs / "points.npz")
    description = {
        "avatar": {"licence": "CC0", "credits": "nobody", "sha256": "0" * 64},
        "labels_sha256": "1" * 64,
        "train": 6,
        "test": 2,
        "motions": [],
        "seed": 0,
        "skeleton": skeleton.to_json(),
    }
    (pairs / "dataset.json").write_text(json.dumps(description))
    return pairs


@pytest.fixture(scope="session")
def pictures(pairs: Path) -> LabelledPictures:
    """The training split."""
    return LabelledPictures(pairs, "train")


@pytest.fixture(scope="session")
def debug() -> TrainingConfig:
    """The preset that trains in seconds."""
    return PRESETS["debug"]


@pytest.fixture
def generator(skeleton: Skeleton, mesh: MeshPoints) -> PointsGenerator:
    """A fresh small generator in evaluation mode."""
    torch.manual_seed(0)
    return PointsGenerator(skeleton, mesh, GeneratorConfig(points=len(mesh), width=8)).eval()
