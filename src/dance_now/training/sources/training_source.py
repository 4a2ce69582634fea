"""Training sources: an avatar, a data set, images with OpenPose labels, or a video of a person."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from dance_now.core.errors import DanceNowError
from dance_now.core.processor_cores import available_cores
from dance_now.media.open_media import VIDEO_EXTENSIONS
from dance_now.render.avatar.avatar_options import AvatarOptions
from dance_now.synthesis.dataset import render_dataset
from dance_now.synthesis.poses.motion import motion_files
from dance_now.synthesis.poses.motion_library import LIBRARY_FILE
from dance_now.training.character_card import Report, Rights, check_rights, read_dataset_json
from dance_now.training.sources.openpose_layout import is_openpose_layout
from dance_now.training.sources.prepare_dataset import prepare_dataset
from dance_now.training.sources.video_dataset import extract_frames
from dance_now.training.train_config import TrainingConfig

AVATAR_SUFFIXES = (".vrm", ".glb")
DATASET, FRAMES = "dataset", "frames"  # in the folder of a run
_PICTURES, _LABELS = ("train_img", "test_img"), ("train_label", "test_label")


class Kind(Enum):
    """Kind of a training source."""

    AVATAR = "avatar"
    DATASET = "data set"
    LAYOUT = "pictures with OpenPose labels"
    VIDEO = "video"


@dataclass(frozen=True)
class TrainingSource:
    """Training source and its options.

    Attributes:
        path: file or folder.
        kind: of the source.
        motions: for an avatar, a file or folder of motions instead of the motion library.
        options: loading options of an avatar.
    """

    path: Path
    kind: Kind
    motions: Path | None
    options: AvatarOptions

    @classmethod
    def of(cls, path: Path, motions: Path | None, options: AvatarOptions) -> TrainingSource:
        """Detects the kind of a path.

        Raises:
            DanceNowError: not a training source.
        """
        return cls(path, _kind_of(path), motions, options)

    def check_rights(self, rights: Rights) -> None:
        """Checks before any work that licence and credits are known.

        Raises:
            DanceNowError: neither the source nor the user names them; images and videos never do.
        """
        if self.kind is Kind.AVATAR:
            check_rights(self.path, self.options.load(self.path).licence, rights)
        elif self.kind is not Kind.DATASET and not (rights.licence and rights.credits):
            raise DanceNowError(
                f"licence and credits are needed for a character of {self.path}, which names neither."
            )

    def fingerprint(self, config: TrainingConfig) -> dict[str, Any]:
        """Fingerprint of everything a run's data set depends on, independent of its location.

        Avatars, videos and labels are identified by content, images and motion files by name and size, since
        reading all of them again would take long.
        """
        if self.kind is Kind.DATASET:
            return {"labels_sha256": read_dataset_json(self.path).get("labels_sha256")}
        if self.kind is Kind.LAYOUT:
            return {"files_sha256": _hash_of_layout(self.path)}
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if self.kind is Kind.VIDEO:
            return {"video_sha256": digest}
        files = motion_files(LIBRARY_FILE if self.motions is None else self.motions)
        return {
            "avatar_sha256": digest,
            **self.options.to_json(),
            "motions": [[path.name, path.stat().st_size] for path in files if path.is_file()],
            "images": config.images,
            "seed": config.seed,
        }

    def dataset(self, run: Path, config: TrainingConfig, rights: Rights, report: Report) -> Path:
        """Creates the data set in the run's folder, unless it exists or the source is one; returns its path.

        Raises:
            DanceNowError: the source is unusable.
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
                workers=available_cores(),
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
        if is_openpose_layout(path) and not (path / "dataset.json").exists():
            return Kind.LAYOUT
        if not (path / "dataset.json").exists():
            raise DanceNowError(_layout_help(path))
        read_dataset_json(path)
        return Kind.DATASET
    if not path.exists():
        raise DanceNowError(
            f"{path} does not exist: give an avatar (.vrm, .glb), a video, or a folder of images with labels."
        )
    if path.suffix.lower() in AVATAR_SUFFIXES:
        return Kind.AVATAR
    if path.suffix.lower() in VIDEO_EXTENSIONS:
        return Kind.VIDEO
    raise DanceNowError(
        f"{path} is not a training source: give an avatar ({', '.join(AVATAR_SUFFIXES)}), a video, or a "
        "data-set folder."
    )


def _layout_help(folder: Path) -> str:
    """What to say of a folder that is no data set: the layout, and what in it comes near."""
    pictures = sum(
        1 for file in folder.glob("*") if file.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp")
    )
    labels = sum(1 for file in folder.glob("*.json") if file.name != "dataset.json")
    wrong = [name for name in ("train_img", "train_label") if not (folder / name).is_dir()]
    found = f" {pictures} pictures and {labels} labels lie in it directly." if pictures or labels else ""
    return (
        f"{folder} is no data set: it has no {' and no '.join(wrong)}.{found} Put pictures in"
        " train_img/NAME.png (or .jpg) and their OpenPose labels in train_label/NAME_keypoints.json, with the"
        " same NAME, as dance-now pose train_img/NAME.png writes them."
    )


def _hash_of_layout(folder: Path) -> str:
    """Hash of names and sizes of all images, and of names and contents of all labels."""
    digest = hashlib.sha256()
    for part in (*_PICTURES, *_LABELS):
        for path in sorted((folder / part).glob("*")):
            digest.update(f"{part}/{path.name} {path.stat().st_size}\0".encode())
            if part in _LABELS and path.is_file():
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _without_remark(report: Report) -> Callable[[str, int, int], None]:
    return lambda stage, done, total: report(stage, done, total, "")
