"""Mutations of files for fuzzing: bytes, texts and JSON documents, reproducible by their random generator."""

from __future__ import annotations

import copy
import random
import re
import struct
import zlib
from collections.abc import Callable
from typing import Any, Final

Mutation = Callable[[random.Random, bytes], bytes]

_NUMBERS: Final = (
    *(b"\x00", b"\xff", b"\x7f", b"\x80", b"\xff\xff\xff\xff", b"\xff" * 9 + b"\x01"),
    *(b"\x00\x00\x00\x00", b"\x00\x01\x00\x00", b"\x7f\xff\xff\xff"),
)
_ATOMS: Final = (
    *(None, True, False, 0, -1, 1, 2, 3.5, -0.0, 1e30, 1e400, float("nan"), 2**31, 2**63, 10**30, -(2**31)),
    *(65535, 1e-30, "", "x", "blink", "head", "\u0000", "9" * 50, [], {}, [[]], [1, 2, 3], {"node": 0}),
)
_WORDS: Final = (
    *(b"", b"nan", b"inf", b"1e39", b"-1", b"0", b"99999999999", b"{", b"}", b"[", b"]", b":", b"\xff\xfe"),
    *(b"JOINT", b"ROOT", b"CHANNELS 6", b"End", b"Hips", b"OFFSET 0 0 0", b"Xrotation", b"\x1b[2J"),
)


def flip(chance: random.Random, data: bytes) -> bytes:
    """Some bits of some bytes."""
    spoiled = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        spoiled[chance.randrange(len(spoiled))] ^= 1 << chance.randrange(8)
    return bytes(spoiled)


def overwrite(chance: random.Random, data: bytes) -> bytes:
    """A few bytes with values that matter to readers of lengths and numbers."""
    start = chance.randrange(len(data))
    value = chance.choice(_NUMBERS)
    return data[:start] + value + data[start + len(value) :]


def cut(chance: random.Random, data: bytes) -> bytes:
    """Only the beginning, or a piece left out."""
    start, end = sorted(chance.randrange(len(data)) for _ in range(2))
    return data[:start] if chance.random() < 0.5 else data[:start] + data[end:]


def double(chance: random.Random, data: bytes) -> bytes:
    """A piece repeated there or elsewhere."""
    start, end = sorted(chance.randrange(len(data)) for _ in range(2))
    place = chance.choice((end, chance.randrange(len(data))))
    return data[:place] + data[start : min(end, start + 4000)] * chance.choice((1, 1, 3)) + data[place:]


def insert(chance: random.Random, data: bytes) -> bytes:
    """A few random bytes more."""
    start = chance.randrange(len(data))
    return data[:start] + chance.randbytes(chance.choice((1, 2, 9))) + data[start:]


MUTATIONS: Final[tuple[Mutation, ...]] = (flip, flip, overwrite, cut, double, insert)


def spoil_bytes(chance: random.Random, data: bytes, head: int | None = None) -> bytes:
    """One to eight mutations; with ``head``, most of them in the first bytes."""
    for _ in range(chance.choice((1, 1, 2, 3, 8))):
        if len(data) < 2:
            break
        if head is not None and head < len(data) and chance.random() < 0.8:
            data = chance.choice(MUTATIONS[:3])(chance, data[:head]) + data[head:]
        else:
            data = chance.choice(MUTATIONS)(chance, data)
    return data


def spoil_text(chance: random.Random, data: bytes) -> bytes:
    """Words of a text replaced, most of them near its beginning."""
    words = re.split(rb"(\s+)", data)
    for _ in range(chance.choice((1, 1, 2, 4))):
        near = len(words) if chance.random() < 0.3 else min(len(words), 800)
        words[chance.randrange(near)] = chance.choice((*_WORDS, words[chance.randrange(len(words))]))
    return b"".join(words)


def spoil_json(chance: random.Random, document: Any) -> Any:
    """Values of a JSON document replaced, removed, copied, repeated or renamed."""
    document = copy.deepcopy(document)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        paths = _paths(document)
        path = chance.choice(paths)
        if path:
            _spoil_value(chance, document, path, paths)
    return document


def _paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Keys and indices to every value; of long lists the first ones."""
    found = [path]
    if isinstance(value, dict):
        for key in value:
            found += _paths(value[key], (*path, key))
    elif isinstance(value, list):
        for index in range(min(len(value), 40)):
            found += _paths(value[index], (*path, index))
    return found


def _value(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def _spoil_value(
    chance: random.Random, document: Any, path: tuple[Any, ...], paths: list[tuple[Any, ...]]
) -> None:
    holder, key = _value(document, path[:-1]), path[-1]
    value, kind = holder[key], chance.random()
    if kind < 0.5:
        holder[key] = copy.deepcopy(chance.choice(_ATOMS))
    elif kind < 0.65:
        del holder[key]
    elif kind < 0.75:
        holder[key] = copy.deepcopy(_value(document, chance.choice(paths)))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        holder[key] = chance.choice((value + 1, value - 1, -value, value * 1000, value / 3 if value else 1e9))
    elif isinstance(value, list) and value:
        holder[key] = chance.choice((value * 2, value[:-1], value[::-1], value * 50))
    elif isinstance(value, dict) and value:
        name = chance.choice(list(value))
        value[chance.choice(("x", "node", "index", f"{name}_"))] = copy.deepcopy(value[name])
    else:
        holder[key] = copy.deepcopy(chance.choice(_ATOMS))


def mend_png(data: bytes) -> bytes:
    """A PNG whose chunks have the right checksums again, so that readers look at what they hold."""
    mended = bytearray(data)
    place = 8
    while place + 12 <= len(mended):
        (length,) = struct.unpack_from(">I", mended, place)
        if place + 12 + length > len(mended):
            break
        checksum = zlib.crc32(mended[place + 4 : place + 8 + length])
        struct.pack_into(">I", mended, place + 8 + length, checksum)
        place += 12 + length
    return bytes(mended)
