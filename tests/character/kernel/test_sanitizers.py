"""Random surfaces and keypoints under AddressSanitizer and UndefinedBehaviorSanitizer."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dance_now.character.kernel.kernel_source import FLAGS, HASH_MACRO, sources
from dance_now.character.kernel.library import FOLDER

pytestmark = pytest.mark.slow


def test_the_kernel_stays_within_its_arrays(tmp_path: Path) -> None:
    compiler = shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        pytest.skip("needs gcc's sanitizers")
    library = tmp_path / "sanitized.so"
    checks = ["-fsanitize=address,undefined,float-cast-overflow", "-fno-sanitize-recover=all", "-g", "-O1"]
    flags = [*FLAGS, *checks, "-fPIC", "-shared", f'-D{HASH_MACRO}="sanitized"', "-o", str(library)]
    files = [str(path) for path in sources(FOLDER)]
    subprocess.run([compiler, *flags, *files], check=True)
    runtime = subprocess.run(
        [compiler, "-print-file-name=libasan.so"], check=True, capture_output=True, text=True
    ).stdout.strip()
    # Python itself leaks, and its own allocator would hide what is written beyond an array.
    environment = {
        **os.environ,
        "LD_PRELOAD": runtime,
        "ASAN_OPTIONS": "detect_leaks=0",
        "PYTHONMALLOC": "malloc",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    script = Path(__file__).with_name("sanitized_drawing.py")
    done = subprocess.run(
        [sys.executable, str(script), str(library), "60"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
