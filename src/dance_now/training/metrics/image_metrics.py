"""Image metrics of a rendering against ground truth: PSNR, SSIM, IoU, alpha error, face detail."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from dance_now.core.arrays import BoolArray, FloatArray, Image
from dance_now.pose.model.keypoints import BODY_INDEX, FACE
from dance_now.pose.retarget.head_rotation import HEAD_POINTS, fit_head

FACING_DEGREES: Final = 60.0
_HEIGHT = 256
_MARGIN = 8
_GREY = 0.5
_EQUAL = 100.0  # dB
_LEAST_WINDOW = 64
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)
_RIM = 0.25  # of the face's larger side that a head's square goes beyond it on each side
_LEAST_FACE_POINTS = 17  # a jaw without the rest, or more
_EYES = [BODY_INDEX["right_eye"], BODY_INDEX["left_eye"]]
_EARS = [BODY_INDEX["right_ear"], BODY_INDEX["left_ear"]]


@dataclass(frozen=True)
class Score:
    """Metrics of one image.

    All but ``iou`` are computed over the figure and its surroundings: the union of both silhouettes, dilated
    by 8 of 256 pixels.

    Attributes:
        psnr: dB, over mid-grey; 100 for equal images.
        iou: intersection over union of the silhouettes (alpha above one half).
        ssim: mean structural similarity, over mid-grey.
        alpha_error: mean absolute difference of the alphas, in [0, 1].
    """

    psnr: float
    iou: float
    ssim: float
    alpha_error: float


@dataclass(frozen=True)
class HeadScore:
    """Metrics of a head that faces the viewer, at full resolution, over mid-grey.

    Whole-figure metrics hardly react to a missing face; these do, ``detail`` most clearly.

    Attributes:
        psnr: dB in the square around the head's keypoints.
        ssim: mean structural similarity there.
        detail: facial detail retained, in [-1, 1]: 1 for the ground truth, about 0.4 if it is blurred by two
            pixels, 0 for a blank face. Shifts up to 1/32 of the head are ignored.
    """

    psnr: float
    ssim: float
    detail: float


@dataclass(frozen=True)
class ImageComparison:
    """Image pair over mid-grey, area-downsampled to 256 pixels in height.

    Attributes:
        drawn: (256, W, 4) float32 RGB over mid-grey and alpha, in [0, 1].
        true: the same of the ground truth.
        region: (256, W) bool: the figure and its surroundings; all False where both images are empty.
    """

    drawn: FloatArray
    true: FloatArray
    region: BoolArray

    @classmethod
    def of(cls, drawn: Image, true: Image, ignored: BoolArray | None = None) -> ImageComparison:
        """Builds the pair from RGBA images (H, W, 4) of one size.

        Args:
            drawn: the rendering.
            true: the ground truth.
            ignored: (H, W) of what does not count, clear in both images.
        """
        small_drawn, small_true = _over_grey(_reduced(drawn)), _over_grey(_reduced(true))
        union = (small_drawn[..., 3] > 0.5) | (small_true[..., 3] > 0.5)
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _MARGIN + 1, 2 * _MARGIN + 1))
        region = cv2.dilate(union.astype(np.uint8), kernel) > 0
        if ignored is not None:
            size = (region.shape[1], region.shape[0])
            region &= cv2.resize(ignored.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) == 0
        return cls(small_drawn, small_true, region)

    @property
    def crop(self) -> tuple[slice, slice]:
        """Slices of rows and columns around the region, at least 64 each; the whole image if it is empty."""
        return _around(np.any(self.region, axis=1)), _around(np.any(self.region, axis=0))

    def score(self) -> Score:
        """Metrics of the pair."""
        if not self.region.any():
            return Score(psnr=_EQUAL, iou=1.0, ssim=1.0, alpha_error=0.0)
        drawn_shape, true_shape = self.drawn[..., 3] > 0.5, self.true[..., 3] > 0.5
        difference = (self.drawn - self.true)[self.region]
        similarity = structural_similarity(self.drawn[..., :3], self.true[..., :3])
        return Score(
            psnr=_decibels(difference[:, :3]),
            iou=float((drawn_shape & true_shape).sum() / (drawn_shape | true_shape).sum()),
            ssim=float(similarity[self.region].mean()),
            alpha_error=float(np.abs(difference[:, 3]).mean()),
        )


def score(drawn: Image, true: Image) -> Score:
    """Scores a rendered RGBA image (H, W, 4) uint8 against ground truth of the same size.

    Both are composited over mid-grey and area-downsampled to 256 pixels in height, and only the figure and
    its surroundings count: an empty background would inflate the score.
    """
    return ImageComparison.of(drawn, true).score()


def head_score(drawn: Image, true: Image, label: FloatArray) -> HeadScore | None:
    """Scores the head of a rendered RGBA image (H, W, 4) against ground truth.

    Args:
        drawn: the rendering.
        true: the ground truth.
        label: (137, 4) x, y, depth, confidence in pixels of the pictures.

    Returns:
        None if the head is not wholly inside the image or does not face the viewer.
    """
    box = head_box(label)
    height, width = true.shape[:2]
    if box is None or not faces_viewer(label):
        return None
    left, top, right, bottom = box
    slack = max(1, round((right - left) / 32))
    if min(left, top) < slack or right > width - slack or bottom > height - slack:
        return None
    around = np.s_[top - slack : bottom + slack, left - slack : right + slack]
    near_drawn, near_true = over_grey(drawn[around]), over_grey(true[around])
    inner = np.s_[slack:-slack, slack:-slack]
    similarity = structural_similarity(near_drawn[..., :3], near_true[..., :3])
    face = _face_mask(label, (top - slack, left - slack), near_true.shape[:2])
    return HeadScore(
        psnr=_decibels((near_drawn - near_true)[inner][..., :3]),
        ssim=float(similarity[inner].mean()),
        detail=_detail(near_drawn[..., :3] @ _LUMINANCE, near_true[..., :3] @ _LUMINANCE, face, slack),
    )


def head_box(label: FloatArray, rim: float = _RIM) -> tuple[int, int, int, int] | None:
    """Bounding square of a label's (137, 4) head: left, top, right, bottom in px; None without a face.

    Args:
        label: (137, 4) x, y, depth, confidence.
        rim: margin beyond the head's keypoints, in parts of their larger extent.
    """
    face = label[FACE]
    if (face[:, 3] > 0).sum() < _LEAST_FACE_POINTS:
        return None
    points = np.concatenate([label[HEAD_POINTS], face])
    points = points[points[:, 3] > 0, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    half = float((high - low).max()) * (0.5 + rim)
    left, top = np.floor((low + high) / 2 - half).astype(int)
    side = max(2, round(2 * half))
    return int(left), int(top), int(left) + side, int(top) + side


def faces_viewer(label: FloatArray, within: float = FACING_DEGREES) -> bool:
    """Whether a label's (137, 4) head faces the viewer, within ``within`` degrees.

    With depth, its direction is the line from ears to eyes, which is level when a head is held straight (the
    Frankfurt plane); without, that of an average head fitted to the 2D points.
    """
    head = label[HEAD_POINTS].astype(np.float64)
    known = head[:, 3] > 0
    if known.all() and np.ptp(head[:, 2]) > 0:
        forward = label[_EYES, :3].mean(axis=0) - label[_EARS, :3].mean(axis=0)
        towards = -float(forward[2]) / max(float(np.linalg.norm(forward)), 1e-6)
    else:
        rotation, _, trust = fit_head(head[:, :2] * [1, -1], known.astype(np.float64))
        towards = float(rotation[2, 2]) if trust > 0 else -1.0
    return bool(towards > np.cos(np.radians(within)))


def structural_similarity(first: FloatArray, second: FloatArray) -> FloatArray:
    """Structural similarity map (H, W) of two images (H, W, 3) in [0, 1], the mean over channels.

    Source: Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural
    similarity", 2004: a Gaussian window of 11 pixels and 1.5 pixels of standard deviation.
    """

    def mean(values: FloatArray) -> FloatArray:
        return np.asarray(cv2.GaussianBlur(values, (11, 11), 1.5), np.float32)

    mean_first, mean_second = mean(first), mean(second)
    product = mean_first * mean_second
    squares = mean_first**2 + mean_second**2
    variances = mean(first**2 + second**2) - squares
    covariance = mean(first * second) - product
    likeness = (2 * product + 0.01**2) * (2 * covariance + 0.03**2)
    return (likeness / ((squares + 0.01**2) * (variances + 0.03**2))).mean(axis=2)


def gradients(picture: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Image gradients across and down, per pixel, of (H, W) or (H, W, C) (Scharr's operator)."""
    across, down = (cv2.Scharr(picture, cv2.CV_32F, *axes) / 32 for axes in ((1, 0), (0, 1)))
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def _detail(drawn: FloatArray, true: FloatArray, face: BoolArray, slack: int) -> float:
    """Face detail: similarity 2ab / (a^2 + b^2) of gradients in the face, at the best shift up to ``slack``.

    Unlike a correlation it falls with the lines' contrast, so it detects blur.
    """
    height, width = true.shape
    inner = np.s_[slack : height - slack, slack : width - slack]
    inside = face[inner]
    of_true = np.stack([part[inner][inside] for part in gradients(true)])
    parts = gradients(drawn)
    best = -1.0
    for down in range(2 * slack + 1):
        for across in range(2 * slack + 1):
            moved = np.s_[down : down + inside.shape[0], across : across + inside.shape[1]]
            of_drawn = np.stack([part[moved][inside] for part in parts])
            energy = float(np.square(of_true).sum() + np.square(of_drawn).sum())
            if energy == 0:
                return 1.0  # neither has lines
            best = max(best, 2 * float((of_true * of_drawn).sum()) / energy)
    return best


