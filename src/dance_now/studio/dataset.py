"""Writes a training data set: pictures with alpha and exact keypoints of an avatar in many poses.

The layout is that of the project this one started from: ``train_img/NAME.png`` and
``train_label/NAME_keypoints.json`` (OpenPose JSON 1.3 with a ``depth`` list), the same under ``test_img`` and
``test_label``, and beside them ``points.npz`` (coloured points on the mesh) and ``dataset.json``.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from dance_now.errors import DanceNowError
from dance_now.pose.bones import BoneRig
from dance_now.pose.skeleton import Skeleton
from dance_now.studio.avatar import Avatar
from dance_now.studio.avatar_options import AS_IT_IS, AvatarOptions
from dance_now.studio.bank import load_bank
from dance_now.studio.face import face_landmarks
from dance_now.studio.keypoints import skeleton_of
from dance_now.studio.motion import Motion, load_motions, motion_files
from dance_now.studio.photography import Job, Look, Progress, draw_all, write_json
from dance_now.studio.points import sample_points
from dance_now.studio.selection import CAMERA_PITCHES, PoseChoice, choose_poses

SCHEMA: Final = 1
POINT_BUDGET: Final = 14_000


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
    options: AvatarOptions = AS_IT_IS,
    progress: Progress | None = None,
) -> DatasetSummary:
    """Renders a data set of one avatar.

    The result depends on avatar, motions, ``images``, ``seed`` and the drawing options, not on ``workers``.

    Args:
        avatar_path: .vrm or .glb.
        output: folder to create.
        images: pictures in training and test split together.
        motions: a file of motions (see ``load_motions``) or a folder that is searched for them, in place of
            those of the bank.
        seed: of everything random.
        size: edge of the square pictures, pixels.
        workers: processes that render.
        overwrite: replace an existing ``output``.
        expressions: draw faces that move; without, every face is neutral.
        options: how the avatar is to be read.
        progress: called with pictures done and pictures in all.

    Raises:
        DanceNowError: ``output`` exists, no pictures asked for, no motions found, an unusable avatar, or one
            whose licence forbids it.
    """
    if images < 1 or workers < 1:
        raise DanceNowError(
            f"A data set needs at least one image and one worker, not {images} and {workers}."
        )
    found = _find_motions(motions)
    avatar, hide = options.load(avatar_path), options.hide
    with _new_folder(output, overwrite) as folder:
        look = Look(avatar=avatar_path, folder=folder, size=size, expressions=expressions, options=options)
        face = face_landmarks(avatar)
        skeleton = replace(skeleton_of(avatar, face, hide), pitches=CAMERA_PITCHES)
        generator = np.random.default_rng(seed)
        train, test = choose_poses(BoneRig.of(skeleton), found, images, generator)
        sample_points(avatar, POINT_BUDGET, seed, hide, face).save(folder / "points.npz")
        for split in ("train", "test"):
            for kind in ("img", "label"):
                (folder / f"{split}_{kind}").mkdir()
        jobs = [*_jobs("train", train, seed), *_jobs("test", test, seed)]
        draw_all(look, jobs, workers, progress)
        labels_hash = _hash_labels(folder)
        summary = DatasetSummary(output, len(train), len(test), len(found), labels_hash)
        write_json(folder / "dataset.json", _description(avatar, options, skeleton, summary, size, seed))
    return summary


def _find_motions(motions: Path | None) -> list[Motion]:
    if motions is None:
        return load_bank()
    found = load_motions(motion_files(motions))
    if not found:
        raise DanceNowError(
            f"{motions}: no motion that can be used. Leave it out for those that are built in."
        )
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


def _jobs(split: str, choice: PoseChoice, seed: int) -> list[Job]:
    number = ("train", "test").index(split)
    return [
        Job(split, name, (seed, number, index), choice.poses.points[index], choice.poses.rotations[index])
        for index, name in enumerate(choice.names)
    ]


def _hash_labels(folder: Path) -> str:
    digest = hashlib.sha256()
    for split in ("train", "test"):
        for path in sorted((folder / f"{split}_label").iterdir()):
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
            "objections": list(avatar.objections),
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
