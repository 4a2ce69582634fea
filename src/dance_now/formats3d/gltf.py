"""Reader of the GLB container of glTF 2.0 (.glb, .vrm, .vrma); untrusted sizes are validated before use.

Source: Khronos glTF 2.0 specification, sections 3.6 (buffers, accessors), 4 (GLB), and the extensions
KHR_mesh_quantization and EXT_texture_webp.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dance_now.core.errors import DanceNowError
from dance_now.core.limits import MemoryBudget, parse_json

MAX_FILE_BYTES = 256 * 2**20
MAX_ELEMENTS = 4_000_000  # of one accessor
MAX_NODES = 20_000
SUPPORTED_EXTENSIONS = frozenset(
    {
        "EXT_texture_webp",
        "KHR_materials_emissive_strength",
        "KHR_materials_ior",
        "KHR_materials_specular",
        "KHR_materials_unlit",
        "KHR_mesh_quantization",
        "KHR_texture_transform",
        "VRM",
        "VRMC_materials_mtoon",
        "VRMC_node_constraint",
        "VRMC_springBone",
        "VRMC_vrm",
        "VRMC_vrm_animation",
    }
)

# Commands of glTF Transform that write a file without an extension; textures of KTX2 need KTX-Software, too.
_UNDO = {
    "EXT_meshopt_compression": "copy",
    "KHR_meshopt_compression": "copy",
    "KHR_draco_mesh_compression": "copy",
    "KHR_texture_basisu": "ktxdecompress",
}

_COMPONENTS: dict[int, type[np.generic]] = {
    5120: np.int8,
    5121: np.uint8,
    5122: np.int16,
    5123: np.uint16,
    5125: np.uint32,
    5126: np.float32,
}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
_MALFORMED = (
    KeyError,
    IndexError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    np.linalg.LinAlgError,
)

Array = npt.NDArray[Any]
Matrices = npt.NDArray[np.float64]


class MalformedGltfError(DanceNowError):
    """Error of a glTF file that violates the specification."""

    def __init__(self, path: Path, reason: object) -> None:
        super().__init__(f"{path.name} is not a usable glTF/VRM file: {reason}.")
        self.reason = reason


MALFORMED_ERRORS = _MALFORMED
"""Exceptions from indexing into an untrusted document; loaders turn them into MalformedGltfError."""


@dataclass
class Gltf:
    """Opened glTF file: JSON document, binary chunk, decoded accessors.

    Attributes:
        path: of the file, for error messages.
        document: the JSON chunk.
        binary: the BIN chunk.
        budget: of memory; whoever makes arrays of the file's content charges it.
    """

    path: Path
    document: dict[str, Any]
    binary: bytes
    budget: MemoryBudget = field(init=False)
    _cache: dict[int, Array] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.budget = MemoryBudget(self.path.name, len(self.binary))

    @property
    def extensions(self) -> dict[str, Any]:
        """Top-level extensions of the document."""
        found: dict[str, Any] = self.document.get("extensions", {})
        return found

    def items(self, key: str) -> list[dict[str, Any]]:
        """Top-level list of the document ("nodes", "meshes", ...), empty where it is absent."""
        found: list[dict[str, Any]] = self.document.get(key, [])
        return found

    def accessor(self, index: int) -> Array:
        """Decodes an accessor to (count, width); normalised integers as float32, sparse elements applied.

        The array is shared between calls and read-only.

        Raises:
            DanceNowError: an accessor that exceeds its buffer, is too large, or holds non-finite values.
        """
        if index not in self._cache:
            self._cache[index] = self._read_accessor(self._entry("accessors", index))
        return self._cache[index]

    def image_bytes(self, index: int) -> bytes:
        """Encoded bytes (PNG, JPEG, WebP) of an image embedded in the file.

        Raises:
            DanceNowError: an external image (a URI), or one that exceeds its buffer.
        """
        start, end = self.image_range(index)
        return self.binary[start:end]

    def image_range(self, index: int) -> tuple[int, int]:
        """First byte of an embedded image in ``binary`` and the one after its last; errors as there."""
        image = self._entry("images", index)
        if "bufferView" not in image:
            raise MalformedGltfError(self.path, "its images are separate files; export with embedded images")
        start, length, _ = self._buffer_view(image["bufferView"])
        return start, start + length

    def _entry(self, key: str, index: int) -> dict[str, Any]:
        items = self.items(key)
        if not isinstance(index, int) or not 0 <= index < len(items):
            raise MalformedGltfError(self.path, f"it refers to {key}[{index}] and has {len(items)}")
        return items[index]

    def _buffer_view(self, index: int) -> tuple[int, int, int]:
        """Start, length and stride in bytes of a buffer view within the BIN chunk."""
        view = self._entry("bufferViews", index)
        if view.get("buffer", 0) != 0:
            raise MalformedGltfError(self.path, "its buffer is a separate file; export as a single GLB")
        start, length = int(view.get("byteOffset", 0)), int(view["byteLength"])
        if start < 0 or length < 0 or start + length > len(self.binary):
            raise MalformedGltfError(self.path, "it is truncated (a buffer view exceeds the data)")
        return start, length, int(view.get("byteStride", 0))

    def _read_accessor(self, accessor: dict[str, Any]) -> Array:
        component = np.dtype(_COMPONENTS[accessor["componentType"]])
        width, count = _WIDTHS[accessor["type"]], int(accessor["count"])
        if not 0 < count <= MAX_ELEMENTS:
            raise MalformedGltfError(self.path, f"an accessor has {count} elements")
        size = 4 if accessor.get("normalized") else component.itemsize
        self.budget.charge(count * width * size, "its arrays")
        if "bufferView" in accessor:
            values = self._strided(
                accessor["bufferView"], int(accessor.get("byteOffset", 0)), component, count, width
            )
        else:
            values = np.zeros((count, width), component)
        if "sparse" in accessor:
            values = self._apply_sparse(values, accessor["sparse"])
        if accessor.get("normalized") and component.kind in "iu":
            values = np.maximum(values.astype(np.float32) / np.float32(np.iinfo(component).max), -1)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise MalformedGltfError(self.path, "it holds non-finite values")
        values.setflags(write=False)
        return values

    def _strided(self, view: int, offset: int, component: np.dtype[Any], count: int, width: int) -> Array:
        start, length, stride = self._buffer_view(view)
        row = component.itemsize * width
        stride = stride or row
        if offset < 0 or stride < row or offset + stride * (count - 1) + row > length:
            raise MalformedGltfError(self.path, "it is truncated (an accessor exceeds its buffer view)")
        strides = (stride, component.itemsize)
        return np.ndarray((count, width), component, self.binary, start + offset, strides).copy()

    def _apply_sparse(self, values: Array, sparse: dict[str, Any]) -> Array:
        count, places, entries = int(sparse["count"]), sparse["indices"], sparse["values"]
        if not 0 < count <= len(values):
            raise MalformedGltfError(self.path, "a sparse accessor replaces more elements than exist")
        component = np.dtype(_COMPONENTS[places["componentType"]])
        rows = self._strided(places["bufferView"], int(places.get("byteOffset", 0)), component, count, 1)[
            :, 0
        ]
        if rows.min() < 0 or rows.max() >= len(values):
            raise MalformedGltfError(self.path, "a sparse accessor points outside its array")
        values[rows] = self._strided(
            entries["bufferView"], int(entries.get("byteOffset", 0)), values.dtype, count, values.shape[1]
        )
        return values


def read_gltf(path: Path) -> Gltf:
    """Opens a GLB file (.glb, .vrm, .vrma).

    Raises:
        DanceNowError: not a GLB, truncated, larger than 256 MB, or a required extension is unsupported
            (the message names it).
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise DanceNowError(f"{path.name} has {size / 2**20:.0f} MB; files up to 256 MB are read.")
        data = path.read_bytes()
    except OSError as error:
        raise DanceNowError(f"Cannot read {path}: {error.strerror or error}.") from error
    if len(data) < 20 or data[:4] != b"glTF":
        raise MalformedGltfError(path, "it has no GLB header (for a text .gltf: export as binary GLB)")
    version, length = struct.unpack_from("<II", data, 4)
    if version != 2 or length > len(data):
        reason = f"glTF version {version}, expected 2" if version != 2 else "it is truncated"
        raise MalformedGltfError(path, reason)
    text, binary = _chunks(path, data[:length])
    try:
        document = parse_json(text)
    except ValueError as error:
        raise MalformedGltfError(path, f"its JSON chunk cannot be parsed ({error})") from error
    if not isinstance(document, dict):
        raise MalformedGltfError(path, "its JSON chunk is not an object")
    check_extensions(path, document)
    return Gltf(path, document, binary)


