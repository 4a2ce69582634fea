"""Comparison of the pose estimator with MediaPipe Holistic 0.10.21 on the same frames.

The reference is written once, in an environment of its own (mediapipe wants numpy < 2):

    python3.11 -m venv mp && mp/bin/pip install mediapipe==0.10.21 av
    PYTHONPATH=src mp/bin/python benchmarks/compare_holistic.py reference reference.npz VIDEO ...

and then compared in ours, which prints the table in benchmarks/README.md:

    python benchmarks/compare_holistic.py compare reference.npz VIDEO ...
"""

from __future__ import annotations

import argparse
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray, Image
from dance_now.media.video.video_source import VideoSource
from dance_now.pose.model.keypoints import BODY_INDEX, FACE, LEFT_HAND, RIGHT_HAND

EVERY = 5  # frames: all are shown, so that both follow the person; each fifth is compared
VISIBLE = 0.5
PARTS = {"body": 33, "left_hand": 21, "right_hand": 21, "face": 468}  # mediapipe's numbers of points
SMOOTHING = {"smoothed": True, "raw": False}  # mediapipe's body landmarks, its option smooth_landmarks
HAND_SQUARE = 224  # pixels, of the hand network's input
EYES = slice(36, 48)  # of FACE_70: ours come from the iris network, theirs from the mesh


def frames(video: Path) -> Iterator[tuple[Image, bool]]:
    """Upright frames of a video, RGB, and whether each is to be compared."""
    source = VideoSource(video)
    for frame in source.frames():
        yield frame.image, frame.index % EVERY == 0


def checksum(image: Image) -> int:
    """Checksum that verifies that both environments decoded the same image."""
    return zlib.crc32(image.tobytes())


def write_reference(target: Path, videos: list[Path]) -> None:
    """Writes MediaPipe Holistic's results on the videos, with and without its smoothing."""
    from mediapipe.python.solutions.holistic import Holistic

    arrays: dict[str, npt.NDArray[Any]] = {}
    for video in videos:
        for smoothing, smooth in SMOOTHING.items():
            kept: dict[str, list[Any]] = {part: [] for part in (*PARTS, "checksum")}
            with Holistic(model_complexity=1, smooth_landmarks=smooth) as holistic:
                for image, compared in frames(video):
                    result = holistic.process(image)
                    if compared:
                        kept["checksum"].append(checksum(image))
                        for part, count in PARTS.items():
                            name = "pose_landmarks" if part == "body" else f"{part}_landmarks"
                            kept[part].append(_landmarks(getattr(result, name), count, image))
            for part, values in kept.items():
                arrays[f"{video.stem}/{smoothing}/{part}"] = np.array(values)
            print(f"{video.name}, {smoothing}: {len(kept['body'])} frames")
    np.savez_compressed(target, **arrays)  # type: ignore[arg-type]


def _landmarks(found: Any, count: int, image: Image) -> FloatArray:
    """Landmarks (count, 3): x and y in pixels, visibility; NaN where the part was not found."""
    if found is None:
        return np.full((count, 3), np.nan, np.float32)
    height, width = image.shape[:2]
    rows = [(point.x * width, point.y * height, point.visibility) for point in found.landmark]
    return np.array(rows, np.float32)


@dataclass
class Distances:
    """Distances of both estimators in one video, in % of the size of the body part."""

    body: list[FloatArray] = field(default_factory=list)
    hands: list[float] = field(default_factory=list)
    hands_aligned: list[float] = field(default_factory=list)  # without mediapipe's half pixel
    face: list[float] = field(default_factory=list)
    only_theirs: int = 0  # hands that only mediapipe sees
    only_ours: int = 0


def compare(reference: Path, videos: list[Path]) -> None:
    """Compares and prints the table."""
    with np.load(reference) as file:
        arrays = dict(file)
    titles = ["Video", "Holistic", "Body", "Body frames", "Hands", "Median", "Aligned"]
    titles += ["Both", "Only theirs", "Only ours", "Face", "Face frames"]
    print("|", " | ".join(titles), "|")
    print("|---" * len(titles) + "|")
    for video in videos:
        ours = _ours(video, arrays[f"{video.stem}/raw/checksum"])
        for smoothing in SMOOTHING:
            theirs = {part: arrays[f"{video.stem}/{smoothing}/{part}"] for part in PARTS}
            print("|", " | ".join([video.stem, smoothing, *_cells(_distances(ours, theirs))]), "|")


