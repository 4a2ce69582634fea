"""Instance masks: overlapping person masks made exclusive by their limbs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.affine import to_opencv_affine
from dance_now.pose.model.detection import Detection, PersonMask
from dance_now.pose.tracking.limb_hull import hull_mask
from dance_now.pose.tracking.tracker import pose_box

_MARGIN: Final = 0.2  # of the box around the joints, for hair, hands and clothes
_OFF_LIMBS: Final = 0.3  # weight of a mask away from its owner's limbs
_CRISPNESS: Final = 4
_NOTHING: Final = np.float32(1e-6)  # of a claim


def instance_masks(people: Sequence[Detection]) -> list[Detection]:
    """Resolves overlaps between the masks of several people.

    A network's mask of one person sometimes covers a neighbour. Where several masks claim a pixel, it is
    assigned by mask value and distance to the limbs; a mask without overlap stays unchanged.
    """
    if len(people) < 2:
        return list(people)
    boxes = [_widened(pose_box(person.pose)) for person in people]
    hulls: dict[int, PersonMask] = {}

    def claim(index: int, window: PersonMask) -> FloatArray:
        if index not in hulls:
            hulls[index] = hull_mask(people[index].pose)
        near = cv2.addWeighted(_seen_in(hulls[index], window), 1 - _OFF_LIMBS, window.alpha, 0.0, _OFF_LIMBS)
        said = near * _seen_in(people[index].mask, window)
        return np.asarray(cv2.pow(said, _CRISPNESS), np.float32)

    result = []
    for index, person in enumerate(people):
        others = [
            other for other in range(len(people)) if other != index and _touch(boxes[index], boxes[other])
        ]
        if not others:
            result.append(person)
            continue
        mine = claim(index, person.mask)
        strongest = np.maximum.reduce([claim(other, person.mask) for other in others])
        share = (mine + _NOTHING) / (mine + strongest + _NOTHING)
        alpha = person.mask.alpha * share
        result.append(Detection(person.pose, replace(person.mask, alpha=alpha)))
    return result


def _seen_in(mask: PersonMask, window: PersonMask) -> FloatArray:
    """Resamples a mask in another mask's window, 0 outside its own."""
    if mask is window:
        return mask.alpha
    there = np.vstack([window.to_image.astype(np.float64), [0, 0, 1]])
    here = np.vstack([mask.to_image.astype(np.float64), [0, 0, 1]])
    matrix = to_opencv_affine((np.linalg.inv(there) @ here)[:2])
    size = window.alpha.shape[::-1]
    return np.asarray(cv2.warpAffine(mask.alpha, matrix, size, flags=cv2.INTER_LINEAR), np.float32)


def _widened(sides: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    margin = _MARGIN * float((sides[2:] - sides[:2]).max())
    return sides + np.array([-margin, -margin, margin, margin])


def _touch(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> bool:
    return bool((one[:2] < other[2:]).all() and (other[:2] < one[2:]).all())
