"""Detection rate: random views of three adults over crops of real scenes.

Three adults of MakeHuman's proportions (``adult_avatars``) take poses of the motion library before random
cameras, 15 to 95 % of the image's height tall, at random places; of every fourth an edge of the image cuts
off a part, but not the neck. Uka, whose proportions are not an adult's, is reported apart. Each image is a
first look, as a photo.

- found: neck, hips and nose, as far as they are inside the image, are on average within 12 % of the person's
  height: the right person, the right way up.
- error: mean distance of the large joints inside the image from the truth, of the height; "sides free" is the
  same when left and right may be exchanged.

The scenes, and Uka, come from the folder DANCE_NOW_DATA.

python benchmarks/bench_detection.py [--views 221] [--seed 0] [--sheet FILE] [--json FILE]
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from adult_avatars import LOOKS, adult_avatar
from dance_now.core.arrays import FloatArray, Image
from dance_now.media.open_media import open_source
from dance_now.pose.estimators.estimator_registry import open_estimator
from dance_now.pose.formats.pose_overlay import draw_people
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.model.detection import Person
from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton, place_keypoints
from dance_now.render.camera import Camera
from dance_now.render.renderer import Renderer
from dance_now.synthesis.poses.avatar_poser import AvatarPoser, motion_target, solve_poses
from dance_now.synthesis.poses.hand_shapes import random_fingers
from dance_now.synthesis.poses.motion import Motion
from dance_now.synthesis.poses.motion_library import load_motion_library
from figures import Better, record, record_table, run_benchmark

Array = npt.NDArray[np.float64]

_SIZES: Final = ((1280, 720), (720, 1280), (960, 960))
_CANVAS: Final = 1024
_TRIES: Final = 40
_CUT: Final = 4  # of so many views, one is cut by an edge
# Clip, frame, and the part of it without people: left, top, right, bottom, of its width and height.
_SCENES: Final = (
    ("sam2_juggle", 0, (0.0, 0.0, 0.44, 1.0)),
    ("sam2_juggle", 0, (0.68, 0.0, 1.0, 1.0)),
    ("single_cam03", 0, (0.0, 0.0, 1.0, 0.2)),
    ("single_cam03", 0, (0.0, 0.55, 0.45, 1.0)),
    ("single_cam01", 0, (0.55, 0.6, 1.0, 1.0)),
)
_LARGE: Final = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14])
_EXCHANGED: Final = np.array([0, 1, 5, 6, 7, 2, 3, 4, 8, 12, 13, 14, 9, 10, 11])
_CENTRAL: Final = np.array([0, 1, 8])
_FOUND: Final = 0.12
UNITS: Final[dict[str, tuple[str, Better]]] = {
    "views": ("views", "neither"),
    "found": ("share", "higher"),
    "error": ("of the height", "lower"),
    "sides_free": ("of the height", "lower"),
}


@dataclass(frozen=True, eq=False)
class View:
    """Rendered person over a scene.

    Attributes:
        who: the avatar's name.
        image: (H, W, 3) uint8 RGB.
        joints: (25, 2) true body points, pixels.
        height: of the person when standing, pixels.
        cut: whether an edge of the image cuts it.
    """

    who: str
    image: Image
    joints: Array
    height: float
    cut: bool


def performers(data: Path) -> dict[str, Avatar]:
    """The three adults, and Uka."""
    return {name: adult_avatar(name) for name in LOOKS} | {
        "Uka": load_avatar(data / "characters" / "uka_flat.vrm")
    }


def scenes(data: Path) -> list[Image]:
    """Crops of real scenes without people."""
    found = []
    for clip, index, (left, top, right, bottom) in _SCENES:
        with open_source(data / "people" / f"{clip}.mp4") as source:
            image = next(frame.image for frame in source.frames() if frame.index == index)
        height, width = image.shape[:2]
        found.append(
            image[round(top * height) : round(bottom * height), round(left * width) : round(right * width)]
        )
    return found


def views(data: Path, count: int, seed: int) -> Iterator[View]:
    """Random views of adults, and a third as many of Uka."""
    generator = np.random.default_rng(seed)
    motions, backgrounds = load_motion_library(), scenes(data)
    cast = {name: _Performer(avatar) for name, avatar in performers(data).items()}
    turns = list(islice(cycle(LOOKS), count)) + ["Uka"] * (count // len(LOOKS))
    for index, who in enumerate(turns):
        motion = motions[int(generator.integers(len(motions)))]
        frame = int(generator.choice(motion.frames))
        camera = float(generator.uniform(-180, 180)), float(generator.uniform(-10, 35))
        fingers = random_fingers(generator, 1)
        figure, joints, height = cast[who].render(motion, frame, fingers, camera)
        width, tall = _SIZES[int(generator.integers(len(_SIZES)))]
        scene = _background(backgrounds[int(generator.integers(len(backgrounds)))], (width, tall), generator)
        scale = float(generator.uniform(0.15, 0.95)) * tall / height
        cut = index % _CUT == 0
        if cut:
            scale *= 1.6
        for _ in range(_TRIES):
            place = _place(figure, scale, (width, tall), generator, cut)
            neck = joints[1] * scale + place
            if not cut or ((neck > 0) & (neck < (width, tall))).all():
                break
        yield View(who, _composed(scene, figure, scale, place), joints * scale + place, height * scale, cut)


class _Performer:
    """Avatar that is rendered in poses of motions."""

    def __init__(self, avatar: Avatar) -> None:
        self._avatar = avatar
        self._rig = BoneRig.of(avatar_skeleton(avatar))
        self._poser = AvatarPoser(avatar)
        self._renderer = Renderer(avatar, _CANVAS, supersampling=1)
        low, high = avatar.bounds()
        self._tall = float(high[1] - low[1])

    def render(
        self, motion: Motion, frame: int, fingers: FloatArray, camera: tuple[float, float]
    ) -> tuple[Image, Array, float]:
        """RGBA canvas, (25, 2) joints and standing height in its pixels."""
        solved = solve_poses(self._rig, motion_target(self._rig, motion, [frame], fingers))
        world = self._poser.world(solved.points[0], solved.rotations[0])
        keypoints = place_keypoints(self._avatar, world, solved.points[0])
        yaw, pitch = camera
        view = Camera.orbit(yaw, pitch, keypoints[8], 2.2 * self._tall)
        joints = view.project(keypoints[:25], _CANVAS)[:, :2]
        return self._renderer.render(world, view), joints, self._tall * _CANVAS / view.height


def _background(crop: Image, size: tuple[int, int], generator: np.random.Generator) -> Image:
    width, height = size
    scale = max(width / crop.shape[1], height / crop.shape[0])
    scene = cv2.resize(crop, None, fx=scale + 1e-3, fy=scale + 1e-3, interpolation=cv2.INTER_AREA)
    left = int(generator.integers(scene.shape[1] - width + 1))
    top = int(generator.integers(scene.shape[0] - height + 1))
    return np.ascontiguousarray(scene[top : top + height, left : left + width])


def _place(
    figure: Image, scale: float, size: tuple[int, int], generator: np.random.Generator, cut: bool
) -> Array:
    """Translation (2,) of the canvas; inside the image as far as the figure fits, or cut by an edge."""
    left, top, width, height = (each * scale for each in cv2.boundingRect(figure[..., 3]))
    room = np.array([size[0] - width, size[1] - height])
    if cut:  # below or at a side
        below = generator.random() < 0.6
        spare = generator.uniform(0.2, 0.55)
        x = size[0] - (1 - spare) * width if not below else generator.uniform(0, max(room[0], 0))
        y = size[1] - (1 - spare) * height if below else generator.uniform(0, max(room[1], 0))
        if room[0] < 0 and below:
            x = room[0] / 2
        if room[1] < 0 and not below:
            y = max(room[1] / 2, -0.05 * height)
        return np.array([x - left, y - top])
    place = np.where(room > 0, generator.uniform(0, 1, 2) * np.maximum(room, 0), room / 2)
    return np.asarray(place - [left, top])


def _composed(scene: Image, figure: Image, scale: float, place: Array) -> Image:
    height, width = scene.shape[:2]
    premultiplied = np.asarray(cv2.cvtColor(figure, cv2.COLOR_RGBA2mRGBA))
    if scale < 1:  # averaged, as a lens does it
        small = cv2.resize(premultiplied, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        matrix = np.array([[1, 0, place[0]], [0, 1, place[1]]])
    else:
        small, matrix = premultiplied, np.array([[scale, 0, place[0]], [0, scale, place[1]]])
    layer = cv2.warpAffine(small, matrix, (width, height), flags=cv2.INTER_LINEAR).astype(np.float32)
    through = 1 - layer[..., 3:] / 255
    return np.clip(scene * through + layer[..., :3] + 0.5, 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Verdict:
    """What an estimator made of a view; shares of the person's height, infinite where nobody was found."""

    found: bool
    central: float
    error: float
    sides_free: float


