"""Accuracy, jitter and latency of retargeted limbs, live and for files.

People with known poses move before known cameras and are seen by a synthetic detector with stated errors (see
``synthetic_people.Noise``). "raw" is the detector's output with its depth scaled by the best single factor,
live is the retargeter frame by frame, file the retargeter on the whole clip.

- limbs: angle in degrees between true and retargeted 3D direction of trunk, upper arms, forearms, thighs and
  shins, by camera: median, 90th percentile, and the share of those more than 60 degrees off.
- still: a standing person, 12 s without the first two, before three cameras. Rms of the joints about their
  mean, and from frame to frame, in pixels of a person 480 pixels tall; raw is without smoothing.
- fast: a kick and a wave. Latency in ms, and the fraction of the amplitude that is reached.
- slow: a sway of 4 % of the height to each side within 4 s, of the whole body or leaning over the feet, which
  must be distinguished from noise. Latency and amplitude, both relative to the result without smoothing.
- height: height of an adult's figure over that of the person, from ears to soles.
- CPU: ms per frame.

The motions are in motions/ of the folder DANCE_NOW_DATA.

python benchmarks/bench_motion.py [--seconds 6] [--motions cmu_05_02 ...]
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.character.character import Character
from dance_now.pose.model.skeleton import Skeleton
from dance_now.pose.model.vectors import normalised
from dance_now.pose.retarget.kinematics import CharacterBody, Posture
from dance_now.synthesis.poses.motion import load_motions
from figures import record, run_benchmark
from retarget_modes import JOINTS, MODES, VIEWS, angular_errors, unsmoothed, view_points
from synthetic_people import (
    RATE,
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
SWAY, SWAY_SECONDS = 0.04, 4.0
STILL_SECONDS: Final = 12.0


def measure_limbs(skeleton: Skeleton, names: list[str], folder: Path, frames: int) -> None:
    """Prints angular errors by camera."""
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
            errors.setdefault("raw", []).append(angular_errors(raw, true))
            for name, mode in MODES.items():
                drawn = view_points([each.pose for each in mode(skeleton, poses)])
                errors.setdefault(name, []).append(angular_errors(drawn, true))
        for name, parts in errors.items():
            every = np.concatenate(parts)
            parts_of = {"trunk": every[:, 0], "limbs": every[:, 1:]}
            for part, values in parts_of.items():
                record(f"{part}, {title}, {name}: median", np.median(values), "degrees")
            numbers = ", ".join(f"{part} {summary(values)}" for part, values in parts_of.items())
            print(f"  {title:9} {name:5} {numbers}")


def summary(degrees: Array) -> str:
    """Median, 90th percentile and share beyond 60 degrees."""
    beyond = float((degrees > 60).mean())
    return f"{np.median(degrees):4.1f} / {np.percentile(degrees, 90):4.1f} / {beyond:5.1%}"


def measure_still(skeleton: Skeleton) -> None:
    """Prints the jitter of a standing person, after the first moments."""
    person = adult()
    count = round(STILL_SECONDS * RATE)
    points = posed(person, [standing(person)] * count)
    noise = replace(Noise(), flips=0.0, losses=0.0)
    print("still, pixels rms: about the mean, from frame to frame")
    for seed, view in enumerate((View(15, 5), View(-15, 5), View(15, 25)), start=1):
        poses = estimated(detected(seen(points, view)[1], person.known, view, noise, seed))
        first = None
        for name, mode in {"raw": unsmoothed, **MODES}.items():
            body = np.stack([each.pose.body[JOINTS, :2] for each in mode(skeleton, poses)])[2 * RATE :]
            rms = [
                float(np.sqrt((x * x).sum(-1).mean())) for x in (body - body.mean(0), np.diff(body, axis=0))
            ]
            first = first or rms
            record(f"still, view {seed}, {name}: jitter reduction", first[0] / rms[0], "ratio", "higher")
            times = ", ".join(f"{before / now:.1f} x less" for before, now in zip(first, rms, strict=True))
            print(f"  from {view.pitch:2.0f} above, {name:5} {rms[0]:.2f}, {rms[1]:.2f} ({times})")


def measure_fast(skeleton: Skeleton, frames: int) -> None:
    """Prints latency and amplitude of fast limbs."""
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
        for name, mode in MODES.items():
            shown = swing(view_points([each.pose for each in mode(skeleton, poses)]), limb)
            delays = np.arange(0, 0.2, 0.002)
            miss = [((np.interp(clock - d, clock, wanted) - shown)[RATE:] ** 2).mean() for d in delays]
            reached = np.ptp(np.percentile(shown[RATE:], [3, 97])) / np.ptp(
                np.percentile(wanted[RATE:], [3, 97])
            )
            record(f"fast {title}, {name}: delay", 1000 * delays[int(np.argmin(miss))], "ms")
            record(f"fast {title}, {name}: share of the amplitude", 100 * reached, "%")
            print(f"  {title:5} {name:5} {1000 * delays[int(np.argmin(miss))]:.0f} ms, {reached:.0%}")


def measure_sway(skeleton: Skeleton) -> None:
    """Prints latency and amplitude of slow motions: a sway of the whole body, and a lean."""
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
        for name, dance in {"raw": unsmoothed, **MODES}.items():
            shown = np.array([each.pose.body[row, 0] for each in dance(skeleton, poses)])[RATE:]
            moved = complex(((shown - shown.mean()) * wave).mean())
            if reference is None:
                reference = moved
                continue
            late = -np.angle(moved / reference) / (2 * np.pi) * SWAY_SECONDS
            record(f"slow {title}, {name}: delay", 1000 * late, "ms")
            record(f"slow {title}, {name}: share of the amplitude", 100 * abs(moved / reference), "%")
            print(f"  {title:5} {name:5} {1000 * late:.0f} ms, {abs(moved / reference):.0%}")


def measure_height(names: list[str], folder: Path, frames: int) -> None:
    """Prints the height of an adult's figure, ears to soles, over that of the person."""
    person = adult()
    figure = replace(person, pitches=(-15.0, 30.0))  # as a character is drawn
    paths = {path.stem: path for path in sorted(folder.glob("*/*.bvh"))}
    motions = load_motions([paths[name] for name in names])
    print(f"height: drawn over seen, median of people who stand upright, {len(motions)} motions")
    for title, view in VIEWS.items():
        ratios: dict[str, list[Array]] = {name: [] for name in MODES}
        for seed, motion in enumerate(motions):
            image = seen(performed(motion, person, list(motion.frames[:frames])), view)[1]
            poses = estimated(detected(image, person.known, view, Noise(), seed))
            tall = _span(image)
            upright = tall > 0.9 * np.quantile(tall, 0.95)
            for name, mode in MODES.items():
                drawn = np.stack([each.pose.points for each in mode(figure, poses)]).astype(np.float64)
                ratios[name].append((_span(drawn) / tall)[upright])
        for name, each in ratios.items():
            record(f"height, {title}, {name}: drawn over seen", np.median(np.concatenate(each)), "ratio")
        numbers = ", ".join(f"{name} {np.median(np.concatenate(each)):.3f}" for name, each in ratios.items())
        print(f"  {title:9} {numbers}")


