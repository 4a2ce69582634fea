"""Identity switches of the tracker when people cross and occlude each other.

People cut out of clips, and walking avatars, cross a synthetic room and occlude each other. First the tracker
alone follows their ground-truth keypoints, with noise and without occluded people; then the whole estimator
runs on the images. A changed identity is a swap.

python benchmarks/bench_people.py [WHO WHO ...] [--motion FILE] [--sheet FILE]

WHO is a video of one person, or an avatar, which performs the motion; a repeated video gives a twin in other
colors. The default is the sample clip's person and that person's twin.
"""

from __future__ import annotations

import argparse
import colorsys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, islice, permutations
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np

from dance_now.assets.registry import sample_clip
from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.estimators.blazepose import BlazePose
from dance_now.pose.estimators.multi_person import MultiPersonTracker
from dance_now.pose.formats.pose_overlay import draw_pose
from dance_now.pose.model.affine import to_opencv_affine
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.model.detection import Detection, Person, PersonMask
from dance_now.pose.model.pose import Pose
from dance_now.pose.tracking.reidentification import color_histogram
from dance_now.pose.tracking.tracker import MAX_PEOPLE, Observation, Tracker, pose_box, pose_distance
from dance_now.render.avatar.avatar import load_avatar
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton, place_keypoints
from dance_now.render.camera import Camera
from dance_now.render.renderer import Renderer
from dance_now.synthesis.dataset_renderer import label
from dance_now.synthesis.poses.avatar_poser import AvatarPoser, motion_target, solve_poses
from dance_now.synthesis.poses.motion import Motion, load_motion
from figures import record, run_benchmark

WIDTH: Final = 1280
HEIGHT: Final = 720
FRAMES: Final = 90
CANVAS: Final = 480  # pixels
NOISE: Final = 0.012  # rms error of known keypoints, of the person's height
SHOWN: Final = 0.45  # of a person, from which known keypoints count as seen
MOMENT: Final = 3  # pictures
CLEAR: Final = 0.8  # of a person, from which it can be said who was read
SAME: Final = 0.12  # mean distance of joints, of the extent, up to which a reading is of a person


@dataclass(frozen=True, eq=False)
class Actor:
    """Cut-out person who walks: images (n, 480, 480, 4) and poses in them."""

    pictures: list[Image]
    poses: list[Pose]


@dataclass(frozen=True, eq=False)
class Shot:
    """Ground-truth frame: image, poses, visible masks (H, W), and the visible fraction of each person."""

    image: Image
    poses: list[Pose]
    masks: list[FloatArray]
    shares: list[float]


def actor(path: Path, motion: Motion, yaw: float, steps: int) -> Actor:
    """Renders an avatar that performs a motion, from one side."""
    avatar = load_avatar(path)
    poser, renderer = AvatarPoser(avatar), Renderer(avatar, CANVAS, supersampling=1)
    rig = BoneRig.of(avatar_skeleton(avatar))
    frames = [int(index) for index in np.linspace(0, len(motion.positions) - 1, steps)]
    solved = solve_poses(rig, motion_target(rig, motion, frames, np.zeros((steps, 2, 5, 4), np.float32)))
    low, high = avatar.bounds()
    camera = Camera.orbit(yaw, 5, (low + high) / 2 * [0, 1, 0], 1.25 * float(high[1] - low[1]))
    pictures, poses = [], []
    for points, rotations in zip(solved.points, solved.rotations, strict=True):
        world = poser.world(points, rotations)
        keypoints = place_keypoints(avatar, world, points, None, {})
        pictures.append(renderer.render(world, camera))
        poses.append(label(keypoints, camera, CANVAS, face=None))
    return Actor(pictures, poses)


