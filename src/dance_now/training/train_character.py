"""From a source to a character file: a data set, the stages of its generator, the export."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from dance_now.character.character_file import SUFFIX, is_character_name
from dance_now.core.atomic_write import check_target
from dance_now.core.errors import DanceNowError
from dance_now.render.avatar.avatar_options import AS_IT_IS, AvatarOptions
from dance_now.training.character_export import AS_THE_SOURCE_SAYS, Report, Rights, dataset_card
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.distributed import workers
from dance_now.training.metrics.evaluation import check_size
from dance_now.training.metrics.scores import Evaluation
from dance_now.training.points_stages import PointsStages
from dance_now.training.sources.training_source import DATASET, FRAMES, Kind, TrainingSource
from dance_now.training.sticks.sticks_config import SticksConfig
from dance_now.training.sticks.sticks_stages import SticksStages
from dance_now.training.train_config import TrainingConfig
from dance_now.training.training_loop import CHECKPOINT
from dance_now.training.training_run import Run

Stage = Literal["heads", "body", "fake-heads", "head", "export", "all"]
HEAD_STAGES: tuple[Stage, ...] = ("heads", "fake-heads", "head")  # the points generator has none of them


def train(
    source: Path,
    output: Path,
    config: TrainingConfig,
    *,
    motions: Path | None = None,
    rights: Rights = AS_THE_SOURCE_SAYS,
    options: AvatarOptions = AS_IT_IS,
    sticks: SticksConfig | None = None,
    stage: Stage = "all",
    report: Report,
) -> Evaluation | None:
    """Trains a character and writes its file; a run that was interrupted goes on where it was saved.

    Beside ``output`` a folder NAME.run keeps what the run is made from, the data set unless the source is
    one, the configuration, and what each stage leaves for the next.

    Args:
        source: an avatar (.vrm, .glb), a folder made by ``dance-now render``, a folder of pictures with
            OpenPose labels in the original's layout, or a video of somebody.
        output: the character file, NAME.dance.
        config: of the training.
        motions: a file or folder of motions for an avatar's data set, in place of the bank's.
        rights: licence and credit in full, where the source names them too briefly, or not.
        options: how an avatar is to be read.
        sticks: train the original's generator, of these sizes, in place of the points.
        stage: one stage alone, from what those before it have left; those of HEAD_STAGES are for sticks.
        report: called with the stage's name, steps done, steps in all, and a remark.

    Returns:
        The character's score, or None from a stage that exports nothing.

    Raises:
        DanceNowError: unusable source or output, or a run that was begun with something else.
    """
    name = _character_name(output)
    opened = TrainingSource.of(source, motions, options)
    opened.check_rights(rights)
    run = output.with_name(f"{output.stem}.run")
    if not run.exists():
        check_target(output, frozenset(), overwrite=True)
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DanceNowError(f"{run} cannot be made: {error.strerror or error}.") from error
    made_from = opened.made_from(config)
    if sticks is not None:
        made_from["sticks"] = asdict(sticks)
    with workers() as share:
        report = report if share.is_first else _keep_quiet
        share.first(lambda: _claim(run, made_from))
        share.first(lambda: _make(opened, run, config, rights, report))
        dataset = opened.dataset(run, config, rights, report)
        card = dataset_card(dataset, name, rights)
        check_size(LabelledPictures(dataset, "test"))  # what is wrong is told now, not when training is over
        small_heads = opened.kind is Kind.LAYOUT
        whole = Run(run, dataset, output, card, config, report, share, small_heads)
        return _run_stages(whole, sticks, stage)


def _run_stages(run: Run, sticks: SticksConfig | None, stage: Stage) -> Evaluation | None:
    steps = PointsStages(run) if sticks is None else SticksStages(run, sticks)
    if stage in ("body", "all"):
        text = json.dumps(run.config.to_json(), indent=1)
        run.share.first(lambda: _write(run.folder / "config.json", text))
    if isinstance(steps, SticksStages):
        named = {"heads": steps.heads, "body": steps.body, "fake-heads": steps.fake_heads, "head": steps.head}
    else:
        named = {"body": steps.body}
    for each, work in named.items():
        if stage in (each, "all"):
            work()
    return steps.export() if stage in ("export", "all") and run.share.is_first else None


def _make(source: TrainingSource, run: Path, config: TrainingConfig, rights: Rights, report: Report) -> None:
    source.dataset(run, config, rights, report)


def _claim(run: Path, made_from: dict[str, Any]) -> None:
    """Notes what a run is made from, and refuses to go on with one that was made from something else."""
    note, text = run / "source.json", json.dumps(made_from, indent=1)
    begun = any((run / name).exists() for name in (FRAMES, DATASET, CHECKPOINT, "body", "real_heads"))
    if begun and note.exists() and note.read_text() != text:
        raise DanceNowError(
            f"{run} was begun with another avatar or data set, other motions, hidden parts or bones, "
            "another number of images, or another generator; give the same, choose another output, or "
            "delete it."
        )
    _write(note, text)


def _keep_quiet(stage: str, done: int, total: int, remark: str) -> None:
    """The first worker reports for all."""


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text)
    except OSError as error:
        raise DanceNowError(f"{path} cannot be written: {error.strerror or error}.") from error


def _character_name(output: Path) -> str:
    if output.suffix != SUFFIX:
        raise DanceNowError(f"The output should be called NAME{SUFFIX}, not {output.name}.")
    if not is_character_name(output.stem):
        raise DanceNowError(
            f"A character's name has lower-case letters, digits, - and _ only, not {output.stem!r}."
        )
    return output.stem
