"""The one kind of failure a user is meant to read."""


class DanceNowError(Exception):
    """A failure explained in one line that says what to do; the command line prints it and exits with 1."""


class MissingExtraError(DanceNowError):
    """An optional dependency is not installed."""

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(f'{package} is not installed. Run: pip install "dance-now[{extra}]"')
