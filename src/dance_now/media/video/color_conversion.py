"""YUV to RGB conversion with explicit color matrix and range (ITU-R BT.601, BT.709).

FFmpeg falls back to BT.601 where a file does not name its matrix; players take BT.709 for frames
larger than standard definition, and so does this module.
"""

from __future__ import annotations

import struct

import av
import av.video.plane
import cv2
import numpy as np
import numpy.typing as npt
from av.buffer import Buffer
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from dance_now.core.arrays import Image
from dance_now.media.image.image_file import over_white

_UNSPECIFIED_MATRIX = 2  # AVCOL_SPC_UNSPECIFIED
_RGB_MATRIX = 0  # AVCOL_SPC_RGB
_BT709 = 1  # AVCOL_SPC_BT709, AVCOL_PRI_BT709 and AVCOL_TRC_BT709 share the number
SHARP_CHROMA = (
    Interpolation.BICUBIC
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.ACCURATE_RND
)
# Weights of red and blue in luma.
_LUMA_WEIGHTS = {int(Colorspace.ITU601): (0.299, 0.114), int(Colorspace.ITU709): (0.2126, 0.0722)}
_YUV_ZERO = np.array([16.0, 128.0, 128.0])  # black in limited range


def to_rgb(frame: av.VideoFrame, size: tuple[int, int]) -> Image:
    """Converts a frame to (H, W, 3) uint8 RGB of ``size`` = (width, height); alpha goes over white."""
    weights = _LUMA_WEIGHTS.get(color_matrix(frame) or frame.colorspace)
    limited = frame.color_range in (int(ColorRange.UNSPECIFIED), int(ColorRange.MPEG))
    if frame.format.name == "yuv420p" and limited and weights and size == (frame.width, frame.height):
        return _to_rgb_fast(frame, *weights)
    has_alpha = has_alpha_plane(frame.format.name)
    converted = frame.reformat(
        width=size[0],
        height=size[1],
        format="rgba" if has_alpha else "rgb24",
        src_colorspace=color_matrix(frame),
        interpolation=SHARP_CHROMA,
    )
    pixels: Image = np.asarray(converted.to_ndarray(), np.uint8)
    return over_white(pixels) if has_alpha else pixels


def _to_rgb_fast(frame: av.VideoFrame, red: float, blue: float) -> Image:
    """Converts yuv420p in a quarter of FFmpeg's time, which only upsamples the chroma.

    Args:
        frame: yuv420p in limited range.
        red: weight of red in luma.
        blue: weight of blue in luma.
    """
    full = frame.reformat(format="yuv444p", interpolation=Interpolation.BICUBIC)
    from_yuv = np.linalg.inv(_rgb_to_yuv_matrix(red, blue))
    offset = from_yuv @ -_YUV_ZERO
    yuv = cv2.merge([_plane_array(plane) for plane in full.planes])
    return np.asarray(cv2.transform(yuv, np.column_stack([from_yuv, offset])), np.uint8)


def from_rgb(image: Image, pixel_format: str) -> av.VideoFrame:
    """Converts (H, W, 3) or (H, W, 4) uint8 to a frame with the colors of ``tag_colors``, tagged as such."""
    height, width, channels = image.shape
    if pixel_format == "yuv420p" and channels == 3 and height % 2 == width % 2 == 0:
        return _from_rgb_fast(image)
    source = av.VideoFrame.from_ndarray(
        np.ascontiguousarray(image), format="rgba" if image.shape[2] == 4 else "rgb24"
    )
    frame = source.reformat(
        format=pixel_format,
        src_color_range=ColorRange.JPEG,
        dst_colorspace=Colorspace.ITU601 if _is_jpeg(pixel_format) else Colorspace.ITU709,
        dst_color_range=ColorRange.JPEG if _is_jpeg(pixel_format) else ColorRange.MPEG,
        interpolation=SHARP_CHROMA,
    )
    tag_colors(frame, pixel_format)
    return frame


