"""Numba compilation of the renderer's kernels, with a persistent cache."""

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
    """Compiles a numeric function with a disk cache and without the global interpreter lock.

    ``fastmath`` stays off: it makes pixels depend on the processor.
    """
    return _compiled(function, inline=False)


def inner_kernel(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compiles a function that is inlined into the kernels that call it.

    Pass scalars rather than arrays where it is called for every sample: numba counts references
    to an array around each call, which costs more than the arithmetic.

    The disk cache is renewed when the caller's file changes, not when the inlined one does: while working
    on one in another file, delete the folder ``numba`` in the user's cache.
    """
    return _compiled(function, inline=True)


def _compiled(function: Callable[..., Any], inline: bool) -> Callable[..., Any]:
    """Compiles with numba's cache in the user's cache folder, which numba uses only for read-only packages.

    NUMBA_CACHE_DIR takes precedence; other packages' functions are not affected. If
    no folder is writable, each process compiles anew.
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
