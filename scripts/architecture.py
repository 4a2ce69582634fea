"""Writes the package tables of docs/architecture.md and the drawing docs/packages.svg.

Both follow from scripts/packages.toml, the packages' docstrings and the imports in the sources. ``--check``
writes nothing: it fails with one line if one of them is stale, or if docs/architecture.md names a module,
folder or class that does not exist.

python scripts/architecture.py [--check]
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from xml.sax.saxutils import escape

ROOT: Final = Path(__file__).resolve().parents[1]
PACKAGE: Final = ROOT / "src" / "dance_now"
PAGE: Final = ROOT / "docs" / "architecture.md"
DRAWING: Final = ROOT / "docs" / "packages.svg"
BEGIN: Final = "<!-- packages: written by scripts/architecture.py -->"
END: Final = "<!-- end of packages -->"

_CODE: Final = re.compile(r"`([^`\n]+)`")
_PATH: Final = re.compile(r"[\w./-]+(?:\.py|/)")
_CLASS: Final = re.compile(r"([A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*)(?:\.\w+)*")

# Pixels of the drawing: boxes on a diagonal, so that every arrow goes right and then down.
_WIDTH, _HEIGHT = 124, 60
_STEP_X, _STEP_Y = 136, 76
_MARGIN: Final = 16
_CORNER: Final = 6
_HEAD: Final = 9
# Least number of importing modules, and the width of the arrow.
_STROKES: Final = ((12, 4.2, "12 modules or more"), (4, 2.5, "4 to 11 modules"), (1, 1.3, "1 to 3 modules"))


@dataclass(frozen=True)
class Layout:
    """The packages and how they depend on each other.

    Attributes:
        allowed: for each package, in the order of packages.toml, those it may import.
        libraries: outside libraries that only some packages may import.
        present: number of modules of the first package that import the second.
    """

    allowed: dict[str, list[str]]
    libraries: dict[str, list[str]]
    present: Counter[tuple[str, str]]

    @classmethod
    def read(cls) -> Layout:
        """Reads the rules and all sources."""
        rules = tomllib.loads((ROOT / "scripts" / "packages.toml").read_text(encoding="utf-8"))
        present: Counter[tuple[str, str]] = Counter()
        for package in rules["imports"]:
            for path in sorted((PACKAGE / package).rglob("*.py")):
                present.update((package, target) for target in imported_packages(path) - {package})
        return cls(rules["imports"], rules["libraries"], present)

    def arrows(self) -> list[tuple[str, str, int]]:
        """Imports that are allowed and present: importer, imported, number of importing modules."""
        return [
            (package, target, self.present[package, target])
            for package, targets in self.allowed.items()
            for target in targets
            if self.present[package, target]
        ]


def imported_packages(path: Path) -> set[str]:
    """Packages below dance_now that a file imports, at its top or inside its functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("dance_now.")}


def summary(package: Path) -> str:
    """First paragraph of a package's docstring, as Markdown."""
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split()).replace("``", "`")


def tables(layout: Layout) -> str:
    """Two Markdown tables: packages with what they may import, and their sub-packages."""
    lines = ["| package | contents | may import | outside libraries |", "|---|---|---|---|"]
    for package, targets in layout.allowed.items():
        libraries = [name for name, owners in layout.libraries.items() if package in owners]
        imports = ", ".join(targets) or "nothing"
        cells = (f"`{package}/`", summary(PACKAGE / package), imports, ", ".join(libraries))
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| sub-package | contents |", "|---|---|"]
    for package in layout.allowed:
        for folder in sorted(path.parent for path in (PACKAGE / package).glob("*/__init__.py")):
            lines.append(f"| `{package}/{folder.name}/` | {summary(folder)} |")
    return "\n".join(lines)


def with_tables(text: str, layout: Layout) -> str:
    """The page with current tables between its markers."""
    head, begin, rest = text.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        sys.exit(f"{PAGE.relative_to(ROOT)} lacks the markers {BEGIN} and {END}")
    return f"{head}{BEGIN}\n\n{tables(layout)}\n\n{END}{tail}"


