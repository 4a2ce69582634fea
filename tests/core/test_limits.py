"""Limits of untrusted files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dance_now.core import limits
from dance_now.core.errors import DanceNowError


@pytest.mark.parametrize(
    ("width", "height", "file_bytes"),
    [
        (3840, 2160, 20_000),  # a plain drawing of a screen
        (5120, 2880, 20_000),
        (8000, 6000, 5_000_000),  # 48 megapixels of a phone
        (12000, 8333, 20_000_000),
    ],
)
def test_accepts_honest_pictures(width: int, height: int, file_bytes: int) -> None:
    limits.check_picture("photo.png", width, height, file_bytes)


@pytest.mark.parametrize(
    ("width", "height", "file_bytes"),
    [
        (10_000, 10_000, 583_000),
        (16_000, 16_000, 50),
        (2_000_000, 1, 6_000),
        (10_001, 10_000, 10**9),
        (0, 5, 100),
        (5, -1, 100),
    ],
)
def test_refuses_pictures_that_claim_too_much(width: int, height: int, file_bytes: int) -> None:
    with pytest.raises(DanceNowError, match=r"^bomb\.png .*\.$"):
        limits.check_picture("bomb.png", width, height, file_bytes)


@pytest.mark.parametrize(
    ("width", "height", "file_bytes", "fits"),
    [
        (3840, 2160, 1_000, True),
        (7680, 4320, 13_000_000, True),
        (7680, 4320, 5_000_000, False),
        (9990, 9990, 10**9, False),
    ],
)
def test_frames_of_videos_are_smaller(width: int, height: int, file_bytes: int, fits: bool) -> None:
    if fits:
        limits.check_frame("clip.mp4", width, height, file_bytes)
        return
    with pytest.raises(DanceNowError, match="too many"):
        limits.check_frame("clip.mp4", width, height, file_bytes)


def test_a_decoded_file_of_5_mb_stays_below_500_mb() -> None:
    assert 8 * limits.max_pixels(5_000_000) < 500_000_000
    assert limits.MemoryBudget("a.vrm", 5_000_000).limit < 300_000_000


def test_json_is_bounded_by_its_values() -> None:
    assert limits.parse_json(b'{"a": [1, 2]}') == {"a": [1, 2]}
    with pytest.raises(ValueError, match="values"):
        limits.parse_json(b"[" + b"[]," * 1_000_001 + b"[]]")
    with pytest.raises(ValueError, match="nested"):
        limits.parse_json(b"[" * 100_000 + b"]" * 100_000)


def test_json_of_long_texts_is_no_json_of_many_values() -> None:
    assert len(limits.parse_json(b'"' + b"x" * 3_000_000 + b'"')) == 3_000_000


def test_budget_counts_everything_charged() -> None:
    budget = limits.MemoryBudget("a.vrm", 0)
    budget.charge(budget.limit, "its textures")
    with pytest.raises(DanceNowError, match=r"^a\.vrm: 1 vertex would need more than the 64 MB"):
        budget.charge(1, "1 vertex")


def test_bounded_reading(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"12345")
    assert limits.read_bounded(file, 5) == b"12345"
    with pytest.raises(DanceNowError, match="larger than 4 bytes"):
        limits.read_bounded(file, 4)
    with pytest.raises(DanceNowError, match="does not exist"):
        limits.read_bounded(tmp_path / "b", 4)
    with pytest.raises(DanceNowError, match="is not a file"):
        limits.read_bounded(tmp_path, 4)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_bounded_reading_does_not_wait_for_pipes(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DanceNowError, match="is not a file"):
        limits.read_bounded(tmp_path / "pipe", 4)
