"""The poses of a photo or video as files: OpenPose JSON, and the skeleton drawn over the picture.

Source: OpenPose output documentation (``--write_json``: one file a frame, NAME_000000000012_keypoints.json).
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dance_now.errors import DanceNowError
from dance_now.media.opening import open_sink, open_source
from dance_now.media.partial import check_target, discard
from dance_now.media.sink import Sink
from dance_now.media.source import Source
from dance_now.pose.drawing import draw_pose
from dance_now.pose.estimator import PoseEstimator
from dance_now.pose.opening import open_estimator
from dance_now.pose.pose import Pose

OPENPOSE_VERSION: Final = 1.3
_OVERLAY_EXTENSIONS: Final = {"photo": ".png", "video": ".mp4", "folder": ""}

Progress = Callable[[str, int, int | None], None]


@dataclass(frozen=True)
class PoseFiles:
    """What ``write_poses`` wrote.

    Attributes:
        folder: where the files are.
        overlay: the picture, video or folder with the skeleton drawn in, where one was asked for.
        frames: files written.
        missed: frames without a person; their files hold an empty list of people.
        skipped: broken frames of the source, left out.
    """

    folder: Path
    overlay: Path | None
    frames: int
    missed: int
    skipped: int


def write_poses(
    source: str | Path,
    folder: str | Path | None = None,
    *,
    overlay: bool = False,
    start: float | None = None,
    end: float | None = None,
    overwrite: bool = False,
    estimator: PoseEstimator | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> PoseFiles:
    """Estimates the poses of a photo, video, folder or glob and writes one OpenPose JSON file a frame.

    Nothing appears in ``folder`` before everything is written.

    Args:
        source: what to read.
        folder: where to write; NAME_pose in the working folder by default.
        overlay: also write NAME_pose.png or NAME_pose.mp4 (for a folder: a folder).
        start: seconds into a video.
        end: seconds into a video.
        overwrite: write into a folder that is not empty; only files of the same names are replaced.
        estimator: finds the person; the one of the base install by default.
        progress: called with the stage's name, frames done and frames in all (None: unknown).

    Raises:
        DanceNowError: unusable source or folder.
    """
    with open_source(source, start, end) as opened:
        target = Path(folder) if folder is not None else Path(f"{opened.name}_pose")
        if target.is_file():
            raise DanceNowError(f"{target} is a file. Choose a folder with -o.")
        check_target(target, opened.files, overwrite)
        part = target.with_name(f".{target.name}.part")
        discard(part)
        try:
            part.mkdir()
            result = _write(opened, part, overlay, estimator or open_estimator(), progress)
            _move_into(part, target)
        except OSError as error:
            raise DanceNowError(f"{target} could not be written: {error.strerror or error}.") from error
        finally:
            discard(part)
    frames, missed, drawn = result
    return PoseFiles(
        target, target / drawn.name if drawn is not None else None, frames, missed, opened.skipped
    )


def openpose_json(pose: Pose | None) -> str:
    """The text of an OpenPose JSON file with one person, or with none."""
    people = [] if pose is None else [pose.to_openpose()]
    return json.dumps({"version": OPENPOSE_VERSION, "people": people})


def _write(
    source: Source, folder: Path, overlay: bool, estimate: PoseEstimator, progress: Progress
) -> tuple[int, int, Path | None]:
    """Writes all files; returns how many, how many without a person, and the overlay's path."""
    frames = missed = 0
    with ExitStack() as stack:
        sink: Sink | None = None
        if overlay:
            path = folder / f"{source.name}_pose{_OVERLAY_EXTENSIONS[source.kind]}"
            sink = stack.enter_context(open_sink(path, source, alpha=False))
        for frame in source.frames():
            detection = estimate(frame.image)
            pose = None if detection is None else detection.pose
            number = "" if source.kind == "photo" else f"_{frame.index:012d}"
            (folder / f"{source.name}{number}_keypoints.json").write_text(openpose_json(pose))
            if sink is not None:
                sink.write(frame.image if pose is None else draw_pose(frame.image, pose), frame.time)
            frames += 1
            missed += pose is None
            progress("poses", frames, source.frame_count)
    return frames, missed, sink.path if sink is not None else None


def _move_into(part: Path, target: Path) -> None:
    """Moves the finished files; whatever else is in the folder stays."""
    if not target.exists():
        os.replace(part, target)
        return
    for path in part.iterdir():
        if (target / path.name).is_dir():
            shutil.rmtree(target / path.name)
        os.replace(path, target / path.name)
