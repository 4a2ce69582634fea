"""``dance-now dance``: replaces people in photos and videos with characters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Literal

import tyro

from dance_now.app.dance_options import (
    DEFAULT_CHARACTER,
    BitDepth,
    DanceOptions,
    DeviceName,
    KeypointScale,
    Quality,
)
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
from dance_now.cli.progress import ProgressBars
from dance_now.cli.shared.batch_flags import NO_FLAGS, Batch, BatchFlags, folder_for, run_batch
from dance_now.cli.shared.report import report

_CharacterName = Annotated[str, tyro.conf.arg(aliases=["-c"], metavar="CHARACTER")]
_Output = Annotated[
    str | None,
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
    character: _CharacterName = DEFAULT_CHARACTER,
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
    mouth: Literal["face", "sound", "auto"] = "face",
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
    batch: Batch = NO_FLAGS,
) -> None:
    """Replace people in a photo or video with anime characters that copy their poses.

    Args:
        source: photo, video, folder of pictures, glob, or keypoints (OpenPose, ComfyUI, MMPose, COCO).
        more: more of them, also URLs and @LIST (a file that lists some), to NAME_CHARACTER in OUTPUT.
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
        mouth: what the mouth follows: face, sound (the video's own), or auto: sound where no face is read.
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
        device: hardware for sticks characters (cuda: onnxruntime-gpu); all others are drawn on the CPU.
        batch: how several files are processed.
    """
    from dance_now.batch.batch_sources import clip_or_alone
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
        mouth=mouth,
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
    alone = clip_or_alone([source, *more], options.sequence)
    if alone is None or batch.is_given:
        _dance_many([source, *more], character, output, options, batch)
        return
    from dance_now.app.dance import dance as dance_one

    with ProgressBars() as bars:
        target = None if output is None else Path(output)
        result = dance_one(alone, character, target, options=options, progress=bars.update)
    report(result, to_stdout=output != "-")


def _dance_many(
    sources: list[str], character: str, output: str | None, options: DanceOptions, flags: BatchFlags
) -> None:
    from dance_now.batch.batch_sources import list_sources
    from dance_now.batch.works.dance_work import DanceWork

    folder = folder_for(output)
    work = DanceWork(character, replace(options, overwrite=False))
    listed = list_sources(sources, split_folders=flags.is_given and options.sequence is None)
    run_batch(work, listed, folder, flags.options(options.overwrite))
