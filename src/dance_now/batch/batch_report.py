"""Report of a batch: totals of its journal, and a sheet with the first frame of each result."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dance_now.batch.batch_journal import read_journals
from dance_now.batch.batch_task import BatchResult
from dance_now.batch.storage import is_remote
from dance_now.core.arrays import Image
from dance_now.core.atomic_write import write_file
from dance_now.core.errors import DanceNowError
from dance_now.media.contact_sheet import thumbnail, tile_frames
from dance_now.media.image.photo_sink import encode_image
from dance_now.media.open_media import open_source

SHEET: Final = "report.jpg"
_MOST_FRAMES: Final = 60  # of a sheet; of more results, evenly spaced ones
_COLUMNS: Final = 6
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BatchReport:
    """What the journals of a folder say.

    Attributes:
        results: the last of each output.
        sheet: the sheet of first frames; None where no result has any.
    """

    results: Sequence[BatchResult]
    sheet: Path | None

    def count(self, *statuses: str) -> int:
        """Number of results with one of these statuses."""
        return sum(result.status in statuses for result in self.results)

    @property
    def frames(self) -> int:
        """Frames of all results."""
        return sum(result.frames for result in self.results)

    @property
    def seconds(self) -> float:
        """Seconds of work, on all machines together."""
        return sum(result.seconds for result in self.results)


def batch_report(folder: Path) -> BatchReport:
    """Reads the journals of a batch's output folder, and writes the sheet ``report.jpg`` there.

    Raises:
        DanceNowError: there is no journal, or the sheet cannot be written.
    """
    results = read_journals(folder)
    made = [
        Path(result.output) for result in results if result.status != "error" and not is_remote(result.output)
    ]
    frames = list(_first_frames(_spaced(made)))
    if not frames:
        return BatchReport(results, None)
    sheet = folder / SHEET
    write_file(sheet, encode_image(tile_frames(frames, _COLUMNS), ".jpg"), overwrite=True)
    return BatchReport(results, sheet)


def _spaced(paths: Sequence[Path]) -> list[Path]:
    if len(paths) <= _MOST_FRAMES:
        return list(paths)
    return [paths[place * len(paths) // _MOST_FRAMES] for place in range(_MOST_FRAMES)]


def _first_frames(paths: Iterable[Path]) -> Iterable[Image]:
    """Thumbnails of the first frames; what has none, such as keypoints, is left out."""
    for path in paths:
        try:
            with open_source(path) as source, closing(source.frames()) as frames:
                frame = next(frames, None)
                if frame is not None:
                    yield thumbnail(frame.image)
        except DanceNowError as error:
            _logger.debug("not on the sheet: %s", error)
