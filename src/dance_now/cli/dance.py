"""``dance-now dance``: the character in the person's place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro

from dance_now.cli.options import Device, Flag, PictureSize, Seconds, Source, say
from dance_now.cli.progress import ProgressBars

_CharacterName = Annotated[str, tyro.conf.arg(aliases=["-c"], metavar="CHARACTER")]
_Output = Annotated[
    Path | None,
    tyro.conf.arg(aliases=["-o"], metavar="OUTPUT", help_behavior_hint="(default: SOURCE_CHARACTER)"),
]
_Scene = Annotated[
    Literal["replace", "alone", "green", "alpha"] | None,
    tyro.conf.arg(
        metavar="{replace,alone,green,alpha}", help_behavior_hint="(default: replace; alone for keypoints)"
    ),
]
_Poses = Annotated[Path | None, tyro.conf.arg(metavar="JSON", help_behavior_hint="")]
_Rate = Annotated[float | None, tyro.conf.arg(metavar="RATE", help_behavior_hint="(default: 30)")]


def dance(
    source: Source,
    /,
    character: _CharacterName = "godette",
    output: _Output = None,
    *,
    scene: _Scene = None,
    poses: _Poses = None,
    size: PictureSize = None,
    fps: _Rate = None,
    start: Seconds = None,
    end: Seconds = None,
    overwrite: Flag = False,
    device: Device = "auto",
) -> None:
    """Draw a character that moves as the person in a photo or a video moves.

    Args:
        source: a photo, a video, a folder of pictures, a glob in quotes, or OpenPose JSON.
        character: a name that dance-now characters lists, or the path of a .dance file.
        output: png, webp, jpg, mp4, mov, webm, gif, or a folder.
        scene: in the person's place, alone on white, on pure green, or on nothing.
        poses: the person's keypoints as OpenPose JSON, a file or a folder, instead of estimating them.
        size: of the picture, where the source is keypoints.
        fps: pictures a second of a folder of pictures or keypoints.
        start: where to begin in a video.
        end: where to end in a video.
        overwrite: replace an existing output.
        device: what the character is drawn on.
    """
    from dance_now.dancer import dance as dance_to

    with ProgressBars() as bars:
        result = dance_to(
            source,
            character,
            output,
            scene=scene,
            poses=poses,
            size=size,
            frame_rate=fps,
            start=start,
            end=end,
            overwrite=overwrite,
            device=device,
            progress=bars.update,
        )
    stages = ", ".join(f"{name} {milliseconds:.1f}" for name, milliseconds in result.stages.items())
    say(f"{result.output}: {result.frames} frames in {result.seconds:.1f} s (ms a frame: {stages})")
    if result.missed:
        say(f"nobody was seen in {result.missed} of them")
    if result.skipped:
        say(f"{result.skipped} broken frames of the source were left out (--verbose says which)")
