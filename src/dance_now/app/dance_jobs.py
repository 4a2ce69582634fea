"""Several sources of ``dance``: one job each, all into one folder under their own names."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from dance_now.app import dance as single
from dance_now.app.analysis import Progress
from dance_now.app.character_loading import CharacterLike
from dance_now.app.dance import DanceResult
from dance_now.app.dance_options import DanceOptions
from dance_now.app.dance_output import default_output
from dance_now.app.dance_source import open_dance_source
from dance_now.core.atomic_write import make_folder
from dance_now.core.errors import DanceNowError
from dance_now.media.image.photo_source import are_images, is_sequence, natural_key
from dance_now.media.raw_sink import STANDARD_OUTPUT

SourceLike = str | Path | Sequence[Path]


@dataclass(frozen=True)
class DanceJob:
    """One run of ``dance``; jobs do not depend on each other.

    Attributes:
        source: file, folder or glob; or the images of one clip.
        output: as for ``dance``; where ``name`` is given, the folder that it is put into.
        name: base name of the output in that folder; empty for a job that is alone.
    """

    source: SourceLike
    output: str | Path | None
    name: str = ""

    def run(
        self,
        character: CharacterLike | Sequence[CharacterLike],
        options: DanceOptions,
        progress: Progress | None = None,
    ) -> DanceResult:
        """Runs ``dance``.

        Raises:
            DanceNowError: as there.
        """
        output = self.output
        if self.name and output is not None:
            with open_dance_source(self.source, options) as opened:
                default = default_output(opened.pictures, "", opened.scene)
                extension = ".png" if opened.pictures.kind == "photo" else default.suffix
            output = Path(output) / f"{self.name}{extension}"
        return single.dance(self.source, character, output, options=options, progress=progress)


def list_jobs(
    sources: Sequence[str | Path], output: str | Path | None, options: DanceOptions
) -> list[DanceJob]:
    """Sorts sources, as a shell expands them, into jobs.

    Images that look like the frames of a clip are one job, as they are in a folder; everything else is a job
    of its own. Globs that match other files than images are expanded.

    Args:
        sources: at least one.
        output: a folder, where there are several jobs; None: each job's default.
        options: of which sequence and poses apply.

    Raises:
        DanceNowError: several jobs, and an output or keypoints for one.
    """
    paths = [path for source in sources for path in _expanded(source)]
    if len(paths) == 1:
        return [DanceJob(paths[0], output)]
    files = sorted({Path(path).expanduser() for path in paths}, key=natural_key)
    if are_images(files) and (is_sequence(files) if options.sequence is None else options.sequence):
        return [DanceJob(files, output)]
    if options.poses is not None:
        raise DanceNowError(f"poses belong to one source; there are {len(files)}.", option="poses")
    folder = None if output is None else Path(output).expanduser()
    if folder is not None and (folder == STANDARD_OUTPUT or (folder.suffix and not folder.is_dir())):
        raise DanceNowError(f"output {output} is one file, there are {len(files)} sources. Choose a folder.")
    stems = Counter(file.stem for file in files)
    names = [file.stem if stems[file.stem] == 1 else file.name.replace(".", "_") for file in files]
    return [DanceJob(file, folder, name) for file, name in zip(files, names, strict=True)]


def run_jobs(
    jobs: Sequence[DanceJob],
    character: CharacterLike | Sequence[CharacterLike],
    options: DanceOptions,
    open_progress: Callable[[], AbstractContextManager[Progress | None]] = nullcontext,
) -> Iterator[tuple[DanceJob, DanceResult | DanceNowError]]:
    """Runs jobs one after the other; what fails does not stop the others.

    Args:
        jobs: of ``list_jobs``.
        character: as for ``dance``.
        options: of all jobs.
        open_progress: opens what is told about the progress of each job.

    Yields:
        each job with its result, or why it failed; the error of a job that is alone is raised.
    """
    folders = {Path(job.output) for job in jobs if job.name and job.output is not None}
    made = [folder for folder in folders if not folder.exists()]
    for folder in made:
        make_folder(folder)
    try:
        for job in jobs:
            try:
                with open_progress() as progress:
                    result: DanceResult | DanceNowError = job.run(character, options, progress)
            except DanceNowError as error:
                if len(jobs) == 1:
                    raise
                result = error
            yield job, result
    finally:
        for folder in made:  # if nothing was written
            with suppress(OSError):
                folder.rmdir()


def _expanded(source: str | Path) -> list[str | Path]:
    """The files of a glob that does not match images alone; else the source itself."""
    path = Path(source).expanduser()
    if path.exists() or not glob.has_magic(str(source)):
        return [source]
    found = [Path(name) for name in glob.glob(str(path)) if not Path(name).name.startswith(".")]
    return [source] if not found or are_images(found) else list(found)
