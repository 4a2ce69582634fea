"""The build hook: compiles the C kernel into the wheel; for an editable install, beside its sources.

The system's C compiler does it where there is one that works, else the compiler of PyPI's `ziglang`, which is
fetched for the build only then. DANCE_NOW_TARGET names another machine to build a wheel for, always by zig.
Where zig is at hand, the kernel is also compiled to WebAssembly, for the player page (live/web/player).
"""

import importlib.util
import os
import platform
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

KERNEL = "src/dance_now/character/kernel"
LIBRARY = "dance_now_kernel"
PLAYER = "src/dance_now/live/web/player"
WEBASSEMBLY = "kernel.wasm"
VARIABLE = "DANCE_NOW_TARGET"
ZIGLANG = "ziglang==0.17.1"  # one version: another one makes other bytes

TRIAL = """
#include <stdint.h>
typedef float Float4 __attribute__((vector_size(16)));
__attribute__((visibility("default"))) float trial(const Float4 *a) { return __builtin_sqrtf((*a + *a)[0]); }
"""


class Target(NamedTuple):
    """A machine that the kernel is compiled for."""

    zig: str  # zig's name of it
    tag: str  # of wheels
    suffix: str  # of the library's file name


TARGETS = {
    "x86_64-linux": Target("x86_64-linux-gnu.2.17", "manylinux_2_17_x86_64", ".so"),
    "aarch64-linux": Target("aarch64-linux-gnu.2.17", "manylinux_2_17_aarch64", ".so"),
    "x86_64-macos": Target("x86_64-macos.10.13", "macosx_10_13_x86_64", ".dylib"),
    "aarch64-macos": Target("aarch64-macos.11.0", "macosx_11_0_arm64", ".dylib"),
    "x86_64-windows": Target("x86_64-windows-gnu", "win_amd64", ".dll"),
    "aarch64-windows": Target("aarch64-windows-gnu", "win_arm64", ".dll"),
}
MACOS = {
    "x86_64": ("-arch", "x86_64", "-mmacosx-version-min=10.13"),
    "aarch64": ("-arch", "arm64", "-mmacosx-version-min=11.0"),
}  # the tags above, for the system's compiler
INSTALL_NAME = [f"-Wl,-install_name,@rpath/{LIBRARY}.dylib"]  # else the path that it was compiled at
SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}
MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}


def host_machine() -> str:
    """The processor that this Python runs on, or "" for one that is not of TARGETS."""
    # Python of x86 may run on Windows of ARM: the library is loaded into Python, so its build counts.
    name = sysconfig.get_platform().rpartition("-")[2] if os.name == "nt" else platform.machine()
    return MACHINES.get(name.lower(), "") if sys.maxsize > 2**32 else ""


def host_suffix() -> str:
    """How the kernel's file name ends here."""
    return {"win32": ".dll", "darwin": ".dylib"}.get(sys.platform, ".so")


def host_target() -> Target | None:
    """This machine as zig knows it; None where its `ziglang` does not run or is untried."""
    found = TARGETS.get(f"{host_machine()}-{SYSTEMS.get(sys.platform, '')}")
    if found is not None and "musl" in (sysconfig.get_config_var("HOST_GNU_TYPE") or ""):
        # Wheels of manylinux are refused there; one of plain linux is taken.
        found = Target(f"{host_machine()}-linux-musl", f"linux_{host_machine()}", found.suffix)
    return found


def host_tag() -> str:
    """The wheel's platform when the system's compiler made the library: this system and no older one."""
    target = host_target()
    if sys.platform == "darwin" and target is not None:
        return target.tag  # compiler_flags() asks for no newer macOS
    return sysconfig.get_platform().replace("-", "_").replace(".", "_")


def chosen_target() -> Target | None:
    """The machine that DANCE_NOW_TARGET names; None without one."""
    name = os.environ.get(VARIABLE, "")
    if name and name not in TARGETS:
        raise SystemExit(f"error: {VARIABLE} is {name!r}, which is none of {', '.join(TARGETS)}")
    return TARGETS[name] if name else None


def candidates() -> list[list[str]]:
    """The commands that may be a C compiler here, best first."""
    named = os.environ.get("CC", "")
    commands = [shlex.split(named, posix=os.name != "nt")] if named.strip() else []
    if os.name != "nt":  # compilers of Windows depend on runtimes that are not everywhere, or are MSVC
        commands += [["cc"], ["gcc"], ["clang"]]
    found = [command for command in commands if shutil.which(command[0])]
    if sys.platform == "darwin" and not has_developer_tools():
        found = [command for command in found if not str(shutil.which(command[0])).startswith("/usr/bin/")]
    return found


def has_developer_tools() -> bool:
    """Whether macOS has them; without them /usr/bin/cc opens a window that offers them."""
    return subprocess.run(["xcode-select", "-p"], capture_output=True, check=False).returncode == 0


def compiler_flags() -> list[str]:
    """What a compiler of this system needs besides the kernel's own flags."""
    if sys.platform == "darwin":
        # Without -arch a compiler under Rosetta may choose the other processor.
        return ["-fPIC", *INSTALL_NAME, *MACOS.get(host_machine(), ())]
    # The least processor of its kind: a wheel is installed on others, and results are the same on all.
    least = ["-march=x86-64"] if host_machine() == "x86_64" else []
    return ["-fPIC", "-s", *least]


