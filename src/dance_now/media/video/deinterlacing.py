"""Deinterlacing of video from camcorders, television and tape, by FFmpeg's ``bwdif`` (Bob Weaver).

Source: the BBC's PH-2071, "Deinterlacing" (Weston 3-field), and yadif, which ``bwdif`` combines.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import av
import av.filter

_ANY_TIME_BASE: Final = Fraction(1, 90000)  # of frames that carry none


def deinterlaced(frames: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    """Turns interlaced frames into progressive ones, at the same rate; others pass unchanged.

    From the first interlaced frame on, frames come out one later, since the filter looks at both neighbors.
    """
    deinterlacer: _Deinterlacer | None = None
    for frame in frames:
        if deinterlacer is not None and not deinterlacer.fits(frame):
            yield from deinterlacer.flush()
            deinterlacer = None
        if deinterlacer is None and frame.interlaced_frame:
            deinterlacer = _Deinterlacer(frame)
        if deinterlacer is None:
            yield frame
        else:
            yield from deinterlacer.process(frame)
    if deinterlacer is not None:
        yield from deinterlacer.flush()


class _Deinterlacer:
    """Filter graph for frames of one size and pixel format."""

    def __init__(self, frame: av.VideoFrame) -> None:
        self._layout = _layout(frame)
        self._time_base = frame.time_base or _ANY_TIME_BASE
        graph = av.filter.Graph()
        entry = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=self._time_base
        )
        # One frame for each frame, not for each field; "interlaced": by each frame's own flag.
        graph.link_nodes(
            entry, graph.add("bwdif", "mode=send_frame:deint=interlaced"), graph.add("buffersink")
        )
        graph.configure()
        self._graph = graph

    def fits(self, frame: av.VideoFrame) -> bool:
        """Tests whether a frame has the graph's size and pixel format."""
        return _layout(frame) == self._layout

    def process(self, frame: av.VideoFrame) -> Iterator[av.VideoFrame]:
        """Filters a frame."""
        self._graph.vpush(frame)
        yield from self._finished()

    def flush(self) -> Iterator[av.VideoFrame]:
        """Returns the frames that the filter still holds."""
        self._graph.vpush(None)
        yield from self._finished()

    def _finished(self) -> Iterator[av.VideoFrame]:
        while True:
            try:
                frame = self._graph.vpull()
            except (av.BlockingIOError, av.EOFError):
                return
            if frame.pts is not None and frame.time_base is not None:
                frame.pts = round(frame.pts * frame.time_base / self._time_base)
            frame.time_base = self._time_base
            yield frame


def _layout(frame: av.VideoFrame) -> tuple[int, int, str]:
    return frame.width, frame.height, frame.format.name
