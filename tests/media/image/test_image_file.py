"""Photos as cameras, phones and other programs write them."""

import io
import struct
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pytest

from dance_now.core.errors import DanceNowError
from dance_now.media.image.image_file import image_kind, image_size, over_white, read_image
from dance_now.media.open_media import open_source

# Columns: red, green and blue of Display P3 in XYZ under D50.
P3 = np.array([[0.51512, 0.29198, 0.15710], [0.24120, 0.69225, 0.06657], [-0.00105, 0.04189, 0.78407]])


def smooth(height: int = 48, width: int = 64) -> np.ndarray:
    """Soft gradients, which survive every codec."""
    down, across = np.mgrid[0:height, 0:width]
    return np.stack([60 + 2 * across, 200 - 3 * down, 90 + down + across], axis=-1).astype(np.uint8)


def icc_profile(columns: np.ndarray, gamma: float = 2.2) -> bytes:
    """A matrix profile of version 2 (ICC.1:2001) without a name that says sRGB."""

    def fixed(value: float) -> bytes:
        return struct.pack(">i", round(value * 65536))

    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    name = b"desc" + bytes(4) + struct.pack(">I", 5) + b"Wide\0" + bytes(78) + bytes(1)
    blocks = [(b"desc", name), (b"wtpt", b"XYZ " + bytes(4) + b"".join(map(fixed, (0.9642, 1.0, 0.8249))))]
    for channel, tag in enumerate("rgb"):
        color = b"".join(fixed(value) for value in columns[:, channel])
        blocks += [(f"{tag}XYZ".encode(), b"XYZ " + bytes(4) + color), (f"{tag}TRC".encode(), curve)]
    table, body = b"", b""
    start = 128 + 4 + 12 * len(blocks)
    for tag, block in blocks:
        padded = block + bytes(-len(block) % 4)
        table += tag + struct.pack(">II", start + len(body), len(block))
        body += padded
    size = start + len(body)
    head = struct.pack(">I", size) + bytes(4) + b"\2\x10\0\0mntrRGB XYZ " + bytes(12) + b"acsp"
    head += bytes(28) + b"".join(map(fixed, (0.9642, 1.0, 0.8249)))
    return head + bytes(128 - len(head)) + struct.pack(">I", len(blocks)) + table + body


@pytest.mark.parametrize(
    ("name", "options", "tolerance"),
    [
        ("a.png", {}, 0),
        ("a.bmp", {}, 0),
        ("a.tif", {"compression": "tiff_lzw"}, 0),
        ("a.tif", {"compression": "jpeg", "quality": 95}, 6),
        ("a.jp2", {}, 0),
        ("a.jpg", {"quality": 95}, 6),
        ("a.jpg", {"quality": 95, "progressive": True}, 6),
        ("a.webp", {"lossless": True}, 0),
        ("a.avif", {"quality": 95}, 6),
    ],
)
def test_formats(tmp_path: Path, name: str, options: dict[str, object], tolerance: int) -> None:
    path = tmp_path / name
    PIL.Image.fromarray(smooth()).save(path, **options)
    assert (image_kind(path), image_size(path)) == ("still", (64, 48))
    assert np.abs(read_image(path).astype(int) - smooth()).max() <= tolerance
    with open_source(tmp_path) as source:  # a folder holds it
        assert source.names == ("a",)


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "LA", "RGBA", "LAB"])
def test_color_modes(tmp_path: Path, mode: str) -> None:
    picture = PIL.Image.fromarray(smooth()).convert("RGB")
    converted = picture.convert("RGBA").convert(mode) if mode == "LA" else None
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.tif" if mode == "LAB" else "a.png")
    if mode == "LAB":
        from PIL import ImageCms

        lab = ImageCms.createProfile("LAB")
        converted = ImageCms.profileToProfile(picture, ImageCms.createProfile("sRGB"), lab, outputMode="LAB")
    (converted or picture.convert(mode)).save(path, quality=95)
    image = over_white(read_image(path))
    gray = np.asarray(picture.convert("L").convert("RGB"))
    expected = gray if mode in ("L", "LA", "1") else smooth()
    allowed = {"1": 128, "P": 25, "CMYK": 4, "LAB": 3}.get(mode, 1)
    assert image.shape == (48, 64, 3)
    assert np.abs(image.astype(int) - expected).mean() <= allowed


@pytest.mark.parametrize("extension", [".png", ".tif"])
def test_sixteen_bits(tmp_path: Path, extension: str) -> None:
    deep = smooth().astype(np.uint16) * 257
    cv2.imwrite(str(tmp_path / f"color{extension}"), deep[..., ::-1])
    cv2.imwrite(str(tmp_path / f"gray{extension}"), deep[..., 0])
    np.testing.assert_array_equal(read_image(tmp_path / f"color{extension}"), smooth())
    np.testing.assert_array_equal(read_image(tmp_path / f"gray{extension}")[..., 1], smooth()[..., 0])


def test_transparency_is_kept(tmp_path: Path) -> None:
    clear = np.dstack([smooth(), np.tile(np.arange(64, dtype=np.uint8) * 4, (48, 1))])
    for name in ("a.png", "a.webp", "a.tif"):
        PIL.Image.fromarray(clear).save(tmp_path / name, lossless=True)
        image = read_image(tmp_path / name)
        np.testing.assert_array_equal(image[..., 3], clear[..., 3])
        np.testing.assert_array_equal(image[:, 1:, :3], clear[:, 1:, :3])


