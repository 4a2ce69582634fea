"""Licence and credit fields of an avatar file, and whether they forbid making a character of it.

Sources: VRM 0.0 ``meta`` (UniVRM's schema), VRMC_vrm-1.0 ``meta`` (with its defaults), glTF 2.0
``asset.copyright``, and ``asset.extras`` as Sketchfab writes it. Conditions without a field in VRM 0 are read
from the query of VRoid Hub's licence URL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

UNKNOWN: Final = "unknown"
"""Licence of a file without licence fields."""

_NO_MODIFICATION: Final = "it must not be modified"
_NO_USE: Final = "it may not be used without its author's permission"
_CREATIVE_COMMONS: Final = re.compile(r"(?i)creativecommons\.org|\bCC[-_ ]?(0|BY)")
_STATES_LICENCE: Final = re.compile(
    r"(?i)creativecommons\.org|\bCC[-_ ]?(0|BY)|public domain|\b(MIT|Apache|BSD|GPL|OFL)\b"
    r"|licen[cs]ed? (under|:)"
)
_NO_DERIVATIVES: Final = re.compile(r"(?i)(?<![a-z])ND(?![a-z])|no[- ]?deriv")
_TERMS_VRM0: Final = {
    "commercialUssageName": "no commercial use",
    "violentUssageName": "no violent use",
    "sexualUssageName": "no sexual use",
}
_COMMERCIAL_VRM1: Final = {"personalNonProfit": "no commercial use", "personalProfit": "no use by companies"}
# Fields of VRM 1.0 and the condition that holds where one is false, its default.
_TERMS_VRM1: Final = {
    "allowExcessivelyViolentUsage": "no violent use",
    "allowExcessivelySexualUsage": "no sexual use",
    "allowPoliticalOrReligiousUsage": "no political or religious use",
    "allowAntisocialOrHateUsage": "no hateful use",
    "allowRedistribution": "no redistribution",
}


@dataclass(frozen=True)
class Licence:
    """Licence, credits and prohibitions of an avatar.

    Attributes:
        text: name or URL of the licence, and conditions; ``UNKNOWN`` without such fields.
        credits: authors; ``UNKNOWN`` without such fields.
        prohibitions: clauses that forbid making a character of it; mostly empty.
    """

    text: str
    credits: str
    prohibitions: tuple[str, ...] = ()


def _join(*parts: Any) -> str:
    return ", ".join(dict.fromkeys(str(part).strip() for part in parts if part and str(part).strip()))


def _licence(name: str, terms: list[str], credits: str, prohibitions: list[str]) -> Licence:
    if _NO_DERIVATIVES.search(name):
        prohibitions = [*prohibitions, _NO_MODIFICATION]
    text = "; ".join([name or UNKNOWN, *terms])
    return Licence(text, credits or UNKNOWN, tuple(dict.fromkeys(prohibitions)))


def licence_of_vrm0(meta: Mapping[str, Any]) -> Licence:
    """Reads the licence of a VRM 0.x ``meta``."""
    name = meta.get("licenseName")
    links = [str(meta.get(key) or "") for key in ("otherLicenseUrl", "otherPermissionUrl")]
    prohibitions = []
    if meta.get("allowedUserName") in ("OnlyAuthor", "ExplicitlyLicensedPerson"):
        prohibitions.append(_NO_USE)
    if any("disallow" in _query(link).get("modification", ()) for link in links):
        prohibitions.append(_NO_MODIFICATION)
    terms = [term for key, term in _TERMS_VRM0.items() if meta.get(key) == "Disallow"]
    text = _join("" if name == "Other" else name, *links)
    return _licence(text, terms, _join(meta.get("author"), meta.get("reference")), prohibitions)


def _query(link: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(link).query, max_num_fields=100)


def licence_of_vrm1(meta: Mapping[str, Any]) -> Licence:
    """Reads the licence of a VRM 1.0 ``meta``.

    A missing field has the specification's default, which forbids nearly everything; but where the file names
    a Creative Commons licence, that licence decides instead of the defaults.
    """
    name = _join(meta.get("licenseUrl"), meta.get("otherLicenseUrl"))
    is_creative_commons = _CREATIVE_COMMONS.search(name) is not None
    prohibitions = []
    if meta.get("avatarPermission", "everyone" if is_creative_commons else "onlyAuthor") != "everyone":
        prohibitions.append(_NO_USE)
    if meta.get("modification", "" if is_creative_commons else "prohibited") == "prohibited":
        prohibitions.append(_NO_MODIFICATION)
    commercial = meta.get("commercialUsage", "" if is_creative_commons else "personalNonProfit")
    terms = [term for usage, term in _COMMERCIAL_VRM1.items() if commercial == usage]
    terms += [term for key, term in _TERMS_VRM1.items() if not meta.get(key, is_creative_commons)]
    credits = _join(*(meta.get("authors") or ()), meta.get("copyrightInformation"))
    return _licence(name, terms, credits, prohibitions)


def licence_of_gltf(asset: Mapping[str, Any]) -> Licence:
    """Reads the licence of a glTF ``asset``.

    A copyright notice says who owns a file, not what is allowed; it is a licence only where it names one.
    """
    extras = asset.get("extras")
    extras = extras if isinstance(extras, Mapping) else {}
    owner = asset.get("copyright")
    credits = _join(owner, extras.get("author"), extras.get("source"))
    notice = owner if isinstance(owner, str) and _STATES_LICENCE.search(owner) else None
    return _licence(_join(extras.get("license"), notice), [], credits, [])
