"""User folders: where a platform wants a program's cache and configuration."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def user_folder(variable: str, *, windows: tuple[str, str], macos: str, xdg: tuple[str, str]) -> Path:
    """Folder ``dance_now`` in one of the platform's folders; it may not exist yet.

    Args:
        variable: of the environment, which names the folder itself if it is set.
        windows: variable that names the platform's folder, and its usual place below ``AppData``.
        macos: the platform's folder below the home folder.
        xdg: elsewhere, the variable of the XDG base directory specification, and its default below home.
    """
    named = os.environ.get(variable)
    if named:
        return Path(named).expanduser()
    if sys.platform == "win32":
        base = os.environ.get(windows[0]) or str(Path.home() / "AppData" / windows[1])
    elif sys.platform == "darwin":
        base = str(Path.home() / macos)
    else:
        base = os.environ.get(xdg[0], "")
        if not os.path.isabs(base):  # the specification: relative paths are to be ignored
            base = str(Path.home() / xdg[1])
    return Path(base) / "dance_now"
