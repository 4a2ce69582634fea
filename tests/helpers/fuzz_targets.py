"""Fuzzing targets: for each kind of untrusted file, a reader that gets a spoiled one.

A target is a function that prepares sound files once and returns a case: a random generator and an empty
folder in, the reading of one spoiled file. A case may raise ``DanceNowError``; everything else is a fault.
"""

from __future__ import annotations

import io
import json
import random
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from avatars import build_humanoid
from bvh_files import write_bvh
from fuzz_data_sets import data_sets, layouts
from fuzz_media import pictures, videos
from motion_clips import about, clip_builder, deepmimic_row
from mutations import spoil_bytes, spoil_json, spoil_text
from vmd_files import turn, vmd_bytes, write_smpl

Case = Callable[[random.Random, Path], None]


def split_glb(data: bytes) -> tuple[Any, bytes]:
    """JSON document and binary chunk of a GLB."""
    length = struct.unpack_from("<I", data, 12)[0]
    return json.loads(data[20 : 20 + length]), data[28 + length :]


def join_glb(document: Any, binary: bytes) -> bytes:
    """The GLB of a document and a binary chunk."""
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    binary += b"\0" * (-len(binary) % 4)
    body = (
        struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(binary), b"BIN\0") + binary
    )
    return struct.pack("<4sII", b"glTF", 2, 12 + len(body)) + body


def spoil_glb(chance: random.Random, document: Any, binary: bytes) -> bytes:
    """A GLB whose document, data or container is spoiled."""
    if chance.random() < 0.75:
        document = spoil_json(chance, document)
    if chance.random() < 0.3 and len(binary) > 1:
        binary = spoil_bytes(chance, binary)
    data = join_glb(document, binary)
    return spoil_bytes(chance, data, 200) if chance.random() < 0.1 else data


def avatars() -> Case:
    """VRM 0, VRM 1 and GLB, also without known names: loaded, reported on, posed with springs, drawn."""
    from dance_now.render.avatar.avatar import load_avatar
    from dance_now.render.avatar.avatar_keypoints import avatar_skeleton
    from dance_now.render.avatar.avatar_report import inspect_avatar
    from dance_now.render.camera import Camera
    from dance_now.render.renderer import Renderer
    from dance_now.render.springs import Springs

    seeds = [split_glb(build_humanoid(kind).to_bytes()) for kind in ("vrm0", "vrm1", "glb", "glb", "glb")]
    for number, node in enumerate(seeds[3][0]["nodes"]):  # found by structure
        node["name"] = f"node{number}"
    seeds[4][0]["nodes"][0].update(rotation=[0.7, 0, 0, 0.7], scale=[100, 100, 100])
    seeds[4][0]["nodes"][0].pop("matrix")  # lies, in centimetres

    def use(path: Path, is_drawn: bool) -> None:
        avatar = load_avatar(path)
        _, face = inspect_avatar(avatar)
        avatar_skeleton(avatar, face, ())
        world = Springs(avatar).settle(avatar.pose({}), 2)
        if is_drawn:
            Renderer(avatar, 32).render(world, Camera(np.eye(3), np.array([0.0, 0.8, 0.0]), 2.0))

    def case(chance: random.Random, folder: Path) -> None:
        path = folder / "x.vrm"
        path.write_bytes(spoil_glb(chance, *chance.choice(seeds)))
        use(path, chance.random() < 0.3)

    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:  # compiles what drawing takes
            path = Path(folder) / "x.vrm"
            path.write_bytes(join_glb(*seed))
            use(path, is_drawn=True)
    return case


def motions() -> Case:
    """BVH, VMD, VRMA, glTF, DeepMimic and SMPL motions."""
    from dance_now.synthesis.poses.motion import load_motion

    rows = [{"LeftArm": (0.0, 0.0, -80.0 + degrees)} for degrees in range(6)]
    turns = {"leftUpperArm": [about(2, angle) for angle in (-70.0, -20.0)]}
    texts = {
        ".bvh": write_bvh(rows).encode(),
        ".txt": json.dumps({"Loop": "wrap", "Frames": [deepmimic_row() for _ in range(6)]}).encode(),
    }
    still = (0.0, 0.0, 0.0, 1.0)
    ik = [(0, (0.0, 0.0, 0.0), still), (9, (0.5, 1.0, 0.0), still)]
    arm = [(0, (0.0, 0.0, 0.0), still), (7, (0.0, 0.0, 0.0), turn((0, 0, 1), 40))]
    arrays = io.BytesIO()
    write_smpl(arrays, np.zeros((6, 72)))
    binaries = {
        ".vmd": vmd_bytes({"センター": ik, "左腕": arm, "左足ＩＫ": ik}, without_ik=("右足ＩＫ",)),
        ".npz": arrays.getvalue(),
    }
    glbs = {
        ".vrma": split_glb(clip_builder({"a": turns}, vrma=True).to_bytes()),
        ".glb": split_glb(clip_builder({"a": turns, "b": turns}, interpolation="STEP").to_bytes()),
    }

    def case(chance: random.Random, folder: Path) -> None:
        ending = chance.choice((*texts, *binaries, *glbs))
        path = folder / f"x{ending}"
        if ending in glbs:
            path.write_bytes(spoil_glb(chance, *glbs[ending]))
        elif ending in binaries:
            path.write_bytes(spoil_bytes(chance, binaries[ending]))
        else:
            spoil = spoil_text if chance.random() < 0.8 else spoil_bytes
            path.write_bytes(spoil(chance, texts[ending]))
        load_motion(path)

    return case


