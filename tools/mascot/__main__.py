"""Command line of the avatar generator: ``python -m tools.mascot OUTPUT.vrm``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools.mascot.vrm_file import VrmBuilder


def main() -> int:
    """Writes the mascot to the file that the arguments name, in place of what is there."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.mascot", description="Write the mascot's VRM file."
    )
    parser.add_argument("output", type=Path, metavar="OUTPUT.vrm")
    output: Path = parser.parse_args().output
    data = VrmBuilder().to_bytes()
    output.write_bytes(data)
    sys.stdout.write(f"{output}: {len(data)} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
