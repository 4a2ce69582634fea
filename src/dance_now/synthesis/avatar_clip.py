"""Video source of an avatar that performs a motion: the ground truth for a character."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray, Image
from dance_now.core.errors import DanceNowError
from dance_now.formats3d.node_tree import Matrices
from dance_now.media.frame import Frame
from dance_now.media.image.image_file import over_white
from dance_now.media.open_media import ALPHA_EXTENSIONS, open_sink
from dance_now.media.source import Source, SourceKind
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.model.keypoints import BODY_INDEX
from dance_now.render.avatar.avatar import Avatar
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton
from dance_now.render.avatar.avatar_options import DEFAULT_OPTIONS, AvatarOptions
from dance_now.render.camera import Camera
from dance_now.render.renderer import Renderer
from dance_now.render.springs import STEP_SECONDS, Springs
from dance_now.synthesis.poses.avatar_poser import AvatarPoser, motion_target, pelvis_heading, solve_poses
from dance_now.synthesis.poses.hand_shapes import FINGER_SHAPES
from dance_now.synthesis.poses.motion import Motion, load_motion

_FRAME_RATE: Final = 30.0
_SETTLING_STEPS: Final = 60
SOLES: Final = [
    BODY_INDEX[f"{side}_{part}"] for side in ("left", "right") for part in ("big_toe", "small_toe", "heel")
]
_CONTACT: Final = 0.03  # leg lengths; feet raised by less are in ground contact
_LEG: Final = (("leftUpperLeg", "leftLowerLeg"), ("leftLowerLeg", "leftFoot"))
_MARGIN: Final = 0.05  # heights of the figure around it


@dataclass(frozen=True, eq=False)
class ClipMoment:
    """What a frame of a clip shows.

    Attributes:
        time: seconds.
        posed: (N, 4, 4) node transforms without springs.
        swung: (N, 4, 4) with springs.
        points: (137, 3) keypoints of the body; those of the face are not set.
        camera: what it is seen by.
    """

    time: float
    posed: Matrices
    swung: Matrices
    points: FloatArray
    camera: Camera


class AvatarClip(Source):
    """Source of frames of an avatar that performs a motion.

    The camera is in front and follows the hips sideways. Every pass starts anew.
    """

    kind: SourceKind = "video"

    def __init__(
        self, avatar_path: Path, motion_path: Path, size: int, options: AvatarOptions, clip: str | None = None
    ) -> None:
        """``size``: edge of the pictures, pixels; ``clip``: see ``load_motion``.

        Raises DanceNowError: an unusable avatar or motion.
        """
        motion = load_motion(motion_path, clip)
        if not motion.frames:
            raise DanceNowError(f"{motion_path} contains only a T-pose; choose another motion.")
        self.path = motion_path
        self.size = (size, size)
        self._files = frozenset({avatar_path.resolve(), motion_path.resolve()})
        self._avatar = options.load(avatar_path)
        self._renderer = Renderer(self._avatar, size, hide=options.hide)
        step = max(1, round(1 / (_FRAME_RATE * motion.frame_time)))
        frames = range(motion.frames[0], motion.frames[-1] + 1, step)  # T-poses in between are part of it
        self._seconds = motion.frame_time * step
        self.frame_rate = Fraction(1 / self._seconds).limit_denominator(1001)
        self.frame_count = len(frames)
        skeleton = avatar_skeleton(self._avatar, None, options.hide)
        rig = BoneRig.of(skeleton)
        fingers = np.tile(np.array(FINGER_SHAPES["relaxed"], np.float32), (len(frames), 2, 1, 1))
        self._poses = solve_poses(rig, motion_target(rig, motion, frames, fingers))
        self._turns = pelvis_heading(motion, frames).transpose(0, 2, 1)
        self._points = np.einsum("nij,npj->npi", self._turns, self._poses.points)
        self._hips = hip_trajectory(leg_length(self._avatar), motion, frames, self._points)
        self._hips[:, 1] += skeleton.rest[SOLES, 1].min()
        low, high = self._avatar.bounds(options.hide)
        # Hair extends beyond the keypoints, whichever way the head is turned.
        hair = float(high[1] - skeleton.rest[skeleton.known, 1].max())
        self._margin = max(hair, 0.0) + _MARGIN * float(high[1] - low[1])

    @property
    def files(self) -> frozenset[Path]:
        """Files of avatar and motion."""
        return self._files

    def frames(self) -> Generator[Frame]:
        """Renders the frames one by one, on white."""
        for index, (picture, time) in enumerate(self.pictures()):
            yield Frame(over_white(picture), time, index)

    def pictures(self) -> Generator[tuple[Image, float]]:
        """Renders straight RGBA images with their times in seconds."""
        for moment in self.moments():
            yield self._renderer.render(moment.swung, moment.camera), moment.time

    def moments(self) -> Generator[ClipMoment]:
        """What every frame shows; springs run in the motion's time."""
        springs, posed = Springs(self._avatar), self._worlds()
        before = next(posed)
        swung = springs.settle(before, _SETTLING_STEPS)
        covered, middle = self._view()
        for index, hips in enumerate(self._hips):
            camera = Camera(np.eye(3), np.array([hips[0], middle, hips[2]]), covered)
            points = self._points[index] + hips
            yield ClipMoment(index * self._seconds, before, swung, points, camera)
            world = next(posed, before)
            steps = max(1, round(self._seconds / STEP_SECONDS))
            for share in np.linspace(0, 1, steps + 1)[1:]:
                swung = springs.step(before + (world - before) * share, self._seconds / steps)
            before = world

    def _worlds(self) -> Generator[Matrices]:
        """Node transforms (N, 4, 4), frame by frame."""
        poser = AvatarPoser(self._avatar)
        legs = [self._avatar.bones[side + "UpperLeg"] for side in ("left", "right")]
        for points, rotations, turn, hips in zip(
            self._poses.points, self._poses.rotations, self._turns, self._hips, strict=True
        ):
            turned = np.eye(4)
            turned[:3, :3] = turn
            world = turned @ poser.world(points, rotations)
            world[:, :3, 3] += hips - world[legs, :3, 3].mean(axis=0)
            yield world

    def _view(self) -> tuple[float, float]:
        """Canvas height in metres and height of its centre, so that no frame cuts the figure."""
        heights = self._points[..., 1] + self._hips[:, 1, None]
        low, high = float(heights.min()), float(heights.max())
        covered = max(2 * float(np.abs(self._points[..., 0]).max()), high - low) + 2 * self._margin
        return covered, (low + high) / 2


