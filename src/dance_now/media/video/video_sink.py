"""Video sink: encodes frames with time stamps and audio through FFmpeg (PyAV)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

import av
import av.container
import av.filter
import cv2
import numpy as np

from dance_now.core.arrays import Image
from dance_now.media.sink import FileSink
from dance_now.media.source import Source
from dance_now.media.video.audio import AudioCopier
from dance_now.media.video.color_conversion import from_rgb, tag_colors
from dance_now.media.video.video_format import GIF_TIME_BASE, video_format

# Encoders divide frames among threads: files depend on their number, which is that of the cores by default.
_THREADS: Final = 3


class VideoSink(FileSink):
    """Writes a video file. The encoder opens with the first frame, whose size the others must have."""

    def __init__(
        self,
        path: Path,
        source: Source,
        alpha: bool,
        sound: bool = True,
        bit_depth: int = 8,
        size: tuple[int, int] | None = None,
    ) -> None:
        """Takes rate, time stamps, cut and audio from ``source``; writes nothing yet.

        Args:
            path: the file; its extension chooses the format.
            source: of the frames.
            alpha: keep transparency.
            sound: copy the source's first audio track.
            bit_depth: bits of a channel, 8 or 10.
            size: (width, height) of the frames to come; the source's by default.

        Raises:
            DanceNowError: the encoder is missing, or refuses the size.
        """
        super().__init__(path, alpha)
        self._format = video_format(path.suffix.lower(), alpha, bit_depth)
        self._format.check(path.suffix.lower(), *(size or source.size))
        self._source = source
        self._with_sound = sound and self._format.sound and source.has_audio
        self._time_base = self._format.time_base or source.time_base
        if self._format.constant_rate:
            self._time_base = 1 / source.frame_rate
        self._last_pts = -1
        self._container: av.container.OutputContainer | None = None
        self._sound: AudioCopier | None = None
        self._palette: _Palette | None = None

    def _write(self, image: Image, time: float, name: str) -> None:
        if self._alpha and image.shape[2] == 3:
            image = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2RGBA), np.uint8)
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
        width, height = self._format.coded_size(image.shape[1], image.shape[0])
        self._format.check_size(self.path.suffix, width, height)
        # bitexact: no random identifiers, so that the same frames give the same file.
        options = {"fflags": "+bitexact", **self._format.container_options}
        container = av.open(f"file:{self._part}", "w", format=None, container_options=options)
        self._container = container
        rate = self._source.frame_rate
        stream = container.add_stream(self._format.codec, rate=rate, options=dict(self._format.options))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = width, height
        stream.pix_fmt = self._format.pixel_format
        if self._format.tag is not None:
            stream.codec_context.codec_tag = self._format.tag
        stream.time_base = self._time_base
        stream.codec_context.time_base = self._time_base
        stream.codec_context.thread_type = "AUTO"
        stream.codec_context.thread_count = _THREADS
        self._stream = stream
        if self._format.codec == "gif":
            self._palette = _Palette(width, height, self._alpha)
        else:
            tag_colors(stream.codec_context, self._format.pixel_format)
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


class _Palette:
    """Quantises frames to 256 colors each (FFmpeg's palettegen and paletteuse)."""

    def __init__(self, width: int, height: int, alpha: bool) -> None:
        graph = av.filter.Graph()
        self._format = "rgba" if alpha else "rgb24"
        entry = graph.add_buffer(
            width=width, height=height, format=av.VideoFormat(self._format), time_base=GIF_TIME_BASE
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
        frame.pts, frame.time_base = self._count, GIF_TIME_BASE
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
