"""Training as a work of a batch: a character file for each avatar."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dance_now.batch.batch_task import Outcome
from dance_now.batch.runners.runner import JobReporter
from dance_now.batch.sidecar import file_hash
from dance_now.character.character_file import SUFFIX, is_character_name
from dance_now.core.errors import UsageError
from dance_now.render.avatar.avatar_options import AvatarOptions
from dance_now.training.character_card import Rights
from dance_now.training.sticks.sticks_config import SticksConfig
from dance_now.training.train_character import Template, train
from dance_now.training.train_config import TrainingConfig


@dataclass(frozen=True, kw_only=True)
class TrainWork:
    """Trains characters.

    Attributes:
        config: of the training, like all that follows.
        rights: licence and credits.
        options: loading options of avatars.
        motions: file or folder of motions.
        template: what draws the characters.
        sticks: sizes of the networks of ``sticks``.
    """

    config: TrainingConfig
    rights: Rights
    options: AvatarOptions
    motions: Path | None = None
    template: Template | None = None
    sticks: SticksConfig | None = None

    def identity(self) -> Mapping[str, Any]:
        """All options, as JSON."""
        return {
            "work": "train",
            "config": self.config.to_json(),
            "rights": asdict(self.rights),
            "avatar": self.options.to_json(),
            "motions": None if self.motions is None else file_hash(self.motions),
            "template": self.template,
            "sticks": None if self.sticks is None else asdict(self.sticks),
        }

    def output_name(self, source: str, name: str) -> str:
        """``NAME.dance``, in lower case and with ``_`` for what a character's name may not contain.

        Raises:
            UsageError: nothing of the name would be left.
        """
        plain = re.sub(r"[^a-z0-9_-]+", "_", Path(name).stem.lower()).strip("_-")[:64]
        if not is_character_name(plain):
            raise UsageError(f"{source} gives no name for a character. Rename it.")
        return f"{plain}{SUFFIX}"

    def open(self) -> TrainProcess:
        """Nothing is loaded that all avatars need."""
        return TrainProcess(self)


@dataclass(frozen=True)
class TrainProcess:
    """Trains one character after the other.

    Attributes:
        work: all options.
    """

    work: TrainWork

    def __call__(self, source: str, output: Path, overwrite: bool, report: JobReporter) -> Outcome:
        """Trains one character."""
        work = self.work

        def tell(stage: str, done: int, total: int, remark: str) -> None:
            report.progress(stage, done, total)

        result = train(
            Path(source),
            output,
            work.config,
            motions=work.motions,
            rights=work.rights,
            options=work.options,
            template=work.template,
            sticks=work.sticks,
            report=tell,
        )
        note = "" if result is None else f"PSNR {result.psnr:.2f} dB, silhouette IoU {result.iou:.4f}"
        return Outcome(note=note)
