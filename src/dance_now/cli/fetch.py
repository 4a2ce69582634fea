"""``dance-now fetch``: downloads the pose networks, for containers and machines without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from dance_now.cli.options import Flag, say

_Folder = Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="(default: the cache)")]


def fetch(*, to: _Folder = None, clip: Flag = False) -> None:
    """Download the pose networks now, instead of on first use: for containers and machines without a network.

    Files that are there already are checked and kept. Each is verified by its SHA-256.

    Args:
        to: folder to write; to use it, set DANCE_NOW_CACHE to it.
        clip: also download the sample clip.
    """
    from dance_now.assets.registry import CACHE_VARIABLE, fetch_all

    for path in fetch_all(to, clip=clip):
        say(str(path))
    if to is not None:
        say(f"to use them: {CACHE_VARIABLE}={to}")
