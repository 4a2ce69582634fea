"""Training on several GPUs: each worker draws its share of every batch, and gradients are averaged.

Data-parallel training as ``torchrun`` starts it. Gradients are averaged by hand in place of a
``DistributedDataParallel`` wrapper: generator and discriminator take turns with each other's gradients
switched off, which such a wrapper does not allow for, and the few million numbers need no overlap.
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
_PATIENCE = timedelta(hours=12)  # the others wait that long while the first renders


@dataclass(frozen=True)
class Share:
    """Which worker this process is.

    Attributes:
        rank: 0 for the first, which alone writes files.
        count: workers in all.
    """

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Whether this worker writes the files."""
        return self.rank == 0

    def of(self, items: Sequence[T]) -> Sequence[T]:
        """This worker's part of a batch, as large as every other's.

        Raises:
            DanceNowError: the batch cannot be divided.
        """
        if len(items) % self.count:
            raise DanceNowError(f"A batch of {len(items)} cannot be divided among {self.count} workers.")
        return items[self.rank :: self.count]

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replaces tensors of one type by their means over all workers."""
        if self.count == 1 or not tensors:
            return
        together = torch.cat([tensor.flatten() for tensor in tensors]) / self.count
        distributed.all_reduce(together)
        parts = together.split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Makes the gradients those of the whole batch."""
        self.average([parameter.grad for parameter in parameters if parameter.grad is not None])

    def agree(self, tensors: Iterable[Tensor]) -> None:
        """Replaces tensors by the first worker's."""
        if self.count > 1:
            for tensor in tensors:
                distributed.broadcast(tensor.detach(), 0)

    def first(self, work: Callable[[], None]) -> None:
        """Lets the first worker do something while the others wait for it."""
        if self.is_first:
            work()
        if self.count > 1:
            distributed.barrier()


ALONE = Share()


def training_device() -> torch.device:
    """This worker's GPU, or the CPU where there is none."""
    return (
        torch.device("cuda", torch.cuda.current_device())
        if torch.cuda.is_available()
        else torch.device("cpu")
    )


def placed(module: M, device: torch.device) -> M:
    """A network on its device, its kernels in the order that convolutions like best."""
    return module.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def half_precision(device: torch.device) -> torch.autocast:
    """Convolutions in bfloat16 on a GPU; a CPU is faster in full precision where channels are few."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda")


@contextmanager
def workers() -> Iterator[Share]:
    """Joins the workers that ``torchrun`` started; alone without it.

    Example:
        >>> with workers() as share:
        ...     share.count
        1
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield ALONE
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo", timeout=_PATIENCE)
    try:
        yield Share(distributed.get_rank(), count)
    finally:
        distributed.destroy_process_group()
