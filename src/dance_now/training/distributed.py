"""Data-parallel training under ``torchrun``: batches are sharded over workers, gradients are all-reduced.

Gradients are averaged explicitly instead of by ``DistributedDataParallel``: generator and discriminator
switch each other's gradients off in turns, which that wrapper does not allow, and a few million parameters
need no overlap of communication with computation.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import torch
from torch import Tensor, distributed, nn

from dance_now.core.errors import DanceNowError

T = TypeVar("T")
M = TypeVar("M", bound=nn.Module)
_TIMEOUT = timedelta(hours=12)  # the other workers wait while the first renders the data set


@dataclass(frozen=True)
class Worker:
    """Rank of this process in a data-parallel run, and its collective operations.

    Attributes:
        rank: 0 for the first worker, which alone writes files.
        world_size: number of workers.
    """

    rank: int = 0
    world_size: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this is the worker that writes files."""
        return self.rank == 0

    def shard(self, items: Sequence[T]) -> Sequence[T]:
        """This worker's part of a batch; all workers' parts have the same size.

        Raises:
            DanceNowError: the batch cannot be divided.
        """
        if len(items) % self.world_size:
            raise DanceNowError(
                f"A batch of {len(items)} cannot be divided among {self.world_size} workers: choose a batch "
                "size that is a multiple of their number."
            )
        return items[self.rank :: self.world_size]

    def all_reduce_mean(self, tensors: Sequence[Tensor]) -> None:
        """Replaces tensors of one dtype by their means over all workers, in place."""
        if self.world_size == 1 or not tensors:
            return
        together = torch.cat([tensor.flatten() for tensor in tensors]) / self.world_size
        distributed.all_reduce(together)
        parts = together.split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """All-reduces gradients to those of the whole batch."""
        self.all_reduce_mean([parameter.grad for parameter in parameters if parameter.grad is not None])

    def broadcast(self, tensors: Iterable[Tensor]) -> None:
        """Replaces tensors by the first worker's, in place."""
        if self.world_size > 1:
            for tensor in tensors:
                distributed.broadcast(tensor.detach(), 0)

    def run_first(self, work: Callable[[], None]) -> None:
        """Calls a function in the first worker while the others wait at a barrier."""
        if self.is_first:
            work()
        if self.world_size > 1:
            distributed.barrier()


SINGLE_WORKER = Worker()


def training_device() -> torch.device:
    """Device of this worker: its GPU, or the CPU without one."""
    return (
        torch.device("cuda", torch.cuda.current_device())
        if torch.cuda.is_available()
        else torch.device("cpu")
    )


def to_device(module: M, device: torch.device) -> M:
    """Moves a network to a device, in channels-last memory format, the fastest for convolutions."""
    return module.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def half_precision(device: torch.device) -> torch.autocast:
    """Autocast to bfloat16 on a GPU; a CPU is faster in full precision where channels are few."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


@contextmanager
def join_workers() -> Iterator[Worker]:
    """Joins the process group that ``torchrun`` started; a single worker without it.

    Example:
        >>> with join_workers() as worker:
        ...     worker.world_size
        1
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield SINGLE_WORKER
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=_TIMEOUT)
    try:
        yield Worker(distributed.get_rank(), count)
    finally:
        distributed.destroy_process_group()
