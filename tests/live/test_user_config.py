"""What is kept between runs: the show page's token, the calibration."""

import os
import stat
import sys
import time

import numpy as np
import pytest
from fakes import with_person
from live_fakes import captured, red_stage, running, wait_for

from dance_now.core.errors import DanceNowError
from dance_now.live.user_config import CONFIG_VARIABLE, config_dir, read_config, show_token, write_config
from dance_now.pose.model.body_scale import Proportions
from dance_now.pose.retarget.person_calibration import PersonCalibration


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty configuration."""
    monkeypatch.setenv(CONFIG_VARIABLE, str(tmp_path / "config"))
    return tmp_path / "config"


def test_the_show_token_survives_restarts_until_it_is_renewed():
    first = show_token()
    assert len(first) >= 32
    assert show_token() == first
    second = show_token(renew=True)
    assert second != first
    assert show_token() == second


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX permissions")
def test_nobody_else_may_read_it(folder):
    show_token()
    assert stat.S_IMODE((folder / "live.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", ["", "[]", "{", '{"show_token": 3}', '{"show_token": ""}', "x" * 100_000])
def test_a_damaged_file_is_replaced(folder, content):
    folder.mkdir()
    (folder / "live.json").write_text(content)
    assert len(show_token()) >= 32
    assert show_token() == read_config()["show_token"]


def test_values_stay_beside_each_other():
    token = show_token()
    write_config(other=3)
    assert read_config() == {"show_token": token, "other": 3}


def test_a_folder_that_cannot_be_written(folder):
    folder.write_text("a file")
    with pytest.raises(DanceNowError, match=CONFIG_VARIABLE):
        show_token()


@pytest.mark.skipif(sys.platform != "linux", reason="the folder of Linux")
def test_the_default_folder(monkeypatch, tmp_path):
    monkeypatch.delenv(CONFIG_VARIABLE)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_dir() == tmp_path / "dance_now"
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    assert config_dir() == (tmp_path.home() / ".config" / "dance_now")
    assert os.path.isabs(config_dir())


NEUTRAL = np.array([0.4, 0.42, 0.05, 0.9, 0.3, 0.3, 0.01, -0.05])


def test_a_calibration_is_kept_between_runs(monkeypatch):
    monkeypatch.setattr("dance_now.pose.retarget.person_calibration._SECONDS", 0.1)
    face = (NEUTRAL, np.ones(8))
    monkeypatch.setattr("dance_now.pose.retarget.person_calibration.measure_face", lambda pose: face)
    stage, told = red_stage(), []
    with pytest.raises(DanceNowError):
        stage.calibrate(told.append)  # without a camera
    with running(stage=stage) as (engine, results):
        engine.submit(captured(with_person(90)))
        wait_for(lambda: results)
        assert not stage.is_calibrated
        stage.calibrate(told.append)
        while not told:
            engine.submit(captured(with_person(90)))
            wait_for(lambda: True)
    assert told == [None]
    again = red_stage()
    assert again.is_calibrated
    np.testing.assert_allclose(again._calibration.neutral, NEUTRAL)
    again.forget_calibration()
    assert not red_stage().is_calibrated


def test_a_calibration_without_a_face_is_given_up(monkeypatch):
    monkeypatch.setattr("dance_now.pose.retarget.person_calibration._PATIENCE", 0.2)
    stage, told = red_stage(), []
    with running(stage=stage) as (engine, results):
        engine.submit(captured(with_person(90)))
        wait_for(lambda: results)
        stage.calibrate(told.append)
        while not told:
            engine.submit(captured(with_person(None)))
            time.sleep(0.01)
    assert "No face was seen" in told[0]
    assert not stage.is_calibrated


@pytest.mark.parametrize(
    "content",
    [
        None,
        [],
        {},
        {"neutral": [1] * 7, "factors": [1] * 11, "head_factor": 1},
        {"neutral": [float("nan")] * 8, "factors": [1] * 11, "head_factor": 1},
        {"neutral": [1] * 8, "factors": [1] * 3, "head_factor": 1},
        {"neutral": [1] * 8, "factors": ["x"] * 11, "head_factor": 1},
        {"neutral": [1] * 8, "factors": [1] * 11, "head_factor": float("inf")},
    ],
)
def test_a_damaged_calibration_is_none(content):
    write_config(calibration=content)
    assert not red_stage().is_calibrated


def test_a_calibration_is_clipped_to_people():
    calibration = PersonCalibration.from_json({"neutral": [9] * 8, "factors": [9] * 11, "head_factor": 0.1})
    assert calibration.neutral.max() < 2
    assert max(calibration.proportions.factors) < 1.5
    assert 0.5 < calibration.proportions.head_factor < 1
    plain = PersonCalibration(NEUTRAL, Proportions())
    np.testing.assert_allclose(PersonCalibration.from_json(plain.to_json()).neutral, NEUTRAL)
