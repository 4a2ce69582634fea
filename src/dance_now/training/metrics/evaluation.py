"""Scores a character on poses it never saw, and draws true and drawn side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np
import torch

from dance_now.character.character_file import CANVAS
from dance_now.core.arrays import FloatArray, Image
from dance_now.core.atomic_write import write_file
from dance_now.core.errors import DanceNowError
from dance_now.media.image.photo_sink import encode_image
from dance_now.pose.model.pose import Pose
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.losses.perceptual import PerceptualNetwork, perceptual_distance
from dance_now.training.metrics.body_parts import errors_by_part, part_measures
from dance_now.training.metrics.comparison_sheets import Pair, difference_sheet, head_sheet
from dance_now.training.metrics.image_metrics import Compared, faces_viewer, head_box, head_score
from dance_now.training.metrics.scores import Evaluation, PictureScore, Summary, by_motion
from dance_now.training.metrics.temporal_jitter import jitter, pose_of

_SHOWN: Final = 12  # pictures on a sheet
_STILL_POSES: Final = 12
_WORKERS: Final = 2  # one draws while another compares


class Drawing(Protocol):
    """What is scored: mostly a ``Character``."""

    @property
    def name(self) -> str:
        """For the figures' file."""

    def draw(self, pose: Pose) -> Image:
        """(512, 512, 4) uint8 RGBA, straight alpha, of a pose of its own body."""

    def draw_unchecked(self, pose: Pose) -> Image:
        """The same of a pose that is almost one."""


def evaluate(
    character: Drawing,
    dataset: Path,
    sheet: Path | None = None,
    limit: int = 300,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluation:
    """Draws the labels of ``dataset``'s test split and compares with its pictures.

    Args:
        sheet: where to write a PNG of a dozen pictures, evenly spread: true, drawn and their difference.
            Beside it go NAME_heads.png, close-ups of heads that look at the viewer, if there are any, and
            NAME.json, all the figures.
        limit: at most this many pictures, evenly spread.

    Raises:
        DanceNowError: an unusable data set, a character of another body, or a sheet that cannot be written.
    """
    pictures = LabelledPictures(dataset, "test")
    check_size(pictures)
    chosen = _spread(range(len(pictures)), limit)
    spread, heads = _spread(chosen, _SHOWN), _spread(_good_heads(pictures, chosen), _SHOWN)
    compare = _Comparison(character, pictures, {*spread, *heads} if sheet else set())
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
        errors_by_part(measures),
        jitter(character.draw_unchecked, pictures.keypoints[_spread(chosen, _STILL_POSES)]),
        tuple(scores),
    )
    if sheet is None:
        return evaluation
    pairs = {at: Pair(pictures.picture(at), drawn[at], pictures.keypoints[at]) for at in drawn}
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
    """Refuses pictures of another size than a character draws.

    Raises:
        DanceNowError: they are no squares of ``CANVAS`` pixels.
    """
    if pictures.size != (CANVAS, CANVAS):
        width, height = pictures.size
        raise DanceNowError(
            f"The pictures of {pictures.folder} are {width}x{height}, not {CANVAS}x{CANVAS}: characters are "
            "trained and scored at that size only."
        )


class SheetFiles(NamedTuple):
    """What ``evaluate`` writes: the sheet, the sheet of heads, and all the figures."""

    sheet: Path
    heads: Path
    figures: Path


def sheet_files(sheet: Path) -> SheetFiles:
    """Where the files that belong to a sheet go."""
    return SheetFiles(sheet, sheet.with_name(f"{sheet.stem}_heads.png"), sheet.with_suffix(".json"))


class _Compared(NamedTuple):
    score: PictureScore
    parts: FloatArray
    drawn: Image | None


class _Comparison:
    """Draws and judges one picture of a data set at a time; may be called from several threads."""

    def __init__(self, character: Drawing, pictures: LabelledPictures, kept: set[int]) -> None:
        self._character = character
        self._pictures = pictures
        self._kept = kept
        self._network = PerceptualNetwork.load() if PerceptualNetwork.is_installed() else None

    def __call__(self, index: int) -> _Compared:
        label = self._pictures.keypoints[index]
        true, drawn = self._pictures.picture(index), self._character.draw(pose_of(label))
        compared = Compared.of(drawn, true)
        score = PictureScore(
            self._pictures.names[index],
            compared.score(),
            head_score(drawn, true, label),
            self._distance(compared),
        )
        return _Compared(
            score, part_measures(compared, label, true.shape[0]), drawn if index in self._kept else None
        )

    def _distance(self, compared: Compared) -> float | None:
        if self._network is None:
            return None
        drawn, true = (
            torch.from_numpy(np.ascontiguousarray(each[compared.window][..., :3].transpose(2, 0, 1)))[None]
            for each in (compared.drawn, compared.true)
        )
        with torch.inference_mode():
            return float(perceptual_distance(self._network, drawn, true))


def _spread(rows: Sequence[int], count: int) -> list[int]:
    """At most ``count`` of ``rows``, evenly spread."""
    if not rows:
        return []
    places = np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int)
    return [rows[place] for place in places]


def _good_heads(pictures: LabelledPictures, chosen: Sequence[int]) -> list[int]:
    """Of the chosen pictures those whose head looks at the viewer: whole figures, or any if there is none."""
    facing, whole = [], []
    for index in chosen:
        label = pictures.keypoints[index]
        box = head_box(label)
        if box is None or min(box) < 0 or max(box) > CANVAS or not faces_viewer(label):
            continue
        facing.append(index)
        body = label[:25][label[:25, 3] > 0, :2]
        if ((body >= 0) & (body < CANVAS)).all():
            whole.append(index)
    return whole or facing
