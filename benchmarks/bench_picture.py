"""Prints how near a character made from one picture comes to the avatar that the picture shows.

    python benchmarks/bench_picture.py [--sheet SHEET.png] [AVATAR ...]

Each avatar (by default the mascot, and Godette and Gene of DANCE_NOW_DATA) is rendered once from the front
at rest: that is the picture. Then it is rendered in poses of motions that were held out, turned by up to 15,
15 to 30, 30 to 60 and up to 180 degrees. What is made of the picture takes the same pose: the joints that the
program found in the picture turn by the same rotations. Rows: a flat puppet that keeps the drawing's lengths
(AnimatedDrawings' method, see picture_puppet.py), the same with limbs foreshortened as they seem to be, and
the character that ``dance-now train PICTURE`` makes. Means of the
score and of the silhouettes' IoU of ``dance-now evaluate``, at 256 px; processor seconds of the rig.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.character.templates.surface import SurfaceArrays, SurfaceDrawing
from dance_now.core.arrays import FloatArray, Image
from dance_now.picture_rig.figure_joints import SIDES, FigureJoints
from dance_now.picture_rig.figure_picture import FigurePicture
from dance_now.picture_rig.figure_rig import rig_figure
from dance_now.picture_rig.outline_joints import outline_joints
from dance_now.picture_rig.rig_bones import STANDING
from dance_now.pose.model.bone_rule import BONE_INDEX, BoneRig
from dance_now.pose.model.keypoints import BODY_INDEX, FACE, hand_slice
from dance_now.pose.model.skeleton import Skeleton
from dance_now.render.avatar.avatar import Avatar
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton
from dance_now.render.avatar.avatar_options import AvatarOptions
from dance_now.render.avatar.mascot import avatar_file
from dance_now.render.camera import Camera
from dance_now.render.face.face_points import face_landmarks, with_observable_expressions
from dance_now.render.renderer import Renderer
from dance_now.render.springs import STILL_STEPS, Springs
from dance_now.synthesis.poses.avatar_poser import AvatarPoser, forward_kinematics
from dance_now.synthesis.poses.motion_library import load_motion_library
from dance_now.synthesis.poses.pose_selection import select_poses
from dance_now.training.metrics.image_metrics import over_grey, score
from dance_now.training.surface.surface_builder import surface_arrays
from figures import record, run_benchmark
from picture_puppet import Puppet

YAWS: Final = {"0 to 15": (0, 15), "15 to 30": (15, 30), "30 to 60": (30, 60), "all around": (0, 180)}
POSES: Final = 6
PICTURE: Final = 1024  # pixels
SIZE: Final = 512
_SEED: Final = 0
_SHEET_POSES: Final = 3

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class View:
    """A true picture and the pose in it.

    Attributes:
        true: (SIZE, SIZE, 4).
        rotations: (47, 3, 3) of the bones, from the pose of the picture.
        trunk: (3,) direction from the hips to the neck.
        hips: (2, 3) middle of the hips at rest and posed, metres.
        camera: of the picture.
    """

    true: Image
    rotations: FloatArray
    trunk: FloatArray
    hips: Points
    camera: Camera


Draw = Callable[[View], Image]


@dataclass(frozen=True, eq=False)
class Rigged:
    """What was made of the picture, in the truth's metres.

    Attributes:
        skeleton: of the character, its own metres.
        arrays: what it draws.
        scale: the truth's metres for one of the character's.
        origin: (3,) where the character's origin is in the truth's frame.
    """

    skeleton: Skeleton
    arrays: SurfaceArrays
    scale: float
    origin: Points

    @classmethod
    def of(cls, vrm: bytes, original: Original, figure: FigurePicture) -> Rigged:
        """Loads the avatar file that was made of an original's picture."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "from_picture.vrm"
            path.write_bytes(vrm)
            avatar = AvatarOptions(has_permission=True).load(path)
        skeleton, arrays = surface_arrays(avatar, face_landmarks(avatar))
        rows = np.flatnonzero(figure.mask.any(axis=1))
        metre = original.cover / PICTURE * figure.to_picture  # of a pixel of the figure
        scale = metre * (rows[-1] + 1 - rows[0]) / STANDING
        # The character's middle is told by its hips, which the rig put where the joints are.
        own = avatar.rest_position("leftUpperLeg")
        joint = figure.picture_points(outline_joints(figure.mask)["left_hip"][None])[0]
        low, high = original.avatar.bounds()
        centre = (low + high) / 2
        place = (
            np.array([joint[0] - PICTURE / 2, PICTURE / 2 - joint[1]]) * original.cover / PICTURE + centre[:2]
        )
        return cls(skeleton, arrays, scale, np.append(place - scale * own[:2], 0.0))

    def keypoints(self, view: View) -> FloatArray:
        """(137, 4) x, y, depth in pixels, confidence, of the character in a view's pose."""
        rig = BoneRig.of(self.skeleton)
        points = forward_kinematics(rig, view.rotations[None], view.trunk[None])[0]
        rest_hips = self.origin + self.scale * self.skeleton.rest[8]
        rest_hips[2] = view.hips[0, 2]  # no picture tells how far in front of its axis a body stands
        turn = view.rotations[BONE_INDEX["hips"]]
        hips = turn @ (rest_hips - view.hips[0]) + view.hips[1]
        seen = view.camera.project(hips + self.scale * points, SIZE)
        face = np.isin(np.arange(len(seen)), np.arange(FACE.start, FACE.stop))
        return np.concatenate([seen, (self.skeleton.known & ~face)[:, None]], axis=1).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Original:
    """An avatar, which is its own truth."""

    avatar: Avatar
    renderer: Renderer
    cover: float

    @classmethod
    def load(cls, path: Path) -> Original:
        """Loads an avatar."""
        avatar = AvatarOptions(has_permission=True).load(avatar_file(path))
        low, high = avatar.bounds()
        return cls(avatar, Renderer(avatar, SIZE), float(1.1 * (high - low).max()))

    def picture(self) -> Image:
        """(PICTURE, PICTURE, 4) the avatar at rest, from the front."""
        low, high = self.avatar.bounds()
        camera = Camera.orbit(0, 0, (low + high) / 2, self.cover)
        return Renderer(self.avatar, PICTURE).render(self.avatar.rest_world, camera)

    def views(self, count: int) -> dict[str, list[View]]:
        """True pictures by how far the trunk is turned."""
        face = face_landmarks(self.avatar)
        avatar = with_observable_expressions(self.avatar, face)
        rig = BoneRig.of(avatar_skeleton(avatar, face))
        generator = np.random.default_rng(_SEED)
        _, test = select_poses(rig, load_motion_library(), round(count / 0.08), generator)
        poser, springs = AvatarPoser(avatar), Springs(avatar)
        found: dict[str, list[View]] = {name: [] for name in YAWS}
        for points, rotations in zip(test.poses.points[:count], test.poses.rotations[:count], strict=True):
            posed = poser.world(points, rotations)
            world = springs.settle(posed, STILL_STEPS)
            hips = np.stack([_middle_of_hips(avatar, avatar.rest_world), _middle_of_hips(avatar, posed)])
            forward = rotations[BONE_INDEX["chest"], :, 2]
            own = np.degrees(np.arctan2(forward[0], forward[2]))
            mesh = np.concatenate([each for each, _ in avatar.mesh_points(world)])
            for name, (least, most) in YAWS.items():
                yaw = generator.uniform(least, most) * generator.choice((-1, 1)) - own
                level = Camera.orbit(yaw, float(generator.uniform(-5, 12)), (0, 0, 0), 1.0)
                seen = mesh @ level.rotation.T
                low, high = seen.min(axis=0), seen.max(axis=0)
                cover = float(1.1 * (high - low)[:2].max())
                camera = Camera(level.rotation, level.rotation.T @ ((low + high) / 2), cover)
                picture = self.renderer.render(world, camera)
                found[name].append(View(picture, rotations, points[1], hips, camera))
        return found


