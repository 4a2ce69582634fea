from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from dance_now.core.errors import DanceNowError
from dance_now.media.open_media import open_source

MakeVideo = Callable[..., Path]
Colors = Callable[..., np.ndarray]


def assert_same_colors(image: np.ndarray, expected: np.ndarray, tolerance: int = 3) -> None:
    """Compares the middles of the four quarters."""
    height, width = expected.shape[:2]
    for y in (height // 4, 3 * height // 4):
        for x in (width // 4, 3 * width // 4):
            np.testing.assert_allclose(image[y, x].astype(int), expected[y, x].astype(int), atol=tolerance)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("plain.mp4", {}),
        ("odd.mkv", {"size": (63, 47), "pixel_format": "yuv444p"}),
        ("deep.mp4", {"pixel_format": "yuv420p10le"}),
        ("web.webm", {"codec": "libvpx-vp9"}),
        ("old.avi", {"codec": "mpeg4"}),
        ("stream.ts", {}),
        ("sound.mp4", {"sounds": ["aac"]}),
        ("two_sounds.mkv", {"sounds": ["aac", "libopus"]}),
    ],
)
def test_all_frames_come_in_order_with_their_colors(
    make_video: MakeVideo, colors: Colors, name: str, options: dict[str, object]
) -> None:
    with open_source(make_video(name, **options)) as source:
        frames = list(source.frames())
        expected = colors(*source.size)
        assert source.kind == "video"
        assert source.frame_rate == 25
        assert source.skipped == 0
        assert source.has_audio == bool(options.get("sounds"))
    assert [frame.index for frame in frames] == list(range(10))
    assert [frame.time for frame in frames] == pytest.approx([step / 25 for step in range(10)], abs=1e-3)
    for frame in frames:
        assert frame.image.shape == expected.shape
        assert_same_colors(frame.image, expected, 6 if name.startswith("old") else 3)


def test_a_source_can_be_read_twice(make_video: MakeVideo) -> None:
    with open_source(make_video()) as source:
        first = [frame.image for frame in source.frames()]
        second = [frame.image for frame in source.frames()]
    assert len(first) == len(second) == 10
    np.testing.assert_array_equal(first[7], second[7])


@pytest.mark.parametrize(("turn", "quarters"), [(90, 1), (180, 2), (-90, 3)])
def test_the_display_matrix_is_applied(
    make_video: MakeVideo, colors: Colors, turn: int, quarters: int
) -> None:
    with open_source(make_video(turn=turn)) as source:
        image = next(source.frames()).image
        width, height = source.size
    expected = np.rot90(colors(), quarters)
    assert image.shape == expected.shape == (height, width, 3)
    assert_same_colors(image, expected)


def test_variable_rate_keeps_the_real_time_stamps(make_video: MakeVideo) -> None:
    times = [0.0, 0.04, 0.3, 0.35, 1.0]
    with open_source(make_video("vfr.mkv", frames=5, times=times)) as source:
        assert [frame.time for frame in source.frames()] == pytest.approx(times, abs=2e-3)


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [(0.2, None, 5), (None, 0.2, 5), (0.12, 0.28, 4), (0.36, None, 1)],
)
def test_cuts_start_at_time_zero(
    make_video: MakeVideo, start: float | None, end: float | None, expected: int
) -> None:
    with open_source(make_video(), start, end) as source:
        times = [frame.time for frame in source.frames()]
        assert source.frame_count == expected
    assert times == pytest.approx([step / 25 for step in range(expected)], abs=1e-6)


def test_two_cuts_share_no_frame_and_lose_none(make_video: MakeVideo) -> None:
    path = make_video(rate=Fraction(30000, 1001))
    counts = []
    for start, end in ((None, 0.17), (0.17, None)):
        with open_source(path, start, end) as source:
            counts.append(sum(1 for _ in source.frames()))
    assert sum(counts) == 10


