"""A receiver of VMC: OSC 1.0 bundles as lists."""

from __future__ import annotations

import struct
from typing import Any


def _text_at(data: bytes, at: int) -> tuple[str, int]:
    """An OSC string and where the next value begins."""
    end = data.index(b"\0", at)
    return data[at:end].decode(), end + 4 - end % 4


def read_bundle(data: bytes) -> list[list[Any]]:
    """The messages of a bundle, address first."""
    assert data[:8] == b"#bundle\0"
    assert struct.unpack(">Q", data[8:16]) == (1,)
    at, messages = 16, []
    while at < len(data):
        (size,) = struct.unpack_from(">i", data, at)
        assert size % 4 == 0
        body = data[at + 4 : at + 4 + size]
        at += 4 + size
        address, place = _text_at(body, 0)
        tags, place = _text_at(body, place)
        values: list[Any] = []
        for tag in tags[1:]:
            value: Any
            if tag == "s":
                value, place = _text_at(body, place)
            else:
                (value,) = struct.unpack_from(">i" if tag == "i" else ">f", body, place)
                place += 4
            values.append(value)
        assert place == len(body)
        messages.append([address, *values])
    return messages