def _from_rgb_fast(image: Image) -> av.VideoFrame:
    """Converts (H, W, 3) with even sides to yuv420p in a third of FFmpeg's time."""
    height, width = image.shape[:2]
    to_yuv = _rgb_to_yuv_matrix(*_LUMA_WEIGHTS[int(Colorspace.ITU709)])
    full = cv2.transform(image, np.column_stack([to_yuv, _YUV_ZERO]))
    half = cv2.resize(full, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    frame = av.VideoFrame(width, height, "yuv420p")
    for channel, plane in enumerate(frame.planes):
        _plane_array(plane)[:] = cv2.extractChannel(half if channel else full, channel)
    tag_colors(frame, frame.format.name)
    return frame


def _rgb_to_yuv_matrix(red: float, blue: float) -> npt.NDArray[np.float64]:
    """Matrix (3, 3) from RGB of 0..255 to Y, Cb, Cr in limited range, without their offset.

    Args:
        red: weight of red in luma.
        blue: weight of blue in luma.
    """
    luma = np.array([red, 1 - red - blue, blue])
    cb = (np.array([0, 0, 1]) - luma) / (2 * (1 - blue))
    cr = (np.array([1, 0, 0]) - luma) / (2 * (1 - red))
    return np.stack([219 * luma, 224 * cb, 224 * cr]) / 255


def _plane_array(plane: av.video.plane.VideoPlane) -> Image:
    """View of an 8-bit plane: (H, W) uint8."""
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(plane.height, plane.line_size)
    return rows[:, : plane.width]


def tag_colors(target: av.VideoFrame | av.video.codeccontext.VideoCodecContext, pixel_format: str) -> None:
    """Tags a YUV frame or encoder as BT.709 in limited range, or JPEG's as BT.601 in full range (JFIF)."""
    if not pixel_format.startswith("yuv"):
        return
    target.colorspace = int(Colorspace.ITU601) if _is_jpeg(pixel_format) else _BT709
    target.color_range = int(ColorRange.JPEG if _is_jpeg(pixel_format) else ColorRange.MPEG)
    target.color_primaries = _BT709
    target.color_trc = _BT709


def _is_jpeg(pixel_format: str) -> bool:
    return pixel_format.startswith("yuvj")


def has_alpha_plane(pixel_format: str) -> bool:
    """Tests whether an FFmpeg pixel format has an alpha channel."""
    return pixel_format.startswith(("yuva", "gbrap", "rgba", "bgra", "argb", "abgr", "ya8", "ya16", "pal8"))


def display_rotation(frame: av.VideoFrame) -> tuple[int, bool]:
    """Rotation (quarter turns counter-clockwise, mirrored first) that makes a decoded frame upright.

    Source: the display matrix of ISO/IEC 14496-12 as FFmpeg exposes it: nine 32-bit integers, 16.16.
    """
    matrix = frame.side_data.get("DISPLAYMATRIX")
    if not isinstance(matrix, Buffer):
        return 0, False
    a, b, _, c, d = struct.unpack_from("=5i", bytes(matrix))
    mirrored = a * d - b * c < 0
    if mirrored:
        a, b = -a, -b
    turns = round(np.arctan2(-b, a) / (np.pi / 2)) % 4
    return int(turns), mirrored


def upright(image: Image, rotation: tuple[int, bool]) -> Image:
    """Rotates an image by a ``display_rotation``."""
    turns, mirrored = rotation
    if mirrored:
        image = image[:, ::-1]
    return np.ascontiguousarray(np.rot90(image, turns)) if turns or mirrored else image


def color_matrix(frame: av.VideoFrame) -> int | None:
    """YUV matrix of a frame that does not name it; None where it does."""
    if frame.colorspace == _UNSPECIFIED_MATRIX and frame.format.name.startswith("yuv"):
        standard = frame.height <= 576 and frame.width <= 1024
        return int(Colorspace.ITU601 if standard else Colorspace.ITU709)
    return None
