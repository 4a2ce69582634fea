"""Video source: decodes with PyAV (FFmpeg), one frame at a time, with the file's time stamps."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import av.container
import av.video

from dance_now.core.errors import DanceNowError
from dance_now.core.limits import MAX_FRAME_PIXELS, check_frame, max_frame_pixels
from dance_now.media.frame import Frame
from dance_now.media.source import DEFAULT_FRAME_RATE, Source, is_plausible_frame_rate
from dance_now.media.video.color_conversion import display_rotation, upright
from dance_now.media.video.deinterlacing import deinterlaced
from dance_now.media.video.tone_mapping import RgbConverter

_logger = logging.getLogger(__name__)

# Containers that hold their own data. Playlists, scripts and devices (hls, concat, dash, lavfi, ...) are
# absent on purpose: a file from a stranger must not make FFmpeg open other files or the network.
_CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,asf,flv,live_flv,mpegts,mpeg,mpegvideo,ogg,gif,apng,mxf,nut,"
    "ivf,h264,hevc,vvc,obu,av1,m4v,h263,h261,rm,dv,mjpeg,mjpeg_2000,wtv,swf,yuv4mpegpipe,nuv,nsv,roq,smk,bink,"
    "gxf,ivr,dirac,dnxhd,vc1,cavsvideo,flic,amv,jpegxl_anim,mp3,wav,w64,flac,aac,aiff,ac3,eac3,caf,au,ape,amr"
)
_MIN_FRAME_STEP = 1e-4
_LEADS = (0.0, 3.0, 15.0, math.inf)  # seconds before a cut at which decoding is tried to begin


def open_input(path: Path) -> av.container.InputContainer:
    """Opens a video for reading, with local files only and no playlists.

    Raises:
        DanceNowError: damaged, or not a video.
    """
    options = {"protocol_whitelist": "file", "format_whitelist": _CONTAINERS}
    try:
        # Streams are probed by decoding: nothing beyond any video's limit is.
        limits = {"max_pixels": str(MAX_FRAME_PIXELS)}
        return av.open(f"file:{path}", container_options=options, options=limits)
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
        self._file_bytes = path.stat().st_size
        self._running: list[av.container.InputContainer] = []
        with open_input(path) as container:
            stream = _video_stream(container, path)
            self._first_time = _stream_start(stream)
            self._stream_time_base = stream.time_base
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
        to_rgb = RgbConverter(self._stored_size)
        for decoded, time in self._timed_frames():
            time = max(time, last + _MIN_FRAME_STEP) if index else time
            try:
                image = upright(to_rgb(decoded), self._rotation)
            except av.FFmpegError as error:
                self._skip(error)
                continue
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
        half_frame = 0.5 / float(self.frame_rate)
        expected = 0.0
        container, frames = self._opened_at_start(half_frame)
        try:
            for frame in frames:
                # Frames that leave the decoder last carry no time base of their own.
                time = self._time_of(frame, expected)
                expected = time + 1 / float(self.frame_rate)
                if time >= self._end - half_frame * 1e-3:
                    return
                # A frame counts to the cut that holds its start, so that two cuts never share one.
                if time >= self._start - half_frame * 1e-3:
                    yield frame, max(0.0, time - self._start)
        finally:
            self._close(container)

    def _opened_at_start(
        self, half_frame: float
    ) -> tuple[av.container.InputContainer, Iterator[av.VideoFrame]]:
        """Opens the file and decodes from a frame at or before the cut's start.

        In containers without an index (MPEG transport streams) a seek may end behind the key frame that is
        needed; then it is tried again farther ahead, and at last the file is decoded from its beginning.
        """
        for lead in _LEADS:
            container = open_input(self.path)
            self._running.append(container)
            stream = _video_stream(container, self.path)
            stream.thread_type = "AUTO"
            is_last = lead == math.inf or lead >= self._start
            if not is_last:
                self._seek(container, stream, self._start - lead)
            frames = deinterlaced(self._decoded(container, stream))
            first = next(frames, None)
            if is_last or (first is not None and self._time_of(first, math.inf) <= self._start + half_frame):
                break
            self._close(container)
            self.skipped = 0
        return container, frames if first is None else chain([first], frames)

    def _time_of(self, frame: av.VideoFrame, expected: float) -> float:
        """Seconds since the file's first frame; as expected where the frame has no time stamp."""
        if frame.pts is None or self._stream_time_base is None:
            return expected
        return float(frame.pts * (frame.time_base or self._stream_time_base)) - self._first_time

    def _close(self, container: av.container.InputContainer) -> None:
        container.close()
        if container in self._running:
            self._running.remove(container)

    def _decoded(
        self, container: av.container.InputContainer, stream: av.VideoStream
    ) -> Iterator[av.VideoFrame]:
        packets = container.demux(stream)
        decode = _decoder(stream, max_frame_pixels(self._file_bytes))
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

    def _seek(self, container: av.container.InputContainer, stream: av.VideoStream, seconds: float) -> None:
        """Seeks to the key frame before a time; a file that is not seekable is decoded from its beginning."""
        time_base = stream.time_base or Fraction(1, 90000)
        with suppress(av.FFmpegError):
            container.seek(int((self._first_time + seconds) / time_base), stream=stream, backward=True)

    def _read_properties(
        self, container: av.container.InputContainer, stream: av.VideoStream, length: float | None
    ) -> None:
        self.has_audio = audio_stream(container) is not None
        self.frame_rate = _frame_rate(stream)
        self.time_base = _time_base(stream)
        end = min(self._end, length if length is not None else math.inf)
        if stream.frames and self._start == 0 and self._end == math.inf:
            self.frame_count = stream.frames
        elif end < math.inf:
            self.frame_count = max(1, round((end - self._start) * float(self.frame_rate)))

    def _read_first_frame(self, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        if stream.width and stream.height:  # else it is known with the first frame
            check_frame(self.path, stream.width, stream.height, self._file_bytes)
        first = next(self._decoded(container, stream), None)
        self.skipped = 0
        if first is None:
            limit = max_frame_pixels(self._file_bytes) / 1e6
            raise DanceNowError(
                f"{self.path} is damaged, or its frames have more than {limit:.0f} megapixels, too many for "
                "its size: none could be decoded."
            )
        aspect = stream.sample_aspect_ratio
        width = first.width
        if aspect and aspect != 1 and Fraction(1, 4) <= aspect <= 4:
            width = max(1, round(first.width * aspect))  # to square pixels
        check_frame(self.path, width, first.height, self._file_bytes)
        self._stored_size = (width, first.height)
        self._rotation = display_rotation(first)
        is_sideways = self._rotation[0] % 2 == 1
        self.size = (first.height, width) if is_sideways else (width, first.height)


def audio_stream(container: av.container.InputContainer) -> av.AudioStream | None:
    """First audio stream that FFmpeg can decode."""
    return next((stream for stream in container.streams.audio if stream.codec_context is not None), None)


def _video_stream(container: av.container.InputContainer, path: Path) -> av.VideoStream:
    streams = [
        stream
        for stream in container.streams.video
        if not stream.disposition & av.stream.Disposition.attached_pic  # cover art of a song
    ]
    if not streams:
        raise DanceNowError(f"{path} has no video stream, only audio or data. Choose a video or a photo.")
    if streams[0].codec_context is None:
        raise DanceNowError(f"{path} is damaged, or holds video of a kind that FFmpeg cannot decode.")
    return streams[0]


def _decoder(stream: av.VideoStream, max_pixels: int) -> Callable[[av.Packet | None], list[av.VideoFrame]]:
    """Decoder of the stream, which refuses frames of more pixels.

    For VP8 and VP9 with alpha it is libvpx instead of FFmpeg's own.
    """
    options = {"max_pixels": str(max_pixels)}
    name = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(stream.codec_context.name)
    if name is None or stream.metadata.get("alpha_mode") != "1":
        stream.codec_context.options = options
        return stream.decode
    context = av.CodecContext.create(name, "r")
    assert isinstance(context, av.VideoCodecContext)
    context.options = options
    return context.decode


def _stream_start(stream: av.VideoStream) -> float:
    if stream.start_time is None or stream.time_base is None:
        return 0.0
    return float(stream.start_time * stream.time_base)


def _length(container: av.container.InputContainer, stream: av.VideoStream) -> float | None:
    """Seconds of the video; of the whole file, sound included, where only that is known."""
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    stated = re.fullmatch(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)", stream.metadata.get("DURATION", ""))  # Matroska
    if stated is not None:
        return int(stated[1]) * 3600 + int(stated[2]) * 60 + float(stated[3])
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
