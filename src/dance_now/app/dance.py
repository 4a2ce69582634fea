"""Dances a whole photo, video or folder: opens it, analyzes it, draws and writes every frame."""

from __future__ import annotations

import os
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dance_now.app.analysis import Progress, analyze
from dance_now.app.compositor import IN_PLACE
from dance_now.app.dance_source import open_pictures
from dance_now.app.dancer import ComposedFrame, Dancer
from dance_now.app.sessions import CharacterAssignment, LiveSession, RecordedSession, Session
from dance_now.character.character import Character, Device
from dance_now.core.atomic_write import is_same_file, make_folder
from dance_now.core.errors import DanceNowError
from dance_now.core.pipeline import ParallelStage, run_pipeline
from dance_now.core.profiler import Profiler
from dance_now.media.blank_source import BlankSource
from dance_now.media.contact_sheet import ContactSheet
from dance_now.media.frame import Frame
from dance_now.media.open_media import open_sink
from dance_now.media.raw_sink import STANDARD_OUTPUT
from dance_now.media.sink import Sink
from dance_now.media.source import Source
from dance_now.pose.estimators.estimator_registry import open_estimator
from dance_now.pose.estimators.people_finder import PeopleFinder
from dance_now.pose.formats.openpose_files import OpenPoseFiles
from dance_now.pose.model.detection import PoseEstimator
from dance_now.pose.tracking.person_choice import PersonChoice
from dance_now.scene.background.backdrop import Backdrop, open_backdrop
from dance_now.scene.background.clean_background import CleanBackground
from dance_now.scene.compositing.composition import Scene

_DRAWN_AT_ONCE: Final = 2  # frames: their networks get one thread each where there are two cores
_QUALITIES: Final = ("fast", "best")
_KEPT_SUFFIXES: Final = {
    "photo": (".jpg", ".jpeg", ".webp"),
    "photos": (),
    "video": (".webm", ".gif", ".webp"),
    "folder": (),
}


@dataclass(frozen=True)
class DanceResult:
    """What ``dance`` did.

    Attributes:
        output: the file or folder written.
        frames: pictures written.
        skipped: broken pictures of the source, left out.
        missed: pictures in which nobody was found.
        seconds: from the first look at the source to the last picture.
        stages: milliseconds a frame by stage; stages work side by side.
        processor: milliseconds of the processor a frame by stage.
        preview: the sheet of moments of the output, where one was asked for.
    """

    output: Path
    frames: int
    skipped: int
    missed: int
    seconds: float
    stages: dict[str, float]
    processor: dict[str, float]
    preview: Path | None = None


