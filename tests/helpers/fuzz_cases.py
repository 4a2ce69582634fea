"""Runs single fuzzing cases and tells refusals from faults."""

from __future__ import annotations

import random
import shutil
import sys
import traceback
from pathlib import Path

from fuzz_targets import Case

from dance_now.core.errors import DanceNowError


class HangError(BaseException):
    """Raised by an alarm in a case that takes too long."""


def run_case(case: Case, name: str, number: int, folder: Path) -> str:
    """Runs one mutation in an empty folder: "read", "refused", or what went wrong."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        case(random.Random(f"{name} {number}"), folder)
    except DanceNowError as error:
        return "refused" if "\n" not in str(error) else f"crash: a message of several lines: {error!r:.200}"
    except HangError:
        return f"hang: {_place(sys.exc_info()[1])}"
    except Exception as error:
        return f"crash: {type(error).__name__}: {error!s:.160} at {_place(error)}"
    return "read"


def _place(error: BaseException | None) -> str:
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "dance_now" in frame.filename]
    return f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
