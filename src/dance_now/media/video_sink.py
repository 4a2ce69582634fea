"""Videos and animations as sinks: H.264, VP9 and ProRes with their time stamps and sound, and gif."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import av.container
import av.filter
import cv2
import numpy as np

from dance_now.arrays import Image
from dance_now.errors import DanceNowError
from dance_now.media.colour import from_rgb, tag_bt709
from dance_now.media.sink import Sink
from dance_now.media.sound import SoundCopier
from dance_now.media.source import Source

_GIF_TIME_BASE = Fraction(1, 100)  # the format counts in hundredths of a second


@dataclass(frozen=True, kw_only=True)
class VideoFormat:
    """How one kind of video is encoded.

    Attributes:
        codec: FFmpeg's encoder name.
        pixel_format: what the encoder takes.
        even: whether width and height must be even (subsampled chroma).
        options: encoder options.
        container_options: muxer options.
    """

    codec: str
    pixel_format: str
    even: bool = True
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)


_FAST_START = {"movflags": "+faststart"}
_H264 = VideoFormat(
    codec="libx264",
    pixel_format="yuv420p",
    options={"crf": "18", "preset": "veryfast"},
    container_options=_FAST_START,
)
_VP9_OPTIONS = {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "5", "row-mt": "1"}
_FORMATS = {
    (".mp4", False): _H264,
    (".mov", False): _H264,
    (".mov", True): VideoFormat(
        codec="prores_ks",
        pixel_format="yuva444p10le",
        even=False,
        options={"profile": "4444", "alpha_bits": "16", "vendor": "apl0"},
        container_options=_FAST_START,
    ),
    (".webm", False): VideoFormat(codec="libvpx-vp9", pixel_format="yuv420p", options=_VP9_OPTIONS),
    (".webm", True): VideoFormat(
        codec="libvpx-vp9",
        pixel_format="yuva420p",
        options={**_VP9_OPTIONS, "auto-alt-ref": "0"},  # alternate references are not allowed with alpha
    ),
}
_GIF = VideoFormat(codec="gif", pixel_format="pal8", even=False, container_options={"loop": "0"})


class VideoSink(Sink):
    """A video file. The encoder opens with the first picture, whose size the others must have."""

    def __init__(self, path: Path, source: Source, alpha: bool, sound: bool = True) -> None:
        """Takes rate, time stamps, cut and sound from ``source``; writes nothing yet."""
        super().__init__(path, alpha)
        self._source = source
        self._with_sound = sound and source.has_audio
        self._is_gif = path.suffix.lower() == ".gif"
        self._format = _GIF if self._is_gif else _FORMATS[path.suffix.lower(), alpha]
        self._time_base = _GIF_TIME_BASE if self._is_gif else source.time_base
        self._last_pts = -1
        self._size: tuple[int, ...] = ()
        self._container: av.container.OutputContainer | None = None
        self._sound: SoundCopier | None = None
        self._palette: _Palette | None = None

    def _write(self, image: Image, time: float) -> None:
        if not self._size:
            self._size = image.shape
            self._open(image)
        if image.shape != self._size:
            raise DanceNowError(
                f"picture {self.written + 1} has another size ({image.shape[1]}x{image.shape[0]}) "
                f"than the first ({self._size[1]}x{self._size[0]}): use a folder as output instead."
            )
        assert self._container is not None
        if self._sound is not None:
            self._sound.advance(time)
        frame = self._converted(image)
        frame.pts = max(round(time / self._time_base), self._last_pts + 1)
        frame.time_base = self._time_base
        self._last_pts = frame.pts
        self._container.mux(self._stream.encode(frame))

    def _converted(self, image: Image) -> av.VideoFrame:
        if self._palette is not None:
            return self._palette.apply(image)
        return from_rgb(_even(image) if self._format.even else image, self._format.pixel_format)

    def _open(self, image: Image) -> None:
        height, width = image.shape[:2]
        if self._format.even:
            height, width = height + height % 2, width + width % 2
        container = av.open(
            f"file:{self._part}", "w", format=None, container_options=dict(self._format.container_options)
        )
        self._container = container
        rate = self._source.frame_rate
        stream = container.add_stream(self._format.codec, rate=rate, options=dict(self._format.options))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = width, height
        stream.pix_fmt = self._format.pixel_format
        stream.time_base = self._time_base
        stream.codec_context.time_base = self._time_base
        self._stream = stream
        if self._is_gif:
            self._palette = _Palette(width, height, self._alpha)
            return
        tag_bt709(stream.codec_context)
        stream.codec_context.thread_type = "AUTO"
        if self._with_sound:
            self._sound = SoundCopier(container, self.path.suffix.lower(), self._source)

    def _finish(self) -> None:
        assert self._container is not None
        if self._sound is not None:
            self._sound.finish()
        self._container.mux(self._stream.encode(None))
        self._container.close()
        self._container = None
        os.replace(self._part, self.path)

    def _abandon(self) -> None:
        if self._sound is not None:
            self._sound.close()
        if self._container is not None:
            container, self._container = self._container, None
            container.close()


class _Palette:
    """Turns pictures into 256 colours of their own, one at a time (FFmpeg's palettegen and paletteuse)."""

    def __init__(self, width: int, height: int, alpha: bool) -> None:
        graph = av.filter.Graph()
        self._format = "rgba" if alpha else "rgb24"
        entry = graph.add_buffer(
            width=width, height=height, format=av.VideoFormat(self._format), time_base=_GIF_TIME_BASE
        )
        split = graph.add("split")
        reserve = "1" if alpha else "0"
        generate = graph.add("palettegen", f"stats_mode=single:reserve_transparent={reserve}")
        use = graph.add("paletteuse", "new=1:dither=bayer:bayer_scale=3:alpha_threshold=128")
        end = graph.add("buffersink")
        entry.link_to(split)
        split.link_to(use, 0, 0)
        split.link_to(generate, 1, 0)
        generate.link_to(use, 0, 1)
        use.link_to(end)
        graph.configure()
        self._graph = graph
        self._count = 0

    def apply(self, image: Image) -> av.VideoFrame:
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format=self._format)
        frame.pts, frame.time_base = self._count, _GIF_TIME_BASE
        self._count += 1
        self._graph.push(frame)
        result = self._graph.pull()
        assert isinstance(result, av.VideoFrame)
        return result


def _even(image: Image) -> Image:
    """Repeats the last row and column where the size is odd."""
    height, width = image.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return image
    padded = cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    return np.asarray(padded, np.uint8)
