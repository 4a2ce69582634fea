"""Reader of text glTF 2.0 (.gltf) with a single buffer: a sibling file or a data URI.

Source: Khronos glTF 2.0 specification, section 3.6.1 (buffers and URIs).
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from dance_now.core.limits import parse_json, read_bounded
from dance_now.formats3d.gltf import MAX_FILE_BYTES, Gltf, MalformedGltfError, check_extensions


def read_text_gltf(path: Path) -> Gltf:
    """Opens a .gltf file.

    Raises:
        DanceNowError: not a glTF, too large, an unsupported required extension, or a buffer that is missing
            or outside the file's folder.
    """
    try:
        document = parse_json(read_bounded(path, MAX_FILE_BYTES), MAX_FILE_BYTES)
    except ValueError as error:
        raise MalformedGltfError(path, f"it is not JSON ({error})") from error
    if not isinstance(document, dict):
        raise MalformedGltfError(path, "it is not a JSON object")
    check_extensions(path, document)
    buffers = document.get("buffers", [])
    if not isinstance(buffers, list) or len(buffers) > 1:
        raise MalformedGltfError(path, "it has more than one buffer; export as a single GLB")
    return Gltf(path, document, _buffer(path, buffers[0]) if buffers else b"")


def _buffer(path: Path, buffer: Any) -> bytes:
    uri = buffer.get("uri") if isinstance(buffer, dict) else None
    if not isinstance(uri, str):
        raise MalformedGltfError(path, "its buffer has no URI")
    if uri.startswith("data:"):
        try:
            return base64.b64decode(uri.partition(",")[2], validate=True)
        except (binascii.Error, ValueError) as error:
            raise MalformedGltfError(path, "its buffer is not base64") from error
    name = unquote(uri)
    # Path traversal: an untrusted file must not refer to files outside its folder.
    if PurePosixPath(name).name != name or "\\" in name or ":" in name or (path.parent / name).is_symlink():
        raise MalformedGltfError(path, "its buffer is outside the file's folder; put it beside the .gltf")
    return read_bounded(path.parent / name, MAX_FILE_BYTES)