def _middle_of_hips(avatar: Avatar, world: Points) -> Points:
    return np.asarray(np.mean([world[avatar.bones[f"{side}UpperLeg"], :3, 3] for side in SIDES], axis=0))


def puppet_draw(
    figure: FigurePicture, joints: FigureJoints, rigged: Rigged, metres: float, foreshortened: bool
) -> Draw:
    """Drawing by a puppet; ``metres``: of a pixel of the figure."""
    puppet = Puppet.of(figure, joints)

    def draw(view: View) -> Image:
        seen = _joints_seen(rigged.keypoints(view))
        scale = metres * SIZE / view.camera.height
        targets = puppet.targets({name: place[:2] for name, place in seen.items()}, scale, foreshortened)
        moved = puppet.deformed(targets, scale)
        return puppet.draw(moved, {name: float(place[2]) for name, place in seen.items()}, SIZE)

    return draw


def _joints_seen(keypoints: FloatArray) -> dict[str, Points]:
    """Joints of a puppet -> (3,) x, y, depth in a picture."""
    places = keypoints[:, :3].astype(np.float64)
    ears, neck = (places[17] + places[18]) / 2, places[1]
    seen = {"root": places[8], "neck": neck, "chin": neck + 0.3 * (ears - neck)}
    seen["crown"] = ears + (ears - seen["chin"]) * 0.8
    for side in SIDES:
        for limb in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle"):
            seen[f"{side}_{limb}"] = places[BODY_INDEX[f"{side}_{limb}"]]
        seen[f"{side}_hand"] = places[hand_slice(side).start + 12]
    return seen


