"""Workers are killed at random while thirty clips are danced; a rerun gives what an undisturbed run gives."""

import contextlib
import os
import random
import signal
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from batch_services import WitnessedEstimator
from fakes import RedCharacter, scenery, with_person, write_photo, write_video

from dance_now import DanceOptions, dance_many

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and pipes"),
]
KILLS = 8
BAD = {"empty.mp4", "headless.mp4", "pipe.mp4", "nobody.png"}


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """Thirty sources: clips and photos in two folders, and four that nobody can dance."""
    folder = tmp_path_factory.mktemp("clips")
    (folder / "night").mkdir()
    for number in range(20):
        place = folder / "night" if number % 3 == 0 else folder
        write_video(place / f"clip{number}.mp4", [40 + 4 * number + step for step in range(3 + number % 7)])
    for number in range(6):
        write_photo(folder / f"photo{number}.png", with_person(50 + 10 * number))
    write_photo(folder / "nobody.png", scenery())
    (folder / "empty.mp4").write_bytes(b"")
    whole = (folder / "clip1.mp4").read_bytes()
    (folder / "headless.mp4").write_bytes(whole[: len(whole) // 4])
    os.mkfifo(folder / "pipe.mp4")
    return [path for path in folder.rglob("*.*") if not path.is_dir()]


def dance(sources, output, witness, **batch):
    """The status of each source, by its name."""
    witness.mkdir(exist_ok=True)
    # Equal options have equal identities, whatever the folder.
    options = DanceOptions(estimator=WitnessedEstimator(witness))
    results = dance_many(sources, RedCharacter(), output, options=options, **batch)
    return {os.path.basename(result.source): result for result in results}


def contents(folder):
    """All files, hidden ones as well, but the journal and times in sidecars."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "report.jsonl"
    }


@pytest.fixture(scope="module")
def undisturbed(sources, tmp_path_factory):
    folder = tmp_path_factory.mktemp("undisturbed")
    results = dance(sources, folder / "out", folder / "witness")
    assert {name for name, result in results.items() if result.status == "error"} == BAD
    return contents(folder / "out")


@contextlib.contextmanager
def killer(witness, seed):
    """Kills workers that have been seen at work, at random moments, until enough have died."""
    chance = random.Random(seed)
    ended = threading.Event()
    killed = []

    def kill():
        while not ended.is_set() and len(killed) < KILLS:
            seen = [int(path.name) for path in witness.glob("*")] if witness.is_dir() else []
            seen = [process for process in seen if process not in killed and process != os.getpid()]
            if seen:
                time.sleep(chance.uniform(0.0, 0.4))
                process = chance.choice(seen)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
                killed.append(process)
            time.sleep(0.05)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        ended.set()
        thread.join()


def check(sources, undisturbed, folder, **batch):
    with killer(folder / "witness", seed=3) as killed:
        first = dance(sources, folder / "out", folder / "witness", **batch)
    assert len(killed) >= 3
    assert len(first) == 30
    failed = {name: result.message for name, result in first.items() if result.status == "error"}
    assert all("killed its worker twice" in message for name, message in failed.items() if name not in BAD)
    again = dance(sources, folder / "out", folder / "witness", **batch)
    assert {name for name, result in again.items() if result.status == "error"} == BAD
    assert contents(folder / "out") == undisturbed


def test_killed_processes(sources, undisturbed, tmp_path):
    check(sources, undisturbed, tmp_path, jobs=2)


def test_killed_actors(sources, undisturbed, tmp_path, monkeypatch):
    pytest.importorskip("ray")
    helpers = str(Path(__file__).parents[1] / "helpers")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([helpers, *sys.path]))
    check(sources, undisturbed, tmp_path, jobs=2, cluster="local")


@pytest.mark.parametrize("batch", [{"jobs": 2}, {}])
def test_stopping_early_leaves_whole_results_alone(sources, undisturbed, tmp_path, batch):
    (tmp_path / "witness").mkdir()
    options = DanceOptions(estimator=WitnessedEstimator(tmp_path / "witness"))
    with closing(dance_many(sources, RedCharacter(), tmp_path / "out", options=options, **batch)) as results:
        while next(results).status != "ok":
            continue
    left = contents(tmp_path / "out")
    assert left
    assert left.items() <= undisturbed.items()


def test_two_runs_on_one_folder(sources, undisturbed, tmp_path):
    outcomes = []

    def run():
        outcomes.append(dance(sources, tmp_path / "out", tmp_path / "witness", jobs=1))

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for outcome in outcomes:
        failed = {name: result.message for name, result in outcome.items() if result.status == "error"}
        assert all("by another dance-now" in text for name, text in failed.items() if name not in BAD)
    made = [name for outcome in outcomes for name, result in outcome.items() if result.status == "ok"]
    assert len(made) == len(set(made))  # nothing was made twice
    again = dance(sources, tmp_path / "out", tmp_path / "witness")
    assert {name for name, result in again.items() if result.status == "error"} == BAD
    assert contents(tmp_path / "out") == undisturbed