def cut_out(path: Path, steps: int, twin: bool) -> Actor:
    """Cuts a person out of a clip, every fourth frame; as a twin mirrored and in other colors."""
    estimate, pictures, poses = MultiPersonTracker(BlazePose()), [], []
    with av.open(str(path)) as container:
        for frame in islice(container.decode(video=0), 0, 4 * steps, 4):
            image = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
            if twin:
                image = np.ascontiguousarray(image[:, ::-1])
            found = estimate(image)[0].detection
            alpha = np.clip(2.5 * found.mask.alpha_in(*image.shape[:2]) - 0.75, 0, 1)
            left, top, right, bottom = pose_box(found.pose)
            scale = 0.72 * CANVAS / (bottom - top)
            offset = (CANVAS / 2 - scale * (left + right) / 2, CANVAS * 0.53 - scale * (top + bottom) / 2)
            matrix = to_opencv_affine(np.array([[scale, 0, offset[0]], [0, scale, offset[1]]]))
            if twin:
                image = recolored(image, found.pose)
            rgba = np.dstack([image, np.round(255 * alpha).astype(np.uint8)])
            pictures.append(np.asarray(cv2.warpAffine(rgba, matrix, (CANVAS, CANVAS)), np.uint8))
            poses.append(found.pose.transformed(scale, offset))
    return Actor(pictures, poses)


def recolored(image: Image, pose: Pose) -> Image:
    """Changes all colors but the face's, which detection needs."""
    nose, neck, hip = pose.body[[0, 1, 8], :2]
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    head = np.hypot(x - nose[0], y - nose[1]) < 0.35 * np.hypot(*(hip - neck))
    return np.where(head[..., None], image, image[..., [2, 0, 1]])


