"""Image file reader: photos of cameras, phones and other programs by Pillow, as upright sRGB.

Applies Exif orientation, color profiles (ICC), bit depth, palettes and CMYK. Only formats whose decoders are
bounded by the size in the header are opened; sizes are checked before anything is decoded.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, Literal

import cv2
import numpy as np
import numpy.typing as npt
import PIL.Image
from PIL import ImageCms
from PIL.JpegImagePlugin import JpegImageFile

from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.core.limits import MAX_PICTURE_BYTES, check_frame, check_picture
from dance_now.media.image.heif import check_readable, is_heif

_EXTENSIONS: Final = (
    "png",
    "jpg",
    "jpeg",
    "webp",
    "avif",
    "heic",
    "heif",
    "tif",
    "tiff",
    "bmp",
    "jp2",
    "ico",
)
IMAGE_EXTENSIONS: Final = frozenset(f".{extension}" for extension in _EXTENSIONS)
_RAW_EXTENSIONS: Final = frozenset(
    {".arw", ".cr2", ".cr3", ".dng", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".srw"}
)
_FORMATS: Final = ("PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP", "JPEG2000", "ICO")
# First bytes: of each format, and where they are.
_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", 0),
    (b"\xff\xd8\xff", 0),
    (b"WEBP", 8),
    (b"ftypavif", 4),
    (b"ftypavis", 4),
    (b"II*\0", 0),
    (b"MM\0*", 0),
    (b"\0\0\0\x0cjP  \r\n\x87\n", 0),
    (b"\xff\x4f\xff\x51", 0),
    (b"\0\0\1\0", 0),
)
_BITMAP_HEADERS: Final = (12, 40, 52, 56, 64, 108, 124)  # bytes
_HEAD: Final = 64  # bytes
_ORIENTATION: Final = 0x0112  # Exif tag
_SRGB: Final = ImageCms.createProfile("sRGB")

ImageKind = Literal["still", "animation"]


def image_kind(path: Path) -> ImageKind | None:
    """Detects an image file by its content: a still, or an animation in WebP or AVIF; None for other files.

    Raises:
        DanceNowError: an unsupported photo: raw, or HEIC where its reader is missing.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if path.suffix.lower() in _RAW_EXTENSIONS:
        raise DanceNowError(f"{path} is a raw photo, which is not supported. Export it as jpg or png.")
    if is_heif(head):
        check_readable(str(path))
        return "still"
    if not _has_signature(head):
        return None
    try:
        with open_image(path) as picture:
            animated = picture.format in ("PNG", "WEBP", "AVIF") and getattr(picture, "is_animated", False)
            if picture.format == "PNG" and animated:
                return None  # FFmpeg reads it
    except DanceNowError:
        return "still"  # its own reader says what is wrong
    return "animation" if animated else "still"


def image_size(path: Path) -> tuple[int, int]:
    """Size (width, height) of an image, upright; decodes nothing.

    Raises:
        DanceNowError: not readable, damaged, or too large.
    """
    with open_image(path) as picture:
        width, height = picture.size
        return (height, width) if _orientation(picture) >= 5 else (width, height)


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Size (width, height) of a JPEG image in memory, as stored; decodes nothing.

    Raises:
        ValueError: damaged, or no JPEG image.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with JpegImageFile(io.BytesIO(data)) as picture:
                return picture.size
    except Exception as error:  # decoders raise nearly anything on damaged files
        raise ValueError(f"no JPEG image that can be read: {type(error).__name__}") from error


def read_image(path: Path) -> Image:
    """Reads an image file: (H, W, 3) or, where it has transparency, (H, W, 4) uint8 RGB(A), straight alpha.

    Raises:
        DanceNowError: not readable, damaged, or too large.
    """
    with open_image(path) as picture:
        orientation, (width, height) = _orientation(picture), picture.size
        pixels = to_pixels(picture)
        if pixels.shape[:2] != (height, width):
            raise DanceNowError(f"{path} is damaged: it holds another size than its header says.")
        return _oriented(pixels, orientation)