def leg_length(avatar: Avatar) -> float:
    """Length of an avatar's leg from hip to ankle, metres."""
    return sum(float(np.linalg.norm(avatar.rest_position(a) - avatar.rest_position(b))) for a, b in _LEG)


def hip_trajectory(leg: float, motion: Motion, frames: Sequence[int], points: FloatArray) -> FloatArray:
    """Hip trajectory (n, 3), metres: the lower foot keeps ground contact without sliding, but in flight.

    Proportions differ, so the motion's own trajectory, scaled by leg length, would leave feet floating; it
    only decides the height and direction of flight.

    Args:
        leg: length of the performer's leg from hip to ankle, metres.
        motion: the motion.
        frames: n indices of frames.
        points: (n, 137, 3) keypoints in these frames, relative to the middle of the hips.
    """
    theirs = sum(
        float(np.linalg.norm(motion.joint(a, frames[:1]) - motion.joint(b, frames[:1]))) for a, b in _LEG
    )
    scale = leg / max(theirs, 1e-6)
    hips = scale * (motion.joint("leftUpperLeg", frames) + motion.joint("rightUpperLeg", frames)) / 2
    feet = [
        side + bone
        for side in ("left", "right")
        for bone in (("Foot", "Toes") if motion.has_toes else ("Foot",))
    ]
    heights = [scale * motion.joint(bone, frames)[:, 1] for bone in feet]
    clearance = np.min([height - np.quantile(height, 0.05) for height in heights], axis=0)
    flight = np.maximum(clearance - _CONTACT * leg, 0.0)
    soles = points[:, SOLES]
    lowest = soles[..., 1].argmin(axis=1)
    track = np.zeros((len(frames), 3))
    for index in range(1, len(frames)):
        standing = flight[index - 1] == 0 and flight[index] == 0
        foot = lowest[index - 1]
        step = soles[index - 1, foot] - soles[index, foot] if standing else hips[index] - hips[index - 1]
        track[index] = track[index - 1] + step
    track[:, 1] = flight - soles[range(len(frames)), lowest, 1]
    return track.astype(np.float32)


def render_clip(
    avatar: Path,
    output: Path,
    motion: Path,
    *,
    clip: str | None = None,
    size: int = 512,
    options: AvatarOptions = DEFAULT_OPTIONS,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Renders a video of an avatar that performs a motion; returns its number of frames.

    Args:
        avatar: .vrm or .glb.
        output: the video; with alpha where its format supports it, else on white.
        motion: motion file, see ``load_motion``.
        clip: name of a clip in a file that holds several; default: the first.
        size: edge of the square frames, pixels.
        options: loading options of the avatar.
        overwrite: replace an existing ``output``.
        progress: called with frames done and frames in all.

    Raises:
        DanceNowError: an unusable avatar, motion or output.
    """
    alpha = output.suffix.lower() in ALPHA_EXTENSIONS
    source = AvatarClip(avatar, motion, size, options, clip)
    with source, open_sink(output, source, alpha, overwrite) as sink:
        for picture, time in source.pictures():
            sink.write(picture if alpha else over_white(picture), time)
            if progress is not None:
                progress(sink.written, source.frame_count or sink.written)
        return sink.written
