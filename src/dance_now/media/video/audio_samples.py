"""Audio decoding: the sound of a clip or a microphone as mono samples."""

from __future__ import annotations

import sys
from collections.abc import Generator
from pathlib import Path
from typing import Final

import av
import numpy as np
import numpy.typing as npt

from dance_now.core.errors import DanceNowError
from dance_now.media.source import Source
from dance_now.media.video.video_source import audio_stream, open_input

Samples = npt.NDArray[np.float64]

# FFmpeg's name of the system's sound input, and of its usual microphone.
_MICROPHONES: Final = {"linux": ("alsa", "default"), "darwin": ("avfoundation", ":0"), "win32": ("dshow", "")}


def clip_samples(source: Source, rate: int) -> Generator[Samples]:
    """Decodes a clip's first audio track as mono blocks (n,), full scale 1, from ``Frame.time`` 0 on.

    Gaps are silent, so that sample k is at k / rate seconds. What is damaged ends the sound.

    Args:
        source: its ``origin`` and ``duration`` cut the sound.
        rate: samples a second.
    """
    end = None if source.duration is None else round(source.duration * rate)
    done = 0
    with open_input(source.path) as container:
        for first, block in _blocks(container, rate, source.origin):
            if first > done:
                yield np.zeros(first - done)
                done = first
            block = block[max(done - first, 0) :]
            if end is not None:
                block = block[: max(end - done, 0)]
            if len(block):
                yield block
                done += len(block)
            if end is not None and done >= end:
                return


def microphone_samples(name: str, rate: int) -> Generator[Samples]:
    """Yields mono blocks (n,) of a microphone as they come, or of a sound file; ends where it is lost.

    Args:
        name: FFmpeg's name of the device, ``auto`` for the system's usual one, or an audio file.
        rate: samples a second.

    Raises:
        DanceNowError: it cannot be opened.
    """
    if Path(name).is_file():
        container = open_input(Path(name))
    else:
        kind, usual = _MICROPHONES.get(sys.platform, ("alsa", "default"))
        try:
            container = av.open(usual if name == "auto" else name, format=kind)
        except (av.FFmpegError, OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise DanceNowError(
                f"the microphone {name} cannot be opened ({reason}). Name another, or leave out mouth.",
                option="microphone",
            ) from error
    with container:
        for _, block in _blocks(container, rate, 0.0):
            yield block


def _blocks(
    container: av.container.InputContainer, rate: int, origin: float
) -> Generator[tuple[int, Samples]]:
    """Resampled blocks and the number of each one's first sample, counted from ``origin`` seconds."""
    track = audio_stream(container)
    if track is None:
        raise DanceNowError(
            f"{Path(container.name).name} has no sound track, which mouth sound needs.", option="mouth"
        )
    resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
    place: int | None = None
    try:
        for frame in container.decode(track):
            if place is None:
                place = round(((frame.time or 0.0) - origin) * rate)
            for resampled in resampler.resample(frame):
                block = resampled.to_ndarray()[0].astype(np.float64)
                yield place, block
                place += len(block)
    except av.FFmpegError:
        return  # what was read until here counts
