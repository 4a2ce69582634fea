"""Which expressions of an avatar matter for its face, and plausible random ones.

Names are those of VRM 1.0 (VRMC_vrm-1.0, expressions).
"""

from __future__ import annotations

import numpy as np

from dance_now.render.avatar.avatar import Avatar
from dance_now.render.avatar.gaze import GAZES

EYES = ("blinkLeft", "blinkRight", "blink")
VOWELS = ("aa", "ih", "ou", "ee", "oh")
MOODS = ("happy", "angry", "sad", "relaxed", "surprised")

NEUTRAL_SHARE = 0.2
_MOOD_SHARE = 0.4
_SPEECH_SHARE = 0.75
_WIDE_SHARE = 0.5
_BLINK_SHARE = 0.3
_WINK_SHARE = 0.1
_GAZE_SHARE = 0.5
# People's open mouths are drawn as "aa" above all (see ``dance_now.pose.retarget.face_rig``).
_VOWEL_CHANCES = {"aa": 0.35, "ih": 0.1, "ou": 0.15, "ee": 0.2, "oh": 0.2}


def expression_names(avatar: Avatar) -> tuple[str, ...]:
    """The expressions that move the avatar's geometry: up to two blinks, five vowels, five moods, four gazes.

    ``blink`` is named only where the eyes cannot blink one by one, since it is the sum of the two.
    """
    present = {name for name in (*EYES, *VOWELS, *MOODS, *GAZES) if _moves(avatar, name)}
    if {"blinkLeft", "blinkRight"} <= present:
        present.discard("blink")
    elif "blink" in present:
        present -= {"blinkLeft", "blinkRight"}
    return tuple(name for name in (*EYES, *VOWELS, *MOODS, *GAZES) if name in present)


def _moves(avatar: Avatar, name: str) -> bool:
    for bind in avatar.expressions.get(name, ()):
        for primitive in avatar.primitives:
            if primitive.mesh == bind.mesh and bind.target < len(primitive.targets):
                target = primitive.targets[bind.target]
                if bind.weight != 0 and target is not None:
                    return True
    return False


def sample_expression(generator: np.random.Generator, avatar: Avatar) -> dict[str, float]:
    """A random face: neutral for 20 % of draws, else a mood, speech and a blink in any combination.

    Lids are moved by blinks and moods, the mouth by vowels and moods; the weights on each sum to at most 1.
    What is drawn is then a mixture of shapes that the avatar's maker has sculpted, and nothing overshoots.
    Mouths are small and change most, so half of all speech opens them wide. Every second face, a neutral one
    too, looks somewhere else, the less the more its eyes are shut.

    Args:
        generator: source of randomness; the same state gives the same face.
        avatar: whose face; it gets only expressions that it has and that move its geometry.

    Returns:
        Expression name -> weight in (0, 1]; empty for a neutral face.
    """
    names = expression_names(avatar)
    weights: dict[str, float] = {}
    if not set(names) <= set(GAZES) and generator.random() >= NEUTRAL_SHARE:
        while not weights:
            weights = _compose(generator, names)
    shut = max((weights.get(name, 0.0) for name in EYES), default=0.0)
    gaze = _gaze(generator, names, 1.0 - shut) if generator.random() < _GAZE_SHARE else {}
    return {name: round(weight, 4) for name, weight in (weights | gaze).items() if weight > 0.01}


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
    return {name: weight for name, weight in weights.items() if weight > 0.01}


def _speech(generator: np.random.Generator, vowels: list[str], room: float) -> dict[str, float]:
    """One vowel, or a quarter of the time the passage between two."""
    chances = np.array([_VOWEL_CHANCES[name] for name in vowels])
    count = min(len(vowels), 2 if generator.random() < 0.25 else 1)
    chosen = generator.choice(vowels, count, replace=False, p=chances / chances.sum())
    wide = generator.random() < _WIDE_SHARE
    opening = room * float(generator.uniform(0.7, 1.0) if wide else generator.uniform(0.15, 0.7))
    share = float(generator.uniform(0.2, 0.8)) if count == 2 else 1.0
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


def _gaze(generator: np.random.Generator, names: tuple[str, ...], room: float) -> dict[str, float]:
    """A look in any direction, at most as far as ``room``."""
    angle, reach = generator.uniform(-np.pi, np.pi), room * float(generator.uniform(0.3, 1.0))
    aside, up = reach * float(np.cos(angle)), reach * float(np.sin(angle))
    weights = {"lookLeft": aside, "lookRight": -aside, "lookUp": up, "lookDown": -up}
    return {name: weight for name, weight in weights.items() if name in names and weight > 0}