def _face_mask(label: FloatArray, corner: tuple[int, int], shape: tuple[int, ...]) -> BoolArray:
    """Mask of the face points' convex hull in a crop (H, W) whose upper left ``corner`` is (row, column)."""
    points = label[FACE][label[FACE][:, 3] > 0, :2] - np.array(corner[::-1], np.float32)
    mask = np.zeros(shape, np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.floor(points).astype(np.int32)), 1)
    return mask > 0


def _around(wanted: BoolArray) -> slice:
    places = np.flatnonzero(wanted)
    if not len(places):
        return slice(0, len(wanted))
    first = max(0, min(int(places[0]), len(wanted) - _LEAST_WINDOW))
    return slice(first, max(int(places[-1]) + 1, first + _LEAST_WINDOW))


def _decibels(difference: FloatArray) -> float:
    error = float(np.square(difference).mean())
    return min(-10 * math.log10(error), _EQUAL) if error > 0 else _EQUAL


def over_grey(picture: Image) -> FloatArray:
    """Composites an RGBA image over mid-grey, float32 in [0, 1], with its alpha."""
    return _over_grey(_values(picture))


def _values(picture: Image) -> FloatArray:
    """Premultiplied values in [0, 1]."""
    values = np.multiply(picture, np.float32(1 / 255), dtype=np.float32)
    values[..., :3] *= values[..., 3:]
    return values


def _reduced(picture: Image) -> FloatArray:
    """Premultiplied values, area-downsampled to 256 pixels in height."""
    width = max(1, round(picture.shape[1] * _HEIGHT / picture.shape[0]))
    return np.asarray(
        cv2.resize(_values(picture), (width, _HEIGHT), interpolation=cv2.INTER_AREA), np.float32
    )


def _over_grey(values: FloatArray) -> FloatArray:
    """Composites premultiplied RGBA over mid-grey, in place."""
    values[..., :3] += _GREY * (1 - values[..., 3:])
    return values
