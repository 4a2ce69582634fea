"""Parser of matrices in OpenCV's FileStorage YAML, as written by OpenPose's ``--write_keypoint``.

OpenCV's own reader trusts the sizes that a file states; this one reads only what is there.

Source: OpenCV documentation, "XML/YAML/JSON file storages", ``!!opencv-matrix`` and ``!!opencv-nd-matrix``.
"""

from __future__ import annotations

import re
from math import prod
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray

_MATRIX: Final = re.compile(r"(\w+):\s*!!opencv-(?:nd-)?matrix\s*$")
_FIELD: Final = re.compile(r"\s+(sizes|rows|cols|dt|data):\s*(.*)$")
_MOST_NUMBERS: Final = 200_000  # 200 people have 42,000 of their faces
_NUMBERS: Final = re.compile(r"\d+")
_CHANNELS: Final = re.compile(r'"?(\d*)[a-z]"?$')


def yaml_matrices(text: str) -> dict[str, FloatArray]:
    """Parses all matrices of a file by their names, in their own shapes; channels are the last axis.

    Raises:
        ValueError: another format, or a matrix that does not match its stated sizes.
    """
    if not text.lstrip().startswith("%YAML"):
        raise ValueError("it does not begin with %YAML")
    found: dict[str, FloatArray] = {}
    name = ""
    fields: dict[str, str] = {}
    data: list[str] | None = None
    for line in text.splitlines():
        begins, field = _MATRIX.match(line), _FIELD.match(line)
        if begins:
            name, fields, data = begins[1], {}, None
        elif field and name and field[1] == "data":
            data = [field[2]]
        elif field and name and data is None:
            fields[field[1]] = field[2]
        elif data is not None:
            data.append(line)
        if data is not None and "]" in data[-1]:
            found[name] = _matrix(fields, " ".join(data))
            name, data = "", None
    if name:
        raise ValueError(f"matrix {name[:40]} does not end")
    return found


def _matrix(fields: dict[str, str], data: str) -> FloatArray:
    values = data.strip().removeprefix("[").partition("]")[0].replace(",", " ")
    values = values.lower().replace(".nan", "nan").replace(".inf", "inf")
    words = values.split(maxsplit=_MOST_NUMBERS)
    if len(words) > _MOST_NUMBERS:
        raise ValueError(f"a matrix of more than {_MOST_NUMBERS} numbers")
    with np.errstate(over="ignore"):
        numbers = np.array([float(word) for word in words], np.float64).astype(np.float32)
    stated = fields["sizes"] if "sizes" in fields else f"{fields.get('rows')} {fields.get('cols')}"
    shape = tuple(int(size) for size in _NUMBERS.findall(stated)[:4])
    channels = _CHANNELS.match(fields.get("dt", ""))
    if channels is not None and channels[1] not in ("", "1"):
        shape = (*shape, int(channels[1]))
    if len(shape) < 2 or prod(shape) != len(numbers):
        raise ValueError(f"{len(numbers)} numbers do not fit a matrix of sizes {shape}")
    return numbers.reshape(shape)
