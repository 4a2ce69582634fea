"""GLB writer: glTF 2.0 binary files (.glb, .vrm). Source: glTF 2.0 specification, sections 3.6 and 4."""

from __future__ import annotations

import json
import struct
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import Image

ARRAY_BUFFER: Final = 34962
ELEMENT_BUFFER: Final = 34963
_COMPONENTS: Final = {"float32": 5126, "uint32": 5125, "uint16": 5123, "uint8": 5121}
_TYPES: Final = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4", 16: "MAT4"}


class GlbWriter:
    """GLB writer: collects arrays and images, and the JSON document that refers to them.

    Attributes:
        document: the JSON chunk; accessors, buffer views and images are added here.
    """

    def __init__(self) -> None:
        self.document: dict[str, Any] = {
            "asset": {"version": "2.0"},
            "accessors": [],
            "bufferViews": [],
            "images": [],
        }
        self._binary = bytearray()

    def accessor(self, values: npt.NDArray[Any], target: int | None = None, *, bounds: bool = False) -> int:
        """Accessor of an array, added to the buffer.

        Args:
            values: (n,) or (n, width) of float32, uint32, uint16 or uint8.
            target: what kind of buffer it is for the graphics card.
            bounds: state its minimum and maximum, as the format asks for positions.

        Returns:
            The accessor's index.
        """
        array = np.ascontiguousarray(values).reshape(len(values), -1)
        entry: dict[str, Any] = {
            "bufferView": self._view(array.tobytes(), target),
            "componentType": _COMPONENTS[array.dtype.name],
            "count": len(array),
            "type": _TYPES[array.shape[1]],
        }
        if bounds:
            entry |= {"min": array.min(axis=0).tolist(), "max": array.max(axis=0).tolist()}
        self.document["accessors"].append(entry)
        return len(self.document["accessors"]) - 1

    def sparse(self, count: int, rows: npt.NDArray[np.uint32], values: npt.NDArray[np.float32]) -> int:
        """Sparse accessor of an array (count, 3) that is 0 except in some rows; returns its index.

        Args:
            count: its length.
            rows: (k,) which rows, in order.
            values: (k, 3) float32.
        """
        entry: dict[str, Any] = {"componentType": 5126, "count": count, "type": "VEC3"}
        every = values if len(rows) == count else np.concatenate([values, np.zeros((1, 3), np.float32)])
        low, high = every.min(axis=0), every.max(axis=0)
        if len(rows):
            entry["sparse"] = {
                "count": len(rows),
                "indices": {
                    "bufferView": self._view(rows.astype(np.uint32).tobytes(), None),
                    "componentType": 5125,
                },
                "values": {"bufferView": self._view(np.ascontiguousarray(values).tobytes(), None)},
            }
        entry |= {"min": low.tolist(), "max": high.tolist()}
        self.document["accessors"].append(entry)
        return len(self.document["accessors"]) - 1

    def image(self, name: str, pixels: Image) -> int:
        """Image entry of (H, W, 3 or 4) uint8 RGB or RGBA, stored as PNG; returns its index."""
        order = cv2.COLOR_RGBA2BGRA if pixels.shape[2] == 4 else cv2.COLOR_RGB2BGR
        _, data = cv2.imencode(".png", cv2.cvtColor(pixels, order), [cv2.IMWRITE_PNG_COMPRESSION, 9])
        view = self._view(data.tobytes(), None)
        self.document["images"].append({"name": name, "mimeType": "image/png", "bufferView": view})
        return len(self.document["images"]) - 1

    def to_bytes(self) -> bytes:
        """GLB file of everything added so far."""
        document = self.document | {"buffers": [{"byteLength": len(self._binary)}]}
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
        text += b" " * (-len(text) % 4)
        binary = bytes(self._binary) + b"\0" * (-len(self._binary) % 4)
        head = struct.pack("<4sII", b"glTF", 2, 28 + len(text) + len(binary))
        chunks = (
            struct.pack("<I4s", len(part), kind) + part
            for part, kind in ((text, b"JSON"), (binary, b"BIN\0"))
        )
        return head + b"".join(chunks)

    def _view(self, data: bytes, target: int | None) -> int:
        self._binary += b"\0" * (-len(self._binary) % 4)
        entry = {"buffer": 0, "byteOffset": len(self._binary), "byteLength": len(data)}
        self.document["bufferViews"].append(entry if target is None else entry | {"target": target})
        self._binary += data
        return len(self.document["bufferViews"]) - 1
