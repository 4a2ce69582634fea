"""Description of a Ray cluster: its address, and what each worker takes of it."""

from __future__ import annotations

from dataclasses import dataclass

from dance_now.core.argument_checks import check_number, check_path


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """A Ray cluster.

    Attributes:
        address: ``HOST:PORT``; ``auto``, the cluster that this machine belongs to; or ``local``, a new one on
            this machine, for the length of the run.
        cpus: cores for each worker.
        gpus: GPUs for each worker, or a share of one.
        memory: gigabytes that Ray sets aside for each worker; 0: it does not ask.
    """

    address: str = "auto"
    cpus: float = 1.0
    gpus: float = 0.0
    memory: float = 0.0

    def __post_init__(self) -> None:
        check_path("cluster", self.address)
        check_number("cpus", self.cpus, 0.1, 1024)
        check_number("gpus", self.gpus, 0, 64)
        check_number("memory", self.memory, 0, 100_000)
