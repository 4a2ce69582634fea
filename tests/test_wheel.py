"""What a user gets: the wheel, alone in an empty environment, makes the character dance."""

import importlib.util
import json
import os
import re
import struct
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import dance_now
from dance_now.assets import registry as assets
from dance_now.character.kernel.kernel_source import source_hash
from dance_now.character.kernel.library import LIBRARY_NAME
from dance_now.media.open_media import open_source

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "dance_now"
KERNEL = PACKAGE / "character" / "kernel"
ONNX = {"onnx", "onnxscript", "onnxruntime"}
NOT_FOR_USERS = {"torch", "numba", "scipy", "mediapipe", "pytest"} | ONNX
LARGEST_INSTALL = 470e6  # bytes
LAST = 0.15  # seconds of the clip
LARGEST_LIBRARY = 180e3  # bytes
PLAYER_PAGE = "dance_now/live/web/player/"
# How a library says for which processor it is: format, number of the processor.
MACHINES = {
    "x86_64-linux": ("ELF", 62),
    "aarch64-linux": ("ELF", 183),
    "x86_64-macos": ("Mach-O", 0x01000007),
    "aarch64-macos": ("Mach-O", 0x0100000C),
    "x86_64-windows": ("PE", 0x8664),
    "aarch64-windows": ("PE", 0xAA64),
}
PIP = (sys.executable, "-m", "pip", "--disable-pip-version-check")

pytestmark = pytest.mark.slow


def run(*command: object, folder: Path, **changes: str) -> str:
    """Runs a command without this environment's paths, and with changed variables; returns what it prints."""
    kept = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "DANCE_NOW_TARGET")
    }
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=folder, env={**kept, **changes}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def library_of(archive: Path) -> tuple[str, bytes]:
    """File name and bytes of the one compiled library of a wheel."""
    with zipfile.ZipFile(archive) as opened:
        (name,) = [
            name
            for name in opened.namelist()
            if name.endswith((".so", ".dylib", ".dll", ".pyd", ".pdb", ".lib"))
        ]
        return name.removeprefix("dance_now/character/kernel/"), opened.read(name)


def machine_of(library: bytes) -> tuple[str, int]:
    """Format and processor that a 64-bit library names in its header."""
    if library[:5] == b"\x7fELF\x02":
        return "ELF", struct.unpack_from("<H", library, 18)[0]
    if struct.unpack_from("<I", library)[0] == 0xFEEDFACF:
        return "Mach-O", struct.unpack_from("<I", library, 4)[0]
    assert library[:2] == b"MZ"
    header = struct.unpack_from("<I", library, 0x3C)[0]
    assert library[header : header + 4] == b"PE\0\0"
    return "PE", struct.unpack_from("<H", library, header + 4)[0]


def oldest_macos(library: bytes) -> tuple[int, int]:
    """The least version of macOS that a Mach-O library asks for."""
    offset = 32
    for _ in range(struct.unpack_from("<I", library, 16)[0]):
        command, size = struct.unpack_from("<II", library, offset)
        if command in (0x24, 0x32):  # LC_VERSION_MIN_MACOSX, LC_BUILD_VERSION
            version = struct.unpack_from("<I", library, offset + (8 if command == 0x24 else 12))[0]
            return version >> 16, version >> 8 & 255
        offset += size
    raise AssertionError("names no version")


@pytest.fixture(scope="module")
def hook() -> ModuleType:
    """hatch_build.py, as hatchling loads it."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def zig(hook: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to import `ziglang` from: fetched once for all targets."""
    folder = tmp_path_factory.mktemp("zig")
    fetched = subprocess.run(
        [*PIP, "install", "--quiet", "--no-deps", "--target", str(folder), hook.ZIGLANG],
        capture_output=True,
        check=False,
    )
    if fetched.returncode:
        pytest.skip("needs the network")
    return folder


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree."""
    folder = tmp_path_factory.mktemp("wheel")
    fetched = subprocess.run(
        [*PIP, "download", "--quiet", "--no-deps", "-d", str(folder / "reached"), "hatchling"],
        capture_output=True,
        check=False,
    )
    if fetched.returncode:
        pytest.skip("needs the network")
    run(*PIP, "wheel", "--quiet", "--no-deps", "-w", folder, ROOT, folder=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of programs of an environment that holds the wheel and nothing else."""
    home = tmp_path_factory.mktemp("environment") / "venv"
    venv.create(home)  # without pip: its size is not ours
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    # No compiler is found there.
    run(
        *PIP,
        "--python",
        programs / "python",
        "install",
        "--quiet",
        str(wheel),
        folder=home,
        PATH=f"{programs}",
    )
    return programs


