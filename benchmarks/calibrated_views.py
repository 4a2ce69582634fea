"""Four calibrated, synchronous views of a real person, and joints triangulated from them.

The clips and the calibration are the demo of pose2sim 0.10.49 (Demo_SinglePerson, BSD-3-Clause), out of its
wheel on PyPI. Source: Hartley and Zisserman, "Multiple View Geometry", 2004, section 12.2.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import av
import cv2
import numpy as np
import numpy.typing as npt

from dance_now.assets.registry import cache_dir
from dance_now.assets.wheels import Wheel, WheelMember, fetch_members, is_intact
from dance_now.core.arrays import Image
from dance_now.pose.model.pose import Pose

Array = npt.NDArray[np.float64]

CAMERAS: Final = ("cam01", "cam02", "cam03", "cam04")
DELAYS: Final = (0, 0, 2, 0)  # frames by which each clip starts early
_SUBPIXELS: Final = 64.0
_FOLDER: Final = "Pose2Sim/Demo_SinglePerson"
_LEAST_CONFIDENCE: Final = 0.3
_MAX_ERROR: Final = 25.0  # pixels, of a joint in the views that it is triangulated from
_WHEEL: Final = Wheel(
    requirement="pose2sim==0.10.49",
    megabytes=51,
    members={
        Path(path).name: WheelMember(f"{_FOLDER}/{path}", size, digest)
        for path, size, digest in (
            (
                "videos/cam01.mp4",
                387775,
                "cf4f2816c86bea4bfbea255333d8626ff32a3ecabdab8b0fb147cea9167fde3a",
            ),
            (
                "videos/cam02.mp4",
                540548,
                "94ff87cf978b8406e8aa36ab3c5362e72848994e87652f0dc7a33c315e8e0442",
            ),
            (
                "videos/cam03.mp4",
                1709101,
                "b8b329f832f178f27ecb78d024d5026b96c6adb36c387bfe2c0af85eab8a11ca",
            ),
            (
                "videos/cam04.mp4",
                1772999,
                "b5c0e7863fd70d008e7178d3c556b045b0ea5f78fcd61ca548a0b2e807e641f7",
            ),
            (
                "calibration/Calib.qca.txt",
                4843,
                "fd90e4bbae3278ef1dc0cdd42a34ee06bf88286f628a02c00a29407aa39e34c5",
            ),
        )
    },
)


@dataclass(frozen=True, eq=False)
class CalibratedCamera:
    """Pinhole camera with lens distortion; x right, y down, z away from the viewer.

    Attributes:
        matrix: (3, 3) intrinsic matrix, pixels.
        distortion: (4,) of OpenCV's model: k1, k2, p1, p2.
        rotation: (3, 3) world to camera.
        translation: (3,) metres.
    """

    matrix: Array
    distortion: Array
    rotation: Array
    translation: Array

    def project(self, points: Array) -> Array:
        """Projects world points (n, 3), metres, to (n, 2) pixels."""
        turn, _ = cv2.Rodrigues(self.rotation)
        projected, _ = cv2.projectPoints(
            np.ascontiguousarray(points), turn, self.translation, self.matrix, self.distortion
        )
        return np.asarray(projected.reshape(-1, 2), np.float64)

    def rays(self, pixels: Array) -> Array:
        """Undistorted image coordinates (n, 2) of pixels (n, 2), at depth 1."""
        undistorted = cv2.undistortPoints(pixels[:, None], self.matrix, self.distortion)
        return np.asarray(undistorted.reshape(-1, 2), np.float64)

    def view_axes(self, centre: Array) -> Array:
        """Rotation (3, 3) from the world to the view frame of an orthographic camera that looks at a point.

        Perspective turns what is beside the optical axis: the frame's z axis is the ray to the point.
        """
        ray = self.rotation @ centre + self.translation
        away = ray / np.linalg.norm(ray)
        across = np.cross([0.0, 1.0, 0.0], away)
        across /= np.linalg.norm(across)
        down = np.cross(away, across)
        return np.stack([across, -down, -away]) @ self.rotation

    def pixels_per_metre(self, centre: Array) -> float:
        """Scale at a world point."""
        return float(self.matrix[0, 0] / np.linalg.norm(self.rotation @ centre + self.translation))


def fetched(name: str) -> Path:
    """Path of a clip (``cam01.mp4``) or of the calibration; fetched on first use."""
    path = cache_dir() / "benchmarks" / name
    if not is_intact(path, _WHEEL.members[name]):
        fetch_members(_WHEEL, path.parent)
    return path


def read_cameras() -> list[CalibratedCamera]:
    """Reads the calibration, a file of Qualisys Track Manager."""
    cameras = []
    for camera in ElementTree.parse(fetched("Calib.qca.txt")).getroot().iter("camera"):
        place, lens = camera.find("transform"), camera.find("intrinsic")
        assert place is not None
        assert lens is not None
        number = {
            key: float(value) for key, value in (place.attrib | lens.attrib).items() if _is_number(value)
        }
        axes = np.array([[number[f"r{row}{column}"] for column in (1, 2, 3)] for row in (1, 2, 3)])
        position = np.array([number[axis] for axis in "xyz"]) / 1000
        rotation = np.diag([1.0, -1.0, -1.0]) @ axes  # the file's camera looks along -z, with y up
        cameras.append(
            CalibratedCamera(
                np.array(
                    [
                        [number["focalLengthU"] / _SUBPIXELS, 0, number["centerPointU"] / _SUBPIXELS],
                        [0, number["focalLengthV"] / _SUBPIXELS, number["centerPointV"] / _SUBPIXELS],
                        [0, 0, 1],
                    ]
                ),
                np.array(
                    [
                        number["radialDistortion1"],
                        number["radialDistortion2"],
                        number["tangentalDistortion1"],
                        number["tangentalDistortion2"],
                    ]
                ),
                rotation,
                -rotation @ position,
            )
        )
    return cameras


def clip_frames(camera: str) -> Iterator[Image]:
    """Frames of a clip, (H, W, 3) uint8 RGB."""
    with av.open(str(fetched(f"{camera}.mp4"))) as container:
        for frame in container.decode(video=0):
            yield np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)


def triangulate(cameras: Sequence[CalibratedCamera], pixels: Array, confidence: Array) -> tuple[Array, float]:
    """Triangulates one point, without the view that contradicts the others if there is one.

    Args:
        cameras: n of them, at least two.
        pixels: (n, 2).
        confidence: (n,).

    Returns:
        World position (3,), NaN where fewer than two views agree, and the mean reprojection error in pixels.
    """
    use = np.flatnonzero(confidence >= _LEAST_CONFIDENCE).tolist()
    while len(use) >= 2:
        rows = []
        for index in use:
            camera = cameras[index]
            projection = np.column_stack([camera.rotation, camera.translation])
            x, y = camera.rays(pixels[index][None])[0]
            rows += [
                confidence[index] * (x * projection[2] - projection[0]),
                confidence[index] * (y * projection[2] - projection[1]),
            ]
        solution = np.linalg.svd(np.array(rows))[2][-1]
        point = solution[:3] / solution[3]
        errors = np.array([np.hypot(*(cameras[i].project(point[None])[0] - pixels[i])) for i in use])
        if errors.max() <= _MAX_ERROR or len(use) == 2:
            return (point if errors.max() <= _MAX_ERROR else np.full(3, np.nan)), float(errors.mean())
        del use[int(errors.argmax())]
    return np.full(3, np.nan), np.inf


def true_joints(
    cameras: Sequence[CalibratedCamera], poses: Sequence[Sequence[Pose | None]], without: int | None
) -> Array:
    """Joints (frames, 25, 3) of BODY_25 in the world, metres; NaN where they are not known.

    Args:
        cameras: all of them.
        poses: of each camera, frame by frame, synchronous.
        without: the camera whose view is not used.
    """
    views = [index for index in range(len(cameras)) if index != without]
    frames = len(poses[0])
    joints = np.full((frames, 25, 3), np.nan)
    for frame in range(frames):
        seen = [(cameras[view], pose) for view in views if (pose := poses[view][frame]) is not None]
        if len(seen) < 2:
            continue
        for row in range(25):
            points = np.stack([pose.body[row] for _, pose in seen]).astype(np.float64)
            joints[frame, row], _ = triangulate([camera for camera, _ in seen], points[:, :2], points[:, 2])
    return _smoothed(joints)


def _smoothed(joints: Array) -> Array:
    """Averages over three frames with the weights 1, 2, 1, where a joint is known."""
    padded = np.pad(joints, ((1, 1), (0, 0), (0, 0)), constant_values=np.nan)
    shifted = np.stack([padded[:-2], padded[1:-1], padded[2:]])
    weights = np.array([1.0, 2.0, 1.0])[:, None, None, None] * ~np.isnan(shifted)
    total = (np.nan_to_num(shifted) * weights).sum(axis=0) / np.maximum(weights.sum(axis=0), 1e-9)
    return np.where(np.isnan(joints), np.nan, total)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
