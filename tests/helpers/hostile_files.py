"""Files that claim more than they hold: each took gigabytes or minutes of some reader, or could."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from avatars import GlbBuilder, build_humanoid
from PIL import Image

Builder = Callable[[], bytes]


def png_chunk(kind: bytes, data: bytes, length: int | None = None) -> bytes:
    """A PNG chunk; ``length`` is what it claims instead of its own."""
    claimed = len(data) if length is None else length
    return struct.pack(">I", claimed) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int, bits: int = 8, color: int = 2) -> bytes:
    """Signature and IHDR."""
    size = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", size)


def blank_png(width: int, height: int, bits: int = 8, channels: int = 3) -> bytes:
    """A sound PNG, all black (and clear)."""
    row = b"\0" + bytes(width * bits * channels // 8)
    squeezer = zlib.compressobj(9)
    data = b"".join(squeezer.compress(row) for _ in range(height)) + squeezer.flush()
    color = {1: 0, 3: 2, 4: 6}[channels]
    return png_header(width, height, bits, color) + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def long_chunk_png() -> bytes:
    return png_header(64, 48) + struct.pack(">I", 0x7FFFFFFF) + b"IDAT" + b"x" * 20


def two_headers_png() -> bytes:
    second = png_header(30_000, 30_000)[8:]
    data = zlib.compress((b"\0" + bytes(64 * 3)) * 48)
    return png_header(64, 48) + second + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def long_text_png() -> bytes:
    """A compressed text of 2 GB in a chunk beside the picture."""
    squeezer = zlib.compressobj(9)
    text = b"".join(squeezer.compress(bytes(1 << 20)) for _ in range(2000)) + squeezer.flush()
    data = zlib.compress((b"\0" + bytes(64 * 3)) * 48)
    chunks = (png_chunk(b"zTXt", b"a\0\0" + text), png_chunk(b"IDAT", data), png_chunk(b"IEND", b""))
    return png_header(64, 48) + b"".join(chunks)


def gif(width: int, height: int, frames: int = 2) -> bytes:
    """A GIF whose frames cover one pixel of a large canvas."""
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    screen = struct.pack("<HHBBB", width, height, 0x80, 0, 0)
    return b"GIF89a" + screen + bytes(6) + frame * frames + b"\x3b"


def growing_gif() -> bytes:
    """A second frame far larger than the canvas."""
    first = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    second = b"\x2c" + struct.pack("<HHHHB", 0, 0, 30_000, 30_000, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", 64, 48, 0x80, 0, 0) + bytes(6) + first + second + b"\x3b"


def _riff(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def webp(canvas: tuple[int, int], second: tuple[int, int] | None, frame: tuple[int, int]) -> bytes:
    """An animated WebP: its canvas, that of a second header, and the size that its frames claim."""

    def size(pair: tuple[int, int]) -> bytes:
        return b"".join(struct.pack("<I", side - 1)[:3] for side in pair)

    inner = io.BytesIO()
    Image.new("RGB", (64, 64), (90, 90, 90)).save(inner, "WEBP")
    still = inner.getvalue()[12:]
    parts = _riff(b"VP8X", bytes([2, 0, 0, 0]) + size(canvas)) + _riff(b"ANIM", bytes(6))
    if second is not None:
        parts += _riff(b"VP8X", bytes([2, 0, 0, 0]) + size(second))
    parts += 2 * _riff(b"ANMF", bytes(6) + size(frame) + b"\x64\0\0\0" + still)
    return _riff(b"RIFF", b"WEBP" + parts)


def growing_apng() -> bytes:
    """An animated PNG whose second frame is compressed from 30000x30000 pixels."""
    control = struct.pack(">IIIIIHHBB", 0, 64, 48, 0, 0, 1, 10, 0, 0)
    data = zlib.compress((b"\0" + bytes(64 * 3)) * 48)
    larger = struct.pack(">IIIIIHHBB", 1, 30_000, 30_000, 0, 0, 1, 10, 0, 0)
    return (
        png_header(64, 48)
        + png_chunk(b"acTL", struct.pack(">II", 2, 0))
        + png_chunk(b"fcTL", control)
        + png_chunk(b"IDAT", data)
        + png_chunk(b"fcTL", larger)
        + png_chunk(b"fdAT", struct.pack(">I", 2) + data)
        + png_chunk(b"IEND", b"")
    )


def avatar_of_targets() -> bytes:
    """30,000 vertices, drawn three times, with 1000 morph targets that share one array."""
    builder, count = build_humanoid("vrm1"), 30_000
    places = builder.accessor(np.random.default_rng(0).normal(size=(count, 3)).astype(np.float32))
    joints, weights = np.zeros((count, 4), np.uint8), np.tile(np.eye(4, dtype=np.float32)[0], (count, 1))
    attributes = {"POSITION": places, "NORMAL": places}
    attributes |= {"JOINTS_0": builder.accessor(joints), "WEIGHTS_0": builder.accessor(weights)}
    primitive = {
        "attributes": attributes,
        "indices": builder.accessor(np.arange(count, dtype=np.uint32)),
        "material": 0,
        "targets": [{"POSITION": places, "NORMAL": places}] * 1000,
    }
    builder.document["meshes"][0]["primitives"] = [primitive] * 3
    return builder.to_bytes()


def avatar_of_textures(size: int = 2048, copies: int = 1) -> bytes:
    """63 images of one color: on one buffer view, or on a copy each."""
    builder = build_humanoid("vrm1")
    encoded = io.BytesIO()
    Image.new("RGB", (size, size), (9, 9, 9)).save(encoded, "PNG", optimize=True)
    views = [builder.view(encoded.getvalue()) for _ in range(copies)]
    builder.document["images"] = [{"bufferView": views[place % copies]} for place in range(63)]
    builder.document["textures"] = [{"source": place} for place in range(63)]
    builder.document["materials"] = [
        {"pbrMetallicRoughness": {"baseColorTexture": {"index": place}}} for place in range(63)
    ]
    return builder.to_bytes()


def avatar_of_colliders() -> bytes:
    """12,000 colliders, named 12,000 times by one group of springs."""
    builder = build_humanoid("vrm0")
    springs = builder.document["extensions"]["VRM"]["secondaryAnimation"]
    springs["colliderGroups"] = [{"node": 0, "colliders": [{"radius": 1}] * 12_000}]
    springs["boneGroups"][0]["colliderGroups"] = [0] * 12_000
    return builder.to_bytes()


def avatar_of_spring_groups() -> bytes:
    """20,000 groups of springs over 20,000 nodes."""
    builder = build_humanoid("vrm0")
    nodes = builder.document["nodes"]
    nodes += [{}] * (19_900 - len(nodes))
    springs = builder.document["extensions"]["VRM"]["secondaryAnimation"]
    springs["boneGroups"] = [{"bones": [1]}] * 20_000
    return builder.to_bytes()


def avatar_of_bones() -> bytes:
    """19,000 bones that no humanoid has."""
    builder = build_humanoid("vrm1")
    nodes = builder.document["nodes"]
    first = len(nodes)
    nodes += [{}] * (19_000 - first)
    bones = builder.document["extensions"]["VRMC_vrm"]["humanoid"]["humanBones"]
    bones.update({f"b{node}": {"node": node} for node in range(first, 19_000)})
    return builder.to_bytes()


def avatar_of_lists(count: int = 1_600_000) -> bytes:
    """A JSON chunk of small lists; 22 million make 66 MB."""
    builder = build_humanoid("vrm1")
    builder.document["x"] = "@"
    return replace_json(builder.to_bytes(), b'"@"', b"[" + b"[]," * count + b"[]]")


def replace_json(glb: bytes, old: bytes, new: bytes) -> bytes:
    """Replaces text in the JSON chunk of a GLB."""
    length = struct.unpack_from("<I", glb, 12)[0]
    text = glb[20 : 20 + length].replace(old, new)
    text += b" " * (-len(text) % 4)
    body = struct.pack("<I4s", len(text), b"JSON") + text + glb[20 + length :]
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def avatar_of_copies() -> bytes:
    """One mesh of 900 vertices, shown by 19,000 nodes."""
    builder = build_humanoid("vrm1")
    places = builder.accessor(np.random.default_rng(0).normal(size=(900, 3)).astype(np.float32))
    builder.document["meshes"].append({"primitives": [{"attributes": {"POSITION": places}, "material": 0}]})
    builder.document["nodes"] += [{"mesh": 1}] * (19_000 - len(builder.document["nodes"]))
    return builder.to_bytes()


def avatar_of_joints() -> bytes:
    """A skin of two million joints, which is one node again and again."""
    builder = build_humanoid("glb")
    skin: dict[str, Any] = builder.document["skins"][0]
    skin["joints"] += [0] * 2_000_000
    del skin["inverseBindMatrices"]
    return builder.to_bytes()


def avatar_of_empty_arrays() -> bytes:
    """Arrays without data, four million elements each, as the indices of 3000 primitives."""
    builder = build_humanoid("vrm1")
    builder.document["accessors"].append({"componentType": 5121, "count": 4_000_000, "type": "SCALAR"})
    mesh = builder.document["meshes"][0]
    primitive = mesh["primitives"][0] | {"indices": len(builder.document["accessors"]) - 1}
    mesh["primitives"] = [primitive] * 3000
    return builder.to_bytes()


def motion_of_lists() -> bytes:
    builder = GlbBuilder()
    builder.document["x"] = "@"
    return replace_json(builder.to_bytes(), b'"@"', b"[" + b"[]," * 1_600_000 + b"[]]")


def long_bvh() -> bytes:
    """5 MB of frames of a skeleton without limbs."""
    header = "HIERARCHY\nROOT Hips\n{\nOFFSET 0 0 0\nCHANNELS 1 Xrotation\nEnd Site\n{\nOFFSET 0 1 0\n}\n}\n"
    return (header + "MOTION\nFrames: 1000000\nFrame Time: 0.01\n" + "0\n" * 1_000_000).encode()


def person(points: int, far: float) -> dict[str, Any]:
    """A person of OpenPose's JSON whose points lie on a line to ``far``."""
    line = [value for place in range(points) for value in (far * (place + 1) / points, far / 2, 0.9)]
    return {"pose_keypoints_2d": line}


