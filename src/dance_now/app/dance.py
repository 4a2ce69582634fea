"""Replaces people by characters in a whole photo, video or folder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Unpack

from dance_now.app.analysis import Progress
from dance_now.app.character_loading import CharacterLike
from dance_now.app.dance_options import DEFAULT_CHARACTER, DanceKeywords, DanceOptions
from dance_now.app.dance_output import open_output
from dance_now.app.dance_pipeline import DancePipeline
from dance_now.app.dance_source import open_dance_source
from dance_now.app.network_cache import NetworkCache
from dance_now.core.argument_checks import check_methods, check_type
from dance_now.core.errors import DanceNowError


@dataclass(frozen=True)
class DanceResult:
    """Result of ``dance``.

    Attributes:
        output: the file or folder written.
        frames: frames written.
        skipped: damaged frames of the source, left out.
        missed: frames in which no person was found.
        seconds: from the analysis pass to the last frame.
        stages: wall-clock milliseconds per frame by stage; stages run side by side.
        processor: CPU milliseconds per frame by stage.
        preview: the contact sheet, where one was asked for.
        left_out: people in a frame beyond the most that are replaced at once.
    """

    output: Path
    frames: int
    skipped: int
    missed: int
    seconds: float
    stages: dict[str, float]
    processor: dict[str, float]
    preview: Path | None = None
    left_out: int = 0


def dance(
    source: str | Path | Sequence[Path],
    character: CharacterLike | Sequence[CharacterLike] = DEFAULT_CHARACTER,
    output: str | Path | None = None,
    *,
    options: DanceOptions | None = None,
    progress: Progress | None = None,
    **named: Unpack[DanceKeywords],
) -> DanceResult:
    """Replaces people in a photo, video or folder of pictures with characters that copy their poses.

    Args:
        source: photo, video, folder, glob or list of images; or keypoints (OpenPose, ComfyUI, MMPose, COCO or
            AlphaPose), a file or a folder with one file per frame.
        character: a built-in character's name, the path of a character file, or a loaded character; of
            several, in a list or with commas between, each person gets one in turn.
        output: the file or folder to write; its extension decides the format. Default: the source's name with
            the characters' appended, in the working folder.
        options: all other options.
        progress: called with the stage's name, frames done, and frames in all (None: unknown).
        **named: single options by name, as ``scene="green"``; see ``DanceOptions`` for all. They go before
            those of ``options``.

    Raises:
        DanceNowError: an unusable source, option, character or output, or no person in any frame.
        TypeError: an argument of a wrong type, or an unknown one.

    Example:
        >>> dance("me.mp4", "tempo", "out.mp4", scene="green").frames  # doctest: +SKIP
        100
    """
    chosen = _merged(options, named)
    if progress is not None:
        check_methods("progress", progress, ("__call__",), "a function")
    return dance_with(NetworkCache(), source, character, output, chosen, progress)


def dance_with(
    networks: NetworkCache,
    source: str | Path | Sequence[Path],
    character: CharacterLike | Sequence[CharacterLike],
    output: str | Path | None,
    options: DanceOptions,
    progress: Progress | None = None,
) -> DanceResult:
    """Does what ``dance`` does, with networks that stay loaded for the next file.

    Args:
        networks: loaded before, or now.
        source: as for ``dance``, like all that follows.
        character: one or several.
        output: file or folder to write; None: the default.
        options: all other options.
        progress: called with the stage's name, frames done, and frames in all (None: unknown).

    Raises:
        DanceNowError: as ``dance``.
        TypeError: as ``dance``.
    """
    with (
        open_dance_source(source, options) as opened,
        DancePipeline(opened, character, options, networks) as pipeline,
    ):
        begun = time.perf_counter()
        missed = 0
        with (
            open_output(output, opened, pipeline.character_names, options) as target,
            closing(pipeline.frames(progress or _no_progress)) as frames,
        ):
            for frame in frames:
                missed += not frame.parts
                with pipeline.profiler.stage("write"):
                    target.write(frame)
                if progress is not None:
                    progress("dance", target.sink.written, opened.pictures.frame_count)
            if target.sink.written == 0:
                raise DanceNowError(f"No picture of {opened.given} could be read.")
            if missed == target.sink.written:
                raise DanceNowError(pipeline.nobody_found(missed))
        seconds = time.perf_counter() - begun
        return DanceResult(
            target.path,
            target.sink.written,
            opened.pictures.skipped,
            missed,
            seconds,
            _per_frame(pipeline.profiler.seconds, target.sink.written),
            _per_frame(pipeline.profiler.processor_seconds, target.sink.written),
            target.preview,
            pipeline.left_out,
        )


def _merged(options: DanceOptions | None, named: DanceKeywords) -> DanceOptions:
    """The options, with those given by name in place of their own; checked."""
    if options is None:
        return DanceOptions(**named)
    check_type("options", options, DanceOptions, "DanceOptions")
    return replace(options, **named)


def _no_progress(stage: str, done: int, total: int | None) -> None:
    """Progress that nobody watches."""


def _per_frame(seconds: dict[str, float], frames: int) -> dict[str, float]:
    """Milliseconds per frame."""
    return {name: 1000 * spent / frames for name, spent in seconds.items()}
