"""OpenPose files for tests."""

import json
from pathlib import Path

import numpy as np

# Down the body: eyes and ears follow the nose, as the reader tells BODY_25 from BODY_25B.
_DOWNWARDS = [0, *range(15, 19), *range(1, 15), *range(19, 25)]


def person(left: float = 100, top: float = 50, width: float = 200, height: float = 600) -> dict:
    """A body whose box is given; one point in three is missing."""
    points = np.zeros((25, 3))
    points[_DOWNWARDS, 0] = left + width * np.linspace(0, 1, 25)
    points[_DOWNWARDS, 1] = top + height * np.linspace(0, 1, 25)
    points[:, 2] = 0.9
    points[1::3] = 0
    return {"pose_keypoints_2d": points.ravel().tolist()}


def write(path: Path, *people: dict, version: float = 1.3) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"version": version, "people": list(people)}))
    return path


def clip(folder: Path, *numbers: int) -> Path:
    """One file a number, whose person stands at the number."""
    for number in numbers:
        write(folder / f"clip_{number:012d}_keypoints.json", person(left=number))
    return folder
