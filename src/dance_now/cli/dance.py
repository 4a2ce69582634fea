"""``dance-now dance``: the character in the person's place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import tyro

from dance_now.cli.options import (
    Device,
    EstimatorName,
    Flag,
    Model,
    PictureSize,
    SceneName,
    Seconds,
    Source,
    remark,
    say,
)
from dance_now.cli.progress import ProgressBars

_CharacterName = Annotated[str, tyro.conf.arg(aliases=["-c"], metavar="CHARACTER")]
_Output = Annotated[
    Path | None,
    tyro.conf.arg(aliases=["-o"], metavar="OUTPUT", help_behavior_hint="(default: SOURCE_CHARACTER)"),
]
_Person = Annotated[
    str | None,
    tyro.conf.arg(
        metavar="{largest,all,left,N}", help_behavior_hint="(default: largest; all for several characters)"
    ),
]
_Background = Annotated[str | None, tyro.conf.arg(metavar="FILE|COLOR|blur", help_behavior_hint="")]
_Match = Annotated[float, tyro.conf.arg(metavar="0..1")]
_Height = Annotated[str, tyro.conf.arg(metavar="{person,own,FACTOR}")]
_Poses = Annotated[Path | None, tyro.conf.arg(metavar="JSON", help_behavior_hint="")]
_KeypointScale = Annotated[
    Literal["pixels", "unit", "signed"] | None,
    tyro.conf.arg(metavar="{pixels,unit,signed}", help_behavior_hint="(default: by what they look like)"),
]
_Rate = Annotated[float | None, tyro.conf.arg(metavar="RATE", help_behavior_hint="(default: 30)")]


def dance(
    source: Source,
    /,
    character: _CharacterName = "godette",
    output: _Output = None,
    *,
    scene: SceneName = None,
    person: _Person = None,
    background: _Background = None,
    match: _Match = 0.5,
    height: _Height = "person",
    quality: Literal["fast", "best"] = "fast",
    keep_objects: Flag = False,
    estimator: EstimatorName = "mediapipe",
    model: Model = None,
    poses: _Poses = None,
    size: PictureSize = None,
    fps: _Rate = None,
    start: Seconds = None,
    end: Seconds = None,
    keypoint_scale: _KeypointScale = None,
    sequence: Flag = False,
    overwrite: Flag = False,
    preview: Flag = False,
    device: Device = "auto",
) -> None:
    """Draw a character that moves as the person in a photo or a video moves.

    Args:
        source: a photo, a video, a folder of pictures, a glob in quotes, or OpenPose JSON.
        character: a name that dance-now characters lists, or a .dance file; several, as a,b, take turns.
        output: png, webp, jpg, mp4, mov, webm, gif, a folder, or - for raw RGBA on standard output.
        scene: replace, alone (on white), green, alpha (on nothing) or side-by-side (before and after).
        person: who is replaced; N is a number that dance-now pose --overlay shows.
        background: what is seen behind instead: a photo, a video, a color, or the scene out of focus.
        match: how far the character's colors follow the scene's light.
        height: of the character, in persons.
        quality: best takes longer, for finer faces and the source's grain.
        keep_objects: leave in the picture what people hold.
        estimator: what finds the poses; rtmw is for DWPose too.
        model: the estimator's ONNX file, for those that do not come with one.
        poses: the person's keypoints as OpenPose JSON, a file or a folder, instead of estimating them.
        size: of the picture, where the source is keypoints.
        fps: pictures a second of a folder of pictures or keypoints.
        start: where to begin in a video.
        end: where to end in a video.
        keypoint_scale: what coordinates of keypoints count; unit is 0 to 1 over the picture, signed -1 to 1.
        sequence: the pictures of a folder or glob are the frames of one clip, whatever their names and sizes.
        overwrite: replace an existing output.
        preview: also write OUTPUT_preview.jpg, a sheet of moments of the output.
        device: what the character is drawn on.
    """
    from dance_now.app.dance import dance as dance_to
    from dance_now.scene.matting.closed_form_matting import is_installed

    if quality == "best" and not is_installed():
        remark('hair will be finer with pymatting: pip install "dance-now[quality]"')
    with ProgressBars() as bars:
        result = dance_to(
            source,
            character,
            output,
            scene=scene,
            person=person,
            background=background,
            match=match,
            height=height,
            quality=quality,
            keep_objects=keep_objects,
            estimator=estimator,
            model=model,
            poses=poses,
            size=size,
            frame_rate=fps,
            start=start,
            end=end,
            keypoint_scale=keypoint_scale,
            sequence=sequence or None,
            overwrite=overwrite,
            preview=preview,
            device=device,
            progress=bars.update,
        )
    tell = say if output != Path("-") else remark  # standard output is for the pictures then
    rate = result.frames / max(result.seconds, 1e-3)
    stages = ", ".join(f"{name} {milliseconds:.1f}" for name, milliseconds in result.processor.items())
    tell(f"{result.output}: {result.frames} frames in {result.seconds:.1f} s, {rate:.1f} a second")
    tell(f"milliseconds of processor a frame: {stages}")
    if result.preview is not None:
        tell(f"{result.preview}: some moments of it")
    if result.missed:
        tell(f"nobody was seen in {result.missed} of them")
    if result.skipped:
        tell(f"{result.skipped} broken frames of the source were left out (--verbose says which)")
