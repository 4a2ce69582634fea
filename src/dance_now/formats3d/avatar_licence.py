"""What an avatar's file says of licence and credit, and whether it forbids to make a character of it.

Sources: VRM 0.0 ``meta`` (UniVRM's schema), VRMC_vrm-1.0 ``meta`` (with its defaults), glTF 2.0
``asset.copyright``, and ``asset.extras`` as Sketchfab writes it. What VRM 0 has no field for, VRoid Hub
says in the query of a URL.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

UNKNOWN: Final = "unknown"
"""The licence of a file that says nothing of it."""

_NOT_TO_BE_CHANGED: Final = "it must not be modified"
_NOT_TO_BE_USED: Final = "nobody may use it without its author's leave"
_CREATIVE_COMMONS: Final = re.compile(r"(?i)creativecommons\.org|\bCC[-_ ]?(0|BY)")
_NO_DERIVATIVES: Final = re.compile(r"(?i)(?<![a-z])ND(?![a-z])|no[- ]?deriv")
_TERMS_VRM0: Final = {
    "commercialUssageName": "no commercial use",
    "violentUssageName": "no violent use",
    "sexualUssageName": "no sexual use",
}
_COMMERCIAL_VRM1: Final = {"personalNonProfit": "no commercial use", "personalProfit": "no use by companies"}
# Of each field of VRM 1: what holds where it is false, its default.
_TERMS_VRM1: Final = {
    "allowExcessivelyViolentUsage": "no violent use",
    "allowExcessivelySexualUsage": "no sexual use",
    "allowPoliticalOrReligiousUsage": "no political or religious use",
    "allowAntisocialOrHateUsage": "no hateful use",
    "allowRedistribution": "no redistribution",
}


@dataclass(frozen=True)
class Licence:
    """The rights in an avatar.

    Attributes:
        text: name or URL of its licence, and conditions; ``UNKNOWN`` where the file says nothing.
        credits: its authors; ``UNKNOWN`` where the file says nothing.
        objections: what stands against making a character of it, as clauses; mostly empty.
    """

    text: str
    credits: str
    objections: tuple[str, ...] = ()


def _join(*parts: Any) -> str:
    return ", ".join(dict.fromkeys(str(part).strip() for part in parts if part and str(part).strip()))


def _licence(name: str, terms: list[str], credits: str, objections: list[str]) -> Licence:
    if _NO_DERIVATIVES.search(name):
        objections = [*objections, _NOT_TO_BE_CHANGED]
    text = "; ".join([name or UNKNOWN, *terms])
    return Licence(text, credits or UNKNOWN, tuple(dict.fromkeys(objections)))


def licence_of_vrm0(meta: Mapping[str, Any]) -> Licence:
    """The licence in a VRM 0.x ``meta``."""
    name = meta.get("licenseName")
    links = [str(meta.get(key) or "") for key in ("otherLicenseUrl", "otherPermissionUrl")]
    objections = []
    if meta.get("allowedUserName") in ("OnlyAuthor", "ExplicitlyLicensedPerson"):
        objections.append(_NOT_TO_BE_USED)
    if any("disallow" in _query(link).get("modification", ()) for link in links):
        objections.append(_NOT_TO_BE_CHANGED)
    terms = [term for key, term in _TERMS_VRM0.items() if meta.get(key) == "Disallow"]
    text = _join("" if name == "Other" else name, *links)
    return _licence(text, terms, _join(meta.get("author"), meta.get("reference")), objections)


def _query(link: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(link).query, max_num_fields=100)


def licence_of_vrm1(meta: Mapping[str, Any]) -> Licence:
    """The licence in a VRM 1.0 ``meta``.

    A field left out has the specification's default, which forbids nearly everything; but a file that names a
    Creative Commons licence and leaves fields out says what it allows by that.
    """
    name = _join(meta.get("licenseUrl"), meta.get("otherLicenseUrl"))
    silent = _CREATIVE_COMMONS.search(name) is not None
    objections = []
    if meta.get("avatarPermission", "everyone" if silent else "onlyAuthor") != "everyone":
        objections.append(_NOT_TO_BE_USED)
    if meta.get("modification", "" if silent else "prohibited") == "prohibited":
        objections.append(_NOT_TO_BE_CHANGED)
    commercial = meta.get("commercialUsage", "" if silent else "personalNonProfit")
    terms = [term for usage, term in _COMMERCIAL_VRM1.items() if commercial == usage]
    terms += [term for key, term in _TERMS_VRM1.items() if not meta.get(key, silent)]
    credits = _join(*(meta.get("authors") or ()), meta.get("copyrightInformation"))
    return _licence(name, terms, credits, objections)


def licence_of_gltf(asset: Mapping[str, Any]) -> Licence:
    """The licence in a glTF ``asset``."""
    extras = asset.get("extras")
    extras = extras if isinstance(extras, Mapping) else {}
    owner = asset.get("copyright")
    credits = _join(owner, extras.get("author"), extras.get("source"))
    return _licence(_join(extras.get("license"), owner), [], credits, [])
