"""How the studio compiles its kernels, in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dance_now.errors import MissingExtraError

try:
    import numba
except ImportError as error:  # pragma: no cover - depends on the installation
    raise MissingExtraError("numba", "studio") from error


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a numeric function to machine code, kept on disk, without the global interpreter lock.

    ``fastmath`` stays off: with it the same scene has other pixels on another processor.
    """
    compiled: Callable[..., Any] = numba.njit(function, cache=True, nogil=True)
    return compiled


def inner_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """As :func:`kernel`, for the small parts of one: they are compiled into their caller.

    Give them numbers rather than arrays where they are called for every sample: numba counts references
    to an array around each call, which costs more than the arithmetic.

    The copy on disk is renewed when the caller's file changes, not when the part's does: while working on a
    part that lies in another file, delete ``__pycache__``.
    """
    compiled: Callable[..., Any] = numba.njit(function, cache=True, nogil=True, forceinline=True)
    return compiled
