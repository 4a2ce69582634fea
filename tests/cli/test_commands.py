"""What each command hands to the library and what it prints."""

import inspect
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import dance_now.app.dance
import dance_now.cli.dance
import dance_now.synthesis.avatar_clip
import dance_now.synthesis.dataset
import dance_now.training.train_character
from dance_now.app.dance import DanceResult
from dance_now.app.dance_options import DanceOptions
from dance_now.render.avatar.avatar_options import AvatarOptions
from dance_now.synthesis.dataset import DatasetSummary
from dance_now.training.character_card import Rights
from dance_now.training.metrics.scores import Evaluation, Summary
from dance_now.training.train_config import PRESETS

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

    def dance(source, character, output, *, options, progress):
        seen.append((source, character, output, options))
        progress("dance", 3, 3)
        return DanceResult(
            Path("clip_godette.mp4"), 3, 1, 2, 0.5, {"pose": 11.0}, {"pose": 10.0, "draw": 20.25}
        )

    monkeypatch.setattr(dance_now.app.dance, "dance", dance)
    return seen


def test_dance_has_defaults(run, calls):
    outcome = run("dance", "clip.mp4")
    assert outcome.code == 0
    assert calls == [("clip.mp4", "tempo", None, DanceOptions())]


def test_dance_passes_its_options_on(run, calls):
    run(
        *("dance", "clip.mp4", "-c", "my.dance", "-o", "out.mov", "--scene", "side-by-side"),
        *("--person", "left", "--background", "navy", "--match", "0.25", "--height", "own"),
        *("--quality", "best", "--keep-objects", "--estimator", "rtmw", "--model", "net.onnx"),
        *("--poses", "keys", "--size", "640x480", "--fps", "24", "--start", "1.5", "--end", "3"),
        *("--keypoint-scale", "unit", "--sequence", "--overwrite", "--preview", "--device", "cpu"),
        *("--bit-depth", "10"),
    )
    options = DanceOptions(
        scene="side-by-side",
        person="left",
        background="navy",
        match=0.25,
        height="own",
        quality="best",
        keep_objects=True,
        estimator="rtmw",
        model=Path("net.onnx"),
        poses=Path("keys"),
        size=(640, 480),
        frame_rate=24.0,
        start=1.5,
        end=3.0,
        keypoint_scale="unit",
        sequence=True,
        overwrite=True,
        preview=True,
        bit_depth=10,
        device="cpu",
    )
    assert calls == [("clip.mp4", "my.dance", Path("out.mov"), options)]


def test_every_option_of_dance_has_a_flag():
    flags = set(inspect.signature(dance_now.cli.dance.dance).parameters) - {
        "source",
        "more",
        "character",
        "output",
        "batch",
    }
    assert {"frame_rate" if flag == "fps" else flag for flag in flags} == {
        field.name for field in fields(DanceOptions)
    }


@pytest.mark.parametrize(
    ("words", "changed"),
    [
        (("--person", "7"), {"person": 7}),
        (("--height", "0.5"), {"height": 0.5}),
        (("--height", "person", "--person", "all"), {"person": "all"}),
    ],
)
def test_numbers_among_words_are_numbers(run, calls, words, changed):
    run("dance", "clip.mp4", *words)
    assert calls[0][3] == DanceOptions(**changed)


def test_standard_output_is_for_pictures_alone(run, calls):
    outcome = run("dance", "clip.mp4", "-o", "-")
    assert outcome.out == ""
    assert "3 frames in 0.5 s" in outcome.err


def test_an_unknown_scene_is_told_with_those_there_are(run, calls):
    outcome = run("dance", "clip.mp4", "--scene", "moon")
    assert outcome.code == 2
    assert all(scene in outcome.err for scene in ("replace", "alone", "green", "alpha"))
    assert "None" not in outcome.err


def test_dance_ends_with_one_line_that_sums_it_up(run, calls):
    outcome = run("dance", "clip.mp4")
    assert outcome.out == (
        "no person found in 2 of 3 frames\n"
        "skipped 1 damaged frame (--verbose lists them)\n"
        "clip_godette.mp4: 3 frames in 0.5 s (6.0 frames/s)\n"
    )
    assert outcome.err == ""


def test_verbose_adds_the_profile(run, calls):
    outcome = run("dance", "clip.mp4", "--verbose")
    assert outcome.out.splitlines()[-1] == "clip_godette.mp4: 3 frames in 0.5 s (6.0 frames/s)"
    assert "CPU milliseconds per frame: pose 10.0, draw 20.2" in outcome.err


