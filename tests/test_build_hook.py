"""The build hook's choices: which compiler, for which machine, under which name."""

import importlib.util
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path
from types import ModuleType

import pytest

from dance_now.character.kernel.kernel_source import FLAGS, source_hash

ROOT = Path(__file__).parents[1]


@pytest.fixture
def hook() -> ModuleType:
    """hatch_build.py, as hatchling loads it."""
    pytest.importorskip("hatchling")
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def place(monkeypatch: pytest.MonkeyPatch, hook: ModuleType, system: str, machine: str, name: str) -> None:
    """Pretends to run elsewhere."""
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(hook.platform, "machine", lambda: machine)
    monkeypatch.setattr(sysconfig, "get_platform", lambda: name)
    monkeypatch.setattr(sysconfig, "get_config_var", lambda variable: "")


def make_hook(hook: ModuleType) -> object:
    """The hook of this tree, without a builder around it."""
    return hook.KernelHook(str(ROOT), {}, None, None, "", "wheel")


@pytest.mark.parametrize(
    ("system", "machine", "name", "tag", "suffix"),
    [
        ("linux", "x86_64", "linux-x86_64", "linux_x86_64", ".so"),
        ("linux", "riscv64", "linux-riscv64", "linux_riscv64", ".so"),
        ("darwin", "arm64", "macosx-10.9-universal2", "macosx_11_0_arm64", ".dylib"),
        ("darwin", "x86_64", "macosx-10.9-universal2", "macosx_10_13_x86_64", ".dylib"),
        ("freebsd14", "amd64", "freebsd-14.1-RELEASE-amd64", "freebsd_14_1_RELEASE_amd64", ".so"),
    ],
)
def test_the_systems_compiler_makes_a_wheel_of_the_system(
    hook: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    system: str,
    machine: str,
    name: str,
    tag: str,
    suffix: str,
) -> None:
    place(monkeypatch, hook, system, machine, name)
    assert hook.host_tag() == tag
    assert hook.host_suffix() == suffix


