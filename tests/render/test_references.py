"""Pictures of the mascot are what they were, on every machine: within 2 levels on 99.9 % of the pixels.

Run this file to draw the stored pictures anew after a change that is meant to show.
"""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.avatar.mascot import MASCOT, avatar_file
from dance_now.render.camera import Camera
from dance_now.render.renderer import Renderer
from dance_now.render.springs import Springs

FOLDER = Path(__file__).parent / "references"
SIZE = 160
# name: degrees by which each bone is turned about z, camera's yaw and pitch, what it looks at, expressions
VIEWS: dict[str, tuple[dict[str, float], tuple[float, float], tuple[float, float], dict[str, float]]] = {
    "whole": ({"leftUpperArm": -70, "rightUpperArm": 60}, (0, 0), (0.75, 1.7), {}),
    "behind": ({"spine": 15, "head": -20, "leftUpperArm": 60}, (150, 20), (0.75, 1.9), {}),
    "face": ({"head": 8}, (30, -5), (1.22, 0.6), {"aa": 0.8, "lookLeft": 0.7, "blinkRight": 0.4}),
}


def rendered(avatar: Avatar, name: str) -> npt.NDArray[np.uint8]:
    turns, (yaw, pitch), (middle, height), expressions = VIEWS[name]
    rotations = {}
    for bone, degrees in turns.items():
        cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        rotations[bone] = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    world = Springs(avatar).settle(avatar.pose(rotations), 10)
    return Renderer(avatar, SIZE).render(world, Camera.orbit(yaw, pitch, (0, middle, 0), height), expressions)


@pytest.fixture(scope="module")
def mascot() -> Avatar:
    return load_avatar(avatar_file(Path(MASCOT)))


@pytest.mark.parametrize("name", VIEWS)
def test_pictures_are_what_they_were(mascot: Avatar, name: str) -> None:
    stored = cv2.imread(str(FOLDER / f"{name}.png"), cv2.IMREAD_UNCHANGED)
    assert stored is not None
    picture = cv2.cvtColor(rendered(mascot, name), cv2.COLOR_RGBA2BGRA)
    apart = np.abs(picture.astype(int) - stored).max(axis=2)
    assert (apart <= 2).mean() >= 0.999


def _store() -> None:
    FOLDER.mkdir(exist_ok=True)
    avatar = load_avatar(avatar_file(Path(MASCOT)))
    for name in VIEWS:
        cv2.imwrite(str(FOLDER / f"{name}.png"), cv2.cvtColor(rendered(avatar, name), cv2.COLOR_RGBA2BGRA))


if __name__ == "__main__":
    _store()