def dance(
    source: str | Path,
    character: str | Path | Character | Sequence[str | Path | Character] = "godette",
    output: str | Path | None = None,
    *,
    scene: Scene | str | None = None,
    person: str | None = None,
    background: str | Path | None = None,
    match: float = 0.5,
    height: str | float = "person",
    quality: str = "fast",
    keep_objects: bool = False,
    poses: str | Path | None = None,
    size: tuple[int, int] | None = None,
    frame_rate: float | None = None,
    start: float | None = None,
    end: float | None = None,
    keypoint_scale: str | None = None,
    sequence: bool | None = None,
    overwrite: bool = False,
    preview: bool = False,
    device: Device = "auto",
    estimator: PoseEstimator | str = "mediapipe",
    model: str | Path | None = None,
    progress: Progress | None = None,
) -> DanceResult:
    """Replaces people in a photo, video or folder of pictures by characters.

    Args:
        source: photo, video, folder or glob; or OpenPose JSON, a file or a folder with one a frame.
        character: name of one of the cast, path of a character file, or a loaded character. Of several, in
            a list or with commas between, each person gets one in turn.
        output: where to; its extension says what is written. By default the source's name with the
            characters' appended, in the working folder.
        scene: ``replace``, ``alone``, ``green``, ``alpha`` or ``side-by-side`` (source and replaced); by
            default ``replace``, and ``alone`` for keypoints, which have no picture.
        person: who is replaced: ``largest``, ``all``, ``left``, or a number; by default the largest, or all
            if there are several characters.
        background: what is shown behind the characters instead of the scene: a photo, a video or a folder, a
            color (its name or ``#rrggbb``), or ``blur``.
        match: how far the characters' colors follow the scene's light, 0 to 1.
        height: of the characters: ``person`` (each as tall as the person), ``own`` (as tall as it is beside
            people), or a factor of the person's height.
        quality: ``fast``, or ``best`` for finer faces, the source's grain and blur, and in photos a better
            background and finer hair.
        keep_objects: what people hold stays in the picture; by default it goes with them.
        poses: OpenPose JSON of the people in the source, instead of estimating them: frame i takes file i.
        size: (width, height) in pixels for keypoints without a picture; by default a common video size
            that holds them, 1280x720 first.
        frame_rate: pictures a second of a folder of pictures or keypoints; 30 by default.
        start: seconds into a video.
        end: seconds into a video.
        keypoint_scale: what coordinates of keypoints count: ``pixels``, ``unit`` (0 to 1 across the picture)
            or ``signed`` (-1 to 1); by default what they look like.
        sequence: whether the pictures of a folder or glob are the frames of a clip; by default they are if
            they have one size and one name with a number that counts up. Else each is a photo of its own.
        overwrite: replace an existing output.
        preview: also write a sheet of moments of the output, ``OUTPUT_preview.jpg``.
        device: where the characters are drawn.
        estimator: finds the people; the name of one, or itself.
        model: the file of an estimator's network, for those that do not come with one.
        progress: called with a stage's name, pictures done, and pictures in all where known.

    Raises:
        DanceNowError: unusable source, keypoints, character or output, or nobody in any picture.
    """
    tell = progress or (lambda stage, done, total: None)
    best = _checked(match, quality)
    with ExitStack() as stack:
        opened, keypoints = open_pictures(
            source, poses, size, frame_rate, start, end, keypoint_scale, sequence
        )
        stack.enter_context(opened)
        chosen = _scene(scene, opened, background)
        wanted = _wanted(character)
        choose = PersonChoice(person or ("all" if len(wanted) > 1 else "largest"))
        find = _finder(estimator, model, keypoints, chosen, choose, opened.kind == "photo")
        with ThreadPoolExecutor(1) as beside:
            opening = beside.submit(find.open)
            actors = _loaded(wanted, device, opened.kind == "photo")
            opening.result()
        cast = CharacterAssignment(actors, str(height))
        target = _target(output, default_output(opened, _names(actors), chosen), opened, stack)
        backdrop = None if background is None else stack.enter_context(_backdrop(background, target))
        sheet = ContactSheet(target, opened, overwrite) if preview else None
        watch = Profiler()
        begun = time.perf_counter()
        with open_sink(target, opened, alpha=chosen is Scene.ALPHA, overwrite=overwrite) as sink:
            session, clean = _prepared(opened, find, choose, cast, chosen, tell, watch)
            dancer = Dancer(
                actors,
                scene=chosen,
                background=clean,
                backdrop=backdrop,
                match=match,
                best=best,
                keep_objects=keep_objects,
                smooth=opened.is_clip,
                session=session,
                profiler=watch,
            )
            missed = _dance_through(opened, dancer, sink, sheet, tell)
            if sink.written == 0:
                raise DanceNowError(f"No picture of {source} could be read.")
            if missed == sink.written:
                raise DanceNowError(f"No person was found in {source}.")
        seconds = time.perf_counter() - begun
        shown = None if sheet is None else sheet.write()
        each = 1000 / sink.written
        stages = {name: each * spent for name, spent in watch.seconds.items()}
        processor = {name: each * spent for name, spent in watch.processor_seconds.items()}
        return DanceResult(target, sink.written, opened.skipped, missed, seconds, stages, processor, shown)


def default_output(source: Source, character: str, scene: Scene) -> Path:
    """NAME_CHARACTER in the working folder, with an extension that can hold the scene."""
    suffix = {"photo": ".png", "photos": "", "video": ".mp4", "folder": ""}[source.kind]
    if scene is Scene.ALPHA and source.kind == "video":
        suffix = ".mov"
    if scene is not Scene.ALPHA and source.path.suffix.lower() in _KEPT_SUFFIXES[source.kind]:
        suffix = source.path.suffix.lower()
    return Path(f"{source.name}_{character}{suffix}")


def _prepared(
    source: Source,
    find: PeopleFinder,
    choose: PersonChoice,
    cast: CharacterAssignment,
    scene: Scene,
    tell: Progress,
    watch: Profiler,
) -> tuple[Session, CleanBackground | None]:
    """What is danced and what lies behind: read off a photo as it comes, off all else in a first pass."""
    if not source.is_clip:
        return LiveSession(find, choose, cast, smooth=False), None
    analysis = analyze(source, find, tell, background=scene in IN_PLACE, profiler=watch)
    with ThreadPoolExecutor(1) as beside:
        clean = None if analysis.background is None else beside.submit(analysis.background.finish)
        with watch.stage("retarget"):
            session = RecordedSession(analysis, choose, cast, source.size)
        with watch.stage("analysis"):
            return session, None if clean is None else clean.result()


