"""The public names: what they load, show, and refuse."""

import subprocess
import sys

import numpy as np
import pytest
from fakes import MagentaEstimator, NoEstimator, RedCharacter, standing, with_person, write_photo

import dance_now
from dance_now import (
    Character,
    DanceNowError,
    DanceOptions,
    Dancer,
    Frame,
    Pose,
    Scene,
    dance,
    open_source,
)

NAMES = (
    *("Character", "Dancer", "Pose", "Frame", "Scene", "DanceOptions", "DanceResult", "DanceNowError"),
    *("dance", "dance_many", "open_source"),
)
IMAGE = np.zeros((720, 1280, 3), np.uint8)
POINTS = np.ones((137, 3), np.float32)


def test_all_names_are_found():
    assert set(dance_now.__all__) == {*NAMES, "__version__"}
    assert set(dance_now.__all__) <= set(dir(dance_now))
    assert all(getattr(dance_now, name).__doc__ for name in NAMES)


def test_names_load_nothing_before_they_are_used():
    program = (
        "import sys, dance_now; dir(dance_now); "
        "sys.exit(', '.join(name for name in sys.modules if name.startswith('dance_now.')) or None)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


# Representations


def test_representations_are_short():
    character = Character.load("godette")
    points = POINTS.copy()
    points[120:, 2] = 0
    assert repr(character) == f"Character('godette', version {character.card.version!r})"
    assert repr(Pose(points)) == "Pose(137 points, 120 visible)"
    assert repr(Frame(IMAGE, 0.04, 1)) == "Frame(1280x720 at 0.04 s)"
    assert repr(Dancer(RedCharacter(), scene="green")) == "Dancer('red', scene='green')"
    assert repr(DanceOptions(match=0.25)) == "DanceOptions(match=0.25)"


def test_notebooks_show_a_character():
    assert Character.load("godette")._repr_png_().startswith(b"\x89PNG")


# What a dancer takes


def test_a_dancer_takes_names_paths_and_lists():
    godette = Character.load("godette")
    for given, names in {
        "godette": ["godette"],
        "godette,tempo": ["godette", "tempo"],
        ("godette", godette): ["godette", "godette"],
        godette: ["godette"],
    }.items():
        assert [character.name for character in Dancer(given).characters] == names


def test_a_dancer_takes_the_name_of_a_scene():
    assert Dancer(RedCharacter(), scene="alpha").scene is Scene.ALPHA


# Wrong values: an error that names the argument


def dancer():
    return Dancer(RedCharacter(), estimator=NoEstimator())


def long_list(dtype):
    return np.ones((137, 3)).astype(dtype)


WRONG_VALUES = [
    ("character", lambda: Dancer([])),
    ("character", lambda: dance("me.png", [])),
    ("character", lambda: dance("me.png", ())),
    ("character 'nemo'", lambda: Dancer("nemo")),
    ("character 'nemo'", lambda: Dancer(["godette", "nemo"])),
    ("character 'nemo'", lambda: Character.load("nemo")),
    ("character ''", lambda: Character.load("")),
    ("device", lambda: Character.load("godette", device="tpu")),
    ("threads", lambda: Character.load("godette", threads=-1)),
    ("scene", lambda: Dancer(RedCharacter(), scene="moon")),
    ("match", lambda: Dancer(RedCharacter(), match=7)),
    ("person", lambda: Dancer(RedCharacter(), person="middle")),
    ("time", lambda: dancer().draw(standing((9, 9), 9), time=float("nan"))),
    ("source", lambda: dance("")),
    ("output", lambda: dance("me.png", RedCharacter(), "", estimator=MagentaEstimator())),
    ("scene", lambda: dance("me.png", scene="moon")),
    ("nowhere.mp4", lambda: dance("nowhere.mp4")),
    ("path", lambda: open_source("")),
    ("nowhere.mp4", lambda: open_source("nowhere.mp4")),
    ("start", lambda: open_source("me.png", start=-1)),
    ("end", lambda: open_source("me.png", end=float("inf"))),
    ("frame_rate", lambda: open_source("me.png", frame_rate=float("nan"))),
    ("image", lambda: Frame(IMAGE[..., 0], 0.0, 0)),
    ("image", lambda: Frame(IMAGE[..., :2], 0.0, 0)),
    ("image", lambda: Frame(IMAGE.astype(np.float32), 0.0, 0)),
    ("image", lambda: Frame(IMAGE[:0], 0.0, 0)),
    ("time", lambda: Frame(IMAGE, float("nan"), 0)),
    ("index", lambda: Frame(IMAGE, 0.0, -1)),
    ("points", lambda: Pose(POINTS[:25])),
    ("points", lambda: Pose(POINTS[:, :2])),
    ("points", lambda: Pose(POINTS * np.nan)),
    ("points", lambda: Pose([[1, 2, 3], [1, 2]])),
    ("depth", lambda: Pose(POINTS, depth=np.zeros(3))),
    ("depth", lambda: Pose(POINTS, depth=np.full(137, np.inf))),
    ("has_depth", lambda: Pose(POINTS, has_depth=np.ones(5, bool))),
    ("pose_keypoints_2d", lambda: Pose.from_openpose({"pose_keypoints_2d": [1]})),
]

WRONG_TYPES = [
    *[("character", lambda value=value: Dancer(value)) for value in (None, 3, b"godette", {}, [3], [None])],
    *[("character", lambda value=value: dance("me.png", value)) for value in (None, 3, b"godette", [[]])],
    *[("name_or_path", lambda value=value: Character.load(value)) for value in (3, None, b"godette", [])],
    ("device", lambda: Character.load("godette", device=None)),
    ("threads", lambda: Character.load("godette", threads="2")),
    ("optimize", lambda: Character.load("godette", optimize="yes")),
    ("content", lambda: Character("godette")),
    ("pose", lambda: Character.load("godette").draw(None)),
    ("pose", lambda: Character.load("godette").draw(POINTS)),
    ("scene", lambda: Dancer(RedCharacter(), scene=3)),
    ("scene", lambda: Dancer(RedCharacter(), scene=None)),
    ("match", lambda: Dancer(RedCharacter(), match="0.5")),
    ("best", lambda: Dancer(RedCharacter(), best=1)),
    ("smooth", lambda: Dancer(RedCharacter(), smooth=None)),
    ("person", lambda: Dancer(RedCharacter(), person=1.5)),
    ("estimator", lambda: Dancer(RedCharacter(), estimator="mediapipe")),
    ("background", lambda: Dancer(RedCharacter(), background="red")),
    ("backdrop", lambda: Dancer(RedCharacter(), backdrop="red")),
    ("poses", lambda: Dancer(RedCharacter(), poses="keys")),
    ("session", lambda: Dancer(RedCharacter(), session=3)),
    ("profiler", lambda: Dancer(RedCharacter(), profiler=3)),
    ("frame", lambda: dancer()(None)),
    ("frame", lambda: dancer()(IMAGE)),
    ("pose", lambda: dancer().draw(None)),
    ("pose", lambda: dancer().draw(POINTS)),
    ("time", lambda: dancer().draw(standing((9, 9), 9), time="0")),
    *[("source", lambda value=value: dance(value)) for value in (None, 3, b"me.png", [], IMAGE)],
    ("output", lambda: dance("me.png", RedCharacter(), 3, estimator=MagentaEstimator())),
    ("options", lambda: dance("me.png", options={"scene": "green"})),
    ("progress", lambda: dance("me.png", progress=3)),
    ("qualty", lambda: dance("me.png", qualty="best")),
    *[("path", lambda value=value: open_source(value)) for value in (None, 3, b"me.png", [])],
    ("start", lambda: open_source("me.png", start="1")),
    ("end", lambda: open_source("me.png", end="1")),
    ("frame_rate", lambda: open_source("me.png", frame_rate="24")),
    ("sequence", lambda: open_source("me.png", sequence="yes")),
    ("image", lambda: Frame(None, 0.0, 0)),
    ("image", lambda: Frame([[0]], 0.0, 0)),
    ("time", lambda: Frame(IMAGE, "0", 0)),
    ("index", lambda: Frame(IMAGE, 0.0, "0")),
    ("name", lambda: Frame(IMAGE, 0.0, 0, None)),
    ("points", lambda: Pose(None)),
    ("points", lambda: Pose("points")),
    ("points", lambda: Pose(long_list(str))),
    ("points", lambda: Pose(long_list(object))),
    ("points", lambda: Pose(long_list(complex))),
    ("person", lambda: Pose.from_openpose(None)),
    ("person", lambda: Pose.from_openpose([1, 2, 3])),
]


@pytest.fixture
def _me(tmp_path, monkeypatch):
    """A working folder with a photo."""
    monkeypatch.chdir(tmp_path)
    write_photo(tmp_path / "me.png", with_person(96))


@pytest.mark.usefixtures("_me")
@pytest.mark.parametrize(("named", "call"), WRONG_VALUES)
def test_wrong_values(named, call):
    with pytest.raises(DanceNowError) as caught:
        call()
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.usefixtures("_me")
@pytest.mark.parametrize(("named", "call"), WRONG_TYPES)
def test_wrong_types(named, call):
    with pytest.raises(TypeError, match=rf"\b{named}\b"):
        call()
