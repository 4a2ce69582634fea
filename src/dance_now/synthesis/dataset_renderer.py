"""Draws the pictures of a data set and writes each beside its label, in several processes."""

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
from dance_now.core.errors import DanceNowError
from dance_now.pose.model.bone_rule import BONE_INDEX
from dance_now.pose.model.keypoints import FACE
from dance_now.pose.model.pose import Pose
from dance_now.render.avatar.avatar_keypoints import place_keypoints
from dance_now.render.avatar.avatar_options import AvatarOptions
from dance_now.render.camera import Camera
from dance_now.render.face.face_points import face_landmarks, sample_expression, with_telling_expressions
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
    """How every picture of a data set is drawn.

    Attributes:
        avatar: the file.
        folder: the data set, its four folders made.
        size: edge of the square pictures, pixels.
        expressions: whether faces move.
        options: how the avatar is to be read.
    """

    avatar: Path
    folder: Path
    size: int
    expressions: bool
    options: AvatarOptions


@dataclass(frozen=True, eq=False)
class Job:
    """One picture.

    Attributes:
        split: ``train`` or ``test``.
        name: file stem.
        seed: of its camera and face.
        points: the pose's keypoints, as ``SolvedPoses`` has them.
        rotations: the pose's bone rotations, as ``SolvedPoses`` has them.
    """

    split: str
    name: str
    seed: tuple[int, ...]
    points: FloatArray
    rotations: FloatArray


def render_all(look: DatasetConfig, jobs: Sequence[Job], workers: int, progress: Progress | None) -> None:
    """Draws every job; ``workers`` above 1 do so in processes of their own.

    Raises:
        DanceNowError: an unusable avatar, or a process that ended early.
    """
    done = 0
    if workers == 1:
        studio = DatasetRenderer(look)
        for job in jobs:
            studio.draw(job)
            done += 1
            if progress is not None:
                progress(done, len(jobs))
        return
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(min(workers, _MOST_WORKERS), context, _Worker.start, (look,)) as pool:
            for _ in pool.map(_Worker.draw, jobs, chunksize=_CHUNK):
                done += 1
                if progress is not None:
                    progress(done, len(jobs))
    except BrokenProcessPool as error:
        raise DanceNowError(
            "A process that renders was ended from outside, perhaps for want of memory: use fewer --workers."
        ) from error


class _Worker:
    """A process's own studio: set up once when the process starts, used for each of its pictures."""

    studio: DatasetRenderer

    @classmethod
    def start(cls, look: DatasetConfig) -> None:
        cv2.setNumThreads(1)
        cls.studio = DatasetRenderer(look)

    @classmethod
    def draw(cls, job: Job) -> None:
        cls.studio.draw(job)


class DatasetRenderer:
    """An avatar in front of a camera."""

    def __init__(self, look: DatasetConfig) -> None:
        self._look = look
        avatar = look.options.load(look.avatar)
        self._face = face_landmarks(avatar)
        self._avatar = with_telling_expressions(avatar, self._face)
        self._poser = AvatarPoser(self._avatar)
        self._springs = Springs(self._avatar)
        self._renderer = Renderer(self._avatar, look.size, hide=look.options.hide)
        self._shown = self._avatar.shown_primitives(look.options.hide)
        low, high = self._avatar.bounds(look.options.hide)
        self._height = float(high[1] - low[1])
        chin = self._avatar.rest_position("head")
        if self._face is not None:
            chin = self._face.positions(self._avatar, self._avatar.rest_world)[_CHIN]
        self._head_size = float(high[1] - chin[1])

    def draw(self, job: Job) -> None:
        """Writes one picture, and when that is done its label."""
        generator = np.random.default_rng(job.seed)
        posed = self._poser.world(job.points, job.rotations)
        # Nothing swings on with a motion's speed: labels do not tell it, and a network would draw the mean.
        world = self._springs.settle(posed, STILL_STEPS)
        expressions = sample_expression(generator, self._avatar) if self._look.expressions else {}
        keypoints = place_keypoints(self._avatar, posed, job.points, self._face, expressions)
        surfaces = self._avatar.mesh_points(world, expressions)
        mesh = np.concatenate([surfaces[index][0] for index in self._shown])
        head = (keypoints[17] + keypoints[18]) / 2
        facing = job.rotations[BONE_INDEX["head"], :, 2]
        sitter = Subject(mesh, head, facing, keypoints[8], self._height, self._head_size)
        camera = random_camera(generator, sitter)
        picture, depth = self._renderer.render_with_depth(world, camera, expressions)
        folder, size = self._look.folder, self._look.size
        _write_png(folder / f"{job.split}_img" / f"{job.name}.png", picture)
        face = None if self._face is None else face_confidence(depth, camera, keypoints[FACE])
        pose = label(keypoints, camera, size, face)
        document = {
            "version": 1.3,
            "people": [pose.to_openpose()],
            "expression": expressions,
            "camera": camera.to_json(),
        }
        unfinished = folder / f"{job.split}_label" / f"{job.name}.tmp"
        write_json(unfinished, document)
        unfinished.replace(unfinished.with_name(f"{job.name}{LABEL_SUFFIX}"))


def label(keypoints: FloatArray, camera: Camera, size: int, face: FloatArray | None) -> Pose:
    """The keypoints of an avatar as a camera sees them; depth is relative to the middle of the hips.

    Args:
        keypoints: (137, 3) metres, character frame.
        camera: that sees them.
        size: edge of the picture, pixels.
        face: (70,) confidence of the face points; None where the avatar has none.
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
    path.write_bytes(data.tobytes())


def write_json(path: Path, document: dict[str, Any]) -> None:
    """Writes a document without white space."""
    path.write_text(json.dumps(document, separators=(",", ":")), encoding="utf-8")
