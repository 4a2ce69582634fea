"""Lip sync: from sound to the weights of five vowels, block by block; for clips and live."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.retarget.face_expression import VOWELS
from dance_now.pose.speech.formants import SAMPLE_RATE, vowel_shares

Array = npt.NDArray[np.float64]

STEP_SECONDS: Final = 0.02
_WINDOW: Final = SAMPLE_RATE * 4 // 100  # 40 ms
_STEP: Final = round(STEP_SECONDS * SAMPLE_RATE)
_SILENCE: Final = 0.004  # of full scale, root mean square: 48 dB below it
_QUIETEST_VOICE: Final = 0.02  # the loudest of a voice is at least so loud
_FORGETTING_SECONDS: Final = 4.0  # over which a loud moment no longer counts as the voice's usual
_SHUT: Final = 0.1  # of the opening: what is quieter moves nothing
_RISE_SECONDS, _FALL_SECONDS = 0.012, 0.04
_TURN_SECONDS: Final = 0.03  # from vowel to vowel


class LipSync:
    """Computes mouth shapes from a stream of sound.

    The mouth opens with the loudness, relative to the loudest of the last seconds; the vowel is read off the
    formants. A shape is known 20 ms after its moment.

    Example:
        >>> shapes = LipSync()(np.zeros(SAMPLE_RATE))
        >>> shapes.shape, float(shapes.max())
        ((49, 5), 0.0)
    """

    def __init__(self) -> None:
        self._waiting = np.zeros(0)
        self._loudest = _QUIETEST_VOICE
        self._opening = 0.0
        self._shares = np.zeros(len(VOWELS))

    def __call__(self, samples: Array) -> Array:
        """Takes the next samples (n,), SAMPLE_RATE, full scale 1, of any number.

        Returns:
            (m, 5) weights of VOWELS in [0, 1], one row every 20 ms; their sum is the mouth's opening.
        """
        self._waiting = np.concatenate([self._waiting, samples])
        shapes = []
        while len(self._waiting) >= _WINDOW:
            shapes.append(self._shape(self._waiting[:_WINDOW]))
            self._waiting = self._waiting[_STEP:]
        return np.array(shapes).reshape(-1, len(VOWELS))

    def _shape(self, window: Array) -> Array:
        loudness = math.sqrt(float(np.mean(np.square(window))))
        faded = self._loudest * math.exp(-STEP_SECONDS / _FORGETTING_SECONDS)
        self._loudest = max(loudness, faded, _QUIETEST_VOICE)
        wanted = 0.0
        if loudness > _SILENCE:
            wanted = max(math.sqrt(loudness / self._loudest) - _SHUT, 0.0) / (1 - _SHUT)
        seconds = _RISE_SECONDS if wanted > self._opening else _FALL_SECONDS
        self._opening += (1 - math.exp(-STEP_SECONDS / seconds)) * (wanted - self._opening)
        if wanted > 0:
            turn = 1 - math.exp(-STEP_SECONDS / _TURN_SECONDS) if self._shares.any() else 1.0
            self._shares = self._shares + turn * (vowel_shares(window) - self._shares)
        total = self._shares.sum()
        return self._opening * self._shares / total if total > 0 else np.zeros(len(VOWELS))


class SpeechTrack:
    """Mouth shapes of a whole recording.

    Attributes:
        shapes: (n, 5) weights of VOWELS, one row every 20 ms.
    """

    def __init__(self, blocks: Iterable[Array]) -> None:
        """Analyzes blocks of sound, (n,) each, SAMPLE_RATE, from time 0 on."""
        lip_sync = LipSync()
        self.shapes = np.concatenate([np.zeros((0, len(VOWELS))), *(lip_sync(block) for block in blocks)])

    def at(self, time: float) -> Array:
        """Weights (5,) at a time in seconds; closed before and after the recording."""
        place = (time - _WINDOW / (2 * SAMPLE_RATE)) / STEP_SECONDS
        first = math.floor(place)
        rows = [
            self.shapes[row] if 0 <= row < len(self.shapes) else np.zeros(len(VOWELS))
            for row in (first, first + 1)
        ]
        weights: Array = rows[0] + (place - first) * (rows[1] - rows[0])
        return weights
