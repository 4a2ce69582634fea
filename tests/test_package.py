"""Package layout: who may import whom (scripts/packages.toml), and what importing the package loads."""

import ast
import json
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest

import dance_now

ROOT = Path(dance_now.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))
FOLDERS = sorted({path.parent for path in MODULES})
RULES = tomllib.loads((Path(__file__).parents[1] / "scripts" / "packages.toml").read_text())

HEAVY = {"torch", "numba", "scipy", "onnx", "onnxscript", "onnxruntime", "mediapipe"}
MOST_MODULES = 16  # in one folder; more want a room of their own


def package_of(path: Path) -> str:
    """The first name below the root: ``pose``, ``app``, ...; ``__init__`` for the root's own modules."""
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Full names of all modules that a file imports, at its top or inside its functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_import_what_their_package_may(path):
    package = package_of(path)
    for name in imported(path):
        first, _, rest = name.partition(".")
        if first == "dance_now":
            target = rest.partition(".")[0]
            if package in RULES["imports"] and target not in ("__version__", package):
                assert target in RULES["imports"][package], f"{package} may not import {target}"
        elif first in RULES["libraries"]:
            assert package in RULES["libraries"][first], f"{package} may not import {first}"


def test_onnxruntime_is_loaded_where_it_is_optional():
    """Characters and poses do without it, but for these two modules."""
    users = {
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        if any(name.partition(".")[0] == "onnxruntime" for name in imported(path))
    }
    users = {name for name in users if not name.startswith("training/")}
    assert users == {"character/templates/sticks_graph.py", "pose/estimators/rtmw.py"}


def test_whatever_is_imported_exists():
    """Imports within functions too; mypy takes a module that it does not find for somebody else's."""
    missing = []
    for folder in ("src", "tests", "benchmarks", "scripts", "tools"):
        for path in sorted((ROOT.parents[1] / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "dance_now":
                    parts = Path(*str(node.module).split("."))
                    place = ROOT.parent / parts
                    if not place.with_suffix(".py").is_file() and not (place / "__init__.py").is_file():
                        missing.append(f"{path}: {node.module}")
    assert not missing


def test_imports_point_one_way():
    below: set[str] = set()
    for package, allowed in RULES["imports"].items():
        assert set(allowed) <= below, f"{package} imports what stands above it"
        below.add(package)
    assert below == {path.name for path in FOLDERS if path.parent == ROOT}


def module_name(path: Path) -> str:
    """``dance_now.media.sink`` for its file."""
    return ".".join(("dance_now", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__")


def test_no_module_imports_itself_in_a_circle():
    names = {module_name(path): path for path in MODULES if path != ROOT / "__init__.py"}
    graph = {
        name: {
            known for full in imported(path) for known in (full, full.rpartition(".")[0]) if known in names
        }
        for name, path in names.items()
    }
    for name in graph:
        reached: set[str] = set()
        waiting = list(graph[name])
        while waiting:
            following = waiting.pop()
            if following not in reached:
                reached.add(following)
                waiting += graph[following]
        assert name not in reached, f"{name} imports itself by way of {sorted(reached)}"


def test_nothing_lies_at_the_root():
    assert {path.name for path in ROOT.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_no_module_name_occurs_twice():
    """Commands aside: they are called as users call them."""
    counts = Counter(
        path.stem for path in MODULES if "cli" not in path.parts and not path.stem.startswith("__")
    )
    assert not {name for name, count in counts.items() if count > 1}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda path: str(path.relative_to(ROOT)))
def test_packages_are_small_and_say_what_lives_in_them(folder):
    modules = [path for path in folder.glob("*.py") if path.stem != "__init__"]
    assert len(modules) <= MOST_MODULES
    assert ast.get_docstring(ast.parse((folder / "__init__.py").read_text()))


@pytest.mark.parametrize(
    "statement",
    [
        "import dance_now",
        "import dance_now.cli",
        "import dance_now.app.dance, dance_now.app.pose_export",
        "from dance_now import Character, Dancer, Pose, dance",
        "import dance_now.cli.dance, dance_now.cli.train, dance_now.cli.render, dance_now.cli.evaluate",
    ],
)
def test_the_base_install_loads_nothing_heavy(statement):
    program = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & HEAVY


def test_the_base_install_does_without_onnxruntime():
    program = """
import pkgutil, sys
from importlib import import_module
sys.modules["onnxruntime"] = None  # importing it fails
import dance_now, dance_now.cli, dance_now.pose.estimators
from dance_now.pose.estimators.estimator_registry import ESTIMATORS
from dance_now.pose.networks.lifter import open_lifter
for name in dance_now.__all__:
    getattr(dance_now, name)
for package in (dance_now.cli, dance_now.pose.estimators):
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        import_module(module.name)
for name in ESTIMATORS:
    assert import_module(f"dance_now.pose.estimators.{name}").build
open_lifter()
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_importing_the_package_alone_loads_no_numpy():
    program = "import dance_now, sys; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_public_face_is_what_it_says():
    assert {"Character", "Dancer", "Pose", "dance"} <= set(dance_now.__all__)
    assert all(getattr(dance_now, name) is not None for name in dance_now.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        dance_now.nonsense  # noqa: B018
