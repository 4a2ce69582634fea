"""``dance-now pose``: pose estimation to OpenPose, COCO-WholeBody or ComfyUI JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from dance_now.cli.options import EstimatorName, Flag, Model, Seconds, Source, say
from dance_now.cli.progress import ProgressBars, frame_count
from dance_now.pose.formats.keypoint_writers import PoseFormat

_Output = Annotated[
    Path | None,
    tyro.conf.arg(aliases=["-o"], metavar="DIR", help_behavior_hint="(default: SOURCE_pose)"),
]


def pose(
    source: Source,
    /,
    output: _Output = None,
    *,
    format: PoseFormat = "openpose",
    overlay: Flag = False,
    csv: Flag = False,
    bvh: Flag = False,
    estimator: EstimatorName = "mediapipe",
    model: Model = None,
    start: Seconds = None,
    end: Seconds = None,
    sequence: Flag = False,
    overwrite: Flag = False,
) -> None:
    """Estimate poses and write them as JSON, by default OpenPose's, with a stable ID per person.

    Args:
        source: photo, video, folder of pictures, or glob in quotes.
        output: folder to write.
        format: openpose writes a file per frame, coco-wholebody and comfyui (also for sd-webui) one.
        overlay: also draw skeletons and person IDs over the photo or video.
        csv: also write a CSV table, one row per person and frame.
        bvh: also write each person's motion as BVH, for Blender and other 3D software.
        estimator: pose estimator: mediapipe, rtmw (also runs DWPose), or a name of a plug-in.
        model: ONNX file of an estimator that comes without one. It is a program: only use trusted files.
        start: start of the cut in a video.
        end: end of the cut in a video.
        sequence: pictures of a folder or glob are frames of one clip, whatever their names and sizes.
        overwrite: write into a folder that is not empty.
    """
    from dance_now.app.pose_export import write_poses

    chosen = None
    if (estimator, model) != ("mediapipe", None):
        from dance_now.pose.estimators.estimator_registry import open_estimator
        from dance_now.pose.tracking.tracker import MAX_PEOPLE

        chosen = open_estimator(max_people=MAX_PEOPLE, name=estimator, model=model)
    with ProgressBars() as bars:
        result = write_poses(
            source,
            output,
            format=format,
            overlay=overlay,
            csv=csv,
            bvh=bvh,
            start=start,
            end=end,
            sequence=sequence or None,
            overwrite=overwrite,
            estimator=chosen,
            progress=bars.update,
        )
    if result.missed:
        say(f"no person found in {result.missed} of {frame_count(result.frames)}")
    if result.skipped:
        say(f"skipped {frame_count(result.skipped, 'damaged ')} (--verbose lists them)")
    if result.overlay is not None:
        say(f"{result.overlay}: overlay")
    people = f"{result.people} {'person' if result.people == 1 else 'people'}"
    say(f"{result.folder}: {frame_count(result.frames)}, {people}")
