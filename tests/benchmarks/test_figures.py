"""Figures of benchmarks: recorded, collected, compared, and put into the page."""

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"
NAMES = sorted(path.stem.removeprefix("bench_") for path in BENCHMARKS.glob("bench_*.py"))


@pytest.fixture
def module(monkeypatch):
    """Imports a module of the folder as its scripts do."""
    monkeypatch.syspath_prepend(BENCHMARKS)

    def load(name):
        monkeypatch.delitem(sys.modules, name, raising=False)
        return importlib.import_module(name)

    return load


@pytest.mark.parametrize("name", NAMES)
def test_benchmarks_write_json(name):
    text = (BENCHMARKS / f"bench_{name}.py").read_text(encoding="utf-8")
    assert "run_benchmark(" in text
    assert "record(" in text or "record_table(" in text


def test_a_table_is_recorded_cell_by_cell(module):
    figures = module("figures")
    figures.record_table({"uka": {"psnr": 30.5}, "tempo": {"psnr": 31.0}}, {"psnr": ("dB", "higher")})
    assert [(each["name"], each["value"], each["unit"]) for each in figures._recorded] == [
        ("uka: psnr", 30.5, "dB"),
        ("tempo: psnr", 31.0, "dB"),
    ]


# Recording

SCRIPT = """
import sys
from figures import record, run_benchmark

def main():
    print(sys.argv[1:])
    record("drawing", 11.25, "ms")
    record("score", float("nan"), "dB")
    record("share", 0.5, "ratio", "higher")
    return {code}

if __name__ == "__main__":
    run_benchmark(main)
"""


def script(folder, code=0):
    path = folder / "bench_sample.py"
    path.write_text(f"import sys; sys.path.insert(0, {str(BENCHMARKS)!r})\n" + SCRIPT.format(code=code))
    return path


def called(*words):
    done = subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_figures_are_written(tmp_path):
    target = tmp_path / "a.json"
    assert called(script(tmp_path), "x", "--json", target, "y") == (0, "['x', 'y']\n", "")
    document = json.loads(target.read_text())
    assert document["benchmark"] == "sample"
    assert document["arguments"] == ["x", "y"]
    assert document["figures"] == [
        {"name": "drawing", "value": 11.25, "unit": "ms", "better": "lower"},
        {"name": "score", "value": None, "unit": "dB", "better": "higher"},
        {"name": "share", "value": 0.5, "unit": "ratio", "better": "higher"},
    ]


def test_nothing_is_written_without_the_option_or_after_a_failure(tmp_path):
    assert called(script(tmp_path))[0] == 0
    assert called(script(tmp_path, code=2), "--json", tmp_path / "a.json")[0] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["bench_sample.py"]


@pytest.mark.parametrize("words", [("--json",), ("--json", "nowhere/a.json"), ("--json=",)])
def test_a_target_that_cannot_be_is_refused_before_the_work(tmp_path, words):
    code, out, error = called(script(tmp_path), *words)
    assert (code, out) == (1, "")
    assert error == "error: --json needs a file in a folder that exists\n"


def test_a_name_is_given_once(module):
    figures = module("figures")
    figures.record("drawing", 1, "ms")
    with pytest.raises(ValueError, match="drawing"):
        figures.record("drawing", 2, "ms")


# Collecting


def test_collecting_goes_on_after_a_failure(module, tmp_path, monkeypatch, capsys):
    collect = module("collect")
    for name, text in {
        "good": script(tmp_path).read_text(),
        "bad": "raise SystemExit(3)",
    }.items():
        (tmp_path / f"bench_{name}.py").write_text(text)
    (tmp_path / "bench_sample.py").unlink()
    monkeypatch.setattr(collect, "FOLDER", tmp_path)
    monkeypatch.setattr(sys, "argv", ["collect.py", "--output", str(tmp_path / "out" / "all.json")])
    assert collect.main() == 1
    document = json.loads((tmp_path / "out" / "all.json").read_text())
    bad, good = document["benchmarks"]
    assert bad == {"benchmark": "bad", "failed": 3, "figures": []}
    assert len(good["figures"]) == 3
    assert {"date", "revision", "machine", "versions"} < set(document)
    assert document["versions"]["numpy"]
    assert "bad" in capsys.readouterr().err


