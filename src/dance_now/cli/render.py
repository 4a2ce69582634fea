"""``dance-now render``: a training data set from an avatar."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import tyro

from dance_now.cli.options import Count, Flag, OptionalCount, OptionalFolder, needs_extra, say
from dance_now.cli.progress import ProgressBars
from dance_now.errors import DanceNowError

_Avatar = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="AVATAR")]
_Output = Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="DIR")]


def render(
    avatar: _Avatar,
    /,
    output: _Output,
    images: Count,
    *,
    motions: OptionalFolder = None,
    seed: Count = 0,
    workers: OptionalCount = None,
    overwrite: Flag = False,
) -> None:
    """Render an avatar in many poses: pictures with alpha, and their keypoints as OpenPose JSON.

    Args:
        avatar: a .vrm file, or a .glb file with a humanoid skeleton.
        output: the folder to write.
        images: how many pictures.
        motions: a BVH file, or a folder of them, for poses; without it they are made up.
        seed: the same seed gives the same pictures.
        workers: processes that render at once; as many as there are processor cores by default.
        overwrite: replace an existing data set.
    """
    if workers is not None and workers < 1:
        raise DanceNowError(f"--workers must be at least 1, not {workers}.")
    with needs_extra("studio"):
        from dance_now.studio.dataset import render_dataset

    with ProgressBars() as bars:
        summary = render_dataset(
            avatar,
            output,
            images,
            motions,
            seed=seed,
            workers=workers or os.cpu_count() or 1,
            overwrite=overwrite,
            progress=lambda done, total: bars.update("render", done, total),
        )
    say(f"{output}: {summary.train} pictures to train on, {summary.test} to test with")
