"""How the studio compiles its kernels, in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dance_now.assets.registry import cache_dir
from dance_now.core.errors import MissingExtraError

try:
    import numba
except ImportError as error:  # pragma: no cover - depends on the installation
    raise MissingExtraError("numba", "studio") from error


def kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a numeric function to machine code, kept on disk, without the global interpreter lock.

    ``fastmath`` stays off: with it the same scene has other pixels on another processor.
    """
    return _compiled(function, inline=False)


def inner_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """As :func:`kernel`, for the small parts of one: they are compiled into their caller.

    Give them numbers rather than arrays where they are called for every sample: numba counts references
    to an array around each call, which costs more than the arithmetic.

    The copy on disk is renewed when the caller's file changes, not when the part's does: while working on a
    part that lies in another file, delete the folder ``numba`` in the user's cache.
    """
    return _compiled(function, inline=True)


def _compiled(function: Callable[..., Any], inline: bool) -> Callable[..., Any]:
    """Machine code is kept in the user's cache, which numba does only where the package cannot be written.

    The folder that NUMBA_CACHE_DIR names goes before; other packages' functions stay where they are. If
    nothing can be written, each process compiles anew.
    """
    config: Any = numba.config  # made of names that a type checker cannot see
    chosen = config.CACHE_DIR
    config.CACHE_DIR = chosen or str(cache_dir() / "numba")
    try:
        compiled: Callable[..., Any] = numba.njit(function, cache=True, nogil=True, forceinline=inline)
    except RuntimeError:  # numba found no folder for it
        compiled = numba.njit(function, nogil=True, forceinline=inline)
    finally:
        config.CACHE_DIR = chosen
    return compiled
