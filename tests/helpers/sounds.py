"""Sounds for tests: files with a tone."""

from __future__ import annotations

import wave
from pathlib import Path

import av
import numpy as np

RATE = 16_000


def tone(seconds: float, hertz: float = 220.0, level: float = 0.5) -> np.ndarray:
    """A sine, full scale 1, RATE."""
    return level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)


def write_wave(path: Path, samples: np.ndarray) -> Path:
    """A WAVE file of 16 bits."""
    with wave.open(str(path), "w") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def write_talking_clip(path: Path, seconds: float = 1.0, silent: float = 0.4) -> Path:
    """A grey video of 10 frames a second whose sound begins after a silence."""
    samples = np.concatenate([np.zeros(round(silent * RATE)), tone(seconds - silent)])
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=10)
        video.width, video.height, video.pix_fmt = 96, 64, "yuv420p"
        sound = container.add_stream(
            "pcm_s16le" if path.suffix == ".mkv" else "aac", rate=RATE, layout="mono"
        )
        for _ in range(round(10 * seconds)):
            image = np.full((64, 96, 3), 90, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(video.encode(None))
        for start in range(0, len(samples), 1024):
            block = (samples[None, start : start + 1024] * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(block, format="s16", layout="mono")
            frame.rate, frame.pts = RATE, start
            container.mux(sound.encode(frame))
        container.mux(sound.encode(None))
    return path
