"""Character cards: licence and credits, provenance, and what a score comes to. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from dance_now.character.character_file import CANVAS, CharacterCard, plain_text
from dance_now.core.arrays import FloatArray
from dance_now.core.errors import DanceNowError
from dance_now.core.limits import MAX_JSON_BYTES, parse_json, read_bounded
from dance_now.formats3d.avatar_licence import UNKNOWN
from dance_now.pose.model.skeleton import Skeleton
from dance_now.training.metrics.scores import Evaluation

Report = Callable[[str, int, int, str], None]
"""Called with a stage's name, steps done, steps in all, and a note."""


@dataclass(frozen=True)
class Rights:
    """Licence and credits of the character's card; None takes them from the data set."""

    licence: str | None = None
    credits: str | None = None


SOURCE_RIGHTS = Rights()


def evaluation_summary(evaluation: Evaluation) -> dict[str, Any]:
    """The scores that a card keeps, rounded."""
    whole = evaluation.overall
    return {
        "pictures": whole.pictures,
        "psnr_db": round(whole.psnr, 2),
        "silhouette_iou": round(whole.iou, 4),
        "ssim": round(whole.ssim, 3),
        "head_psnr_db": None if whole.head_psnr is None else round(whole.head_psnr, 2),
        "face_detail": None if whole.face_detail is None else round(whole.face_detail, 3),
    }


def most_frontal(labels: FloatArray) -> int:
    """Index of the whole figure that faces the viewer most, for the preview."""
    body = labels[:, :25]
    whole = ((body[..., :2] > 0) & (body[..., :2] < CANVAS)).all(axis=(1, 2))
    ears = (body[:, 17] + body[:, 18]) / 2
    forward = (ears[:, 2] - body[:, 0, 2]) / np.maximum(
        np.linalg.norm(body[:, 0, :3] - ears[:, :3], axis=1), 1e-6
    )
    return int(np.argmax(np.where(whole, forward, -1)))


def dataset_card(dataset: Path, name: str, rights: Rights) -> CharacterCard:
    """Character card from a data set and the user's licence and credits."""
    data = read_dataset_json(dataset)
    try:
        check_rights(dataset, str(data["avatar"]["licence"]), rights)
        licence = plain_text(rights.licence or str(data["avatar"]["licence"]))
        credit = plain_text(rights.credits or str(data["avatar"]["credits"]))
        origin = {key: data[key] for key in ("labels_sha256", "train", "test", "motions", "seed")}
        origin["motion_credits"] = data.get("motion_credits", [])
    except (KeyError, TypeError) as error:
        raise DanceNowError(f"{dataset / 'dataset.json'} is malformed ({error}).") from error
    provenance = {"avatar": data["avatar"], "dataset": origin}
    return CharacterCard(name, "1", licence, credit, dataset_skeleton(dataset), provenance=provenance)


def dataset_skeleton(dataset: Path) -> Skeleton:
    """Reads the skeleton of a data set."""
    try:
        return Skeleton.from_json(read_dataset_json(dataset)["skeleton"])
    except (KeyError, ValueError) as error:
        raise DanceNowError(f"{dataset / 'dataset.json'} is malformed ({error}).") from error


def check_rights(source: Path, licence: str, rights: Rights) -> None:
    """Raises DanceNowError if neither the source nor the user names a licence."""
    if licence in ("", UNKNOWN) and not rights.licence:
        raise DanceNowError(
            f"licence and credits are needed for a character of {source}, which names no licence."
        )


def read_dataset_json(dataset: Path) -> dict[str, Any]:
    """Reads ``dataset.json``; raises DanceNowError if it is missing or malformed."""
    path = dataset / "dataset.json"
    try:
        if not path.exists():
            raise DanceNowError(
                f"{dataset} is not a data set: {path.name} is missing. Make one with dance-now render."
            )
        data = parse_json(read_bounded(path, MAX_JSON_BYTES))
        if not isinstance(data, dict):
            raise ValueError("not an object")
        return data
    except ValueError as error:
        raise DanceNowError(f"{path} cannot be read ({error}).") from error
