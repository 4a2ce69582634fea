"""What ``DanceOptions`` takes and refuses."""

from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from fakes import MagentaEstimator, RedCharacter

from dance_now.app.dance import dance
from dance_now.app.dance_options import DanceKeywords, DanceOptions, KeypointScale, SceneName
from dance_now.core.errors import DanceNowError
from dance_now.pose.formats.keypoint_units import Units
from dance_now.scene.compositing.composition import Scene

INFINITE, UNKNOWN = float("inf"), float("nan")


def test_keywords_are_the_fields_with_the_same_types():
    types = {field.name: field.type for field in fields(DanceOptions)}
    assert {name: hint.__forward_arg__ for name, hint in DanceKeywords.__annotations__.items()} == types


def test_names_are_those_of_the_modules_that_they_are_for():
    assert get_args(SceneName) == tuple(scene.value for scene in Scene)
    assert get_args(KeypointScale) == tuple(units.value for units in Units)


@pytest.mark.parametrize(
    "options",
    [
        {"scene": Scene.ALPHA, "match": 0, "height": 10, "person": 0, "size": (1, 1), "frame_rate": 240},
        {"scene": "side-by-side", "match": 1, "height": 0.1, "person": "all", "start": 0, "end": 0.1},
        {"match": np.float32(0.5), "background": Path("a.png"), "estimator": MagentaEstimator()},
        {"sequence": False, "end": 5, "poses": "keys", "keypoint_scale": "signed", "height": "own"},
    ],
)
def test_what_is_taken(options):
    chosen = DanceOptions(**options)
    assert all(getattr(chosen, name) == value for name, value in options.items())


WRONG_VALUES = {
    "scene": ["moon", ""],
    "person": ["middle", "", "2", -1, 10**12],
    "match": [-0.1, 1.5, INFINITE, UNKNOWN],
    "height": ["", "tall", "0.5", 0, -1, UNKNOWN, INFINITE, 11],
    "quality": ["good", ""],
    "size": [(0, 720), (-1, 5), (100_000, 100_000)],
    "frame_rate": [0, -1, 1000, UNKNOWN, INFINITE],
    "start": [-1, UNKNOWN, INFINITE, 10**400],
    "end": [-1, 0, UNKNOWN, INFINITE],
    "keypoint_scale": ["metres", ""],
    "bit_depth": [0, 9, 12],
    "device": ["tpu", ""],
    "estimator": ["magic", ""],
    "background": [""],
    "poses": [""],
    "model": [""],
}

WRONG_TYPES = {
    "scene": [3, b"alpha", ["alpha"]],
    "person": [1.5, b"all", ["all"], True, np.zeros(2)],
    "background": [3, b"red", ["red"]],
    "match": [None, "0.5", [0.5], True, 1j],
    "height": [None, b"own", [1], True],
    "quality": [None, 1],
    "keep_objects": [None, 1, "yes"],
    "springs": [None, 1, "on"],
    "mouth": [None, 1, b"sound"],
    "poses": [3, b"keys"],
    "size": [640, "640x480", [640, 480], (640,), (640, 480, 3), (640.0, 480.0), ("640", "480"), (True, True)],
    "frame_rate": ["24", (24,), True],
    "start": ["1", [1], False],
    "end": ["1", [1], True],
    "keypoint_scale": [1, b"unit"],
    "sequence": [1, "yes"],
    "overwrite": [None, 1, "yes"],
    "preview": [None, 1, "yes"],
    "bit_depth": [None, "8", 10.0],
    "device": [None, 0],
    "estimator": [None, 3, b"rtmw", print],
    "model": [3, b"net.onnx"],
}


@pytest.mark.parametrize(
    ("option", "value"), [(option, value) for option, values in WRONG_VALUES.items() for value in values]
)
def test_wrong_values_are_one_line_that_names_the_option(option, value):
    with pytest.raises(DanceNowError, match=f"^{option} must ") as caught:
        DanceOptions(**{option: value})
    assert caught.value.option == option
    assert "\n" not in str(caught.value)
    assert "--" not in str(caught.value)


@pytest.mark.parametrize(
    ("option", "value"), [(option, value) for option, values in WRONG_TYPES.items() for value in values]
)
def test_wrong_types_name_the_option(option, value):
    with pytest.raises(TypeError, match=f"^{option} must be "):
        DanceOptions(**{option: value})


def test_every_option_is_in_the_table_of_wrong_types():
    assert set(WRONG_TYPES) == {field.name for field in fields(DanceOptions)}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": 2, "end": 1}, r"end must be greater than start \(2 seconds\), not 1"),
        (
            {"background": "red", "scene": "green"},
            "background needs scene replace or side-by-side, not 'green'",
        ),
    ],
)
def test_options_that_do_not_go_together(options, message):
    with pytest.raises(DanceNowError, match=message):
        DanceOptions(**options)


def test_options_cannot_be_changed_but_replaced_and_are_checked_again():
    options = DanceOptions(match=0.2)
    with pytest.raises(FrozenInstanceError):
        options.match = 2  # type: ignore[misc]
    with pytest.raises(DanceNowError, match="match must"):
        replace(options, match=2)
    with pytest.raises(TypeError):
        DanceOptions("alpha")  # type: ignore[misc]


def test_a_representation_shows_what_was_changed():
    assert repr(DanceOptions()) == "DanceOptions()"
    options = DanceOptions(scene="green", size=(640, 480))
    assert repr(options) == "DanceOptions(scene='green', size=(640, 480))"
    assert eval(repr(options)) == options


def test_names_go_before_options(tmp_path, monkeypatch):
    seen = []

    def open_dance_source(source, options):
        seen.append(options)
        raise DanceNowError("enough")

    monkeypatch.setattr("dance_now.app.dance.open_dance_source", open_dance_source)
    for options, named in (
        (None, {"scene": "green"}),
        (DanceOptions(scene="alpha", match=0.2), {"scene": "green", "preview": True}),
    ):
        with pytest.raises(DanceNowError, match="enough"):
            dance("me.png", RedCharacter(), options=options, **named)
    assert seen == [DanceOptions(scene="green"), DanceOptions(scene="green", match=0.2, preview=True)]
