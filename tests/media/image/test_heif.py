"""HEIC photos: with their reader, and without."""

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from dance_now.core.errors import DanceNowError
from dance_now.media.image import heif
from dance_now.media.open_media import open_source

HEAD = struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A HEIC header and nothing behind it."""
    path = tmp_path / "IMG_0001.HEIC"
    path.write_bytes(HEAD + bytes(500))
    return path


@pytest.fixture
def pixels() -> np.ndarray:
    image = np.zeros((48, 64, 3), np.uint8)
    image[:24], image[24:] = (200, 40, 60), (30, 180, 90)
    return image


def write(path: Path, picture: PIL.Image.Image, **options: object) -> Path:
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.from_pillow(picture).save(path, quality=100, **options)
    return path


def test_a_photo_is_read(tmp_path: Path, pixels: np.ndarray) -> None:
    path = write(tmp_path / "photo.heic", PIL.Image.fromarray(pixels))
    with open_source(path) as source:
        assert (source.kind, source.size) == ("photo", (64, 48))
        image = next(source.frames()).image
    np.testing.assert_allclose(image[[12, 36], 32].astype(int), pixels[[12, 36], 32], atol=3)


def test_transparency_is_laid_over_white(tmp_path: Path, pixels: np.ndarray) -> None:
    clear = np.dstack([pixels, np.where(np.arange(48) < 24, 0, 255)[:, None].repeat(64, 1)]).astype(np.uint8)
    path = write(tmp_path / "photo.heic", PIL.Image.fromarray(clear))
    with open_source(path) as source:
        image = next(source.frames()).image
    np.testing.assert_allclose(image[12, 32], 255, atol=2)
    np.testing.assert_allclose(image[36, 32].astype(int), pixels[36, 32], atol=3)


def test_a_folder_of_a_phone_is_read(tmp_path: Path, pixels: np.ndarray) -> None:
    path = write(tmp_path / "IMG_0001.HEIC", PIL.Image.fromarray(pixels))
    with open_source(path.parent, frame_rate=Fraction(1)) as source:
        assert len(list(source.frames())) == 1


def test_a_damaged_photo_is_refused(photo: Path, tmp_path: Path, pixels: np.ndarray) -> None:
    pytest.importorskip("pillow_heif")
    with pytest.raises(DanceNowError, match="damaged"):
        open_source(photo)
    path = write(tmp_path / "photo.heic", PIL.Image.fromarray(pixels))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) - 40])
    with pytest.raises(DanceNowError, match="damaged"), open_source(path) as source:
        next(source.frames())


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
