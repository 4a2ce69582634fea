"""HDR and wide-gamut video, written here in BT.2020, comes back as the SDR scene that it shows."""

from pathlib import Path

import av
import numpy as np
import pytest

from dance_now.media.open_media import open_sink, open_source
from dance_now.media.video.tone_mapping import to_srgb

TO_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
LUMA = np.array([0.2627, 0.6780, 0.0593])
HLG, PQ, SRGB, BT2020, P3, UNKNOWN = 18, 16, 13, 9, 12, 2


def scene() -> np.ndarray:
    """(96, 128, 3) uint8: smooth gradients of all hues, and a white corner."""
    down, across = np.mgrid[0:96, 0:128] / (95, 127, 1)[:1]
    image = np.stack([40 + 190 * across / 127, 220 - 170 * down, 60 + 120 * (down * across / 127)], axis=-1)
    image[:16, :16] = 255
    return image.round().astype(np.uint8)


def coded(image: np.ndarray, transfer: int) -> np.ndarray:
    """The scene with diffuse white at 203 cd/m2, in BT.2020 (the forward curves of ITU-R BT.2100)."""
    share = image / 255
    light = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4) @ TO_2020.T
    if transfer == PQ:
        power = np.maximum(light * 203 / 10000, 0) ** 0.1593017578125
        return ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    if transfer == HLG:
        shown = light * 203 / 1000
        scene_light = shown * np.maximum((shown @ LUMA)[..., None], 1e-6) ** (1 / 1.2 - 1)
        a, b, c = 0.17883277, 0.28466892, 0.55991073
        bright = a * np.log(np.maximum(12 * scene_light - b, 1e-9)) + c
        return np.where(scene_light <= 1 / 12, np.sqrt(3 * np.maximum(scene_light, 0)), bright)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 0) ** (1 / 2.4) - 0.055)


def write(path: Path, image: np.ndarray, transfer: int, tags: tuple[int, int, int]) -> Path:
    """Writes three frames of 10-bit YUV with BT.2020's matrix; tags: transfer, primaries, matrix."""
    rgb = coded(image, transfer)
    luma = rgb @ LUMA
    chroma = [(rgb[..., 2] - luma) / 1.8814, (rgb[..., 0] - luma) / 1.4746]
    planes = [64 + 876 * luma, *(512 + 896 * each for each in chroma)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = image.shape[1], image.shape[0], "yuv444p10le"
        context = stream.codec_context
        context.color_trc, context.color_primaries, context.colorspace = tags
        context.color_range = 1
        for _ in range(3):
            frame = av.VideoFrame(image.shape[1], image.shape[0], "yuv444p10le")
            for plane, values in zip(frame.planes, planes, strict=True):
                rows = np.zeros((plane.height, plane.line_size // 2), "<u2")
                rows[:, : plane.width] = np.clip(values, 0, 1023).round()
                plane.update(rows.tobytes())
            frame.color_trc, frame.color_primaries, frame.colorspace = tags
            frame.color_range = 1
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("transfer", "tags"),
    [
        (HLG, (HLG, BT2020, BT2020)),
        (PQ, (PQ, BT2020, BT2020)),
        (PQ, (PQ, UNKNOWN, BT2020)),
        (HLG, (HLG, UNKNOWN, BT2020)),
        (SRGB, (1, BT2020, BT2020)),
        (SRGB, (14, BT2020, BT2020)),
        (SRGB, (UNKNOWN, UNKNOWN, BT2020)),
    ],
)
def test_the_sdr_scene_comes_back(tmp_path: Path, transfer: int, tags: tuple[int, int, int]) -> None:
    image = scene()
    with open_source(write(tmp_path / "hdr.mkv", image, transfer, tags)) as source:
        frames = list(source.frames())
    assert len(frames) == 3
    for frame in frames:
        off = np.abs(frame.image.astype(int) - image)
        assert off.mean() < 2.5
        assert np.abs(frame.image[:16, :16].astype(int) - 255).max() <= 10
    np.testing.assert_array_equal(frames[0].image, frames[2].image)


def test_what_is_written_says_bt709(tmp_path: Path) -> None:
    clip = write(tmp_path / "hdr.mkv", scene(), HLG, (HLG, BT2020, BT2020))
    with open_source(clip) as source, open_sink(tmp_path / "out.mp4", source, alpha=False) as sink:
        for frame in source.frames():
            sink.write(frame.image, frame.time)
    with av.open(str(tmp_path / "out.mp4")) as container:
        frame = next(container.decode(video=0))
    assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == (1, 1, 1, 1)


@pytest.mark.parametrize("transfer", [HLG, PQ])
def test_highlights_keep_their_order_below_white(transfer: int) -> None:
    gray = np.repeat(np.linspace(0, 1, 500)[:, None], 3, axis=1)
    mapped = to_srgb(gray, transfer, BT2020)
    np.testing.assert_allclose(mapped, mapped[:, :1].repeat(3, axis=1), atol=1e-4)  # gray stays gray
    steps = np.diff(mapped[:, 0])
    assert steps.min() >= 0
    assert mapped[0, 0] == 0
    assert mapped[-1, 0] == pytest.approx(1)
    white = {HLG: 0.75, PQ: 0.58}[transfer]  # 203 cd/m2 (BT.2408)
    assert to_srgb(np.full((1, 3), white), transfer, BT2020)[0, 0] == pytest.approx(0.96, abs=0.01)


@pytest.mark.parametrize("primaries", [BT2020, P3])
def test_colors_outside_the_gamut_are_desaturated_not_clipped_to_another_hue(primaries: int) -> None:
    for channel in range(3):
        pure = np.zeros((1, 3))
        pure[0, channel] = 1
        mapped = to_srgb(pure, SRGB, primaries)[0]
        assert mapped.argmax() == channel
        assert mapped.min() >= 0
        assert mapped.max() <= 1
