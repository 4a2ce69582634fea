"""Rendering of a training data set: RGBA images and exact keypoints of an avatar in many poses.

The layout is that of the "Everybody Dance Now" reproduction dance_now started from: ``train_img/NAME.png``
and ``train_label/NAME_keypoints.json`` (OpenPose JSON 1.3 with a ``depth`` list), the same under ``test_img``
and ``test_label``, and beside them ``points.npz`` (colored points on the mesh) and ``dataset.json``.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from dance_now.core.errors import DanceNowError
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.model.skeleton import Skeleton
from dance_now.render.avatar.avatar import Avatar
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton
from dance_now.render.avatar.avatar_options import DEFAULT_OPTIONS, AvatarOptions
from dance_now.render.face.face_points import face_landmarks, with_observable_expressions
from dance_now.synthesis.dataset_folder import (
    DESCRIPTION,
    SPLITS,
    check_output,
    finished_names,
    pack_shards,
    resumable_folder,
    shared_folder,
    split_folders,
)
from dance_now.synthesis.dataset_renderer import DatasetConfig, Progress, RenderJob, render_all, write_json
from dance_now.synthesis.framing import CAMERA_PITCHES
from dance_now.synthesis.poses.motion import Motion, load_motions, motion_files
from dance_now.synthesis.poses.motion_library import load_motion_library, motion_credits
from dance_now.synthesis.poses.pose_selection import PoseSelection, select_poses
from dance_now.synthesis.surface.surface_points import sample_points

RenderAll = Callable[[DatasetConfig, Sequence[RenderJob], Progress | None], None]
"""Renders all jobs of a data set, and is told whom to report to."""

SCHEMA: Final = 1
POINT_BUDGET: Final = 20_000


@dataclass(frozen=True)
class DatasetSummary:
    """Summary of a rendered data set.

    Attributes:
        folder: the data set.
        train: number of training images.
        test: number of test images.
        motions: number of motions used.
        labels_hash: SHA-256 over all labels, the identity of the data set.
    """

    folder: Path
    train: int
    test: int
    motions: int
    labels_hash: str


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
    shards: bool = False,
    test_only: bool = False,
    options: AvatarOptions = DEFAULT_OPTIONS,
    progress: Progress | None = None,
    render: RenderAll | None = None,
    part: tuple[int, int] = (1, 1),
) -> DatasetSummary:
    """Renders the training data set of an avatar.

    The result depends on avatar, motions, ``images``, ``seed`` and the rendering options, not on ``workers``,
    ``render`` or ``part``: each image depends on its own seed alone. After an interruption, the same call
    resumes from the finished images (``OUTPUT.part``).

    Args:
        avatar_path: .vrm or .glb.
        output: folder to create.
        images: images of training and test split together.
        motions: a file of motions (see ``load_motions``) or a folder that is searched for them, instead of
            the motion library.
        seed: of everything random.
        size: edge of the square images, pixels.
        workers: rendering processes.
        overwrite: replace an existing ``output``.
        expressions: sample facial expressions; without, every face is neutral.
        shards: pack images and labels into tar files for WebDataset, instead of the four folders.
        test_only: render the test split alone, and sample no points: for characters that are only scored.
        options: loading options of the avatar.
        progress: called with images done and images in all.
        render: renders the images instead of processes on this machine, such as a cluster.
        part: (i, n): only the i-th of n parts, counted from 1. The processes that render the others share
            the folder; the last one completes the data set.

    Returns:
        A summary; ``labels_hash`` is "" where other parts are missing.

    Raises:
        DanceNowError: ``output`` exists, or its part was begun with other settings, no images requested, no
            motions found, an unusable avatar, or one whose licence forbids it.
    """
    if images < 1 or workers < 1:
        raise DanceNowError(
            f"A data set needs at least one image and one worker, not {images} and {workers}."
        )
    if part[1] > 1 and overwrite:
        raise DanceNowError("overwrite does not go with shard: other parts may be there. Delete the output.")
    check_output(output, overwrite)
    found = _find_motions(motions)
    avatar, hide = options.load(avatar_path), options.hide
    face = face_landmarks(avatar)
    avatar = with_observable_expressions(avatar, face)
    skeleton = replace(avatar_skeleton(avatar, face, hide), pitches=CAMERA_PITCHES)
    rig = BoneRig.of(skeleton)
    train, test = select_poses(rig, found, images, np.random.default_rng(seed))
    jobs = [*([] if test_only else _jobs("train", train, seed)), *_jobs("test", test, seed)]
    fingerprint = {
        "avatar": hashlib.sha256(avatar_path.read_bytes()).hexdigest(),
        "plan": _hash_plan(jobs, [SCHEMA, size, expressions, options.to_json()]),
        **({"packed": "shards"} if shards else {}),
    }
    config = DatasetConfig(
        avatar=avatar_path, folder=output, size=size, expressions=expressions, options=options
    )
    draw = render or partial(_render_here, workers)
    if part[1] > 1:
        shared = replace(config, folder=shared_folder(output, fingerprint))
        _render_missing(shared, jobs[part[0] - 1 :: part[1]], draw, progress)
        if _missing(shared.folder, jobs):
            return DatasetSummary(output, 0 if test_only else len(train), len(test), len(found), "")
    with resumable_folder(output, fingerprint, overwrite) as folder:
        if not (folder / DESCRIPTION).exists():
            if not test_only:
                points = sample_points(avatar, POINT_BUDGET, seed, hide, face, (rig, train.poses))
                points.save(folder / "points.npz")
            _render_missing(replace(config, folder=folder), jobs, draw, progress)
            trained = 0 if test_only else len(train)
            summary = DatasetSummary(output, trained, len(test), len(found), _hash_labels(folder))
            description = _description(avatar, options, skeleton, summary, size, seed)
            description["motion_credits"] = list(motion_credits()) if motions is None else []
            if shards:
                description["shards"] = pack_shards(folder)
            write_json(folder / DESCRIPTION, description)
        written = json.loads((folder / DESCRIPTION).read_bytes())
        for packed in split_folders(folder) if "shards" in written else ():
            shutil.rmtree(packed, ignore_errors=True)
    return DatasetSummary(
        output, written["train"], written["test"], written["motions"], written["labels_sha256"]
    )


def _render_here(
    workers: int, config: DatasetConfig, jobs: Sequence[RenderJob], progress: Progress | None
) -> None:
    render_all(config, jobs, workers, progress)


def _render_missing(
    config: DatasetConfig, jobs: Sequence[RenderJob], render: RenderAll, progress: Progress | None
) -> None:
    """Renders the images that an interrupted run has not."""
    missing = _missing(config.folder, jobs)
    kept = len(jobs) - len(missing)

    def report(drawn_now: int, _: int) -> None:
        if progress is not None:
            progress(kept + drawn_now, len(jobs))

    render(config, missing, report)


def _missing(folder: Path, jobs: Sequence[RenderJob]) -> list[RenderJob]:
    """The jobs whose images are not there yet."""
    done = {(split, name) for split in SPLITS for name in finished_names(folder, split)}
    return [job for job in jobs if (job.split, job.name) not in done]


def _hash_plan(jobs: Sequence[RenderJob], settings: list[Any]) -> str:
    """Hash of everything that images depend on beside the avatar's file."""
    digest = hashlib.sha256(json.dumps(settings).encode())
    for job in jobs:
        digest.update(f"{job.split}/{job.name}/{job.seed}\0".encode())
        digest.update(job.points.tobytes() + job.rotations.tobytes())
    return digest.hexdigest()


