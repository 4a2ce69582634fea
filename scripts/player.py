"""Builds the player page: the kernel as WebAssembly beside its pages, or a whole site for any static host.

python scripts/player.py                # src/dance_now/live/web/player/kernel.wasm, by ziglang
python scripts/player.py build/player   # that, and a folder with pages, motions and built-in characters
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]


def build_hook() -> ModuleType:
    """hatch_build.py, which knows how the kernel is compiled."""
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(words: list[str]) -> None:
    """Compiles, and writes the site where a folder is named."""
    hook = build_hook()
    module = ROOT / hook.PLAYER / hook.WEBASSEMBLY
    if not hook.build_webassembly(ROOT, module):
        sys.exit(f"error: the player page is compiled by zig. Run: pip install {hook.ZIGLANG}")
    print(f"{module.relative_to(ROOT)}: {module.stat().st_size} bytes")
    if words:
        from dance_now.live.player_site import write_player_site

        write_player_site(Path(words[0]))
        print(f"{words[0]}/index.html")


if __name__ == "__main__":
    main(sys.argv[1:])
