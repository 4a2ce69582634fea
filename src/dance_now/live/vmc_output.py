"""VMC output of a live performance: the first character's pose, for programs with their own avatar."""

from __future__ import annotations

from dance_now.live.live_frames import LiveResult
from dance_now.pose.formats.vmc_sender import VmcSender


class VmcOutput:
    """Sends every drawn frame's first character; a listener of the engine."""

    def __init__(self, sender: VmcSender) -> None:
        """Takes where it goes."""
        self._sender = sender
        self._start: float | None = None

    def write(self, result: LiveResult) -> None:
        """Sends a frame; nothing where nobody is shown. Never blocks."""
        if result.lead is None:
            return
        if self._start is None:
            self._start = result.time
        skeleton = result.lead.character.skeleton
        self._sender.send(skeleton, result.lead.retargeted, result.time - self._start)
