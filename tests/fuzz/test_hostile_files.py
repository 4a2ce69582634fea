"""Files that claim too much: refused, or read within the memory and time that docs/security.md states."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from hostile_files import FILES, HARMLESS, read

from dance_now.core.errors import DanceNowError

_MEGABYTES, _SECONDS = 500, 10
_READ = {  # small after all; what else is hostile is refused
    *("long_text.png", "growing.gif", "growing_animation.png", "second_header.webp"),
    *("textures.vrm", "spring_groups.vrm", "bones.vrm"),
}
# Decoded by libraries in native code, or long to build: measured, but not in every run.
_SLOW = {
    *(name for name in FILES if name.endswith((".png", ".gif", ".webp"))),
    *("far_keypoints.json", "lists_keypoints.json", "rows_pose.yml"),
    *("texture_copies.vrm", "lists_of_66_mb.vrm", "targets.vrm", "joints.glb"),
}


def peak() -> float:
    """Peak resident set in MB since it was cleared; 0 where the system does not tell."""
    if sys.platform != "linux":
        return 0
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in _SLOW else name for name in FILES]
)
def test_hostile_files_are_bounded(name: str, tmp_path: Path) -> None:
    ending = next(ending for ending in HARMLESS if name.endswith(ending))
    harmless = tmp_path / "harmless" / (name if ending == name else f"harmless{ending}")
    harmless.parent.mkdir()
    harmless.write_bytes(HARMLESS[ending]())
    with suppress(DanceNowError):
        read(harmless)  # loads what reading takes
    path = tmp_path / name
    path.write_bytes(FILES[name]())
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")
    memory, begun = peak(), time.process_time()
    if name in _READ:
        read(path)
    else:
        with pytest.raises(DanceNowError, match=r"^[^\n]{10,500}$"):
            read(path)
    assert peak() - memory < _MEGABYTES
    assert time.process_time() - begun < _SECONDS
