"""The microphone of a live performance, with a sound file in its place."""

import time

import numpy as np
import pytest
from live_fakes import wait_for
from sounds import tone, write_wave

from dance_now.core.errors import DanceNowError
from dance_now.live.voice import Voice


def test_the_mouth_opens_while_a_voice_sounds_and_shuts_afterwards(tmp_path):
    sound = np.concatenate([np.zeros(3200), tone(0.6), np.zeros(3200)])
    with Voice(str(write_wave(tmp_path / "voice.wav", sound))) as voice:
        assert voice.vowels_at(0.0).sum() == 0
        wait_for(lambda: voice.vowels_at(0.0).sum() > 0.8)
        wait_for(lambda: voice.vowels_at(0.0).sum() < 0.05)


def test_a_voice_ends_at_once_when_it_is_told_to(tmp_path):
    begun = time.monotonic()
    with Voice(str(write_wave(tmp_path / "voice.wav", tone(30)))):
        pass
    assert time.monotonic() - begun < 5


def test_no_microphone_is_one_line():
    with pytest.raises(DanceNowError, match="the microphone no-such-device cannot be opened"):
        Voice("no-such-device")
