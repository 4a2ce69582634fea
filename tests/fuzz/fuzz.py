"""Fuzzes the readers of untrusted files: spoiled files, each read or refused, in bounded time and memory.

Each target runs in a process of its own, which is started again after a crash. Seeds are fixed: mutation N
of a target is the same everywhere. The table at the end has mutations, those refused, crashes (anything but a
``DanceNowError``), hangs (more than 12 s), the greatest growth of memory and the greatest CPU time of one.

python tests/fuzz/fuzz.py [TARGET ...] [--count 10000] [--first 0] [--keep DIR]
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from fuzz_cases import HangError, run_case
from fuzz_targets import TARGETS

_HANG = 12  # seconds
_LIMIT_MB, _LIMIT_SECONDS = 500, 10


def _child(name: str, first: int, count: int, folder: Path, keep: Path | None) -> None:
    """Runs mutations and reports each on a line of JSON."""
    import cv2

    def ring(*_: object) -> None:
        raise HangError

    warnings.simplefilter("ignore")
    logging.disable()
    cv2.utils.logging.setLogLevel(0) if hasattr(cv2.utils, "logging") else cv2.setLogLevel(0)
    signal.signal(signal.SIGALRM, ring)
    case = TARGETS[name]()
    run_case(case, name, -1, folder)  # loads and compiles what reading takes
    clear, status = Path("/proc/self/clear_refs"), Path("/proc/self/status")
    for number in range(first, first + count):
        print(json.dumps({"begun": number}), flush=True)
        clear.write_text("5")
        base, begun = _peak(status), time.process_time()
        signal.alarm(_HANG)
        outcome = run_case(case, name, number, folder)
        signal.alarm(0)
        seconds, growth = time.process_time() - begun, _peak(status) - base
        print(json.dumps({"outcome": outcome, "mb": growth, "s": round(seconds, 2)}), flush=True)
        if keep is not None and (outcome.startswith(("crash", "hang")) or growth > _LIMIT_MB):
            shutil.copytree(folder, keep / f"{name}_{number}", dirs_exist_ok=True)


def _peak(status: Path) -> int:
    """Peak resident set in MB since it was cleared."""
    return int(status.read_text().partition("VmHWM:")[2].split()[0]) // 1024


def fuzz(name: str, first: int, count: int, keep: Path | None) -> dict[str, Any]:
    """Runs mutations of a target in child processes and sums them up."""
    kinds: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    greatest, longest, place = 0, 0.0, first
    with tempfile.TemporaryDirectory() as box:
        while place < first + count:
            words = ["--child", name, "--first", str(place), "--count", str(first + count - place)]
            more = ["--keep", str(keep)] if keep is not None else []
            child = subprocess.Popen(
                [sys.executable, __file__, *words, *more, "--box", box], stdout=subprocess.PIPE, text=True
            )
            assert child.stdout is not None
            for line in child.stdout:
                found = json.loads(line)
                if "begun" in found:
                    place = found["begun"]
                    continue
                place += 1
                kind = found["outcome"].partition(":")[0]
                kinds[kind] += 1
                greatest, longest = max(greatest, found["mb"]), max(longest, found["s"])
                if kind in ("crash", "hang"):
                    faults[found["outcome"]] += 1
                    print(f"{name} {place - 1}: {found['outcome']}", file=sys.stderr, flush=True)
                if found["mb"] > _LIMIT_MB or found["s"] > _LIMIT_SECONDS:
                    kinds["costly"] += 1
                    print(
                        f"{name} {place - 1}: {found['mb']} MB, {found['s']} s", file=sys.stderr, flush=True
                    )
            if child.wait() != 0:
                kinds["crash"] += 1
                print(
                    f"{name} {place}: the process ended with {child.returncode}", file=sys.stderr, flush=True
                )
                place += 1
    return {"kinds": kinds, "faults": faults, "mb": greatest, "s": longest}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"default: all; {', '.join(TARGETS)}")
    parser.add_argument("--count", type=int, default=10_000, help="mutations of each target")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the files that did harm")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--box", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        _child(options.child, options.first, options.count, options.box / "case", options.keep)
        return 0
    if options.keep is not None:
        options.keep.mkdir(exist_ok=True)
    print("| target | mutations | read | refused | crashes | hangs | costly | greatest MB | greatest CPU s |")
    print("|---|---|---|---|---|---|---|---|---|")
    harm = 0
    for name in options.targets or TARGETS:
        result = fuzz(name, options.first, options.count, options.keep)
        kinds = result["kinds"]
        counts = " | ".join(str(kinds[kind]) for kind in ("read", "refused", "crash", "hang", "costly"))
        print(f"| {name} | {options.count} | {counts} | {result['mb']} | {result['s']:.1f} |", flush=True)
        harm += kinds["crash"] + kinds["hang"] + kinds["costly"]
    return int(harm > 0)


if __name__ == "__main__":
    sys.exit(main())