def far_keypoints() -> bytes:
    return json.dumps({"version": 1.3, "people": [person(25, 9000.0)]}).encode()


def keypoints_of_lists() -> bytes:
    return b'{"people": [' + b"[]," * 1_600_000 + b"[]]}"


def keypoints_yaml() -> bytes:
    numbers = b"0 " * 2_400_000
    sizes = b"sizes: [ 2400000, 1, 1 ]"
    return b"%YAML:1.0\n---\na: !!opencv-nd-matrix\n   " + sizes + b"\n   data: [ " + numbers + b"]\n"


def points_of_zeros() -> bytes:
    """An npz of 480 MB of zeros."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("position", "patches"):
            data = io.BytesIO()
            np.lib.format.write_array_header_1_0(
                data, {"descr": "<f4", "fortran_order": False, "shape": (20_000_000, 3)}
            )
            archive.writestr(f"{name}.npy", data.getvalue() + bytes(240_000_000))
    return packed.getvalue()


def character_of_zeros() -> bytes:
    """A character file whose arrays are 90 MB of zeros."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("character.json", "{}")
        archive.writestr("weights.safetensors", bytes(90 << 20))
        archive.writestr("preview.png", b"\x89PNG\r\n\x1a\n")
    return packed.getvalue()


def data_set_of_lists() -> bytes:
    return b'{"skeleton": [' + b"[]," * 1_600_000 + b"[]]}"


