"""Every kind of file that people have, written here and opened: what it is taken for, and what comes out."""

import itertools
import struct
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from dance_now.media.open_media import open_source

Colors = Callable[..., np.ndarray]
MakeVideo = Callable[..., Path]
SIZE = (64, 48)


@dataclass(frozen=True)
class Kit:
    """What the makers of files work with."""

    folder: Path
    video: MakeVideo
    colors: Colors

    def encoded(self, name: str, codec: str, pixel_format: str, frames: int = 1, **options: str) -> Path:
        """Frames through one of FFmpeg's encoders into one of its containers."""
        path = self.folder / name
        with av.open(str(path), "w") as output:
            stream = output.add_stream(codec, rate=10, options=options)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height, stream.pix_fmt = *SIZE, pixel_format
            for step in range(frames):
                frame = av.VideoFrame.from_ndarray(self.colors(*SIZE, step), format="rgb24")
                output.mux(stream.encode(frame.reformat(format=pixel_format)))
            output.mux(stream.encode(None))
        return path


def _turned_photo(kit: Kit) -> Path:
    """A phone's: stored lying, with Exif orientation 6."""
    path = kit.folder / "phone.jpg"
    data = cv2.imencode(".jpg", np.rot90(kit.colors())[..., ::-1])[1].tobytes()
    tag = b"MM\0*\0\0\0\x08\0\x01" + struct.pack(">HHIHH", 0x0112, 3, 1, 6, 0) + bytes(4)
    body = b"Exif\0\0" + tag
    path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + data[2:])
    return path


def _cmyk_photo(kit: Kit) -> Path:
    pillow = pytest.importorskip("PIL.Image")
    path = kit.folder / "print.jpg"
    pillow.fromarray(kit.colors()).convert("CMYK").save(path, quality=95)
    return path


def _animated_webp(kit: Kit) -> Path:
    return kit.encoded("moving.webp", "libwebp_anim", "bgra", frames=4, lossless="1")


