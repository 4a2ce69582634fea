"""Sound as samples: mono, at the rate asked for, in time with the frames."""

import numpy as np
import pytest
from sounds import tone, write_talking_clip, write_wave

from dance_now.core.errors import DanceNowError
from dance_now.media.open_media import open_source
from dance_now.media.video.audio_samples import clip_samples, microphone_samples

RATE = 10_000


@pytest.mark.parametrize("name", ["clip.mkv", "clip.mp4"])
def test_a_clips_sound_is_in_time_with_its_frames(tmp_path, name):
    with open_source(write_talking_clip(tmp_path / name)) as source:
        samples = np.concatenate([*clip_samples(source, RATE)])
    assert len(samples) == pytest.approx(RATE, abs=0.1 * RATE)
    loud = np.flatnonzero(np.abs(samples) > 0.25)
    assert loud[0] / RATE == pytest.approx(0.4, abs=0.03)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.05)


def test_a_cut_has_the_sound_of_the_cut(tmp_path):
    with open_source(write_talking_clip(tmp_path / "clip.mkv"), start=0.3, end=0.7) as source:
        samples = np.concatenate([*clip_samples(source, RATE)])
    assert len(samples) == pytest.approx(0.4 * RATE, abs=2)
    assert np.flatnonzero(np.abs(samples) > 0.25)[0] / RATE == pytest.approx(0.1, abs=0.02)


def test_a_sound_file_can_stand_for_a_microphone(tmp_path):
    path = write_wave(tmp_path / "voice.wav", tone(0.5))
    assert sum(map(len, microphone_samples(str(path), RATE))) == pytest.approx(0.5 * RATE, abs=64)


def test_a_microphone_that_is_not_there_is_one_line():
    with pytest.raises(DanceNowError, match=r"the microphone no-such-device cannot be opened"):
        next(microphone_samples("no-such-device", RATE))