def rigged_draw(rigged: Rigged) -> Draw:
    """Drawing by the character."""
    drawing = SurfaceDrawing(rigged.skeleton, rigged.arrays)
    return lambda view: drawing.draw(
        rigged.keypoints(view), (0, 0, SIZE, SIZE), screen_height=SIZE, threads=1
    )


def default_avatars() -> list[Path]:
    """The mascot, and what DANCE_NOW_DATA has of the others."""
    folder = Path(os.environ.get("DANCE_NOW_DATA", "")) / "characters"
    return [
        Path("mascot"),
        *(path for name in ("godette", "gene") if (path := folder / f"{name}.vrm").is_file()),
    ]


def main(arguments: Sequence[str]) -> int:
    """Prints the table."""
    words = list(arguments)
    sheet = Path(words.pop(words.index("--sheet") + 1)) if "--sheet" in words else None
    words = [word for word in words if word != "--sheet"]
    rows = ("puppet", "puppet, foreshortened", "ours")
    results: dict[tuple[str, str], list[tuple[float, float]]] = {}
    pictures: list[Image] = []
    for path in [Path(word) for word in words] or default_avatars():
        original = Original.load(path)
        picture = original.picture()
        figure = FigurePicture.of(picture[..., :3], np.asarray(picture[..., 3] / 255, np.float32))
        begun = time.process_time()
        joints = outline_joints(figure.mask)
        vrm = rig_figure(figure, joints, path.stem, "none", "none")
        seconds = time.process_time() - begun
        record(f"{path.stem}: rig", seconds, "s")
        metres = original.cover / PICTURE * figure.to_picture
        rigged = Rigged.of(vrm, original, figure)
        draws = {
            "puppet": puppet_draw(figure, joints, rigged, metres, False),
            "puppet, foreshortened": puppet_draw(figure, joints, rigged, metres, True),
            "ours": rigged_draw(rigged),
        }
        own: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for yaw, views in original.views(POSES).items():
            for number, view in enumerate(views):
                drawn = {name: draw(view) for name, draw in draws.items()}
                for name, image in drawn.items():
                    found = score(image, view.true)
                    own.setdefault((name, yaw), []).append((found.psnr, found.iou))
                if number < _SHEET_POSES:
                    pictures.append(np.concatenate([_shown(view.true), *map(_shown, drawn.values())], axis=1))
        for key, values in own.items():
            results.setdefault(key, []).extend(values)
        print_table(path.stem, own, rows)
        print(f"{'':24s} rig {seconds:.1f} s of the processor")
    print_table("all", results, rows)
    for (name, yaw), values in results.items():
        psnr, iou = np.mean(values, axis=0)
        record(f"{name}: {yaw} degrees", psnr, "dB")
        record(f"{name}: {yaw} degrees, silhouette", iou, "IoU")
    if sheet is not None:
        columns = [np.concatenate(pictures[start::3], axis=0) for start in range(min(3, len(pictures)))]
        cv2.imwrite(str(sheet), cv2.cvtColor(np.concatenate(columns, axis=1), cv2.COLOR_RGB2BGR))
    return 0


def print_table(
    title: str, values: dict[tuple[str, str], list[tuple[float, float]]], rows: Sequence[str]
) -> None:
    """Prints means by yaw."""
    print(f"{title:24s} " + "   ".join(f"{yaw:>12s}" for yaw in YAWS))
    for name in rows:
        means = [np.mean(values[name, yaw], axis=0) for yaw in YAWS]
        print(f"  {name:22s} " + "   ".join(f"{psnr:6.2f} {iou:.3f}" for psnr, iou in means))


def _shown(rgba: Image) -> Image:
    half = cv2.resize(rgba, (SIZE // 2, SIZE // 2), interpolation=cv2.INTER_AREA)
    levels = np.round(255 * over_grey(np.asarray(half, np.uint8))[..., :3])
    return np.asarray(levels, np.uint8)


if __name__ == "__main__":
    run_benchmark(lambda: main(sys.argv[1:]))
