"""docs/architecture.md and its drawing: current, and true to the names in the sources."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPTS = Path(__file__).parents[1] / "scripts"


@pytest.fixture(scope="module")
def architecture() -> ModuleType:
    sys.path.insert(0, str(SCRIPTS))
    try:
        import architecture

        return architecture
    finally:
        sys.path.remove(str(SCRIPTS))


def test_tables_drawing_and_names_are_current(architecture):
    layout = architecture.Layout.read()
    page, drawn = architecture.PAGE.read_text("utf-8"), architecture.DRAWING.read_text("utf-8")
    assert architecture.problem(page, drawn, layout) is None
    assert len(drawn) < 500_000


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("| `pose/` |", "| `poses/` |", "stale tables"),
        ("`app/dancer.py`", "`app/danser.py`", "does not exist: app/danser.py"),
        ("`training/sticks/`", "`training/twigs/`", "does not exist: training/twigs/"),
        ("`RecordedSession`", "`TapedSession`", "does not exist: TapedSession"),
    ],
)
def test_stale_pages_are_found(architecture, before, after, expected):
    layout, page = architecture.Layout.read(), architecture.PAGE.read_text("utf-8")
    assert before in page
    changed = after.join(page.rsplit(before, 1))  # only the page's own text has the last one
    found = architecture.problem(changed, architecture.drawing(layout), layout)
    assert found is not None
    assert expected in found
    assert "\n" not in found


def test_a_stale_drawing_is_found(architecture):
    layout, page = architecture.Layout.read(), architecture.PAGE.read_text("utf-8")
    assert "packages.svg is stale" in architecture.problem(page, "<svg/>", layout)


def test_arrows_are_imports_that_are_allowed_and_present(architecture):
    layout = architecture.Layout.read()
    arrows = layout.arrows()
    assert ("app", "pose", layout.present["app", "pose"]) in arrows
    assert all(count > 0 and target in layout.allowed[package] for package, target, count in arrows)
    assert architecture.drawing(layout).count("imports") >= len(arrows)
