"""Joints of a figure: given in a file, seen by the pose estimator, or told by the outline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray
from dance_now.core.errors import DanceNowError
from dance_now.picture_rig.figure_joints import SIDES, FigureJoints, check_inside, joints_of_pose
from dance_now.picture_rig.figure_picture import FigurePicture
from dance_now.picture_rig.outline_joints import outline_joints
from dance_now.pose.formats.openpose_parser import read_people
from dance_now.pose.model.detection import PoseEstimator
from dance_now.pose.model.keypoints import BODY_INDEX
from dance_now.pose.model.pose import Pose

Points = npt.NDArray[np.float64]

_TRUSTED: Final = 0.6  # confidence of each joint
_MARGIN: Final = 0.12  # of the picture, around it: figures fill their pictures
_NEEDED: Final = [
    BODY_INDEX[f"{side}_{limb}"]
    for side in SIDES
    for limb in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
]
_FACING: Final = 0.3  # least width of shoulders or hips, of the trunk's length
_CUT: Final = 0.18  # of the figure's width: what touches the picture's lower edge is no foot
_STANDING: Final = 0.5  # least fall from hip to knee, of that from knee to ankle


def find_joints(figure: FigurePicture, given: Path | None, estimator: PoseEstimator) -> FigureJoints:
    """Joints in the figure's own pixels.

    Args:
        figure: the cut-out picture.
        given: a file with joints in pixels of the picture, or None.
        estimator: of people, who may be painted.

    Raises:
        DanceNowError: joints of the file lie outside the figure or are incomplete; or none were found.
    """
    mask = figure.mask
    crown = highest_point(mask)
    if given is not None:
        pose = _read(given, figure)
        joints = joints_of_pose(pose, crown)
        check_inside(joints.points, mask)
        return joints
    _check_whole(figure)
    seen = _estimated(figure, estimator)
    if seen is not None:
        joints = joints_of_pose(seen, crown)
        _check_stance(joints)
        return replace(joints, eyes={}, mouth=None)
    try:
        return outline_joints(mask)
    except DanceNowError as error:
        raise DanceNowError(f"{error} Correct the joints that were saved and pass them as joints.") from error


def _check_whole(figure: FigurePicture) -> None:
    """Refuses figures that the picture's lower edge cuts through the body."""
    mask = figure.mask
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    bottom = figure.picture_points(np.array([[0.0, rows[-1] + 1]]))[0, 1]
    if bottom < figure.size[1] * figure.picture_scale - 2 * figure.to_picture:
        return
    cut = np.flatnonzero(mask[max(rows[0], rows[-1] - 2)])
    widest = int(np.diff(np.flatnonzero(np.diff(cut, prepend=-2, append=cut[-1] + 2) > 1)).max())
    if widest > _CUT * np.ptp(columns):
        raise DanceNowError(
            "the picture ends within the figure's body; the whole figure is needed, down to its feet.",
        )


def highest_point(mask: BoolArray) -> Points:
    """(2,) x, y of the highest point of the silhouette's middle part."""
    columns = np.flatnonzero(mask.any(axis=0))
    weights = mask.sum(axis=0).astype(np.float64)
    centre = float((np.arange(mask.shape[1]) * weights).sum() / weights.sum())
    reach = 0.15 * (columns[-1] - columns[0] + 1)
    tops = [(int(np.argmax(mask[:, x])), x) for x in columns if abs(x - centre) <= reach]
    row, column = min(tops)
    return np.array([column + 0.5, row], np.float64)


def _read(path: Path, figure: FigurePicture) -> Pose:
    people = read_people(path)
    if not people:
        raise DanceNowError(f"{path} holds no person.", option="joints")
    return _on_raster(people[0].pose, figure)


def _on_raster(pose: Pose, figure: FigurePicture) -> Pose:
    points = pose.points.copy()
    seen = points[:, 2] > 0
    points[seen, :2] = figure.raster_points(points[seen, :2].astype(np.float64))
    return Pose(points)


def _estimated(figure: FigurePicture, estimator: PoseEstimator) -> Pose | None:
    """Keypoints by the estimator, over a plain ground; None unless it is sure of every limb."""
    alpha = figure.alpha[..., None]
    plain = np.clip(figure.rgb * alpha + 235 * (1 - alpha), 0, 255).astype(np.uint8)
    pad = round(_MARGIN * max(plain.shape))
    padded = np.pad(plain, ((pad, pad), (pad, pad), (0, 0)), constant_values=235)
    people = estimator(padded)
    if not people:
        return None
    points = people[0].detection.pose.points.copy()
    points[points[:, 2] > 0, :2] -= pad
    x, y = (points[_NEEDED, axis].astype(int) for axis in (0, 1))
    height, width = figure.alpha.shape
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    if not inside.all() or (points[_NEEDED, 2] < _TRUSTED).any():
        return None
    return Pose(points) if (figure.alpha[y, x] > 0.3).mean() > 0.9 else None


def _check_stance(joints: FigureJoints) -> None:
    """Refuses figures that turn aside or sit."""
    hips = joints.middle("hip")
    trunk = float(np.linalg.norm(joints["neck"] - hips))
    width = max(abs(joints[f"left_{limb}"][0] - joints[f"right_{limb}"][0]) for limb in ("shoulder", "hip"))
    if width < _FACING * trunk:
        raise DanceNowError(
            "the figure is seen from the side; it has to face the viewer. If it does, give its joints.",
            option="joints",
        )
    for side in SIDES:
        thigh = joints[f"{side}_knee"][1] - joints[f"{side}_hip"][1]
        shin = joints[f"{side}_ankle"][1] - joints[f"{side}_knee"][1]
        if thigh < _STANDING * shin:
            raise DanceNowError(
                "the figure sits or lifts a leg; it has to stand. If it does, give its joints.",
                option="joints",
            )
