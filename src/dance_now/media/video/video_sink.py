"""Video sinks: H.264, VP9 and ProRes with time stamps and audio, animated webp and gif."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
import av.container
import av.filter
import cv2
import numpy as np

from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.media.sink import FileSink
from dance_now.media.source import Source
from dance_now.media.video.audio import AudioCopier
from dance_now.media.video.color_conversion import from_rgb, tag_bt709

_GIF_TIME_BASE = Fraction(1, 100)  # the format counts in hundredths of a second


@dataclass(frozen=True, kw_only=True)
class VideoFormat:
    """Encoder settings of one kind of video.

    Attributes:
        codec: FFmpeg's encoder name.
        pixel_format: of the encoder's input.
        max_side: pixels that a side may have.
        sound: whether it supports audio.
        time_base: the unit of its time stamps in seconds; None where any is supported.
        options: encoder options.
        container_options: muxer options.
    """

    codec: str
    pixel_format: str
    max_side: int = 65535
    sound: bool = True
    time_base: Fraction | None = None
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)

    @property
    def is_yuv(self) -> bool:
        """Tests whether the input is YUV; then width and height must be even."""
        return self.pixel_format.startswith("yuv")


_FAST_START = {"movflags": "+faststart"}
_H264 = VideoFormat(
    codec="libx264",
    pixel_format="yuv420p",
    max_side=16384,
    # Half the time of "veryfast" with crf 18 for the same PSNR, with a third to two thirds more bytes. The
    # three that "ultrafast" leaves out cost little, and keep flat areas and dark gradients clean.
    options={"crf": "20", "preset": "ultrafast", "x264-params": "cabac=1:no-deblock=0:aq-mode=1"},
    container_options=_FAST_START,
)
_PRORES = VideoFormat(
    codec="prores_aw",  # a quarter of the time of "prores_ks"
    pixel_format="yuva444p10le",
    options={"profile": "4", "vendor": "apl0"},  # ProRes 4444
    container_options=_FAST_START,
)
_VP9 = VideoFormat(
    codec="libvpx-vp9",
    pixel_format="yuv420p",
    options={"crf": "16", "b": "0", "deadline": "realtime", "cpu-used": "8", "row-mt": "1"},
)
_VP9_ALPHA = replace(
    _VP9,
    pixel_format="yuva420p",
    options={**_VP9.options, "auto-alt-ref": "0"},  # alternate references are not allowed with alpha
)
_WEBP = VideoFormat(
    codec="libwebp_anim",
    pixel_format="bgra",  # the encoder's own way to YUV weighs colors by alpha, so edges stay clean
    max_side=16383,
    sound=False,
    time_base=Fraction(1, 1000),
    options={"quality": "90", "compression_level": "2"},
    container_options={"loop": "0"},
)
_GIF = VideoFormat(
    codec="gif",
    pixel_format="pal8",
    sound=False,
    time_base=_GIF_TIME_BASE,
    container_options={"loop": "0"},
)
_FORMATS = {
    ".mp4": {False: _H264},
    ".mov": {False: _H264, True: _PRORES},
    ".webm": {False: _VP9, True: _VP9_ALPHA},
    ".webp": {False: _WEBP, True: _WEBP},
    ".gif": {False: _GIF, True: _GIF},
}


class VideoSink(FileSink):
    """Writes a video file. The encoder opens with the first frame, whose size the others must have."""

    def __init__(self, path: Path, source: Source, alpha: bool, sound: bool = True) -> None:
        """Takes rate, time stamps, cut and audio from ``source``; writes nothing yet.

        Raises:
            DanceNowError: the encoder is missing.
        """
        super().__init__(path, alpha)
        self._format = _FORMATS[path.suffix.lower()][alpha]
        _check_encoder(self._format.codec, path)
        self._source = source
        self._with_sound = sound and self._format.sound and source.has_audio
        self._time_base = self._format.time_base or source.time_base
        self._last_pts = -1
        self._container: av.container.OutputContainer | None = None
        self._sound: AudioCopier | None = None
        self._palette: _Palette | None = None

    def _write(self, image: Image, time: float, name: str) -> None:
        self._check_size(image)
        container = self._container or self._open(image)
        if self._sound is not None:
            self._sound.advance(time)
        frame = self._converted(image)
        frame.pts = max(round(time / self._time_base), self._last_pts + 1)
        frame.time_base = self._time_base
        self._last_pts = frame.pts
        container.mux(self._stream.encode(frame))

    def _converted(self, image: Image) -> av.VideoFrame:
        if self._palette is not None:
            return self._palette.apply(image)
        if self._format.pixel_format == "bgra":
            order = cv2.COLOR_RGB2BGRA if image.shape[2] == 3 else cv2.COLOR_RGBA2BGRA
            return av.VideoFrame.from_ndarray(np.asarray(cv2.cvtColor(image, order), np.uint8), "bgra")
        return from_rgb(_even(image) if self._format.is_yuv else image, self._format.pixel_format)

    def _open(self, image: Image) -> av.container.OutputContainer:
        height, width = image.shape[:2]
        if self._format.is_yuv:
            height, width = height + height % 2, width + width % 2
        if max(height, width) > self._format.max_side:
            raise DanceNowError(
                f"{self.path.suffix} supports at most {self._format.max_side} pixels a side, the frames have "
                f"{width}x{height}. Use .webm or a folder."
            )
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
        stream.codec_context.thread_type = "AUTO"
        self._stream = stream
        if self._format is _GIF:
            self._palette = _Palette(width, height, self._alpha)
        elif self._format.is_yuv:
            tag_bt709(stream.codec_context)
        if self._with_sound:
            self._sound = AudioCopier(container, self.path.suffix.lower(), self._source)
        return container

    def _finish(self) -> None:
        assert self._container is not None
        if self._sound is not None:
            self._sound.finish()
        self._container.mux(self._stream.encode(None))
        self._container.close()
        self._container = None
        self._output.commit()

    def _close(self) -> None:
        if self._sound is not None:
            self._sound.close()
        try:
            if self._container is not None:  # unfinished: its end may find the disk full once more
                with suppress(av.FFmpegError, OSError):
                    self._container.close()
        finally:
            super()._close()


def _check_encoder(codec: str, path: Path) -> None:
    try:
        av.Codec(codec, "w")
    except ValueError as error:
        raise DanceNowError(
            f"{path.suffix} files cannot be written: this FFmpeg has no {codec} encoder. Use another format."
        ) from error


class _Palette:
    """Quantises frames to 256 colors each (FFmpeg's palettegen and paletteuse)."""

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
    """Pads an odd size by repeating the last row and column."""
    height, width = image.shape[:2]
    if height % 2 == 0 and width % 2 == 0:
        return image
    padded = cv2.copyMakeBorder(image, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    return np.asarray(padded, np.uint8)
