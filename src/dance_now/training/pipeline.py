"""From a source to a character file: render, train, export."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dance_now.arrays import FloatArray
from dance_now.character.character import Character
from dance_now.character.file import (
    CANVAS,
    SUFFIX,
    CharacterCard,
    is_character_name,
    plain_text,
    write_character_file,
)
from dance_now.errors import DanceNowError
from dance_now.pose.skeleton import Skeleton
from dance_now.studio.avatar_options import AS_IT_IS, AvatarOptions
from dance_now.studio.bank import BANK
from dance_now.studio.dataset import render_dataset
from dance_now.studio.licence import UNKNOWN
from dance_now.studio.motion import motion_files
from dance_now.studio.points import MeshPoints
from dance_now.training.config import TrainingConfig
from dance_now.training.data import LabelledPictures
from dance_now.training.evaluation import Evaluation, evaluate
from dance_now.training.export import export_character
from dance_now.training.generator import PointsGenerator
from dance_now.training.loop import Progress, Trainer

AVATAR_SUFFIXES = (".vrm", ".glb")
_SAMPLES_COMPARED = 4
_DATASET, _CHECKPOINT = "dataset", "checkpoint.pt"  # in the folder of a run

Report = Callable[[str, int, int, str], None]


@dataclass(frozen=True)
class Rights:
    """What the character's card says of licence and credit; None: what the avatar's own file says."""

    licence: str | None = None
    credits: str | None = None


def train(
    source: Path,
    output: Path,
    config: TrainingConfig,
    *,
    motions: Path | None = None,
    rights: Rights = Rights(),
    options: AvatarOptions = AS_IT_IS,
    report: Report,
) -> Evaluation:
    """Trains a character and writes its file; a run that was interrupted goes on where it was saved.

    Beside ``output`` a folder NAME.run keeps what the run is made from, the rendered data set, the
    configuration and the checkpoint.

    Args:
        source: an avatar (.vrm, .glb) or a data-set folder made by ``dance-now render``.
        output: the character file, NAME.dance.
        motions: a file or folder of motions for an avatar's data set, in place of the bank's.
        rights: licence and credit in full, where the avatar's own file names them too briefly, or not.
        options: how the avatar is to be read.
        report: called with the stage's name, steps done, steps in all, and a remark.

    Raises:
        DanceNowError: unusable source or output, or a run that was begun with something else.
    """
    name = _character_name(output)
    _check_source(source)
    if source.is_file():
        _check_rights(source, options.load(source).licence, rights)
    run = output.with_name(f"{output.stem}.run")
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DanceNowError(f"{run} cannot be made: {error.strerror or error}.") from error
    _claim(run, _made_from(source, motions, config, options))
    dataset = _dataset(source, run, config, motions, options, report)
    card = dataset_card(dataset, name, rights)
    LabelledPictures(dataset, "test")  # what is missing there is told now, not when training is over
    generator = build_generator(dataset, config)
    (run / "config.json").write_text(json.dumps(config.to_json(), indent=1))
    trainer = Trainer(generator, LabelledPictures(dataset, "train"), run / _CHECKPOINT, config)

    def tell(progress: Progress) -> None:
        report(
            "train",
            progress.step,
            progress.steps,
            f"loss {progress.loss:.4f}, {progress.rate:.1f} pictures/s",
        )

    trainer.run(tell)
    return export(trainer.averaged_generator(), card, dataset, output, trained(trainer), report)


def build_generator(dataset: Path, config: TrainingConfig) -> PointsGenerator:
    """A fresh generator for a data set; the same for the same seed."""
    torch.manual_seed(config.seed)
    mesh = MeshPoints.load(dataset / "points.npz").subset(config.generator.points, config.seed)
    return PointsGenerator(dataset_skeleton(dataset), mesh, config.generator)


def trained(trainer: Trainer) -> dict[str, Any]:
    """What the provenance says of the training."""
    config = trainer.config
    return {
        "steps": trainer.step,
        "pictures_seen": trainer.step * config.batch,
        "config": config.to_json(),
        "torch": torch.__version__,
        "device": trainer.device.type,
    }


def export(
    generator: PointsGenerator,
    card: CharacterCard,
    dataset: Path,
    output: Path,
    provenance: dict[str, Any],
    report: Report,
) -> Evaluation:
    """Writes the character file, scores it on the test split, and notes the score in the file."""
    labels = LabelledPictures(dataset, "test").keypoints
    spread = np.linspace(0, len(labels) - 1, _SAMPLES_COMPARED).round().astype(int)
    chosen = [_most_frontal(labels), *spread]
    card = replace(card, provenance={**card.provenance, **provenance})
    content = export_character(generator, card, labels[chosen])
    result = evaluate(
        Character(content), dataset, report=lambda done, total: report("evaluate", done, total, "")
    )
    metrics = {
        "pictures": result.pictures,
        "psnr_db": round(result.psnr, 2),
        "silhouette_iou": round(result.iou, 4),
    }
    card = replace(card, provenance={**card.provenance, "test": metrics})
    write_character_file(output, replace(content, card=card))
    return result


def _most_frontal(labels: FloatArray) -> int:
    """The whole figure that looks most towards the viewer: what a preview should show."""
    body = labels[:, :25]
    whole = ((body[..., :2] > 0) & (body[..., :2] < CANVAS)).all(axis=(1, 2))
    ears = (body[:, 17] + body[:, 18]) / 2
    forward = (ears[:, 2] - body[:, 0, 2]) / np.maximum(
        np.linalg.norm(body[:, 0, :3] - ears[:, :3], axis=1), 1e-6
    )
    return int(np.argmax(np.where(whole, forward, -1)))


def dataset_card(dataset: Path, name: str, rights: Rights) -> CharacterCard:
    """The character's card as far as data set and rights tell it."""
    data = _read_dataset_json(dataset)
    try:
        _check_rights(dataset, str(data["avatar"]["licence"]), rights)
        licence = plain_text(rights.licence or str(data["avatar"]["licence"]))
        credit = plain_text(rights.credits or str(data["avatar"]["credits"]))
        origin = {key: data[key] for key in ("labels_sha256", "train", "test", "motions", "seed")}
    except (KeyError, TypeError) as error:
        raise DanceNowError(f"{dataset / 'dataset.json'} is malformed ({error}).") from error
    provenance = {"avatar": data["avatar"], "dataset": origin}
    return CharacterCard(name, "1", licence, credit, dataset_skeleton(dataset), provenance=provenance)


