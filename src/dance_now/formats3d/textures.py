"""Texture decoding with bounded sizes, and bilinear texture sampling (glTF 2.0, section 3.8)."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from dance_now.core.arrays import FloatArray
from dance_now.core.errors import DanceNowError
from dance_now.formats3d.gltf import Gltf, MalformedGltfError
from dance_now.formats3d.srgb import DECODE_TABLE

MAX_IMAGE_PIXELS = 8192 * 8192
MAX_TOTAL_PIXELS = 4 * MAX_IMAGE_PIXELS  # decoding takes time, whatever is kept
# Pixels of one image allowed in any case (4096x4096), and for each byte of the file. Decoding one takes up to
# 12 bytes a pixel.
_FREE_PIXELS, _PIXELS_PER_BYTE = 4096 * 4096, 3
MAX_KEPT_EDGE = 2048
"""Larger images are downsampled on reading: a character is rendered far smaller than that."""

_FORMATS = ("PNG", "JPEG", "WEBP")
_NEAREST = 9728
_WRAPS = {10497: "repeat", 33071: "clamp", 33648: "mirror"}

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Texture:
    """Image with its sampler settings.

    Attributes:
        pixels: (H, W, 4) uint8, sRGB, straight alpha.
        wrap: "repeat", "clamp" or "mirror" in u and v.
        nearest: nearest-neighbour magnification.
    """

    pixels: Pixels
    wrap: tuple[str, str] = ("repeat", "repeat")
    nearest: bool = False

    def sample(self, uv: npt.NDArray[np.float64]) -> FloatArray:
        """Samples bilinearly: (n, 2) texture coordinates -> (n, 4) linear color and alpha."""
        height, width = self.pixels.shape[:2]
        position = uv * (width, height) - 0.5
        if self.nearest:
            position = np.round(position)
        low = np.floor(position).astype(np.int64)
        share = (position - low).astype(np.float32)
        result = np.zeros((len(uv), 4), np.float32)
        for dx in (0, 1):
            for dy in (0, 1):
                column = _wrapped(low[:, 0] + dx, width, self.wrap[0])
                row = _wrapped(low[:, 1] + dy, height, self.wrap[1])
                texel = self.pixels[row, column]
                value = np.concatenate([DECODE_TABLE[texel[:, :3]], texel[:, 3:] / np.float32(255)], axis=1)
                weight = (share[:, 0] if dx else 1 - share[:, 0]) * (share[:, 1] if dy else 1 - share[:, 1])
                result += weight[:, None] * value
        return result


def _wrapped(index: npt.NDArray[np.int64], size: int, wrap: str) -> npt.NDArray[np.int64]:
    """Wraps texel indices into [0, size) by the sampler's wrap mode."""
    if wrap == "clamp":
        return np.clip(index, 0, size - 1)
    if wrap == "mirror":
        index = index % (2 * size)
        return np.where(index < size, index, 2 * size - 1 - index)
    return index % size


class TextureReader:
    """Reader of a file's textures; each image is decoded once, however many entries name its bytes."""

    def __init__(self, gltf: Gltf) -> None:
        self._gltf = gltf
        self._images: dict[tuple[int, int], Pixels] = {}
        self._total_pixels = 0

    def read(self, index: int | None) -> Texture | None:
        """Reads ``textures[index]``; None for None.

        Raises:
            DanceNowError: an image that is too large or cannot be decoded.
        """
        if index is None:
            return None
        textures = self._gltf.items("textures")
        if not 0 <= index < len(textures):
            raise MalformedGltfError(self._gltf.path, f"it refers to textures[{index}]")
        texture = textures[index]
        webp: dict[str, Any] = texture.get("extensions", {}).get("EXT_texture_webp", {})
        source = webp.get("source", texture.get("source"))
        if source is None:
            return None
        sampler = self._gltf.items("samplers")[texture["sampler"]] if "sampler" in texture else {}
        wrap = (_WRAPS[sampler.get("wrapS", 10497)], _WRAPS[sampler.get("wrapT", 10497)])
        return Texture(self._image(source), wrap, sampler.get("magFilter") == _NEAREST)

    def _image(self, index: int) -> Pixels:
        place = self._gltf.image_range(index)
        if place not in self._images:
            self._images[place] = self._decode(self._gltf.image_bytes(index), index)
        return self._images[place]

    def _decode(self, encoded: bytes, index: int) -> Pixels:
        name = self._gltf.path.name
        try:
            with Image.open(io.BytesIO(encoded), formats=_FORMATS) as image:
                width, height = image.size
                self._total_pixels += width * height
                if width * height > MAX_IMAGE_PIXELS or self._total_pixels > MAX_TOTAL_PIXELS:
                    raise DanceNowError(f"{name}: picture {index} ({width}x{height}) is too large to read.")
                if width * height > _FREE_PIXELS + _PIXELS_PER_BYTE * len(self._gltf.binary):
                    raise DanceNowError(
                        f"{name}: picture {index} ({width}x{height}) is too large for a file of its size."
                    )
                self._gltf.budget.charge(4 * width * height // _reduction(width, height), "its textures")
                image.load()  # before the thumbnail, which would decode JPEGs at another scale
                is_plain = image.mode == "RGB" and "transparency" not in image.info
                pixels = image if is_plain else image.convert("RGBA")
                if max(pixels.size) > MAX_KEPT_EDGE:
                    pixels.thumbnail((MAX_KEPT_EDGE, MAX_KEPT_EDGE), Image.Resampling.BOX)
                array = np.array(pixels.convert("RGBA"), np.uint8)
        except Image.DecompressionBombError as error:
            raise DanceNowError(f"{name}: picture {index} is too large to read.") from error
        except (
            UnidentifiedImageError,
            OSError,
            ValueError,
            SyntaxError,
        ) as error:
            raise DanceNowError(f"{name}: picture {index} cannot be decoded (PNG, JPEG or WebP).") from error
        array.setflags(write=False)
        return array


def _reduction(width: int, height: int) -> int:
    """How many times fewer pixels are kept of an image (a lower bound)."""
    return max(1, max(width, height) ** 2 // MAX_KEPT_EDGE**2)
