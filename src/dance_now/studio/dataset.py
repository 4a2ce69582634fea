"""Writes a training data set: pictures with alpha and exact keypoints of an avatar in many poses.

The layout is that of the project this one started from: ``train_img/NAME.png`` and
``train_label/NAME_keypoints.json`` (OpenPose JSON 1.3 with a ``depth`` list), the same under ``test_img`` and
``test_label``, and beside them ``points.npz`` (coloured points on the mesh) and ``dataset.json``.
"""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.arrays import FloatArray
from dance_now.errors import DanceNowError
from dance_now.pose.bones import BoneRig
from dance_now.pose.pose import Pose
from dance_now.pose.skeleton import Skeleton
from dance_now.studio.avatar import Avatar, load_avatar
from dance_now.studio.camera import Camera
from dance_now.studio.face import face_landmarks, sample_expression
from dance_now.studio.keypoints import place_keypoints, skeleton_of
from dance_now.studio.motion import Motion, load_motions
from dance_now.studio.points import sample_points
from dance_now.studio.posing import AvatarPoser
from dance_now.studio.renderer import Renderer
from dance_now.studio.selection import PoseChoice, choose_poses, random_camera
from dance_now.studio.springs import Springs

SCHEMA: Final = 1
POINT_BUDGET: Final = 14_000
_CHUNK: Final = 8
# Hair and skirts hang still after this many sixtieths of a second.
_SPRING_STEPS: Final = 10

_logger = logging.getLogger(__name__)
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class DatasetSummary:
    """What was written.

    Attributes:
        folder: the data set.
        train: training pictures.
        test: test pictures.
        motions: motions that were used.
        labels_hash: SHA-256 over all labels, the identity of the data set.
    """

    folder: Path
    train: int
    test: int
    motions: int
    labels_hash: str


@dataclass(frozen=True, kw_only=True)
class _Look:
    """How every picture of a data set is drawn."""

    avatar: Path
    folder: Path
    size: int
    expressions: bool
    hide: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class _Job:
    """One picture: its name, the seed of its camera and face, and its pose."""

    split: str
    name: str
    seed: tuple[int, ...]
    points: FloatArray
    rotations: FloatArray


