"""Builds the motion library that ships, synthesis/poses/motions.npz, from freely licensed recordings.

The recordings are in motions/ of the folder DANCE_NOW_DATA; T-poses and duplicates are left out.

python scripts/motion_library.py
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from dance_now.synthesis.poses.duplicate_motions import group_duplicates
from dance_now.synthesis.poses.motion import Motion, load_motions, motion_files
from dance_now.synthesis.poses.motion_library import (
    LIBRARY_FILE,
    LibraryMotion,
    load_motion_library,
    write_motion_library,
)

FRAME_RATE: Final = 30.0
SHORTEST: Final = 0.5  # seconds
_CMU: Final = (
    "CMU Graphics Lab Motion Capture Database, mocap.cs.cmu.edu, created with funding from NSF EIA-0196217; "
    "free for all uses, not to be resold as such"
)
CREDITS: Final = {
    "cmu_bvh": _CMU,
    "cmu_amc2bvh": _CMU,
    "cmu_actions": _CMU,
    "deepmimic": "DeepMimic, (c) 2018 Xue Bin Peng, github.com/xbpeng/DeepMimic; MIT",
    "ual_cc0": "Universal Animation Library by Quaternius, quaternius.com; CC0 1.0",
    "vrma": "three-vrm and ChatVRM, (c) pixiv Inc., github.com/pixiv; MIT",
}


def main() -> None:
    """Command line: writes the library and prints its size."""
    root = Path(os.environ["DANCE_NOW_DATA"]) / "motions"
    credit = {
        motion.name: line
        for name, line in CREDITS.items()
        for motion in load_motions(motion_files(root / name))
    }
    motions = load_motions([path for name in CREDITS for path in motion_files(root / name)])
    kept = [max(group, key=_seconds) for group in group_duplicates(motions)]
    kept = [motion for motion in kept if _seconds(motion) >= SHORTEST]
    write_motion_library(
        LIBRARY_FILE, [LibraryMotion(motion, credit[motion.name]) for motion in kept], FRAME_RATE
    )
    seconds = sum(_seconds(motion) for motion in load_motion_library())
    size = LIBRARY_FILE.stat().st_size
    print(f"{len(kept)} of {len(motions)} motions, {seconds / 60:.1f} minutes, {size} bytes")


def _seconds(motion: Motion) -> float:
    return len(motion.frames) * motion.frame_time


if __name__ == "__main__":
    main()