def _span(points: Array) -> Array:
    """Height (n,) in pixels from ears to soles of (n, 137, 3) points."""
    result: Array = points[:, [11, 14, 19, 22], 1].max(axis=1) - points[:, [17, 18], 1].mean(axis=1)
    return result


def swing(points: Array, limb: tuple[int, int]) -> Array:
    """Angle (n,) of a limb in the image, radians."""
    way = points[:, limb[1]] - points[:, limb[0]]
    result: Array = np.unwrap(np.arctan2(way[:, 0], -way[:, 1]))
    return result


def standing(person: Skeleton, kick: float = 0.0, wave: float = 0.0) -> Posture:
    """Standing posture, the right leg lifted sideways by ``kick``, the right forearm waving; radians."""
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
    """Prints CPU time per frame."""
    person = adult()
    view = View(15, 5)
    image = seen(posed(person, [standing(person)] * 60), view)[1]
    poses = estimated(detected(image, person.known, view, Noise(), seed=3))
    for name, mode in MODES.items():
        spent = []
        for _ in range(3):
            start = time.process_time()
            mode(skeleton, poses)
            spent.append(1000 * (time.process_time() - start) / len(poses))
        record(f"processor a frame, {name}", min(spent), "ms")
        print(f"CPU, {name}: {min(spent):.2f} ms a frame")


def main() -> None:
    """Command line: prints all measurements."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--motions", nargs="+", default=list(MOTIONS))
    arguments = parser.parse_args()
    # The character is rendered for these cameras, whatever its own training views are.
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
    run_benchmark(main)
