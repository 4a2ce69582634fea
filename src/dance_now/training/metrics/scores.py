"""What a character is worth: the scores of its pictures, and what they come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np

from dance_now.training.metrics.body_parts import PartError
from dance_now.training.metrics.image_metrics import HeadScore, Score
from dance_now.training.metrics.temporal_jitter import NOISE


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


def by_motion(scores: Sequence[PictureScore]) -> dict[str, Summary]:
    """Sums up the pictures of each motion."""
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
