"""Scores a character on poses it never saw, and draws true and drawn side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, Protocol, Self

import numpy as np
import torch

from dance_now.arrays import FloatArray, Image
from dance_now.character.file import CANVAS
from dance_now.errors import DanceNowError
from dance_now.media.partial import write_file
from dance_now.media.photo_sink import encode_picture
from dance_now.pose.pose import Pose
from dance_now.training.body_parts import PartError, errors_by_part, part_measures
from dance_now.training.data import LabelledPictures
from dance_now.training.jitter import NOISE, jitter, pose_of
from dance_now.training.metrics import Compared, HeadScore, Score, faces_viewer, head_box, head_score
from dance_now.training.perceptual import PerceptualNetwork, perceptual_distance
from dance_now.training.sheets import Pair, difference_sheet, head_sheet

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


@dataclass(frozen=True)
class PictureScore:
    """One picture of the test split.

    Attributes:
        name: the picture's.
        whole: of the figure.
        head: None where it does not look at the viewer or is not whole in the picture.
        perceptual: distance of the figure's surroundings, None without the network for it.
    """

    name: str
    whole: Score
    head: HeadScore | None
    perceptual: float | None

    @property
    def motion(self) -> str:
        """The motion that the picture shows: its name without the number at the end."""
        motion, _, number = self.name.rpartition("_")
        return motion if number.isdecimal() else ""


@dataclass(frozen=True)
class Summary:
    """Medians over pictures; None where no picture has a value.

    Attributes:
        pictures: how many were scored.
        psnr: dB.
        psnr_low: 10th percentile, dB.
        ssim: of the figure and its surroundings.
        iou: of the silhouettes.
        alpha_error: mean absolute difference of the alphas.
        perceptual: distance, 0 for equal pictures.
        heads: in how many pictures the head was scored.
        head_psnr: dB.
        head_ssim: of the head's square.
        face_detail: 1 for the true face, 0 for a blank one.
    """

    pictures: int
    psnr: float
    psnr_low: float
    ssim: float
    iou: float
    alpha_error: float
    perceptual: float | None
    heads: int
    head_psnr: float | None
    head_ssim: float | None
    face_detail: float | None

    @classmethod
    def of(cls, scores: Sequence[PictureScore]) -> Self:
        """Sums up at least one picture."""
        whole = [each.whole for each in scores]
        heads = [each.head for each in scores if each.head is not None]
        return cls(
            pictures=len(scores),
            psnr=float(np.median([each.psnr for each in whole])),
            psnr_low=float(np.percentile([each.psnr for each in whole], 10)),
            ssim=float(np.median([each.ssim for each in whole])),
            iou=float(np.median([each.iou for each in whole])),
            alpha_error=float(np.median([each.alpha_error for each in whole])),
            perceptual=_median(each.perceptual for each in scores),
            heads=len(heads),
            head_psnr=_median(each.psnr for each in heads),
            head_ssim=_median(each.ssim for each in heads),
            face_detail=_median(each.detail for each in heads),
        )


@dataclass(frozen=True)
class Evaluation:
    """What a character is worth on the test split of a data set.

    Attributes:
        overall: of all pictures.
        motions: of each motion's.
        parts: which part of the body the error lies on.
        jitter: px by which lines move when keypoints tremble by ``NOISE`` px, see ``jitter``.
        scores: of every picture.
        files: what was written.
    """

    overall: Summary
    motions: Mapping[str, Summary]
    parts: tuple[PartError, ...]
    jitter: float
    scores: tuple[PictureScore, ...]
    files: tuple[Path, ...] = field(default=(), compare=False)

    @property
    def pictures(self) -> int:
        """How many were scored."""
        return self.overall.pictures

    @property
    def psnr(self) -> float:
        """Median, dB."""
        return self.overall.psnr

    @property
    def iou(self) -> float:
        """Median."""
        return self.overall.iou

    def to_json(self) -> dict[str, Any]:
        """Everything as plain numbers; None where there is none."""
        return {
            "overall": asdict(self.overall),
            "motions": {name: asdict(summary) for name, summary in self.motions.items()},
            "parts": [asdict(part) for part in self.parts],
            "jitter": {"px": self.jitter, "keypoint_noise_px": NOISE},
            "pictures": [_picture_json(each) for each in self.scores],
        }


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
    if pictures.size != (CANVAS, CANVAS):
        width, height = pictures.size
        raise DanceNowError(f"The pictures of {dataset} are {width}x{height}, not {CANVAS}x{CANVAS}.")
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
        _by_motion(scores),
        errors_by_part(measures),
        jitter(character.draw_unchecked, pictures.keypoints[_spread(chosen, _STILL_POSES)]),
        tuple(scores),
    )
    if sheet is None:
        return evaluation
    pairs = {at: Pair(pictures.picture(at), drawn[at], pictures.keypoints[at]) for at in drawn}
    described = {"character": character.name, "dataset": dataset.resolve().name, **evaluation.to_json()}
    files = sheet_files(sheet)
    contents = {files.sheet: encode_picture(difference_sheet([pairs[at] for at in spread]), ".png")}
    if heads:
        contents[files.heads] = encode_picture(head_sheet([pairs[at] for at in heads]), ".png")
    contents[files.figures] = json.dumps(described, indent=1).encode()
    for path, content in contents.items():
        write_file(path, content, overwrite=True)
    return replace(evaluation, files=tuple(contents))


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


def _by_motion(scores: Sequence[PictureScore]) -> dict[str, Summary]:
    names = sorted({each.motion for each in scores})
    return {name: Summary.of([each for each in scores if each.motion == name]) for name in names}


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.median(known)) if known else None


def _picture_json(score: PictureScore) -> dict[str, Any]:
    return {
        "name": score.name,
        **asdict(score.whole),
        "perceptual": score.perceptual,
        "head": None if score.head is None else asdict(score.head),
    }
