"""Error by body part: squared error of images per part, and the fraction of it that is misalignment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.keypoints import BODY_INDEX, FACE, HAND_LIMBS, LEFT_HAND, RIGHT_HAND
from dance_now.training.metrics.image_metrics import ImageComparison, faces_viewer

PARTS: Final = ("trunk", "legs", "feet", "arms", "hair", "hands", "face")

_SIDES = ("right", "left")
_LIMBS = (
    (("neck", "mid_hip"), "trunk"),
    *(((f"{side}_hip", f"{side}_knee", f"{side}_ankle"), "legs") for side in _SIDES),
    *(((f"{side}_heel", f"{side}_ankle", f"{side}_big_toe", f"{side}_small_toe"), "feet") for side in _SIDES),
    *(((f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist"), "arms") for side in _SIDES),
    (("right_ear", "right_eye", "nose", "left_eye", "left_ear", "right_ear"), "hair"),
)
_CHAINS = tuple(([BODY_INDEX[name] for name in names], part) for names, part in _LIMBS)
_TRUNK = [BODY_INDEX[name] for name in ("right_shoulder", "left_shoulder", "left_hip", "right_hip")]
_KNUCKLE = 9  # of a hand's middle finger
_FINGER = 0.5  # a finger's thickness with its outlines, in lengths of the palm
_FACE_SHOWS = 100.0  # degrees from the viewer up to which a face is seen
_SHIFTS = (-1.0, -0.5, 0.0, 0.5, 1.0)  # px of 256
_FAR = 2.0**14  # px; points are drawn with whole numbers
_FRACTION_BITS = 4


@dataclass(frozen=True)
class PartError:
    """Squared error of one body part over all images.

    Attributes:
        part: one of ``PARTS``.
        area: its fraction of the evaluated pixels, in [0, 1].
        share: its fraction of the squared error, in [0, 1].
        moved: fraction of its squared error that the best shift removes, in each image by up to one of 256
            pixels in steps of a half: so much is misalignment, the rest shading, lines and blur.
    """

    part: str
    area: float
    share: float
    moved: float


def summarise_part_errors(measures: Sequence[FloatArray]) -> tuple[PartError, ...]:
    """Aggregates ``part_errors`` of all images; empty without any error."""
    pixels, error, after = np.stack(measures).astype(np.float64).sum(axis=0).T
    if not error.sum() > 0:
        return ()
    moved = 1 - after / np.maximum(error, 1e-12)
    return tuple(
        PartError(part, float(area), float(share), float(gone))
        for part, area, share, gone in zip(
            PARTS, pixels / pixels.sum(), error / error.sum(), moved, strict=True
        )
    )


def part_errors(compared: ImageComparison, label: FloatArray, height: int) -> FloatArray:
    """Squared error by body part in one image.

    Args:
        compared: the image pair.
        label: (137, 4) x, y, depth, confidence in pixels of the full picture.
        height: of the full picture, px.

    Returns:
        (7, 3) pixels, squared error, squared error after the best shift, of each of ``PARTS``.
    """
    crop = compared.crop
    region = compared.region[crop]
    part = part_map(label, height, compared.region.shape)[crop][region]
    drawn, true = (np.ascontiguousarray(each[crop][..., :3]) for each in (compared.drawn, compared.true))

    def errors(across: float, down: float) -> FloatArray:
        matrix = np.array([[1, 0, across], [0, 1, down]], np.float32)
        moved = cv2.warpAffine(drawn, matrix, drawn.shape[1::-1], borderMode=cv2.BORDER_REPLICATE)
        difference = moved - true
        squares = np.einsum("ijk,ijk->ij", difference, difference)
        return np.bincount(part, squares[region], len(PARTS)).astype(np.float32)

    least = np.min([errors(across, down) for across in _SHIFTS for down in _SHIFTS], axis=0)
    pixels = np.bincount(part, minlength=len(PARTS))
    return np.stack([pixels, errors(0, 0), least], axis=1).astype(np.float32)


def part_map(label: FloatArray, height: int, shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Body-part segmentation (H, W): index in ``PARTS`` of the nearest part to each pixel of an image.

    Hands and face have their own outlines; all else is a Voronoi partition, so skirts are legs, and what
    surrounds a head is hair (or hat, or ears), as is a head from behind.

    Args:
        label: (137, 4) x, y, depth, confidence in pixels of a picture ``height`` pixels high.
    """
    known = label[:, 3] > 0
    points = np.clip(label[:, :2] * (shape[0] / height) - 0.5, -_FAR, _FAR)
    fixed = np.round(points * 2**_FRACTION_BITS).astype(np.int32)
    lines = np.full(shape, len(PARTS), np.uint8)
    for chain, part in _CHAINS:
        rows = [row for row in chain if known[row]]
        if rows:
            cv2.polylines(lines, [fixed[rows]], False, PARTS.index(part), 1, cv2.LINE_8, _FRACTION_BITS)
    _fill(lines, fixed[[row for row in _TRUNK if known[row]]], PARTS.index("trunk"))
    parts = _nearest(lines)
    if faces_viewer(label, _FACE_SHOWS):
        _fill(parts, fixed[FACE][known[FACE]], PARTS.index("face"))
    for hand in (LEFT_HAND, RIGHT_HAND):
        palm = float(np.linalg.norm(points[hand.start + _KNUCKLE] - points[hand.start]))
        for start, end in HAND_LIMBS:
            limb = [hand.start + start, hand.start + end]
            if known[limb].all():
                thickness = max(1, round(_FINGER * palm))
                cv2.polylines(
                    parts, [fixed[limb]], False, PARTS.index("hands"), thickness, cv2.LINE_8, _FRACTION_BITS
                )
    return parts.astype(np.int64)


def _nearest(lines: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Voronoi partition: spreads labels in ``lines`` to the nearest pixels; all trunk if there are none."""
    empty = lines == len(PARTS)
    if empty.all():
        return np.zeros_like(lines)
    _, nearest = cv2.distanceTransformWithLabels(
        empty.astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    part_of_label = np.zeros(int(nearest.max()) + 1, np.uint8)
    part_of_label[nearest[~empty]] = lines[~empty]
    return part_of_label[nearest]


def _fill(drawn: npt.NDArray[np.uint8], corners: npt.NDArray[np.int32], number: int) -> None:
    if len(corners) >= 3:
        cv2.fillConvexPoly(drawn, cv2.convexHull(corners), number, cv2.LINE_8, _FRACTION_BITS)
