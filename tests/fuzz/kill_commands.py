"""Kills a command at random moments, runs it again, and compares the results with an undisturbed run's.

Commands run in forked children of this process, which has loaded everything heavy before, so that a moment is
one of the work and not of an import. Needs fork and /proc (Linux), and the folder DANCE_NOW_DATA.

python tests/fuzz/kill_commands.py COMMAND [--kills 40] [--seed 0] [--signal KILL|TERM]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

_SECONDS: Final = 300  # that any run may take
_GRACE: Final = 10  # seconds until workers have noticed that their parent is gone

COMMANDS: Final[dict[str, list[str]]] = {
    "dance": ["dance", "clip.mp4", "-c", "tempo", "-o", "out.mp4", "--preview", "--overwrite"],
    "frames": ["dance", "clip.mp4", "-c", "tempo", "-o", "frames", "--scene", "alpha", "--overwrite"],
    "pose": ["pose", "clip.mp4", "-o", "poses", "--csv", "--bvh", "--overlay", "--overwrite"],
    "render": [
        *("render", "small.vrm", "-o", "set", "--images", "16", "--size", "96", "--motions", "motion.bvh"),
        *("--workers", "2", "--shards", "--overwrite"),
    ],
    "train": ["train", "set", "-o", "tiny.dance", "--preset", "debug", "--steps", "4"],
}
# What differs between runs: times and speeds in logs, and the state of what is only kept to go on.
_VARYING: Final = ("tiny.run/",)


def make_inputs(name: str, folder: Path) -> None:
    """Writes what a command reads: ten frames of a video, a motion, or a rendered data set."""
    if name in ("dance", "frames", "pose"):
        import cv2
        import numpy as np

        from dance_now.media.open_media import open_sink, open_source

        with (
            open_source(Path(os.environ["DANCE_NOW_DATA"]) / "people/multi_cam01.mp4", end=0.2) as source,
            open_sink(folder / "clip.mp4", source, alpha=False, sound=False) as sink,
        ):
            for frame in source.frames():
                scale = 360 / max(frame.image.shape[:2])
                small = cv2.resize(frame.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
                sink.write(np.ascontiguousarray(small), frame.time)
        return
    from avatars import build_humanoid
    from bvh_files import write_bvh

    (folder / "small.vrm").write_bytes(build_humanoid("vrm1").to_bytes())
    rows = [
        {"LeftArm": (0.0, 0.0, -80.0 + turn), "RightUpLeg": (-6.0 * turn, 0.0, 0.0)} for turn in range(14)
    ]
    (folder / "motion.bvh").write_text(write_bvh(rows))
    if name == "train":
        command = [word for word in COMMANDS["render"] if word not in ("--shards", "--overwrite")]
        command[command.index("96")], command[command.index("16")] = "512", "10"
        if _wait(_start(command, folder), _SECONDS) != 0:
            raise RuntimeError("the data set could not be rendered")


def preload(name: str) -> None:
    """Loads what the commands load. Fewer points are sampled, which takes most of the time of small sets."""
    modules = ["app.dance", "app.pose_export", "cli.progress"]
    if name in ("render", "train"):
        modules += ["cli.render", "synthesis.dataset"]
    if name == "train":
        modules += ["training.points_stages", "training.train_character"]
    for module in modules:
        import_module(f"dance_now.{module}")
    if name in ("render", "train"):
        vars(sys.modules["dance_now.synthesis.dataset"])["POINT_BUDGET"] = 2000


def _start(command: list[str], folder: Path) -> int:
    """Begins a command in a child, which is a session of its own; returns its process ID."""
    child = os.fork()
    if child:
        return child
    code = 99
    try:
        os.setsid()
        os.chdir(folder)
        with open(f"{folder}.log", "a") as log:
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        from dance_now import cli

        code = cli.main(command)
        sys.stdout.flush()
        sys.stderr.flush()
    except SystemExit as leaving:
        code = leaving.code if isinstance(leaving.code, int) else 98
    finally:
        os._exit(code)


def _wait(child: int, seconds: float) -> int | None:
    """Exit code of a child, negative for a signal; None if it still runs after some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    return None


def _members(session: int) -> list[int]:
    """Processes of a session that still run."""
    found = []
    for path in Path("/proc").iterdir():
        try:
            fields = (path / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session and fields[0] != "Z":
            found.append(int(path.name))
    return found


def contents(folder: Path) -> dict[str, str]:
    """Digest of every file of a folder, without those that vary; folders too."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        varies = path.is_dir() or name.startswith(_VARYING)
        found[name] = "" if varies else hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def disturb(
    name: str, inputs: Path, expected: dict[str, str], folder: Path, delay: float, number: int
) -> str | None:
    """Kills a command after a delay and runs it again.

    Returns:
        What was wrong, or nothing; None if the command had ended before.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(inputs, folder)
    child = _start(COMMANDS[name], folder)
    if _wait(child, delay) is None:
        os.kill(child, number)
        ended = _wait(child, _GRACE + 20)
        if ended is None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return f"did not end within {_GRACE + 20} s of the signal"
        if number == signal.SIGTERM:
            strays = [path.name for path in folder.rglob(".*")]
            if strays:
                return f"left {strays} after SIGTERM"
    else:
        return None
    end = time.monotonic() + _GRACE
    while left := _members(child):
        if time.monotonic() > end:
            for process in left:
                os.kill(process, signal.SIGKILL)
            return f"left {len(left)} processes"
        time.sleep(0.05)
    again = _wait(_start(COMMANDS[name], folder), _SECONDS)
    if again != 0:
        log = Path(f"{folder}.log").read_text().strip().splitlines()[-1:]
        return f"the rerun ended with {again}: {log}"
    found = contents(folder)
    differing = sorted(set(expected.items()) ^ set(found.items()))
    return f"differs in {sorted({path for path, _ in differing})[:5]}" if differing else ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--signal", choices=("KILL", "TERM"), default="KILL")
    options = parser.parse_args()
    chance = random.Random(options.seed)
    number = signal.SIGKILL if options.signal == "KILL" else signal.SIGTERM
    preload(options.command)
    faults, killed = 0, 0
    with tempfile.TemporaryDirectory() as box:
        inputs, reference = Path(box) / "inputs", Path(box) / "reference"
        inputs.mkdir()
        make_inputs(options.command, inputs)
        shutil.copytree(inputs, reference)
        begun = time.monotonic()
        code = _wait(_start(COMMANDS[options.command], reference), _SECONDS)
        seconds = time.monotonic() - begun
        if code != 0:
            print(f"the undisturbed run ended with {code}:", Path(f"{reference}.log").read_text())
            return 1
        expected = contents(reference)
        while killed < options.kills:
            delay = chance.uniform(0, seconds)
            fault = disturb(options.command, inputs, expected, Path(box) / "run", delay, number)
            if fault is None:  # the machine is faster than it was
                seconds = delay
                continue
            killed += 1
            faults += bool(fault)
            if fault:
                print(f"{options.command} {options.signal} after {delay:.2f} s: {fault}", flush=True)
    print(f"{options.command}: {killed} times {options.signal} within {seconds:.1f} s, {faults} faults")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
