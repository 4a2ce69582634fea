"""Training of a character file from any source: data set, stages of the generator, export."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dance_now.character.character import builtin_files
from dance_now.character.character_file import SUFFIX, is_character_name
from dance_now.core.atomic_write import check_target, remove_dead_parts, replace_file
from dance_now.core.errors import DanceNowError
from dance_now.core.file_lock import FileLock
from dance_now.picture_rig.rig_picture import DEFAULT_RIG, RigOptions
from dance_now.render.avatar.avatar_options import DEFAULT_OPTIONS, AvatarOptions
from dance_now.training.character_card import SOURCE_RIGHTS, Report, Rights, dataset_card
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.metrics.evaluation import check_size
from dance_now.training.metrics.scores import Evaluation
from dance_now.training.sources.picture_avatar import is_picture, picture_avatar
from dance_now.training.sources.training_source import DATASET, FRAMES, Kind, TrainingSource
from dance_now.training.sticks.sticks_config import SticksConfig
from dance_now.training.surface.surface_training import TEST_SET, train_surface
from dance_now.training.train_config import TrainingConfig

if TYPE_CHECKING:
    from dance_now.training.training_run import Run

Template = Literal["surface", "points", "sticks"]
Stage = Literal["heads", "body", "fake-heads", "head", "export", "all"]
HEAD_STAGES: tuple[Stage, ...] = ("heads", "fake-heads", "head")  # the points generator has none of them


def train(
    source: Path,
    output: Path,
    config: TrainingConfig,
    *,
    motions: Path | None = None,
    rights: Rights = SOURCE_RIGHTS,
    options: AvatarOptions = DEFAULT_OPTIONS,
    template: Template | None = None,
    sticks: SticksConfig | None = None,
    stage: Stage = "all",
    start: str | None = None,
    rig: RigOptions = DEFAULT_RIG,
    report: Report,
) -> Evaluation | None:
    """Trains a character and exports its file; an interrupted run is resumed.

    A folder NAME.run beside ``output`` holds the source's fingerprint, the data set unless the source is one,
    the configuration, and the output of each stage.

    Args:
        source: an avatar (.vrm, .glb), a picture of one figure, of which an avatar is made, a folder made by
            ``dance-now render``, a folder of images with OpenPose labels (train_img, train_label), or a video
            of a person.
        output: the character file, NAME.dance.
        config: of the training.
        motions: a file or folder of motions for an avatar's data set, instead of the motion library.
        rights: licence and credits, which override those of the source.
        options: loading options of an avatar.
        template: what draws the character: ``surface`` (an avatar's own surface; nothing is learned, and
            torch is not needed), ``points`` (a network of points) or ``sticks`` (the original's networks); by
            default a surface of an avatar, and points of everything else.
        sticks: sizes of the networks of ``sticks``.
        stage: a single stage, on the output of those before it; those of HEAD_STAGES are for sticks.
        start: a points character of the same body, by name or path, whose network is trained further instead
            of a new one.
        rig: mask and joints of a picture, by hand.
        report: called with the stage's name, steps done, steps in all, and a note.

    Returns:
        The character's evaluation, or None from a stage that exports nothing.

    Raises:
        DanceNowError: unusable source or output, or a run that was begun with something else.
    """
    name = _character_name(output)
    run = output.with_name(f"{output.stem}.run")
    if is_picture(source):
        source = picture_avatar(source, run, name, rights, rig, report)
    training_source = TrainingSource.of(source, motions, options)
    training_source.check_rights(rights)
    template = template or ("surface" if training_source.kind is Kind.AVATAR else "points")
    if template == "surface" and training_source.kind is not Kind.AVATAR:
        raise DanceNowError(
            f"template must be points or sticks for {source}: only an avatar has a surface.",
            option="template",
        )
    if start is not None and template != "points":
        raise DanceNowError(
            f"from goes with points, not {template}: "
            + ("a surface learns nothing" if template == "surface" else "sticks are trained anew")
            + "; set template to points, or leave it out.",
            option="from",
        )
    if not run.exists():
        check_target(output, frozenset(), overwrite=True)
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DanceNowError(f"{run} cannot be created: {error.strerror or error}.") from error
    with _locked(run):
        fingerprint = training_source.fingerprint(config)
        if template == "surface":
            del fingerprint["images"]
            fingerprint["template"] = template
            _record_source(run, fingerprint)
            return train_surface(
                source,
                output,
                run,
                motions=motions,
                rights=rights,
                options=options,
                seed=config.seed,
                report=report,
            )
        return _train_network(
            training_source,
            output,
            run,
            config,
            name,
            rights,
            fingerprint,
            sticks if template == "sticks" else None,
            stage,
            start,
            report,
        )


@contextmanager
def _locked(run: Path) -> Iterator[None]:
    """Keeps other processes out of a run's folder, and removes what dead ones left in it.

    Of the workers of torchrun, the first does that for all.
    """
    if os.environ.get("RANK", "0") != "0":
        yield
        return
    try:
        lock = FileLock(run)
        try:
            remove_dead_parts(run)
            yield
        finally:
            lock.release()
    except OSError as error:
        raise DanceNowError(f"{run} could not be written: {error.strerror or error}.") from error


def _train_network(
    source: TrainingSource,
    output: Path,
    run: Path,
    config: TrainingConfig,
    name: str,
    rights: Rights,
    fingerprint: dict[str, Any],
    sticks: SticksConfig | None,
    stage: Stage,
    start: str | None,
    report: Report,
) -> Evaluation | None:
    """Prepares the data set and runs the stages of a network; needs torch."""
    from dance_now.training.distributed import join_workers
    from dance_now.training.training_run import Run

    if sticks is not None:
        fingerprint["sticks"] = asdict(sticks)
    if start is not None:
        fingerprint["from_sha256"] = _file_hash(builtin_files().get(start, Path(start)))
    with join_workers() as worker:
        report = report if worker.is_first else _silent_report
        worker.run_first(lambda: _record_source(run, fingerprint))
        worker.run_first(lambda: _prepare_dataset(source, run, config, rights, report))
        dataset = source.dataset(run, config, rights, report)
        card = dataset_card(dataset, name, rights)
        if start is not None:
            begun = {"from_sha256": fingerprint["from_sha256"]}
            card = replace(card, provenance={**card.provenance, **begun})
        check_size(LabelledPictures(dataset, "test"))  # fails now, not after training
        small_heads = source.kind is Kind.LAYOUT
        whole = Run(run, dataset, output, card, config, report, worker, small_heads, start)
        return _run_stages(whole, sticks, stage)


def _run_stages(run: Run, sticks: SticksConfig | None, stage: Stage) -> Evaluation | None:
    from dance_now.training.points_stages import PointsStages
    from dance_now.training.sticks.sticks_stages import SticksStages

    steps = PointsStages(run) if sticks is None else SticksStages(run, sticks)
    if stage in ("body", "all"):
        config = steps.config if isinstance(steps, PointsStages) else run.config
        text = json.dumps(config.to_json(), indent=1)
        run.worker.run_first(lambda: _write(run.folder / "config.json", text))
    if isinstance(steps, SticksStages):
        named = {"heads": steps.heads, "body": steps.body, "fake-heads": steps.fake_heads, "head": steps.head}
    else:
        named = {"body": steps.body}
    for each, work in named.items():
        if stage in (each, "all"):
            work()
    return steps.export() if stage in ("export", "all") and run.worker.is_first else None


def _prepare_dataset(
    source: TrainingSource, run: Path, config: TrainingConfig, rights: Rights, report: Report
) -> None:
    source.dataset(run, config, rights, report)


def _record_source(run: Path, fingerprint: dict[str, Any]) -> None:
    """Records a run's source, and rejects a run that was begun with another."""
    note, text = run / "source.json", json.dumps(fingerprint, indent=1)
    begun = any(
        (run / name).exists() for name in (FRAMES, DATASET, TEST_SET, "checkpoint.pt", "body", "real_heads")
    )
    if begun and note.exists() and note.read_text() != text:
        raise DanceNowError(
            f"{run} was begun with another avatar or data set, other motions, hidden parts or bones, "
            "another number of images, another generator or start; use the same, choose another output, or "
            "delete it."
        )
    _write(note, text)


def _file_hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DanceNowError(f"{path} cannot be read: {error.strerror or error}.", option="from") from error


def _silent_report(stage: str, done: int, total: int, remark: str) -> None:
    """Report callback of all workers but the first."""


def _write(path: Path, text: str) -> None:
    try:
        replace_file(path, text.encode())
    except OSError as error:
        raise DanceNowError(f"{path} cannot be written: {error.strerror or error}.") from error


def _character_name(output: Path) -> str:
    if output.suffix != SUFFIX:
        raise DanceNowError(f"The output must be called NAME{SUFFIX}, not {output.name}.")
    if not is_character_name(output.stem):
        raise DanceNowError(
            f"A character's name may contain lower-case letters, digits, - and _ only, not {output.stem!r}."
        )
    return output.stem