def zig_flags(target: Target) -> list[str]:
    """What zig needs besides the kernel's own flags."""
    # The kernel calls nothing of the C library. Without it zig need not build one first (minutes for
    # Windows), and the library runs with every C library. memcpy and the like are compiler_rt's.
    flags = ["-target", target.zig, "-mcpu=baseline", "-ffreestanding", "-nostdlib", "-lcompiler_rt", "-s"]
    return [
        *flags,
        *{".so": ["-fPIC"], ".dylib": ["-fPIC", *INSTALL_NAME], ".dll": ["-Wl,--no-entry"]}[target.suffix],
    ]


def webassembly_flags() -> list[str]:
    """What zig needs to make a WebAssembly module, instead of a shared library."""
    # Without a C library, as above. SIMD is in every browser since 2023.
    machine = ["-target", "wasm32-freestanding", "-mcpu=generic+simd128+bulk_memory"]
    linked = ["--no-entry", "--export-dynamic", "--export=__heap_base", "-z,stack-size=262144"]
    return [*machine, "-nostdlib", "-s", *(f"-Wl,{each}" for each in linked)]


def zig_command() -> list[str] | None:
    """The compiler of the installed `ziglang`; None without it."""
    spec = importlib.util.find_spec("ziglang")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        program = Path(folder) / ("zig.exe" if os.name == "nt" else "zig")
        if program.is_file():
            return [str(program), "cc"]
    return None


def load_source(folder: Path) -> ModuleType:
    """The kernel's source.py, without the package around it: that needs numpy."""
    spec = importlib.util.spec_from_file_location("dance_now_kernel_source", folder / "kernel_source.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def works(command: list[str], flags: list[str]) -> bool:
    """Whether a compiler makes a library that this Python can load."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "trial.c").write_text(TRIAL)
        library = folder / f"trial{host_suffix()}"
        load = [sys.executable, "-c", "import ctypes, sys; ctypes.CDLL(sys.argv[1])", str(library)]
        make = [*command, *flags, "-shared", "-o", str(library), "trial.c"]
        try:
            return not any(
                subprocess.run(words, cwd=folder, capture_output=True, check=False).returncode
                for words in (make, load)
            )
        except OSError:
            return False


def system_compiler(flags: list[str]) -> list[str] | None:
    """The first C compiler of this system that works."""
    return next((command for command in candidates() if works(command, flags)), None)


def build(
    root: Path, library: Path, compiler: list[str], flags: list[str], *, kind: tuple[str, ...] = ("-shared",)
) -> None:
    """Compiles the kernel with these flags and its own; ``kind`` says what of: a shared library."""
    folder = root / KERNEL
    source = load_source(folder)
    with tempfile.TemporaryDirectory() as name:
        # Not beside the sources: compilers put further files there, and a library in use stays whole.
        made = Path(name) / library.name
        flags = [*source.FLAGS, f'-DDANCE_NOW_KERNEL_HASH="{source.source_hash(folder)}"', *flags]
        files = [path.name for path in source.sources(folder)]  # relative: no path gets into the library
        cache = f"{name}/cache"  # zig's: nothing of a build stays
        environment = {"ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache, **os.environ}
        done = subprocess.run(
            [*compiler, *flags, *kind, "-o", str(made), *files],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise SystemExit(
                f"{done.stderr}error: {shlex.join(compiler)} cannot compile the kernel of dance_now"
            )
        temporary = library.with_name(f"{library.name}.tmp")
        shutil.copyfile(made, temporary)
        temporary.replace(library)


def build_webassembly(root: Path, module: Path) -> bool:
    """Compiles the kernel to WebAssembly; False without zig."""
    command = zig_command()
    if command is None:
        return False
    build(root, module, command, webassembly_flags(), kind=())
    return True


class KernelHook(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles the kernel for each wheel."""

    def dependencies(self) -> list[str]:
        """What pip must fetch for the build: zig, where nothing else compiles."""
        if chosen_target() is None and (self.compiler() is not None or host_target() is None):
            return []
        return [ZIGLANG]

    def compiler(self) -> list[str] | None:
        """The system's compiler."""
        return system_compiler([*load_source(Path(self.root) / KERNEL).FLAGS, *compiler_flags()])

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compiles, and says what the wheel is for and what it holds besides Python."""
        editable = version == "editable"
        target = chosen_target()
        if editable and target is not None:
            raise SystemExit(f"error: an editable install is for this machine: unset {VARIABLE}")
        command = None if target else self.compiler()
        if command is not None:
            flags, suffix, tag = compiler_flags(), host_suffix(), host_tag()
        else:
            target = target or host_target()
            command = zig_command()
            if command is None or target is None:
                raise SystemExit(
                    "error: dance_now needs a C compiler and none works here: install gcc or clang"
                    f" (or `pip install {ZIGLANG}`, for a build without isolation), or name one in CC"
                )
            flags, suffix, tag = zig_flags(target), target.suffix, target.tag
        name = f"{LIBRARY}{suffix}"
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{tag}"
        if editable:
            build(Path(self.root), Path(self.root) / KERNEL / name, command, flags)
            build_webassembly(Path(self.root), Path(self.root) / PLAYER / WEBASSEMBLY)
            return
        # Not by way of the sources' folder, where the library of an editable install may lie.
        self.made = tempfile.TemporaryDirectory()
        build(Path(self.root), Path(self.made.name) / name, command, flags)
        inside = KERNEL.removeprefix("src/")
        build_data["force_include"][f"{self.made.name}/{name}"] = f"{inside}/{name}"
        if build_webassembly(Path(self.root), Path(self.made.name) / WEBASSEMBLY):
            page = f"{PLAYER.removeprefix('src/')}/{WEBASSEMBLY}"
            build_data["force_include"][f"{self.made.name}/{WEBASSEMBLY}"] = page

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes what was compiled for the wheel that has it now."""
        if version != "editable":
            self.made.cleanup()
