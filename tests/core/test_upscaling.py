import cv2
import numpy as np
import pytest

from dance_now.core.upscaling import upscale


def drawing(side: int) -> np.ndarray:
    """A dark disc with a light bar on it, anti-aliased; premultiplied."""
    large = np.zeros((960, 960, 4), np.uint8)
    cv2.circle(large, (480, 480), 300, (40, 60, 90, 255), -1)
    cv2.rectangle(large, (300, 420), (660, 500), (230, 210, 180, 255), -1)
    return cv2.resize(large, (side, side), interpolation=cv2.INTER_AREA)


def steepness(picture: np.ndarray, channel: int) -> float:
    """The largest step between neighbours along a row through disc and bar."""
    return float(np.abs(np.diff(picture[len(picture) * 46 // 96, :, channel].astype(int))).max())


@pytest.mark.parametrize("scale", [1.5, 2, 3])
def test_edges_are_steeper_than_cubic_ones_and_nearer_to_a_larger_drawing(scale: float) -> None:
    side = round(160 * scale)
    true, cubic = drawing(side), cv2.resize(drawing(160), (side, side), interpolation=cv2.INTER_CUBIC)
    ours = upscale(drawing(160), (side, side))
    for channel in (0, 3):
        assert steepness(ours, channel) > 1.2 * steepness(cubic, channel)
    assert np.abs(ours.astype(int) - true).mean() < 0.8 * np.abs(cubic.astype(int) - true).mean()


@pytest.mark.parametrize("scale", [1.1, 1.7, 2.5, 4.2])
def test_nothing_rings(scale: float) -> None:
    small = drawing(160)
    side = round(160 * scale)
    large = upscale(small, (side, side))
    inside = large[..., 3] == 255
    assert large[..., 3].max() == 255
    for channel in range(3):
        drawn = small[small[..., 3] == 255][:, channel]
        shown = large[inside][:, channel]
        assert shown.min() >= drawn.min() - 4
        assert shown.max() <= drawn.max() + 4
    assert (large[..., :3] <= large[..., 3:]).all()
    corner = max(1, int(0.1 * side))
    assert not large[:corner].any()
