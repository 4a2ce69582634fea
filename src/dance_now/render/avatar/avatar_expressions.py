"""Facial expressions of an avatar: those that move its geometry, and random sampling of them.

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
# Open mouths of people are mapped to "aa" above all (see ``dance_now.pose.retarget.face_rig``).
_VOWEL_CHANCES = {"aa": 0.35, "ih": 0.1, "ou": 0.15, "ee": 0.2, "oh": 0.2}


def expression_names(avatar: Avatar) -> tuple[str, ...]:
    """Names of the expressions that move the geometry: up to two blinks, five vowels, five moods, four gazes.

    ``blink`` is included only where the eyes cannot blink one by one, since it is the sum of the two.
    """
    present = {name for name in (*EYES, *VOWELS, *MOODS, *GAZES) if _moves_geometry(avatar, name)}
    if {"blinkLeft", "blinkRight"} <= present:
        present.discard("blink")
    elif "blink" in present:
        present -= {"blinkLeft", "blinkRight"}
    return tuple(name for name in (*EYES, *VOWELS, *MOODS, *GAZES) if name in present)


def _moves_geometry(avatar: Avatar, name: str) -> bool:
    for bind in avatar.expressions.get(name, ()):
        for primitive in avatar.primitives:
            if primitive.mesh == bind.mesh and bind.target < len(primitive.targets):
                target = primitive.targets[bind.target]
                if bind.weight != 0 and target is not None:
                    return True
    return False


def sample_expression(generator: np.random.Generator, avatar: Avatar) -> dict[str, float]:
    """Samples an expression: neutral for 20 % of draws, else any combination of mood, speech and blink.

    Lids are moved by blinks and moods, the mouth by vowels and moods; the weights on each sum to at most 1,
    so that the result is a mixture of sculpted shapes and nothing overshoots. Mouths are small and vary most,
    so half of all speech opens them wide. Every second face, neutral ones too, gets a random gaze, weaker the
    more its eyes are shut.

    Args:
        generator: random generator; the same state gives the same face.
        avatar: only its own expressions that move geometry are sampled.

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
    """Mood, speech and blink, each present or not."""
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
    """Speech: one vowel, or in a quarter of the draws a blend of two."""
    chances = np.array([_VOWEL_CHANCES[name] for name in vowels])
    count = min(len(vowels), 2 if generator.random() < 0.25 else 1)
    chosen = generator.choice(vowels, count, replace=False, p=chances / chances.sum())
    wide = generator.random() < _WIDE_SHARE
    opening = room * float(generator.uniform(0.7, 1.0) if wide else generator.uniform(0.15, 0.7))
    share = float(generator.uniform(0.2, 0.8)) if count == 2 else 1.0
    return {str(name): opening * part for name, part in zip(chosen, (share, 1 - share), strict=False)}


def _blink(generator: np.random.Generator, names: tuple[str, ...], room: float) -> dict[str, float]:
    """Blink: both eyes, fully or partly closed, or one eye; none most of the time."""
    lids = [name for name in EYES if name in names]
    chance = generator.random()
    if not lids or chance > _BLINK_SHARE + _WINK_SHARE:
        return {}
    if chance > _BLINK_SHARE:
        lids = [str(generator.choice(lids))]
    shut = room * (1.0 if generator.random() < 0.5 else float(generator.uniform(0.1, 1.0)))
    return dict.fromkeys(lids, shut)


def _gaze(generator: np.random.Generator, names: tuple[str, ...], room: float) -> dict[str, float]:
    """Gaze in a random direction, of strength ``room`` at most."""
    angle, reach = generator.uniform(-np.pi, np.pi), room * float(generator.uniform(0.3, 1.0))
    aside, up = reach * float(np.cos(angle)), reach * float(np.sin(angle))
    weights = {"lookLeft": aside, "lookRight": -aside, "lookUp": up, "lookDown": -up}
    return {name: weight for name, weight in weights.items() if name in names and weight > 0}
