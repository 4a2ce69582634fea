"""Runs benchmarks, and collects their figures in one file with the machine, the revision and the versions.

Each benchmark runs in a process of its own, one after the other; what it prints goes to the terminal as well.
One that fails, or lacks its data, is noted and the others go on; the exit code is then 1.

python benchmarks/collect.py --output out/bench.json [NAME ...]    # pose: bench_pose.py; default: all
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).resolve().parent
ROOT: Final = FOLDER.parent
SCHEMA: Final = 1
VERSIONS: Final = (
    *(
        "dance-now",
        "numpy",
        "opencv-python-headless",
        "ai-edge-litert",
        "av",
        "onnxruntime",
        "torch",
        "numba",
    ),
)
_RENDERED: Final = "out/bench_mascot"  # a data set of large pictures, about a minute to make
# Arguments that a benchmark cannot do without, and the command that makes the folder which they name.
ARGUMENTS: Final[dict[str, tuple[str, ...]]] = {"surface": (_RENDERED, "mascot")}
PREPARATION: Final[dict[str, tuple[str, ...]]] = {
    "surface": ("render", "mascot", "-o", _RENDERED, "--size", "1024", "--images", "600", "--seed", "0"),
}


def names() -> list[str]:
    """All benchmarks, by what follows ``bench_``."""
    return sorted(path.stem.removeprefix("bench_") for path in FOLDER.glob("bench_*.py"))


def collected(name: str) -> dict[str, Any]:
    """Runs one benchmark; its figures."""
    script = FOLDER / f"bench_{name}.py"
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "figures.json"
        words = [sys.executable, str(script), *ARGUMENTS.get(name, ())]
        words += ["--json", str(target)]
        if name in PREPARATION and not (ROOT / ARGUMENTS[name][0]).is_dir():
            subprocess.run([sys.executable, "-m", "dance_now", *PREPARATION[name]], cwd=ROOT, check=True)
        done = subprocess.run(words, cwd=ROOT, check=False)
        if done.returncode:
            return {"benchmark": name, "failed": done.returncode, "figures": []}
        return dict(json.loads(target.read_text(encoding="utf-8")))


def circumstances() -> dict[str, Any]:
    """Machine, revision and versions; no names of hosts or users."""
    return {
        "schema": SCHEMA,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "revision": revision(),
        "machine": {
            "system": f"{platform.system()} {platform.machine()}",
            "processor": processor(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
        "versions": {name: version for name in VERSIONS if (version := installed(name))},
    }


def revision() -> str:
    """The commit, with a ``+`` where files differ from it; empty outside a repository."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty=+", "--abbrev=12", "--exclude=*"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip()


def processor() -> str:
    """Name of the processor."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def installed(name: str) -> str | None:
    """Version of an installed package."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def main() -> int:
    """Command line: runs and writes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    if unknown := sorted(set(arguments.names) - set(names())):
        sys.exit(f"error: there is no benchmark {unknown[0]}; known: {', '.join(names())}")
    document = circumstances() | {"benchmarks": []}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    for name in arguments.names or names():
        print(f"== {name}", flush=True)
        document["benchmarks"].append(collected(name))
        part = arguments.output.with_name(f"{arguments.output.name}.part")  # as far as it has come
        part.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
        part.replace(arguments.output)
    failed = [each["benchmark"] for each in document["benchmarks"] if each.get("failed")]
    print(f"{arguments.output}: {sum(len(each['figures']) for each in document['benchmarks'])} figures")
    if failed:
        print(f"failed, or without their data (DANCE_NOW_DATA): {', '.join(failed)}", file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
