"""Flying hair in mattes: how much of it is removed with the person, in photos and in videos.

A woman of MakeHuman's proportions (``adult_avatars``) whose long hair flies is rendered over crops of real
scenes. The matte is made from her true mask without the hair farther than 3 % of her height from her body,
as a pose network gives it, so that the columns measure the matte alone. Photos know nothing of the scene
behind her. In videos she walks through the scene while her hair swings, and the analysis pass collects the
scene behind her as ``dance`` does.

- hair: share of the pixels of that hair that the hole covers.
- too much: pixels of the scene, farther than 3 % of her height from her, that are removed too, of her area.
- ms: processor time of a matte.

python benchmarks/bench_hair.py [--sheet FILE]
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import cv2
import numpy as np

from adult_avatars import adult_avatar
from bench_detection import scenes
from dance_now.core.arrays import Image
from dance_now.pose.model.detection import Detection, PersonMask
from dance_now.pose.model.pose import Pose
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton
from dance_now.render.camera import Camera
from dance_now.render.renderer import Renderer
from dance_now.scene.background.clean_background import BackgroundCollector, inpainted_background
from dance_now.scene.matting.matte import PersonMatting
from dance_now.synthesis.dataset_renderer import label
from figures import record, run_benchmark

SIDE = 640
SWINGS = (-70.0, -40.0, 40.0, 75.0)
VIDEO_SWINGS = (-60.0, -30.0, 0.0, 30.0, 60.0, 30.0, 0.0, -30.0)  # frame by frame, again and again
VIDEO_FRAMES = 24
VIDEO_WIDTH = 1100
NOISE = 2.0  # levels


class Figure:
    """The woman with her hair swung to one side, and what a network's mask shows of her.

    Attributes:
        whole: (SIDE, SIDE, 4) straight RGBA.
        head: (SIDE, SIDE) her mask without flying hair.
        pose: in pixels of ``whole``.
    """

    def __init__(self, swing: float) -> None:
        avatar = adult_avatar("woman", swing)
        low, high = avatar.bounds()
        camera = Camera.orbit(15, 5, (low + high) / 2 * [0, 1, 1], 1.35 * float(high[1] - low[1]))
        self.whole = Renderer(avatar, SIDE).render(avatar.rest_world, camera)
        bald = Renderer(avatar, SIDE, hide=("long hair",)).render(avatar.rest_world, camera)[..., 3]
        reach = round(0.03 * SIDE / 1.35)
        self.head = np.minimum(
            cv2.dilate(bald, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)),
            self.whole[..., 3],
            dtype=np.uint8,
        )
        self.pose = label(avatar_skeleton(avatar).rest, camera, SIDE, None)

    def detection(self, left: float) -> Detection:
        """As the network would find her, ``left`` pixels from the edge."""
        soft = cv2.GaussianBlur(self.head, (0, 0), 2.5).astype(np.float32) / 255
        small = np.asarray(cv2.resize(soft, (256, 256), interpolation=cv2.INTER_AREA), np.float32)
        points = self.pose.points + np.array([left, 0, 0], np.float32)
        pose = Pose(points, self.pose.depth, self.pose.has_depth)
        return Detection(
            pose, PersonMask(small, np.array([[SIDE / 256, 0, left], [0, SIDE / 256, 0]], np.float32))
        )

    def placed(self, scene: Image, left: int) -> tuple[Image, Image, Image]:
        """Image of her in a scene, and there her mask, with and without the flying hair."""
        image, masks = scene.copy(), np.zeros((2, *scene.shape[:2]), np.uint8)
        alpha = self.whole[..., 3:].astype(np.float32) / 255
        behind = image[:, left : left + SIDE]
        image[:, left : left + SIDE] = (behind * (1 - alpha) + self.whole[..., :3] * alpha).astype(np.uint8)
        masks[:, :, left : left + SIDE] = self.whole[..., 3], self.head
        return image, masks[0], masks[1]


def filled(place: Image, width: int) -> Image:
    """A scene, scaled to (SIDE, width) or more and cut."""
    scale = max(SIDE / place.shape[0], width / place.shape[1]) + 0.01
    scene = cv2.resize(place, None, fx=scale, fy=scale)[:SIDE, :width]
    return np.asarray(scene, np.uint8)


class Scores:
    """Hair that is removed, scene that is removed, and time, frame by frame; and a picture of some."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: list[tuple[float, float, float]] = []
        self.tiles: list[Image] = []

    def add(
        self, matting: PersonMatting, detection: Detection, shown: tuple[Image, Image, Image], tile: bool
    ) -> None:
        """Measures one matte."""
        image, whole, head = shown
        begun = time.process_time()
        hole = matting(image, [detection]).hole > 127
        spent = time.process_time() - begun
        hair = (whole > 127) & ~(cv2.dilate(head, np.ones((9, 9), np.uint8)) > 127)
        reach = round(0.03 * SIDE)
        around = cv2.dilate(whole, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)) > 127
        if np.count_nonzero(hair) > 50:
            covered = (hole & hair).sum() / hair.sum()
            self.rows.append((covered, (hole & ~around).sum() / (head > 127).sum(), 1000 * spent))
        if tile:
            painted = image.copy()
            painted[hole] = (painted[hole] * 0.4 + np.array([255, 40, 200]) * 0.6).astype(np.uint8)
            size = (round(300 * image.shape[1] / SIDE), 300)
            self.tiles.append(np.asarray(cv2.resize(painted, size, interpolation=cv2.INTER_AREA), np.uint8))

    def report(self) -> None:
        """Prints and records the means."""
        hair, excess, milliseconds = np.mean(self.rows, axis=0)
        record(f"{self.name}: hair removed with the person", 100 * hair, "% of it", "higher")
        record(f"{self.name}: scene removed with the person", 100 * excess, "% of her area", "lower")
        record(f"{self.name}: processor", milliseconds, "ms")
        print(
            f"{self.name}, {len(self.rows)} images: hair {hair:.1%} (worst "
            f"{min(row[0] for row in self.rows):.1%}), too much {excess:.1%} (worst "
            f"{max(row[1] for row in self.rows):.1%}), {milliseconds:.0f} ms"
        )


