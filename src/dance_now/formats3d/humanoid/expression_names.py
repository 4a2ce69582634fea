"""Expressions by morph target names: VRoid, MMD, VRChat, Oculus visemes, Ready Player Me and ARKit.

Each expression is taken from one naming family only. Files often hold several (a vowel as ``Fcl_MTH_A``,
``viseme_aa`` and ``jawOpen``); their sum would be a grimace.

Sources: VRoid Studio's exports; the Oculus lip-sync visemes; Apple's ARKit ``blendShapeLocation`` (52
shapes); Ready Player Me's avatar documentation; the morph names usual among MMD models; CATS for VRChat.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from dance_now.formats3d.humanoid.skeleton_families import plain_name

_Recipe = dict[str, float]


def _both(stem: str, weight: float = 1.0) -> _Recipe:
    return {f"{stem}Left": weight, f"{stem}Right": weight}


# Expression: family and morph targets with weights, the best first. Names are compared by ``_key``.
_RECIPES: Final[Mapping[str, Sequence[tuple[str, _Recipe]]]] = {
    "aa": (
        ("VRoid", {"Fcl_MTH_A": 1}),
        ("MMD", {"あ": 1}),
        ("Oculus", {"viseme_aa": 1}),
        ("VRChat", {"vrc.v_aa": 1}),
        ("VRM", {"aa": 1}),
        ("ARKit", {"jawOpen": 0.7}),
        ("Ready Player Me", {"mouthOpen": 1}),
    ),
    "ih": (
        ("VRoid", {"Fcl_MTH_I": 1}),
        ("MMD", {"い": 1}),
        ("Oculus", {"viseme_I": 1}),
        ("VRChat", {"vrc.v_ih": 1}),
        ("VRM", {"ih": 1}),
        ("ARKit", {"jawOpen": 0.12, **_both("mouthStretch", 0.7), **_both("mouthLowerDown", 0.3)}),
    ),
    "ou": (
        ("VRoid", {"Fcl_MTH_U": 1}),
        ("MMD", {"う": 1}),
        ("Oculus", {"viseme_U": 1}),
        ("VRChat", {"vrc.v_ou": 1}),
        ("VRM", {"ou": 1}),
        ("ARKit", {"jawOpen": 0.2, "mouthPucker": 0.8}),
    ),
    "ee": (
        ("VRoid", {"Fcl_MTH_E": 1}),
        ("MMD", {"え": 1}),
        ("Oculus", {"viseme_E": 1}),
        ("VRChat", {"vrc.v_e": 1}),
        ("VRM", {"ee": 1}),
        ("ARKit", {"jawOpen": 0.3, **_both("mouthStretch", 0.4), **_both("mouthUpperUp", 0.3)}),
    ),
    "oh": (
        ("VRoid", {"Fcl_MTH_O": 1}),
        ("MMD", {"お": 1}),
        ("Oculus", {"viseme_O": 1}),
        ("VRChat", {"vrc.v_oh": 1}),
        ("VRM", {"oh": 1}),
        ("ARKit", {"jawOpen": 0.5, "mouthFunnel": 0.6}),
    ),
    "blink": (
        ("VRoid", {"Fcl_EYE_Close": 1}),
        ("MMD", {"まばたき": 1}),
        ("VRM", {"blink": 1}),
        ("Ready Player Me", {"eyesClosed": 1}),
        ("VRChat", {"vrc.blink": 1}),
    ),
    "blinkLeft": (
        ("VRoid", {"Fcl_EYE_Close_L": 1}),
        ("MMD", {"ウィンク2": 1}),
        ("MMD", {"ウィンク": 1}),
        ("ARKit", {"eyeBlinkLeft": 1}),
        ("VRChat", {"vrc.blink_left": 1}),
        ("VRM", {"blinkLeft": 1}),
        ("VRM", {"blink_L": 1}),
    ),
    "blinkRight": (
        ("VRoid", {"Fcl_EYE_Close_R": 1}),
        ("MMD", {"ウィンク2右": 1}),
        ("MMD", {"ウィンク右": 1}),
        ("ARKit", {"eyeBlinkRight": 1}),
        ("VRChat", {"vrc.blink_right": 1}),
        ("VRM", {"blinkRight": 1}),
        ("VRM", {"blink_R": 1}),
    ),
    "happy": (
        ("VRoid", {"Fcl_ALL_Joy": 1}),
        ("MMD", {"にっこり": 1}),
        ("MMD", {"にやり": 1}),
        ("MMD", {"笑い": 1}),
        ("VRM", {"happy": 1}),
        ("ARKit", {**_both("mouthSmile", 0.8), **_both("cheekSquint", 0.5), **_both("eyeSquint", 0.3)}),
        ("ARKit", _both("mouthSmile", 0.8)),
        ("Ready Player Me", {"mouthSmile": 1}),
        ("Oculus", {"viseme_laughter": 1}),
        ("VRM", {"smile": 1}),
        ("VRM", {"joy": 1}),
    ),
    "angry": (
        ("VRoid", {"Fcl_ALL_Angry": 1}),
        ("MMD", {"怒り": 1}),
        ("VRM", {"angry": 1}),
        ("ARKit", {**_both("browDown"), **_both("mouthFrown", 0.5), **_both("noseSneer", 0.4)}),
        ("ARKit", _both("browDown")),
    ),
    "sad": (
        ("VRoid", {"Fcl_ALL_Sorrow": 1}),
        ("MMD", {"困る": 1}),
        ("MMD", {"悲しい": 1}),
        ("VRM", {"sad": 1}),
        ("ARKit", {"browInnerUp": 1, **_both("mouthFrown", 0.8)}),
        ("VRM", {"sorrow": 1}),
    ),
    "relaxed": (
        ("VRoid", {"Fcl_ALL_Fun": 1}),
        ("MMD", {"なごみ": 1}),
        ("VRM", {"relaxed": 1}),
        ("ARKit", {**_both("mouthSmile", 0.4), **_both("eyeSquint", 0.4)}),
        ("VRM", {"fun": 1}),
    ),
    "surprised": (
        ("VRoid", {"Fcl_ALL_Surprised": 1}),
        ("MMD", {"びっくり": 1}),
        ("VRM", {"surprised": 1}),
        ("ARKit", {"browInnerUp": 0.8, **_both("browOuterUp", 0.8), **_both("eyeWide", 0.8)}),
    ),
    "lookLeft": (("ARKit", {"eyeLookOutLeft": 1, "eyeLookInRight": 1}), ("VRM", {"lookLeft": 1})),
    "lookRight": (("ARKit", {"eyeLookInLeft": 1, "eyeLookOutRight": 1}), ("VRM", {"lookRight": 1})),
    "lookUp": (("ARKit", _both("eyeLookUp")), ("VRM", {"lookUp": 1})),
    "lookDown": (("ARKit", _both("eyeLookDown")), ("VRM", {"lookDown": 1})),
}
_PRESETS_VRM0: Final = {
    "a": "aa",
    "i": "ih",
    "u": "ou",
    "e": "ee",
    "o": "oh",
    "blink_l": "blinkLeft",
    "blink_r": "blinkRight",
    "joy": "happy",
    "sorrow": "sad",
    "fun": "relaxed",
    "lookup": "lookUp",
    "lookdown": "lookDown",
    "lookleft": "lookLeft",
    "lookright": "lookRight",
}
_PREFIX: Final = re.compile(r"^.*?(?=fcl_|vrc\.)|^.*[.:|](?!v_|blink)", re.IGNORECASE)


def expression_from_vrm0(preset: str, name: str) -> str:
    """Maps a VRM 0 blend-shape group to its VRM 1.0 expression name; its own name if it is not a preset."""
    preset = preset.lower()
    return name if preset in ("", "unknown") else _PRESETS_VRM0.get(preset, preset)


def _key(name: str) -> str:
    """Normalised name of a morph target, without the mesh's name that some exporters put before it.

    ``_L`` and ``_R`` at the end of ARKit's names stand for Left and Right.
    """
    name = _PREFIX.sub("", name)
    side = re.search(r"(?i)(?<=[a-z])_([lr])$", name)
    if side is not None and not name.lower().startswith(("fcl_", "blink_")):
        name = name[: side.start()] + ("Left" if side[1] in "lL" else "Right")
    return plain_name(name)


@dataclass(frozen=True)
class NamedExpression:
    """Expression composed of morph targets.

    Attributes:
        name: of VRM 1.0, or the morph target's own.
        family: naming family; "" for a name that no family knows.
        morphs: (name as in the file, weight) of each morph target.
    """

    name: str
    family: str
    morphs: tuple[tuple[str, float], ...]


def name_expressions(
    morphs: Sequence[str], moves: Callable[[str], bool] = lambda _: True
) -> list[NamedExpression]:
    """Composes expressions from the names of a file's morph targets.

    Args:
        morphs: different names.
        moves: whether a morph target moves anything; empty ones count as missing.

    Returns:
        The known expressions, each from its best family, then all morph targets that no family knows.
    """
    present: dict[str, str] = {}
    for morph in morphs:
        if moves(morph):
            present.setdefault(_key(morph), morph)
    found = []
    for name, recipes in _RECIPES.items():
        for family, recipe in recipes:
            keys = {_key(part): weight for part, weight in recipe.items()}
            if keys.keys() <= present.keys():
                parts = tuple((present[key], float(weight)) for key, weight in keys.items())
                found.append(NamedExpression(name, family, parts))
                break
    names = {expression.name for expression in found}
    if "blink" not in names:
        halves = [item for item in found if item.name in ("blinkLeft", "blinkRight")]
        if len(halves) == 2:
            parts = tuple(dict.fromkeys(part for half in halves for part in half.morphs))
            found.append(NamedExpression("blink", halves[0].family, parts))
    own = [morph for key, morph in present.items() if key not in _KNOWN]
    return found + [NamedExpression(morph, "", ((morph, 1.0),)) for morph in own if morph not in names]


_KNOWN: Final = {_key(part) for recipes in _RECIPES.values() for _, recipe in recipes for part in recipe}
