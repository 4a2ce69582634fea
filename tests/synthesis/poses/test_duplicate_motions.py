import numpy as np
from bvh_files import write_bvh

from dance_now.formats3d.motion.bvh_reader import parse_bvh
from dance_now.synthesis.poses.duplicate_motions import group_duplicates
from dance_now.synthesis.poses.motion import Motion


def swinging(name: str, phase: float, frames: int = 30, sway: float = 0.0) -> Motion:
    rows = []
    for frame in range(frames):
        angle = 50 * np.sin(frame / 4 + phase)
        arms = {"LeftArm": (0.0, angle, -70.0 + sway), "RightArm": (0.0, angle, 70.0)}
        rows.append({**arms, "LeftUpLeg": (-angle, 0.0, 0.0), "RightUpLeg": (angle, 0.0, 0.0)})
    return Motion.from_bvh(parse_bvh(write_bvh(rows)), name)


def names(groups: list[list[Motion]]) -> list[list[str]]:
    return [[motion.name for motion in group] for group in groups]


def test_the_same_recording_under_two_names_is_one_group() -> None:
    groups = group_duplicates([swinging("a", 0), swinging("b", 2), swinging("again", 0, sway=4)])
    assert names(groups) == [["a", "again"], ["b"]]


def test_a_frame_more_or_less_does_not_hide_a_double() -> None:
    assert names(group_duplicates([swinging("a", 0), swinging("longer", 0, frames=31)])) == [["a", "longer"]]


def test_clips_of_different_length_are_different() -> None:
    assert len(group_duplicates([swinging("a", 0), swinging("b", 0, frames=60)])) == 2


def test_nothing_gives_nothing() -> None:
    assert group_duplicates([]) == []
