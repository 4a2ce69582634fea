"""What is trained from: an avatar, a data set, pictures with OpenPose labels, or a video of somebody."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from dance_now.core.errors import DanceNowError
from dance_now.media.open_media import VIDEO_EXTENSIONS
from dance_now.render.avatar.avatar_options import AvatarOptions
from dance_now.synthesis.dataset import render_dataset
from dance_now.synthesis.poses.motion import motion_files
from dance_now.synthesis.poses.motion_library import BANK
from dance_now.training.character_export import Report, Rights, check_rights, read_dataset_json
from dance_now.training.sources.openpose_layout import is_layout
from dance_now.training.sources.prepare_dataset import prepare_dataset
from dance_now.training.sources.video_dataset import extract_frames
from dance_now.training.train_config import TrainingConfig

AVATAR_SUFFIXES = (".vrm", ".glb")
DATASET, FRAMES = "dataset", "frames"  # in the folder of a run
_PICTURES, _LABELS = ("train_img", "test_img"), ("train_label", "test_label")


class Kind(Enum):
    """Kinds of sources."""

    AVATAR = "avatar"
    DATASET = "data set"
    LAYOUT = "pictures with OpenPose labels"
    VIDEO = "video"


@dataclass(frozen=True)
class TrainingSource:
    """A source and how it is to be read.

    Attributes:
        path: file or folder.
        kind: what it is.
        motions: for an avatar, a file or folder of motions in place of the bank's.
        options: how an avatar is to be read.
    """

    path: Path
    kind: Kind
    motions: Path | None
    options: AvatarOptions

    @classmethod
    def of(cls, path: Path, motions: Path | None, options: AvatarOptions) -> TrainingSource:
        """Looks what a path is.

        Raises:
            DanceNowError: nothing that can be trained from.
        """
        return cls(path, _kind_of(path), motions, options)

    def check_rights(self, rights: Rights) -> None:
        """Refuses, before any work, a character whose licence nobody names.

        Raises:
            DanceNowError: an avatar's file is silent, or pictures, which always are, and so is the user.
        """
        if self.kind is Kind.AVATAR:
            check_rights(self.path, self.options.load(self.path).licence, rights)
        elif self.kind is not Kind.DATASET and not (rights.licence and rights.credits):
            raise DanceNowError(
                f"{self.path} cannot say under which licence it may be used and whom to credit: give both, "
                "--licence and --credits."
            )

    def made_from(self, config: TrainingConfig) -> dict[str, Any]:
        """What a run's data set depends on, wherever it lies.

        Avatars, videos and labels are told by their content, pictures and files of motions by name and size:
        reading all of them once more would take long.
        """
        if self.kind is Kind.DATASET:
            return {"labels_sha256": read_dataset_json(self.path).get("labels_sha256")}
        if self.kind is Kind.LAYOUT:
            return {"files_sha256": _hash_of_layout(self.path)}
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if self.kind is Kind.VIDEO:
            return {"video_sha256": digest}
        files = motion_files(BANK if self.motions is None else self.motions)
        return {
            "avatar_sha256": digest,
            **self.options.to_json(),
            "motions": [[path.name, path.stat().st_size] for path in files if path.is_file()],
            "images": config.images,
            "seed": config.seed,
        }

    def dataset(self, run: Path, config: TrainingConfig, rights: Rights, report: Report) -> Path:
        """The data set, made in the folder of the run unless it is there or the source is one.

        Raises:
            DanceNowError: the source cannot be used.
        """
        if self.kind is Kind.DATASET:
            return self.path
        target = run / DATASET
        if target.exists():
            return target
        if self.kind is Kind.AVATAR:
            render_dataset(
                self.path,
                target,
                config.images,
                self.motions,
                seed=config.seed,
                workers=os.cpu_count() or 1,
                options=self.options,
                progress=lambda done, total: report("render", done, total, ""),
            )
            return target
        pictures = self.path
        if self.kind is Kind.VIDEO:
            pictures = run / FRAMES
            if not pictures.exists():
                extract_frames(self.path, pictures, _without_remark(report))
        said = (rights.licence or "", rights.credits or "")
        prepare_dataset(
            pictures, target, *said, config.seed, _without_remark(report), self.path.resolve().name
        )
        return target


def _kind_of(path: Path) -> Kind:
    if path.is_dir():
        if is_layout(path) and not (path / "dataset.json").exists():
            return Kind.LAYOUT
        read_dataset_json(path)
        return Kind.DATASET
    if not path.exists():
        raise DanceNowError(
            f"There is no {path}: give an avatar (.vrm, .glb), a video, or a folder of pictures with labels."
        )
    if path.suffix.lower() in AVATAR_SUFFIXES:
        return Kind.AVATAR
    if path.suffix.lower() in VIDEO_EXTENSIONS:
        return Kind.VIDEO
    raise DanceNowError(
        f"{path} is neither an avatar ({', '.join(AVATAR_SUFFIXES)}) nor a data-set folder, nor a video."
    )


def _hash_of_layout(folder: Path) -> str:
    """Of names and sizes of all pictures, and of names and contents of all labels."""
    digest = hashlib.sha256()
    for part in (*_PICTURES, *_LABELS):
        for path in sorted((folder / part).glob("*")):
            digest.update(f"{part}/{path.name} {path.stat().st_size}\0".encode())
            if part in _LABELS and path.is_file():
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _without_remark(report: Report) -> Callable[[str, int, int], None]:
    return lambda stage, done, total: report(stage, done, total, "")
