"""``dance-now pose``: keypoints as OpenPose JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from dance_now.cli.options import Flag, Seconds, Source, say
from dance_now.cli.progress import ProgressBars

_Output = Annotated[
    Path | None,
    tyro.conf.arg(aliases=["-o"], metavar="DIR", help_behavior_hint="(default: SOURCE_pose)"),
]


def pose(
    source: Source,
    /,
    output: _Output = None,
    *,
    overlay: Flag = False,
    start: Seconds = None,
    end: Seconds = None,
    overwrite: Flag = False,
) -> None:
    """Write the person's keypoints as OpenPose JSON, one file a frame.

    Args:
        source: a photo, a video, a folder of pictures, or a glob in quotes.
        output: the folder to write.
        overlay: also draw the skeleton over the photo or video.
        start: where to begin in a video.
        end: where to end in a video.
        overwrite: write into a folder that is not empty.
    """
    from dance_now.pose_files import write_poses

    with ProgressBars() as bars:
        result = write_poses(
            source,
            output,
            overlay=overlay,
            start=start,
            end=end,
            overwrite=overwrite,
            progress=bars.update,
        )
    say(f"{result.folder}: {result.frames} files, {result.frames - result.missed} with a person")
    if result.overlay is not None:
        say(str(result.overlay))
    if result.skipped:
        say(f"{result.skipped} broken frames of the source were left out (--verbose says which)")
