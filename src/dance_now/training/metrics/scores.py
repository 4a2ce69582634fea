"""Evaluation results: scores per image, medians per motion and overall, and their JSON."""

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
    """Score of one image of the test split.

    Attributes:
        name: of the image.
        whole: metrics of the figure.
        head: metrics of the head; None unless it faces the viewer and is wholly inside the image.
        perceptual: perceptual distance of figure and surroundings; None if its network is not installed.
    """

    name: str
    whole: Score
    head: HeadScore | None
    perceptual: float | None

    @property
    def motion(self) -> str:
        """Motion of the image: its name without the number at the end."""
        motion, _, number = self.name.rpartition("_")
        return motion if number.isdecimal() else ""


@dataclass(frozen=True)
class Summary:
    """Medians over images; None where no image has a value.

    Attributes:
        pictures: number of images.
        psnr: dB.
        psnr_low: 10th percentile, dB.
        ssim: of the figure and its surroundings.
        iou: of the silhouettes.
        alpha_error: mean absolute difference of the alphas.
        perceptual: perceptual distance, 0 for equal images.
        heads: number of images with a scored head.
        head_psnr: dB.
        head_ssim: of the head's square.
        face_detail: 1 for the ground truth, 0 for a blank face.
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
        """Medians of at least one score."""
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
    """Evaluation of a character on the test split of a data set.

    Attributes:
        overall: summary of all images.
        motions: summary of each motion's images.
        parts: squared error by body part.
        jitter: temporal jitter in px for keypoint noise of ``NOISE`` px, see ``jitter``.
        scores: of every image.
        files: written files.
    """

    overall: Summary
    motions: Mapping[str, Summary]
    parts: tuple[PartError, ...]
    jitter: float
    scores: tuple[PictureScore, ...]
    files: tuple[Path, ...] = field(default=(), compare=False)

    @property
    def pictures(self) -> int:
        """Number of scored images."""
        return self.overall.pictures

    @property
    def psnr(self) -> float:
        """Median PSNR, dB."""
        return self.overall.psnr

    @property
    def iou(self) -> float:
        """Median silhouette IoU."""
        return self.overall.iou

    def to_json(self) -> dict[str, Any]:
        """All results as plain numbers, for JSON."""
        return {
            "overall": asdict(self.overall),
            "motions": {name: asdict(summary) for name, summary in self.motions.items()},
            "parts": [asdict(part) for part in self.parts],
            "jitter": {"px": self.jitter, "keypoint_noise_px": NOISE},
            "pictures": [_picture_json(each) for each in self.scores],
        }


def by_motion(scores: Sequence[PictureScore]) -> dict[str, Summary]:
    """Summaries by motion."""
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
