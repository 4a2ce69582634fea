"""Pose export: OpenPose, COCO and ComfyUI JSON, CSV tables, BVH motions and overlays of a photo or video.

Source: OpenPose output documentation (``--write_json``: one file a frame, NAME_000000000012_keypoints.json).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from dance_now.app.analysis import Progress
from dance_now.app.motion_sender import MotionSender
from dance_now.core.argument_checks import check_choice, check_path
from dance_now.core.atomic_write import Output, check_target
from dance_now.core.errors import DanceNowError
from dance_now.media.frame import Frame
from dance_now.media.open_media import open_sink, open_source
from dance_now.media.sink import Sink
from dance_now.media.source import Source
from dance_now.pose.estimators.estimator_registry import open_estimator
from dance_now.pose.formats.bvh_writer import bvh_text
from dance_now.pose.formats.keypoint_writers import POSE_FORMATS, WRITERS, KeypointWriter, PoseFormat
from dance_now.pose.formats.pose_overlay import draw_people
from dance_now.pose.formats.pose_table import PoseTable
from dance_now.pose.formats.vmc_sender import VmcSender
from dance_now.pose.formats.vrma_writer import vrma_bytes
from dance_now.pose.model.adult_skeleton import adult_skeleton
from dance_now.pose.model.detection import Person, PoseEstimator
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.retarget.clip_motion import read_clip
from dance_now.pose.retarget.retargeter import Retargeted, Retargeter
from dance_now.pose.tracking.tracker import MAX_PEOPLE

OPENPOSE_VERSION: Final = 1.3
_OVERLAY_EXTENSIONS: Final = {"photo": ".png", "photos": "", "video": ".mp4", "folder": ""}


@dataclass(frozen=True)
class PoseFiles:
    """What ``write_poses`` wrote.

    Attributes:
        folder: the folder written.
        overlay: photo, video or folder with skeletons drawn in, where one was asked for.
        frames: frames written; OpenPose has a file for each.
        missed: frames in which no person was found; they hold an empty list of people.
        people: number of different people.
        skipped: damaged frames of the source, left out.
    """

    folder: Path
    overlay: Path | None
    frames: int
    missed: int
    people: int
    skipped: int


def write_poses(
    source: str | Path,
    folder: str | Path | None = None,
    *,
    format: PoseFormat = "openpose",
    overlay: bool = False,
    csv: bool = False,
    bvh: bool = False,
    vrma: bool = False,
    vmc: str | None = None,
    start: float | None = None,
    end: float | None = None,
    sequence: bool | None = None,
    overwrite: bool = False,
    estimator: PoseEstimator | None = None,
    progress: Progress = lambda stage, done, total: None,
) -> PoseFiles:
    """Estimates the poses of a photo, video, folder or glob and writes them as JSON.

    Everybody in a frame is written; the same person has the same ID in all frames. Nothing appears in
    ``folder`` before everything is written.

    Args:
        source: what to read.
        folder: where to write; NAME_pose in the working folder by default.
        format: ``openpose`` (a file a frame, NAME_000000000012_keypoints.json), ``coco-wholebody``
            (NAME_coco_wholebody.json) or ``comfyui`` (NAME_comfyui.json, also for sd-webui; for single
            photos a file each).
        overlay: also write NAME_pose.png or NAME_pose.mp4 (for a folder: a folder).
        csv: also write NAME_pose.csv, a row for each person in each frame.
        bvh: also write NAME_1.bvh and so on, each person's motion on the body of an average adult, in metres.
            Their poses are kept until the end, 3 kB a person and frame.
        vrma: also write NAME_1.vrma and so on, the same as VRM Animation (glTF), with facial expressions.
        vmc: ``HOST:PORT`` (or a port of this computer) to which the motion of the first person is sent while
            it is read, by the VMC protocol over UDP, not faster than the clip plays.
        start: seconds into a video.
        end: seconds into a video.
        sequence: whether the pictures of a folder or glob are the frames of a clip; by default what they look
            like. In single photos nobody is known from another photo.
        overwrite: write into a folder that is not empty; only files of the same names are replaced.
        estimator: finds the people; the one of the base install by default.
        progress: called with the stage's name, frames done and frames in all (None: unknown).

    Raises:
        DanceNowError: unusable source or folder.
    """
    check_path("source", source)
    check_choice("format", format, POSE_FORMATS)
    if folder is not None:
        check_path("output", folder)
    with open_source(source, start, end, sequence=sequence) as opened:
        for option, asked in (("bvh", bvh), ("vrma", vrma), ("vmc", vmc is not None)):
            if asked and opened.kind == "photos":
                raise DanceNowError(
                    f"{option} needs a clip, not single photos; "
                    "if they are the frames of a clip, set sequence.",
                    option=option,
                )
        target = Path(folder) if folder is not None else Path(f"{opened.name}_pose")
        if target.is_file():
            raise DanceNowError(f"output {target} is a file. Choose a folder.", option="output")
        check_target(target, opened.files, overwrite)
        try:
            with ExitStack() as stack:
                extras = _Extras(format, overlay, csv, bvh, vrma)
                sender = None if vmc is None else MotionSender(stack.enter_context(VmcSender(vmc)), opened)
                output = stack.enter_context(Output(target, is_folder=True))
                estimate = estimator or open_estimator(max_people=MAX_PEOPLE)
                result = _write(opened, output.part, extras, estimate, progress, sender)
                output.merge()
        except OSError as error:
            raise DanceNowError(f"{target} could not be written: {error.strerror or error}.") from error
    drawn = None if result.overlay is None else target / result.overlay.name
    return PoseFiles(target, drawn, result.frames, result.missed, len(result.motions), opened.skipped)


def openpose_json(people: Sequence[Person]) -> str:
    """The text of an OpenPose JSON file; identities become person_id."""
    listed = [person.detection.pose.to_openpose(person.identity) for person in people]
    return json.dumps({"version": OPENPOSE_VERSION, "people": listed})


@dataclass(frozen=True)
class _Extras:
    """What is written."""

    format: PoseFormat
    overlay: bool
    csv: bool
    bvh: bool
    vrma: bool

    @property
    def motions(self) -> bool:
        """Whether the poses of a whole clip are needed."""
        return self.bvh or self.vrma


@dataclass
class _Written:
    """What has been written.

    Attributes:
        overlay: the overlay's path.
        frames, missed: files, and those without people.
        motions: identity -> the poses by frame, none if they are not needed.
        times: seconds, of all frames.
    """

    overlay: Path | None = None
    frames: int = 0
    missed: int = 0
    motions: dict[int, dict[int, Pose]] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)


def _write(
    source: Source,
    folder: Path,
    extras: _Extras,
    estimate: PoseEstimator,
    progress: Progress,
    sender: MotionSender | None,
) -> _Written:
    """Writes all files into an empty folder."""
    written = _Written()
    with ExitStack() as stack:
        sink: Sink | None = None
        table: PoseTable | None = None
        if extras.overlay:
            written.overlay = folder / f"{source.name}_pose{_OVERLAY_EXTENSIONS[source.kind]}"
            sink = stack.enter_context(open_sink(written.overlay, source, alpha=False))
        if extras.csv:
            path = folder / f"{source.name}_pose.csv"
            table = PoseTable(stack.enter_context(path.open("w", newline="", encoding="utf-8")))
        writer = stack.enter_context(_PoseWriter(folder, source, extras.format))
        for frame in source.frames():
            if frame.name:
                estimate.reset()
            people = estimate(frame.image)
            name = frame.name or f"{source.name}_{frame.index:012d}"
            writer.write(name, frame, people)
            if sink is not None:
                sink.write(draw_people(frame.image, people), frame.time, frame.name)
            if table is not None:
                table.write(frame.index, frame.time, people)
            if sender is not None:
                sender.send(frame, people)
            _remember(written, frame, people, extras.motions)
            progress("poses", written.frames, source.frame_count)
    if extras.motions:
        for identity, poses in written.motions.items():
            listed = [poses.get(place) for place in range(written.frames)]
            _write_motion(source, folder / f"{source.name}_{identity}", extras, listed, written.times)
    return written


def _write_motion(
    source: Source, stem: Path, extras: _Extras, poses: Sequence[Pose | None], times: Sequence[float]
) -> None:
    """Writes one person's motion in the formats asked for."""
    skeleton = adult_skeleton()
    motion = _motion(source, skeleton, poses, times)
    if extras.bvh:
        stem.with_name(f"{stem.name}.bvh").write_text(
            bvh_text(skeleton, motion, float(1 / source.frame_rate))
        )
    if extras.vrma:
        stem.with_name(f"{stem.name}.vrma").write_bytes(vrma_bytes(skeleton, motion, times))


