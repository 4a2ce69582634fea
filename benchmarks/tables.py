"""Writes the tables of docs/performance.md from a file of ``collect.py``, and keeps it as docs/figures.json.

Benchmarks that the file lacks keep the figures that docs/figures.json has, and their run's circumstances.
``--check`` writes nothing and fails if the page is stale.

python benchmarks/tables.py [out/bench.json] [--check]
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from compare import read

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "performance.md"
KEPT: Final = ROOT / "docs" / "figures.json"
BEGIN: Final = "<!-- figures: written by benchmarks/tables.py -->"
END: Final = "<!-- end of figures -->"


def merged(kept: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The kept figures, with those benchmarks replaced that the new file has; each with its circumstances."""
    circumstances = {name: value for name, value in new.items() if name != "benchmarks"}
    benchmarks = {each["benchmark"]: each for each in kept["benchmarks"]}
    for each in new["benchmarks"]:
        if each["figures"]:
            benchmarks[each["benchmark"]] = each | {"circumstances": circumstances}
    return {"benchmarks": [benchmarks[name] for name in sorted(benchmarks)]}


def tables(document: dict[str, Any]) -> str:
    """A section with a table for each benchmark."""
    lines = []
    for each in document["benchmarks"]:
        around = each["circumstances"]
        machine, versions = around["machine"], around["versions"]
        words = " ".join(["bench_" + each["benchmark"] + ".py", *each["arguments"]])
        lines += [
            f"## {each['benchmark']}",
            "",
            f"`{words}`, {around['date']}, revision `{around['revision']}`, {machine['processor']}, "
            f"{machine['cores']} cores, {machine['system']}, Python {machine['python']}, "
            f"numpy {versions.get('numpy', '?')}.",
            "",
            "| | | |",
            "|---|---:|---|",
        ]
        for figure in each["figures"]:
            value = "-" if figure["value"] is None else f"{figure['value']:.4g}"
            lines.append(f"| {figure['name'].replace('|', '/')} | {value} | {figure['unit']} |")
        lines.append("")
    return "\n".join(lines).strip()


def with_tables(text: str, document: dict[str, Any]) -> str:
    """The page with current tables between its markers."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        sys.exit(f"error: {PAGE.relative_to(ROOT)} lacks the markers {BEGIN} and {END}")
    return f"{head}{BEGIN}\n\n{tables(document)}\n\n{END}{tail}"


def main() -> int:
    """Command line: writes or checks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("collected", type=Path, nargs="?")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    kept = read(KEPT) if KEPT.is_file() else {"benchmarks": []}
    if arguments.collected is not None:
        kept = merged(kept, read(arguments.collected))
    page = PAGE.read_text(encoding="utf-8")
    wanted = with_tables(page, kept)
    if arguments.check:
        if wanted != page:
            sys.exit("error: docs/performance.md is stale: run python benchmarks/tables.py")
        return 0
    KEPT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    PAGE.write_text(wanted, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
