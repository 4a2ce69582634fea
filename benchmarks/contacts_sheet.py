"""Sheet of contacts: a rendered person, a character that copies the angles, and one that keeps the touch.

One row for each touch of ``touch_poses``, read by the estimator from the rendered image.

python benchmarks/contacts_sheet.py docs/contacts.jpg [--touches chin hips clasped] [--characters godette ...]
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from adult_avatars import adult_avatar
from dance_now.character.character import Character
from dance_now.core.arrays import Image
from dance_now.pose.estimators.estimator_registry import open_estimator
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.retarget.kinematics import CharacterBody
from dance_now.pose.retarget.retargeter import Retargeter
from dance_now.render.avatar.avatar import Avatar
from dance_now.render.camera import Camera
from dance_now.render.renderer import Renderer
from dance_now.synthesis.poses.avatar_poser import AvatarPoser
from touch_poses import TOUCHES, TouchedBody, touching
from twin_scenes import SIZE, figure_layer, over

TILE: Final = 400
_SPAN, _ZOOM, _RAISED = 1.15, 1.55, 0.17  # heights of the person that a picture shows; the upper half of it
_BACKGROUND: Final = np.full((SIZE, SIZE, 3), (206, 214, 220), np.uint8)


def rendered(avatar: Avatar, body: TouchedBody, name: str) -> tuple[Image, Image]:
    """The person, (512, 512, 3): the whole, which the estimator reads, and the upper half."""
    points = CharacterBody(body.skeleton).points(touching(body, name)).astype(np.float32)
    world = AvatarPoser(avatar).world(points, BoneRig.of(body.skeleton).rotations(points))
    low, high = avatar.bounds()
    tall = float(high[1] - low[1])
    legs = [avatar.bones[side + "UpperLeg"] for side in ("left", "right")]
    world[:, :3, 3] += np.array([0, 0.53 * tall, 0]) - world[legs, :3, 3].mean(axis=0)
    renderer = Renderer(avatar, SIZE)
    views = [
        Camera.orbit(12.0, 4.0, np.array([0, (0.5 + up) * tall, 0]), span * tall)
        for up, span in ((0.0, _SPAN), (_RAISED, _SPAN / _ZOOM))
    ]
    whole, near = (over(renderer.render(world, camera), _BACKGROUND) for camera in views)
    return whole, near


def row(avatar: Avatar, body: TouchedBody, name: str, characters: list[Character]) -> Image:
    """Person; copied and held for each character."""
    image, near = rendered(avatar, body, name)
    people = open_estimator(threads=1)(image)
    tiles = [near]
    middle = SIZE / 2 - _ZOOM * SIZE / 2
    offset = (middle, middle + _ZOOM * SIZE * _RAISED / _SPAN)
    for character in characters:
        retarget = Retargeter(character.skeleton, smooth=False, surface=character.body_surface)
        state = retarget.track(people[0].detection.pose, 0.0, (SIZE, SIZE)) if people else None
        for held in (False, True):
            tile = _BACKGROUND.copy()
            if state is not None:
                result = retarget.build(state if held else replace(state, contacts=None))
                pose = result.pose.transformed(_ZOOM, offset)
                tile = over(figure_layer(character, pose, _ZOOM * result.scale), _BACKGROUND)
            label = f"{name}: {'contacts kept' if held else 'angles copied'}"
            cv2.putText(tile, label, (12, 28), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (40, 40, 40), 2, cv2.LINE_AA)
            tiles.append(tile)
    small = [cv2.resize(tile, (TILE, TILE), interpolation=cv2.INTER_AREA) for tile in tiles]
    return np.asarray(np.hstack(small), np.uint8)


def main() -> None:
    """Command line: writes the sheet."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("output", type=Path)
    parser.add_argument("--touches", nargs="+", choices=tuple(TOUCHES), default=["hips", "clasped", "chest"])
    parser.add_argument("--characters", nargs="+", default=["tempo", "uka"])
    arguments = parser.parse_args()
    avatar = adult_avatar("woman")
    body = TouchedBody.of_avatar(avatar)
    characters = [Character.load(name) for name in arguments.characters]
    rows = [row(avatar, body, name, characters) for name in arguments.touches]
    sheet = cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)
    cv2.imwrite(str(arguments.output), sheet, [cv2.IMWRITE_JPEG_QUALITY, 84])


if __name__ == "__main__":
    main()
