"""``make`` says in one line what it lacks: a Python, the right one, or a network."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.skipif(
    shutil.which("make") is None or sys.platform == "win32", reason="needs make and a POSIX shell"
)


@pytest.fixture
def make(tmp_path):
    """Runs make in a folder with the Makefile and its scripts alone; returns its own lines on stderr."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    (tmp_path / "pyproject.toml").touch()
    kernel = Path("src") / "dance_now" / "character" / "kernel"
    (tmp_path / kernel).mkdir(parents=True)
    for path in (tmp_path / kernel / "kernel_source.py", tmp_path / "hatch_build.py"):
        path.touch()

    def run(*words, **environment):
        words = ["make", "-C", str(tmp_path), *map(str, words)]
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "PIP_RETRIES": "0", **environment}
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode
        return [line for line in done.stderr.splitlines() if not line.startswith("make: ")]

    return run


def test_no_python(make):
    (line,) = make("demo", "PYTHON=python0")
    assert line.startswith("error: there is no python0: install Python 3.11 to 3.13")


def test_an_old_python(make, tmp_path):
    old = tmp_path / "python3.9"
    program = "import sys; sys.version_info, sys.version = (3, 9, 2), '3.9.2 (main)'; exec(sys.argv[1])"
    old.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{program}" "$2"\n')
    old.chmod(0o755)
    (line,) = make("demo", f"PYTHON={old}")
    assert line == "error: dance-now needs Python 3.11 to 3.13, not 3.9.2; run make PYTHON=python3.11"


@pytest.mark.slow
def test_no_network(make):
    unreachable = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_CONFIG_FILE": "/dev/null"}
    (line,) = make("demo", f"PYTHON={sys.executable}", **unreachable)
    assert line.startswith("error: pip finds no pip>=25.1: its package index is out of reach")


def test_other_errors_of_pip_are_shown_whole():
    spec = importlib.util.spec_from_file_location("install_script", ROOT / "scripts" / "install.py")
    install = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(install)
    assert install.message("ERROR: No space left\nmore\n") == "ERROR: No space left\nmore\n"
    lines = install.message("WARNING: Retrying ... NameResolutionError(...)\nERROR: none\n")
    assert lines.startswith("error: pip cannot reach its package index. ")
    assert lines.count("\n") == 1
