"""User configuration of live: the show page's token and the person's calibration, kept between runs."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any, Final

from dance_now.core.errors import DanceNowError
from dance_now.core.user_folders import user_folder

CONFIG_VARIABLE: Final = "DANCE_NOW_CONFIG"
_FILE: Final = "live.json"
_TOKEN_BYTES: Final = 24
_LIMIT: Final = 1 << 16  # bytes of the file


def config_dir() -> Path:
    """Folder of the user's configuration; it may not exist yet.

    ``DANCE_NOW_CONFIG`` names it; otherwise it is ``dance_now`` in the platform's: Linux ``$XDG_CONFIG_HOME``
    or ``~/.config`` (XDG base directory specification), macOS ``~/Library/Application Support``, Windows
    ``%APPDATA%``.
    """
    return user_folder(
        CONFIG_VARIABLE,
        windows=("APPDATA", "Roaming"),
        macos="Library/Application Support",
        xdg=("XDG_CONFIG_HOME", ".config"),
    )


def new_token() -> str:
    """A random token that fits an address."""
    return secrets.token_urlsafe(_TOKEN_BYTES)


def read_config() -> dict[str, Any]:
    """The stored values; empty where there are none, or where the file is damaged."""
    path = config_dir() / _FILE
    try:
        if path.stat().st_size > _LIMIT:
            return {}
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def write_config(**values: Any) -> None:
    """Stores values beside the others, readable by the user alone.

    Raises:
        DanceNowError: the folder cannot be written.
    """
    folder = config_dir()
    path, part = folder / _FILE, folder / f".{_FILE}.part"
    text = json.dumps({**read_config(), **values}, indent=1)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
        # Nobody else may read the token, not even for a moment.
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(part, path)
    except OSError as error:
        raise DanceNowError(
            f"the configuration {path} cannot be written: {error.strerror or error}. "
            f"Set {CONFIG_VARIABLE} to another folder."
        ) from error


def show_token(renew: bool = False) -> str:
    """The show page's token: the stored one, so that its address survives restarts, or a new one.

    Raises:
        DanceNowError: a new one cannot be stored.
    """
    stored = read_config().get("show_token")
    if isinstance(stored, str) and len(stored) >= _TOKEN_BYTES and not renew:
        return stored
    token = new_token()
    write_config(show_token=token)
    return token
