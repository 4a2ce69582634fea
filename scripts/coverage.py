"""Plots the coverage of limb directions in a data set: docs/coverage.png, with and without procedural poses.

Each pair of discs is the sphere of directions of one limb in its joint's frame, in an equal-area projection,
from the front and from behind; up is up, and right arms and legs are mirrored onto the left.

python scripts/coverage.py
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.pose.model.adult_skeleton import adult_skeleton
from dance_now.pose.model.bone_rule import BONE_INDEX, BoneRig, unit
from dance_now.synthesis.poses.avatar_poser import SolvedPoses
from dance_now.synthesis.poses.motion_library import load_motion_library
from dance_now.synthesis.poses.pose_selection import select_poses

OUTPUT: Final = Path(__file__).parents[1] / "docs" / "coverage.png"
POSES: Final = 4000
_RADIUS: Final = 74
_CELLS: Final = 30  # across a disc
_ROWS: Final = 16  # of cells of equal area, from pole to pole; twice as many around
# Limb: bone of the reference frame, and its ends' rows in BODY_25, left then right.
LIMBS: Final = {
    "upper arm, from the chest": ("chest", ((5, 6), (2, 3))),
    "forearm, from the chest": ("chest", ((6, 7), (3, 4))),
    "thigh, from the pelvis": ("hips", ((12, 13), (9, 10))),
    "shank, from the pelvis": ("hips", ((13, 14), (10, 11))),
}

Array = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]


def main() -> None:
    """Command line: selects poses as ``dance-now render`` does and plots both rows."""
    rig = BoneRig.of(adult_skeleton())
    train, _ = select_poses(rig, load_motion_library(), POSES, np.random.default_rng(0))
    made_up = np.array([name.startswith("procedural") for name in train.names])
    rows = [
        _row("motions alone", _only(train.poses, ~made_up)),
        _row("with made-up poses", train.poses),
    ]
    cv2.imwrite(str(OUTPUT), np.concatenate(rows))


def _only(poses: SolvedPoses, rows: npt.NDArray[np.bool_]) -> SolvedPoses:
    return SolvedPoses(poses.points[rows], poses.rotations[rows])


def directions(poses: SolvedPoses, frame: str, ends: tuple[tuple[int, int], ...]) -> Array:
    """Limb directions (2 n, 3) of both sides, left-up-front of a bone; the right side's mirrored."""
    found = []
    for sign, (start, end) in zip((1, -1), ends, strict=True):
        world = unit(poses.points[:, end] - poses.points[:, start])
        local = np.einsum("nji,nj->ni", poses.rotations[:, BONE_INDEX[frame]], world)
        found.append(local * (sign, 1, 1))
    return np.concatenate(found)


def covered(vectors: Array) -> float:
    """Covered share of the sphere's cells, about 11 degrees wide."""
    row = np.clip(((vectors[:, 1] + 1) / 2 * _ROWS).astype(int), 0, _ROWS - 1)
    turn = np.arctan2(vectors[:, 0], vectors[:, 2]) / (2 * np.pi) + 0.5
    column = np.clip((turn * 2 * _ROWS).astype(int), 0, 2 * _ROWS - 1)
    return len(np.unique(row * 2 * _ROWS + column)) / (2 * _ROWS * _ROWS)


def _row(title: str, poses: SolvedPoses) -> Picture:
    panels = []
    for name, (frame, ends) in LIMBS.items():
        vectors = directions(poses, frame, ends)
        share = covered(vectors)
        print(f"{title}, {len(poses.points)} poses, {name}: {share:.0%} of all directions")
        discs = [_disc(vectors, side) for side in (1, -1)]
        panel = np.concatenate(
            [_captioned(disc, word) for disc, word in zip(discs, ("front", "back"), strict=True)], 1
        )
        panels.append(_headed(panel, f"{name}: {100 * share:.0f} %"))
    return _headed(np.concatenate(panels, axis=1), f"{title} ({len(poses.points)} poses)", 0.6)


def _disc(vectors: Array, side: int) -> Picture:
    """Density plot of one hemisphere (Lambert's azimuthal projection)."""
    half = vectors[vectors[:, 2] * side > 0]
    scale = np.sqrt(1 / (1 + np.abs(half[:, 2])))[:, None]
    # the character's left is on the right of who looks at its front, and on the left of who stands behind
    plane = half[:, :2] * scale * (side, -1)
    cells = np.clip(((plane + 1) / 2 * _CELLS).astype(int), 0, _CELLS - 1)
    counts = np.zeros((_CELLS, _CELLS))
    np.add.at(counts, (cells[:, 1], cells[:, 0]), 1)
    level = np.log1p(counts) / np.log1p(60)
    shade = (255 - 225 * np.clip(level, 0, 1)).astype(np.uint8)
    size = 2 * _RADIUS
    picture = cv2.resize(shade, (size, size), interpolation=cv2.INTER_NEAREST)
    colored = np.stack([np.full_like(picture, 255) - (255 - picture) // 3, picture, picture], axis=-1)
    inside = np.zeros((size, size), np.uint8)
    cv2.circle(inside, (_RADIUS, _RADIUS), _RADIUS - 1, 1, -1)
    colored[inside == 0] = 255
    cv2.circle(colored, (_RADIUS, _RADIUS), _RADIUS - 1, (120, 120, 120), 1, cv2.LINE_AA)
    return colored.astype(np.uint8)


def _captioned(disc: Picture, word: str) -> Picture:
    framed = cv2.copyMakeBorder(disc, 4, 22, 8, 8, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    _write(framed, word, (_RADIUS - 14, framed.shape[0] - 7), 0.42)
    return np.asarray(framed, np.uint8)


def _headed(picture: Picture, text: str, size: float = 0.46) -> Picture:
    framed = cv2.copyMakeBorder(picture, 26, 0, 4, 4, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    _write(framed, text, (10, 19), size)
    return np.asarray(framed, np.uint8)


def _write(picture: cv2.typing.MatLike, text: str, place: tuple[int, int], size: float) -> None:
    cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, size, (40, 40, 40), 1, cv2.LINE_AA)


if __name__ == "__main__":
    main()
