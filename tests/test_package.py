"""The house rules: who may import whom, and what importing the package loads."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import dance_now

ROOT = Path(dance_now.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

HEAVY = {"torch", "numba", "scipy", "PIL", "onnx", "onnxscript", "onnxruntime", "mediapipe"}
FOUNDATIONS = {"errors", "arrays", "assets", "wheels", "stopwatch", "pipeline", "__init__"}
MAY_IMPORT = {
    "errors": set(),
    "arrays": set(),
    "stopwatch": set(),
    "assets": {"wheels"},
    "wheels": set(),
    "pipeline": set(),
    "__init__": {"character", "dancer", "dancing", "pose"},
    "media": {"media"},
    "pose": {"pose"},
    "character": {"character", "pose"},
    "scene": {"scene", "media", "pose"},
    "sources": {"pose", "media"},
    "survey": {"pose", "media", "scene"},
    "performance": {"survey", "pose", "character", "media"},
    "staging": {"pose", "scene", "media"},
    "dancer": {"performance", "staging", "pose", "character", "scene", "media"},
    "dancing": {"dancer", "performance", "staging", "survey", "sources"}
    | {"pose", "character", "scene", "media"},
    "pose_files": {"pose", "media"},
    "studio": {"studio", "pose", "media"},
    "training": {"training", "pose", "studio", "character", "media", "scene"},
}
ONLY_IN = {
    "torch": {"training"},
    "onnx": {"training"},
    "onnxscript": {"training"},
    "numba": {"studio"},
    "PIL": {"studio", "training"},
    "scipy": {"studio", "training"},
    "onnxruntime": {"character", "pose", "training"},
    "tyro": {"cli"},
    "rich": {"cli"},
    "av": {"media"},
}


def part_of(path: Path) -> str:
    """The first name below the package: ``pose``, ``dancer``, ..."""
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
def test_modules_import_what_their_part_may(path):
    part = part_of(path)
    for name in imported(path):
        first, _, rest = name.partition(".")
        if first == "dance_now":
            target = rest.partition(".")[0]
            assert target != "cli" or part in ("cli", "__main__"), "nothing imports cli"
            if part in MAY_IMPORT:
                assert target in MAY_IMPORT[part] | FOUNDATIONS, f"{part} may not import {target}"
        elif first in ONLY_IN:
            assert part in ONLY_IN[first], f"{part} may not import {first}"


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


@pytest.mark.parametrize(
    "statement",
    [
        "import dance_now",
        "import dance_now.cli",
        "import dance_now.dancing, dance_now.pose_files",
        "from dance_now import Character, Dancer, Pose, dance",
        "import dance_now.cli.dance, dance_now.cli.train, dance_now.cli.render, dance_now.cli.evaluate",
    ],
)
def test_the_base_install_loads_nothing_heavy(statement):
    program = f"import json, sys; {statement}; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in json.loads(done.stdout)}
    assert not loaded & HEAVY


def test_importing_the_package_alone_loads_no_numpy():
    program = "import dance_now, sys; sys.exit('numpy' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True)


def test_the_public_face_is_what_it_says():
    assert {"Character", "Dancer", "Pose", "dance"} <= set(dance_now.__all__)
    assert all(getattr(dance_now, name) is not None for name in dance_now.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        dance_now.nonsense  # noqa: B018
