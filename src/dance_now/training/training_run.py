"""What all stages of one training share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dance_now.character.character_file import CharacterCard
from dance_now.training.character_export import Report
from dance_now.training.distributed import ALONE, Share
from dance_now.training.train_config import TrainingConfig


@dataclass(frozen=True, eq=False)
class Run:
    """One training.

    Attributes:
        folder: NAME.run, what is kept of it.
        dataset: what it learns from, in the studio's layout.
        output: the character file.
        card: the character's, as far as it is known before.
        config: of the training.
        report: called with the stage's name, steps done, steps in all, and a remark.
        share: which of several workers this is.
        small_heads: whether the pictures are the original's, whose heads are 64 pixels wide.
    """

    folder: Path
    dataset: Path
    output: Path
    card: CharacterCard
    config: TrainingConfig
    report: Report
    share: Share = ALONE
    small_heads: bool = False
