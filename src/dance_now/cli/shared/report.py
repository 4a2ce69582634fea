"""Reports of a finished run: remarks, then one line with file, frames, seconds and frames per second."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from dance_now.cli.options import remark, say

if TYPE_CHECKING:
    from dance_now.app.dance import DanceResult

_logger = logging.getLogger(__name__)


def report(result: DanceResult, to_stdout: bool = True) -> None:
    """Prints what is worth knowing about a run; its last line is the summary.

    Args:
        result: of the run.
        to_stdout: otherwise to stderr, because stdout carries the frames.
    """
    tell = say if to_stdout else remark
    stages = ", ".join(f"{name} {milliseconds:.1f}" for name, milliseconds in result.processor.items())
    _logger.info("CPU milliseconds per frame: %s", stages)
    if result.missed:
        tell(f"no person found in {result.missed} of {frame_count(result.frames)}")
    if result.left_out:
        from dance_now.pose.tracking.tracker import MAX_PEOPLE  # only then: it loads numpy

        people = "1 person" if result.left_out == 1 else f"{result.left_out} people"
        tell(f"left out {people}: at most {MAX_PEOPLE} are replaced at once")
    if result.skipped:
        tell(f"skipped {frame_count(result.skipped, 'damaged ')} (--verbose lists them)")
    if result.preview is not None:
        tell(f"{result.preview}: contact sheet")
    rate = result.frames / max(result.seconds, 1e-3)
    tell(f"{result.output}: {frame_count(result.frames)} in {result.seconds:.1f} s ({rate:.1f} frames/s)")


def frame_count(number: int, kind: str = "") -> str:
    """``1 frame`` or ``5 frames``."""
    return f"{number} {kind}frame{'' if number == 1 else 's'}"
