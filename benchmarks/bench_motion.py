"""Prints how true, how calm and how late a character's limbs are, live and for files.

People whose pose is known move before cameras of known place; a made-up detector with stated errors (see
``made_up_people.Noise``) looks at them. "raw" is the detector's word with its depth scaled as well as one
factor can, live is the retargeter frame by frame, file is the whole clip read first.

- limbs: angle in degrees between true and drawn direction, in three dimensions, of trunk, upper arms,
forearms,
  thighs and shins, by camera: median, 90th percentile, and the share of those more than 60 degrees off.
- still: a person who stands, 12 s without the first two, before three cameras. Rms of the drawn joints about
  their mean, and from frame to frame, in pixels of a person 480 pixels tall; raw are the same directions
  without smoothing.
- fast: a kick and a wave. Delay in ms, and how far of the way to its peak the limb comes.
- slow: somebody who sways 4 % of the height to each side within 4 s, as a whole or leaning over the feet,
  which is to be told from noise. Delay, and the share of the way that is shown, both against the same
  without smoothing.
- height: an adult's figure as drawn over the person as seen, from ears to soles.
- CPU: ms a frame.

DANCE_NOW_DATA names the folder with motions/.

python benchmarks/bench_motion.py [--seconds 6] [--motions cmu_05_02 ...]
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.character.character import Character
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.model.vectors import normalised
from dance_now.pose.retarget.clip_motion import read_clip
from dance_now.pose.retarget.kinematics import CharacterBody, Posture
from dance_now.pose.retarget.retargeter import Retargeted, Retargeter
from dance_now.synthesis.poses.motion import load_motions
from made_up_people import (
    RATE,
    SIZE,
    TYPICAL_FACTOR,
    Noise,
    View,
    adult,
    detected,
    estimated,
    performed,
    posed,
    seen,
)

Array = npt.NDArray[np.float64]

MOTIONS: Final = ("cmu_02_05", "cmu_02_10", "cmu_05_02", "cmu_05_10", "cmu_05_12", "cmu_16_16")
VIEWS: Final = {
    "level": View(20, 0),
    "above 15": View(20, 15),
    "above 28": View(20, 28),
    "below 12": View(-20, -12),
    "side": View(90, 5),
    "close": View(10, 15, distance=1.8, height=620),
}
LIMBS: Final = np.array([(8, 1), (2, 3), (5, 6), (3, 4), (6, 7), (9, 10), (12, 13), (10, 11), (13, 14)])
JOINTS: Final = [2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14]
SWAY, SWAY_SECONDS = 0.04, 4.0
STILL_SECONDS: Final = 12.0
Way = Callable[[Skeleton, list[Pose]], list[Retargeted]]


def unsmoothed(skeleton: Skeleton, poses: list[Pose]) -> list[Retargeted]:
    """Live, but without its filters."""
    retarget = Retargeter(skeleton)
    return [retarget.build(retarget.read(pose, index / RATE, SIZE)) for index, pose in enumerate(poses)]


def live(skeleton: Skeleton, poses: list[Pose]) -> list[Retargeted]:
    """Frame by frame."""
    retarget = Retargeter(skeleton)
    return [retarget(pose, index / RATE, size=SIZE) for index, pose in enumerate(poses)]


def file(skeleton: Skeleton, poses: list[Pose]) -> list[Retargeted]:
    """The whole clip first."""
    retarget = Retargeter(skeleton)
    readings = read_clip(retarget, poses, [index / RATE for index in range(len(poses))], SIZE)
    return [retarget.build(reading) for reading in readings if reading is not None]


WAYS: Final[dict[str, Way]] = {"live": live, "file": file}


def directions(points: Array) -> Array:
    """(n, 9, 3) unit LIMBS of (n, 137, 3) points."""
    result: Array = normalised(points[:, LIMBS[:, 1]] - points[:, LIMBS[:, 0]])
    return result


def view_points(poses: list[Pose], depth_scale: float = 1.0) -> Array:
    """(n, 137, 3) in the view frame, pixels."""
    rows = [np.column_stack([p.points[:, 0], -p.points[:, 1], -p.depth * depth_scale]) for p in poses]
    return np.stack(rows).astype(np.float64)


def off_by(found: Array, true: Array) -> Array:
    """(n, 9) degrees."""
    cosine = (directions(found) * directions(true)).sum(axis=-1)
    result: Array = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    return result


def measure_limbs(skeleton: Skeleton, names: list[str], folder: Path, frames: int) -> None:
    """Prints the angular errors by camera."""
    paths = {path.stem: path for path in sorted(folder.glob("*/*.bvh"))}
    motions = load_motions([paths[name] for name in names])
    print(f"limbs, degrees: median / 90 % / share beyond 60 degrees, {len(motions)} motions")
    for title, view in VIEWS.items():
        errors: dict[str, list[Array]] = {}
        for seed, motion in enumerate(motions):
            person = adult(np.random.default_rng(seed))
            true, image = seen(performed(motion, person, list(motion.frames[:frames])), view)
            detections = detected(image, person.known, view, Noise(), seed)
            raw, poses = view_points(detections, 1 / TYPICAL_FACTOR), estimated(detections)
            errors.setdefault("raw", []).append(off_by(raw, true))
            for name, way in WAYS.items():
                drawn = view_points([each.pose for each in way(skeleton, poses)])
                errors.setdefault(name, []).append(off_by(drawn, true))
        for name, parts in errors.items():
            every = np.concatenate(parts)
            parts_of = {"trunk": every[:, 0], "limbs": every[:, 1:]}
            numbers = ", ".join(f"{part} {summary(values)}" for part, values in parts_of.items())
            print(f"  {title:9} {name:5} {numbers}")


def summary(degrees: Array) -> str:
    """Median, 90th percentile and share beyond 60 degrees."""
    beyond = float((degrees > 60).mean())
    return f"{np.median(degrees):4.1f} / {np.percentile(degrees, 90):4.1f} / {beyond:5.1%}"


def measure_still(skeleton: Skeleton) -> None:
    """Prints how much a person who stands trembles, after the first moments."""
    person = adult()
    count = round(STILL_SECONDS * RATE)
    points = posed(person, [standing(person)] * count)
    noise = replace(Noise(), flips=0.0, losses=0.0)
    print("still, pixels rms: about the mean, from frame to frame")
    for seed, view in enumerate((View(15, 5), View(-15, 5), View(15, 25)), start=1):
        poses = estimated(detected(seen(points, view)[1], person.known, view, noise, seed))
        first = None
        for name, way in {"raw": unsmoothed, **WAYS}.items():
            body = np.stack([each.pose.body[JOINTS, :2] for each in way(skeleton, poses)])[2 * RATE :]
            rms = [
                float(np.sqrt((x * x).sum(-1).mean())) for x in (body - body.mean(0), np.diff(body, axis=0))
            ]
            first = first or rms
            times = ", ".join(f"{before / now:.1f} x less" for before, now in zip(first, rms, strict=True))
            print(f"  from {view.pitch:2.0f} above, {name:5} {rms[0]:.2f}, {rms[1]:.2f} ({times})")


def measure_fast(skeleton: Skeleton, frames: int) -> None:
    """Prints how late fast limbs are, and whether they come all the way."""
    person = adult()
    view = View(15, 5)
    clock = np.arange(frames) / RATE
    kick = np.radians(75) * np.sin(np.pi * np.clip(clock % 2 / 0.45, 0, 1))
    wave = np.radians(40) * np.sin(2 * np.pi * 2 * clock)
    moves = {
        "kick": ([standing(person, kick=angle) for angle in kick], (9, 10)),
        "wave": ([standing(person, wave=angle) for angle in wave], (3, 4)),
    }
    print("fast: delay in ms, share of the way to the peak")
    for title, (postures, limb) in moves.items():
        true, image = seen(posed(person, postures), view)
        poses = estimated(
            detected(image, person.known, view, replace(Noise(), flips=0.0, losses=0.0), seed=2)
        )
        wanted = swing(true, limb)
        for name, way in WAYS.items():
            shown = swing(view_points([each.pose for each in way(skeleton, poses)]), limb)
            delays = np.arange(0, 0.2, 0.002)
            miss = [((np.interp(clock - d, clock, wanted) - shown)[RATE:] ** 2).mean() for d in delays]
            reached = np.ptp(np.percentile(shown[RATE:], [3, 97])) / np.ptp(
                np.percentile(wanted[RATE:], [3, 97])
            )
            print(f"  {title:5} {name:5} {1000 * delays[int(np.argmin(miss))]:.0f} ms, {reached:.0%}")


def measure_sway(skeleton: Skeleton) -> None:
    """Prints how much of slow motions is left, and how late they are: all of a body sways, or it leans."""
    person = adult()
    clock = np.arange(RATE + round(3 * SWAY_SECONDS * RATE)) / RATE  # the first second is not counted
    way = SWAY * person.height * np.sin(2 * np.pi * clock / SWAY_SECONDS)
    upright = posed(person, [standing(person)] * len(clock))
    above = np.maximum(upright[..., 1] - upright[:, [11], 1], 0) / person.height
    wave = np.exp(-2j * np.pi * clock / SWAY_SECONDS)[RATE:]
    print("slow: delay in ms, share of the way")
    for title, share, row in (("sway", np.ones_like(above), 8), ("lean", above, 1)):
        points = upright.copy()
        points[..., 0] += way[:, None] * share
        points[:, ~person.known] = 0
        view = View(0, 5)
        noise = replace(Noise(), flips=0.0, losses=0.0)
        poses = estimated(detected(seen(points, view)[1], person.known, view, noise, seed=4))
        reference: complex | None = None
        for name, dance in {"raw": unsmoothed, **WAYS}.items():
            shown = np.array([each.pose.body[row, 0] for each in dance(skeleton, poses)])[RATE:]
            moved = complex(((shown - shown.mean()) * wave).mean())
            if reference is None:
                reference = moved
                continue
            late = -np.angle(moved / reference) / (2 * np.pi) * SWAY_SECONDS
            print(f"  {title:5} {name:5} {1000 * late:.0f} ms, {abs(moved / reference):.0%}")


def measure_height(names: list[str], folder: Path, frames: int) -> None:
    """Prints how tall an adult's figure is drawn, ears to soles, over how tall the person is seen."""
    person = adult()
    figure = replace(person, pitches=(-15.0, 30.0))  # as a character is drawn
    paths = {path.stem: path for path in sorted(folder.glob("*/*.bvh"))}
    motions = load_motions([paths[name] for name in names])
    print(f"height: drawn over seen, median of people who stand upright, {len(motions)} motions")
    for title, view in VIEWS.items():
        ratios: dict[str, list[Array]] = {name: [] for name in WAYS}
        for seed, motion in enumerate(motions):
            image = seen(performed(motion, person, list(motion.frames[:frames])), view)[1]
            poses = estimated(detected(image, person.known, view, Noise(), seed))
            tall = _span(image)
            upright = tall > 0.9 * np.quantile(tall, 0.95)
            for name, way in WAYS.items():
                drawn = np.stack([each.pose.points for each in way(figure, poses)]).astype(np.float64)
                ratios[name].append((_span(drawn) / tall)[upright])
        numbers = ", ".join(f"{name} {np.median(np.concatenate(each)):.3f}" for name, each in ratios.items())
        print(f"  {title:9} {numbers}")


