"""Preparation of a data set from images with OpenPose labels: alpha, depth, skeleton, surface points."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.character.character_file import CANVAS
from dance_now.core.arrays import Image
from dance_now.core.atomic_write import Output
from dance_now.core.errors import DanceNowError
from dance_now.media.image.photo_sink import encode_image
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.networks.lifter import open_lifter
from dance_now.synthesis.dataset import POINT_BUDGET, SCHEMA
from dance_now.synthesis.surface.surface_points import MeshPoints
from dance_now.training.data.dataset_reader import Split, ignore_folder
from dance_now.training.data.sample_balance import varied_poses
from dance_now.training.sources.body_proportions import measure_body
from dance_now.training.sources.capsules import capsule_points, points_bounds
from dance_now.training.sources.dataset_matting import Matting, has_alpha
from dance_now.training.sources.foreign_objects import ForeignObjects
from dance_now.training.sources.openpose_layout import (
    FEWEST,
    LabelledImage,
    LayoutContents,
    read_openpose_layout,
)
from dance_now.training.sources.pose_fitting import PoseFitter
from dance_now.training.sources.subject_check import find_second_subject, part_colors

logger = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
_BACKGROUND_SAMPLES: Final = 100
_SHAPE_SAMPLES: Final = 60
_PITCHES: Final = (-5.0, 5.0)  # degrees: the images come from one camera pitch


class _Written(NamedTuple):
    """Image of the data set: its split, file and pose."""

    split: Split
    path: Path
    pose: Pose


def prepare_dataset(
    source: Path,
    output: Path,
    licence: str,
    credits: str,
    seed: int = 0,
    progress: Progress | None = None,
    name: str | None = None,
) -> None:
    """Writes a data set for training from a folder in the OpenPose layout.

    Args:
        source: holds train_img, train_label and optionally test_img and test_label; see ``openpose_layout``.
        output: the folder to create; complete once it exists.
        licence: of the character.
        credits: of the character.
        seed: of everything random.
        progress: called with the step, images done, and images in all.
        name: of the source; by default the folder's.

    Raises:
        DanceNowError: too few usable images, or the output cannot be written.
    """
    report = progress or (lambda stage, done, total: None)
    findings = read_openpose_layout(source, lambda done, total: report("read", done, total))
    figures, scales, skeleton = _fitted(findings.pictures)
    try:
        with Output(output, is_folder=True) as target:
            part = target.part
            for split in ("train", "test"):
                for kind in ("img", "label"):
                    (part / f"{split}_{kind}").mkdir()
            written, method = _write_pictures(findings, figures, scales, skeleton, part, report)
            points = _points([each for each in written if each.split == "train"], skeleton, seed)
            points.save(part / "points.npz")
            ignored = _ignore_foreign_objects(written, skeleton, points, part, report)
            skeleton = _with_bounds(skeleton, points)
            avatar = {"name": name or source.resolve().name, "licence": licence, "credits": credits}
            _describe(part, avatar, findings, skeleton, method, ignored, seed)
            target.commit()
    except OSError as error:
        raise DanceNowError(f"{output} cannot be written: {error.strerror or error}.") from error


def _fitted(pictures: list[LabelledImage]) -> tuple[list[Pose], npt.NDArray[np.float64], Skeleton]:
    lifter = open_lifter()
    poses = [each.pose if each.pose.has_depth.any() else lifter(each.pose) for each in pictures]
    body = measure_body(poses)
    fit = PoseFitter(body.skeleton)
    fitted = [fit(pose, float(scale)) for pose, scale in zip(poses, body.scales, strict=True)]
    return fitted, body.scales, replace(body.skeleton, pitches=_PITCHES)


def _write_pictures(
    findings: LayoutContents,
    figures: list[Pose],
    scales: npt.NDArray[np.float64],
    skeleton: Skeleton,
    folder: Path,
    report: Progress,
) -> tuple[list[_Written], str]:
    """Writes images with alpha and complete labels; returns them, and the matting methods."""
    ears = float(np.linalg.norm(skeleton.rest[17] - skeleton.rest[18])) * scales
    matting = _matting(findings.pictures, figures, ears)
    written: list[_Written] = []
    methods, colors = set(), {}
    for number, (each, figure) in enumerate(zip(findings.pictures, figures, strict=True)):
        report("cut out", number + 1, len(figures))
        picture = each.picture()
        if picture is None:
            findings.skipped["damaged pictures"] += 1
            continue
        methods.add("own" if has_alpha(picture) else matting.method)
        if not has_alpha(picture):
            picture = matting(picture[..., :3], figure, float(ears[number]))
        colors[each.name] = part_colors(picture, figure)
        path = folder / f"{each.split}_img" / f"{each.name}.png"
        path.write_bytes(encode_image(picture, ".png"))
        label = {"version": 1.3, "people": [figure.to_openpose()]}
        (folder / f"{each.split}_label" / f"{each.name}_keypoints.json").write_text(json.dumps(label))
        written.append(_Written(each.split, path, figure))
    train = sum(each.split == "train" for each in written)
    if train < FEWEST // 2:
        raise DanceNowError(f"Only {train} training images can be read; at least {FEWEST // 2} are needed.")
    _warn_of_two_subjects(colors)
    return written, ", ".join(sorted(methods))


def _warn_of_two_subjects(colors: dict[str, npt.NDArray[np.float64]]) -> None:
    """Logs a warning if the images seem to show two characters; part colors by image name."""
    names = np.array(list(colors))
    rare = find_second_subject(np.stack(list(colors.values())))
    if rare.any():
        logger.warning(
            "These images seem to show two characters: %d look like %s, %d like %s. Train a character from "
            "images of one.",
            (~rare).sum(), names[~rare][0], rare.sum(), names[rare][0],
        )  # fmt: skip


def _matting(pictures: list[LabelledImage], figures: list[Pose], ears: npt.NDArray[np.float64]) -> Matting:
    """Sets up the matting from a sample of the images without alpha."""
    chosen, opaque = [], []
    for index in _spread(len(pictures), _BACKGROUND_SAMPLES):
        picture = pictures[index].picture()
        if picture is not None and not has_alpha(picture):
            chosen.append(index)
            opaque.append(np.ascontiguousarray(picture[..., :3]))
    if not opaque:
        return Matting("outline")
    return Matting.of(opaque, [figures[index] for index in chosen], ears[chosen])


def _points(written: Sequence[_Written], skeleton: Skeleton, seed: int) -> MeshPoints:
    """Initial surface points of the figure in some training images."""
    chosen = [written[index] for index in varied_poses([each.pose for each in written], _SHAPE_SAMPLES)]
    pictures = [_read_png(each.path) for each in chosen]
    return capsule_points(skeleton, POINT_BUDGET, [each.pose for each in chosen], pictures, seed)


def _with_bounds(skeleton: Skeleton, points: MeshPoints) -> Skeleton:
    """Skeleton with the figure's bounds."""
    low, high = points_bounds(points)
    known = skeleton.rest[:25][skeleton.known[:25]]
    bounds = np.stack([np.minimum(low, known.min(axis=0)), np.maximum(high, known.max(axis=0))])
    return replace(skeleton, bounds=bounds.astype(np.float32))


