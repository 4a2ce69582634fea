"""Presets, and configurations that are written and read."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dance_now.core.errors import DanceNowError
from dance_now.training.train_config import PRESETS, LossWeights, PresetName, TrainingConfig


@pytest.mark.parametrize("name", PRESETS)
def test_a_configuration_survives_its_file(name: PresetName) -> None:
    config = replace(PRESETS[name], losses=LossWeights(face=0.5))
    assert TrainingConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize("change", [{"flux": 1}, {"losses": {"flux": 1}}, {"losses": 5}])
def test_a_configuration_of_another_version_is_told(change: dict[str, object]) -> None:
    with pytest.raises(DanceNowError, match="another version"):
        TrainingConfig.from_json({**PRESETS["debug"].to_json(), **change})


def test_a_configuration_that_lacks_something_is_told() -> None:
    with pytest.raises(DanceNowError, match="another version"):
        TrainingConfig.from_json({"steps": 3})


def test_discriminators_that_never_join_are_left_out() -> None:
    losses = LossWeights(face=0.5, structure=1.0)
    joining = replace(PRESETS["debug"], losses=losses)
    assert joining.without_unused_discriminators() == joining
    never = replace(joining, adversarial_from=1.0)
    assert never.without_unused_discriminators().losses == replace(losses, picture=0.0, face=0.0)


def test_presets_grow() -> None:
    sizes = [config.steps * config.batch * config.crop**2 for config in PRESETS.values()]
    assert sizes == sorted(sizes)