def _chunks(path: Path, data: bytes) -> tuple[bytes, bytes]:
    """JSON and BIN chunk of a GLB (BIN is empty where there is none)."""
    found: dict[bytes, bytes] = {}
    position = 12
    while position + 8 <= len(data):
        length, kind = struct.unpack_from("<I4s", data, position)
        position += 8
        if position + length > len(data):
            raise MalformedGltfError(path, "it is truncated")
        found.setdefault(kind, data[position : position + length])
        position += length + (-length) % 4
    if b"JSON" not in found:
        raise MalformedGltfError(path, "it has no JSON chunk")
    return found[b"JSON"], found.get(b"BIN\0", b"")


def check_extensions(path: Path, document: dict[str, Any]) -> None:
    """Raises DanceNowError if a document requires an unsupported extension, which the message names."""
    required = document.get("extensionsRequired", [])
    if not isinstance(required, list):
        raise MalformedGltfError(path, "extensionsRequired is not a list")
    unknown = sorted({str(name) for name in required} - SUPPORTED_EXTENSIONS)
    if unknown:
        raise DanceNowError(
            f"{path.name} needs {', '.join(unknown)}, which is not supported: {_undo(path, unknown)}."
        )


def _undo(path: Path, unknown: list[str]) -> str:
    """How to make a file that does without some extensions, in one command where there is one."""
    commands = {_UNDO[name] for name in unknown if name in _UNDO}
    if len(commands) != 1 or not set(unknown) <= set(_UNDO):
        return "export it again without (compression off)"
    return f"run npx @gltf-transform/cli {commands.pop()} {path.name} {path.stem}_plain{path.suffix}"
