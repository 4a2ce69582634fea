"""Converts version-1 character files, which carried an ONNX program, to arrays of the ``points`` template.

Only the programs that shipped are known: the graph's tensors are read by their names, and names mean
something only in a graph whose nodes are exactly those. No graph is run.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dance_now.character.character_file import (
    TEMPLATES,
    CharacterCard,
    CharacterFile,
    parse_card,
    write_character_file,
)
from dance_now.character.safetensors_file import AnyArray
from dance_now.character.templates.points_arrays import DECODER, PATCH_EDGE, PointsArrays
from dance_now.core.atomic_write import check_target
from dance_now.core.errors import DanceNowError, MissingExtraError

_CARD, _GRAPH, _PREVIEW = "character.json", "generator.onnx", "preview.png"
_SIZE_LIMITS: Final = {_CARD: 1 << 20, _GRAPH: 64 << 20, _PREVIEW: 8 << 20}
_MOST_VALUES: Final = 1 << 25  # of a tensor
_INFLUENCES: Final = 8
# SHA-256 of the nodes of the graphs that shipped; these differ in how the exporter numbered two of them.
_KNOWN_NODES: Final = (
    "3feb37eee5898e8471d753aa5bd981e8378b56018155c2fdc3402fcb393c3f78",
    "5cb122c87aad9d6936575f4fdc24d6d0ddafb33935537ec98407c87b43b9f88d",
)
# Names of what the exporter worked out of the network's own tensors.
_POSITIONS, _SKIN, _SHADES, _FEATURES, _COLORS = "t", "t_1", "t_2", "t_3", "t_4"  # all (k, N)
_LIGHT, _THRESHOLD = "unsqueeze_42", "select_38"
_POSE_BASIS, _POSE_CONSTANT = "slice_18", "select_35"
_HALF_SOFTNESS, _TWICE_INNER = "val_647", "val_988"
_SMOOTHING: Final = "generator.smoothing.kernel"


def convert(old: Path, new: Path, *, overwrite: bool = False) -> CharacterCard:
    """Writes a version-1 file of a points network as version 2.

    Args:
        old: the file to read.
        new: the file to write.
        overwrite: replace an existing file.

    Returns:
        The new file's card.

    Raises:
        DanceNowError: no such file, no version-1 file, damaged, one whose program is not known, or the new
            file exists.
        MissingExtraError: the package ``onnx`` is not installed.
    """
    check_target(new, frozenset({old}), overwrite)
    content = read_v1(old)
    write_character_file(new, content)
    return content.card


def read_v1(path: Path) -> CharacterFile:
    """A version-1 file's content in today's form; raises as ``convert`` does."""
    members = _read_members(path)
    try:
        card, checksums = _parse_v1_card(members[_CARD], path)
        for name in (_GRAPH, _PREVIEW):
            if checksums.get(name) != hashlib.sha256(members[name]).hexdigest():
                raise ValueError(f"{name} does not match its checksum")
        arrays = arrays_of_graph(_tensors(members[_GRAPH], path))
        arrays.check()
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise DanceNowError(f"{path} is damaged or no version-1 character file ({error}).") from error
    return CharacterFile(card, arrays.to_file(), members[_PREVIEW])


def _read_members(path: Path) -> dict[str, bytes]:
    try:
        if not path.is_file():
            raise DanceNowError(f"There is no character file {path}.")
        if path.stat().st_size > sum(_SIZE_LIMITS.values()):
            raise DanceNowError(f"{path} is larger than a character file can be.")
        with zipfile.ZipFile(path) as archive:
            if sorted(archive.namelist()) != sorted(_SIZE_LIMITS):
                raise DanceNowError(f"{path} is no version-1 character file.")
            return {name: _read_member(archive, name, path) for name in _SIZE_LIMITS}
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, ValueError) as error:
        raise DanceNowError(f"{path} is no character file or is damaged ({error}).") from error


def _read_member(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    with archive.open(name) as member:
        data = member.read(_SIZE_LIMITS[name] + 1)  # not the size in the header, which may lie
    if len(data) > _SIZE_LIMITS[name]:
        raise DanceNowError(f"{path}: {name} is larger than {_SIZE_LIMITS[name] >> 20} MB.")
    return data


def _parse_v1_card(data: bytes, path: Path) -> tuple[CharacterCard, dict[str, Any]]:
    old = json.loads(data)
    if old["schema"] != 1:
        raise ValueError("it is not of version 1")
    new = {**old, "schema": 2, "template": "points", "template_version": TEMPLATES["points"]}
    if "extent" in old:
        new["bounds"] = new.pop("extent")
    return parse_card(json.dumps(new).encode(), path)


def _tensors(data: bytes, path: Path) -> dict[str, AnyArray]:
    """The graph's initialisers by name, in single precision where they were stored in half."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
        from onnx import numpy_helper
    except ImportError as error:
        raise MissingExtraError("onnx", "train") from error
    try:
        graph = onnx.load_model_from_string(data).graph
    except DecodeError as error:
        raise ValueError("the graph is malformed") from error
    digest = hashlib.sha256()
    for node in graph.node:
        digest.update(repr((node.op_type, list(node.input), list(node.output))).encode())
    if digest.hexdigest() not in _KNOWN_NODES:
        raise DanceNowError(
            f"{path}: only the characters that came with dance-now can be converted; train others again."
        )
    found = {}
    for tensor in graph.initializer:
        if tensor.HasField("data_location") or np.prod(tensor.dims, dtype=object) > _MOST_VALUES:
            raise ValueError(f"{tensor.name} lies outside the file or is too large")
        found[tensor.name.removesuffix("_half")] = numpy_helper.to_array(tensor)
    return found