def _ours(video: Path, checksums: npt.NDArray[np.int64]) -> FloatArray:
    """Our keypoints (N, 137, 3) on the frames to compare; NaN where nobody is found."""
    from dance_now.pose.estimators.estimator_registry import open_estimator

    estimate = open_estimator()
    poses: list[FloatArray] = []
    for image, compared in frames(video):
        people = estimate(image)
        if compared:
            if checksum(image) != checksums[len(poses)]:
                raise SystemExit(f"{video}: frame {len(poses) * EVERY} was decoded differently there")
            nobody = np.full((137, 3), np.nan, np.float32)
            poses.append(people[0].detection.pose.points if people else nobody)
    return np.array(poses)


def _distances(ours: FloatArray, theirs: dict[str, FloatArray]) -> Distances:
    """Distances of our keypoints (N, 137, 3) and their parts, (N, points, 3) each."""
    distances = Distances()
    for frame, pose in enumerate(ours):
        _add_body(distances, pose, theirs["body"][frame])
        _add_hand(distances, pose[LEFT_HAND], theirs["left_hand"][frame])
        _add_hand(distances, pose[RIGHT_HAND], theirs["right_hand"][frame])
        _add_face(distances, pose[FACE], theirs["face"][frame])
    return distances


def _add_body(distances: Distances, pose: FloatArray, body: FloatArray) -> None:
    """Body distance in % of the visible height from nose to feet, of points visible in both."""
    from dance_now.pose.estimators.blazepose import BODY_LANDMARKS

    ours = pose[[BODY_INDEX[name] for name in BODY_LANDMARKS]]
    theirs = body[list(BODY_LANDMARKS.values())]
    seen = (ours[:, 2] > VISIBLE) & (theirs[:, 2] > VISIBLE)
    if seen.any():
        distances.body.append(_apart(ours, theirs)[seen] / np.ptp(body[:, 1]) * 100)


def _add_hand(distances: Distances, ours: FloatArray, theirs: FloatArray) -> None:
    """Hand distance in % of the diagonal of the hand's bounding box."""
    here, there = bool((ours[:, 2] > VISIBLE).all()), bool(np.isfinite(theirs).all())
    distances.only_ours += here and not there
    distances.only_theirs += there and not here
    if here and there:
        size = np.hypot(*np.ptp(theirs[:, :2], axis=0)) / 100
        distances.hands.append(float(_apart(ours, theirs).mean() / size))
        distances.hands_aligned.append(float(_apart(ours, _aligned(theirs)).mean() / size))


def _aligned(hand: FloatArray) -> FloatArray:
    """Their hand without the half-pixel offset of its crop.

    For OpenCV's warps, which MediaPipe calls, (0, 0) is the centre of the first pixel; MediaPipe means its
    corner, both in the picture and in the square. That moves the square's contents by half a pixel of the
    one less half a pixel of the other.
    """
    from dance_now.pose.networks.blazehand import region_from_hand

    matrix = region_from_hand(hand[:, :2]).to_image(HAND_SQUARE)
    moved = hand.copy()
    moved[:, :2] += 0.5 - matrix[:, :2].sum(axis=1) / 2
    return moved


def _add_face(distances: Distances, ours: FloatArray, theirs: FloatArray) -> None:
    """Face distance in % of the interocular distance, without the eyes."""
    from dance_now.pose.networks.facemesh import face_points

    if np.isfinite(theirs).all() and (ours[:, 2] > VISIBLE).all():
        points = face_points(theirs)
        size = np.hypot(*(points[36:42, :2].mean(axis=0) - points[42:48, :2].mean(axis=0))) / 100
        distances.face.append(float(np.delete(_apart(ours[: len(points)], points), EYES).mean() / size))


def _apart(ours: FloatArray, theirs: FloatArray) -> FloatArray:
    return np.linalg.norm(ours[:, :2] - theirs[:, :2], axis=1)


def _cells(distances: Distances) -> list[str]:
    def percent(value: float) -> str:
        return f"{value:.2f} %"

    hands = distances.hands or [np.nan]
    summary = [np.mean(hands), np.median(hands), np.mean(distances.hands_aligned or [np.nan])]
    return [
        percent(float(np.concatenate(distances.body).mean())) if distances.body else "-",
        str(len(distances.body)),
        *(percent(float(value)) if distances.hands else "-" for value in summary),
        str(len(distances.hands)),
        str(distances.only_theirs),
        str(distances.only_ours),
        percent(float(np.mean(distances.face))) if distances.face else "-",
        str(len(distances.face)),
    ]


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=("reference", "compare"))
    parser.add_argument("file", type=Path, help="the reference, .npz")
    parser.add_argument("videos", type=Path, nargs="+")
    arguments = parser.parse_args()
    step = write_reference if arguments.step == "reference" else compare
    step(arguments.file, arguments.videos)


if __name__ == "__main__":
    main()
