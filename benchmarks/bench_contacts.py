"""Contacts kept: drift of feet that stand, soles below the ground, and hands that touch the body.

Feet: rendered people whose feet truly stand (``planted_people``), read by the estimator and retargeted.

- drift: greatest distance of a sole (middle of big toe and heel) from its mean place over a stance, in % of
  the height; median, 90th percentile, and the share of stances below 0.5 %. Where the estimator takes one leg
  for the other, a foot is at the other's place, so the mean says little.
- sinking: how far soles are below the ground that the person stands on, 95th percentile, % of the height.

Hands: a person touches chin, forehead, breastbone, hips, knee or the other hand (``touch_poses``), seen with
a detector's noise. Distance in the image of the hand from the same place of the character's body, in % of the
character's head from chin to crown; and what is left because its arm is too short.

"copied" has the same poses without contacts. --against runs another revision of the repository on the feet.

python benchmarks/bench_contacts.py [--only feet|hands] [--clips N] [--frames N] [--against REV]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from adult_avatars import adult_avatar
from dance_now.character.character import Character
from dance_now.pose.contacts.body_landmarks import BodySurface
from dance_now.pose.estimators.estimator_registry import open_estimator
from dance_now.pose.model.body_scale import SOLE_BELOW_POINTS
from dance_now.pose.model.keypoints import FACE
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.soles import sole_points
from dance_now.pose.retarget.clip_motion import read_clip
from dance_now.pose.retarget.kinematics import CharacterBody
from dance_now.pose.retarget.motion_state import MotionState
from dance_now.pose.retarget.retargeter import Retargeted, Retargeter
from figures import record, run_benchmark
from planted_people import FEET, PlantedFrame, planted_frames
from synthetic_people import SIZE as VIEW_SIZE
from synthetic_people import Noise, View, detected, estimated, seen
from touch_poses import ARMS, THICKNESS, TOUCHES, TouchedBody, hand_middle, misses, place_in, touching
from twin_scenes import RATE, SIZE, cases

Array = npt.NDArray[np.float64]

CHARACTERS: Final = ("godette", "tempo", "uka")
STANCE_FRAMES: Final = 5  # of the shortest stance that counts
TOUCH_FRAMES: Final = 60
SETTLED: Final = 30  # frames that are not measured
_HEAD: Final = 0.145  # of an adult's height, from chin to crown
_ROOT: Final = Path(__file__).resolve().parents[1]
_OTHER: Final = """
import json
import sys
import numpy as np
try:
    from dance_now.pose.retarget.clip_motion import read_clip
    from dance_now.pose.retarget.retargeter import Retargeter
    from dance_now.pose.model.pose import Pose
    from dance_now.pose.model.skeleton import Skeleton
except ImportError:
    from dance_now.pose.clip import read_clip
    from dance_now.pose.retarget import Retargeter
    from dance_now.pose.pose import Pose
    from dance_now.pose.skeleton import Skeleton
data = np.load(sys.argv[1])
skeleton = Skeleton.from_json(json.loads(str(data["skeleton"])))
poses = [Pose(*rows) if found else None
         for *rows, found in zip(data["points"], data["depth"], data["has_depth"], data["found"])]
rate, size = float(data["rate"]), tuple(data["size"].tolist())
files, live = Retargeter(skeleton), Retargeter(skeleton)
built = [None if each is None else files.build(each)
         for each in read_clip(files, poses, [index / rate for index in range(len(poses))], size)]
causal = [live.coast(index / rate) if pose is None else live(pose, index / rate, size=size)
          for index, pose in enumerate(poses)]
none = np.full((137, 2), np.nan)
np.savez(sys.argv[2], **{name: np.stack([none if each is None else each.pose.points[:, :2] for each in rows])
                         for name, rows in (("clip", built), ("live", causal))})
