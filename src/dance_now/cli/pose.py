"""``dance-now pose``: keypoints as OpenPose JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from dance_now.cli.options import EstimatorName, Flag, Model, Seconds, Source, say
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
    csv: Flag = False,
    bvh: Flag = False,
    estimator: EstimatorName = "mediapipe",
    model: Model = None,
    start: Seconds = None,
    end: Seconds = None,
    sequence: Flag = False,
    overwrite: Flag = False,
) -> None:
    """Write people's keypoints as OpenPose JSON, one file a frame; the same person keeps their person_id.

    Args:
        source: a photo, a video, a folder of pictures, or a glob in quotes.
        output: the folder to write.
        overlay: also draw the skeletons and their numbers over the photo or video.
        csv: also write a table, a row for each person in each frame.
        bvh: also write each person's motion, to be opened in Blender and the like.
        estimator: what finds the poses; rtmw is for DWPose too.
        model: the estimator's ONNX file, for those that do not come with one.
        start: where to begin in a video.
        end: where to end in a video.
        sequence: the pictures of a folder or glob are the frames of one clip, whatever their names and sizes.
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
    seen = f"{result.frames - result.missed} with a person"
    if result.people > 1:
        seen += f", {result.people} people in all"
    say(f"{result.folder}: {result.frames} files, {seen}")
    if result.overlay is not None:
        say(str(result.overlay))
    if result.skipped:
        say(f"{result.skipped} broken frames of the source were left out (--verbose says which)")