def test_the_wheel_holds_the_package_and_its_characters(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    expected = {f"dance_now/{path.relative_to(PACKAGE).as_posix()}" for path in PACKAGE.rglob("*.py")}
    cast = {f"dance_now/character/builtin/{path.name}" for path in PACKAGE.glob("character/builtin/*.dance")}
    assert "dance_now/character/builtin/godette.dance" in cast
    assert expected | cast | {"dance_now/py.typed", "dance_now/render/avatar/mascot.vrm"} <= names
    assert not [name for name in names if not name.startswith(("dance_now/", "dance_now-"))]
    assert {"LICENSE", "NOTICE"} <= {name.rpartition("/")[2] for name in names}


def test_the_description_shows_its_pictures_and_links_anywhere(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        text = archive.read(name).decode()
    targets = re.findall(r"\]\(([^)]+)\)", text)
    assert len(targets) > 20
    assert not [target for target in targets if not target.startswith(("https://", "#"))]


def test_the_wheel_is_of_this_system_and_holds_its_kernel(wheel: Path, hook: ModuleType) -> None:
    name, library = library_of(wheel)
    assert name == LIBRARY_NAME
    assert source_hash(KERNEL).encode() in library
    assert len(library) <= LARGEST_LIBRARY
    assert wheel.stem.split("-")[2:4] == ["py3", "none"]
    tags = {hook.host_tag(), *([target.tag] if (target := hook.host_target()) else [])}
    assert wheel.stem.split("-")[4] in tags


def test_the_installed_kernel_loads_without_a_compiler(installed: Path, tmp_path: Path) -> None:
    code = "from dance_now.character.kernel.library import kernel_version; print(kernel_version())"
    said = run(installed / "python", "-c", code, folder=tmp_path, PATH=f"{installed}")
    assert said.strip() == source_hash(KERNEL)


def test_an_archive_of_the_source_builds_the_wheel(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "hatchling", "build", "--target", "sdist", "--directory", tmp_path, folder=ROOT)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert {"hatch_build.py", *(path.relative_to(ROOT).as_posix() for path in KERNEL.glob("*.[ch]"))} <= names
    assert not [name for name in names if name.endswith((".so", ".dylib", ".dll"))]
    run(*PIP, "wheel", "--quiet", "--no-deps", "-w", tmp_path, archive, folder=tmp_path)
    (built,) = tmp_path.glob("*.whl")
    assert built.name == wheel.name
    assert library_of(built) == library_of(wheel)  # to the bit, from another folder


@pytest.mark.parametrize("target", MACHINES)
def test_a_wheel_for_another_system_holds_a_library_of_it(
    target: str, hook: ModuleType, zig: Path, tmp_path: Path
) -> None:
    builder = (sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path)
    run(*builder, folder=ROOT, PYTHONPATH=f"{zig}", DANCE_NOW_TARGET=target)
    (built,) = tmp_path.glob("*.whl")
    _, tag, suffix = hook.TARGETS[target]
    name, library = library_of(built)
    assert built.stem.endswith(f"-py3-none-{tag}")
    assert name == f"dance_now_kernel{suffix}"
    assert machine_of(library) == MACHINES[target]
    assert source_hash(KERNEL).encode() in library
    assert len(library) <= LARGEST_LIBRARY
    assert str(ROOT).encode() not in library
    with zipfile.ZipFile(built) as archive:
        module = archive.read(f"{PLAYER_PAGE}kernel.wasm")
        assert {f"{PLAYER_PAGE}{name}" for name in ("index.html", "worker.js", "motions.bin")} <= set(
            archive.namelist()
        )
    assert module.startswith(b"\0asm")
    assert source_hash(KERNEL).encode() in module
    if suffix == ".dylib":
        assert f"macosx_{'_'.join(map(str, oldest_macos(library)))}_" in tag
    else:  # runs with every C library
        assert not [word for word in (b"libc.", b"GLIBC", b"msvcrt", b"api-ms-win") if word in library]


def test_two_builds_by_zig_are_the_same(
    hook: ModuleType, zig: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(zig)
    target = hook.TARGETS["x86_64-linux"]
    for name in "ab":
        hook.build(ROOT, tmp_path / name, hook.zig_command(), hook.zig_flags(target))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_install_is_small_and_holds_nothing_for_training(installed: Path) -> None:
    listed = run(*PIP, "--python", installed / "python", "list", "--format", "json", folder=installed)
    packages = json.loads(listed)
    assert not {package["name"].lower() for package in packages} & NOT_FOR_USERS
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(run(installed / "python", "-c", where, folder=installed).strip())
    size = sum(path.lstat().st_size for path in site.rglob("*") if path.is_file())
    assert size <= LARGEST_INSTALL, f"{size / 1e6:.0f} MB"


def test_the_command_answers(installed: Path, tmp_path: Path) -> None:
    assert run(installed / "dance-now", "--version", folder=tmp_path).split()[1] == dance_now.__version__
    assert "godette" in run(installed / "dance-now", "characters", folder=tmp_path)


def test_the_installed_wheel_dances(installed: Path, tmp_path: Path) -> None:
    clip = assets.local_sample_clip()
    if clip is None or any(assets.local_pose_model(name) is None for name in assets.POSE_MODELS):
        pytest.skip("needs the sample clip and the pose networks in the cache")
    said = run(installed / "dance-now", "dance", clip, "--end", LAST, "-o", "out.mp4", folder=tmp_path)
    with open_source(clip, end=LAST) as source, open_source(tmp_path / "out.mp4") as result:
        before, after = ([frame.image for frame in opened.frames()] for opened in (source, result))
        assert result.size == source.size
    assert f"out.mp4: {len(before)} frames" in said
    assert len(after) == len(before) >= 4
    for old, new in zip(before, after, strict=True):
        changed = (np.abs(old.astype(int) - new).max(axis=-1) > 40).mean()
        assert 0.01 < changed < 0.6  # somebody else stands there, in the same place