"""


@dataclass(frozen=True, eq=False)
class Clip:
    """A person whose feet stand, as the estimator sees them.

    Attributes:
        character: who copies it.
        frames: with the truth; poses: the estimator's.
    """

    character: str
    frames: list[PlantedFrame]
    poses: list[Pose | None]

    @property
    def stances(self) -> list[tuple[int, int, int]]:
        """Foot, first frame, and the frame after the last."""
        found = []
        for foot in range(2):
            stands = np.array([False, *(bool(frame.standing[foot]) for frame in self.frames), False])
            edges = np.flatnonzero(np.diff(stands.astype(int))).reshape(-1, 2).tolist()
            found += [(foot, first, after) for first, after in edges if after - first >= STANCE_FRAMES]
        return found


def drifts(clip: Clip, points: Array) -> list[float]:
    """Drift of each stance of a clip, of drawn points (n, 137, 2), % of the height."""
    soles = (points[:, FEET[:, 0]] + points[:, FEET[:, 2]]) / 2
    found = []
    for foot, first, after in clip.stances:
        part = soles[first:after, foot]
        part = part[np.isfinite(part).all(axis=1)]
        if len(part):
            away = np.linalg.norm(part - part.mean(axis=0), axis=1).max()
            found.append(100 * float(away) / clip.frames[0].height)
    return found


def sinking(clip: Clip, drawn: Sequence[Retargeted | None]) -> list[float]:
    """How far the lowest sole is below the ground in each frame, % of the height."""
    skeleton = Character.load(clip.character).skeleton
    found = []
    for frame, each in zip(clip.frames, drawn, strict=True):
        if each is not None:
            ground = frame.points[FEET.ravel(), 1].max() + SOLE_BELOW_POINTS * frame.height
            lowest = sole_points(each.pose, skeleton, each.scale)[..., 1].max()
            found.append(100 * max(float(lowest - ground), 0.0) / frame.height)
    return found


def retargeted(
    body: TouchedBody | Character, poses: Sequence[Pose | None], mode: str, size: tuple[int, int]
) -> dict[str, list[Retargeted | None]]:
    """The character's poses for a clip, with contacts and without."""
    surface = body.body_surface if isinstance(body, Character) else BodySurface(body.vertices, body.bones)
    retargeter = Retargeter(body.skeleton, surface=surface)
    times = [index / RATE for index in range(len(poses))]
    states: list[MotionState | None]
    if mode == "file":
        states = read_clip(retargeter, poses, times, size)
    else:
        states = [
            retargeter.hold(time) if pose is None else retargeter.track(pose, time, size)
            for pose, time in zip(poses, times, strict=True)
        ]
    built = {}
    for name in ("copied", "held"):
        retargeter.restart()
        used = [
            replace(each, contacts=None) if each is not None and name == "copied" else each for each in states
        ]
        built[name] = [None if each is None else retargeter.build(each) for each in used]
    return built


def image_points(drawn: Iterable[Retargeted | None]) -> Array:
    """Drawn points (n, 137, 2), NaN where nobody is drawn."""
    none = np.full((137, 2), np.nan)
    return np.stack([none if each is None else each.pose.points[:, :2].astype(np.float64) for each in drawn])


def of_revision(clip: Clip, sources: Path, folder: Path) -> dict[str, Array]:
    """Drawn points of a clip by another revision, whose sources are in a folder."""
    blank = Pose.empty()
    poses = [pose or blank for pose in clip.poses]
    given, made, script = folder / "given.npz", folder / "made.npz", folder / "other.py"
    np.savez(
        given,
        skeleton=np.array(json.dumps(Character.load(clip.character).skeleton.to_json())),
        points=np.stack([pose.points for pose in poses]),
        depth=np.stack([pose.depth for pose in poses]),
        has_depth=np.stack([pose.has_depth for pose in poses]),
        found=np.array([pose is not None for pose in clip.poses]),
        rate=np.array(RATE),
        size=np.array([SIZE, SIZE]),
    )
    script.write_text(_OTHER, encoding="utf-8")
    command = [sys.executable, str(script), str(given), str(made)]
    subprocess.run(command, check=True, env={"PYTHONPATH": str(sources), "PATH": "", "HOME": str(folder)})
    with np.load(made) as data:
        return {"file": data["clip"].astype(np.float64), "live": data["live"].astype(np.float64)}


def checked_out(revision: str, folder: Path) -> Path:
    """Sources of a revision, written into a folder."""
    archive = subprocess.run(
        ["git", "archive", "--format=tar", revision, "src"], cwd=_ROOT, check=True, capture_output=True
    )
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder / "src"


def measure_feet(count: int, chosen: int | None, revision: str | None) -> None:
    """Prints drift and sinking."""
    rows: dict[str, list[float]] = {}
    deep: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = checked_out(revision, folder) if revision else None
        for case in cases(False)[:chosen]:
            frames = list(planted_frames(case, count))
            estimator = open_estimator(threads=1)
            poses = [next((p.detection.pose for p in estimator(frame.image)), None) for frame in frames]
            clip = Clip(case.character, frames, poses)
            rows.setdefault("the person", []).extend(
                drifts(clip, np.stack([frame.points for frame in frames]))
            )
            character = Character.load(case.character)
            for mode in ("file", "live"):
                for kind, drawn in retargeted(character, poses, mode, (SIZE, SIZE)).items():
                    rows.setdefault(f"{mode}, {kind}", []).extend(drifts(clip, image_points(drawn)))
                    deep.setdefault(f"{mode}, {kind}", []).extend(sinking(clip, drawn))
            if sources is not None:
                for mode, points in of_revision(clip, sources, folder).items():
                    rows.setdefault(f"{mode}, {revision}", []).extend(drifts(clip, points))
    for title, values in rows.items():
        middle, high = np.quantile(values, [0.5, 0.9])
        good = float(np.mean(np.array(values) < 0.5))
        record(f"feet, {title}: drift, median", middle, "% of the height", "lower")
        record(f"feet, {title}: stances below 0.5 %", good, "share", "higher")
        below = f", sinking {np.quantile(deep[title], 0.95):.2f} %" if title in deep else ""
        print(
            f"feet, {title:16} {len(values)} stances, drift {middle:.2f} %, 90th percentile {high:.2f} %, "
            f"below 0.5 %: {good:.0%}{below}"
        )