def _ignore_foreign_objects(
    written: Sequence[_Written], skeleton: Skeleton, points: MeshPoints, folder: Path, report: Progress
) -> int:
    """Clears held things in images, and marks where they were as to be ignored; returns in how many."""
    explain = ForeignObjects(skeleton, points)
    count = 0
    for number, each in enumerate(written):
        report("held things", number + 1, len(written))
        picture = _read_png(each.path)
        mask = explain(picture, each.pose)
        if mask.any():
            picture[mask > 0] = 0
            each.path.write_bytes(encode_image(picture, ".png"))
            ignore = folder / ignore_folder(each.split)
            ignore.mkdir(exist_ok=True)
            (ignore / each.path.name).write_bytes(cv2.imencode(".png", mask)[1].tobytes())
            count += 1
    return count


def _describe(
    folder: Path,
    avatar: dict[str, str],
    findings: LayoutContents,
    skeleton: Skeleton,
    method: str,
    ignored: int,
    seed: int,
) -> None:
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*_label/*")):
        digest.update(path.name.encode() + path.read_bytes())
    description = {
        "schema": SCHEMA,
        "avatar": avatar,
        "canvas": CANVAS,
        "skeleton": skeleton.to_json(),
        "train": len(list((folder / "train_img").iterdir())),
        "test": len(list((folder / "test_img").iterdir())),
        "motions": 0,
        "seed": seed,
        "alpha": method,
        "with_ignored_parts": ignored,
        "skipped": dict(findings.skipped),
        "labels_sha256": digest.hexdigest(),
    }
    (folder / "dataset.json").write_text(json.dumps(description, indent=1))


def _spread(count: int, most: int) -> list[int]:
    """Selects at most ``most`` of ``count`` indices, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int)).tolist()  # type: ignore[no-any-return]


def _read_png(path: Path) -> Image:
    image = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert image is not None
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA), np.uint8)
