import os
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from dance_now.core.errors import DanceNowError
from dance_now.media.open_media import open_sink, open_source
from dance_now.media.video import video_format
from dance_now.media.video.video_format import VideoFormat

MakeVideo = Callable[..., Path]
Colors = Callable[..., np.ndarray]


def copy(
    clip: Path, target: Path, *, start: float | None = None, end: float | None = None, bit_depth: int = 8
) -> list[float]:
    """Sends every frame through; returns their times."""
    times = []
    with (
        open_source(clip, start, end) as source,
        open_sink(target, source, alpha=False, bit_depth=bit_depth) as sink,
    ):
        for frame in source.frames():
            sink.write(frame.image, frame.time)
            times.append(frame.time)
    return times


def sound_of(path: Path) -> tuple[str, int, float, float]:
    """(codec, packets, first time, duration in seconds) of the only sound track."""
    with av.open(str(path)) as container:
        (track,) = container.streams.audio
        packets = [packet for packet in container.demux(track) if packet.size]
        first, last = packets[0], packets[-1]
        start = float((first.pts or 0) * first.time_base)
        end = float(((last.pts or 0) + (last.duration or 0)) * last.time_base)
        return track.codec_context.codec.canonical_name, len(packets), start, end - start


@pytest.mark.parametrize(
    ("extension", "bit_depth"),
    [
        *((".mp4", 8), (".mov", 8), (".mkv", 8), (".avi", 8), (".webm", 8)),
        *((".mp4", 10), (".mov", 10), (".mkv", 10)),
    ],
)
def test_frames_times_and_colors_survive(
    tmp_path: Path, make_video: MakeVideo, colors: Colors, extension: str, bit_depth: int
) -> None:
    target = tmp_path / f"out{extension}"
    times = copy(make_video(rate=Fraction(30000, 1001)), target, bit_depth=bit_depth)
    with av.open(str(target)) as container:
        frame = next(container.decode(video=0))
    assert frame.format.components[0].bits == bit_depth
    if extension != ".avi":  # Motion JPEG has JPEG's colors
        assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == (1, 1, 1, 1)
    with open_source(target) as result:
        frames = list(result.frames())
        assert result.size == (64, 48)
        assert float(result.frame_rate) == pytest.approx(30000 / 1001, rel=2e-3)
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-3)
    for y, x in ((12, 16), (12, 48), (36, 16), (36, 48)):
        np.testing.assert_allclose(frames[5].image[y, x].astype(int), colors()[y, x], atol=3)


def test_mp4_says_bt709_and_starts_fast(tmp_path: Path, make_video: MakeVideo) -> None:
    target = tmp_path / "out.mp4"
    copy(make_video(), target)
    with av.open(str(target)) as container:
        frame = next(container.decode(video=0))
        assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == (1, 1, 1, 1)
        assert frame.format.name == "yuv420p"
    data = target.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_odd_sizes_are_padded_by_one_row_and_column(tmp_path: Path, make_video: MakeVideo) -> None:
    target = tmp_path / "out.mp4"
    copy(make_video("odd.mkv", size=(63, 47), pixel_format="yuv444p"), target)
    with open_source(target) as result:
        image = next(result.frames()).image
    assert image.shape == (48, 64, 3)
    np.testing.assert_allclose(image[-1, 40].astype(int), image[-2, 40].astype(int), atol=4)


def test_variable_rate_is_kept(tmp_path: Path, make_video: MakeVideo) -> None:
    times = [0.0, 0.04, 0.3, 0.35, 1.0]
    for extension in (".mp4", ".mov", ".mkv", ".webm", ".gif"):
        target = tmp_path / f"out{extension}"
        copy(make_video(f"vfr{extension[1:]}.mkv", frames=5, times=times), target)
        with open_source(target) as result:
            assert [frame.time for frame in result.frames()] == pytest.approx(times, abs=6e-3)


def test_an_animated_webp_keeps_times_and_goes_on_for_ever(tmp_path: Path, make_video: MakeVideo) -> None:
    target = tmp_path / "out.webp"
    copy(make_video("vfr.mkv", frames=5, times=[0.0, 0.04, 0.3, 0.35, 1.0]), target)
    done, animation = cv2.imreadanimation(str(target))
    assert done
    assert list(animation.durations)[:4] == pytest.approx([40, 260, 50, 650], abs=2)
    assert animation.loop_count == 0