def judge(view: View, people: tuple[Person, ...]) -> Verdict:
    """Compares the first person found with the truth."""
    if not people:
        return Verdict(False, np.inf, np.inf, np.inf)
    body = people[0].detection.pose.body[:, :2].astype(np.float64)
    height, width = view.image.shape[:2]
    inside = np.all((view.joints >= 0) & (view.joints < (width, height)), axis=1)

    def distance(rows: npt.NDArray[np.int_], ours: npt.NDArray[np.int_]) -> float:
        use = inside[rows]
        if not use.any():
            return float("inf")
        apart = np.linalg.norm(body[ours[use]] - view.joints[rows[use]], axis=1)
        return float(apart.mean() / view.height)

    central = distance(_CENTRAL, _CENTRAL)
    error = distance(_LARGE, _LARGE)
    return Verdict(central < _FOUND, central, error, min(error, distance(_LARGE, _EXCHANGED)))


def main() -> None:
    """Command line: prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--views", type=int, default=221)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sheet", type=Path, help="image of those that were not found")
    arguments = parser.parse_args()
    estimate = open_estimator(threads=1, hands=False, face=False)
    rows: list[tuple[View, Verdict]] = []
    tiles, spent = [], 0.0
    for view in views(Path(os.environ["DANCE_NOW_DATA"]), arguments.views, arguments.seed):
        estimate.reset()
        begun = time.process_time()
        people = estimate(view.image)
        spent += time.process_time() - begun
        verdict = judge(view, people)
        rows.append((view, verdict))
        if not verdict.found:
            tile = draw_people(view.image, people)
            scale = 240 / max(tile.shape[:2])
            tile = np.asarray(
                cv2.resize(tile, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8
            )
            frame = np.full((244, 244, 3), 255, np.uint8)
            frame[: tile.shape[0], : tile.shape[1]] = tile
            tiles.append(frame)
    table = {}
    adults = [row for row in rows if row[0].who in LOOKS]
    groups = [("adults", adults)]
    groups += [(who, [row for row in rows if row[0].who == who]) for who in (*LOOKS, "Uka")]
    for name, cut in (("whole", False), ("cut", True)):
        groups.append((name, [row for row in adults if row[0].cut == cut]))
    for name, part in groups:
        good = [verdict for _, verdict in part if verdict.found]
        table[name] = {
            "views": len(part),
            "found": len(good) / len(part),
            "error": float(np.median([each.error for each in good])),
            "sides_free": float(np.median([each.sides_free for each in good])),
        }
        print(
            f"{name:6} {len(part):4d} views: found {table[name]['found']:.1%}, median error of these "
            f"{table[name]['error']:.1%}, sides free {table[name]['sides_free']:.1%}"
        )
    wrong = sum(np.isfinite(verdict.central) and not verdict.found for _, verdict in rows)
    print(f"of all: read wrongly {wrong}, nobody found {len(rows) - wrong - sum(v.found for _, v in rows)}")
    print(f"processor time of a first look: {1000 * spent / len(rows):.0f} ms")
    record_table(table, UNITS)
    record("processor time of a first look", 1000 * spent / len(rows), "ms")
    if arguments.sheet and tiles:
        tiles += [np.full_like(tiles[0], 255)] * (-len(tiles) % 7)
        sheet = np.vstack([np.hstack(tiles[start : start + 7]) for start in range(0, len(tiles), 7)])
        cv2.imwrite(str(arguments.sheet), sheet[..., ::-1])


if __name__ == "__main__":
    run_benchmark(main)