def _find_motions(motions: Path | None) -> list[Motion]:
    if motions is None:
        return load_motion_library()
    found = load_motions(motion_files(motions))
    if not found:
        raise DanceNowError(
            f"{motions}: no usable motion found. Choose another file or folder, or the built-in motions."
        )
    return found


def _jobs(split: str, choice: PoseSelection, seed: int) -> list[RenderJob]:
    number = SPLITS.index(split)
    return [
        RenderJob(
            split, name, (seed, number, index), choice.poses.points[index], choice.poses.rotations[index]
        )
        for index, name in enumerate(choice.names)
    ]


def _hash_labels(folder: Path) -> str:
    digest = hashlib.sha256()
    for split in SPLITS:
        for path in sorted((folder / f"{split}_label").glob("*.json")):
            digest.update(f"{split}/{path.name}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _description(
    avatar: Avatar,
    options: AvatarOptions,
    skeleton: Skeleton,
    summary: DatasetSummary,
    size: int,
    seed: int,
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "avatar": {
            "name": avatar.name,
            "version": avatar.version,
            "licence": avatar.licence,
            "credits": avatar.credits,
            "objections": list(avatar.prohibitions),
            **options.to_json(),
        },
        "canvas": size,
        "skeleton": skeleton.to_json(),
        "train": summary.train,
        "test": summary.test,
        "motions": summary.motions,
        "seed": seed,
        "labels_sha256": summary.labels_hash,
    }
