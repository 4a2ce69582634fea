"""Peak memory and CPU time of reading hostile files, each in a process of its own (Linux).

Memory is the growth of the peak resident set (VmHWM in /proc/self/status) beyond what the process holds after
it has read a harmless file of the same kind; modules and compiled code are in that base. Limits of
docs/security.md: 500 MB and 10 s for files of up to 5 MB.

python benchmarks/bench_hostile.py [NAME ...] [--source SRC]

With --source, the package in another folder is measured, such as ``src`` of another checkout.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from figures import record, run_benchmark

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "helpers"))

from hostile_files import FILES, HARMLESS, read  # noqa: E402

_SECONDS = 100  # of CPU time, until a reading is stopped
_BYTES = 12 << 30  # of address space


def measure(path: Path) -> dict[str, object]:
    """Reads a file in this process: its outcome, megabytes and CPU seconds."""
    from dance_now.core.errors import DanceNowError

    logging.disable()
    ending = next(ending for ending in HARMLESS if path.name.endswith(ending))
    harmless = path.with_name(f"harmless{ending}" if ending != path.name else ending)
    content = path.read_bytes()
    harmless.write_bytes(HARMLESS[ending]())
    with suppress(DanceNowError):
        read(harmless)
    path.write_bytes(content)
    Path("/proc/self/clear_refs").write_text("5")  # resets the peak
    base, begun = _peak(), time.process_time()
    outcome, text = "read", ""
    try:
        read(path)
    except DanceNowError as error:
        outcome, text = "refused", str(error)
    except Exception as error:
        outcome, text = type(error).__name__, str(error)
    seconds = time.process_time() - begun
    return {"outcome": outcome, "text": text, "megabytes": _peak() - base, "seconds": seconds}


def _peak() -> float:
    """Peak resident set in MB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"default: all; {', '.join(FILES)}")
    parser.add_argument("--source", type=Path, default=ROOT / "src")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child is not None:
        resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
        resource.setrlimit(resource.RLIMIT_AS, (_BYTES, _BYTES))
        print(json.dumps(measure(options.child)))
        return
    print("| file | size | outcome | MB | CPU s |\n|---|---|---|---|---|")
    for name in options.names or FILES:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            path.write_bytes(FILES[name]())
            size = path.stat().st_size
            environment = {**os.environ, "PYTHONPATH": str(options.source)}
            command = [sys.executable, __file__, "--child", str(path)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            result = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
        if result is None:
            print(f"| {name} | {size:,} | stopped ({done.returncode}) | | |", flush=True)
            continue
        record(f"{name}: memory", result["megabytes"], "MB")
        record(f"{name}: processor", result["seconds"], "s")
        figures = f"{result['megabytes']:.0f} | {result['seconds']:.1f}"
        print(f"| {name} | {size:,} | {result['outcome']} | {figures} |", flush=True)
        if result["text"]:
            print(f"  {result['text'][:200]}", file=sys.stderr)


if __name__ == "__main__":
    run_benchmark(main)
