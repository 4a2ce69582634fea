"""Demo on the sample clip: out/demo.mp4, and out/demo.png with six of its frames.

The sheet's rows: the source, the skeleton found in it, the character alone, the character in the
person's place.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now import dance
from dance_now.app.pose_export import write_poses
from dance_now.assets.registry import sample_clip
from dance_now.cli.progress import ProgressBars, set_up_logging
from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.media.open_media import open_source
from dance_now.pose.model.pose import Pose

OUTPUT: Final = Path("out")
MOMENTS: Final = 6
ROWS: Final = ("source", "skeleton", "character", "composite")
TILE_HEIGHT: Final = 300
MARGIN: Final = 0.02


def main() -> int:
    """Command line: writes both files and prints their paths."""
    set_up_logging(verbose=False)
    OUTPUT.mkdir(exist_ok=True)
    video, sheet = OUTPUT / "demo.mp4", OUTPUT / "demo.png"
    clip = sample_clip()
    with ProgressBars() as bars:
        result = dance(clip, output=video, overwrite=True, progress=bars.update)
    with tempfile.TemporaryDirectory(dir=OUTPUT) as folder, ProgressBars() as bars:
        alone = Path(folder) / "alone.mp4"
        dance(clip, output=alone, scene="alone", progress=bars.update)
        poses = write_poses(clip, Path(folder) / "poses", overlay=True, progress=bars.update)
        assert poses.overlay is not None
        write_sheet(sheet, [clip, poses.overlay, alone, video], read_poses(poses.folder))
    rate = result.frames / result.seconds
    sys.stdout.write(f"{result.frames} frames in {result.seconds:.1f} s ({rate:.1f} a second)\n")
    sys.stdout.write(f"the video:   {video.resolve()}\nsix moments: {sheet.resolve()}\n")
    return 0


def read_poses(folder: Path) -> list[Pose]:
    """Reads a folder of OpenPose JSON files, one person in each."""
    texts = [path.read_text() for path in sorted(folder.glob("*_keypoints.json"))]
    return [Pose.from_openpose(json.loads(text)["people"][0]) for text in texts]


def write_sheet(path: Path, videos: list[Path], poses: list[Pose]) -> None:
    """Writes six evenly spread frames side by side, one row per video, cropped to the figures."""
    wanted = [round((moment + 0.5) * len(poses) / MOMENTS) for moment in range(MOMENTS)]
    moments = [images for index, images in enumerate(side_by_side(videos)) if index in wanted]
    height, width = moments[0][0].shape[:2]
    figures = np.zeros((height, width), np.bool_)
    for index, (_, _, alone, _) in zip(wanted, moments, strict=True):
        figures |= alone.min(axis=2) < 200
        points = poses[index].points[poses[index].visible].astype(int)
        figures[points[:, 1].clip(0, height - 1), points[:, 0].clip(0, width - 1)] = True
    cut = cut_around(figures)
    rows = []
    for name, images in zip(ROWS, zip(*moments, strict=True), strict=True):
        tiles = [tile(image[cut]) for image in images]
        row = np.hstack(tiles)
        cv2.putText(row, name, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (255, 255, 255), 4, cv2.LINE_AA)
        cv2.putText(row, name, (8, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (30, 30, 30), 1, cv2.LINE_AA)
        rows.append(row)
    cv2.imwrite(str(path), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))


def side_by_side(videos: list[Path]) -> Iterator[tuple[Image, ...]]:
    """Frames of several videos of the same length, in parallel."""
    with ExitStack() as stack:
        sources = [stack.enter_context(open_source(video)) for video in videos]
        for frames in zip(*(source.frames() for source in sources), strict=True):
            yield tuple(frame.image for frame in frames)


def cut_around(figures: npt.NDArray[np.bool_]) -> tuple[slice, slice]:
    """Bounding rectangle of a mask (H, W), with a margin."""
    height, width = figures.shape
    margin = round(MARGIN * max(height, width))
    rows, columns = np.flatnonzero(figures.any(axis=1)), np.flatnonzero(figures.any(axis=0))
    return (
        slice(max(0, int(rows[0]) - margin), min(height, int(rows[-1]) + margin)),
        slice(max(0, int(columns[0]) - margin), min(width, int(columns[-1]) + margin)),
    )


def tile(image: Image) -> Image:
    """Scales an image to the sheet's row height, with a white border."""
    width = round(image.shape[1] * TILE_HEIGHT / image.shape[0])
    small = cv2.resize(image, (width, TILE_HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.copyMakeBorder(small, 2, 2, 2, 2, cv2.BORDER_CONSTANT, value=(255,) * 3), np.uint8)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DanceNowError as error:
        sys.exit(f"error: {error}")