def _span(points: Array) -> Array:
    """(n,) pixels from the ears down to the soles of (n, 137, 3) points."""
    result: Array = points[:, [11, 14, 19, 22], 1].max(axis=1) - points[:, [17, 18], 1].mean(axis=1)
    return result


def swing(points: Array, limb: tuple[int, int]) -> Array:
    """(n,) angle of a limb in the picture, radians."""
    way = points[:, limb[1]] - points[:, limb[0]]
    result: Array = np.unwrap(np.arctan2(way[:, 0], -way[:, 1]))
    return result


def standing(person: Skeleton, kick: float = 0.0, wave: float = 0.0) -> Posture:
    """A person who stands, the right leg lifted sideways by ``kick``, the right forearm waving; radians."""
    body = CharacterBody(person)
    rest = body.rest_posture
    leg = [-np.sin(kick), -np.cos(kick), 0.1]
    limbs = [
        [[0.25, -1, 0.05], [0.1, -1, 0.2]],
        [[-0.8, -0.5, 0.1], [np.sin(wave), np.cos(wave), 0.1]]
        if wave
        else [[-0.25, -1, 0.05], [-0.1, -1, 0.2]],
        [[0.1, -1, 0.05], [0.05, -1, -0.05]],
        [leg, leg],
    ]
    directions = normalised(np.array(limbs, np.float64))
    carriers = body.carriers(rest.hips, rest.chest, directions)
    return replace(rest, limbs=directions, hands=carriers[:2], feet=carriers[2:])