def shots(actors: Sequence[Actor], order: Sequence[int]) -> Iterator[Shot]:
    """Frames of all walking to and fro, each at their own pace; ``order`` is from back to front."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    room = np.stack([150 + y // 12, 140 + x // 20, 120 + (x + y) // 25], axis=-1).astype(np.uint8)
    room[::90], room[:, ::160] = 105, 110
    for frame in range(FRAMES):
        image = room.copy()
        poses: list[Pose] = [Pose.empty()] * len(actors)
        masks = [np.zeros((HEIGHT, WIDTH), np.float32) for _ in actors]
        whole = [1.0] * len(actors)
        for place, index in enumerate(order):
            way = (frame / (FRAMES - 1) + 0.21 * index) * (1.0 + 0.2 * index)
            way = abs((way + index % 2) % 2 - 1)  # to the wall and back
            left = int(-40 + (WIDTH - CANVAS + 80) * way)
            top = HEIGHT - CANVAS - 60 + 15 * place
            steps = 2 * len(actors[index].pictures) - 2  # forward and back
            step = min(frame % steps, -frame % steps)
            picture = actors[index].pictures[step]
            columns = slice(max(0, -left), min(CANVAS, WIDTH - left))
            piece = picture[:, columns]
            window = (slice(top, top + CANVAS), slice(left + columns.start, left + columns.stop))
            alpha = piece[..., 3:].astype(np.float32) / 255
            image[window] = np.round(image[window] * (1 - alpha) + piece[..., :3] * alpha)
            for mask in masks:
                mask[window] *= 1 - alpha[..., 0]
            masks[index][window] = alpha[..., 0]
            whole[index] = float(alpha.sum())
            poses[index] = actors[index].poses[step].transformed(1.0, (left, top))
        yield Shot(image, poses, masks, [float(m.sum()) / w for m, w in zip(masks, whole, strict=True)])


def known(shot: Shot, generator: np.random.Generator) -> list[tuple[int, Detection]]:
    """Detections of visible people by an ideal detector with noise, in random order."""
    found = []
    for index in generator.permutation(len(shot.poses)):
        if shot.shares[index] >= SHOWN:
            points = shot.poses[index].points.copy()
            points[:, :2] += generator.normal(0, NOISE * CANVAS, points[:, :2].shape)
            small = cv2.resize(shot.masks[index], (256, 256), interpolation=cv2.INTER_AREA)
            to_picture = np.array([[WIDTH / 256, 0, 0], [0, HEIGHT / 256, 0]], np.float32)
            found.append((int(index), Detection(Pose(points), PersonMask(small, to_picture))))
    return found


def swaps(seen: Sequence[dict[int, int]]) -> tuple[int, int]:
    """Counts lasting identity switches, and images in which an actor has another's identity only briefly.

    Args:
        seen: actor -> identity in each image.
    """
    lasting = brief = 0
    for who in {who for pairs in seen for who in pairs}:
        runs = [
            (name, len(list(same))) for name, same in groupby(pairs[who] for pairs in seen if who in pairs)
        ]
        held = [name for name, _ in groupby(name for name, length in runs if length >= MOMENT)]
        lasting += len(held) - 1
        brief += sum(length for _, length in runs if length < MOMENT)
    return lasting, brief


def match_identities(shot: Shot, people: Sequence[Person]) -> dict[int, int]:
    """Matches actors to identities: actor -> identity of the nearest detection, if enough is visible.

    Where one actor stands before another a detection is ambiguous: the nearest must be clearly nearer than
    the next.
    """
    pairs = {}
    for person in people:
        apart = [pose_distance(pose, person.detection.pose) for pose in shot.poses]
        nearest, following = np.argsort(apart)[:2]
        if apart[nearest] < min(SAME, apart[following] / 2) and shot.shares[nearest] > CLEAR:
            pairs[int(nearest)] = person.identity
    return pairs


def drawn(shot: Shot, people: Sequence[Person]) -> Image:
    """Draws each person's mask and ID in a color of their own."""
    image = shot.image.astype(np.float32)
    for person in people:
        color = np.array(colorsys.hsv_to_rgb(person.identity * 0.29 % 1, 1, 1), np.float32) * 255
        alpha = 0.5 * person.detection.mask.alpha_in(HEIGHT, WIDTH)[..., None]
        image = image * (1 - alpha) + alpha * color
    result = image.astype(np.uint8)
    for person in people:
        result = draw_pose(result, person.detection.pose)
        x, y = person.detection.pose.points[1, :2]
        cv2.putText(result, str(person.identity), (int(x) - 20, int(y)), 0, 2, (255, 255, 255), 6)
    return np.asarray(cv2.resize(result, (WIDTH // 3, HEIGHT // 3), interpolation=cv2.INTER_AREA), np.uint8)


def main() -> None:
    """Command line: prints the counts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("who", type=Path, nargs="*")
    parser.add_argument("--motion", type=Path)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--orders", type=int, default=2)
    arguments = parser.parse_args()
    everybody = arguments.who or [sample_clip()] * 2
    motion = None if arguments.motion is None else load_motion(arguments.motion)
    actors = [
        cut_out(path, 24, path in everybody[:index])
        if motion is None or path.suffix == ".mp4"
        else actor(path, motion, -50 if index % 2 == 0 else 50, 24)
        for index, path in enumerate(everybody)
    ]
    network = BlazePose()
    tiles = []
    for order in list(permutations(range(len(actors))))[: arguments.orders]:
        generator, tracker, people = (
            np.random.default_rng(1),
            Tracker(),
            MultiPersonTracker(network, MAX_PEOPLE),
        )
        by_tracker, by_all, hidden, found, shown = [], [], 0, 0, 0
        for number, shot in enumerate(shots(actors, order)):
            told = known(shot, generator)
            hidden += len(actors) - len(told)
            identities = tracker(
                [Observation(each.pose, color_histogram(shot.image, each)) for _, each in told]
            )
            by_tracker.append({who: name or 0 for (who, _), name in zip(told, identities, strict=True)})
            seen = people(shot.image)
            by_all.append(match_identities(shot, seen))
            found += len(by_all[-1])
            shown += sum(share > CLEAR for share in shot.shares)
            if number % 9 == 4:
                tiles.append(drawn(shot, seen))
        case = "".join(str(each) for each in order)
        swapped = {"tracker": swaps(by_tracker), "estimator": swaps(by_all)}
        for who, (lasting, brief) in swapped.items():
            record(f"order {case}: {who}", lasting, "swaps")
            record(f"order {case}: {who}, for a moment", brief, "readings", "lower")
        record(f"order {case}: found of those that show", 100 * found / max(shown, 1), "%", "higher")
        print(
            f"back to front {order}: (lasting swaps, readings under another's number) of the tracker "
            f"{swapped['tracker']}, {hidden} of {FRAMES * len(actors)} hidden; of the estimator "
            f"{swapped['estimator']}, found {found} of {shown}",
            flush=True,
        )
    if arguments.sheet is not None:
        rows = [np.hstack(tiles[start : start + 5]) for start in range(0, len(tiles), 5)]
        cv2.imwrite(str(arguments.sheet), np.vstack(rows)[..., ::-1])


if __name__ == "__main__":
    run_benchmark(main)
