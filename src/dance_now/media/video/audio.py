"""Audio stream copy: carries a video's first audio track over, re-encoded where the container needs it."""

from __future__ import annotations

import logging
import math
from collections.abc import Generator

import av
import av.audio
import av.container

from dance_now.media.source import Source
from dance_now.media.video.video_source import audio_stream, open_input

_logger = logging.getLogger(__name__)

_COPIED = {
    ".mp4": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "opus"}),
    ".mov": frozenset({"aac", "mp3", "ac3", "eac3", "alac", "pcm_s16le", "pcm_s16be", "pcm_s24le"}),
    ".mkv": frozenset(
        {"aac", "mp3", "ac3", "eac3", "alac", "opus", "vorbis", "flac", "dts", "truehd"}
        | {"pcm_s16le", "pcm_s24le", "pcm_f32le"}
    ),
    ".avi": frozenset({"mp3", "ac3", "pcm_s16le"}),
    ".webm": frozenset({"opus", "vorbis"}),
}
_ENCODERS = {".webm": "libopus", ".avi": "libmp3lame"}  # the others take aac
_BIT_RATE = 160_000
_MAX_PRIMING = 0.2  # seconds of encoder delay (priming) before time 0


class AudioCopier:
    """Muxes the audio of a source's cut into an output, interleaved with its frames.

    Create it before the first packet is muxed: it adds the audio stream to the container.
    """

    def __init__(self, output: av.container.OutputContainer, extension: str, source: Source) -> None:
        """Opens the source's file a second time and adds a stream to ``output``.

        Args:
            output: the container that is being written.
            extension: of the target, with its dot: decides between copying and encoding.
            source: its ``origin`` and ``duration`` cut the audio.
        """
        self._output = output
        self._origin = source.origin
        self._has_start = source.is_trimmed_at_start
        self._end = math.inf if source.duration is None else source.duration
        self._input = open_input(source.path)
        track = audio_stream(self._input)
        assert track is not None  # see Source.has_audio
        self._track = track
        self._copies = self._track.codec_context.codec.canonical_name in _COPIED[extension]
        if self._copies:
            self._stream = output.add_stream_from_template(self._track)
        else:
            self._stream = self._add_encoder(_ENCODERS.get(extension, "aac"))
        if self._has_start:
            self._seek()
        self._packets = self._read()
        self._next = next(self._packets, None)

    def advance(self, until: float) -> None:
        """Writes the audio up to ``until`` seconds of the cut, so that both tracks stay interleaved."""
        while self._next is not None and self._next[1] <= until:
            self._write(self._next[0])
            self._next = next(self._packets, None)

    def finish(self) -> None:
        """Writes the rest of the cut's audio."""
        self.advance(math.inf)
        if not self._copies:
            self._output.mux(self._stream.encode(None))

    def close(self) -> None:
        """Closes the source's file."""
        self._packets.close()
        self._input.close()

    def _add_encoder(self, codec: str) -> av.audio.AudioStream:
        rate = 48000 if codec == "libopus" else min(self._track.rate or 48000, 48000)
        layout = "mono" if self._track.channels == 1 else "stereo"
        stream = self._output.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(stream, av.AudioStream)
        stream.bit_rate = _BIT_RATE
        return stream

    def _seek(self) -> None:
        try:
            self._input.seek(int(max(0.0, self._origin - 1.0) * av.time_base), backward=True)
        except av.FFmpegError:
            _logger.debug("the audio is not seekable; reading from the start")

    def _read(self) -> Generator[tuple[av.Packet, float]]:
        """Demuxes packets of the cut with their seconds since its start."""
        earliest = 0.0 if self._has_start else -_MAX_PRIMING
        try:
            for packet in self._input.demux(self._track):
                if packet.pts is None or not packet.size:
                    continue
                length = float((packet.duration or 0) * packet.time_base)
                time = float(packet.pts * packet.time_base) - self._origin
                if time >= self._end:
                    return
                if time + length / 2 >= earliest:
                    yield packet, time
        except av.FFmpegError as error:
            _logger.warning("the audio ends early: %s", error)

    def _write(self, packet: av.Packet) -> None:
        assert packet.pts is not None  # see _read
        if self._copies:
            shift = round(self._origin / packet.time_base)
            packet.pts -= shift
            packet.dts = packet.pts if packet.dts is None else packet.dts - shift
            packet.stream = self._stream
            self._output.mux(packet)
            return
        try:
            frames = packet.decode()
        except av.FFmpegError as error:
            _logger.warning("skipped damaged audio: %s", error)
            return
        for frame in frames:
            assert isinstance(frame, av.AudioFrame)
            if frame.pts is not None and frame.time_base is not None:
                frame.pts -= round(self._origin / frame.time_base)
            self._output.mux(self._stream.encode(frame))