def test_a_start_after_the_end_is_refused(make_video: MakeVideo) -> None:
    with pytest.raises(DanceNowError, match="after the end"):
        open_source(make_video(), start=9.0)


def test_broken_frames_are_skipped_and_counted(make_video: MakeVideo) -> None:
    path = make_video("broken.avi", frames=40, codec="png", pixel_format="rgb24")
    data = bytearray(path.read_bytes())
    middle = data.index(b"IDAT", len(data) // 2)
    data[middle : middle + 40] = bytes(40)
    path.write_bytes(data)
    with open_source(path) as source:
        frames = list(source.frames())
        assert source.skipped == 1
    assert len(frames) == 39
    assert frames[-1].time == pytest.approx(39 / 25)


def test_a_file_cut_short_gives_what_is_there(make_video: MakeVideo) -> None:
    path = make_video("short.mkv", frames=60)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])
    with open_source(path) as source:
        assert 0 < sum(1 for _ in source.frames()) < 60


def test_gif_counts_as_video(make_video: MakeVideo, colors: Colors) -> None:
    path = make_video("tiny.gif", codec="gif", pixel_format="rgb8", rate=Fraction(10))
    with open_source(path) as source:
        frames = list(source.frames())
        assert (source.kind, source.size) == ("video", (64, 48))
    assert len(frames) == 10
    assert_same_colors(frames[0].image, colors(), 60)  # the sample itself has four levels of blue


def test_transparent_video_is_laid_over_white(tmp_path: Path) -> None:

    path = tmp_path / "clear.mov"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("prores_ks", rate=25, options={"profile": "4444"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuva444p10le"
        frame = av.VideoFrame.from_ndarray(np.zeros((48, 64, 4), np.uint8), format="rgba")
        output.mux(stream.encode(frame.reformat(format="yuva444p10le")))
        output.mux(stream.encode(None))
    with open_source(path) as source:
        assert next(source.frames()).image.min() >= 252


def test_closing_ends_a_running_pass(make_video: MakeVideo) -> None:
    source = open_source(make_video())
    frames = source.frames()
    next(frames)
    source.close()
    frames.close()


@pytest.mark.parametrize(
    ("name", "codec"), [("camera.mts", "libx264"), ("tv.ts", "mpeg2video"), ("disc.mpg", "mpeg2video")]
)
def test_streams_without_an_index_are_cut_right(make_video: MakeVideo, name: str, codec: str) -> None:
    clip = make_video(name, frames=40, codec=codec)
    with open_source(clip) as source:
        whole = list(source.frames())
    with open_source(clip, 0.6, 0.8) as source:
        frames = list(source.frames())
    assert [frame.time for frame in frames] == pytest.approx([0, 0.04, 0.08, 0.12, 0.16], abs=2e-3)
    for frame, expected in zip(frames, whole[15:], strict=False):
        np.testing.assert_array_equal(frame.image, expected.image)


def test_an_unknown_codec_is_one_line(make_video: MakeVideo) -> None:
    clip = make_video()
    clip.write_bytes(clip.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(DanceNowError, match="FFmpeg cannot decode"):
        open_source(clip)


def test_sound_of_an_unknown_codec_is_left_out(make_video: MakeVideo) -> None:
    clip = make_video("clip.mkv", sounds=["aac"])
    clip.write_bytes(clip.read_bytes().replace(b"A_AAC", b"A_ZZZ"))
    with open_source(clip) as source:
        assert not source.has_audio
        assert len(list(source.frames())) == 10


@pytest.mark.parametrize("name", ["long.mp4", "long.mkv"])
def test_sound_that_outlasts_the_pictures_does_not_count_as_pictures(
    make_video: MakeVideo, name: str
) -> None:
    clip = make_video(name, sounds=["aac"], sound_seconds=4)
    with open_source(clip) as source:
        assert len(list(source.frames())) == 10
        assert source.frame_count == 10
    with pytest.raises(DanceNowError, match="after the end"):
        open_source(clip, 1.0)
