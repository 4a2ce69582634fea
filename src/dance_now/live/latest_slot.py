"""Latest-value slot: a mailbox of one place in which the newest item replaces an older one."""

from __future__ import annotations

from threading import Condition
from typing import Generic, TypeVar

_Item = TypeVar("_Item")


class LatestSlot(Generic[_Item]):
    """Hands items from one thread to another; of several that wait, only the newest is kept.

    Example:
        >>> slot = LatestSlot[int]()
        >>> slot.put(1), slot.put(2), slot.take(timeout=1)
        (None, 1, 2)
    """

    def __init__(self) -> None:
        self._condition = Condition()
        self._item: _Item | None = None

    def put(self, item: _Item) -> _Item | None:
        """Leaves an item; returns the one that it replaces, if any."""
        with self._condition:
            replaced, self._item = self._item, item
            self._condition.notify()
        return replaced

    def take(self, timeout: float) -> _Item | None:
        """Takes the newest item; waits for one, ``timeout`` seconds at most, and then returns None."""
        with self._condition:
            if self._item is None:
                self._condition.wait(timeout)
            taken, self._item = self._item, None
        return taken
