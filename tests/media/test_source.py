import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from dance_now.core.errors import DanceNowError
from dance_now.media.image.image_file import image_size
from dance_now.media.open_media import open_source

MakeVideo = Callable[..., Path]
Colors = Callable[..., np.ndarray]


def pictures(path: Path) -> list[np.ndarray]:
    with open_source(path) as source:
        return [frame.image for frame in source.frames()]


def exif_tag(orientation: int) -> bytes:
    return b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHIHH", 0x0112, 3, 1, orientation, 0) + b"\0\0\0\0"


def write_jpeg(path: Path, image: np.ndarray, orientation: int) -> None:
    data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98])[1].tobytes()
    body = b"Exif\0\0" + exif_tag(orientation)
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:])


@pytest.mark.parametrize("extension", [".png", ".bmp", ".webp", ".jpg"])
def test_a_photo_is_one_frame_in_rgb(tmp_path: Path, colors: Colors, extension: str) -> None:
    path = tmp_path / f"photo{extension}"
    cv2.imwrite(str(path), colors()[..., ::-1])
    with open_source(path) as source:
        frames = list(source.frames())
        assert (source.kind, source.size, source.frame_count, source.name) == ("photo", (64, 48), 1, "photo")
    assert len(frames) == 1
    np.testing.assert_allclose(frames[0].image[10, 50], colors()[10, 50], atol=4)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_stands_the_photo_up(tmp_path: Path, colors: Colors, orientation: int) -> None:
    undo = {
        1: lambda p: p,
        2: lambda p: p[:, ::-1],
        3: lambda p: p[::-1, ::-1],
        4: lambda p: p[::-1],
        5: lambda p: p.transpose(1, 0, 2),
        6: lambda p: np.rot90(p),
        7: lambda p: p.transpose(1, 0, 2)[::-1, ::-1],
        8: lambda p: np.rot90(p, -1),
    }
    path = tmp_path / "turned.jpg"
    write_jpeg(path, undo[orientation](colors()), orientation)
    with open_source(path) as source:
        assert source.size == (64, 48)
        image = next(source.frames()).image
    assert image.shape == (48, 64, 3)
    assert np.abs(image.astype(int) - colors()).mean() < 3


@pytest.mark.parametrize(
    ("name", "stored", "expected"),
    [
        ("grey.png", np.full((8, 8), 77, np.uint8), (77, 77, 77)),
        ("deep.png", np.full((8, 8, 3), 257 * 100, np.uint16), (100, 100, 100)),
        ("clear.png", np.zeros((8, 8, 4), np.uint8), (255, 255, 255)),
        ("half.png", np.full((8, 8, 4), (0, 0, 200, 128), np.uint8), (227, 127, 127)),
    ],
)
def test_every_kind_of_image_becomes_rgb(
    tmp_path: Path, name: str, stored: np.ndarray, expected: tuple[int, int, int]
) -> None:
    cv2.imwrite(str(tmp_path / name), stored)
    image = pictures(tmp_path / name)[0]
    assert image.shape == (8, 8, 3)
    np.testing.assert_allclose(image[4, 4], expected, atol=1)


def test_a_palette_png_is_read(tmp_path: Path) -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", 2, 1, 8, 3, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"PLTE", bytes([9, 8, 7, 200, 100, 50]))
    data += chunk(b"tRNS", b"\xff\x00") + chunk(b"IDAT", zlib.compress(b"\0\0\1")) + chunk(b"IEND", b"")
    (tmp_path / "palette.png").write_bytes(data)
    image = pictures(tmp_path / "palette.png")[0]
    assert image.tolist() == [[[9, 8, 7], [255, 255, 255]]]


@pytest.mark.parametrize("size", [(60000, 60000), (10000, 10000), (2_000_000, 1)])
def test_a_huge_image_is_refused_before_it_is_decoded(tmp_path: Path, size: tuple[int, int]) -> None:
    path = tmp_path / "bomb.png"
    header = b"IHDR" + struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    check = struct.pack(">I", zlib.crc32(header))
    path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\r" + header + check + b"\0\0\0\x14IDAT" + bytes(40))
    with pytest.raises(DanceNowError, match="pixels"):
        open_source(path)


@pytest.mark.parametrize("length", range(0, 60, 7))
def test_cut_off_headers_are_one_line(tmp_path: Path, length: int, colors: Colors) -> None:
    for extension in (".png", ".jpg", ".webp", ".bmp"):
        path = tmp_path / f"cut{extension}"
        path.write_bytes(cv2.imencode(extension, colors())[1].tobytes()[:length])
        try:
            assert image_size(path) == (64, 48)
        except DanceNowError as error:
            message = str(error)
            assert "\n" not in message


