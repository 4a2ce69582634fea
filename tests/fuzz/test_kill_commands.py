"""Commands killed at forty random moments each, and run again: results equal those of an undisturbed run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_KILLS = 40


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork") or not Path("/proc/self/stat").exists(), reason="needs Linux")
@pytest.mark.parametrize("command", ["dance", "pose", "render", "train"])
def test_reruns_after_kills_equal_an_undisturbed_run(command: str, data_dir: Path) -> None:
    script = Path(__file__).with_name("kill_commands.py")
    done = subprocess.run(
        [sys.executable, str(script), command, "--kills", str(_KILLS)],
        env={**os.environ, "DANCE_NOW_DATA": str(data_dir), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
