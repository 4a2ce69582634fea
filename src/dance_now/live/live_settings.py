"""Settings of a live performance: one immutable dataclass, changed by the control page while it runs."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Final, Literal, get_args

from dance_now.app.dance_options import DEFAULT_CHARACTER, PersonName, check_person
from dance_now.core.argument_checks import check_choice, check_flag, check_number, check_type
from dance_now.core.errors import DanceNowError

LiveScene = Literal["alpha", "color", "replace", "picture"]

FRAME_RATE_LIMITS: Final = (1, 120)  # frames per second
TRANSPARENT: Final = ("alpha", "color")  # scenes of which only the character is sent
_COLOR: Final = re.compile("#[0-9a-fA-F]{6}")
_REOPENING: Final = ("character", "scene", "person", "idle", "mirror")


@dataclass(frozen=True, kw_only=True)
class LiveSettings:
    """Settings of a live performance.

    Attributes:
        character: name in the library of characters.
        scene: what the character appears in: ``alpha`` (transparent), ``color``, ``replace`` (the camera's
            picture, without the person) or ``picture`` (a background picture).
        color: of the scene ``color``, ``#rrggbb``.
        mirror: flip the camera's picture, so that the character moves as a mirror image does.
        person: who is replaced: ``largest``, ``left``, ``all`` or a person's ID.
        frame_rate_limit: frames per second at most.
        idle: whether the character idles while nobody is in view; else it vanishes.
        paused: whether frames are ignored.

    Raises:
        DanceNowError: a value that is unknown or out of range.
        TypeError: a value of a wrong type.

    Example:
        >>> LiveSettings().changed({"scene": "replace"}).scene
        'replace'
    """

    character: str = DEFAULT_CHARACTER
    scene: LiveScene = "alpha"
    color: str = "#00b140"
    mirror: bool = True
    person: PersonName | int = "largest"
    frame_rate_limit: int = 30
    idle: bool = True
    paused: bool = False

    def __post_init__(self) -> None:
        check_type("character", self.character, str, "a name")
        check_choice("scene", self.scene, get_args(LiveScene))
        check_type("color", self.color, str, "#rrggbb")
        if not _COLOR.fullmatch(self.color):
            raise DanceNowError(f"color must be #rrggbb, not {self.color[:20]!r}.", option="color")
        check_person(self.person)
        check_type("frame_rate_limit", self.frame_rate_limit, int, "an int")
        check_number("frame_rate_limit", self.frame_rate_limit, *FRAME_RATE_LIMITS)
        for name in ("mirror", "idle", "paused"):
            check_flag(name, getattr(self, name))

    @property
    def is_transparent(self) -> bool:
        """Whether only the drawn character is sent; the viewer shows what is behind it."""
        return self.scene in TRANSPARENT

    @property
    def rgb(self) -> tuple[int, int, int]:
        """Red, green and blue of ``color``."""
        code = self.color.removeprefix("#")
        return int(code[:2], 16), int(code[2:4], 16), int(code[4:], 16)

    def changed(self, changes: Mapping[str, Any]) -> LiveSettings:
        """Settings with some values changed; names and values may come from a stranger.

        Raises:
            DanceNowError: a name that is no setting, or a value that is out of range.
            TypeError: a value of a wrong type.
        """
        unknown = changes.keys() - {field.name for field in fields(self)}
        if unknown:
            raise DanceNowError(f"there is no setting {min(unknown)[:40]!r}.")
        return replace(self, **changes)

    def needs_reopening(self, other: LiveSettings) -> bool:
        """Whether a change to other settings needs another session, character or compositor."""
        return any(getattr(self, name) != getattr(other, name) for name in _REOPENING)

    def to_json(self) -> dict[str, Any]:
        """Values by name."""
        return asdict(self)
