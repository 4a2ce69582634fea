"""Silhouette agreement of a character with its avatar, in poses of real people.

Every frame of each video goes through the estimator and the retargeter; evenly spread frames are rendered by
the character, and from the avatar it was trained on. The avatar is posed from the 137 keypoints alone, so the
first line is a check of its own: the keypoints of the posed avatar must agree with the retargeter's.
Silhouettes are compared as in ``dance_now.training.metrics.image_metrics``.

DANCE_NOW_DATA names the folder with people/ and characters/ that the defaults come from.

python benchmarks/bench_limbs.py [VIDEO ...] [--character godette] [--avatar FILE.vrm] [--sheet worst.png]
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.character.canvas_window import canvas_window
from dance_now.character.character import Character
from dance_now.core.arrays import FloatArray, Image
from dance_now.core.errors import DanceNowError
from dance_now.media.open_media import open_source
from dance_now.pose.estimators.estimator_registry import open_estimator
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.model.keypoints import BODY_NAMES, FACE, FINGERS, POINT_COUNT, hand_slice
from dance_now.pose.model.pose import Pose
from dance_now.pose.retarget.face_rig import FaceRig
from dance_now.pose.retarget.retargeter import Retargeter
from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.camera import Camera
from dance_now.render.face.face_points import face_landmarks
from dance_now.render.renderer import Renderer
from dance_now.render.springs import Springs
from dance_now.synthesis.poses.avatar_poser import AvatarPoser
from dance_now.training.metrics.comparison_sheets import contact_sheet, over_backdrop
from dance_now.training.metrics.image_metrics import Score, score
from figures import record, run_benchmark

VIDEOS = ("sam2_juggle.mp4", "single_cam01.mp4", "single_cam03.mp4")
SIZE = 512
TILE = 320
SPRING_STEPS = 10  # as in the data set
JOINT_BONES = {
    "shoulder": "UpperArm",
    "elbow": "LowerArm",
    "wrist": "Hand",
    "hip": "UpperLeg",
    "knee": "LowerLeg",
    "ankle": "Foot",
    "toe": "Foot",
    "heel": "Foot",
}


@dataclass(frozen=True, eq=False)
class Sample:
    """Retargeted frame of a video.

    Attributes:
        name: video and frame.
        source: (512, 512, 3) canvas region of the frame.
        pose: of the character, in canvas pixels.
        pixels: canvas pixels per metre.
        expressions: weights of the avatar's expressions.
    """

    name: str
    source: Image
    pose: Pose
    pixels: float
    expressions: dict[str, float]


@dataclass(frozen=True, eq=False)
class Compared:
    """Sample rendered by character and avatar.

    Attributes:
        sample: the sample.
        drawn: (512, 512, 4) image of the character.
        rendered: (512, 512, 4) image of the avatar.
        score: of the former against the latter.
        errors: distances of the avatar's keypoints from the retargeted ones, canvas pixels.
    """

    sample: Sample
    drawn: Image
    rendered: Image
    score: Score
    errors: FloatArray


class Reference:
    """Reference renderer: the avatar posed from keypoints alone."""

    def __init__(self, avatar: Avatar, rig: BoneRig) -> None:
        self._avatar, self._rig = avatar, rig
        self._poser = AvatarPoser(avatar)
        self._springs = Springs(avatar)
        self._renderer = Renderer(avatar, SIZE)
        self._face = face_landmarks(avatar)
        self._bones = [keypoint_bone(row) for row in range(POINT_COUNT)]

    def __call__(self, sample: Sample) -> tuple[Image, FloatArray]:
        """Renders (512, 512, 4); also returns the keypoints' distances from the sample's, pixels."""
        pose = sample.pose
        view = np.column_stack([pose.points[:, 0], -pose.points[:, 1], -pose.depth]).astype(np.float32)
        metres = (view - view[8]) / np.float32(sample.pixels)
        posed = self._poser.world(metres, self._rig.rotations(metres))
        camera = self._camera(posed, sample)
        picture = self._renderer.render(self._springs.settle(posed, SPRING_STEPS), camera, sample.expressions)
        mine = camera.project(self._keypoints(posed, sample.expressions), SIZE)
        here = self._rig.skeleton.known & np.isfinite(mine).all(axis=1)
        return picture, np.linalg.norm(mine[here, :2] - pose.points[here, :2], axis=1).astype(np.float32)

    def _camera(self, posed: npt.NDArray[np.float64], sample: Sample) -> Camera:
        """Camera in front that puts the middle of the hips where the sample has it."""
        hips = [posed[self._avatar.bones[f"{side}UpperLeg"], :3, 3] for side in ("left", "right")]
        aside, below = (sample.pose.points[8, :2] - SIZE / 2) / sample.pixels
        return Camera(np.eye(3), np.mean(hips, axis=0) - [aside, -below, 0], SIZE / sample.pixels)

    def _keypoints(
        self, posed: npt.NDArray[np.float64], expressions: dict[str, float]
    ) -> npt.NDArray[np.float64]:
        """Rest keypoints (137, 3) rigidly moved with the avatar's bones; NaN without such a bone."""
        carried = np.full((POINT_COUNT, 3), np.nan)
        for row, bone in enumerate(self._bones):
            if bone in self._avatar.bones:
                node = self._avatar.bones[bone]
                rest = np.append(self._rig.skeleton.rest[row], 1.0)
                carried[row] = (posed[node] @ np.linalg.inv(self._avatar.rest_world[node]) @ rest)[:3]
        carried[1] = (carried[2] + carried[5]) / 2
        carried[8] = (carried[9] + carried[12]) / 2
        if self._face is not None:
            carried[FACE] = self._face.positions(self._avatar, posed, expressions)
        return carried