def dataset_skeleton(dataset: Path) -> Skeleton:
    """The skeleton a data set was rendered with."""
    try:
        return Skeleton.from_json(_read_dataset_json(dataset)["skeleton"])
    except (KeyError, ValueError) as error:
        raise DanceNowError(f"{dataset / 'dataset.json'} is malformed ({error}).") from error


def _check_rights(source: Path, licence: str, rights: Rights) -> None:
    """Refuses to make a character whose licence nobody names."""
    if licence in ("", UNKNOWN) and not rights.licence:
        raise DanceNowError(
            f"{source} does not say under which licence its avatar may be used: "
            "give it with --licence, and whom to credit with --credits."
        )


def _made_from(
    source: Path, motions: Path | None, config: TrainingConfig, options: AvatarOptions
) -> dict[str, Any]:
    """What a run's data set depends on, told by content and not by place."""
    if source.is_dir():
        return {"labels_sha256": _read_dataset_json(source).get("labels_sha256")}
    files = motion_files(BANK if motions is None else motions)
    return {
        "avatar_sha256": hashlib.sha256(source.read_bytes()).hexdigest(),
        **options.to_json(),
        "motions": [[path.name, path.stat().st_size] for path in files if path.is_file()],
        "images": config.images,
        "seed": config.seed,
    }


def _claim(run: Path, made_from: dict[str, Any]) -> None:
    """Notes what a run is made from, and refuses to go on with one that was made from something else."""
    note, text = run / "source.json", json.dumps(made_from, indent=1).encode()
    begun = (run / _DATASET).exists() or (run / _CHECKPOINT).exists()
    if begun and note.exists() and note.read_bytes() != text:
        raise DanceNowError(
            f"{run} was begun with another avatar or data set, other motions, hidden parts or bones, or "
            "another number of images; give the same, choose another output, or delete it."
        )
    note.write_bytes(text)


def _check_source(source: Path) -> None:
    if source.is_dir():
        _read_dataset_json(source)
    elif not source.exists():
        raise DanceNowError(f"There is no {source}: give an avatar (.vrm, .glb) or a data-set folder.")
    elif source.suffix.lower() not in AVATAR_SUFFIXES:
        raise DanceNowError(
            f"{source} is neither an avatar ({', '.join(AVATAR_SUFFIXES)}) nor a data-set folder."
        )


def _dataset(
    source: Path,
    run: Path,
    config: TrainingConfig,
    motions: Path | None,
    options: AvatarOptions,
    report: Report,
) -> Path:
    if source.is_dir():
        return source
    dataset = run / _DATASET
    if not dataset.exists():
        render_dataset(
            source,
            dataset,
            config.images,
            motions,
            seed=config.seed,
            workers=os.cpu_count() or 1,
            options=options,
            progress=lambda done, total: report("render", done, total, ""),
        )
    return dataset


def _character_name(output: Path) -> str:
    if output.suffix != SUFFIX:
        raise DanceNowError(f"The output should be called NAME{SUFFIX}, not {output.name}.")
    if not is_character_name(output.stem):
        raise DanceNowError(
            f"A character's name has lower-case letters, digits, - and _ only, not {output.stem!r}."
        )
    return output.stem


def _read_dataset_json(dataset: Path) -> dict[str, Any]:
    path = dataset / "dataset.json"
    try:
        data = json.loads(path.read_text())
        if not isinstance(data, dict):
            raise ValueError("no object")
        return data
    except FileNotFoundError as error:
        raise DanceNowError(
            f"{dataset} is no data set: {path.name} is missing. Make one with dance-now render."
        ) from error
    except (OSError, ValueError) as error:
        raise DanceNowError(f"{path} cannot be read ({error}).") from error
