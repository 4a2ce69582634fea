"""What the kernel is compiled from and how; pure standard library: the build hook loads it by its path."""

import hashlib
from pathlib import Path

HASH_MACRO = "DANCE_NOW_KERNEL_HASH"
"""Macro that the compiler defines as a string literal: the hash of the source."""

FLAGS = (
    "-std=c11",
    "-O3",
    "-ffp-contract=off",  # the same bits on processors with and without fused multiply-add
    "-fno-math-errno",  # square roots are instructions
    "-fno-trapping-math",  # comparisons may become vectors; no value depends on it
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
)
"""For GCC and Clang; how a shared library is made of it depends on the platform."""


def sources(folder: Path) -> list[Path]:
    """The C files that the library is compiled from."""
    return sorted(folder.glob("*.c"))


def source_hash(folder: Path) -> str:
    """Changes with every change of a source or header."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.c"), *folder.glob("*.h")]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