def test_a_folder_is_read_in_natural_order_and_skips_broken_frames(tmp_path: Path) -> None:
    for number in (10, 2, 1):
        cv2.imwrite(str(tmp_path / f"shot{number}.png"), np.full((4, 6, 3), number, np.uint8))
    (tmp_path / "shot3.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    (tmp_path / "notes.txt").write_text("hello")
    with open_source(tmp_path, frame_rate=Fraction(10)) as source:
        frames = list(source.frames())
        assert (source.kind, source.size, source.frame_count, source.skipped) == ("folder", (6, 4), 4, 1)
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 2, 10]
    assert [frame.index for frame in frames] == [0, 1, 3]
    assert [frame.time for frame in frames] == pytest.approx([0, 0.1, 0.3])


def test_a_glob_and_a_cut_choose_frames(tmp_path: Path) -> None:
    for number in range(6):
        cv2.imwrite(str(tmp_path / f"a{number}.png"), np.full((4, 4, 3), number, np.uint8))
        cv2.imwrite(str(tmp_path / f"b{number}.png"), np.full((4, 4, 3), 99, np.uint8))
    with open_source(f"{tmp_path}/a*.png", start=0.2, end=0.4, frame_rate=Fraction(10)) as source:
        assert [int(frame.image[0, 0, 0]) for frame in source.frames()] == [2, 3]


@pytest.mark.parametrize(
    ("names", "sizes", "kind"),
    [
        (("f_1.png", "f_2.png", "f_10.png"), (4, 4, 4), "folder"),
        (("1.png", "2.jpg"), (4, 4), "folder"),
        (("take2_001.png", "take2_005.png"), (4, 4), "folder"),
        (("shot1.png", "shot2.png"), (4, 6), "photos"),
        (("park1.png", "gym2.png"), (4, 4), "photos"),
        (("park.png", "gym.png"), (4, 4), "photos"),
        (("001.png", "1.png"), (4, 4), "photos"),
        (("1.png",), (4,), "photos"),
    ],
)
def test_frames_are_a_clip_if_they_look_like_one(
    tmp_path: Path, names: tuple[str, ...], sizes: tuple[int, ...], kind: str
) -> None:
    for name, size in zip(names, sizes, strict=True):
        cv2.imwrite(str(tmp_path / name), np.zeros((4, size, 3), np.uint8))
    assert open_source(tmp_path).kind == kind
    assert open_source(f"{tmp_path}/*").kind == kind
    assert open_source(tmp_path, sequence=True).kind == "folder"
    assert open_source(tmp_path, sequence=False).kind == "photos"
    assert open_source(tmp_path, frame_rate=Fraction(24)).kind == "folder"


def test_photos_of_one_name_keep_apart(tmp_path: Path) -> None:
    for name in ("a.png", "a.jpg", "b.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((4, 4, 3), np.uint8))
    source = open_source(tmp_path)
    assert source.names == ("a_jpg", "a_png", "b")
    assert [frame.name for frame in source.frames()] == list(source.names)


def test_errors_are_one_line_and_say_what_is_wrong(tmp_path: Path, make_video: MakeVideo) -> None:
    empty, text, folder = tmp_path / "empty.mp4", tmp_path / "text.mp4", tmp_path / "folder"
    empty.touch()
    text.write_text("This is not a video.\n" * 100)
    folder.mkdir()
    playlist = tmp_path / "list.mp4"
    playlist.write_text("#EXTM3U\n#EXTINF:1,\nclip.ts\n")
    truncated = make_video()
    truncated.write_bytes(truncated.read_bytes()[:900])
    sound = make_video("song.mp4", pictures=False, sounds=["aac"])
    cases = {
        tmp_path / "none.mp4": "does not exist",
        tmp_path / "*.png": "holds no images",
        empty: "is empty",
        text: "damaged or not a photo or video",
        playlist: "damaged or not a photo or video",
        folder: "holds no images",
        truncated: "damaged or not a photo or video",
        sound: "only audio",
    }
    for path, message in cases.items():
        with pytest.raises(DanceNowError, match=message) as caught:
            open_source(path)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("start", "end"), [(-1.0, None), (2.0, 1.0), (1.0, 1.0), (float("nan"), None)])
def test_impossible_cuts_are_refused(make_video: MakeVideo, start: float, end: float | None) -> None:
    with pytest.raises(DanceNowError, match=r"^(start must be 0 or more|end must be after start)"):
        open_source(make_video(), start, end)


def test_a_photo_cannot_be_cut(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "photo.png"), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(DanceNowError, match="start and end apply to videos"):
        open_source(tmp_path / "photo.png", start=1.0)