def test_gif_with_alpha_is_transparent(tmp_path: Path, make_video: MakeVideo) -> None:
    target = tmp_path / "out.gif"
    rgba = np.zeros((48, 64, 4), np.uint8)
    with open_source(make_video()) as source, open_sink(target, source, alpha=True) as sink:
        for step in range(5):
            rgba[:] = 0
            rgba[8:40, 8 * step : 8 * step + 16] = (220, 30, 30, 255)
            sink.write(rgba, step / 10)
    with av.open(str(target)) as container:
        images = [frame.to_ndarray(format="rgba") for frame in container.decode(video=0)]
    assert len(images) == 5
    for step, image in enumerate(images):
        assert image[20, 8 * step + 8].tolist() == pytest.approx([220, 30, 30, 255], abs=8)
        assert image[20, (8 * step + 40) % 64, 3] == 0


@pytest.mark.parametrize(
    ("sound", "extension", "codec", "copied"),
    [
        ("aac", ".mp4", "aac", True),
        ("aac", ".mov", "aac", True),
        ("libopus", ".webm", "opus", True),
        ("aac", ".webm", "opus", False),
        ("flac", ".mp4", "aac", False),
        ("flac", ".mkv", "flac", True),
        ("aac", ".mkv", "aac", True),
        ("aac", ".avi", "mp3", False),
        ("pcm_s16le", ".mp4", "aac", False),
    ],
)
def test_sound_is_copied_or_encoded(
    tmp_path: Path, make_video: MakeVideo, sound: str, extension: str, codec: str, copied: bool
) -> None:
    clip = make_video("clip.mkv", frames=30, sounds=[sound])
    target = tmp_path / f"out{extension}"
    copy(clip, target)
    name, packets, start, duration = sound_of(target)
    _, packets_before, start_before, duration_before = sound_of(clip)
    assert name == codec
    assert duration == pytest.approx(duration_before, abs=0.06)
    assert start == pytest.approx(start_before, abs=0.05)
    if copied:
        assert packets == packets_before


@pytest.mark.parametrize("extension", [".mp4", ".webm"])
def test_sound_follows_the_cut(tmp_path: Path, make_video: MakeVideo, extension: str) -> None:
    clip = make_video("clip.mp4", frames=50, sounds=["aac"])
    target = tmp_path / f"out{extension}"
    copy(clip, target, start=0.4, end=1.4)
    _, _, start, duration = sound_of(target)
    assert start == pytest.approx(0.0, abs=0.03)
    assert duration == pytest.approx(1.0, abs=0.06)
    with open_source(target) as result:
        assert next(result.frames()).time == pytest.approx(0.0, abs=1e-3)


def test_the_first_of_several_sound_tracks_is_taken(tmp_path: Path, make_video: MakeVideo) -> None:
    target = tmp_path / "out.mp4"
    copy(make_video("clip.mkv", sounds=["libopus", "aac"]), target)
    assert sound_of(target)[0] == "opus"


def test_sound_can_be_left_out(tmp_path: Path, make_video: MakeVideo) -> None:
    target = tmp_path / "out.mp4"
    with (
        open_source(make_video(sounds=["aac"])) as source,
        open_sink(target, source, alpha=False, sound=False) as sink,
    ):
        for frame in source.frames():
            sink.write(frame.image, frame.time)
    with av.open(str(target)) as container:
        assert not container.streams.audio


