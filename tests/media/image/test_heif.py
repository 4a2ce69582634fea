"""HEIC photos: with their reader, with one that is made up, and without."""

import importlib
import importlib.machinery
import struct
import sys
import types
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dance_now.core.errors import DanceNowError
from dance_now.media.image import heif
from dance_now.media.open_media import open_source

HEAD = struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic"


class MadeUpPhoto:
    """What ``pillow_heif.open_heif`` returns, as far as it is used."""

    def __init__(self, pixels: np.ndarray) -> None:
        self._pixels = pixels
        self.size = (pixels.shape[1], pixels.shape[0])

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return self._pixels


def install(monkeypatch: pytest.MonkeyPatch, pixels: np.ndarray | Exception) -> None:
    """A reader that finds the same image, or the same fault, in every file."""
    reader = types.ModuleType("pillow_heif")
    reader.__spec__ = importlib.machinery.ModuleSpec("pillow_heif", None)

    def open_heif(file: object, convert_hdr_to_8bit: bool) -> MadeUpPhoto:
        if isinstance(pixels, Exception):
            raise pixels
        return MadeUpPhoto(pixels)

    vars(reader)["open_heif"] = open_heif
    monkeypatch.setitem(sys.modules, "pillow_heif", reader)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "IMG_0001.HEIC"
    path.write_bytes(HEAD + bytes(500))
    return path


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (np.full((6, 8), 90, np.uint8), (90, 90, 90)),
        (np.full((6, 8, 3), (10, 20, 30), np.uint8), (10, 20, 30)),
        (np.full((6, 8, 4), (10, 20, 30, 0), np.uint8), (255, 255, 255)),
    ],
)
def test_a_photo_is_read(
    photo: Path, monkeypatch: pytest.MonkeyPatch, pixels: np.ndarray, expected: tuple[int, ...]
) -> None:
    install(monkeypatch, pixels)
    with open_source(photo) as source:
        assert (source.kind, source.size) == ("photo", (8, 6))
        image = next(source.frames()).image
    assert image.shape == (6, 8, 3)
    assert (image == expected).all()


def test_a_folder_of_a_phone_is_read(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, np.zeros((6, 8, 3), np.uint8))
    with open_source(photo.parent, frame_rate=Fraction(1)) as source:
        assert len(list(source.frames())) == 1


@pytest.mark.parametrize("fault", [ValueError("No 'meta' box"), EOFError("ends"), RuntimeError("decoder")])
def test_a_damaged_photo_is_refused(photo: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    install(monkeypatch, fault)
    with pytest.raises(DanceNowError, match="damaged"):
        open_source(photo)


def test_a_huge_photo_is_refused_before_it_is_decoded(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, np.broadcast_to(np.uint8(0), (60000, 60000, 3)))
    with pytest.raises(DanceNowError, match="3600 megapixels"):
        open_source(photo)


@pytest.mark.parametrize("brand", [b"heic", b"mif1"])
def test_without_a_reader_it_says_how_to_get_one(
    photo: Path, monkeypatch: pytest.MonkeyPatch, brand: bytes
) -> None:
    monkeypatch.setattr(heif.importlib.util, "find_spec", lambda name: None)
    photo.write_bytes(HEAD.replace(b"heic", brand, 1) + bytes(500))
    with pytest.raises(DanceNowError, match=r'pip install "dance-now\[heic\]".*jpg or png') as caught:
        open_source(photo)
    assert "\n" not in str(caught.value)


def test_a_folder_of_a_phone_without_a_reader_says_so_too(
    photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heif.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DanceNowError, match=r'none of the images .* pip install "dance-now\[heic\]"'):
        open_source(photo.parent)


def test_avif_is_to_be_converted(photo: Path) -> None:
    photo.write_bytes(HEAD.replace(b"heic", b"avif", 1) + bytes(500))
    with pytest.raises(DanceNowError, match="Convert it to jpg or png"):
        open_source(photo)


def test_the_real_reader(tmp_path: Path) -> None:
    pillow_heif = pytest.importorskip("pillow_heif")
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[:24], pixels[24:] = (200, 40, 60), (30, 180, 90)
    path = tmp_path / "photo.heic"
    pillow_heif.from_bytes("RGB", (64, 48), pixels.tobytes()).save(path, quality=100)
    with open_source(path) as source:
        image = next(source.frames()).image
    np.testing.assert_allclose(image[[12, 36], 32].astype(int), pixels[[12, 36], 32], atol=3)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - 40])
    with open_source(path) as source, pytest.raises(DanceNowError, match="damaged"):
        next(source.frames())
