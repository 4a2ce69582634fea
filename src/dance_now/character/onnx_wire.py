"""Protocol buffers' wire format, as far as an ONNX file needs it.

A message may hold only fields that its reader lists, and one that is not repeated only once: two readers then
see the same content. Nothing is copied. Source: "Encoding", protobuf.dev.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

MAXIMUM_NAME: Final = 512
MAXIMUM_NUMBERS: Final = 256
_MAXIMUM_REPEATED: Final = 5000

# Wire types, and what the fields of a message hold: one wire type, or numbers that may be packed.
VARINT, BYTES, FIXED32, PACKED_INTS, PACKED_FLOATS = 0, 2, 5, 10, 11
Fields = Mapping[int, tuple[str, int, bool]]  # number: name, kind, may be repeated
Message = dict[str, list[int | memoryview]]


class UnfitError(ValueError):
    """Why a file cannot be a character's generator."""


def message(data: int | memoryview, fields: Fields, what: str) -> Message:
    """The fields of one message, by name; those that are absent have empty lists.

    Raises:
        UnfitError: a field that is not listed, or repeated without leave, or of the wrong wire type.
        IndexError: the message is cut off.
    """
    assert isinstance(data, memoryview)
    found: Message = {name: [] for name, _, _ in fields.values()}
    position, end = 0, len(data)
    while position < end:
        key, position = _varint(data, position)
        field = fields.get(key >> 3)
        if field is None:
            raise UnfitError(f"a {what} with field {key >> 3}, which a generator has no need of")
        name, kind, repeated = field
        wire = key & 7
        values = found[name]
        if wire != kind and not _fits_packed(wire, kind):
            raise UnfitError(f"a damaged {what}: {name} has wire type {wire}")
        if len(values) >= (_MAXIMUM_REPEATED if repeated else 1):
            raise UnfitError(f"a {what} with more than {len(values)} of {name}")
        if wire == VARINT:
            number, position = _varint(data, position)
            values.append(number)
            continue
        length = 4
        if wire == BYTES:
            length, position = _varint(data, position)
        if length > end - position:
            raise UnfitError("it is cut off or damaged")
        values.append(data[position : position + length])
        position += length
    return found


def _fits_packed(wire: int, kind: int) -> bool:
    if kind == PACKED_INTS:
        return wire in (VARINT, BYTES)
    return kind == PACKED_FLOATS and wire in (FIXED32, BYTES)


def _varint(data: memoryview, position: int) -> tuple[int, int]:
    """An unsigned number of up to 64 bits, and the position after it."""
    byte: int = data[position]
    position += 1
    if byte < 0x80:
        return byte, position
    number, shift = byte & 0x7F, 7
    while byte >= 0x80:
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if shift > 70:
            raise UnfitError("it is cut off or damaged")
    if number >> 64:
        raise UnfitError("it is cut off or damaged")
    return number, position


def integers(values: list[int | memoryview]) -> list[int]:
    """Signed numbers, packed or not, of a repeated field."""
    numbers: list[int] = []
    for value in values:
        if isinstance(value, int):
            numbers.append(value)
            continue
        position = 0
        while position < len(value) and len(numbers) <= MAXIMUM_NUMBERS:
            number, position = _varint(value, position)
            numbers.append(number)
    check_count(numbers, MAXIMUM_NUMBERS, "numbers of a field")
    return [number - (1 << 64) if number >> 63 else number for number in numbers]


def integer(fields: Message, name: str) -> int:
    """The signed number a field holds, 0 where it is absent."""
    values = integers(fields[name])
    return values[0] if values else 0


def text(fields: Message, name: str) -> str:
    """The text a field holds, empty where it is absent."""
    return decode(fields[name][0]) if fields[name] else ""


def decode(value: int | memoryview) -> str:
    """A text of bounded length."""
    assert isinstance(value, memoryview)
    if len(value) > MAXIMUM_NAME:
        raise UnfitError(f"a name of {len(value)} bytes")
    return str(value, "utf-8")


def only(fields: Message, name: str) -> int | memoryview:
    """The content of a field that has to be there."""
    if not fields[name]:
        raise UnfitError(f"it has no {name}")
    return fields[name][0]


def check_count(values: Sequence[object], maximum: int, what: str) -> None:
    """Refuses more values than a generator needs."""
    if len(values) > maximum:
        raise UnfitError(f"{len(values)} {what}, more than {maximum}")
