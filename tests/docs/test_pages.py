"""Pages: links lead somewhere, pictures are small and used, versions agree, quoted messages exist."""

import re
import subprocess
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest

import dance_now

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path
    for folder in (ROOT, ROOT / "docs", ROOT / "benchmarks", ROOT / ".github")
    for path in folder.glob("*.md")
)
PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".gif", ".svg"}
MOST_BYTES = 500_000
# Animations may be larger, and these are not yet drawn anew.
LARGER = {
    "docs/dance.webp": 3_000_000,
}

_FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1`*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", re.DOTALL)
_LINK = re.compile(r"!?\[(?:[^\]\[]|\[[^\]]*\])*\]\(\s*<?([^)\s>]+)>?(?:\s+\"[^\"]*\")?\s*\)")
_ROLE = re.compile(r"\{(?:download|doc)\}`[^<`]*<([^>`]+)>`")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)


def without_code(text):
    """The page's own text: no fenced, indented or quoted code."""
    text = _FENCE.sub("", text)
    text = "\n".join("" if line.startswith("    ") else line for line in text.split("\n"))
    return _CODE.sub("code", text)


def links(text):
    """All targets of links and pictures."""
    return _LINK.findall(without_code(text)) + _ROLE.findall(_FENCE.sub("", text))


def anchors(path):
    """The anchors of a page's headings, as GitHub and the site name them."""
    found, text = [], _FENCE.sub("", path.read_text(encoding="utf-8"))
    for heading in _HEADING.findall(text):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        found.append(f"{slug}-{found.count(slug)}" if slug in found else slug)
    return found


def tracked():
    """All files of the repository; in a source distribution, which has no git, those that lie there."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if done.returncode == 0:
        names = done.stdout.decode().split("\0")
        return [ROOT / name for name in names if name and (ROOT / name).is_file()]
    return [path for path in ROOT.rglob("*") if path.is_file() and "_build" not in path.parts]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(path):
    for link in links(path.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            assert re.match(r"https?://[\w.-]+\.\w+(/|$)|mailto:", link), link
            continue
        name, _, anchor = unquote(link).partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.is_relative_to(ROOT), f"{link} leads out of the repository"
        assert target.exists(), f"there is no {link}"
        if anchor and target.suffix == ".md":
            included = re.findall(r"\{include\} (\S+)", target.read_text(encoding="utf-8"))
            pages = [target, *((target.parent / each).resolve() for each in included)]
            assert anchor in [each for page in pages for each in anchors(page)], f"there is no {link}"


def test_links_are_found():
    text = (
        "[a](b.md#c) ![d [e]](f.png)\n\n    [no](no)\n\n`[no](no)`\n\n```\n[no](no)\n```\n{download}`g <h>`"
    )
    assert links(text) == ["b.md#c", "f.png", "h"]


def test_pictures_are_small():
    sizes = {
        path.relative_to(ROOT).as_posix(): path.stat().st_size
        for path in tracked()
        if path.suffix.lower() in PICTURES and path.relative_to(ROOT).parts[0] != "tests"
    }
    assert not {name: size for name, size in sizes.items() if size > LARGER.get(name, MOST_BYTES)}


def test_every_picture_of_the_pages_is_used():
    used = {
        (path.parent / unquote(link)).resolve()
        for path in PAGES
        for link in links(path.read_text(encoding="utf-8"))
    }
    text = "".join(path.read_text(encoding="utf-8") for path in PAGES)
    there = [path for path in tracked() if path.suffix in PICTURES and ROOT / "docs" in path.parents]
    unused = [path.name for path in there if path not in used and path.name not in text]
    assert not unused


def test_versions_agree():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == dance_now.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(r"^## (\d\S*) - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE)[1] == dance_now.__version__
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {dance_now.__version__}\n" in citation


def test_quoted_messages_exist():
    """Headings of the FAQ that are messages are parts of messages in the sources."""
    page = (ROOT / "docs" / "faq.md").read_text(encoding="utf-8")
    messages = re.findall(r"^### `(?:error: )?(.+)`$", page, re.MULTILINE)
    assert len(messages) > 10
    sources = "".join(
        path.read_text(encoding="utf-8") for path in [*(ROOT / "src").rglob("*.py"), ROOT / "hatch_build.py"]
    )
    sources = re.sub(r'"\s*\n\s*f?"', "", sources)  # texts that go over several lines
    assert not [message for message in messages if message not in sources]
