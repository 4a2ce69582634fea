"""What each verb hands to the library and what it prints."""

import subprocess
import sys
from pathlib import Path

import pytest

import dance_now.dancer
import dance_now.studio.dataset
import dance_now.training.pipeline
from dance_now.dancer import DanceResult
from dance_now.studio.dataset import DatasetSummary
from dance_now.training.config import PRESETS
from dance_now.training.evaluation import Evaluation
from dance_now.training.pipeline import Rights

WITHOUT = """
import sys

class Absent:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.partition(".")[0] == {module!r}:
            raise ModuleNotFoundError("absent", name=name)

sys.meta_path.insert(0, Absent)
from dance_now.cli import main
sys.exit(main({words!r}))
"""


@pytest.fixture
def calls(monkeypatch):
    """Arguments of every call of ``dance``, which does nothing but count frames."""
    seen = []

    def dance(source, character, output, *, progress, **options):
        seen.append({"source": source, "character": character, "output": output, **options})
        progress("dance", 3, 3)
        return DanceResult(Path("clip_godette.mp4"), 3, 1, 2, 0.5, {"pose": 10.0, "draw": 20.25})

    monkeypatch.setattr(dance_now.dancer, "dance", dance)
    return seen


def test_dance_has_defaults(run, calls):
    outcome = run("dance", "clip.mp4")
    assert outcome.code == 0
    assert calls == [
        {
            "source": "clip.mp4",
            "character": "godette",
            "output": None,
            "scene": None,
            "poses": None,
            "size": None,
            "frame_rate": None,
            "start": None,
            "end": None,
            "overwrite": False,
            "device": "auto",
        }
    ]


def test_dance_passes_its_options_on(run, calls):
    run(
        *("dance", "clip.mp4", "-c", "my.dance", "-o", "out.mov", "--scene", "alpha"),
        *("--poses", "keys", "--size", "640x480", "--fps", "24"),
        *("--start", "1.5", "--end", "3", "--overwrite", "--device", "cpu"),
    )
    assert calls == [
        {
            "source": "clip.mp4",
            "character": "my.dance",
            "output": Path("out.mov"),
            "scene": "alpha",
            "poses": Path("keys"),
            "size": (640, 480),
            "frame_rate": 24.0,
            "start": 1.5,
            "end": 3.0,
            "overwrite": True,
            "device": "cpu",
        }
    ]


def test_dance_says_what_it_did(run, calls):
    assert run("dance", "clip.mp4").out == (
        "clip_godette.mp4: 3 frames in 0.5 s (ms a frame: pose 10.0, draw 20.2)\n"
        "nobody was seen in 2 of them\n"
        "1 broken frames of the source were left out (--verbose says which)\n"
    )


def test_render_passes_its_options_on_and_counts(run, monkeypatch):
    seen = []

    def render_dataset(avatar, output, images, motions, *, progress, **options):
        seen.append((avatar, output, images, motions, options))
        progress(20, 20)
        return DatasetSummary(output, 18, 2, 5, "0" * 64)

    monkeypatch.setattr(dance_now.studio.dataset, "render_dataset", render_dataset)
    outcome = run(
        *("render", "a.vrm", "-o", "data", "--images", "20", "--motions", "bvh", "--seed", "7"),
        *("--workers", "3", "--overwrite"),
    )
    options = {"seed": 7, "workers": 3, "overwrite": True}
    assert seen == [(Path("a.vrm"), Path("data"), 20, Path("bvh"), options)]
    assert outcome.out == "data: 18 pictures to train on, 2 to test with\n"


def test_train_takes_a_preset_and_what_differs_from_it(run, monkeypatch):
    seen = []

    def train(source, output, config, *, motions, rights, report):
        seen.append((source, output, config.steps, config.images, motions, rights))
        report("train", 7, 7, "loss 0.1")
        return Evaluation(3, 21.25, 19.0, 0.9512)

    monkeypatch.setattr(dance_now.training.pipeline, "train", train)
    words = ("train", "a.vrm", "-o", "a.dance", "--preset", "debug", "--steps", "7")
    outcome = run(*words, "--licence", "CC0", "--credits", "me")
    rights = Rights("CC0", "me")
    assert seen == [(Path("a.vrm"), Path("a.dance"), 7, PRESETS["debug"].images, None, rights)]
    assert outcome.out == "a.dance: PSNR 21.25 dB, silhouette IoU 0.9512 (medians of 3 test pictures)\n"


@pytest.mark.parametrize(
    ("words", "module", "command"),
    [
        (("train", "a.vrm", "-o", "a.dance"), "torch", 'pip install "dance-now[train]"'),
        (("evaluate", "godette", "data"), "torch", 'pip install "dance-now[train]"'),
        (("render", "a.vrm", "-o", "data", "--images", "4"), "numba", 'pip install "dance-now[studio]"'),
    ],
)
def test_a_missing_extra_names_the_command(words, module, command):
    program = WITHOUT.format(module=module, words=list(words))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {module} is not installed.")
    assert command in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", "a.vrm", "-o", "a.dance", "--steps", "0"), "--steps must be at least 1"),
        (("train", "a.vrm", "-o", "a.dance", "--images", "-3"), "--images must be at least 1"),
        (
            ("render", "a.vrm", "-o", "data", "--images", "4", "--workers", "0"),
            "--workers must be at least 1",
        ),
        (("evaluate", "godette", "data", "--sheet", "sheet.tiff"), "--sheet writes a .png"),
        (("evaluate", "godette", "data", "--sheet", "nowhere/sheet.png"), "does not exist"),
    ],
)
def test_impossible_options_fail_before_any_work(run, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    outcome = run(*words)
    assert outcome.code == 1
    assert message in outcome.err
    assert not list(tmp_path.iterdir())


def test_characters_lists_names_and_licences(run):
    from dance_now.character.character import cast_names

    outcome = run("characters")
    assert outcome.code == 0
    names = [line.split()[0] for line in outcome.out.splitlines() if not line.startswith(" ")]
    assert names == cast_names()