@contextmanager
def open_image(path: Path) -> Iterator[PIL.Image.Image]:
    """Opens an image file with Pillow and checks its size; what goes wrong within is an error of the file.

    Raises:
        DanceNowError: not readable, damaged, or too large.
    """
    try:
        with path.open("rb") as file:
            file_bytes = file.seek(0, io.SEEK_END)
            if file_bytes > MAX_PICTURE_BYTES:
                raise DanceNowError(f"{path} is larger than {MAX_PICTURE_BYTES // 1_000_000} MB.")
            file.seek(0)
            formats: tuple[str, ...] = _FORMATS
            if is_heif(file.read(_HEAD)):
                check_readable(str(path))
                formats = ("HEIF",)
            file.seek(0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # its limits are looser than ours
                with PIL.Image.open(file, formats=formats) as picture:
                    animated = picture.format in ("WEBP", "AVIF") and getattr(picture, "is_animated", False)
                    check = check_frame if animated else check_picture
                    check(path, *picture.size, file_bytes)
                    if picture.format == "ICO":  # an icon may be of another size than its directory says
                        width, height = picture.ico.getimage(picture.size).size  # type: ignore[attr-defined]
                        check(path, width, height, file_bytes)
                    yield picture
    except DanceNowError:
        raise
    except PIL.Image.DecompressionBombError as error:
        raise DanceNowError(f"{path} has too many pixels ({error}).") from error
    except PIL.UnidentifiedImageError as error:
        raise DanceNowError(f"{path} is damaged or not an image.") from error
    except Exception as error:  # decoders raise nearly anything on damaged files
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DanceNowError(f"{path} is damaged or not an image ({reason}).") from error


def to_pixels(picture: PIL.Image.Image) -> Image:
    """Decodes an opened image to (H, W, 3) or (H, W, 4) uint8 sRGB, straight alpha; not yet upright."""
    if picture.mode == "F" or picture.mode.startswith("I"):
        return np.asarray(cv2.cvtColor(_levels(np.asarray(picture)), cv2.COLOR_GRAY2RGB), np.uint8)
    wanted = "RGBA" if picture.has_transparency_data else "RGB"
    picture.load()  # fills the info, too
    profile = picture.info.get("icc_profile")
    if profile and picture.mode != "CMYK" and picture.mode != wanted:
        picture = picture.convert(wanted)
    if profile:
        picture = _in_srgb(picture, profile, wanted)
    return np.asarray(picture if picture.mode == wanted else picture.convert(wanted), np.uint8)


def over_white(rgba: Image) -> Image:
    """Composites a straight-alpha (H, W, 4) uint8 image over white: (H, W, 3) uint8; opaque ones stay."""
    if rgba.shape[2] == 3:
        return rgba
    color, alpha = rgba[..., :3], rgba[..., 3:]
    if alpha.min() == 255:
        return np.ascontiguousarray(color)
    weight = alpha.astype(np.uint16)
    return ((color * weight + 255 * (255 - weight) + 127) // 255).astype(np.uint8)


def _has_signature(head: bytes) -> bool:
    is_bitmap = head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BITMAP_HEADERS
    return is_bitmap or any(head[place : place + len(mark)] == mark for mark, place in _SIGNATURES)


def _levels(values: npt.NDArray[Any]) -> Image:
    """Gray of 16 bits, or of floats in 0..1, in 8 bits."""
    if values.dtype.kind == "f":
        return np.clip(np.nan_to_num(values) * 255, 0, 255).astype(np.uint8)
    return ((np.clip(values, 0, 65535).astype(np.uint32) + 128) // 257).astype(np.uint8)


def _in_srgb(picture: PIL.Image.Image, profile: bytes, wanted: str) -> PIL.Image.Image:
    """Converts an image from its color profile; unchanged where that is sRGB, damaged or of another kind."""
    with suppress(ImageCms.PyCMSError, OSError, ValueError):
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        described = ImageCms.getProfileDescription(source)
        kind = source.profile.xcolor_space.strip()
        if "sRGB" not in described and kind == picture.mode.removesuffix("A"):
            converted = ImageCms.profileToProfile(picture, source, _SRGB, outputMode=wanted)
            return picture if converted is None else converted
    return picture


def _orientation(picture: PIL.Image.Image) -> int:
    """Exif orientation that remains to be applied, 1 to 8; 1 where it is absent or invalid."""
    if picture.format == "TIFF":
        return 1  # Pillow applies it
    exif = PIL.Image.Exif()
    try:
        if picture.format == "PNG":  # its own method decodes the image in search of a late chunk
            exif.load(picture.info.get("exif") or b"")
        else:
            exif = picture.getexif()
        value = exif.get(_ORIENTATION, 1)
    except Exception:  # a damaged block is as good as none
        return 1
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _oriented(image: Image, orientation: int) -> Image:
    if orientation >= 5:
        image = image.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        image = image[:, ::-1]
    if orientation in (3, 4, 7, 8):
        image = image[::-1]
    return np.ascontiguousarray(image)
