"""A live performance whose mouth follows a voice, from the command line to a VMC receiver."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time
import wave

import av
import numpy as np
import pytest
from sounds import RATE
from vmc_receiver import read_bundle

from dance_now.media.video.audio_samples import microphone_samples

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="needs espeak-ng"),
]
SECONDS = 60  # of sound: a second of a vowel, a second of silence, again and again


def spoken(folder):
    """The vowel of "father" for most of a second, as speech of espeak-ng."""
    path = folder / "vowel.wav"
    subprocess.run(["espeak-ng", "-v", "en-us", "-w", path, "[[A::::]]"], check=True)
    with wave.open(str(path)) as stored:
        assert stored.getnframes() > 0
    return np.concatenate(list(microphone_samples(str(path), RATE)))[: RATE * 9 // 10]


def talking_clip(people, path, sound):
    """Two seconds of a person, and a sound that is longer."""
    with av.open(str(people)) as source, av.open(str(path), "w") as clip:
        video = clip.add_stream("libx264", rate=15, options={"preset": "ultrafast"})
        audio = clip.add_stream("pcm_s16le", rate=RATE, layout="mono")
        for number, frame in enumerate(source.decode(video=0)):
            if number == 60:
                break
            size = {"width": 480, "height": 480 * frame.height // frame.width // 2 * 2}
            if number == 0:
                video.width, video.height, video.pix_fmt = *size.values(), "yuv420p"
            if number % 2 == 0:
                image = frame.to_ndarray(format="rgb24", **size)
                clip.mux(video.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        clip.mux(video.encode(None))
        block = av.AudioFrame.from_ndarray(
            (sound[None] * 32767).astype(np.int16), format="s16", layout="mono"
        )
        block.rate, block.pts = RATE, 0
        clip.mux(audio.encode(block))
        clip.mux(audio.encode(None))
    return path


def listen(receiver, heard, done):
    """Collects when bundles arrive and what they say of the vowel."""
    receiver.settimeout(0.2)
    while not done.is_set():
        try:
            messages = read_bundle(receiver.recv(65536))
        except TimeoutError:
            continue
        blends = {each[1]: each[2] for each in messages if each[0] == "/VMC/Ext/Blend/Val"}
        heard.append((time.monotonic(), blends["A"], sum(blends[name] for name in "AIUEO")))


def test_the_mouth_follows_the_sound_of_the_camera_file(data_dir, tmp_path):
    vowel = spoken(tmp_path)
    pause = np.zeros(2 * RATE - len(vowel))
    sound = np.tile(np.concatenate([vowel, pause]), SECONDS // 2)
    clip = talking_clip(data_dir / "people" / "single_cam01.mp4", tmp_path / "talking.mkv", sound)
    heard, done = [], threading.Event()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        listener = threading.Thread(target=listen, args=(receiver, heard, done))
        listener.start()
        words = ["--camera", clip, "--mouth", "sound", "--microphone", clip, "--seconds", "8"]
        outputs = ["--vmc", receiver.getsockname()[1], "-o", tmp_path / "out.mp4"]
        command = [sys.executable, "-m", "dance_now", "live", *map(str, [*words, *outputs])]
        environment = {**os.environ, "DANCE_NOW_CONFIG": str(tmp_path / "config")}
        try:
            subprocess.run(command, env=environment, check=True, capture_output=True, timeout=240)
        finally:
            done.set()
            listener.join()
    times, vowels, openings = np.array(heard).T
    assert len(times) > 16
    opened = openings > 0.4
    assert opened.mean() == pytest.approx(len(vowel) / RATE / 2, abs=0.25)
    assert (vowels[opened] > 0.5 * openings[opened]).mean() > 0.7  # it is the right vowel
    changes = times[1:][np.diff(opened.astype(int)) == 1]
    assert len(changes) >= 2
    assert np.diff(changes) == pytest.approx(2 * np.round(np.diff(changes) / 2), abs=0.5)
    with av.open(str(tmp_path / "out.mp4")) as drawn:
        assert sum(1 for _ in drawn.decode(video=0)) > 16
