"""Figures of a benchmark, as JSON: what a script measures is recorded beside what it prints.

A benchmark calls ``record`` for every figure and ends in

    if __name__ == "__main__":
        run_benchmark(main)

which gives it the option ``--json FILE``. ``collect.py`` runs all of them, ``compare.py`` compares two files.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

Better = Literal["lower", "higher", "neither"]

BETTER: Final[dict[str, Better]] = {
    **dict.fromkeys(("ms", "s", "MB", "px", "mm", "degrees", "grey levels", "swaps"), "lower"),
    **dict.fromkeys(("dB", "fps", "SSIM", "IoU", "times as fast"), "higher"),
}
"""Which way is better, by unit; of all other units ``neither``, unless ``record`` is told."""

_recorded: list[dict[str, Any]] = []  # of this process: a benchmark is one script


def record(name: str, value: float, unit: str, better: Better | None = None) -> None:
    """Notes one figure.

    Args:
        name: what was measured, unique in the benchmark and the same in every run, as ``"godette: draw"``.
        value: the figure; NaN is noted as missing.
        unit: ``"ms"``, ``"dB"``, ``"MB"``, ..., or ``"ratio"``.
        better: whether lower or higher is better; follows from the unit by default.

    Raises:
        ValueError: there is a figure of this name.
    """
    if any(figure["name"] == name for figure in _recorded):
        raise ValueError(f"two figures are called {name!r}")
    number = float(value)
    _recorded.append(
        {
            "name": name,
            "value": None if number != number else number,
            "unit": unit,
            "better": better or BETTER.get(unit, "neither"),
        }
    )


def record_table(rows: Mapping[str, Mapping[str, float]], units: Mapping[str, tuple[str, Better]]) -> None:
    """Notes a table, each cell as ``"row: column"``.

    Args:
        rows: row -> column -> figure.
        units: column -> its unit, and which way is better.

    Raises:
        ValueError: there is a figure of such a name.
        KeyError: a column has no unit.
    """
    for name, columns in rows.items():
        for column, value in columns.items():
            record(f"{name}: {column}", value, *units[column])


def run_benchmark(main: Callable[[], object]) -> None:
    """Runs a benchmark's command line, which reads ``sys.argv``; ``--json FILE`` then writes its figures.

    Raises:
        SystemExit: the exit code that ``main`` returns, or a ``--json`` without a file in an existing folder.
    """
    target = _json_target(sys.argv)
    if {"-h", "--help"} & set(sys.argv):
        sys.stdout.write("--json FILE: also write the figures as JSON\n\n")
    begun = time.perf_counter()
    code = main()
    if isinstance(code, int) and code:
        raise SystemExit(code)
    if target is not None:
        document = {
            "benchmark": Path(sys.argv[0]).stem.removeprefix("bench_"),
            "arguments": sys.argv[1:],
            "seconds": round(time.perf_counter() - begun, 1),
            "figures": _recorded,
        }
        target.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _json_target(words: list[str]) -> Path | None:
    """Takes ``--json FILE`` out of a command line."""
    for index, word in enumerate(words):
        if word == "--json" or word.startswith("--json="):
            value = word.partition("=")[2] if "=" in word else "".join(words[index + 1 : index + 2])
            del words[index : index + (1 if "=" in word else 2)]
            target = Path(value)
            if not value or not target.resolve().parent.is_dir():
                raise SystemExit("error: --json needs a file in a folder that exists")
            return target
    return None