def arrays_of_graph(tensors: Mapping[str, AnyArray]) -> PointsArrays:
    """The arrays of a known graph's tensors.

    Raises:
        KeyError: a tensor is missing.
        ValueError: a tensor is of another shape, or not what it should be.
    """
    own = {name.removeprefix("generator."): array for name, array in tensors.items()}
    bones, weights = _influences(tensors[_SKIN].T)
    count, moving = len(weights), own["morphs"].shape[1] // 3
    positions = own["morphs"].reshape(-1, 3, moving).transpose(0, 2, 1)  # x of all points came first
    tangents = own["turns"].reshape(-1, 2, 3, moving).transpose(0, 3, 1, 2)
    taps = tensors[_SMOOTHING].reshape(4, 4, 4, 4, 3, 3)[0, 3, 0]  # of the lower right pixel of the four
    decoder = {}
    for layer in DECODER:
        dtype = np.float32 if layer.name == "narrow" else np.float16
        decoder[f"{layer.name}.weight"] = own[f"decoder.{layer.module}.weight"].astype(dtype)
        decoder[f"{layer.name}.bias"] = own[f"decoder.{layer.module}.bias"].astype(np.float32)
    single: dict[str, Any] = {
        "light": np.append(tensors[_LIGHT], tensors[_THRESHOLD]),
        "positions": tensors[_POSITIONS].T,
        "pose_basis": np.concatenate([tensors[_POSE_BASIS], tensors[_POSE_CONSTANT][None]]),
        "softness": 2 * tensors[_HALF_SOFTNESS].reshape(1),
        "inner": tensors[_TWICE_INNER].reshape(1) / 2,
        "smoothing": np.array([taps[3, 1, 1], taps[2, 1, 1], taps[0, 1, 1]]),
    }
    half: dict[str, Any] = {
        "tangents": own["frame"].transpose(2, 0, 1),
        "weights": weights,
        "colors": tensors[_COLORS].T,
        "shades": tensors[_SHADES].T,
        "features": tensors[_FEATURES].T,
        "opacities": own["opacity"],
        "shapes": np.concatenate([positions[:, :, None], tangents], axis=2),
        "face_solve": own["face_solve"].T.reshape(-1, 70, 3),
    }
    return PointsArrays(
        **_stored(single, np.float32),
        **_stored(half, np.float16),
        bones=bones,
        two_sided=own["two_sided"].astype(np.uint8),
        pyramid=own["surface.pyramid"],
        relief=own["surface.height"].reshape(count, PATCH_EDGE, PATCH_EDGE),
        decoder=decoder,
    )


def _stored(arrays: dict[str, Any], dtype: npt.DTypeLike) -> dict[str, Any]:
    return {name: np.ascontiguousarray(array, dtype) for name, array in arrays.items()}


def _influences(skin: AnyArray) -> tuple[AnyArray, AnyArray]:
    """Bones and weights (N, 8) of dense weights (N, 47), the strongest first; unused bones are 0."""
    order = np.argsort(-skin, axis=1, kind="stable")[:, :_INFLUENCES]
    weights = np.take_along_axis(skin, order, 1)
    if np.count_nonzero(weights) != np.count_nonzero(skin):
        raise ValueError(f"a point hangs on more than {_INFLUENCES} bones")
    return np.where(weights > 0, order, 0).astype(np.uint8), weights
