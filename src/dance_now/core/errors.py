"""Exceptions whose messages are written for the user."""


class DanceNowError(Exception):
    """User-facing error: one line that says what to do; the command line prints it and exits with 1."""


class MissingExtraError(DanceNowError):
    """Missing optional dependency; the message gives the pip command that installs it."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f'{package} is not installed. Run: pip install "dance-now[{extra}]"')
