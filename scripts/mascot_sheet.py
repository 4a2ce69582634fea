"""Renders docs/mascot.webp: the mascot from all sides, dancing, and six of her faces."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import Image
from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.avatar.mascot import MASCOT, avatar_file
from dance_now.render.camera import Camera
from dance_now.render.renderer import Renderer
from dance_now.render.springs import Springs

OUTPUT: Final = Path("docs") / "mascot.webp"
GROUND: Final = (246, 244, 250)
FIGURE_SIZE: Final = (600, 330)  # height and width of a figure's tile, pixels
FACE_SIZE: Final = 330
SPRING_STEPS: Final = 40
YAWS: Final = (0.0, -40.0, -90.0, 180.0)
FACES: Final[tuple[tuple[float, dict[str, float]], ...]] = (
    (-22.0, {}),
    (0.0, {"happy": 1.0}),
    (18.0, {"blinkLeft": 1.0, "aa": 0.6}),
    (0.0, {"surprised": 1.0}),
    (-30.0, {"angry": 1.0}),
    (12.0, {"relaxed": 1.0}),
)

Rotation = npt.NDArray[np.float64]
Pose = dict[str, Rotation]
Shot = tuple[Pose, float, dict[str, float]]


def turned(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Rotation:
    """Rotation matrix (3, 3) about z, then x, then y; degrees, in the character frame."""
    result = np.eye(3)
    for axis, degrees in ((2, z), (0, x), (1, y)):
        turn = cv2.Rodrigues(np.radians(degrees) * np.eye(3)[axis])[0]
        result = np.asarray(turn, np.float64) @ result
    return result


def standing() -> Pose:
    """Standing pose: arms hanging a little away from the body."""
    pose: Pose = {}
    for side, sign in (("left", 1.0), ("right", -1.0)):
        pose[f"{side}UpperArm"] = turned(z=-66 * sign)
        pose[f"{side}LowerArm"] = pose[f"{side}Hand"] = turned(x=-14, z=-70 * sign)
    return pose


def dancing() -> tuple[Pose, Pose]:
    """Two dance poses."""
    step = {
        "hips": turned(z=6),
        "spine": turned(z=2),
        "chest": turned(z=-5),
        "upperChest": turned(z=-7),
        "neck": turned(z=2, y=5),
        "head": turned(z=9, y=8),
        "leftUpperArm": turned(z=52),
        "leftLowerArm": turned(z=98),
        "leftHand": turned(z=92),
        "rightUpperArm": turned(z=52),
        "rightLowerArm": turned(z=-50, y=-30),
        "rightHand": turned(z=-50, y=-30),
        "leftUpperLeg": turned(z=4),
        "leftLowerLeg": turned(z=4),
        "rightUpperLeg": turned(x=-55, z=-18),
        "rightLowerLeg": turned(x=42, z=-10),
        "rightFoot": turned(x=48, z=-10),
    }
    swing = {
        "spine": turned(z=-4),
        "chest": turned(z=-8, y=10),
        "upperChest": turned(z=-10, y=16),
        "neck": turned(z=0, y=10),
        "head": turned(z=8, y=4),
        "leftUpperArm": turned(z=-38, y=-10),
        "leftLowerArm": turned(z=35, y=-50),
        "leftHand": turned(z=40, y=-50),
        "rightUpperArm": turned(z=-28),
        "rightLowerArm": turned(z=-68),
        "rightHand": turned(z=-62),
        "leftUpperLeg": turned(z=14, x=-8),
        "leftLowerLeg": turned(z=10, x=10),
        "rightUpperLeg": turned(z=-18, x=-14),
        "rightLowerLeg": turned(z=-8, x=22),
    }
    return step, swing


class SheetRenderer:
    """Renderer of an avatar on a plain background."""

    def __init__(self, avatar: Avatar, size: int) -> None:
        self._avatar, self._size = avatar, size
        self._renderer, self._springs = Renderer(avatar, size, supersampling=3), Springs(avatar)

    def picture(self, pose: Pose, camera: Camera, expressions: dict[str, float]) -> Image:
        """Renders (size, size, 3) with settled hair and cords."""
        world = self._springs.settle(self._avatar.pose(pose), SPRING_STEPS)
        rgba = self._renderer.render(world, camera, expressions).astype(np.float32)
        alpha = rgba[..., 3:] / 255
        ground = np.array(GROUND, np.float32)
        return np.asarray(np.round(rgba[..., :3] * alpha + ground * (1 - alpha)), np.uint8)


def figures(avatar: Avatar) -> Image:
    """Row of whole figures."""
    height, width = FIGURE_SIZE
    sheet_renderer = SheetRenderer(avatar, height)
    low, high = avatar.bounds()
    centre, reach = (0.0, float(low[1] + high[1]) / 2, 0.0), float(high[1] - low[1]) * 1.06
    step, swing = dancing()
    shots: list[Shot] = [(standing(), yaw, {}) for yaw in YAWS]
    shots += [(step, -15.0, {"happy": 1.0}), (swing, 14.0, {"aa": 0.7})]
    tiles = [
        sheet_renderer.picture(pose, Camera.orbit(yaw, 0, centre, reach), face) for pose, yaw, face in shots
    ]
    left = (height - width) // 2
    return np.hstack([tile[:, left : left + width] for tile in tiles])


def faces(avatar: Avatar) -> Image:
    """Row of faces."""
    sheet_renderer = SheetRenderer(avatar, FACE_SIZE)
    centre = avatar.rest_position("head") + np.array([0.0, 0.155, 0.0])
    return np.hstack(
        [sheet_renderer.picture(standing(), Camera.orbit(yaw, 0, centre, 0.56), face) for yaw, face in FACES]
    )


def main() -> int:
    """Command line: writes the sheet."""
    avatar = load_avatar(avatar_file(Path(MASCOT)))
    sheet = np.vstack([figures(avatar), faces(avatar)])
    cv2.imwrite(str(OUTPUT), cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_WEBP_QUALITY, 90])
    sys.stdout.write(f"{OUTPUT.resolve()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
