"""Multi-process renderer of a data set's images and labels."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.core.atomic_write import replace_file
from dance_now.core.errors import DanceNowError
from dance_now.core.worker_process import end_with_parent
from dance_now.pose.model.bone_rule import BONE_INDEX
from dance_now.pose.model.keypoints import FACE
from dance_now.pose.model.pose import Pose
from dance_now.render.avatar.avatar_keypoints import place_keypoints
from dance_now.render.avatar.avatar_options import AvatarOptions
from dance_now.render.camera import Camera
from dance_now.render.face.face_points import face_landmarks, sample_expression, with_observable_expressions
from dance_now.render.occlusion import face_confidence
from dance_now.render.renderer import Renderer
from dance_now.render.springs import STILL_STEPS, Springs
from dance_now.synthesis.dataset_folder import LABEL_SUFFIX
from dance_now.synthesis.framing import Subject, random_camera
from dance_now.synthesis.poses.avatar_poser import AvatarPoser

_CHUNK: Final = 8
_MOST_WORKERS: Final = 61  # Windows waits for no more processes than that
_CHIN: Final = 8  # of the face points

Progress = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class DatasetConfig:
    """Configuration common to all images of a data set.

    Attributes:
        avatar: the file.
        folder: the data set, in which its four folders exist.
        size: edge of the square images, pixels.
        expressions: whether facial expressions are sampled.
        options: loading options of the avatar.
    """

    avatar: Path
    folder: Path
    size: int
    expressions: bool
    options: AvatarOptions


@dataclass(frozen=True, eq=False)
class RenderJob:
    """Job of rendering one image.

    Attributes:
        split: ``train`` or ``test``.
        name: file stem.
        seed: of its camera and face.
        points: keypoints of the pose, as in ``SolvedPoses``.
        rotations: bone rotations of the pose, as in ``SolvedPoses``.
    """

    split: str
    name: str
    seed: tuple[int, ...]
    points: FloatArray
    rotations: FloatArray


def render_all(
    config: DatasetConfig, jobs: Sequence[RenderJob], workers: int, progress: Progress | None
) -> None:
    """Renders all jobs; with more than one of ``workers`` in separate processes.

    Raises:
        DanceNowError: an unusable avatar, or a process that ended early.
    """
    done = 0
    if workers == 1:
        renderer = DatasetRenderer(config)
        for job in jobs:
            renderer.draw(job)
            done += 1
            if progress is not None:
                progress(done, len(jobs))
        return
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(min(workers, _MOST_WORKERS), context, _Worker.start, (config,)) as pool:
            try:
                for _ in pool.map(_Worker.draw, jobs, chunksize=_CHUNK):
                    done += 1
                    if progress is not None:
                        progress(done, len(jobs))
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)  # else all of it would be drawn first
                raise
    except BrokenProcessPool as error:
        raise DanceNowError(
            "A rendering process was killed, perhaps for lack of memory. Set workers to a smaller number."
        ) from error


class _Worker:
    """Renderer of a worker process: set up once when it starts, used for each of its images."""

    renderer: DatasetRenderer

    @classmethod
    def start(cls, config: DatasetConfig) -> None:
        end_with_parent()
        cv2.setNumThreads(1)
        cls.renderer = DatasetRenderer(config)

    @classmethod
    def draw(cls, job: RenderJob) -> None:
        cls.renderer.draw(job)


class DatasetRenderer:
    """Renderer of one avatar's images and labels."""

    def __init__(self, config: DatasetConfig) -> None:
        self._config = config
        avatar = config.options.load(config.avatar)
        self._face = face_landmarks(avatar)
        self._avatar = with_observable_expressions(avatar, self._face)
        self._poser = AvatarPoser(self._avatar)
        self._springs = Springs(self._avatar)
        self._renderer = Renderer(self._avatar, config.size, hide=config.options.hide)
        self._shown = self._avatar.shown_primitives(config.options.hide)
        low, high = self._avatar.bounds(config.options.hide)
        self._height = float(high[1] - low[1])
        chin = self._avatar.rest_position("head")
        if self._face is not None:
            chin = self._face.positions(self._avatar, self._avatar.rest_world)[_CHIN]
        self._head_size = float(high[1] - chin[1])

    def draw(self, job: RenderJob) -> None:
        """Renders and writes one image, then its label; both on disk before the next one begins."""
        generator = np.random.default_rng(job.seed)
        posed = self._poser.world(job.points, job.rotations)
        # Springs are settled: labels do not hold velocities, so a network would learn the mean of all.
        world = self._springs.settle(posed, STILL_STEPS)
        expressions = sample_expression(generator, self._avatar) if self._config.expressions else {}
        keypoints = place_keypoints(self._avatar, posed, job.points, self._face, expressions)
        surfaces = self._avatar.mesh_points(world, expressions)
        mesh = np.concatenate([surfaces[index][0] for index in self._shown])
        head = (keypoints[17] + keypoints[18]) / 2
        facing = job.rotations[BONE_INDEX["head"], :, 2]
        subject = Subject(mesh, head, facing, keypoints[8], self._height, self._head_size)
        camera = random_camera(generator, subject)
        picture, depth = self._renderer.render_with_depth(world, camera, expressions)
        folder, size = self._config.folder, self._config.size
        _write_png(folder / f"{job.split}_img" / f"{job.name}.png", picture)
        face = (
            None
            if self._face is None
            else face_confidence(depth, camera, keypoints[FACE]) * self._face.trusted
        )
        pose = label(keypoints, camera, size, face)
        document = {
            "version": 1.3,
            "people": [pose.to_openpose()],
            "expression": expressions,
            "camera": camera.to_json(),
        }
        write_json(folder / f"{job.split}_label" / f"{job.name}{LABEL_SUFFIX}", document)


def label(keypoints: FloatArray, camera: Camera, size: int, face: FloatArray | None) -> Pose:
    """Label of an image: projected keypoints as a pose; depth is relative to the middle of the hips.

    Args:
        keypoints: (137, 3) metres, character frame.
        camera: of the image.
        size: edge of the image, pixels.
        face: (70,) confidence of the face landmarks; None if the avatar has none.
    """
    projected = camera.project(keypoints, size)
    points = np.concatenate([projected[:, :2], np.ones((len(projected), 1))], axis=1).astype(np.float32)
    points[FACE, 2] = 0 if face is None else face
    depth = (projected[:, 2] - projected[8, 2]).astype(np.float32)
    return Pose(points, depth, np.ones(len(depth), np.bool_))


def _write_png(path: Path, rgba: npt.NDArray[np.uint8]) -> None:
    bgra = cv2.cvtColor(rgba, cv2.COLOR_RGBA2BGRA)
    encoded, data = cv2.imencode(".png", bgra, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    if not encoded:
        raise DanceNowError(f"{path} could not be encoded.")
    replace_file(path, data.tobytes())


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Writes compact JSON, atomically."""
    replace_file(path, json.dumps(document, separators=(",", ":")).encode())
