"""Licences are read as their formats mean them, and what forbids a character is found."""

from typing import Any

import pytest

from dance_now.formats3d.avatar_licence import UNKNOWN, licence_of_gltf, licence_of_vrm0, licence_of_vrm1

CC_BY = "https://creativecommons.org/licenses/by/4.0/"
OPEN = {"licenseUrl": "https://vrm.dev/licenses/1.0/", "avatarPermission": "everyone"}
HUB = "https://hub.vroid.com/license?allowed_to_use_user=everyone&modification="


@pytest.mark.parametrize(
    ("meta", "forbidden"),
    [
        ({}, False),
        ({"licenseName": "CC_BY"}, False),
        ({"licenseName": "CC_BY_NC_SA", "allowedUserName": "Everyone"}, False),
        ({"licenseName": "CC_BY_ND"}, True),
        ({"licenseName": "CC_BY_NC_ND"}, True),
        ({"licenseName": "CC0", "allowedUserName": "OnlyAuthor"}, True),
        ({"licenseName": "Other", "allowedUserName": "ExplicitlyLicensedPerson"}, True),
        ({"licenseName": "Other", "otherPermissionUrl": HUB + "disallow"}, True),
        ({"licenseName": "Other", "otherPermissionUrl": HUB + "allow"}, False),
    ],
)
def test_vrm0_forbids(meta: dict[str, Any], forbidden: bool) -> None:
    assert bool(licence_of_vrm0(meta).prohibitions) == forbidden


@pytest.mark.parametrize(
    ("meta", "prohibitions"),
    [
        ({}, 2),  # by the specification's defaults only the author may use it, unmodified
        (OPEN, 1),
        (OPEN | {"modification": "prohibited"}, 1),
        (OPEN | {"modification": "allowModification"}, 0),
        (OPEN | {"modification": "allowModificationRedistribution"}, 0),
        (OPEN | {"modification": "allowModification", "avatarPermission": "onlyAuthor"}, 1),
        ({"licenseUrl": CC_BY}, 0),
        ({"licenseUrl": CC_BY, "modification": "prohibited"}, 1),
        ({"licenseUrl": CC_BY.replace("by", "by-nd")}, 1),
    ],
)
def test_vrm1_forbids(meta: dict[str, Any], prohibitions: int) -> None:
    assert len(licence_of_vrm1(meta).prohibitions) == prohibitions


def test_conditions_and_credits_are_told() -> None:
    old = licence_of_vrm0(
        {
            "licenseName": "CC_BY",
            "author": "Ann",
            "reference": "Bob's",
            "commercialUssageName": "Disallow",
            "violentUssageName": "Allow",
        }
    )
    assert (old.text, old.credits) == ("CC_BY; no commercial use", "Ann, Bob's")
    new = licence_of_vrm1(
        {"licenseUrl": CC_BY, "otherLicenseUrl": CC_BY, "authors": ["Ann", "Bob"]}
        | {"commercialUsage": "personalProfit", "allowExcessivelyViolentUsage": False}
    )
    assert new.text == f"{CC_BY}; no use by companies; no violent use"
    assert new.credits == "Ann, Bob"


def test_what_is_not_said_is_unknown() -> None:
    assert licence_of_vrm0({}).text == licence_of_vrm0({}).credits == UNKNOWN
    plain = licence_of_gltf({"version": "2.0"})
    assert (plain.text, plain.credits) == (UNKNOWN, UNKNOWN)
    assert licence_of_gltf({"copyright": "CC0 by Ann"}).text == "CC0 by Ann"


def test_extras_of_sketchfab_are_read() -> None:
    extras = {
        "author": "Ann (https://sketchfab.com/ann)",
        "license": "CC-BY-4.0 (http://creativecommons.org/licenses/by/4.0/)",
        "source": "https://sketchfab.com/3d-models/x",
    }
    licence = licence_of_gltf({"extras": extras})
    assert licence.text.startswith("CC-BY-4.0")
    assert licence.credits == "Ann (https://sketchfab.com/ann), https://sketchfab.com/3d-models/x"
    assert not licence.prohibitions
    assert licence_of_gltf({"extras": extras | {"license": "CC-BY-ND-4.0"}}).prohibitions


def test_a_copyright_notice_says_who_but_not_what_is_allowed() -> None:
    licence = licence_of_gltf({"copyright": "2024 (c) Ann"})
    assert (licence.text, licence.credits) == (UNKNOWN, "2024 (c) Ann")
    assert licence_of_gltf({"copyright": "Ann", "extras": {"license": "CC-BY-4.0"}}).text == "CC-BY-4.0"
