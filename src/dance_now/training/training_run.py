"""Context of a training run, shared by all its stages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dance_now.character.character_file import CharacterCard
from dance_now.training.character_card import Report
from dance_now.training.distributed import SINGLE_WORKER, Worker
from dance_now.training.train_config import TrainingConfig


@dataclass(frozen=True, eq=False)
class Run:
    """Training run: folder, data set, output, configuration, worker.

    Attributes:
        folder: NAME.run, its files.
        dataset: training data, in the layout of ``synthesis.dataset``.
        output: the character file.
        card: the character's, as far as it is known before training.
        config: of the training.
        report: called with the stage's name, steps done, steps in all, and a note.
        worker: which of several workers this is.
        small_heads: whether the images come with OpenPose labels, whose heads get crops of 64 pixels.
        start: the character whose network is trained further, a name or a path; None for a new one.
    """

    folder: Path
    dataset: Path
    output: Path
    card: CharacterCard
    config: TrainingConfig
    report: Report
    worker: Worker = SINGLE_WORKER
    small_heads: bool = False
    start: str | None = None
