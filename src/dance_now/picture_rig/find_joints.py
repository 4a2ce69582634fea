"""Joints of a figure: given in a file, seen by the pose estimator, or told by the outline."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray
from dance_now.core.errors import DanceNowError
from dance_now.picture_rig.bust_joints import bust_joints
from dance_now.picture_rig.figure_joints import (
    SIDES,
    FigureJoints,
    check_inside,
    check_lengths,
    joints_of_pose,
)
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
_UPPER: Final = [BODY_INDEX[f"{side}_shoulder"] for side in SIDES]
_HEAD_HALF: Final = 0.35  # of the way from shoulders to nose: where a crown is looked for, to both sides
_AGREE: Final = 0.12  # of the visible height: how far two findings of a neck may differ
_HIPS, _TRUNK = 0.65, 1.3  # of a person's shoulders: width of the hips, length of the trunk
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
    joints = _found(figure, given, estimator)
    check_lengths(joints, float(np.count_nonzero(figure.mask.any(axis=1))))
    return joints


def _found(figure: FigurePicture, given: Path | None, estimator: PoseEstimator) -> FigureJoints:
    """Joints, unchecked, from the first that can tell: the file, the estimator, the outline."""
    mask = figure.mask
    if given is not None:
        pose = _read(given, figure)
        joints = joints_of_pose(pose, _crown(pose, mask))
        check_inside(joints, mask)
        return joints
    if _is_cut(figure):
        outline = bust_joints(mask)
        seen = _estimated(figure, estimator, _UPPER)
        found = outline if seen is None else joints_of_pose(seen, _crown(seen, mask))
        apart = float(np.linalg.norm(found["neck"] - outline["neck"]))
        if apart > _AGREE * np.count_nonzero(mask.any(axis=1)):  # an estimator guesses where heads are large
            found = outline
        return replace(found, eyes={}, mouth=None)
    seen = _estimated(figure, estimator, _NEEDED)
    if seen is not None:
        joints = joints_of_pose(seen, _crown(seen, mask))
        _check_stance(joints)
        return replace(joints, eyes={}, mouth=None)
    return outline_joints(mask)


def _is_cut(figure: FigurePicture) -> bool:
    """Tests whether the picture's lower edge cuts the figure through its body."""
    mask = figure.mask
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    bottom = figure.picture_points(np.array([[0.0, rows[-1] + 1]]))[0, 1]
    if bottom < figure.size[1] * figure.picture_scale - 2 * figure.to_picture:
        return False
    cut = np.flatnonzero(mask[max(rows[0], rows[-1] - 2)])
    widest = int(np.diff(np.flatnonzero(np.diff(cut, prepend=-2, append=cut[-1] + 2) > 1)).max())
    return widest > _CUT * float(np.ptp(columns))


def highest_point(mask: BoolArray) -> Points:
    """(2,) x, y of the highest point of the silhouette's middle part."""
    columns = np.flatnonzero(mask.any(axis=0))
    weights = mask.sum(axis=0).astype(np.float64)
    centre = float((np.arange(mask.shape[1]) * weights).sum() / weights.sum())
    reach = 0.15 * (columns[-1] - columns[0] + 1)
    tops = [(int(np.argmax(mask[:, x])), x) for x in columns if abs(x - centre) <= reach]
    row, column = min(tops)
    return np.array([column + 0.5, row], np.float64)


def _crown(pose: Pose, mask: BoolArray) -> Points:
    """(2,) the highest point of the head: over the nose, where that and the shoulders are known."""
    rows = [BODY_INDEX[name] for name in ("nose", "left_shoulder", "right_shoulder")]
    if not pose.visible[rows].all():
        return highest_point(mask)
    nose, left, right = pose.points[rows, :2].astype(np.float64)
    reach = _HEAD_HALF * float(np.linalg.norm(nose - (left + right) / 2))
    columns = np.arange(max(0, int(nose[0] - reach)), min(mask.shape[1], int(nose[0] + reach) + 1))
    tops = [(int(np.argmax(mask[:, x])), abs(x - nose[0]), x) for x in columns if mask[:, x].any()]
    if not tops or min(tops)[0] >= nose[1]:
        return highest_point(mask)
    row, _, column = min(tops)
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


def _estimated(figure: FigurePicture, estimator: PoseEstimator, needed: list[int]) -> Pose | None:
    """Keypoints by the estimator, over a plain ground; None unless it is sure of those that are needed."""
    alpha = figure.alpha[..., None]
    plain = np.clip(figure.rgb * alpha + 235 * (1 - alpha), 0, 255).astype(np.uint8)
    pad = round(_MARGIN * max(plain.shape))
    padded = np.pad(plain, ((pad, pad), (pad, pad), (0, 0)), constant_values=235)
    estimator.reset()
    people = estimator(padded)
    if not people:
        return None
    points = people[0].detection.pose.points.copy()
    points[points[:, 2] > 0, :2] -= pad
    x, y = points[:, 0].astype(int), points[:, 1].astype(int)
    height, width = figure.alpha.shape
    sure = (points[:, 2] >= _TRUSTED) & (x >= 0) & (y >= 0) & (x < width) & (y < height)
    if not sure[needed].all() or (figure.alpha[y[needed], x[needed]] > 0.3).mean() <= 0.9:
        return None
    return Pose(points) if needed == _NEEDED else _upper(points, sure)


def _upper(points: npt.NDArray[np.float32], sure: BoolArray) -> Pose:
    """The keypoints of an upper body: arms where elbow and wrist are sure, hips where they would be."""
    for side in SIDES:
        arm = [BODY_INDEX[f"{side}_{limb}"] for limb in ("elbow", "wrist")]
        if not sure[arm].all():
            points[arm] = 0
        points[[BODY_INDEX[f"{side}_{limb}"] for limb in ("knee", "ankle")]] = 0
    hips = [BODY_INDEX[f"{side}_hip"] for side in SIDES]
    if not sure[hips].all():
        left, right = (points[BODY_INDEX[f"{side}_shoulder"]] for side in SIDES)
        middle, half = (left + right) / 2, abs(left[0] - right[0]) / 2
        for row, sign in zip(hips, np.sign([left[0] - right[0], right[0] - left[0]]), strict=True):
            points[row] = middle[0] + sign * _HIPS * half, middle[1] + _TRUNK * 2 * half, _TRUSTED
    return Pose(points)


def _check_stance(joints: FigureJoints) -> None:
    """Refuses figures that turn aside or sit."""
    hips = joints.middle("hip")
    trunk = float(np.linalg.norm(joints["neck"] - hips))
    width = max(abs(joints[f"left_{limb}"][0] - joints[f"right_{limb}"][0]) for limb in ("shoulder", "hip"))
    if width < _FACING * trunk:
        raise DanceNowError(
            "the figure is seen from the side; it has to face the viewer.",
            option="joints",
        )
    for side in SIDES:
        thigh = joints[f"{side}_knee"][1] - joints[f"{side}_hip"][1]
        shin = joints[f"{side}_ankle"][1] - joints[f"{side}_knee"][1]
        if thigh < _STANDING * shin:
            raise DanceNowError(
                "the figure sits or lifts a leg; it has to stand.",
                option="joints",
            )
