"""Occlusion of legs by furniture: the row of the image at which a table or desk cuts a person off."""

from __future__ import annotations

from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.detection import PersonMask
from dance_now.pose.model.keypoints import BODY_INDEX
from dance_now.pose.model.pose import Pose

_HIPS: Final = np.array([BODY_INDEX["right_hip"], BODY_INDEX["left_hip"]])
_SHOULDERS: Final = np.array([BODY_INDEX["right_shoulder"], BODY_INDEX["left_shoulder"]])
_KNEES: Final = np.array([BODY_INDEX["right_knee"], BODY_INDEX["left_knee"]])
_ANKLES: Final = np.array([BODY_INDEX["right_ankle"], BODY_INDEX["left_ankle"]])
_SEEN: Final = 0.8  # confidence of shoulders
# Confidence of ankles that are behind something, and of knees, which networks guess where the edge is near.
_HIDDEN_ANKLES: Final = 0.2
_HIDDEN_KNEES: Final = 0.75
_INSIDE: Final = 0.5  # mask value
_SAMPLES: Final = (192, 48)  # rows and columns at which the mask is read
_BESIDE: Final = 0.5  # of the shoulders' width, beyond the hips: columns in which the trunk ends
_DOWN: Final = 2.2  # of the trunk's length below the shoulders: rows that are searched
_FLAT: Final = 0.06  # of the trunk's length: an edge so even is furniture's
_WIDE: Final = 0.45  # of the shoulders' width that ends at the edge
_MARGIN: Final = 0.08  # of the trunk's length from the lower edge of the image, which cuts people itself


def hidden_below(pose: Pose, mask: PersonMask, size: tuple[int, int]) -> float:
    """Row of the image below which something hides a person's legs; infinite where nothing does.

    That is where the mask of trunk and thighs ends in a level line, while knees and ankles are not seen,
    although they would be inside the image.

    Args:
        pose: pixels of the image.
        mask: of the same person.
        size: width and height of the image.
    """
    body = pose.body.astype(np.float64)
    shoulders, hips = body[_SHOULDERS, :2].mean(axis=0), body[_HIPS, :2].mean(axis=0)
    trunk, across = hips[1] - shoulders[1], float(np.ptp(body[_SHOULDERS, 0]))
    legs = body[np.concatenate([_KNEES, _ANKLES])]
    knees, ankles = body[_KNEES, 2].max(), body[_ANKLES, 2].max()
    if body[_SHOULDERS, 2].min() < _SEEN or knees > _HIDDEN_KNEES or ankles > _HIDDEN_ANKLES or trunk <= 0:
        return float("inf")
    across = max(across, 0.3 * float(trunk))  # seen from the side, shoulders have no width
    left, right = np.sort(body[_HIPS, 0]) + np.array([-_BESIDE, _BESIDE]) * across
    rows = shoulders[1] + np.linspace(0, _DOWN, _SAMPLES[0]) * trunk
    inside = _sampled(mask, np.linspace(left, right, _SAMPLES[1]), rows) > _INSIDE  # (rows, columns)
    # the last row of each column that the person reaches from above
    reached = np.where(inside.any(axis=0), len(rows) - 1 - inside[::-1].argmax(axis=0), 0)
    ends = rows[reached[inside.any(axis=0)]]
    if ends.size == 0 or reached.max() == len(rows) - 1:  # nobody is there, or legs reach farther down
        return float("inf")
    row = float(np.quantile(ends, 0.9))
    level = float((np.abs(ends - row) < _FLAT * trunk).sum()) / _SAMPLES[1] * (right - left)
    below = max(float(legs[:, 1].max()), hips[1] + 0.5 * trunk)
    cut_by_image = row > size[1] - _MARGIN * trunk
    if cut_by_image or level < _WIDE * across or row > below:
        return float("inf")
    return row


def _sampled(mask: PersonMask, x: FloatArray, y: FloatArray) -> FloatArray:
    """Values (rows, columns) of a mask at columns and rows of the image; 0 outside its window."""
    matrix = mask.to_image.astype(np.float64)
    grid = np.stack(np.meshgrid(x, y), axis=-1)
    places = np.floor((grid - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T).astype(int)
    height, width = mask.alpha.shape
    valid = ((places >= 0) & (places < (width, height))).all(axis=-1)
    column, row = np.clip(places[..., 0], 0, width - 1), np.clip(places[..., 1], 0, height - 1)
    return np.where(valid, mask.alpha[row, column], 0).astype(np.float32)