def keypoints() -> Case:
    """OpenPose JSON and YAML, read and retargeted to a character, which is drawn on its canvas."""
    from skeletons import chibi_skeleton, posed, posture

    from dance_now.pose.formats.openpose_files import OpenPoseFiles
    from dance_now.pose.retarget.retargeter import Retargeter

    skeleton = chibi_skeleton()
    pose = posed(skeleton, posture(skeleton), scale=300, mid_hip=(300, 350))
    document = {"version": 1.3, "people": [pose.to_openpose(), pose.to_openpose(3)]}
    body = ", ".join(str(value) for value in document["people"][0]["pose_keypoints_2d"][:75])
    text = (
        f"%YAML:1.0\n---\npose_0: !!opencv-nd-matrix\n   sizes: [ 1, 25, 3 ]\n   dt: f\n   data: [ {body} ]\n"
    ).encode()

    def case(chance: random.Random, folder: Path) -> None:
        if chance.random() < 0.2:
            spoil = spoil_text if chance.random() < 0.5 else spoil_bytes
            (folder / "a_000_pose.yml").write_bytes(spoil(chance, text))
        for number in range(chance.choice((1, 3)) if not any(folder.iterdir()) else 0):
            data = json.dumps(spoil_json(chance, document)).encode()
            if chance.random() < 0.15:
                data = spoil_bytes(chance, data)
            (folder / f"a_{number:03d}_keypoints.json").write_bytes(data)
        files = OpenPoseFiles(folder)
        if max(files.size) > 1 << 16:
            raise ValueError(f"a canvas of {files.size}")
        retarget = Retargeter(skeleton)
        for frame in range(min(len(files), 4)):
            for person in files.people(frame):
                retarget(person.pose, frame / 30, size=files.size)

    return case


def characters() -> Case:
    """Character files: loaded, and drawn at a random size."""
    from character_files import content, file_bytes
    from skeletons import chibi_skeleton, posed, posture
    from spoiled_characters import spoil_archive, spoil_arrays, spoil_member, trick_archive

    from dance_now.character.character import Character

    with tempfile.TemporaryDirectory() as folder:
        seed = file_bytes(Path(folder), content())
    spoilers = (
        spoil_archive,
        trick_archive,
        spoil_member("weights.safetensors"),
        spoil_member("character.json"),
    )
    pose = posed(chibi_skeleton(), posture(chibi_skeleton()), scale=250, mid_hip=(256, 330))

    def case(chance: random.Random, folder: Path) -> None:
        path = folder / "x.dance"
        path.write_bytes(chance.choice((*spoilers, spoil_arrays, spoil_arrays))(chance, seed))
        character = Character.load(path)
        if chance.random() < 0.3:
            character.draw(pose)

    return case


def kernel() -> Case:
    """What the drawing kernel gets besides a file: poses that no body takes, sizes, scales and windows."""
    from skeletons import chibi_skeleton, posed, posture

    from dance_now.character.character import Character
    from dance_now.pose.model.pose import Pose

    characters = [Character.load(name, threads=threads) for name, threads in (("tempo", 1), ("tempo", 2))]
    skeleton = chibi_skeleton()
    sound = posed(skeleton, posture(skeleton), scale=200, mid_hip=(200, 250))
    extremes = (0.0, -1.0, 1e-30, 1e6, -1e9, 3e38, -3e38, 0.5)

    def case(chance: random.Random, folder: Path) -> None:
        points, depth = sound.points.copy(), sound.depth.copy()
        for _ in range(chance.choice((0, 1, 5, 60))):
            row = chance.randrange(len(points))
            points[row, chance.randrange(2)] = chance.choice((*extremes, chance.gauss(0, 300)))
            depth[row] = chance.choice((*extremes, chance.gauss(0, 300)))
        if chance.random() < 0.2:
            points[:] = points[chance.randrange(len(points))]  # a body without any length
        pose = Pose(points, depth, np.full(len(depth), chance.random() < 0.9))
        size = (chance.choice((1, 2, 17, 100, 300)), chance.choice((1, 3, 64, 200)))
        character = chance.choice(characters)
        kind = chance.random()
        if kind < 0.4:
            drawn = character.draw_unchecked(pose, size)
            assert drawn.shape == (size[1], size[0], 4)
        elif kind < 0.5:
            character.draw(pose, size)
        else:
            scale = chance.choice((1e-6, 0.1, 50.0, 200.0, 5000.0, 1e9))
            for figure in character.draw_figure(pose, scale, size, detail=chance.random() < 0.3):
                assert figure.pixels.dtype == np.uint8

    return case


TARGETS: Final[dict[str, Callable[[], Case]]] = {
    "avatars": avatars,
    "characters": characters,
    "data_sets": data_sets,
    "kernel": kernel,
    "keypoints": keypoints,
    "layouts": layouts,
    "motions": motions,
    "pictures": pictures,
    "videos": videos,
}
