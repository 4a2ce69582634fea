"""Shows what changed between two files of ``collect.py``: figures whose ratio leaves a tolerance.

Times and rates of two machines, or of one machine at two times, differ by a third without a cause; ratios
against a reference of the same run do not. The circumstances are printed first, where they differ.

python benchmarks/compare.py OLD NEW [--tolerance 5] [--all]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

CIRCUMSTANCES: Final = ("date", "revision", "machine", "versions")

Figures = dict[tuple[str, str], dict[str, Any]]


def read(path: Path) -> dict[str, Any]:
    """A file of ``collect.py``."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(document["benchmarks"], list):
            raise TypeError
    except OSError as error:
        sys.exit(f"error: {path} cannot be read: {error.strerror}")
    except (ValueError, KeyError, TypeError):
        sys.exit(f"error: {path} is not a file of make bench")
    found: dict[str, Any] = document
    return found


def figures(document: dict[str, Any]) -> Figures:
    """All figures, by benchmark and name."""
    return {
        (each["benchmark"], figure["name"]): figure
        for each in document["benchmarks"]
        for figure in each["figures"]
    }


def differing(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Lines on what differs in the circumstances."""
    lines = []
    for name in CIRCUMSTANCES:
        before, after = old.get(name), new.get(name)
        if isinstance(before, dict) and isinstance(after, dict):
            keys = sorted({*before, *after})
            lines += [
                f"{key}: {before.get(key)} -> {after.get(key)}"
                for key in keys
                if before.get(key) != after.get(key)
            ]
        elif before != after:
            lines.append(f"{name}: {before} -> {after}")
    return lines


def verdict(before: float | None, after: float | None, better: str, tolerance: float) -> tuple[str, str]:
    """The change in words, and ``better``, ``worse``, ``other``, or nothing within the tolerance."""
    if before is None or after is None:
        return "", "" if before == after else "other"
    if before == 0:
        return "", "" if after == 0 else {"lower": "worse", "higher": "better"}.get(better, "other")
    change = after / before - 1
    text = f"{change:+.1%}"
    if abs(change) <= tolerance:
        return text, ""
    if better not in ("lower", "higher"):
        return text, "other"
    return text, "better" if (change < 0) == (better == "lower") else "worse"


def table(old: Figures, new: Figures, tolerance: float, every: bool) -> list[str]:
    """Lines of the comparison: changed figures, then those that only one file has."""
    lines = []
    for key, figure in new.items():
        if key not in old:
            continue
        before, after = old[key]["value"], figure["value"]
        change, word = verdict(before, after, figure["better"], tolerance)
        if word or every:
            numbers = f"{shown(before):>10} -> {shown(after):>10} {figure['unit']:<14}"
            lines.append(f"{key[0]:<11} {key[1]:<56} {numbers} {change:>8} {word}".rstrip())
    for title, keys in (
        ("only in the old", old.keys() - new.keys()),
        ("only in the new", new.keys() - old.keys()),
    ):
        lines += [f"{title}: {benchmark}, {name}" for benchmark, name in sorted(keys)]
    return lines


def shown(value: float | None) -> str:
    """A number with four significant digits."""
    return "none" if value is None else f"{value:.4g}"


def main() -> int:
    """Command line: prints the comparison; exit code 0 whatever it shows."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--tolerance", type=float, default=5.0, help="percent")
    parser.add_argument("--all", action="store_true", help="unchanged figures too")
    arguments = parser.parse_args()
    old, new = read(arguments.old), read(arguments.new)
    for line in differing(old, new):
        print(line)
    lines = table(figures(old), figures(new), arguments.tolerance / 100, arguments.all)
    print("\n".join(lines) if lines else f"no figure changed by more than {arguments.tolerance:g} %")
    return 0


if __name__ == "__main__":
    sys.exit(main())