def _dance_through(
    source: Source, dancer: Dancer, sink: Sink, sheet: ContactSheet | None, tell: Progress
) -> int:
    """Draws and writes every frame; returns in how many of them nobody was found."""
    missed = 0
    watch = dancer.profiler
    frames = watch.iterate("read", source.frames())
    with closing(
        run_pipeline(frames, dancer.find, ParallelStage(dancer.pose, _DRAWN_AT_ONCE), dancer.compose)
        if source.is_clip
        else _single(dancer, frames)
    ) as pictures:
        for drawn in pictures:
            missed += not drawn.parts
            with watch.stage("write"):
                sink.write(drawn.image, drawn.time, drawn.name)
                if sheet is not None:
                    sheet.add(drawn.image)
            tell("dance", sink.written, source.frame_count)
    return missed


def _single(dancer: Dancer, photos: Iterator[Frame]) -> Generator[ComposedFrame]:
    """Dances photos that have nothing to do with each other."""
    for photo in photos:
        dancer.reset()
        yield dancer(photo)


def _target(output: str | Path | None, default: Path, source: Source, stack: ExitStack) -> Path:
    """The output's path; a photo that goes into a folder gets its default name there."""
    if output is None:
        return default
    target = Path(output).expanduser()
    folder = target.is_dir() or not target.suffix or str(output).endswith(("/", "\\"))
    if source.kind != "photo" or target == STANDARD_OUTPUT or not folder:
        return Path(output)
    if not target.exists():
        make_folder(target)
        stack.callback(_remove_if_empty, target)
    return target / default.with_suffix(".png").name


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):
        folder.rmdir()


def _wanted(
    character: str | Path | Character | Sequence[str | Path | Character],
) -> Sequence[str | Path | Character]:
    if isinstance(character, str):
        return character.split(",")
    return character if isinstance(character, Sequence) else [character]


def _loaded(wanted: Sequence[str | Path | Character], device: Device, photo: bool) -> list[Character]:
    threads = 0 if photo else _half_the_cores()
    return [
        Character.load(each, device, threads, optimize=not photo) if isinstance(each, str | Path) else each
        for each in wanted
    ]


def _names(characters: Sequence[Character]) -> str:
    return "_".join(dict.fromkeys(character.name for character in characters))


def _checked(match: float, quality: str) -> bool:
    """Whether the best is asked for."""
    if not 0 <= match <= 1:
        raise DanceNowError(f"--match must lie between 0 and 1, not {match:g}.")
    if quality not in _QUALITIES:
        raise DanceNowError(f"There is no quality {quality!r}; known: {', '.join(_QUALITIES)}.")
    return quality == "best"


def _finder(
    estimator: PoseEstimator | str,
    model: str | Path | None,
    keypoints: OpenPoseFiles | None,
    scene: Scene,
    choose: PersonChoice,
    photo: bool,
) -> PeopleFinder:
    """Finds people; the estimator of the base install is opened only when it is needed."""
    threads = 2 if photo else min(2, _half_the_cores())  # else two steps work at the same time
    chosen = None if isinstance(estimator, str) else estimator
    if isinstance(estimator, str) and (estimator, model) != ("mediapipe", None):
        path = None if model is None else Path(model)
        chosen = open_estimator(max_people=choose.max_people, name=estimator, model=path)
    find = PeopleFinder(chosen, keypoints, scene in IN_PLACE, choose.max_people, threads)
    find.reset()
    return find


def _backdrop(background: str | Path, target: Path) -> closing[Backdrop]:
    if is_same_file(Path(background), target):
        raise DanceNowError(f"the output {target} is the background itself. Choose another name with -o.")
    return closing(open_backdrop(str(background)))


def _scene(scene: Scene | str | None, source: Source, background: str | Path | None) -> Scene:
    """The scene asked for, if it is one and fits the source."""
    if scene is None:
        return Scene.ALONE if isinstance(source, BlankSource) else Scene.REPLACE
    try:
        chosen = Scene(scene)
    except ValueError as error:
        known = ", ".join(each.value for each in Scene)
        raise DanceNowError(f"There is no scene {scene!r}; known: {known}.") from error
    if chosen in IN_PLACE and isinstance(source, BlankSource):
        raise DanceNowError(
            "Keypoints alone have no picture in which somebody could be replaced: give the photo or video as "
            "the source and the keypoints with --poses, or use --scene alone, green or alpha."
        )
    if background is not None and chosen not in IN_PLACE:
        raise DanceNowError(
            f"--background goes with a picture that is kept, not with --scene {chosen.value}."
        )
    return chosen


def _half_the_cores() -> int:
    return max(1, (os.cpu_count() or 1) // 2)
