"""Reads and writes named arrays as safetensors, with every size checked before it is believed.

Source: the safetensors format (huggingface/safetensors, README "Format"): eight bytes with the length of a
JSON header, the header (name -> dtype, shape, data_offsets), then the arrays' bytes, end to end. Nothing in
such a file is executed.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

AnyArray = npt.NDArray[Any]

_LENGTH_BYTES: Final = 8
_HEADER_LIMIT: Final = 1 << 18
_MOST_ARRAYS: Final = 1024
_MOST_DIMENSIONS: Final = 8
_ALIGNMENT: Final = 8
_DTYPES: Final[dict[str, np.dtype[Any]]] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "I32": np.dtype("<i4"),
    "U32": np.dtype("<u4"),
    "U16": np.dtype("<u2"),
    "U8": np.dtype("u1"),
    "BOOL": np.dtype("?"),
}
_NAMES: Final = {dtype: name for name, dtype in _DTYPES.items()}


def pack_arrays(arrays: Mapping[str, AnyArray]) -> bytes:
    """The bytes of a safetensors file; wide types come first, so that every array is aligned.

    Raises:
        ValueError: an array of a dtype that is not used here.
    """
    little = {
        name: np.asarray(array, array.dtype.newbyteorder("<"), order="C") for name, array in arrays.items()
    }
    order = sorted(little, key=lambda name: -little[name].dtype.itemsize)  # stable: else as given
    header: dict[str, Any] = {}
    start = 0
    for name in order:
        array = little[name]
        if array.dtype not in _NAMES:
            raise ValueError(f"{name}: arrays of {array.dtype} are not written")
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [start, start + array.nbytes],
        }
        start += array.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-(_LENGTH_BYTES + len(text)) % _ALIGNMENT)
    return b"".join(
        [len(text).to_bytes(_LENGTH_BYTES, "little"), text, *(little[name].tobytes() for name in order)]
    )


def unpack_arrays(data: bytes) -> dict[str, AnyArray]:
    """The arrays of a safetensors file, as read-only views of its bytes.

    Nothing is allocated by what the header claims: each array has to lie in the bytes that are there, and
    they have to lie end to end.

    Raises:
        ValueError: the file is truncated, is no safetensors file, or holds what is not used here.
    """
    length = int.from_bytes(data[:_LENGTH_BYTES], "little")
    if len(data) < _LENGTH_BYTES or length > min(_HEADER_LIMIT, len(data) - _LENGTH_BYTES):
        raise ValueError("the header is cut off, or longer than any is")
    begin = _LENGTH_BYTES + length
    try:
        header = json.loads(data[_LENGTH_BYTES:begin].decode("utf-8"))
        entries = {name: _entry(name, value) for name, value in header.items() if name != "__metadata__"}
    except (UnicodeDecodeError, RecursionError, AttributeError, KeyError, TypeError) as error:
        raise ValueError(f"the header is malformed ({type(error).__name__})") from error
    if len(entries) > _MOST_ARRAYS:
        raise ValueError(f"{len(entries)} arrays are more than any file has")
    arrays: dict[str, AnyArray] = {}
    place = 0
    for name, (dtype, shape, first, last) in sorted(entries.items(), key=lambda item: item[1][2:]):
        count = math.prod(shape)
        if first != place or last - first != count * dtype.itemsize or begin + last > len(data):
            raise ValueError(f"{name}: its bytes are not where the header says")
        place = last
        arrays[name] = np.frombuffer(data, dtype, count, begin + first).reshape(shape)
    if begin + place != len(data):
        raise ValueError("there are bytes that belong to no array")
    return arrays


def _entry(name: str, value: Any) -> tuple[np.dtype[Any], tuple[int, ...], int, int]:
    """Dtype, shape, first byte and last byte + 1 of an array."""
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _DTYPES:
        raise ValueError(f"{name[:80]!r} has the dtype {dtype!r:.40}; known: {', '.join(_DTYPES)}")
    if not (isinstance(shape, list) and isinstance(offsets, list) and len(offsets) == 2):
        raise ValueError(f"{name[:80]!r}: shape and data_offsets should be lists")
    if len(shape) > _MOST_DIMENSIONS:
        raise ValueError(f"{name[:80]!r} has {len(shape)} dimensions")
    if not all(type(number) is int and 0 <= number < 1 << 40 for number in [*shape, *offsets]):
        raise ValueError(f"{name[:80]!r}: sizes should be whole numbers")
    return _DTYPES[dtype], tuple(shape), offsets[0], offsets[1]
