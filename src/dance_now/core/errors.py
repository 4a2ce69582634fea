"""Exceptions: errors that are shown to users in one line."""

from __future__ import annotations


class DanceNowError(Exception):
    """A failure explained in one line that says what to do; the command line prints it and exits with 1.

    Attributes:
        option: the argument that is to blame, by its name in Python, or None. Messages name arguments as
            Python does (``match must be ...``, ``pass overwrite=True``); the command line turns the name into
            a flag.

    Example:
        >>> DanceNowError("match must be between 0 and 1, not 2.", option="match").option
        'match'
    """

    def __init__(self, message: str = "", *, option: str | None = None) -> None:
        super().__init__(message)
        self.option = option


class UsageError(DanceNowError):
    """A request that no run could carry out, found before any work; the command line exits with 2."""


class MissingExtraError(DanceNowError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f'{package} is not installed. Run: pip install "dance-now[{extra}]"')
        self._parts = (package, extra)

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str]]:
        """Pickles by the arguments, so that worker processes can raise it."""
        return type(self), self._parts