def keypoint_bone(row: int) -> str:
    """Humanoid bone of a keypoint; of a joint, the one that begins there."""
    for side in ("left", "right"):
        hand = hand_slice(side)
        if row == hand.start:
            return f"{side}Hand"
        if hand.start < row < hand.stop:
            finger, joint = divmod(row - hand.start - 1, 4)
            return side + FINGERS[finger] + ("Proximal", "Intermediate", "Distal", "Distal")[joint]
    side, _, joint_name = BODY_NAMES[row].partition("_") if row < FACE.start else ("", "", "")
    return (
        side + JOINT_BONES[joint_name.split("_")[-1]] if joint_name.split("_")[-1] in JOINT_BONES else "head"
    )


def samples(video: Path, character: Character, wanted: int) -> Iterator[Sample]:
    """Samples evenly spread over a video; every frame is estimated and smoothed."""
    estimate, retarget = open_estimator(), Retargeter(character.skeleton)
    face = FaceRig(character.skeleton)
    with open_source(video) as source:
        total = source.frame_count or wanted
        chosen = set(np.linspace(0, total - 1, min(wanted, total)).round().astype(int).tolist())
        for frame in source.frames():
            people = estimate(frame.image)
            if not people:
                retarget.reset()
                continue
            height, width = frame.image.shape[:2]
            result = retarget(people[0].detection.pose, frame.time, size=(width, height))
            if frame.index not in chosen:
                continue
            window = canvas_window(result.pose, character.skeleton, result.scale)
            scale = SIZE / window.side
            to_canvas = np.array([[scale, 0, -window.left * scale], [0, scale, -window.top * scale]])
            yield Sample(
                f"{video.stem} {frame.index}",
                np.asarray(cv2.warpAffine(frame.image, to_canvas, (SIZE, SIZE)), np.uint8),
                window.to_canvas(result.pose, SIZE),
                scale * result.scale,
                face.weights(result.expression),
            )


