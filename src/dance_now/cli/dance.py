"""``dance-now dance``: replaces people in photos and videos with characters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import tyro

from dance_now.app.analysis import Progress
from dance_now.app.dance_options import (
    BitDepth,
    DanceOptions,
    DeviceName,
    KeypointScale,
    Quality,
)
from dance_now.cli.error_text import error_text
from dance_now.cli.options import (
    EstimatorName,
    Flag,
    Height,
    Model,
    MoreSources,
    Person,
    PictureSize,
    Scene,
    Seconds,
    Source,
    remark,
)
from dance_now.cli.progress import ProgressBars, report
from dance_now.core.errors import DanceNowError

_CharacterName = Annotated[str, tyro.conf.arg(aliases=["-c"], metavar="CHARACTER")]
_Output = Annotated[
    Path | None,
    tyro.conf.arg(aliases=["-o"], metavar="OUTPUT", help_behavior_hint="(default: SOURCE_CHARACTER)"),
]
_Background = Annotated[str | None, tyro.conf.arg(metavar="FILE|COLOR|blur", help_behavior_hint="")]
_Match = Annotated[float, tyro.conf.arg(metavar="0..1")]
_Poses = Annotated[Path | None, tyro.conf.arg(metavar="JSON", help_behavior_hint="")]
_KeypointScale = Annotated[
    KeypointScale | None,
    tyro.conf.arg(metavar="{pixels,unit,signed}", help_behavior_hint="(default: detected)"),
]
_Rate = Annotated[float | None, tyro.conf.arg(metavar="RATE", help_behavior_hint="(default: 30)")]


def dance(
    source: Source,
    more: MoreSources = (),
    /,
    character: _CharacterName = "godette",
    output: _Output = None,
    *,
    scene: Scene = None,
    person: Person = None,
    background: _Background = None,
    match: _Match = 0.5,
    height: Height = "person",
    quality: Quality = "fast",
    keep_objects: Flag = False,
    springs: Literal["on", "off"] = "on",
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
    bit_depth: BitDepth = 8,
    device: DeviceName = "auto",
) -> None:
    """Replace people in a photo or video with anime characters that copy their poses.

    Args:
        source: photo, video, folder of pictures, glob, or keypoints (OpenPose, ComfyUI, MMPose, COCO).
        more: more of them, each to a file of its name in the folder OUTPUT.
        character: built-in character (see dance-now characters) or .dance file; several, as a,b, take turns.
        output: png, webp, jpg, mp4, mov, mkv, avi, webm, gif, a folder, or - for raw RGBA on standard output.
        scene: replace, alone (on white), green, alpha (transparent) or side-by-side (before and after).
        person: person to replace; ID is a person's ID (dance-now pose --overlay draws them).
        background: new background: photo, video, color, or blur for the source, blurred.
        match: color-matching strength, 0 (off) to 1 (full).
        height: character height: the person's, its own, or a factor of the person's.
        quality: best is slower, with finer faces and the source's grain.
        keep_objects: keep held objects; by default they are removed with the person.
        springs: hair and skirts swing with the motion of a clip; off: they hang still, as in photos.
        estimator: pose estimator: mediapipe, rtmw (also runs DWPose), or a name of a plug-in.
        model: ONNX file of an estimator that comes without one. It is a program: only use trusted files.
        poses: keypoints of the source, a file or a folder, instead of pose estimation.
        size: frame size for keypoints without pictures.
        fps: frames per second for a folder of pictures or keypoints.
        start: start of the cut in a video.
        end: end of the cut in a video.
        keypoint_scale: unit of the keypoint coordinates; unit: 0 to 1 across the picture, signed: -1 to 1.
        sequence: pictures of a folder or glob are frames of one clip, whatever their names and sizes.
        overwrite: replace an existing output.
        preview: also write a contact sheet, OUTPUT_preview.jpg.
        bit_depth: bits of a channel; 10 for mp4, mov and mkv (HEVC).
        device: where characters are drawn.
    """
    from dance_now.app.dance_jobs import list_jobs, run_jobs
    from dance_now.scene.matting.closed_form_matting import is_installed

    options = DanceOptions(
        scene=scene,
        person=person,
        background=background,
        match=match,
        height=height,
        quality=quality,
        keep_objects=keep_objects,
        springs=springs == "on",
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
        bit_depth=bit_depth,
        device=device,
    )
    if quality == "best" and not is_installed():
        remark('For finer hair, install pymatting: pip install "dance-now[quality]"')
    jobs = list_jobs([source, *more], output, options)
    failed = 0
    for job, result in run_jobs(jobs, character, options, _open_progress):
        if isinstance(result, DanceNowError):
            failed += 1
            remark(f"{job.source}: {error_text(result)}")
        else:
            report(result, to_stdout=output != Path("-"))
    if failed:
        raise DanceNowError(f"{failed} of {len(jobs)} sources failed.")


@contextmanager
def _open_progress() -> Iterator[Progress]:
    with ProgressBars() as bars:
        yield bars.update