def photos(places: list[Image]) -> Scores:
    """Mattes of single images."""
    scores = Scores("photos")
    for swing in SWINGS:
        figure = Figure(swing)
        for place in places:
            matting = PersonMatting(inpainted_background())
            shown = figure.placed(filled(place, SIDE), 0)
            scores.add(matting, figure.detection(0), shown, tile=True)
    return scores


def videos(places: list[Image]) -> Scores:
    """Mattes of clips whose background has been collected before."""
    scores = Scores("videos")
    figures = {swing: Figure(swing) for swing in set(VIDEO_SWINGS)}
    noise = np.random.default_rng(0)
    for place in places:
        scene = filled(place, VIDEO_WIDTH)
        frames = []
        for index in range(VIDEO_FRAMES):
            figure = figures[VIDEO_SWINGS[index % len(VIDEO_SWINGS)]]
            left = round((VIDEO_WIDTH - SIDE) * index / (VIDEO_FRAMES - 1))
            image, whole, head = figure.placed(scene, left)
            image = np.asarray((image + noise.normal(0, NOISE, image.shape)).clip(0, 255), np.uint8)
            frames.append((figure.detection(left), (image, whole, head)))
        collector = BackgroundCollector(VIDEO_FRAMES)
        for detection, (image, _, _) in frames:
            collector.add(image, [detection])
        matting = PersonMatting(collector.finish())
        for index, (detection, shown) in enumerate(frames):
            scores.add(matting, detection, shown, tile=index == VIDEO_FRAMES // 2)
    return scores


def main() -> None:
    """Command line: prints the means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sheet", type=Path)
    arguments = parser.parse_args()
    places = scenes(Path(os.environ["DANCE_NOW_DATA"]))
    found = [photos(places), videos(places)]
    for scores in found:
        scores.report()
    if arguments.sheet:
        tiles = [tile for scores in found for tile in scores.tiles]
        rows, row = [], tiles[:0]
        for tile in tiles:
            row = [*row, tile]
            if sum(each.shape[1] for each in row) >= 1500:
                rows.append(np.hstack(row)[:, :1500])
                row = []
        cv2.imwrite(str(arguments.sheet), np.vstack(rows)[..., ::-1])


if __name__ == "__main__":
    run_benchmark(main)
