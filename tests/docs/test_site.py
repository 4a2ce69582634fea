"""The documentation site builds without a warning, and fails on what would mislead a reader."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import dance_now

ROOT = Path(__file__).parents[2]


def build(source, target):
    """Sphinx as ``make docs`` calls it."""
    pytest.importorskip("furo")
    words = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "-E"]
    return subprocess.run([*words, str(source), str(target)], capture_output=True, text=True, check=False)


@pytest.fixture
def copied(tmp_path):
    """The pages in a folder of their own, beside what they include."""
    for name in ("docs", "benchmarks"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("_build", "*.py[co]"))
    for path in ROOT.glob("*.md"):
        shutil.copy(path, tmp_path)
    (tmp_path / "src").symlink_to(ROOT / "src")
    return tmp_path


@pytest.mark.slow
def test_the_site_builds(tmp_path):
    done = build(ROOT / "docs", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Dancer" in (tmp_path / "python.html").read_text(encoding="utf-8")
    assert "--character" in (tmp_path / "commands.html").read_text(encoding="utf-8")
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    for page in (ROOT / "docs").glob("*.md"):
        assert (tmp_path / f"{page.stem}.html").is_file()
        assert page.stem == "index" or f'href="{page.stem}.html"' in index, f"{page.name} is in no list"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# New\n\n[there](nowhere.md)\n", "nowhere.md"),
        ("# New\n\n[there](faq.md#nowhere)\n", "nowhere"),
        ("# New\n\n![a picture](nowhere.png)\n", "nowhere.png"),
        ("# New\n\n```{eval-rst}\n.. autoclass:: dance_now.Nowhere\n```\n", "Nowhere"),
    ],
)
def test_a_broken_page_fails(copied, text, message):
    (copied / "docs" / "new.md").write_text(text)
    done = build(copied / "docs", copied / "site")
    assert done.returncode == 1
    assert message in done.stderr


def test_a_public_name_without_docstring_is_a_warning(monkeypatch, caplog):
    pytest.importorskip("sphinx")
    spec = importlib.util.spec_from_file_location("docs_configuration", ROOT / "docs" / "conf.py")
    configuration = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "path", list(sys.path))
    spec.loader.exec_module(configuration)
    warned = []

    class Log:
        def warning(self, text, *values):
            warned.append(text % values)

    monkeypatch.setattr(configuration.logging, "getLogger", lambda name: Log())
    configuration.check_docstrings(None)
    assert warned == []
    monkeypatch.setattr(dance_now.Dancer.reset, "__doc__", None)
    monkeypatch.setattr(dance_now.Pose.empty.__func__, "__doc__", None)
    configuration.check_docstrings(None)
    assert sorted(warned) == [
        "dance_now.Dancer.reset has no docstring",
        "dance_now.Pose.empty has no docstring",
    ]