@pytest.mark.parametrize("extension", [".jpg", ".png", ".tif", ".webp", ".avif"])
def test_a_wide_gamut_profile_is_applied(tmp_path: Path, extension: str) -> None:
    path, profile = tmp_path / f"phone{extension}", icc_profile(P3)
    pixels = np.full((32, 32, 3), (180, 110, 90), np.uint8)
    PIL.Image.fromarray(pixels).save(path, icc_profile=profile, quality=98)
    image = read_image(path)[16, 16].astype(int)
    light = P3 @ ((pixels[0, 0] / 255) ** 2.2)
    to_srgb = np.array([[3.1339, -1.6169, -0.4906], [-0.9788, 1.9161, 0.0335], [0.0719, -0.2290, 1.4052]])
    linear = np.clip(to_srgb @ light, 0, 1)
    expected = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(image, expected, atol=3)
    assert image[0] > 185  # redder in sRGB's numbers


@pytest.mark.parametrize("profile", [b"rubbish", bytes(200), icc_profile(P3)[:150]])
def test_a_damaged_profile_is_ignored(tmp_path: Path, profile: bytes) -> None:
    PIL.Image.fromarray(smooth()).save(tmp_path / "a.png", icc_profile=profile)
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), smooth())


@pytest.mark.parametrize("extension", [".jpg", ".png", ".tif", ".webp", ".avif"])
@pytest.mark.parametrize("orientation", [3, 6])
def test_exif_orientation(tmp_path: Path, extension: str, orientation: int) -> None:
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a{extension}"
    stored = np.ascontiguousarray(np.rot90(smooth(), 2 if orientation == 3 else 1))
    PIL.Image.fromarray(stored).save(path, exif=exif, quality=95)
    assert image_size(path) == (64, 48)
    assert np.abs(read_image(path).astype(int) - smooth()).mean() < 3


def test_a_phone_photo_with_a_second_picture_inside_is_one_photo(tmp_path: Path) -> None:
    picture = PIL.Image.fromarray(smooth())
    picture.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[picture.resize((16, 12))])
    assert image_kind(tmp_path / "a.jpg") == "still"
    assert read_image(tmp_path / "a.jpg").shape == (48, 64, 3)


def test_of_several_pages_the_first_is_read(tmp_path: Path) -> None:
    picture = PIL.Image.fromarray(smooth())
    picture.save(tmp_path / "a.tif", save_all=True, append_images=[picture.resize((16, 12))])
    np.testing.assert_array_equal(read_image(tmp_path / "a.tif"), smooth())


def test_the_largest_icon_is_read(tmp_path: Path) -> None:
    PIL.Image.fromarray(smooth(64, 64)).save(tmp_path / "a.ico", sizes=[(16, 16), (64, 64)])
    np.testing.assert_array_equal(over_white(read_image(tmp_path / "a.ico")), smooth(64, 64))


def test_an_icon_of_another_size_than_its_directory_says_is_read_as_it_is(tmp_path: Path) -> None:
    inner = io.BytesIO()
    PIL.Image.fromarray(smooth()).save(inner, format="png")
    entry = struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(inner.getvalue()), 22)
    (tmp_path / "a.ico").write_bytes(struct.pack("<HHH", 0, 1, 1) + entry + inner.getvalue())
    np.testing.assert_array_equal(over_white(read_image(tmp_path / "a.ico")), smooth())


def test_what_is_in_the_file_counts_not_its_extension(tmp_path: Path) -> None:
    PIL.Image.fromarray(smooth()).save(tmp_path / "a.jpg", format="png")
    with open_source(tmp_path / "a.jpg") as source:
        np.testing.assert_array_equal(next(source.frames()).image, smooth())


def test_a_raw_photo_is_refused_with_advice(tmp_path: Path) -> None:
    PIL.Image.fromarray(smooth()).save(tmp_path / "a.tif")  # raw files are TIFF with a small preview
    (tmp_path / "a.tif").rename(tmp_path / "DSC_0001.NEF")
    with pytest.raises(DanceNowError, match=r"raw photo.*Export it as jpg or png"):
        open_source(tmp_path / "DSC_0001.NEF")


def test_no_mutation_is_more_than_one_line(tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    path = tmp_path / "mutated"
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    messages = []
    for kind in ("PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP", "JPEG2000", "ICO"):
        stored = io.BytesIO()
        extra = {} if kind in ("BMP", "JPEG2000", "ICO") else {"exif": exif, "icc_profile": icc_profile(P3)}
        PIL.Image.fromarray(smooth(24, 24)).save(stored, format=kind, **extra)
        data = stored.getvalue()
        for _ in range(25):
            changed = bytearray(data)
            for place in random.integers(0, len(data), 4):
                changed[place] = random.integers(256)
            path.write_bytes(changed[: random.integers(1, len(data)) if random.random() < 0.2 else len(data)])
            try:
                image_kind(path)
                image = read_image(path)
            except DanceNowError as error:
                messages.append(str(error))
            else:
                assert image.dtype == np.uint8
                assert image.shape[2] in (3, 4)
    assert not any("\n" in message for message in messages)
