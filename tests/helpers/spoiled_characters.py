"""Character files spoiled in ways that strangers could: zip, members, arrays and card."""

from __future__ import annotations

import hashlib
import io
import json
import random
import warnings
import zipfile

import numpy as np
from character_files import members
from mutations import MUTATIONS, Mutation

from dance_now.character.safetensors_file import pack_arrays, unpack_arrays


def packed(parts: list[tuple[str, bytes]], comment: bytes = b"") -> bytes:
    """A zip of these members."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore", UserWarning)  # zipfile's, over a name given twice
        archive.comment = comment
        for name, data in parts:
            archive.writestr(zipfile.ZipInfo(name), data)
    return buffer.getvalue()


def sealed(parts: dict[str, bytes]) -> bytes:
    """A zip whose checksums are right whatever its members hold, as a stranger would make it."""
    try:
        card = json.loads(parts["character.json"])
        card["sha256"] = {name: hashlib.sha256(parts[name]).hexdigest() for name in list(parts)[1:]}
        parts = {**parts, "character.json": json.dumps(card).encode()}
    except (ValueError, TypeError):
        pass
    return packed(list(parts.items()))


def spoil_member(name: str) -> Mutation:
    """Changes one member and makes its checksum fit."""

    def spoil(chance: random.Random, data: bytes) -> bytes:
        parts = members(data)
        for _ in range(chance.choice((1, 1, 2))):
            parts[name] = chance.choice(MUTATIONS)(chance, parts[name] or b"\x00")
        return sealed(parts)

    return spoil


def spoil_arrays(chance: random.Random, data: bytes) -> bytes:
    """Changes numbers, counts, shapes and dtypes of arrays, in a file that is sound otherwise."""
    parts = members(data)
    arrays = {name: array.copy() for name, array in unpack_arrays(parts["weights.safetensors"]).items()}
    for _ in range(chance.choice((1, 1, 2, 4))):
        name = chance.choice(list(arrays))
        arrays[name] = chance.choice((spoiled_numbers, spoiled_numbers, spoiled_shape, spoiled_dtype))(
            chance, arrays[name]
        )
    if chance.random() < 0.05:
        del arrays[chance.choice(list(arrays))]
    if chance.random() < 0.05:
        arrays["more"] = np.zeros(3, np.float32)
    return sealed({**parts, "weights.safetensors": pack_arrays(arrays)})


def spoiled_numbers(chance: random.Random, array: np.ndarray) -> np.ndarray:
    """Some numbers replaced by ones that matter to those who index, divide or multiply by them."""
    flat = array.reshape(-1)
    extremes = (0, 1, 2, 46, 47, 48, 255, 65535, 1 << 31, (1 << 32) - 1, -1, 1e-30, 1e9, 3e38, np.inf, np.nan)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        for _ in range(chance.choice((1, 3, 20)) if flat.size else 0):
            flat[chance.randrange(flat.size)] = np.array(chance.choice(extremes)).astype(flat.dtype)
    return array


def spoiled_shape(chance: random.Random, array: np.ndarray) -> np.ndarray:
    """Rows left out or repeated, or another number of dimensions."""
    return chance.choice(
        (array[:-1], array[:0], np.concatenate([array, array]), array[None], array.reshape(-1))
    )


def spoiled_dtype(chance: random.Random, array: np.ndarray) -> np.ndarray:
    """The same numbers as another type."""
    with np.errstate(all="ignore"):
        return array.astype(chance.choice(("float32", "float16", "int32", "uint32", "uint16", "uint8")))


def spoil_archive(chance: random.Random, data: bytes) -> bytes:
    """Changes bytes of the zip itself, most of them in its directory."""
    if chance.random() < 0.5:
        start = data.index(b"PK\x01\x02")
        return data[:start] + chance.choice(MUTATIONS)(chance, data[start:])
    return chance.choice(MUTATIONS)(chance, data)


def trick_archive(chance: random.Random, data: bytes) -> bytes:
    """Members that are renamed, repeated, added, left out or in another order."""
    parts = list(members(data).items())
    name, body = chance.choice(parts)
    strange = chance.choice(
        ("../../x", "/x", "C:\\x", "", "con", name + "/", name.upper(), "\u202e" + name, "a" * 300)
    )
    choices = (
        [*parts, (name, body)],
        [*parts, (strange, body)],
        [(strange if part == name else part, content) for part, content in parts],
        [part for part in parts if part[0] != name],
        chance.sample(parts, 3),
        [*parts] * 40,
    )
    return packed(chance.choice(choices), chance.randbytes(chance.choice((0, 30))))