def touch_poses(person: TouchedBody, name: str, seed: int) -> list[Pose]:
    """A person who keeps a touch, as a detector sees them; they sway a little."""
    points = np.repeat(CharacterBody(person.skeleton).points(touching(person, name))[None], TOUCH_FRAMES, 0)
    points[..., 0] += 0.01 * np.sin(2 * np.arange(TOUCH_FRAMES) / RATE)[:, None]
    points[:, ~person.skeleton.known] = 0
    view = View(15, 5)
    noise = replace(Noise(), flips=0.0, losses=0.0)
    return estimated(detected(seen(points, view)[1], person.skeleton.known, view, noise, seed))


def metres(drawn: Retargeted) -> Array:
    """Points (137, 3) of a drawn pose in metres, view frame, about the hips."""
    pose = drawn.pose
    points = np.column_stack([pose.points[:, 0], -pose.points[:, 1], -pose.depth]).astype(np.float64)
    return np.asarray((points - points[8]) / drawn.scale)


def unreachable(body: TouchedBody, points: Array, name: str, thickness: float) -> float:
    """How far the places of a touch are beyond the arms' reach, metres; the mean of both hands."""
    if name == "clasped":
        return 0.0
    rest = body.skeleton.rest.astype(np.float64)
    away = []
    for hand, place, _ in TOUCHES[name]:
        length = float(np.linalg.norm(np.diff(rest[ARMS[hand]], axis=0), axis=1).sum())
        length += float(np.linalg.norm(hand_middle(rest, hand) - rest[ARMS[hand, 2]]))
        goal = place_in(body, points, place, thickness)
        away.append(max(float(np.linalg.norm(goal - points[ARMS[hand, 0]])) - length, 0.0))
    return float(np.mean(away))


def measure_hands() -> None:
    """Prints the distances of hands from what they touch."""
    person = TouchedBody.of_avatar(adult_avatar("man"))
    everything: dict[str, list[float]] = {}
    for seed, name in enumerate(TOUCHES):
        poses = touch_poses(person, name, seed)
        for who in CHARACTERS:
            body = TouchedBody.of_character(who)
            head = float(body.skeleton.bounds[1, 1] - body.skeleton.rest[FACE.start + 8, 1])
            thickness = THICKNESS * head / _HEAD
            cells, left = [], 0.0
            for mode in ("file", "live"):
                for kind, drawn in retargeted(body, poses, mode, VIEW_SIZE).items():
                    solid = [metres(each) for each in drawn[SETTLED:] if each is not None]
                    away = [
                        np.hypot(*way[:2])
                        for points in solid
                        for way in misses(body, points, name, thickness)
                    ]
                    value = 100 * float(np.mean(away)) / head
                    everything.setdefault(f"{mode}, {kind}", []).append(value)
                    cells.append(f"{mode}, {kind} {value:.1f} %")
                    left = 100 * unreachable(body, solid[-1], name, thickness) / head
            print(f"hands, {name:9} {who:8} {'  '.join(cells)}  out of reach {left:.1f} %", flush=True)
    for title, values in everything.items():
        record(f"hands, {title}: miss, mean", float(np.mean(values)), "% of the head", "lower")
        print(f"hands, {title:13} mean {np.mean(values):.1f} %, median {np.median(values):.1f} % of the head")


def main() -> None:
    """Command line: prints all measurements."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, help="only the first so many")
    parser.add_argument("--frames", type=int, default=48)
    parser.add_argument("--only", choices=("feet", "hands"))
    parser.add_argument("--against", metavar="REV", help="another revision, for the feet")
    arguments = parser.parse_args()
    if arguments.only != "feet":
        measure_hands()
    if arguments.only != "hands":
        measure_feet(arguments.frames, arguments.clips, arguments.against)


if __name__ == "__main__":
    run_benchmark(main)