def render_dataset(
    avatar_path: Path,
    output: Path,
    images: int,
    motions: Path | None,
    *,
    seed: int = 0,
    size: int = 512,
    workers: int = 2,
    overwrite: bool = False,
    expressions: bool = True,
    hide: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> DatasetSummary:
    """Renders a data set of one avatar.

    The result depends on avatar, motions, ``images``, ``seed`` and the drawing options, not on ``workers``.

    Args:
        avatar_path: .vrm or .glb.
        output: folder to create.
        images: pictures in training and test split together.
        motions: a BVH file or a folder that is searched for them; None: poses are made up.
        seed: of everything random.
        size: edge of the square pictures, pixels.
        workers: processes that render.
        overwrite: replace an existing ``output``.
        expressions: draw faces that move; without, every face is neutral.
        hide: names of nodes, meshes or materials to leave out (weapons).
        progress: called with pictures done and pictures in all.

    Raises:
        DanceNowError: ``output`` exists, no pictures asked for, no motions found, or an unusable avatar.
    """
    if images < 1 or workers < 1:
        raise DanceNowError(
            f"A data set needs at least one image and one worker, not {images} and {workers}."
        )
    found = _find_motions(motions)
    avatar = load_avatar(avatar_path)
    with _new_folder(output, overwrite) as folder:
        look = _Look(avatar=avatar_path, folder=folder, size=size, expressions=expressions, hide=hide)
        face = face_landmarks(avatar)
        skeleton = skeleton_of(avatar, face, hide)
        generator = np.random.default_rng(seed)
        train, test = choose_poses(BoneRig.of(skeleton), found, images, generator)
        sample_points(avatar, POINT_BUDGET, seed, hide, face).save(folder / "points.npz")
        for split in ("train", "test"):
            for kind in ("img", "label"):
                (folder / f"{split}_{kind}").mkdir()
        jobs = [*_jobs("train", train, seed), *_jobs("test", test, seed)]
        _render_all(look, jobs, workers, progress)
        labels_hash = _hash_labels(folder)
        summary = DatasetSummary(output, len(train), len(test), len(found), labels_hash)
        _write_json(folder / "dataset.json", _description(avatar, skeleton, summary, size, seed))
    return summary


def _find_motions(motions: Path | None) -> list[Motion]:
    if motions is None:
        return []
    paths = sorted(motions.rglob("*.bvh")) if motions.is_dir() else [motions]
    found = load_motions(paths)
    if not found:
        raise DanceNowError(f"{motions}: no BVH motion that can be used. Leave it out to make up poses.")
    return found


@contextmanager
def _new_folder(output: Path, overwrite: bool) -> Iterator[Path]:
    """A folder that takes the place of ``output`` once it is complete, and is removed otherwise."""
    if output.exists():
        if not overwrite:
            raise DanceNowError(f"{output} exists already. Choose another folder or add --overwrite.")
        if not (output / "dataset.json").is_file() and not (output.is_dir() and not any(output.iterdir())):
            raise DanceNowError(
                f"{output} is not a data set, so it is not overwritten. Choose another folder."
            )
    part = output.with_name(output.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    if output.is_dir():
        shutil.rmtree(output)
    part.rename(output)


def _jobs(split: str, choice: PoseChoice, seed: int) -> list[_Job]:
    number = ("train", "test").index(split)
    return [
        _Job(split, name, (seed, number, index), choice.poses.points[index], choice.poses.rotations[index])
        for index, name in enumerate(choice.names)
    ]


def _render_all(look: _Look, jobs: Sequence[_Job], workers: int, progress: Progress | None) -> None:
    done = 0
    if workers == 1:
        studio = _Studio(look)
        for job in jobs:
            studio.draw(job)
            done += 1
            if progress is not None:
                progress(done, len(jobs))
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers, _Worker.start, (look,)) as pool:
        for _ in pool.imap_unordered(_Worker.draw, jobs, chunksize=_CHUNK):
            done += 1
            if progress is not None:
                progress(done, len(jobs))


class _Worker:
    """A process's own studio: set up once when the process starts, used for each of its pictures."""

    studio: _Studio

    @classmethod
    def start(cls, look: _Look) -> None:
        cv2.setNumThreads(1)
        cls.studio = _Studio(look)

    @classmethod
    def draw(cls, job: _Job) -> None:
        cls.studio.draw(job)


class _Studio:
    """An avatar in front of a camera."""

    def __init__(self, look: _Look) -> None:
        self._look = look
        self._avatar = load_avatar(look.avatar)
        self._face = face_landmarks(self._avatar)
        self._poser = AvatarPoser(self._avatar)
        self._springs = Springs(self._avatar)
        self._renderer = Renderer(self._avatar, look.size, hide=look.hide)
        self._shown = self._avatar.shown_primitives(look.hide)
        low, high = self._avatar.bounds(look.hide)
        self._height = float(high[1] - low[1])

    def draw(self, job: _Job) -> None:
        """Writes one picture and its label."""
        generator = np.random.default_rng(job.seed)
        posed = self._poser.world(job.points, job.rotations)
        world = self._springs.settle(posed, _SPRING_STEPS)
        expressions = sample_expression(generator, self._avatar) if self._look.expressions else {}
        keypoints = place_keypoints(self._avatar, posed, job.points, self._face, expressions)
        surfaces = self._avatar.mesh_points(world, expressions)
        mesh = np.concatenate([surfaces[index][0] for index in self._shown])
        head = (keypoints[17] + keypoints[18]) / 2
        camera = random_camera(generator, self._height, mesh, head, keypoints[8])
        picture = self._renderer.render(world, camera, expressions)
        folder, size = self._look.folder, self._look.size
        _write_png(folder / f"{job.split}_img" / f"{job.name}.png", picture)
        pose = label(keypoints, camera, size, has_face=self._face is not None)
        document = {"version": 1.3, "people": [pose.to_openpose()]}
        _write_json(folder / f"{job.split}_label" / f"{job.name}_keypoints.json", document)


def label(keypoints: FloatArray, camera: Camera, size: int, *, has_face: bool) -> Pose:
    """The keypoints (137, 3), metres, as a camera sees them; depth is relative to the middle of the hips."""
    projected = camera.project(keypoints, size)
    points = np.concatenate([projected[:, :2], np.ones((len(projected), 1))], axis=1).astype(np.float32)
    if not has_face:
        points[25:95, 2] = 0
    depth = (projected[:, 2] - projected[8, 2]).astype(np.float32)
    return Pose(points, depth, np.ones(len(depth), np.bool_))


def _write_png(path: Path, rgba: npt.NDArray[np.uint8]) -> None:
    bgra = cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA)
    encoded, data = cv2.imencode(".png", bgra, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not encoded:
        raise DanceNowError(f"{path} could not be encoded.")
    path.write_bytes(data.tobytes())


def _write_json(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")


def _hash_labels(folder: Path) -> str:
    digest = hashlib.sha256()
    for split in ("train", "test"):
        for path in sorted((folder / f"{split}_label").iterdir()):
            digest.update(f"{split}/{path.name}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _description(
    avatar: Avatar, skeleton: Skeleton, summary: DatasetSummary, size: int, seed: int
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "avatar": {
            "name": avatar.name,
            "version": avatar.version,
            "licence": avatar.licence,
            "credits": avatar.credits,
        },
        "canvas": size,
        "skeleton": skeleton.to_json(),
        "train": summary.train,
        "test": summary.test,
        "motions": summary.motions,
        "seed": seed,
        "labels_sha256": summary.labels_hash,
    }