def drawing(layout: Layout) -> str:
    """An SVG: packages on a diagonal, importers first, and an arrow for each import."""
    order = list(reversed(layout.allowed))
    arrows = layout.arrows()
    width = 2 * _MARGIN + (len(order) - 1) * _STEP_X + _WIDTH
    height = 2 * _MARGIN + (len(order) - 1) * _STEP_Y + _HEIGHT
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="DejaVu Sans, Verdana, Helvetica, sans-serif">',
        "<title>Packages of dance_now and their imports</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for package, target, count in arrows:
        out = [each for each in reversed(order) if (package, each) in {arrow[:2] for arrow in arrows}]
        into = [each for each in reversed(order) if (each, target) in {arrow[:2] for arrow in arrows}]
        row, column = order.index(package), order.index(target)
        start = _MARGIN + row * _STEP_X + _WIDTH
        y = _MARGIN + row * _STEP_Y + _HEIGHT * (out.index(target) + 1) / (len(out) + 1)
        x = _MARGIN + column * _STEP_X + _WIDTH * (into.index(package) + 1) / (len(into) + 1)
        end = _MARGIN + column * _STEP_Y
        parts.append(_arrow(start, y, x, end, _stroke(count), _color(row), f"{package} imports {target}"))
    for index, package in enumerate(order):
        left, top = _MARGIN + index * _STEP_X, _MARGIN + index * _STEP_Y
        parts.append(
            f'<rect x="{left}" y="{top}" width="{_WIDTH}" height="{_HEIGHT}" rx="8" '
            f'fill="{_color(index, 92)}" stroke="{_color(index)}" stroke-width="2"/>'
            f'<text x="{left + _WIDTH / 2}" y="{top + _HEIGHT / 2 + 7}" font-size="20" '
            f'text-anchor="middle">{escape(package)}</text>'
        )
    parts += [_legend(_MARGIN, height - _MARGIN - 170), "</svg>"]
    return "\n".join(parts) + "\n"


def _arrow(start: float, y: float, x: float, end: float, stroke: float, color: str, title: str) -> str:
    """From (start, y) right to x, then down to (x, end); a white edge sets it off from what it crosses."""
    path = f"M{start:.1f} {y:.1f}H{x - _CORNER:.1f}Q{x:.1f} {y:.1f} {x:.1f} {y + _CORNER:.1f}V{end - _HEAD}"
    half = 3 + stroke / 2
    head = f"M{x - half:.1f} {end - _HEAD}L{x + half:.1f} {end - _HEAD}L{x:.1f} {end}Z"
    return (
        f'<g fill="none"><title>{escape(title)}</title>'
        f'<path d="{path}" stroke="white" stroke-width="{stroke + 2.4:.1f}"/>'
        f'<path d="{path}" stroke="{color}" stroke-width="{stroke}"/><path d="{head}" fill="{color}"/></g>'
    )


def _legend(left: float, top: float) -> str:
    lines = [
        f'<text x="{left}" y="{top}" font-size="22">Arrows: what a package imports.</text>',
        f'<text x="{left}" y="{top + 30}" font-size="18">Thickness: number of importing modules.</text>',
    ]
    for row, (_, stroke, caption) in enumerate(_STROKES):
        y = top + 64 + 32 * row
        lines.append(
            f'<path d="M{left} {y}h70" stroke="#444" stroke-width="{stroke}"/>'
            f'<text x="{left + 86}" y="{y + 6}" font-size="18">{escape(caption)}</text>'
        )
    return "\n".join(lines)


def _stroke(count: int) -> float:
    return next(stroke for least, stroke, _ in _STROKES if count >= least)


def _color(index: int, lightness: int = 40) -> str:
    """Hues a golden angle apart: neighbours differ."""
    return f"hsl({round(210 + 137.5 * index) % 360},60%,{lightness}%)"


def unknown_names(text: str) -> list[str]:
    """Modules, folders and classes that the page's own text names but that do not exist."""
    classes: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        classes |= {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    unknown = []
    head, _, rest = text.partition(BEGIN)
    for name in _CODE.findall(head + rest.partition(END)[2]):
        if _PATH.fullmatch(name):
            known = (PACKAGE / name).exists() or (ROOT / name).exists()
        else:
            match = _CLASS.fullmatch(name)
            known = match is None or match[1] in classes
        if not known:
            unknown.append(name)
    return unknown


def problem(page: str, drawn: str, layout: Layout) -> str | None:
    """The first fault of the page or the drawing, in one line; None if both are current."""
    if with_tables(page, layout) != page:
        return "docs/architecture.md has stale tables: run python scripts/architecture.py"
    if drawing(layout) != drawn:
        return "docs/packages.svg is stale: run python scripts/architecture.py"
    if unknown := unknown_names(page):
        return f"docs/architecture.md names what does not exist: {', '.join(unknown)}"
    return None


def main() -> None:
    """Writes the tables and the drawing, or checks them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if something is stale")
    check = parser.parse_args().check
    layout, page = Layout.read(), PAGE.read_text(encoding="utf-8")
    if check:
        drawn = DRAWING.read_text(encoding="utf-8") if DRAWING.is_file() else ""
        sys.exit(problem(page, drawn, layout))
    PAGE.write_text(with_tables(page, layout), encoding="utf-8")
    DRAWING.write_text(drawing(layout), encoding="utf-8")
    if unknown := unknown_names(page):
        sys.exit(f"docs/architecture.md names what does not exist: {', '.join(unknown)}")


if __name__ == "__main__":
    main()