def _changing_size(kit: Kit) -> Path:
    """A stream that goes on with frames of half the size, as video calls do."""
    path = kit.folder / "call.h264"
    parts = [kit.video(f"part{side}.h264", size=(side, side * 3 // 4)) for side in (64, 32)]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def _zero_rate(kit: Kit) -> Path:
    """The stream header's dwRate is 0 (AVI: strh, 24 bytes into its body)."""
    path = kit.video("zero.avi", codec="mpeg4")
    data = bytearray(path.read_bytes())
    rate = data.index(b"strh") + 8 + 24
    data[rate : rate + 4] = bytes(4)
    path.write_bytes(data)
    return path


def _broken_middle(kit: Kit) -> Path:
    """Each frame is a single photo; the data of one in the middle is gone."""
    path = kit.video("torn.avi", codec="png", pixel_format="rgb24")
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    start = data.index(b"IDAT", places[5])
    data[start : start + 30] = bytes(30)
    path.write_bytes(data)
    return path


def _folder(kit: Kit) -> Path:
    folder = kit.folder / "shots"
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / f"shot{number}.png"), kit.colors()[..., ::-1])
    (folder / "notes.txt").write_text("not a picture")
    return folder


def _glob(kit: Kit) -> Path:
    return _folder(kit) / "shot[01].png"


FILES = [
    # name, maker, kind, frames, broken, tolerance of colors
    ("jpg", lambda kit: kit.encoded("a.jpg", "mjpeg", "yuvj444p", qmin="1", q="1"), "photo", 1, 0, 6),
    ("png", lambda kit: kit.encoded("a.png", "png", "rgb24"), "photo", 1, 0, 0),
    ("webp", lambda kit: kit.encoded("a.webp", "libwebp", "bgra", lossless="1"), "photo", 1, 0, 0),
    ("bmp", lambda kit: kit.encoded("a.bmp", "bmp", "bgr24"), "photo", 1, 0, 0),
    ("exif orientation", _turned_photo, "photo", 1, 0, 6),
    ("16 bit png", lambda kit: kit.encoded("deep.png", "png", "rgb48be"), "photo", 1, 0, 1),
    ("cmyk jpg", _cmyk_photo, "photo", 1, 0, 8),
    ("animated webp", _animated_webp, "video", 4, 0, 0),
    (
        "animated png",
        lambda kit: kit.encoded("m.apng", "apng", "rgb24", 4).rename(kit.folder / "m.png"),
        "video",
        4,
        0,
        0,
    ),
    ("animated gif", lambda kit: kit.encoded("m.gif", "gif", "rgb8", 4), "video", 4, 0, 60),
    ("turned by 90", lambda kit: kit.video(turn=90, size=(48, 64)), "video", 10, 0, None),
    ("variable rate", lambda kit: kit.video("v.mkv", frames=3, times=[0, 0.04, 0.9]), "video", 3, 0, 4),
    ("odd size", lambda kit: kit.video("o.mkv", size=(63, 47), pixel_format="yuv444p"), "video", 10, 0, None),
    ("no sound", lambda kit: kit.video(), "video", 10, 0, 4),
    ("two sounds", lambda kit: kit.video("s.mkv", sounds=["aac", "libopus"]), "video", 10, 0, 4),
    ("10 bit", lambda kit: kit.video(pixel_format="yuv420p10le"), "video", 10, 0, 4),
    ("10 bit hevc", lambda kit: kit.encoded("h.mp4", "libx265", "yuv422p10le", 4), "video", 4, 0, 8),
    ("av1", lambda kit: kit.encoded("a.webm", "libsvtav1", "yuv420p", 4), "video", 4, 0, 8),
    (
        "motion jpeg",
        lambda kit: kit.video("m.avi", codec="mjpeg", pixel_format="yuvj422p"),
        "video",
        10,
        0,
        9,
    ),
    ("old camera", lambda kit: kit.video("o.mpg", codec="mpeg2video"), "video", 10, 0, 9),
    ("broken frame", _broken_middle, "video", 9, 1, 0),
    ("changing size", _changing_size, "video", 20, 0, 6),
    ("0 frames a second", _zero_rate, "video", 10, 0, 9),
    ("folder", _folder, "folder", 3, 0, 0),
    ("glob", _glob, "folder", 2, 0, 0),
]


@pytest.fixture
def kit(tmp_path: Path, make_video: MakeVideo, colors: Colors) -> Kit:
    return Kit(tmp_path, make_video, colors)


@pytest.mark.parametrize(
    ("make", "kind", "frames", "broken", "tolerance"),
    [row[1:] for row in FILES],
    ids=[row[0] for row in FILES],
)
def test_twenty_kinds_of_files(
    kit: Kit, make: Callable[[Kit], Path], kind: str, frames: int, broken: int, tolerance: int | None
) -> None:
    with open_source(make(kit)) as source:
        pictures = list(source.frames())
        assert (source.kind, len(pictures), source.skipped) == (kind, frames, broken)
        assert source.frame_rate > 0
        width, height = source.size
    times = [picture.time for picture in pictures]
    assert times[0] == 0
    assert all(later > earlier for earlier, later in itertools.pairwise(times))
    for picture in pictures:
        assert picture.image.shape == (height, width, 3)
        assert picture.image.dtype == np.uint8
    if tolerance is None:
        return
    assert (width, height) == SIZE
    expected = kit.colors()
    for image in (pictures[0].image, pictures[-1].image):
        for y, x in ((12, 16), (12, 48), (36, 16), (36, 48)):
            np.testing.assert_allclose(image[y, x].astype(int), expected[y, x], atol=tolerance)


@pytest.mark.parametrize("pixel_format", ["gray", "gray16be", "ya8", "pal8", "monob"])
def test_frames_without_three_colors_become_rgb(kit: Kit, pixel_format: str) -> None:
    path = kit.folder / "grey.png"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("png", rate=1)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = *SIZE, pixel_format
        if pixel_format == "pal8":
            palette = np.full(256, 0xFFC8C8C8, np.uint32)  # ARGB in the machine's byte order
            frame = av.VideoFrame(*SIZE, "pal8")
            frame.planes[0].update(bytes(frame.planes[0].buffer_size))
            frame.planes[1].update(palette.tobytes())
        else:
            grey = av.VideoFrame.from_ndarray(np.full((*SIZE[::-1], 3), 200, np.uint8), format="rgb24")
            frame = grey.reformat(format=pixel_format)
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    with open_source(path) as source:
        image = next(source.frames()).image
    assert image.shape == (48, 64, 3)
    assert image.mean() == pytest.approx(200, abs=30 if pixel_format == "monob" else 2)
    assert (image == image[..., :1]).all()


def test_broken_packets_of_a_film_cost_only_some_frames(make_video: MakeVideo) -> None:
    path = make_video("torn.mp4", frames=100, size=(320, 240))
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        torn = next(packet for packet in packets[50:] if packet.is_keyframe is False and packet.size > 20)
        place, length = torn.pos, torn.size
    assert place is not None
    data = bytearray(path.read_bytes())
    data[place : place + length] = b"\xff" * length
    path.write_bytes(data)
    with open_source(path) as source:
        times = [frame.time for frame in source.frames()]
        assert source.skipped >= 1
    assert len(times) >= 60
    assert times[-1] == pytest.approx(3.96, abs=0.05)


def test_the_content_counts_not_the_name(kit: Kit) -> None:
    clip = kit.video("clip.mp4").rename(kit.folder / "clip.jpg")
    photo = kit.encoded("a.png", "png", "rgb24").rename(kit.folder / "photo.mp4")
    assert open_source(clip).kind == "video"
    assert open_source(photo).kind == "photo"


@pytest.mark.parametrize(
    ("start", "end", "numbers"), [(1.0, None, [2, 3]), (None, 1.0, [0, 1]), (0.5, 1.5, [1, 2])]
)
def test_folders_are_cut_by_time(tmp_path: Path, start: float, end: float, numbers: list[int]) -> None:
    for number in range(4):
        cv2.imwrite(str(tmp_path / f"{number}.png"), np.full((4, 4, 3), number, np.uint8))
    with open_source(tmp_path, start, end, Fraction(2)) as source:
        assert [int(frame.image[0, 0, 0]) for frame in source.frames()] == numbers
        assert source.frame_count == len(numbers)
