"""Video source: decodes with PyAV (FFmpeg), one frame at a time, with the file's time stamps."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Generator, Iterator
from fractions import Fraction
from pathlib import Path

import av
import av.container
import av.video

from dance_now.core.errors import DanceNowError
from dance_now.media.frame import Frame
from dance_now.media.image.image_file import MAX_PIXELS
from dance_now.media.source import DEFAULT_FRAME_RATE, Source, is_plausible_frame_rate
from dance_now.media.video.color_conversion import display_rotation, to_rgb, upright

_logger = logging.getLogger(__name__)

# Containers that hold their own data. Playlists, scripts and devices (hls, concat, dash, lavfi, ...) are
# absent on purpose: a file from a stranger must not make FFmpeg open other files or the network.
_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,asf,flv,live_flv,mpegts,mpeg,mpegvideo,ogg,gif,apng,mxf,nut,"
    "ivf,h264,hevc,vvc,obu,av1,m4v,h263,h261,rm,dv,mjpeg,mjpeg_2000,wtv,swf,yuv4mpegpipe,nuv,nsv,roq,smk,bink,"
    "gxf,ivr,dirac,dnxhd,vc1,cavsvideo,flic,amv,jpegxl_anim,mp3,wav,w64,flac,aac,aiff,ac3,eac3,caf,au,ape,amr"
)
_MIN_FRAME_STEP = 1e-4


def open_input(path: Path) -> av.container.InputContainer:
    """Opens a video for reading, with local files only and no playlists.

    Raises:
        DanceNowError: damaged, or not a video.
    """
    options = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}
    try:
        return av.open(f"file:{path}", container_options=options)
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise DanceNowError(f"{path} is damaged or not a photo or video ({reason}).") from error


class VideoSource(Source):
    """Decodes a video file. Every pass opens it anew, for an analysis and a drawing pass."""

    kind = "video"

    def __init__(self, path: Path, start: float | None = None, end: float | None = None) -> None:
        """Opens the file, decodes the first frame it can, and closes it again.

        Raises:
            DanceNowError: damaged, no video in it, too large, or ``start`` after its end.
        """
        self.path = path
        self._start = start or 0.0
        self._end = math.inf if end is None else end
        self._running: list[av.container.InputContainer] = []
        with open_input(path) as container:
            stream = _video_stream(container, path)
            self._first_time = _stream_start(stream)
            length = _length(container, stream)
            if length is not None and self._start >= length:
                raise DanceNowError(f"start {self._start:g} is after the end of {path} ({length:.2f} s).")
            self._read_properties(container, stream, length)
            self._read_first_frame(container, stream)
        self.origin = self._first_time + self._start
        self.is_trimmed_at_start = self._start > 0
        self.duration = None if end is None else end - self._start

    def frames(self) -> Generator[Frame]:
        """Decodes the cut. Damaged frames are skipped and counted.

        Raises:
            DanceNowError: nothing in the cut could be decoded.
        """
        self.skipped = 0
        index = 0
        last = -math.inf
        for decoded, time in self._timed_frames():
            time = max(time, last + _MIN_FRAME_STEP) if index else time
            image = upright(to_rgb(decoded, self._stored_size), self._rotation)
            yield Frame(image, time, index)
            index, last = index + 1, time
        if index == 0:
            raise DanceNowError(f"no frame of {self.path} could be read between start and end.")

    def close(self) -> None:
        """Closes every running pass."""
        for container in self._running:
            container.close()
        self._running.clear()

    def _timed_frames(self) -> Iterator[tuple[av.VideoFrame, float]]:
        """Decodes frames of the cut with seconds since its start."""
        container = open_input(self.path)
        self._running.append(container)
        half_frame = 0.5 / float(self.frame_rate)
        expected = 0.0
        try:
            stream = _video_stream(container, self.path)
            stream.thread_type = "AUTO"
            if self._start > 0:
                expected = self._seek(container, stream)
            for frame in self._decoded(container, stream):
                # Frames that leave the decoder last carry no time base of their own.
                time = expected
                if frame.pts is not None and stream.time_base is not None:
                    time = float(frame.pts * stream.time_base) - self._first_time
                expected = time + 1 / float(self.frame_rate)
                if time >= self._end - half_frame * 1e-3:
                    return
                # A frame counts to the cut that holds its start, so that two cuts never share one.
                if time >= self._start - half_frame * 1e-3:
                    yield frame, max(0.0, time - self._start)
        finally:
            container.close()
            if container in self._running:
                self._running.remove(container)

    def _decoded(
        self, container: av.container.InputContainer, stream: av.VideoStream
    ) -> Iterator[av.VideoFrame]:
        packets = container.demux(stream)
        decode = _decoder(stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError as error:
                self._skip(error)
                packet = None
            try:
                frames = decode(packet)
            except av.EOFError:
                return
            except av.FFmpegError as error:
                self._skip(error)
                frames = []
            for frame in frames:
                if frame.is_corrupt:
                    self._skip("corrupt")
                else:
                    yield frame
            if packet is None or not packet.size:
                return

    def _skip(self, reason: object) -> None:
        self.skipped += 1
        _logger.warning("%s: skipped a damaged frame (%s)", self.path.name, reason)

    def _seek(self, container: av.container.InputContainer, stream: av.VideoStream) -> float:
        """Seeks to the key frame before the cut; returns the time to assume where frames carry none."""
        time_base = stream.time_base or Fraction(1, 90000)
        target = int((self._first_time + self._start) / float(time_base))
        try:
            container.seek(target, stream=stream, backward=True)
        except av.FFmpegError:
            return 0.0  # not seekable: decode from the start, frames before the cut are dropped anyway
        return self._start

    def _read_properties(
        self, container: av.container.InputContainer, stream: av.VideoStream, length: float | None
    ) -> None:
        self.has_audio = bool(container.streams.audio)
        self.frame_rate = _frame_rate(stream)
        self.time_base = _time_base(stream)
        end = min(self._end, length if length is not None else math.inf)
        if stream.frames and self._start == 0 and self._end == math.inf:
            self.frame_count = stream.frames
        elif end < math.inf:
            self.frame_count = max(1, round((end - self._start) * float(self.frame_rate)))

    def _read_first_frame(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        first = next(self._decoded(container, stream), None)
        self.skipped = 0
        if first is None:
            raise DanceNowError(f"{self.path} is damaged: no frame in it could be decoded.")
        aspect = stream.sample_aspect_ratio
        width = first.width
        if aspect and aspect != 1 and Fraction(1, 4) <= aspect <= 4:
            width = max(1, round(first.width * aspect))  # to square pixels
        if width * first.height > MAX_PIXELS:
            raise DanceNowError(
                f"{self.path} has frames of {width}x{first.height}; the limit is "
                f"{MAX_PIXELS // 1_000_000} megapixels."
            )
        self._stored_size = (width, first.height)
        self._rotation = display_rotation(first)
        is_sideways = self._rotation[0] % 2 == 1
        self.size = (first.height, width) if is_sideways else (width, first.height)


def _video_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:  # cover art of a song
            return stream
    raise DanceNowError(f"{path} has no video stream, only audio or data. Choose a video or a photo.")


def _decoder(stream: av.VideoStream) -> Callable[[av.Packet | None], list[av.VideoFrame]]:
    """Decoder of the stream: libvpx instead of FFmpeg's own for VP8 and VP9 with alpha."""
    name = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(stream.codec_context.name)
    if name is None or stream.metadata.get("alpha_mode") != "1":
        return stream.decode
    context = av.CodecContext.create(name, "r")
    assert isinstance(context, av.VideoCodecContext)
    return context.decode


def _stream_start(stream: av.VideoStream) -> float:
    if stream.start_time is None or stream.time_base is None:
        return 0.0
    return float(stream.start_time * stream.time_base)


def _length(container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _frame_rate(stream: av.VideoStream) -> Fraction:
    for rate in (stream.average_rate, stream.guessed_rate, stream.base_rate):
        if rate is not None and is_plausible_frame_rate(rate):
            return Fraction(rate)
    return DEFAULT_FRAME_RATE


def _time_base(stream: av.VideoStream) -> Fraction:
    """Time base of the file if encoders accept it, so that time stamps stay unchanged."""
    own = stream.time_base
    if own and own.numerator <= 1001 and own.denominator <= 1_000_000:
        return Fraction(own)
    return Fraction(1, 90000)
