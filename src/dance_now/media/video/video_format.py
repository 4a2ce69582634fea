"""Video formats that can be written: container, codec and settings for each extension."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Final

import av

from dance_now.core.errors import DanceNowError
from dance_now.media.video.color_conversion import tag_colors

BIT_DEPTHS: Final = (8, 10)
GIF_TIME_BASE: Final = Fraction(1, 100)  # the format counts in hundredths of a second


@dataclass(frozen=True, kw_only=True)
class VideoFormat:
    """Encoder settings of one kind of video.

    Attributes:
        codec: FFmpeg's encoder name.
        pixel_format: of the encoder's input.
        max_side: pixels that a side may have.
        sound: whether it supports audio.
        time_base: the unit of its time stamps in seconds; None where any is supported.
        constant_rate: whether the container has no time stamps, only a frame rate.
        tag: four-character code of the stream, where players expect another than FFmpeg's.
        options: encoder options.
        container_options: muxer options.
    """

    codec: str
    pixel_format: str
    max_side: int = 65535
    sound: bool = True
    time_base: Fraction | None = None
    constant_rate: bool = False
    tag: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    container_options: dict[str, str] = field(default_factory=dict)

    @property
    def is_yuv(self) -> bool:
        """Tests whether the input is YUV; then width and height must be even."""
        return self.pixel_format.startswith("yuv")

    def coded_size(self, width: int, height: int) -> tuple[int, int]:
        """Size of the frames in the file: even for YUV."""
        return (width + width % 2, height + height % 2) if self.is_yuv else (width, height)

    def check_size(self, extension: str, width: int, height: int) -> None:
        """Checks a frame's sides against the format's limit.

        Raises:
            DanceNowError: it is too large.
        """
        if max(width, height) > self.max_side:
            raise DanceNowError(
                f"{extension} supports at most {self.max_side} pixels a side, the frames have "
                f"{width}x{height}. Use .webm or a folder."
            )

    def check(self, extension: str, width: int, height: int) -> None:
        """Opens the encoder for frames of a size, and closes it again.

        Raises:
            DanceNowError: the encoder is missing, or refuses the size.
        """
        width, height = self.coded_size(width, height)
        self.check_size(extension, width, height)
        try:
            context = av.CodecContext.create(self.codec, "w")
        except ValueError as error:
            raise DanceNowError(
                f"{extension} files cannot be written: this FFmpeg has no {self.codec} encoder. Use another "
                "format."
            ) from error
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height, context.pix_fmt = width, height, self.pixel_format
        context.time_base, context.framerate = Fraction(1, 30), Fraction(30)
        context.options = dict(self.options)
        tag_colors(context, self.pixel_format)
        try:
            context.open()
        except (av.FFmpegError, ValueError) as error:
            raise DanceNowError(
                f"{extension} files cannot hold frames of {width}x{height} pixels ({self.codec} refuses "
                "them). Use .mp4, .webm or a folder."
            ) from error


_FAST_START: Final = {"movflags": "+faststart"}
_H264: Final = VideoFormat(
    codec="libx264",
    pixel_format="yuv420p",
    max_side=16384,
    # Half the time of "veryfast" with crf 18 for the same PSNR, with a third to two thirds more bytes. The
    # three that "ultrafast" leaves out cost little, and keep flat areas and dark gradients clean.
    options={"crf": "20", "preset": "ultrafast", "x264-params": "cabac=1:no-deblock=0:aq-mode=1"},
)
_HEVC_10: Final = VideoFormat(
    codec="libx265",
    pixel_format="yuv420p10le",
    max_side=16384,
    options={"crf": "16", "preset": "ultrafast", "x265-params": "log-level=error"},
)
_PRORES: Final = VideoFormat(
    codec="prores_aw",  # a quarter of the time of "prores_ks"
    pixel_format="yuva444p10le",
    options={"profile": "4", "vendor": "apl0"},  # ProRes 4444
    container_options=_FAST_START,
)
_FFV1: Final = VideoFormat(codec="ffv1", pixel_format="bgra", options={"level": "3"})
_VP9: Final = VideoFormat(
    codec="libvpx-vp9",
    pixel_format="yuv420p",
    options={"crf": "16", "b": "0", "deadline": "realtime", "cpu-used": "8", "row-mt": "1"},
)
_VP9_ALPHA: Final = replace(
    _VP9,
    pixel_format="yuva420p",
    options={**_VP9.options, "auto-alt-ref": "0"},  # alternate references are not allowed with alpha
)
_MOTION_JPEG: Final = VideoFormat(
    codec="mjpeg",  # H.264 in avi is shown one frame late, and MPEG-4 in avi does not say its colors
    pixel_format="yuvj420p",
    constant_rate=True,
    options={"flags": "+qscale", "global_quality": "236"},  # quantizer 2: the best
)
_WEBP: Final = VideoFormat(
    codec="libwebp_anim",
    pixel_format="bgra",  # the encoder's own way to YUV weighs colors by alpha, so edges stay clean
    max_side=16383,
    sound=False,
    time_base=Fraction(1, 1000),
    options={"quality": "90", "compression_level": "2"},
    container_options={"loop": "0"},
)
_GIF: Final = VideoFormat(
    codec="gif",
    pixel_format="pal8",
    sound=False,
    time_base=GIF_TIME_BASE,
    container_options={"loop": "0"},
)
_MP4: Final = replace(_H264, container_options=_FAST_START)
_MP4_10: Final = replace(_HEVC_10, tag="hvc1", container_options=_FAST_START)  # Apple's players want hvc1
# (extension, alpha, bits) -> format
_FORMATS: Final = {
    (".mp4", False, 8): _MP4,
    (".mp4", False, 10): _MP4_10,
    (".mov", False, 8): _MP4,
    (".mov", False, 10): _MP4_10,
    (".mov", True, 8): _PRORES,
    (".mov", True, 10): _PRORES,
    (".mkv", False, 8): _H264,
    (".mkv", False, 10): _HEVC_10,
    (".mkv", True, 8): _FFV1,
    (".mkv", True, 10): replace(_FFV1, pixel_format="yuva444p10le"),
    (".avi", False, 8): _MOTION_JPEG,
    (".webm", False, 8): _VP9,
    (".webm", True, 8): _VP9_ALPHA,
    (".webp", False, 8): _WEBP,
    (".webp", True, 8): _WEBP,
    (".gif", False, 8): _GIF,
    (".gif", True, 8): _GIF,
}
VIDEO_EXTENSIONS: Final = tuple(dict.fromkeys(extension for extension, _, _ in _FORMATS))
ALPHA_VIDEO_EXTENSIONS: Final = tuple(dict.fromkeys(extension for extension, alpha, _ in _FORMATS if alpha))


def video_format(extension: str, alpha: bool, bit_depth: int = 8) -> VideoFormat:
    """Chooses the format of an extension.

    Raises:
        DanceNowError: it does not support transparency or the bit depth.
    """
    if (extension, alpha, bit_depth) in _FORMATS:
        return _FORMATS[extension, alpha, bit_depth]
    fitting = ", ".join(name for name, *rest in _FORMATS if rest == [alpha, bit_depth])
    what = "transparency" if bit_depth == 8 else f"{bit_depth} bits"
    raise DanceNowError(f"{extension} does not support {what}. Use {fitting}.")
