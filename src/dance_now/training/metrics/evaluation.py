"""Scores a character on held-out poses: PSNR, SSIM, IoU, face detail, jitter, and comparison sheets."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np

from dance_now.character.character import MAX_SIDE
from dance_now.character.character_file import CANVAS
from dance_now.core.arrays import FloatArray, Image
from dance_now.core.atomic_write import write_file
from dance_now.core.errors import DanceNowError
from dance_now.media.image.photo_sink import encode_image
from dance_now.pose.model.pose import Pose
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.metrics.body_parts import part_errors, summarise_part_errors
from dance_now.training.metrics.comparison_sheets import ImagePair, difference_sheet, head_sheet
from dance_now.training.metrics.image_metrics import ImageComparison, faces_viewer, head_box, head_score
from dance_now.training.metrics.perceptual_metric import open_perceptual_metric
from dance_now.training.metrics.scores import Evaluation, PictureScore, Summary, by_motion
from dance_now.training.metrics.temporal_jitter import jitter, pose_from_label

_SHOWN: Final = 12  # pictures on a sheet
_STILL_POSES: Final = 12
_WORKERS: Final = 2  # one draws while another compares


class PoseRenderer(Protocol):
    """Interface of the evaluated renderer: mostly a ``Character``."""

    @property
    def name(self) -> str:
        """Name in the metrics file."""

    def draw(self, pose: Pose, size: tuple[int, int]) -> Image:
        """Renders a pose of its own body: (height, width, 4) uint8 RGBA, straight alpha."""

    def draw_unchecked(self, pose: Pose, size: tuple[int, int]) -> Image:
        """Renders a pose that need not have its exact bone lengths."""


def evaluate(
    character: PoseRenderer,
    dataset: Path,
    sheet: Path | None = None,
    limit: int = 300,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Evaluates a renderer on a data set's test split.

    Args:
        character: the renderer.
        dataset: folder of the data set.
        sheet: PNG to write: a dozen images, evenly spread: ground truth, prediction and difference. Beside
            it go NAME_heads.png, close-ups of heads that face the viewer, if there are any, and NAME.json,
            all metrics.
        limit: at most this many images, evenly spread.
        report: called with images done and images in all.

    Raises:
        DanceNowError: an unusable data set, a character of another body, or a sheet that cannot be written.
    """
    pictures = LabelledPictures(dataset, "test")
    if max(pictures.size) > MAX_SIDE:
        width, height = pictures.size
        raise DanceNowError(
            f"The images of {dataset} are {width}x{height}; at most {MAX_SIDE} a side are scored."
        )
    chosen = _spread(range(len(pictures)), limit)
    spread, heads = _spread(chosen, _SHOWN), _spread(_good_heads(pictures, chosen), _SHOWN)
    compare = _PictureScorer(character, pictures, {*spread, *heads} if sheet else set())
    scores, measures, drawn = [], [], {}
    with ThreadPoolExecutor(_WORKERS) as pool:
        for index, result in zip(chosen, pool.map(compare, chosen), strict=True):
            scores.append(result.score)
            measures.append(result.parts)
            if result.drawn is not None:
                drawn[index] = result.drawn
            report(len(scores), len(chosen))
    evaluation = Evaluation(
        Summary.of(scores),
        by_motion(scores),
        summarise_part_errors(measures),
        jitter(
            lambda pose: character.draw_unchecked(pose, pictures.size),
            pictures.keypoints[_spread(chosen, _STILL_POSES)],
        ),
        tuple(scores),
    )
    if sheet is None:
        return evaluation
    pairs = {at: ImagePair(pictures.picture(at), drawn[at], pictures.keypoints[at]) for at in drawn}
    described = {"character": character.name, "dataset": dataset.resolve().name, **evaluation.to_json()}
    files = sheet_files(sheet)
    contents = {files.sheet: encode_image(difference_sheet([pairs[at] for at in spread]), ".png")}
    if heads:
        contents[files.heads] = encode_image(head_sheet([pairs[at] for at in heads]), ".png")
    contents[files.figures] = json.dumps(described, indent=1).encode()
    for path, content in contents.items():
        write_file(path, content, overwrite=True)
    return replace(evaluation, files=tuple(contents))


def check_size(pictures: LabelledPictures) -> None:
    """Checks that images have the size that networks are trained on.

    Raises:
        DanceNowError: they are not squares of ``CANVAS`` pixels.
    """
    if pictures.size != (CANVAS, CANVAS):
        width, height = pictures.size
        raise DanceNowError(
            f"The images of {pictures.folder} are {width}x{height}, not {CANVAS}x{CANVAS}: networks are "
            "trained at that size only."
        )


class SheetFiles(NamedTuple):
    """Output files of ``evaluate``: the sheet, the sheet of heads, and the metrics."""

    sheet: Path
    heads: Path
    figures: Path


def sheet_files(sheet: Path) -> SheetFiles:
    """Paths of the files that belong to a sheet."""
    return SheetFiles(sheet, sheet.with_name(f"{sheet.stem}_heads.png"), sheet.with_suffix(".json"))


class _PictureResult(NamedTuple):
    score: PictureScore
    parts: FloatArray
    drawn: Image | None


class _PictureScorer:
    """Renders and scores one image of a data set at a time; thread-safe."""

    def __init__(self, character: PoseRenderer, pictures: LabelledPictures, kept: set[int]) -> None:
        self._character = character
        self._pictures = pictures
        self._kept = kept
        self._distance = open_perceptual_metric()

    def __call__(self, index: int) -> _PictureResult:
        label = self._pictures.keypoints[index]
        true, drawn = (
            self._pictures.picture(index),
            self._character.draw(pose_from_label(label), self._pictures.size),
        )
        ignored = self._pictures.ignored(index)
        if ignored is not None:
            drawn, true = (np.where(ignored[..., None], 0, each).astype(np.uint8) for each in (drawn, true))
        compared = ImageComparison.of(drawn, true, ignored)
        score = PictureScore(
            self._pictures.names[index],
            compared.score(),
            head_score(drawn, true, label),
            None if self._distance is None else self._distance(compared),
        )
        return _PictureResult(
            score, part_errors(compared, label, true.shape[0]), drawn if index in self._kept else None
        )


def _spread(rows: Sequence[int], count: int) -> list[int]:
    """Selects at most ``count`` of ``rows``, evenly spread."""
    if not rows:
        return []
    places = np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)
    return [rows[place] for place in places]


def _good_heads(pictures: LabelledPictures, chosen: Sequence[int]) -> list[int]:
    """Selects images whose head faces the viewer: whole figures, or any if there are none."""
    facing, whole = [], []
    for index in chosen:
        label = pictures.keypoints[index]
        box = head_box(label)
        if box is None or min(box) < 0 or max(box) > max(pictures.size) or not faces_viewer(label):
            continue
        facing.append(index)
        body = label[:25][label[:25, 3] > 0, :2]
        if ((body >= 0) & (body < pictures.size)).all():
            whole.append(index)
    return whole or facing