def test_flags_are_of_the_least_processor_and_the_oldest_macos(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(monkeypatch, hook, "linux", "x86_64", "linux-x86_64")
    assert "-march=x86-64" in hook.compiler_flags()
    place(monkeypatch, hook, "linux", "aarch64", "linux-aarch64")
    assert not [flag for flag in hook.compiler_flags() if flag.startswith("-march")]
    place(monkeypatch, hook, "darwin", "arm64", "macosx-11.0-arm64")
    assert {"-arch", "arm64", "-mmacosx-version-min=11.0"} <= set(hook.compiler_flags())
    assert "-O3" in FLAGS
    assert not {"-march=native", "-ffast-math", "-Ofast"} & set(FLAGS)
    for target in hook.TARGETS.values():
        assert "-mcpu=baseline" in hook.zig_flags(target)


def test_zig_makes_a_wheel_of_old_systems(hook: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    place(monkeypatch, hook, "linux", "x86_64", "linux-x86_64")
    assert hook.host_target() == hook.TARGETS["x86_64-linux"]
    monkeypatch.setattr(sysconfig, "get_config_var", lambda variable: "x86_64-alpine-linux-musl")
    assert hook.host_target().tag == "linux_x86_64"  # where manylinux is refused
    place(monkeypatch, hook, "linux", "riscv64", "linux-riscv64")
    assert hook.host_target() is None
    for name, target in hook.TARGETS.items():
        assert target.zig.startswith(name)


def test_compilers_are_tried_in_order(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place(monkeypatch, hook, "linux", "x86_64", "linux-x86_64")
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "gcc" else f"/programs/{name}")
    monkeypatch.setenv("CC", "ccache mycc")
    assert hook.candidates() == [["ccache", "mycc"], ["cc"], ["clang"]]
    monkeypatch.setenv("CC", "")
    assert hook.candidates() == [["cc"], ["clang"]]
    monkeypatch.setattr(hook, "works", lambda command, flags: command == ["clang"])
    assert hook.system_compiler([]) == ["clang"]
    monkeypatch.setattr(hook, "works", lambda command, flags: False)
    assert hook.system_compiler([]) is None


def test_macos_without_its_tools_is_not_asked_for_them(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(monkeypatch, hook, "darwin", "arm64", "macosx-11.0-arm64")
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}" if name != "gcc" else "/opt/bin/gcc")
    monkeypatch.setattr(hook, "has_developer_tools", lambda: False)
    assert hook.candidates() == [["gcc"]]
    monkeypatch.setattr(hook, "has_developer_tools", lambda: True)
    assert hook.candidates() == [["cc"], ["gcc"], ["clang"]]


def test_a_compiler_that_makes_nothing_that_loads_does_not_work(hook: ModuleType, tmp_path: Path) -> None:
    assert not hook.works([str(tmp_path / "absent")], [])
    assert not hook.works([sys.executable, "-c", "pass"], [])  # succeeds, and makes nothing
    if shutil.which("cc"):
        assert not hook.works(["cc"], ["-fPIC", "--no-such-flag"])


def test_zig_is_fetched_only_where_nothing_else_compiles(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(monkeypatch, hook, "linux", "x86_64", "linux-x86_64")
    monkeypatch.delenv("DANCE_NOW_TARGET", raising=False)
    monkeypatch.setattr(hook, "system_compiler", lambda flags: ["cc"])
    assert make_hook(hook).dependencies() == []
    monkeypatch.setenv("DANCE_NOW_TARGET", "aarch64-macos")
    assert make_hook(hook).dependencies() == [hook.ZIGLANG]
    monkeypatch.setattr(hook, "system_compiler", lambda flags: None)
    monkeypatch.delenv("DANCE_NOW_TARGET")
    assert make_hook(hook).dependencies() == [hook.ZIGLANG]


def test_without_any_compiler_one_line_says_what_to_do(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DANCE_NOW_TARGET", raising=False)
    monkeypatch.setattr(hook, "system_compiler", lambda flags: None)
    monkeypatch.setattr(hook, "zig_command", lambda: None)
    with pytest.raises(SystemExit, match=r"^error: .*install gcc or clang.*") as raised:
        make_hook(hook).initialize("standard", {"force_include": {}})
    assert "\n" not in str(raised.value)


def test_a_target_is_one_that_exists_and_not_for_an_editable_install(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DANCE_NOW_TARGET", "x86_64-plan9")
    with pytest.raises(SystemExit, match="x86_64-linux"):
        hook.chosen_target()
    monkeypatch.setenv("DANCE_NOW_TARGET", "x86_64-linux")
    with pytest.raises(SystemExit, match="DANCE_NOW_TARGET"):
        make_hook(hook).initialize("editable", {})


def test_a_compilers_complaint_is_shown(
    hook: ModuleType, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('no space left')"]
    with pytest.raises(SystemExit, match=r"no space left\nerror: .* cannot compile"):
        hook.build(ROOT, tmp_path / "library.so", command, [])
    assert not list(tmp_path.iterdir())


def test_the_makefile_and_the_group_name_what_the_hook_does(hook: ModuleType) -> None:
    groups = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    assert hook.ZIGLANG in groups["wheels"]
    targets = re.search(r"^TARGETS := (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert targets is not None
    assert targets[1].split() == list(hook.TARGETS)


@pytest.mark.parametrize("stamp", [".base", ".dev"])
def test_a_changed_source_is_installed_anew(stamp: str, tmp_path: Path) -> None:
    if shutil.which("make") is None:
        pytest.skip("needs make")
    for name in (".created", stamp):
        (tmp_path / name).touch()
    plan = ["make", "--dry-run", f"VENV={tmp_path}", str(tmp_path / stamp)]
    for source in ("", "src/dance_now/character/kernel/kernel.h", "hatch_build.py"):
        words = [*plan, f"--what-if={source}"] if source else plan
        said = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert ("--editable" in said) == bool(source)


def test_the_hash_follows_sources_and_headers(tmp_path: Path) -> None:
    (tmp_path / "kernel.c").write_text("int a;")
    first = source_hash(tmp_path)
    assert re.fullmatch("[0-9a-f]{16}", first)
    (tmp_path / "notes.txt").write_text("not compiled")
    assert source_hash(tmp_path) == first
    (tmp_path / "kernel.h").write_text("int b;")
    second = source_hash(tmp_path)
    (tmp_path / "kernel.c").write_text("int c;")
    assert len({first, second, source_hash(tmp_path)}) == 3


def test_the_player_is_compiled_only_where_zig_is(
    hook: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(hook, "zig_command", lambda: None)
    assert not hook.build_webassembly(ROOT, tmp_path / "kernel.wasm")
    assert not list(tmp_path.iterdir())
    asked = []
    monkeypatch.setattr(hook, "zig_command", lambda: ["zig", "cc"])
    monkeypatch.setattr(hook, "build", lambda *words, kind: asked.append((words, kind)))
    assert hook.build_webassembly(ROOT, tmp_path / "kernel.wasm")
    ((_, _, command, flags), kind) = asked[0]
    assert command == ["zig", "cc"]
    assert kind == ()  # no shared library
    assert "wasm32-freestanding" in flags
    assert any("simd128" in flag for flag in flags)


@pytest.mark.slow
def test_webassembly_needs_nothing_and_is_the_same_each_time(hook: ModuleType, tmp_path: Path) -> None:
    for name in ("a", "b"):
        if not hook.build_webassembly(ROOT, tmp_path / name):
            pytest.skip("needs ziglang")
    module = (tmp_path / "a").read_bytes()
    assert module == (tmp_path / "b").read_bytes()
    assert str(ROOT).encode() not in module
    if shutil.which("node"):
        code = "const m = new WebAssembly.Module(require('fs').readFileSync(process.argv[1]));"
        code += "console.log(WebAssembly.Module.imports(m).length)"
        said = subprocess.run(
            ["node", "-e", code, str(tmp_path / "a")], capture_output=True, text=True, check=True
        )
        assert said.stdout.strip() == "0"
