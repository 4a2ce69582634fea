"""Interlaced clips: two fields of different times in each frame."""

from fractions import Fraction
from pathlib import Path

import av
import av.filter
import numpy as np
import pytest

from dance_now.media.open_media import open_source

RATE, WIDTH, HEIGHT, COUNT = 25, 160, 120, 12


def picture(field: int) -> np.ndarray:
    """A bright square that moves 4 pixels a field."""
    image = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    left = 10 + 4 * field
    image[30:90, left : left + 40] = 220
    return image


def write(path: Path, codec: str, options: dict[str, str], interlaced: range = range(COUNT)) -> Path:
    """Writes frames whose odd rows are half a frame later, flagged as interlaced, top field first."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE, options={**options, "flags": "+ildct+ilme"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(COUNT):
            image = picture(2 * index)
            if index in interlaced:
                image[1::2] = picture(2 * index + 1)[1::2]
            frame = av.VideoFrame.from_ndarray(image, "rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            container.mux(stream.encode(flagged(frame) if index in interlaced else frame))
        container.mux(stream.encode(None))
    return path


def flagged(frame: av.VideoFrame) -> av.VideoFrame:
    graph = av.filter.Graph()
    entry = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    graph.link_nodes(entry, graph.add("setfield", "tff"), graph.add("buffersink")).configure()
    graph.vpush(frame)
    return graph.vpull()


def combing(image: np.ndarray) -> float:
    """Mean difference of each row from the mean of its neighbors."""
    rows = image.astype(int)
    return float(np.abs(2 * rows[1:-1] - rows[:-2] - rows[2:]).mean())


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("dvd.mpg", "mpeg2video", {"b": "4M"}),
        ("camcorder.mp4", "libx264", {"crf": "10", "x264-params": "tff=1"}),
        ("archive.mkv", "ffv1", {}),
    ],
)
def test_every_frame_is_whole_and_on_time(
    tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    with open_source(write(tmp_path / name, codec, options)) as source:
        frames = list(source.frames())
    assert [frame.time for frame in frames] == pytest.approx([n / RATE for n in range(COUNT)], abs=2e-3)
    for index, frame in enumerate(frames):
        assert combing(frame.image) < combing(picture(2 * index)) + 0.3
        assert np.abs(frame.image.astype(int) - picture(2 * index)).mean() < 1


def test_progressive_frames_of_a_mixed_clip_stay_as_they_are(tmp_path: Path) -> None:
    clip = write(tmp_path / "mixed.mkv", "ffv1", {}, interlaced=range(4, 8))
    with open_source(clip) as source:
        frames = list(source.frames())
    assert len(frames) == COUNT
    for index in (0, 3, 9, 11):
        assert np.abs(frames[index].image.astype(int) - picture(2 * index)).max() <= 3
    assert combing(frames[6].image) < combing(picture(12)) + 0.3


def test_a_cut_begins_at_its_frame(tmp_path: Path) -> None:
    clip = write(tmp_path / "dvd.mpg", "mpeg2video", {"b": "4M"})
    with open_source(clip, 0.16, 0.28) as source:
        frames = list(source.frames())
    assert [frame.time for frame in frames] == pytest.approx([0, 0.04, 0.08], abs=2e-3)
    assert np.abs(frames[1].image.astype(int) - picture(10)).mean() < 1
