"""Shards: the part of a batch that one task of a job array (Slurm, CI) carries out."""

from __future__ import annotations

import heapq
import re
from collections.abc import Sequence
from dataclasses import dataclass

from dance_now.core.errors import UsageError


@dataclass(frozen=True)
class Shard:
    """Part ``index`` of ``count``, counted from 1.

    Example:
        >>> Shard.parse("2/8")
        Shard(index=2, count=8)
    """

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Reads ``I/N``.

        Raises:
            UsageError: another form, or an I that is not from 1 to N.
        """
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        shard = cls(int(found[1]), int(found[2])) if found else None
        if shard is None or not 1 <= shard.index <= shard.count:
            raise UsageError(
                f"shard must be I/N with I from 1 to N, such as 2/8, not {text}.", option="shard"
            )
        return shard

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"

    def select(self, weights: Sequence[float]) -> list[int]:
        """Indices of this shard's jobs, the longest first.

        Each job goes to the shard that has least to do so far (longest processing time first: Graham,
        *Bounds on Multiprocessing Timing Anomalies*, 1969). All shards compute the same from equal weights.

        Args:
            weights: work of each job, in any unit.
        """
        loads = [(0.0, number) for number in range(1, self.count + 1)]
        mine = []
        for job in longest_first(weights):
            load, number = loads[0]
            heapq.heapreplace(loads, (load + max(weights[job], 1.0), number))
            if number == self.index:
                mine.append(job)
        return mine


def longest_first(weights: Sequence[float]) -> list[int]:
    """Indices by falling weight; equal ones in their order."""
    return sorted(range(len(weights)), key=lambda job: -weights[job])
