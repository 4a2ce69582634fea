"""The notebooks of the documentation run from top to bottom."""

import json
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))
MOST_SECONDS = 1800  # for one cell


def test_there_are_two():
    assert [path.stem for path in NOTEBOOKS] == ["first_dance", "train_mascot"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_results(path):
    """Results are large, change with every run, and may show paths."""
    for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run(path, tmp_path, monkeypatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    sources = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, sources)))
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=MOST_SECONDS, resources={"metadata": {"path": tmp_path}}
    )
    client.execute()
    kinds = {
        kind for cell in notebook.cells for each in cell.get("outputs", ()) for kind in each.get("data", ())
    }
    assert kinds & {"image/png", "image/jpeg"}
