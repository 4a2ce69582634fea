"""``dance-now evaluate``: a character against pictures it never saw."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from dance_now.cli.options import needs_extra, say
from dance_now.cli.progress import ProgressBars
from dance_now.errors import DanceNowError

_CharacterName = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="CHARACTER")]
_Dataset = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATASET")]
_Sheet = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")]


def evaluate(character: _CharacterName, dataset: _Dataset, /, *, sheet: _Sheet = None) -> None:
    """Compare what a character draws with the pictures of a data set's test part.

    Args:
        character: a name that dance-now characters lists, or the path of a .dance file.
        dataset: a folder made by dance-now render.
        sheet: also write a PNG of pairs, true on the left, drawn on the right.
    """
    from dance_now.character.character import Character
    from dance_now.media.partial import check_target

    with needs_extra("train"):
        from dance_now.training.evaluation import evaluate as evaluate_character
    if sheet is not None:
        if sheet.suffix.lower() != ".png":
            raise DanceNowError(f"--sheet writes a .png file, not {sheet.name}.")
        check_target(sheet, frozenset(), overwrite=True)
    with ProgressBars() as bars:
        result = evaluate_character(
            Character.load(character),
            dataset,
            sheet,
            report=lambda done, total: bars.update("evaluate", done, total),
        )
    say(
        f"{result.pictures} pictures: PSNR {result.psnr:.2f} dB (10th percentile {result.psnr_low:.2f} dB), "
        f"silhouette IoU {result.iou:.4f} (medians)"
    )
    if sheet is not None:
        say(str(sheet))
