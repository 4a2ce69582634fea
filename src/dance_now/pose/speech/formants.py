"""Vowel recognition by formants: linear prediction of a voice's spectrum, and a table of five vowels.

Sources: Makhoul, "Linear Prediction: A Tutorial Review" (1975), autocorrelation method; Peterson and Barney,
"Control Methods Used in a Study of the Vowels" (1952), whose means of men and women lie around the table's.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.retarget.face_expression import VOWELS

Array = npt.NDArray[np.float64]

SAMPLE_RATE: Final = 10_000
"""Samples a second that the analysis wants: it sees up to 5 kHz, where vowels differ."""

_ORDER: Final = 10  # of the prediction: two for each formant below 5 kHz
_PRE_EMPHASIS: Final = 0.6  # less than usual: the formants of "u" lie low
_BAND: Final = (150.0, 3600.0)  # Hz
_WIDEST: Final = 700.0  # Hz: bandwidth of a pole that is a formant
_SECOND: Final = 900.0  # Hz: assumed where both formants are one peak, as in "u" and "o"
# First and second formant in Hz of VOWELS: aa, ih, ou, ee, oh.
_FORMANTS: Final = np.array([[800, 1250], [300, 2300], [320, 720], [470, 2000], [480, 850]])
_SOFTNESS: Final = 0.06  # squared logarithm of a frequency's ratio over which a vowel fades


def formant_frequencies(samples: Array) -> Array:
    """Frequencies in Hz of a sound's resonances, rising; none for silence.

    Args:
        samples: (n,) of some 40 ms, SAMPLE_RATE.
    """
    emphasised = np.append(samples[:1], samples[1:] - _PRE_EMPHASIS * samples[:-1])
    coefficients = _prediction(emphasised * np.hamming(len(samples)))
    if coefficients is None:
        return np.zeros(0)
    poles = np.roots(coefficients)
    poles = poles[poles.imag > 1e-6]
    frequencies = np.angle(poles) * SAMPLE_RATE / (2 * np.pi)
    widths = -np.log(np.maximum(np.abs(poles), 1e-9)) * SAMPLE_RATE / np.pi
    kept = (frequencies > _BAND[0]) & (frequencies < _BAND[1]) & (widths < _WIDEST)
    return np.sort(frequencies[kept])


def vowel_shares(samples: Array) -> Array:
    """How much a sound is like each of VOWELS: (5,), summing to 1, or all 0 where it has no formant."""
    formants = formant_frequencies(samples)
    if not len(formants):
        return np.zeros(len(VOWELS))
    pair = np.array([formants[0], formants[1] if len(formants) > 1 else _SECOND])
    distances = np.square(np.log(pair / _FORMANTS)).sum(axis=1)
    likeness = np.exp(-(distances - distances.min()) / _SOFTNESS)
    shares: Array = likeness / likeness.sum()
    return shares


def _prediction(samples: Array) -> Array | None:
    """Coefficients (order + 1,) of the linear prediction by Levinson and Durbin; None for silence."""
    spectrum = np.abs(np.fft.rfft(samples, 2 * len(samples))) ** 2
    correlation = np.fft.irfft(spectrum)[: _ORDER + 1]
    if not correlation[0] > 1e-12:
        return None
    correlation[0] *= 1.0001
    coefficients, error = np.array([1.0]), correlation[0]
    for order in range(1, _ORDER + 1):
        reflection = -(coefficients @ correlation[order:0:-1]) / error
        padded = np.append(coefficients, 0.0)
        coefficients = padded + reflection * padded[::-1]
        error *= 1 - reflection * reflection
    return coefficients