def test_render_passes_its_options_on_and_counts(run, monkeypatch):
    seen = []

    def render_dataset(avatar, output, images, motions, *, progress, **options):
        seen.append((avatar, output, images, motions, options))
        progress(20, 20)
        return DatasetSummary(output, 18, 2, 5, "0" * 64)

    monkeypatch.setattr(dance_now.synthesis.dataset, "render_dataset", render_dataset)
    outcome = run(
        *("render", "a.vrm", "-o", "data", "--images", "20", "--motions", "bvh", "--seed", "7"),
        *("--workers", "3", "--overwrite", "--hide", "sword", "--hide", "shield", "--bones", "bones.json"),
        *("--i-have-permission", "--shards", "--size", "1024"),
    )
    avatar_options = AvatarOptions(hide=("sword", "shield"), bones=Path("bones.json"), has_permission=True)
    options = {"seed": 7, "size": 1024, "workers": 3, "overwrite": True, "shards": True}
    options |= {"options": avatar_options, "render": None, "part": (1, 1)}
    assert seen == [(Path("a.vrm"), Path("data"), 20, Path("bvh"), options)]
    assert outcome.out == "data: 18 training and 2 test pictures\n"


def test_render_makes_a_video_of_one_motion(run, tmp_path, monkeypatch):
    seen = []

    def render_clip(avatar, output, motion, *, progress, **options):
        seen.append((avatar, output, motion, options))
        progress(30, 30)
        return 30

    monkeypatch.setattr(dance_now.synthesis.avatar_clip, "render_clip", render_clip)
    outcome = run("render", "a.vrm", "-o", "clip.webm", "--motions", "wave.bvh", "--hide", "sword")
    options = {"clip": None, "size": 512, "options": AvatarOptions(hide=("sword",)), "overwrite": False}
    assert seen == [(Path("a.vrm"), Path("clip.webm"), Path("wave.bvh"), options)]
    assert outcome.out == "clip.webm: 30 frames\n"
    for motions in ((), ("--motions", tmp_path)):
        assert "--motions must be a motion file" in run("render", "a.vrm", "-o", "clip.mp4", *motions).err


def test_train_takes_a_preset_and_what_differs_from_it(run, monkeypatch):
    seen = []

    def train(
        source, output, config, *, motions, rights, options, template, sticks, stage, start, rig, report
    ):
        seen.append((source, output, config.steps, config.images, motions, rights, options, start))
        report("train", 7, 7, "loss 0.1")
        overall = Summary(3, 21.25, 19.0, 0.9, 0.9512, 0.01, None, 0, None, None, None)
        return Evaluation(overall, {}, (), 0.5, ())

    monkeypatch.setattr(dance_now.training.train_character, "train", train)
    words = ("train", "a.vrm", "-o", "a.dance", "--preset", "debug", "--steps", "7")
    outcome = run(*words, "--licence", "CC0", "--credits", "me", "--hide", "sword", "--from", "b.dance")
    rights, options = Rights("CC0", "me"), AvatarOptions(hide=("sword",))
    images = PRESETS["debug"].images
    assert seen == [(Path("a.vrm"), Path("a.dance"), 7, images, None, rights, options, "b.dance")]
    assert outcome.out == "a.dance: PSNR 21.25 dB, silhouette IoU 0.9512 (medians of 3 test pictures)\n"


@pytest.mark.parametrize(
    ("words", "module", "command"),
    [
        (
            ("train", "mascot", "-o", "a.dance", "--template", "points"),
            "torch",
            'pip install "dance-now[train]"',
        ),
        (("train", "mascot", "-o", "a.dance"), "numba", 'pip install "dance-now[studio]"'),
        (("render", "a.vrm", "-o", "data", "--images", "4"), "numba", 'pip install "dance-now[studio]"'),
    ],
)
def test_a_missing_extra_names_the_command(words, module, command, tmp_path):
    program = WITHOUT.format(module=module, words=list(words))
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=tmp_path
    )
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
        (("render", "a.vrm", "-o", "data", "--images", "0"), "--images must be at least 1"),
        (("render", "nowhere.vrm", "-o", "clip.mp4", "--motions", "no.bvh"), "no.bvh"),
        (("evaluate", "godette", "data", "--sheet", "sheet.tiff"), "--sheet must be a .png file"),
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
    from dance_now.character.character import builtin_names

    outcome = run("characters")
    assert outcome.code == 0
    names = [line.split()[0] for line in outcome.out.splitlines() if not line.startswith(" ")]
    assert names == builtin_names()
