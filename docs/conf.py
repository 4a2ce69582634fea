"""Sphinx configuration of the documentation: ``make docs``."""

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

import dance_now.cli  # noqa: E402
from dance_now.core.errors import DanceNowError  # noqa: E402
from dance_now.live.player_site import write_player_site  # noqa: E402

project = "dance_now"
author = "The dance_now authors"
copyright = "The dance_now authors, Apache-2.0"
version = release = dance_now.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["_build", "notebooks"]

html_theme = "furo"
html_title = f"dance_now {version}"
html_static_path: list[str] = []
html_show_sourcelink = False
templates_path: list[str] = []

myst_heading_anchors = 4  # the anchors that pages link to on the repository's own site
myst_enable_extensions = ["colon_fence"]

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # a dataclass's attributes are described once
copybutton_prompt_text = ">>> "

OTHERS = "% other pages"  # a line of index.md, replaced by the pages that its lists do not name

HELP = "% help of the commands"  # a line of commands.md


def list_pages(app: Sphinx, name: str, source: list[str]) -> None:
    """Completes the lists of index.md, so that a new page is never lost and one that is missing is no error.

    ``live*`` becomes all pages whose name begins so, which may be none; OTHERS those that no list names.
    """
    if name != "index":
        return
    others, lines = set(app.project.docnames) - {"index"}, []
    for line in source[0].splitlines():
        pages = [line]
        if re.fullmatch(r"[\w-]+\*", line):
            pages = sorted(page for page in app.project.docnames if page.startswith(line[:-1]))
        others -= set(pages)
        lines += pages
    source[0] = "\n".join(lines).replace(OTHERS, "\n".join(sorted(others)))


def add_help(app: Sphinx, name: str, source: list[str]) -> None:
    """Puts what each command prints with --help into commands.md, in place of its mark."""
    if name != "commands":
        return
    wide = {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONPATH": str(ROOT / "src")}
    parts = []
    for command in dance_now.cli._COMMANDS:
        words = [sys.executable, "-m", "dance_now", command, "--help"]
        done = subprocess.run(words, env=os.environ | wide, capture_output=True, encoding="utf-8", check=True)
        parts.append(f"## {command}\n\n```text\n{done.stdout.strip()}\n```")
    source[0] = source[0].replace(HELP, "\n\n".join(parts))


def add_player(app: Sphinx, error: Exception | None) -> None:
    """Puts the player page with the built-in characters beside the pages, where it is built."""
    if error is not None or app.builder.format != "html":
        return
    try:
        write_player_site(Path(app.outdir) / "player")
    except DanceNowError as missing:
        logging.getLogger(__name__).info("%s", missing)


def check_docstrings(app: Sphinx) -> None:
    """Warns of public names, and of their public methods, without a docstring: an error of ``make docs``."""
    for name in dance_now.__all__:
        public = getattr(dance_now, name)
        if isinstance(public, str):
            continue
        members = vars(public).items() if inspect.isclass(public) else ()
        methods = {
            f"{name}.{each}": member.__func__ if isinstance(member, classmethod | staticmethod) else member
            for each, member in members
            if not each.startswith("_") and (callable(member) or isinstance(member, property | classmethod))
        }
        for title, thing in {name: public, **methods}.items():
            if not inspect.getdoc(thing):
                logging.getLogger(__name__).warning("dance_now.%s has no docstring", title)


def setup(app: Sphinx) -> None:
    """Registers the functions above."""
    app.connect("source-read", list_pages)
    app.connect("source-read", add_help)
    app.connect("builder-inited", check_docstrings)
    app.connect("build-finished", add_player)
