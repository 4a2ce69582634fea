"""Lip sync: vowels by their formants, the opening by the loudness, in time."""

import math
import shutil
import subprocess
import wave

import numpy as np
import pytest

from dance_now.pose.retarget.face_expression import VOWELS, Expression
from dance_now.pose.retarget.face_rig import viseme_weights
from dance_now.pose.speech.formants import SAMPLE_RATE, formant_frequencies, vowel_shares
from dance_now.pose.speech.lip_sync import STEP_SECONDS, LipSync, SpeechTrack

SPOKEN = {"a": "aa", "i": "ih", "u": "ou", "e": "ee", "o": "oh"}
VOICES = [
    f"{language}{variant}"
    for language in ("es", "de", "it", "en-us")
    for variant in ("", "+m1", "+m3", "+f1", "+f2", "+f4")
]


def vowel(formants, seconds=0.4, pitch=120):
    """A synthetic vowel: pulses through resonances (Klatt 1980, cascade)."""
    count = round(seconds * SAMPLE_RATE)
    sound = np.zeros(count)
    sound[:: round(SAMPLE_RATE / pitch)] = 1
    for frequency in formants:
        radius = math.exp(-math.pi * 90 / SAMPLE_RATE)
        b = 2 * radius * math.cos(2 * math.pi * frequency / SAMPLE_RATE)
        c = -radius * radius
        out = np.zeros(count + 2)
        for i in range(count):
            out[i + 2] = (1 - b - c) * sound[i] + b * out[i + 1] + c * out[i]
        sound = out[2:]
    return sound / np.abs(sound).max() * 0.5


def read_wave(path):
    """Samples of a file at SAMPLE_RATE."""
    from dance_now.media.video.audio_samples import microphone_samples

    return np.concatenate([*microphone_samples(str(path), SAMPLE_RATE)])


def test_formants_are_the_resonances():
    sound = vowel([700, 1220, 2600, 3500])
    found = formant_frequencies(sound[2000:2400])
    assert found[:2] == pytest.approx([700, 1220], rel=0.08)
    assert len(formant_frequencies(np.zeros(400))) == 0
    assert vowel_shares(np.zeros(400)).tolist() == [0] * 5


@pytest.mark.parametrize(
    ("name", "formants"),
    [("aa", (800, 1250)), ("ih", (300, 2300)), ("ou", (320, 720)), ("ee", (470, 2000)), ("oh", (480, 850))],
)
def test_each_vowel_is_heard(name, formants):
    shapes = LipSync()(vowel([*formants, 2700, 3500]))
    assert VOWELS[int(shapes[8:-2].sum(axis=0).argmax())] == name
    assert shapes[8:-2].sum(axis=1).min() > 0.5


def test_blocks_of_any_size_give_the_same_shapes():
    sound = vowel([800, 1250, 2700])
    whole = LipSync()(sound)
    lip_sync = LipSync()
    parts = np.concatenate([lip_sync(block) for block in np.array_split(sound, 37)])
    np.testing.assert_allclose(parts, whole, atol=1e-9)


def test_silence_and_noise_below_hearing_keep_the_mouth_shut():
    quiet = np.random.default_rng(0).normal(0, 0.002, SAMPLE_RATE)
    assert LipSync()(np.zeros(SAMPLE_RATE)).max() == 0
    assert LipSync()(quiet).max() < 0.02


def test_the_opening_follows_the_loudness():
    """Correlation at least 0.8 and a lag of at most 60 ms, for a voice that swells three times a second."""
    sound = vowel([800, 1250, 2700, 3500], seconds=4)
    swell = 0.5 - 0.5 * np.cos(2 * math.pi * 3 * np.arange(len(sound)) / SAMPLE_RATE)
    track = SpeechTrack([sound * swell])
    times = np.arange(0.5, 3.5, 0.01)
    opening = np.array([track.at(time).sum() for time in times])
    loudness = 0.5 - 0.5 * np.cos(2 * math.pi * 3 * times)
    assert np.corrcoef(opening, loudness)[0, 1] >= 0.8
    lags = np.arange(-0.15, 0.151, 0.01)
    later = [np.corrcoef(opening, 0.5 - 0.5 * np.cos(2 * math.pi * 3 * (times - lag)))[0, 1] for lag in lags]
    assert abs(lags[int(np.argmax(later))]) <= 0.06


def test_a_track_ends_with_its_sound():
    track = SpeechTrack([vowel([800, 1250])])
    assert track.at(0.2).sum() > 0.5
    assert track.at(-1).sum() == track.at(10).sum() == 0


def test_a_speaking_face_has_the_vowels_and_their_opening():
    said = Expression(left_eye=0.5, mouth_open=0.9).speaking(np.array([0.0, 0.0, 0.7, 0.0, 0.0]))
    assert viseme_weights(said) == {"aa": 0, "ih": 0, "ou": pytest.approx(0.7), "ee": 0, "oh": 0}
    assert said.left_eye == 0.5
    assert said.mouth_width < -0.5
    assert 0 < said.mouth_open < 0.4


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng")
def test_synthesised_vowels_are_told_apart(tmp_path):
    right = total = 0
    correlations = []
    for voice in VOICES:
        for sound, name in SPOKEN.items():
            path = tmp_path / "vowel.wav"
            subprocess.run(["espeak-ng", "-v", voice, "-w", path, f"[[{sound}:]]"], check=True)
            with wave.open(str(path)) as stored:
                if not stored.getnframes():
                    continue
            samples = read_wave(path)
            shapes = LipSync()(samples)
            opening = shapes.sum(axis=1)
            spoken = opening > 0.5
            right += int((shapes[spoken].argmax(axis=1) == VOWELS.index(name)).sum())
            total += int(spoken.sum())
            step, window = round(STEP_SECONDS * SAMPLE_RATE), 400
            loudness = [
                np.sqrt(np.mean(np.square(samples[at * step : at * step + window])))
                for at in range(len(opening))
            ]
            correlations.append(np.corrcoef(opening, loudness)[0, 1])
    print(f"vowels right {right / total:.3f} of {total}, correlation {np.mean(correlations):.3f}")
    assert total > 1000
    assert right / total >= 0.7
    assert np.mean(correlations) >= 0.8