HARMLESS: dict[str, Builder] = {
    ".png": lambda: blank_png(64, 48),
    ".gif": lambda: gif(64, 48),
    ".webp": lambda: webp((64, 64), None, (64, 64)),
    ".vrm": lambda: build_humanoid("vrm1").to_bytes(),
    ".glb": lambda: build_humanoid("glb").to_bytes(),
    ".vrma": lambda: GlbBuilder().to_bytes(),
    ".bvh": lambda: long_bvh().replace(b"1000000", b"2")[:200],
    "_keypoints.json": lambda: json.dumps({"version": 1.3, "people": [person(25, 700.0)]}).encode(),
    "_pose.yml": lambda: keypoints_yaml().replace(b"2400000", b"1")[:90],
    ".npz": lambda: b"PK",
    ".dance": lambda: b"PK",
    "dataset.json": lambda: b"{}",
}
"""A small file of each kind, by ending: what reading one takes is no fault of the hostile ones."""

FILES: dict[str, Builder] = {
    "long_chunk.png": long_chunk_png,
    "two_headers.png": two_headers_png,
    "long_text.png": long_text_png,
    "wide.png": lambda: blank_png(2_000_000, 1),
    "large_8_bit.png": lambda: blank_png(10_000, 10_000),
    "large_16_bit.png": lambda: blank_png(10_000, 10_000, 16),
    "large_rgba_16_bit.png": lambda: blank_png(9_000, 9_000, 16, 4),
    "canvas_16000.gif": lambda: gif(16_000, 16_000),
    "canvas_9990.gif": lambda: gif(9_990, 9_990),
    "growing.gif": growing_gif,
    "second_header.webp": lambda: webp((16, 16), (64, 64), (64, 64)),
    "canvas_16000.webp": lambda: webp((16_000, 16_000), None, (64, 64)),
    "growing_animation.png": growing_apng,
    "targets.vrm": avatar_of_targets,
    "textures.vrm": avatar_of_textures,
    "texture_copies.vrm": lambda: avatar_of_textures(8192, 8),
    "colliders.vrm": avatar_of_colliders,
    "spring_groups.vrm": avatar_of_spring_groups,
    "bones.vrm": avatar_of_bones,
    "lists.vrm": avatar_of_lists,
    "lists_of_66_mb.vrm": lambda: avatar_of_lists(22_000_000),
    "mesh_copies.vrm": avatar_of_copies,
    "joints.glb": avatar_of_joints,
    "empty_arrays.vrm": avatar_of_empty_arrays,
    "lists.vrma": motion_of_lists,
    "long.bvh": long_bvh,
    "far_keypoints.json": far_keypoints,
    "lists_keypoints.json": keypoints_of_lists,
    "rows_pose.yml": keypoints_yaml,
    "points.npz": points_of_zeros,
    "zeros.dance": character_of_zeros,
    "dataset.json": data_set_of_lists,
}
"""Builder of each file by its name, whose ending says how to read it."""


def read(path: Path) -> None:
    """Reads a file as the program does, by its ending: at most nine frames, an avatar with its face."""
    name = path.name
    if name.endswith((".png", ".gif", ".webp", ".jpg", ".mp4")):
        from dance_now.media.open_media import open_source

        with open_source(path) as source:
            for frame in source.frames():
                if frame.index >= 8:
                    break
    elif name.endswith((".vrm", ".glb")):
        from dance_now.render.avatar.avatar import load_avatar

        load_avatar(path).bounds()
    elif name.endswith((".vrma", ".bvh")):
        from dance_now.synthesis.poses.motion import load_motion

        load_motion(path)
    elif name.endswith((".yml", "keypoints.json")):
        from dance_now.app.dance import dance

        dance(path, "tempo", path.with_suffix(".out.png"), scene="alone", overwrite=True)
    elif name.endswith(".npz"):
        from dance_now.synthesis.surface.surface_points import MeshPoints

        MeshPoints.load(path)
    elif name.endswith(".dance"):
        from dance_now.character.character import Character

        Character.load(path)
    else:
        from dance_now.training.character_card import Rights, dataset_card

        dataset_card(path.parent, "x", Rights("CC0", "me"))