def test_a_missing_encoder_is_said_before_any_work(
    tmp_path: Path, make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = VideoFormat(codec="libnothing", pixel_format="yuv420p")
    monkeypatch.setitem(video_format._FORMATS, (".mp4", False, 8), missing)
    with open_source(make_video()) as source, pytest.raises(DanceNowError, match="no libnothing encoder"):
        open_sink(tmp_path / "out.mp4", source, alpha=False)


@pytest.mark.parametrize("extension", [".mp4", ".mov", ".mkv", ".webp"])
def test_sizes_that_a_format_cannot_hold_are_said(
    tmp_path: Path, make_video: MakeVideo, extension: str
) -> None:
    with open_source(make_video()) as source, pytest.raises(DanceNowError, match="pixels a side"):  # noqa: SIM117
        with open_sink(tmp_path / f"out{extension}", source, alpha=False) as sink:
            sink.write(np.zeros((2, 20000, 3), np.uint8), 0.0)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("extension", [".mp4", ".mov", ".mkv", ".avi", ".webm", ".webp", ".gif"])
@pytest.mark.parametrize("size", [(1, 1), (3, 5), (63, 47)])
def test_odd_and_tiny_sizes_are_written(
    tmp_path: Path, make_video: MakeVideo, extension: str, alpha: bool, size: tuple[int, int]
) -> None:
    if extension in (".mp4", ".avi") and alpha:
        pytest.skip("no alpha")
    target = tmp_path / f"out{extension}"
    picture = np.full((size[1], size[0], 4), (200, 100, 50, 255), np.uint8)
    with open_source(make_video()) as source, open_sink(target, source, alpha=alpha) as sink:
        for step in range(2):
            sink.write(picture, step / 25)
    with open_source(target) as result:
        image = next(result.frames()).image
        assert all(0 <= new - old <= 1 for new, old in zip(result.size, size, strict=True))
    np.testing.assert_allclose(image[0, 0].astype(int), (200, 100, 50), atol=3)


@pytest.mark.parametrize(("extension", "size"), [(".mp4", (20000, 64)), (".webp", (64, 17000))])
def test_a_size_that_is_known_before_is_refused_before_any_work(
    tmp_path: Path, make_video: MakeVideo, extension: str, size: tuple[int, int]
) -> None:
    with open_source(make_video()) as source, pytest.raises(DanceNowError, match="pixels a side"):
        open_sink(tmp_path / f"out{extension}", source, alpha=False, size=size)


def test_a_size_that_the_encoder_refuses_is_refused_before_any_work(
    tmp_path: Path, make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = VideoFormat(codec="h263", pixel_format="yuv420p")  # five sizes only
    monkeypatch.setitem(video_format._FORMATS, (".mp4", False, 8), narrow)
    with open_source(make_video()) as source, pytest.raises(DanceNowError, match=r"64x48 pixels \(h263"):
        open_sink(tmp_path / "out.mp4", source, alpha=False)


@pytest.mark.parametrize("extension", [".avi", ".webm", ".gif", ".webp"])
def test_formats_without_ten_bits_say_which_have_them(
    tmp_path: Path, make_video: MakeVideo, extension: str
) -> None:
    with (
        open_source(make_video()) as source,
        pytest.raises(DanceNowError, match=r"10 bits. Use .mp4, .mov, .mkv"),
    ):
        open_sink(tmp_path / f"out{extension}", source, alpha=False, bit_depth=10)


@pytest.mark.skipif(sys.platform != "linux", reason="affinity")
@pytest.mark.parametrize("name", ["out.mp4", "out.mkv", "out.webm"])
def test_a_file_does_not_depend_on_the_number_of_cores(
    tmp_path: Path, make_video: MakeVideo, name: str
) -> None:
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        pytest.skip("one core")
    generator = np.random.default_rng(0)
    pictures = [generator.integers(0, 255, (144, 256, 3), dtype=np.uint8) for _ in range(12)]
    written = []
    for number, allowed in enumerate((cores, {min(cores)})):
        (tmp_path / str(number)).mkdir()
        os.sched_setaffinity(0, allowed)
        try:
            with (
                open_source(make_video("clip.mp4")) as source,
                open_sink(tmp_path / str(number) / name, source, alpha=False, sound=False) as sink,
            ):
                for index, picture in enumerate(pictures):
                    sink.write(picture, index / 25)
        finally:
            os.sched_setaffinity(0, cores)
        written.append((tmp_path / str(number) / name).read_bytes())
    assert written[0] == written[1]


def test_frames_of_another_size_are_refused(tmp_path: Path, make_video: MakeVideo) -> None:
    with open_source(make_video()) as source, pytest.raises(DanceNowError, match="another size"):  # noqa: SIM117, PT012
        with open_sink(tmp_path / "out.mp4", source, alpha=False) as sink:
            sink.write(np.zeros((48, 64, 3), np.uint8), 0.0)
            sink.write(np.zeros((50, 64, 3), np.uint8), 0.04)
    assert not (tmp_path / "out.mp4").exists()


def test_a_disk_that_is_full_is_one_line(
    tmp_path: Path, make_video: MakeVideo, colors: Colors, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The muxer fails in writing, and once more when it is closed."""

    class Full:
        def mux(self, packets: object) -> None:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            self.mux(None)

    def write() -> None:
        with (
            open_source(make_video()) as source,
            open_sink(tmp_path / "out.mp4", source, alpha=False) as sink,
        ):
            sink.write(colors(), 0.0)
            monkeypatch.setattr(sink, "_container", Full())
            sink.write(colors(), 0.1)

    with pytest.raises(DanceNowError, match=r"out\.mp4 could not be written: No space left"):
        write()
    assert not list(tmp_path.glob("*out*"))
