"""CPU cores that this process may use: those of its affinity, or fewer where several processes share them."""

from __future__ import annotations

import os
import sys

_limit: int | None = None  # of the process, like the thread counts of OpenCV and torch


def available_cores() -> int:
    """Number of cores to use: those that ``taskset`` leaves, and at most what ``limit_cores`` has set."""
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return usable if _limit is None else min(_limit, usable)


def limit_cores(count: int) -> None:
    """Limits the threads of this process, those of libraries as well: for workers, before they load anything.

    Args:
        count: cores to use, at least 1.
    """
    global _limit
    _limit = max(1, count)
    # Read by OpenMP and BLAS libraries when they are loaded.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
        os.environ[variable] = str(_limit)
    import cv2

    cv2.setNumThreads(_limit)
