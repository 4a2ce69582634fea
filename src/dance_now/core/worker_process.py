"""Worker processes that end with their parent, however that ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from multiprocessing import connection


def end_with_parent() -> None:
    """Makes this worker process end when its parent has ended; call it once, when the worker starts.

    A parent that is killed cannot tell its workers, which would wait for work forever. Interrupts from the
    keyboard are left to the parent, which ends its workers in order.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=(parent.sentinel,), daemon=True).start()


def _end_after(sentinel: int) -> None:
    connection.wait([sentinel])
    os._exit(1)