def test_an_unknown_benchmark_is_one_line(module, monkeypatch, tmp_path):
    collect = module("collect")
    monkeypatch.setattr(sys, "argv", ["collect.py", "--output", str(tmp_path / "a.json"), "nothing"])
    with pytest.raises(SystemExit, match=r"there is no benchmark nothing; known: .*pose"):
        collect.main()


# Comparing


def document(**values):
    figures = [
        {"name": name, "value": value, "unit": unit, "better": better}
        for name, (value, unit, better) in values.items()
    ]
    return {
        "date": "2026-12-01",
        "machine": {"cores": 2},
        "benchmarks": [{"benchmark": "a", "figures": figures}],
    }


def compared(folder, old, new, *words):
    for name, content in {"old": old, "new": new}.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / f"{name}.json").write_text(text)
    return called(BENCHMARKS / "compare.py", folder / "old.json", folder / "new.json", *words)


def test_changes_are_shown(tmp_path):
    old = document(
        time=(10, "ms", "lower"), rate=(10, "fps", "higher"), same=(1, "s", "lower"), gone=(1, "s", "lower")
    )
    new = document(
        time=(12, "ms", "lower"),
        rate=(12, "fps", "higher"),
        same=(1.01, "s", "lower"),
        born=(1, "s", "lower"),
    )
    new["machine"]["cores"] = 4
    code, out, _ = compared(tmp_path, old, new)
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == "cores: 2 -> 4"
    assert lines[1].split() == ["a", "time", "10", "->", "12", "ms", "+20.0%", "worse"]
    assert lines[2].split() == ["a", "rate", "10", "->", "12", "fps", "+20.0%", "better"]
    assert lines[3:] == ["only in the old: a, gone", "only in the new: a, born"]
    assert "same" in compared(tmp_path, old, new, "--all")[1]
    assert "time" not in compared(tmp_path, old, new, "--tolerance", "30")[1]


@pytest.mark.parametrize(
    ("before", "after", "better", "word"),
    [
        (None, 1, "lower", "other"),
        (None, None, "lower", ""),
        (0, 0, "lower", ""),
        (0, 1, "lower", "worse"),
        (0, 1, "higher", "better"),
        (-2, -1, "neither", "other"),
        (100, 104, "lower", ""),
    ],
)
def test_verdicts(module, before, after, better, word):
    assert module("compare").verdict(before, after, better, 0.05)[1] == word


def test_equal_files_say_so(tmp_path):
    same = document(time=(10, "ms", "lower"))
    assert compared(tmp_path, same, same)[1] == "no figure changed by more than 5 %\n"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"benchmarks": 3}', "\0"])
def test_files_of_another_kind_are_one_line(tmp_path, content):
    code, out, error = compared(tmp_path, content, document())
    assert (code, out) == (1, "")
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert called(BENCHMARKS / "compare.py", tmp_path / "nowhere", tmp_path / "new.json")[0] == 1


# The page


def test_the_page_is_current():
    code, _, error = called(BENCHMARKS / "tables.py", "--check")
    assert code == 0, error


def test_new_figures_replace_those_of_the_same_benchmark(module):
    tables = module("tables")
    around = {"date": "2026-12-01", "revision": "abc", "machine": {}, "versions": {}}
    first = {"benchmark": "a", "arguments": [], "figures": [{"name": "x", "value": 1, "unit": "s"}]}
    second = {"benchmark": "b", "arguments": [], "figures": [{"name": "y", "value": 2, "unit": "s"}]}
    kept = tables.merged({"benchmarks": []}, around | {"benchmarks": [first, second]})
    again = first | {"figures": [{"name": "x", "value": 3, "unit": "s"}]}
    failed = {"benchmark": "b", "failed": 1, "figures": []}
    result = tables.merged(kept, around | {"revision": "def", "benchmarks": [again, failed]})
    assert [each["figures"][0]["value"] for each in result["benchmarks"]] == [3, 2]
    assert [each["circumstances"]["revision"] for each in result["benchmarks"]] == ["def", "abc"]
