"""Tone mapping of HDR video (HLG, PQ) and gamut mapping of wide-gamut video to sRGB, by a 3D lookup table.

Sources: ITU-R BT.2100 (the HLG and PQ curves), BT.2408 (diffuse white at 203 cd/m2), BT.2087 (BT.2020 to
BT.709), SMPTE RP 431 (P3), IEC 61966-2-1 (sRGB); Reinhard et al., "Photographic Tone Reproduction for Digital
Images" (SIGGRAPH 2002), the extended curve, for the highlights alone.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from typing import Final

import av
import av.filter
import numpy as np
import numpy.typing as npt
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc

from dance_now.core.arrays import Image
from dance_now.media.video.color_conversion import SHARP_CHROMA, color_matrix, to_rgb

_Colors = npt.NDArray[np.float64]

_LEVEL: Final = 7  # of the Hald image: 49 entries along each axis of the table
_FORMAT: Final = "rgb48le"  # packed: the filter mistakes the order of planes
_TIME_BASE: Final = Fraction(1, 90000)
_WHITE: Final = 203.0  # cd/m2 of diffuse white
_HLG_PEAK: Final = 1000.0  # cd/m2 of the nominal display
_PEAK: Final = 1000.0  # cd/m2 that become the brightest level; brighter highlights clip
_KNEE: Final = 0.85  # of diffuse white's light: everything below keeps its light
_LUMA_2020: Final = np.array([0.2627, 0.6780, 0.0593])
_LUMA_709: Final = np.array([0.2126, 0.7152, 0.0722])
_TO_709: Final = {
    int(ColorPrimaries.BT2020): np.array(
        [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]]
    ),
    int(ColorPrimaries.SMPTE432): np.array(
        [[1.224940, -0.224940, 0.0], [-0.042057, 1.042057, 0.0], [-0.019638, -0.078636, 1.098274]]
    ),
}
_HDR: Final = (int(ColorTrc.SMPTE2084), int(ColorTrc.ARIB_STD_B67))


def color_encoding(frame: av.VideoFrame) -> tuple[int, int] | None:
    """Transfer function and primaries of a frame that needs tone or gamut mapping; None for other frames.

    HDR without primaries, and any frame with BT.2020's matrix, counts as BT.2020. HDR that is not tagged as
    such cannot be told from SDR, and is read as that.
    """
    transfer, primaries = int(frame.color_trc), int(frame.color_primaries)
    if primaries == int(ColorPrimaries.UNSPECIFIED) and (
        transfer in _HDR or frame.colorspace == int(Colorspace.BT2020)
    ):
        primaries = int(ColorPrimaries.BT2020)
    return (transfer, primaries) if transfer in _HDR or primaries in _TO_709 else None


class RgbConverter:
    """Converts the frames of one clip, in order, to (H, W, 3) uint8 sRGB; HDR and wide gamut are mapped."""

    def __init__(self, size: tuple[int, int]) -> None:
        """``size``: (width, height) of the result."""
        self._size = size
        self._encoding: tuple[int, int] | None = None
        self._mapper: _ToneMapper | None = None

    def __call__(self, frame: av.VideoFrame) -> Image:
        """Converts a frame; alpha goes over white."""
        encoding = color_encoding(frame)
        if encoding is None:
            return to_rgb(frame, self._size)
        if self._mapper is None or encoding != self._encoding:
            self._encoding, self._mapper = encoding, _ToneMapper(self._size, encoding)
        return self._mapper(frame)


class _ToneMapper:
    """Maps the frames of one clip to sRGB (FFmpeg's ``haldclut`` with a table made here)."""

    def __init__(self, size: tuple[int, int], encoding: tuple[int, int]) -> None:
        """Makes the table.

        Args:
            size: (width, height) of the result.
            encoding: what ``color_encoding`` returned for the frames.
        """
        self._size = size
        graph = av.filter.Graph()
        table = hald_image(*encoding)
        entry = graph.add_buffer(
            width=size[0], height=size[1], format=av.VideoFormat(_FORMAT), time_base=_TIME_BASE
        )
        second = graph.add_buffer(
            width=table.width, height=table.height, format=av.VideoFormat(_FORMAT), time_base=_TIME_BASE
        )
        lookup = graph.add("haldclut", "interp=tetrahedral:clut=first")
        end = graph.add("buffersink")
        entry.link_to(lookup, 0, 0)
        second.link_to(lookup, 0, 1)
        lookup.link_to(end)
        graph.configure()
        graph.push(table, at=1)
        graph.push(None, at=1)
        self._graph = graph
        self._count = 0

    def __call__(self, frame: av.VideoFrame) -> Image:
        """Converts a frame, YUV or RGB of any depth, to (H, W, 3) uint8 sRGB."""
        coded = frame.reformat(
            *self._size, format=_FORMAT, src_colorspace=color_matrix(frame), interpolation=SHARP_CHROMA
        )
        coded.pts, coded.time_base = self._count, _TIME_BASE
        self._count += 1
        self._graph.push(coded, at=0)
        mapped = self._graph.vpull()
        return np.asarray(mapped.reformat(format="rgb24").to_ndarray(), np.uint8)


@lru_cache(maxsize=8)
def hald_image(transfer: int, primaries: int) -> av.VideoFrame:
    """Table as a Hald image: an entry for each color, red running fastest, then green, then blue."""
    side = _LEVEL**2
    steps = np.linspace(0, 1, side)
    blue, green, red = np.meshgrid(steps, steps, steps, indexing="ij")
    colors = to_srgb(np.stack([red, green, blue], axis=-1).reshape(-1, 3), transfer, primaries)
    levels = np.rint(colors * 65535).astype("<u2").reshape(_LEVEL**3, _LEVEL**3, 3)
    image = av.VideoFrame.from_ndarray(levels, format=_FORMAT)
    image.pts, image.time_base = 0, _TIME_BASE
    return image


def to_srgb(coded: _Colors, transfer: int, primaries: int) -> _Colors:
    """Maps coded colors to sRGB.

    Args:
        coded: (n, 3) RGB in 0..1 as coded by the video.
        transfer: FFmpeg's number of the transfer function; other than HLG and PQ count as sRGB's.
        primaries: FFmpeg's number of the primaries; unknown ones count as BT.709's.

    Returns:
        (n, 3) in 0..1.
    """
    if transfer == int(ColorTrc.SMPTE2084):
        light = _pq_light(coded) / _WHITE
    elif transfer == int(ColorTrc.ARIB_STD_B67):
        light = _hlg_light(coded) / _WHITE
    else:
        light = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    if primaries in _TO_709:
        light = _into_gamut(light @ _TO_709[primaries].T)
    if transfer in _HDR:
        light = _with_soft_highlights(light)
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _pq_light(coded: _Colors) -> _Colors:
    """cd/m2 of colors coded by PQ (SMPTE ST 2084)."""
    root = coded ** (1 / 78.84375)
    return 10000 * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)


