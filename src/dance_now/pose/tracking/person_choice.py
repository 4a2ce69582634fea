"""Person selection: the largest, all, the leftmost, or one by ID."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

from dance_now.core.errors import DanceNowError
from dance_now.pose.model.detection import Person
from dance_now.pose.tracking.tracker import MAX_PEOPLE, box_area, pose_box

_WORDS: Final = ("largest", "all", "left")
_PATIENCE: Final = 15  # frames without the selected person before another present person is selected


class PersonChoice:
    """Selects people in each frame, and keeps the selection by their IDs.

    The largest and the leftmost person are selected when first seen. When they disappear, a new person is
    selected at once, but one who was present all the time only after a while: the selected person may just be
    hidden.

    Attributes:
        max_people: how many people the estimator has to track for it.
        sightings: number of frames by ID of everybody who was there, selected or not; ``reset`` keeps it.

    Example:
        >>> PersonChoice("all").max_people
        8
    """

    def __init__(self, which: str = "largest") -> None:
        """Parses the selection.

        Args:
            which: ``largest``, ``all``, ``left``, or an ID such as ``2``.

        Raises:
            DanceNowError: anything else.
        """
        if which not in _WORDS and not (which.isdecimal() and len(which) < 10):
            raise DanceNowError(
                f"person must be {', '.join(_WORDS)} or a person's ID (a number), got {which!r}."
            )
        self._which = which
        self.max_people = 1 if which == "largest" else MAX_PEOPLE
        self.sightings: Counter[int] = Counter()
        self.reset()

    @property
    def takes_all(self) -> bool:
        """Whether everybody is selected."""
        return self._which == "all"

    def missing(self, source: str) -> str | None:
        """Explains that a person selected by ID is not in a source, but others are; else None."""
        if not self._which.isdecimal() or not self.sightings:
            return None
        seen = [f"{identity} (in {_frames(count)})" for identity, count in sorted(self.sightings.items())]
        people = "1 person" if len(seen) == 1 else f"{len(seen)} people"
        return f"Person {self._which} is not in {source}, which shows {people}: {', '.join(seen)}."

    def reset(self) -> None:
        """Resets the choice."""
        self._chosen: int | None = None
        self._latest = 0
        self._missed = 0

    def __call__(self, people: Sequence[Person]) -> tuple[Person, ...]:
        """Selects among the people of the next frame: none, one, or all."""
        self.sightings.update(person.identity for person in people)
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
        boxes = [pose_box(person.detection.pose) for person in candidates]
        if self._which == "left":
            return [min(zip(boxes, candidates, strict=True), key=lambda each: each[0][0] + each[0][2])[1]]
        return [max(zip(boxes, candidates, strict=True), key=lambda each: box_area(each[0]))[1]]


def _frames(count: int) -> str:
    return "1 frame" if count == 1 else f"{count} frames"
