"""Which expressions of an avatar matter for its face, and plausible random ones.

Names are those of VRM 1.0 (VRMC_vrm-1.0, expressions).
"""

from __future__ import annotations

import numpy as np

from dance_now.studio.avatar import Avatar

EYES = ("blinkLeft", "blinkRight", "blink")
VOWELS = ("aa", "ih", "ou", "ee", "oh")
MOODS = ("happy", "angry", "sad", "relaxed", "surprised")

NEUTRAL_SHARE = 0.35
_MOOD_SHARE = 0.5
_SPEECH_SHARE = 0.55
_BLINK_SHARE = 0.35
_WINK_SHARE = 0.1


def expression_names(avatar: Avatar) -> tuple[str, ...]:
    """The expressions that move the avatar's geometry: at most two blinks, five vowels, five moods.

    ``blink`` is named only where the eyes cannot blink one by one, since it is the sum of the two.
    """
    present = {name for name in (*EYES, *VOWELS, *MOODS) if _moves(avatar, name)}
    if {"blinkLeft", "blinkRight"} <= present:
        present.discard("blink")
    elif "blink" in present:
        present -= {"blinkLeft", "blinkRight"}
    return tuple(name for name in (*EYES, *VOWELS, *MOODS) if name in present)


def _moves(avatar: Avatar, name: str) -> bool:
    for bind in avatar.expressions.get(name, ()):
        for primitive in avatar.primitives:
            if primitive.mesh == bind.mesh and bind.target < len(primitive.targets):
                target = primitive.targets[bind.target]
                if bind.weight != 0 and target is not None:
                    return True
    return False


def sample_expression(generator: np.random.Generator, avatar: Avatar) -> dict[str, float]:
    """A random face: neutral for 35 % of draws, else a mood, speech and a blink in any combination.

    Lids are moved by blinks and moods, the mouth by vowels and moods; the weights on each sum to at most 1.
    What is drawn is then a mixture of shapes that the avatar's maker has sculpted, and nothing overshoots.

    Args:
        generator: source of randomness; the same state gives the same face.
        avatar: whose face; it gets only expressions that it has and that move its geometry.

    Returns:
        Expression name -> weight in (0, 1]; empty for a neutral face.
    """
    names = expression_names(avatar)
    weights: dict[str, float] = {}
    if not names or generator.random() < NEUTRAL_SHARE:
        return weights
    while not weights:
        weights = _compose(generator, names)
    return weights


def _compose(generator: np.random.Generator, names: tuple[str, ...]) -> dict[str, float]:
    """A mood, speech and a blink, each present or not."""
    moods = [name for name in MOODS if name in names]
    vowels = [name for name in VOWELS if name in names]
    weights: dict[str, float] = {}
    if moods and generator.random() < _MOOD_SHARE:
        weights[str(generator.choice(moods))] = float(generator.uniform(0.25, 1.0))
    room = 1.0 - sum(weights.values())
    if vowels and generator.random() < _SPEECH_SHARE:
        weights.update(_speech(generator, vowels, room))
    weights.update(_blink(generator, names, room))
    return {name: round(weight, 4) for name, weight in weights.items() if weight > 0.01}


def _speech(generator: np.random.Generator, vowels: list[str], room: float) -> dict[str, float]:
    """One vowel, or a quarter of the time the passage between two."""
    chosen = generator.permutation(vowels)[: 2 if generator.random() < 0.25 else 1]
    opening = room * float(generator.uniform(0.2, 1.0))
    share = float(generator.uniform(0.2, 0.8)) if len(chosen) == 2 else 1.0
    return {str(name): opening * part for name, part in zip(chosen, (share, 1 - share), strict=False)}


def _blink(generator: np.random.Generator, names: tuple[str, ...], room: float) -> dict[str, float]:
    """Both eyes, full or on the way, or one eye; nothing most of the time."""
    lids = [name for name in EYES if name in names]
    chance = generator.random()
    if not lids or chance > _BLINK_SHARE + _WINK_SHARE:
        return {}
    if chance > _BLINK_SHARE:
        lids = [str(generator.choice(lids))]
    shut = room * (1.0 if generator.random() < 0.5 else float(generator.uniform(0.1, 1.0)))
    return dict.fromkeys(lids, shut)