def _hlg_light(coded: _Colors) -> _Colors:
    """cd/m2 of colors coded by HLG (ARIB STD-B67), on the nominal display of 1000 cd/m2."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(coded <= 0.5, coded**2 / 3, (np.exp((coded - c) / a) + b) / 12)
    return _HLG_PEAK * scene * ((scene @ _LUMA_2020) ** 0.2)[:, None]  # the display's gamma of 1.2


def _into_gamut(light: _Colors) -> _Colors:
    """Desaturates colors outside the gamut (a negative channel) towards gray of their luminance."""
    gray = np.maximum(light @ _LUMA_709, 0)[:, None]
    lowest = light.min(axis=1, keepdims=True)
    share = np.where(lowest < 0, gray / np.maximum(gray - lowest, 1e-12), 1)
    return gray + share * (light - gray)


def _with_soft_highlights(light: _Colors) -> _Colors:
    """Compresses what is brighter than the knee by Reinhard's extended curve; keeps the hue."""
    brightest = light.max(axis=1, keepdims=True)
    room = 1 - _KNEE
    above = np.clip((brightest - _KNEE) / room, 0, None)
    limit = (_PEAK / _WHITE - _KNEE) / room
    mapped = _KNEE + room * above * (1 + above / limit**2) / (1 + above)
    return np.where(brightest > _KNEE, light * (mapped / np.maximum(brightest, 1e-12)), light)
