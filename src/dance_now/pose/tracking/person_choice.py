"""Which of the people in a picture is meant: the largest, all, the one on the left, or one by number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from dance_now.core.errors import DanceNowError
from dance_now.pose.model.detection import Person
from dance_now.pose.tracking.tracker import MOST_PEOPLE, area, box

_WORDS: Final = ("largest", "all", "left")
_PATIENCE: Final = 15  # pictures without the chosen one before somebody else is taken who was there already


class PersonChoice:
    """Chooses people out of each picture, and stays with whom it chose.

    The largest and the leftmost person are chosen at first sight and then followed by their identity. When
    they are gone, somebody new is taken at once, but somebody who was there all the time only after a while:
    the one chosen may just be hidden.

    Attributes:
        most: how many people an estimator has to follow for it.

    Example:
        >>> PersonChoice("all").most
        8
    """

    def __init__(self, which: str = "largest") -> None:
        """Reads what is wanted.

        Args:
            which: ``largest``, ``all``, ``left``, or an identity such as ``2``.

        Raises:
            DanceNowError: anything else.
        """
        if which not in _WORDS and not (which.isdecimal() and len(which) < 10):
            raise DanceNowError(
                f"There is no person {which!r}; choose {', '.join(_WORDS)}, or a number that "
                "'dance-now pose --overlay' shows."
            )
        self._which = which
        self.most = 1 if which == "largest" else MOST_PEOPLE
        self.reset()

    def reset(self) -> None:
        """Forgets whom it chose."""
        self._chosen: int | None = None
        self._latest = 0
        self._missed = 0

    def __call__(self, people: Sequence[Person]) -> tuple[Person, ...]:
        """Those meant among the people of the next picture: nobody, one, or all."""
        if self._which == "all":
            return tuple(people)
        if self._which.isdecimal():
            return tuple(person for person in people if person.identity == int(self._which))
        chosen = [person for person in people if person.identity == self._chosen]
        if not chosen:
            chosen = self._chosen_anew(people)
        if chosen:
            self._missed = 0
            self._chosen = chosen[0].identity
            self._latest = max(person.identity for person in people)
        return tuple(chosen)

    def _chosen_anew(self, people: Sequence[Person]) -> list[Person]:
        self._missed += 1
        waiting = self._chosen is not None and self._missed <= _PATIENCE
        candidates = [person for person in people if not waiting or person.identity > self._latest]
        if not candidates:
            return []
        boxes = [box(person.detection.pose) for person in candidates]
        if self._which == "left":
            return [min(zip(boxes, candidates, strict=True), key=lambda each: each[0][0] + each[0][2])[1]]
        return [max(zip(boxes, candidates, strict=True), key=lambda each: area(each[0]))[1]]
