"""Option types shared by several commands, with their ``--help``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, get_args

import tyro

from dance_now.app.dance_options import HeightName, PersonName, SceneName
from dance_now.cli.terminal.printable import printable
from dance_now.core.errors import MissingExtraError

_arg = tyro.conf.arg

Source = Annotated[str, tyro.conf.Positional, _arg(metavar="SOURCE")]
MoreSources = Annotated[
    tuple[str, ...], tyro.conf.Positional, _arg(metavar="[SOURCE ...]", help_behavior_hint="")
]
Seconds = Annotated[float | None, _arg(metavar="SECONDS", help_behavior_hint="")]
Count = Annotated[int, _arg(metavar="N")]
OptionalCount = Annotated[int | None, _arg(metavar="N", help_behavior_hint="")]
OptionalFolder = Annotated[Path | None, _arg(metavar="DIR", help_behavior_hint="")]
Hide = Annotated[
    tuple[str, ...], tyro.conf.UseAppendAction, _arg(metavar="NAME", help_behavior_hint="(repeatable)")
]
Bones = Annotated[Path | None, _arg(metavar="FILE", help_behavior_hint="")]
Flag = Annotated[bool, _arg(help_behavior_hint="")]
Model = Annotated[Path | None, _arg(metavar="FILE", help_behavior_hint="")]
Scene = Annotated[
    SceneName | None,
    # The Literal would do, but its usage errors offer None as a choice.
    tyro.constructors.PrimitiveConstructorSpec[Any](
        nargs=1,
        metavar="SCENE",
        instance_from_str=lambda words: words[0],
        is_instance=lambda value: value is None or isinstance(value, str),
        str_from_instance=lambda value: [value or "none"],
        choices=get_args(SceneName),
    ),
    _arg(help_behavior_hint="(default: replace; alone for keypoints)"),
]


def _picture_size(words: list[str]) -> tuple[int, int]:
    width, cross, height = words[0].lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise ValueError(f"{words[0]} is not a size; write it as 1280x720")
    return int(width), int(height)


PictureSize = Annotated[
    tuple[int, int] | None,
    tyro.constructors.PrimitiveConstructorSpec[tuple[int, int] | None](
        nargs=1,
        metavar="WxH",
        instance_from_str=_picture_size,
        is_instance=lambda value: value is None or isinstance(value, tuple),
        str_from_instance=lambda value: ["none" if value is None else f"{value[0]}x{value[1]}"],
    ),
    _arg(help_behavior_hint=""),
]


def _estimator_name(words: list[str]) -> str:
    # Not as choices: plug-ins are looked for only when a name other than the default is given.
    from dance_now.pose.estimators.estimator_registry import estimator_names

    if words[0] not in (names := estimator_names()):
        raise ValueError(f"there is no estimator {words[0]!r}; known: {', '.join(names)}")
    return words[0]


EstimatorName = Annotated[
    str,
    tyro.constructors.PrimitiveConstructorSpec[str](
        nargs=1,
        metavar="NAME",
        instance_from_str=_estimator_name,
        is_instance=lambda value: isinstance(value, str),
        str_from_instance=lambda value: [value],
    ),
]


def _word_or(number: type[int] | type[float]) -> tyro.constructors.PrimitiveConstructorSpec[Any]:
    """Reads a number where there is one; words are checked by the options they belong to."""

    def read(words: list[str]) -> Any:
        try:
            return number(words[0])
        except ValueError:
            return words[0]

    return tyro.constructors.PrimitiveConstructorSpec[Any](
        nargs=1,
        metavar="WORD",
        instance_from_str=read,
        is_instance=lambda value: value is None or isinstance(value, str | int | float),
        str_from_instance=lambda value: [str(value)],
    )


Person = Annotated[
    PersonName | int | None,
    _word_or(int),
    _arg(
        metavar="{largest,all,left,ID}", help_behavior_hint="(default: largest; all for several characters)"
    ),
]
Height = Annotated[HeightName | float, _word_or(float), _arg(metavar="{person,own,FACTOR}")]


def say(line: str) -> None:
    """Prints one line of results to stdout, in printable characters."""
    sys.stdout.write(f"{printable(line)}\n")


def remark(line: str) -> None:
    """Prints one line to stderr, where stdout carries frames; in printable characters."""
    sys.stderr.write(f"{printable(line)}\n")


@contextmanager
def needs_extra(extra: str) -> Iterator[None]:
    """Wraps imports of an optional part of the package.

    Raises:
        MissingExtraError: one of its dependencies is not installed.
    """
    try:
        yield
    except ImportError as error:
        missing = (error.name or "").partition(".")[0]
        if missing in ("", "dance_now"):
            raise
        raise MissingExtraError(missing, extra) from error