def compare(videos: list[Path], character: Character, avatar: Avatar, wanted: int) -> list[Compared]:
    """Compares ``wanted`` frames of some videos."""
    reference = Reference(avatar, BoneRig.of(character.skeleton))
    lengths = []
    for video in videos:
        with open_source(video) as source:
            lengths.append(source.frame_count or 0)
    if not all(lengths):
        raise DanceNowError("A video does not tell how many frames it has.")
    ends = [round(wanted * sum(lengths[: index + 1]) / sum(lengths)) for index in range(len(lengths))]
    compared = []
    for video, share in zip(videos, np.diff([0, *ends]).tolist(), strict=True):
        for sample in samples(video, character, share):
            drawn = character.draw_unchecked(sample.pose)
            rendered, errors = reference(sample)
            compared.append(Compared(sample, drawn, rendered, score(drawn, rendered), errors))
    if not compared:
        raise DanceNowError("Nobody was found in the videos.")
    return compared


def worst_sheet(compared: list[Compared], count: int = 10) -> Image:
    """Sheet of the worst samples: source, character, avatar, silhouettes (red character, blue avatar)."""
    tiles = []
    for each in sorted(compared, key=lambda item: item.score.iou)[:count]:
        drawn, rendered = each.drawn[..., 3] > 127, each.rendered[..., 3] > 127
        difference = np.full((SIZE, SIZE, 3), 255, np.uint8)
        difference[drawn & rendered] = (200, 200, 200)
        difference[drawn & ~rendered] = (220, 30, 30)
        difference[~drawn & rendered] = (30, 60, 220)
        caption = f"{each.sample.name}  IoU {each.score.iou:.3f}"
        row = [each.sample.source.copy(), over_backdrop(each.drawn), over_backdrop(each.rendered), difference]
        cv2.putText(row[3], caption, (8, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.7, (0, 0, 0), 2, cv2.LINE_AA)
        tiles += [
            np.asarray(cv2.resize(tile, (TILE, TILE), interpolation=cv2.INTER_AREA), np.uint8) for tile in row
        ]
    return contact_sheet(tiles, columns=8)


def report(compared: list[Compared]) -> None:
    """Prints the metrics of all samples and of each video."""
    errors = np.concatenate([each.errors for each in compared])
    print(
        f"keypoints of the posed avatar: {np.median(errors):.3f} px off (median), {errors.max():.3f} at most"
    )
    record("keypoints of the posed avatar, median", np.median(errors), "px")
    videos = list(dict.fromkeys(each.sample.name.rsplit(" ", 1)[0] for each in compared))
    for video in ["", *videos]:
        scores = [each.score for each in compared if each.sample.name.startswith(video)]
        iou, psnr = [each.iou for each in scores], [each.psnr for each in scores]
        record(f"{video or 'all'}: silhouette IoU, median", np.median(iou), "IoU")
        record(f"{video or 'all'}: PSNR, median", np.median(psnr), "dB")
        print(
            f"{video or 'all':20s} {len(scores):4d} frames   silhouette IoU median {np.median(iou):.3f}, "
            f"10th percentile {np.percentile(iou, 10):.3f}, least {min(iou):.3f}   "
            f"PSNR median {np.median(psnr):.2f} dB, 10th percentile {np.percentile(psnr, 10):.2f} dB"
        )


def main() -> None:
    """Command line: compares and prints."""
    data = Path(os.environ.get("DANCE_NOW_DATA", "."))
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("videos", nargs="*", type=Path, default=[data / "people" / name for name in VIDEOS])
    parser.add_argument("--character", default="godette", help="name or file")
    parser.add_argument("--avatar", type=Path, default=data / "characters" / "godette.vrm")
    parser.add_argument("--frames", type=int, default=200, help="drawn frames of all videos together")
    parser.add_argument("--sheet", type=Path, help="PNG of the ten worst")
    arguments = parser.parse_args()
    try:
        compared = compare(
            arguments.videos,
            Character.load(arguments.character),
            load_avatar(arguments.avatar),
            arguments.frames,
        )
    except DanceNowError as error:
        raise SystemExit(str(error)) from None
    report(compared)
    if arguments.sheet is not None:
        cv2.imwrite(str(arguments.sheet), cv2.cvtColor(worst_sheet(compared), cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    run_benchmark(main)