class _PoseWriter:
    """Writes the JSON of all frames; use it as a context manager."""

    def __init__(self, folder: Path, source: Source, format: PoseFormat) -> None:
        self._folder = folder
        self._format = format
        self._files = ExitStack()
        self._single: KeypointWriter | None = None
        if format == "coco-wholebody" or (format == "comfyui" and source.kind != "photos"):
            self._single = self._open(source.name)

    def write(self, name: str, frame: Frame, people: Sequence[Person]) -> None:
        """Writes the people of a frame."""
        if self._format == "openpose":
            (self._folder / f"{name}_keypoints.json").write_text(openpose_json(people))
            return
        size = frame.image.shape[1], frame.image.shape[0]
        if self._single is not None:
            self._single.write(people, size, name)
            return
        with WRITERS[self._format](self._folder / f"{name}{WRITERS[self._format].suffix}") as writer:
            writer.write(people, size, name)

    def _open(self, name: str) -> KeypointWriter:
        kind = WRITERS[self._format]
        writer = kind(self._folder / f"{name}{kind.suffix}")
        self._files.enter_context(writer)
        return writer

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._files.close()


def _remember(written: _Written, frame: Frame, people: Sequence[Person], poses: bool) -> None:
    for person in people:
        motion = written.motions.setdefault(person.identity, {})
        if poses:
            motion[written.frames] = person.detection.pose
    written.times.append(frame.time)
    written.frames += 1
    written.missed += not people


def _motion(
    source: Source, skeleton: Skeleton, poses: Sequence[Pose | None], times: Sequence[float]
) -> list[Retargeted | None]:
    """One person's motion on the body of an average adult."""
    still = source.kind == "photo"
    retarget = Retargeter(skeleton, smooth=not still)
    if still:
        return [None if pose is None else retarget(pose, 0.0, size=source.size) for pose in poses]
    readings = read_clip(retarget, poses, times, source.size)
    return [None if reading is None else retarget.build(reading) for reading in readings]
