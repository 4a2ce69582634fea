"""``dance-now train``: a character file from an avatar or a data set."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from dance_now.cli.options import OptionalCount, OptionalFolder, needs_extra, say
from dance_now.cli.progress import ProgressBars
from dance_now.errors import DanceNowError

_TrainingSource = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
_Output = Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="NAME.dance")]


def train(
    source: _TrainingSource,
    /,
    output: _Output,
    *,
    preset: Literal["debug", "quick", "full"] = "quick",
    motions: OptionalFolder = None,
    steps: OptionalCount = None,
    images: OptionalCount = None,
    licence: str | None = None,
    credits: str | None = None,
) -> None:
    """Train a character; the same command goes on with a run that was interrupted.

    Args:
        source: an avatar (.vrm, .glb), or a folder made by dance-now render.
        output: the character file to write; the run is kept beside it in NAME.run.
        preset: debug takes seconds and proves the chain, quick fits a CPU, full wants a GPU.
        motions: a BVH file, or a folder of them, for poses; without it they are made up.
        steps: another number of training steps than the preset's.
        images: another number of pictures of the avatar than the preset's.
        licence: the character's licence, in full; without it, as the avatar's file names it.
        credits: the credit the licence asks for; without it, the authors the avatar's file names.
    """
    with needs_extra("train"):
        from dance_now.training.config import PRESETS
        from dance_now.training.pipeline import Rights
        from dance_now.training.pipeline import train as train_character

    config = PRESETS[preset]
    for option, value in (("steps", steps), ("images", images)):
        if value is not None and value < 1:
            raise DanceNowError(f"--{option} must be at least 1, not {value}.")
    config = replace(config, steps=steps or config.steps, images=images or config.images)
    with ProgressBars() as bars:
        rights = Rights(licence, credits)
        result = train_character(source, output, config, motions=motions, rights=rights, report=bars.update)
    say(
        f"{output}: PSNR {result.psnr:.2f} dB, silhouette IoU {result.iou:.4f} "
        f"(medians of {result.pictures} test pictures)"
    )
