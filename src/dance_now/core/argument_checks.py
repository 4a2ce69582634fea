"""Argument checks: ``TypeError`` for a wrong type, ``DanceNowError`` for a wrong value; both name it."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from numbers import Real
from pathlib import Path
from typing import Any

from dance_now.core.errors import DanceNowError


def check_type(option: str, value: object, types: type | tuple[type, ...], expected: str) -> None:
    """Checks a type.

    Args:
        option: the argument's name.
        value: the argument.
        types: what it must be an instance of.
        expected: the same in words, such as ``a Frame``.

    Raises:
        TypeError: it is something else.
    """
    if not isinstance(value, types):
        raise TypeError(f"{option} must be {expected}, not {kind_of(value)}.")


def check_methods(option: str, value: object, methods: Iterable[str], expected: str) -> None:
    """Checks that an object has the methods of a protocol.

    Raises:
        TypeError: a method is missing.
    """
    if not all(callable(getattr(value, name, None)) for name in methods):
        raise TypeError(f"{option} must be {expected}, not {kind_of(value)}.")


def check_flag(option: str, value: object) -> None:
    """Checks a bool."""
    check_type(option, value, bool, "True or False")


def check_path(option: str, value: object) -> None:
    """Checks a path's type, and that it is not empty."""
    check_type(option, value, (str, Path), "a path (str or pathlib.Path)")
    if value == "":
        raise DanceNowError(f"{option} must not be empty.", option=option)


def check_choice(option: str, value: object, choices: Iterable[str]) -> None:
    """Checks that a text is one of several.

    Raises:
        TypeError: it is no text.
        DanceNowError: it is another text.
    """
    check_type(option, value, str, "a str")
    known = [str(choice) for choice in choices]
    if value not in known:
        listed = " or ".join([", ".join(known[:-1]), known[-1]])
        raise DanceNowError(f"{option} must be {listed}, not {str(value)!r}.", option=option)


def check_real(option: str, value: object) -> None:
    """Checks the type of a real number: int, float, Fraction or one of numpy's."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise TypeError(f"{option} must be a number, not {kind_of(value)}.")


def check_number(option: str, value: object, low: float, high: float | None = None, unit: str = "") -> None:
    """Checks that a number is finite and lies within limits.

    Args:
        option: the argument's name.
        value: the argument.
        low: the smallest number allowed.
        high: the greatest; None: any.
        unit: written behind the numbers in the message, such as `` seconds``.

    Raises:
        TypeError: it is no real number.
        DanceNowError: it lies outside, or is not finite.
    """
    check_real(option, value)
    number: Any = value  # compared as it is: huge integers have no float
    if not low <= number <= (sys.float_info.max if high is None else high):
        limits = f"finite and at least {low:g}" if high is None else f"between {low:g} and {high:g}"
        raise DanceNowError(f"{option} must be {limits}{unit}, not {value}.", option=option)


def kind_of(value: object) -> str:
    """What messages call a value of a wrong type."""
    return "None" if value is None else type(value).__name__
