"""Where compiled kernels are kept."""

import importlib.util
from pathlib import Path
from typing import Any

import numba
import pytest

from dance_now.render.jit import kernel

SOURCE = "def doubled(x):\n    return 2 * x\n"


def doubled_of(path: Path) -> Any:
    path.write_text(SOURCE)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.doubled


@pytest.mark.parametrize("chosen", ["", "elsewhere"])
def test_kernels_are_kept_in_the_users_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, chosen: str
) -> None:
    monkeypatch.setenv("DANCE_NOW_CACHE", str(tmp_path / "cache"))
    own = str(tmp_path / chosen) if chosen else ""
    monkeypatch.setattr(numba.config, "CACHE_DIR", own)  # as NUMBA_CACHE_DIR sets it
    assert kernel(doubled_of(tmp_path / "module.py"))(3) == 6
    folder = tmp_path / (chosen or "cache/numba")
    assert list(folder.rglob("module.doubled*.nbc"))
    assert not (tmp_path / "__pycache__").exists() or not list((tmp_path / "__pycache__").glob("*.nb?"))
    config: Any = numba.config
    assert own == config.CACHE_DIR  # other packages' kernels stay where they are


def test_kernels_that_cannot_be_kept_work_all_the_same() -> None:
    space: dict[str, Any] = {}
    exec(SOURCE, space)
    assert kernel(space["doubled"])(4) == 8