def measure_cost(skeleton: Skeleton) -> None:
    """Prints what a frame costs."""
    person = adult()
    view = View(15, 5)
    image = seen(posed(person, [standing(person)] * 60), view)[1]
    poses = estimated(detected(image, person.known, view, Noise(), seed=3))
    for name, way in WAYS.items():
        spent = []
        for _ in range(3):
            start = time.process_time()
            way(skeleton, poses)
            spent.append(1000 * (time.process_time() - start) / len(poses))
        print(f"CPU, {name}: {min(spent):.2f} ms a frame")


def main() -> None:
    """Reads the arguments and prints what was measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--motions", nargs="+", default=list(MOTIONS))
    arguments = parser.parse_args()
    # the character is to be drawn as these cameras see it, whatever it has learned
    skeleton = replace(Character.load("godette").skeleton, pitches=(-30.0, 30.0))
    frames = round(arguments.seconds * RATE)
    measure_still(skeleton)
    measure_fast(skeleton, frames)
    measure_sway(skeleton)
    measure_cost(skeleton)
    folder = Path(os.environ["DANCE_NOW_DATA"]) / "motions"
    measure_height(arguments.motions, folder, frames)
    measure_limbs(skeleton, arguments.motions, folder, frames)


if __name__ == "__main__":
    main()
