"""Arrays of points networks that come from strangers are checked before the kernel reads them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from points_networks import points_arrays

from dance_now.character.templates.points_arrays import DECODER, PointsArrays

Spoil = Callable[[dict[str, Any]], None]


def _set(name: str, index: Any, value: float) -> Spoil:
    def spoil(arrays: dict[str, Any]) -> None:
        arrays[name] = arrays[name].copy()
        arrays[name][index] = value

    return spoil


def _replace(name: str, change: Callable[[Any], Any]) -> Spoil:
    def spoil(arrays: dict[str, Any]) -> None:
        arrays[name] = change(arrays[name])

    return spoil


def _fewer_patches(arrays: dict[str, Any]) -> None:
    arrays["pyramid"], arrays["relief"] = arrays["pyramid"][:-1], arrays["relief"][:-1]


SPOILED: list[tuple[str, Spoil]] = [
    ("positions", _replace("positions", lambda a: a.astype(np.float64))),
    ("positions", _replace("positions", lambda a: a[:, :2])),
    ("positions", _set("positions", (0, 0), np.nan)),
    ("positions", _set("positions", (0, 0), 1e6)),
    ("tangents", _replace("tangents", lambda a: a[1:])),
    ("tangents", _set("tangents", (0, 0, 0), np.inf)),
    ("bones", _set("bones", (0, 0), 47)),
    ("weights", _set("weights", (0, 0), -0.5)),
    ("weights", _set("weights", (0, slice(None)), 1.0)),
    ("weights: those in use", _set("weights", (0, slice(0, 2)), [0, 0.5])),  # type: ignore[arg-type]
    ("two_sided", _set("two_sided", 0, 2)),
    ("colors", _set("colors", (0, 0), np.inf)),
    ("features", _replace("features", lambda a: a[:, :0])),
    ("features", _replace("features", lambda a: np.zeros((len(a), 65), np.float16))),
    ("opacities", _replace("opacities", lambda a: a[:, None])),
    ("light: it has no", _replace("light", lambda a: a * 0)),
    ("shapes", _replace("shapes", lambda a: a[:-1])),
    ("shapes", _replace("shapes", lambda a: np.zeros((len(a), 100_000, 3, 3), np.float16))),
    ("shapes", _set("shapes", (0, 0, 0, 0), 11)),
    ("face_solve", _replace("face_solve", lambda a: a[:, :69])),
    ("pose_basis", _replace("pose_basis", lambda a: a[:21])),
    ("softness", _set("softness", 0, 0)),
    ("inner", _set("inner", 0, 1.1)),
    ("smoothing", _set("smoothing", 0, -1)),
    ("relief", _replace("pyramid", lambda a: a[:-1])),
    ("pyramid: every point", _fewer_patches),
    ("relief", _replace("relief", lambda a: a.astype(np.uint16))),
    ("decoder.down1.weight", _replace("decoder.down1.weight", lambda a: a[:-1])),
    ("decoder.down1.weight", _replace("decoder.down1.weight", lambda a: a.astype(np.float32))),
    ("decoder.out.bias", _set("decoder.out.bias", 0, np.nan)),
    ("decoder.narrow.bias", _replace("decoder.narrow.bias", lambda a: np.zeros(65, np.float32))),
    ("decoder.narrow.weight", _replace("decoder.narrow.weight", lambda a: a[:, :-1])),
    ("decoder: up2.bias", lambda arrays: arrays.pop("decoder.up2.bias")),
    ("decoder: up3.bias", lambda arrays: arrays.update({"decoder.up3.bias": np.zeros(4, np.float32)})),
]


@pytest.mark.parametrize("patches", [True, False])
def test_sound_arrays_pass(patches: bool) -> None:
    arrays = points_arrays(patches=patches)
    checked = PointsArrays.of(arrays)
    checked.check()
    assert checked.to_file().keys() == arrays.keys()


@pytest.mark.parametrize(("message", "spoil"), SPOILED)
def test_spoiled_arrays_are_refused_by_name(message: str, spoil: Spoil) -> None:
    arrays = points_arrays()
    spoil(arrays)
    with pytest.raises(ValueError, match=f"^{message}"):
        PointsArrays.of(arrays).check()


@pytest.mark.parametrize("change", [lambda a: a.pop("light"), lambda a: a.update(extra=np.zeros(1))])
def test_a_missing_or_unknown_array_is_refused(change: Spoil) -> None:
    arrays = points_arrays()
    change(arrays)
    with pytest.raises(TypeError):
        PointsArrays.of(arrays)


def test_the_docstring_has_every_array() -> None:
    for each in dataclasses.fields(PointsArrays):
        assert f"| {each.name} |" in str(PointsArrays.__doc__) or each.name == "decoder"
    assert len(DECODER) == 16
