"""Rendering of a data set on a cluster: each worker renders some images at a time into the shared folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Final

from dance_now.batch.runners.runner import JobReporter, Lost, Runner
from dance_now.core.errors import DanceNowError
from dance_now.synthesis.dataset_renderer import DatasetConfig, DatasetRenderer, Progress, RenderJob

_AT_ONCE: Final = 8  # images of a job


@dataclass(frozen=True)
class RenderService:
    """What workers offer: rendering of images of one avatar.

    Attributes:
        config: common to all images.
    """

    config: DatasetConfig

    def open(self) -> Callable[[Sequence[RenderJob], JobReporter], DanceNowError | None]:
        """Loads the avatar."""
        renderer = DatasetRenderer(self.config)

        def render(jobs: Sequence[RenderJob], report: JobReporter) -> DanceNowError | None:
            try:
                for done, job in enumerate(jobs):
                    renderer.draw(job)
                    report.progress("render", done + 1, len(jobs))
            except DanceNowError as error:
                return error
            except OSError as error:
                return DanceNowError(f"an image could not be written: {error.strerror or error}.")
            return None

        return render


def render_with(
    runner: Runner, config: DatasetConfig, jobs: Sequence[RenderJob], progress: Progress | None
) -> None:
    """Renders all jobs of a data set with the workers of a runner; they need the same file system.

    Raises:
        DanceNowError: an image cannot be rendered or written, or there are no workers.
    """
    absolute = replace(config, avatar=config.avatar.absolute(), folder=config.folder.absolute())
    chunks = [jobs[first : first + _AT_ONCE] for first in range(0, len(jobs), _AT_ONCE)]
    done = 0
    with closing(runner.run(RenderService(absolute), chunks, lambda _: None)) as results:
        for index, result in results:
            if isinstance(result, Lost):
                raise DanceNowError(f"{jobs[index * _AT_ONCE].name}: {result.message}")
            if isinstance(result, DanceNowError):
                raise result
            done += len(chunks[index])
            if progress is not None:
                progress(done, len(jobs))
