"""2D-to-3D lifting network: depth for poses from estimators without any.

It estimates each joint's depth behind the hips from one 2D pose. The result is treated as any
estimator's depth: ``pose/retarget/limb_depth.py`` bounds it by the limbs' lengths and filters its signs.

Source: Martinez et al., "A simple yet effective baseline for 3d human pose estimation", ICCV 2017 (the
network); it is trained by ``scripts/lifter.py``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.keypoints import BODY, LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.pose import Pose

NETWORK: Final = Path(__file__).with_name("lifter.npz")
# the body, and of each hand the first knuckles of index and little finger
LIFTED: Final = (
    *range(BODY.start, BODY.stop),
    *(hand.start + knuckle for hand in (LEFT_HAND, RIGHT_HAND) for knuckle in (5, 17)),
)
_WRISTS: Final = ((LEFT_HAND.start, 7), (RIGHT_HAND.start, 4))
_FEW_ROWS: Final = 8
_UNTHREADED: Final = 200_000  # multiplications; OpenBLAS takes several threads from 262,144 on
_SEEN: Final = 0.05  # confidence
_MIN_POINTS: Final = 5  # fewer do not determine a body
SHORTEST: Final = 1e-4
"""Least size of a person, in the unit of the points: what the network divides by."""


class LiftingNetwork:
    """Fully connected layers in residual blocks, computed by numpy.

    Args:
        arrays: of K blocks of layers of W values: first_weight (W, 87), first_bias (W,); the normalisations
            before each block and before the last layer as factors scales (K + 1, W) and shifts (K + 1, W);
            weights (K, 2, W, W) and biases (K, 2, W) of the blocks; last_weight (29, W), last_bias (29,).
            Weights are float16, the others float32.
    """

    def __init__(self, **arrays: np.ndarray) -> None:
        single = {name: array.astype(np.float32) for name, array in arrays.items()}
        self._first = (single["first_weight"].T, single["first_bias"])
        self._norms = list(zip(single["scales"], single["shifts"], strict=True))
        self._blocks = [
            [(weight.T, bias) for weight, bias in zip(*block, strict=True)]
            for block in zip(single["weights"], single["biases"], strict=True)
        ]
        self._last = (single["last_weight"].T, single["last_bias"])

    @classmethod
    def load(cls, path: Path = NETWORK) -> LiftingNetwork:
        """The network in a file, by default the one that ships."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(**arrays)

    def __call__(self, points: FloatArray) -> FloatArray:
        """Points (B, 29, 3) = x, y in any unit, 1 where seen -> depth (B, 29) in that unit, from the hips on.

        Independent of where and how large the person is drawn.
        """
        seen = points[..., 2:]
        count = np.maximum(seen.sum(axis=1, keepdims=True), np.float32(1))
        centre = (points[..., :2] * seen).sum(axis=1, keepdims=True) / count
        offset = (points[..., :2] - centre) * seen
        size = np.sqrt((offset * offset).sum(axis=(1, 2), keepdims=True) / count)
        size = np.maximum(size, np.float32(SHORTEST))
        values = _layer(np.concatenate([offset / size, seen], axis=2).reshape(len(points), -1), self._first)
        for norm, (inner, outer) in zip(self._norms[:-1], self._blocks, strict=True):
            values = values + _layer(_rectified(_layer(_normalised(values, norm), inner)), outer)
        depth: FloatArray = _layer(_normalised(values, self._norms[-1]), self._last) * size[:, 0]
        return depth


class Lifter:
    """Lifts 2D poses to 3D.

    Example:
        >>> lift = open_lifter()
        >>> lift(Pose.empty()).has_depth.any()
        np.False_
    """

    def __init__(self, network: LiftingNetwork) -> None:
        self.network = network

    def __call__(self, pose: Pose) -> Pose:
        """Adds depth to the body and knuckles of a pose; a pose with too few points is returned unchanged."""
        rows = pose.points[list(LIFTED)]
        seen = rows[:, 2] > _SEEN
        if seen.sum() < _MIN_POINTS:
            return pose
        points = np.column_stack([rows[:, :2], seen]).astype(np.float32)
        found = self.network(points[None])
        depth, has_depth = np.zeros_like(pose.depth), np.zeros_like(pose.has_depth)
        depth[list(LIFTED)], has_depth[list(LIFTED)] = found[0], seen
        for hand, wrist in _WRISTS:
            depth[hand], has_depth[hand] = depth[wrist], has_depth[wrist]
        return Pose(pose.points, depth, has_depth, pose.hidden_below)


def open_lifter() -> Lifter:
    """The lifter that ships."""
    return Lifter(LiftingNetwork.load())


_Layer = tuple[FloatArray, FloatArray]


def linear(values: FloatArray, weight: FloatArray, bias: FloatArray) -> FloatArray:
    """Linear layer over the last axis, (..., in) to (..., out), without OpenBLAS's threads for a few rows.

    Threads take longer to wake than such a product, and they spin afterwards, which costs a core.
    """
    rows = values.reshape(-1, len(weight))
    product: FloatArray = np.empty((len(rows), weight.shape[1]), np.float32)
    step = weight.shape[1]
    if len(rows) <= _FEW_ROWS:
        step = max(_UNTHREADED // (len(rows) * len(weight)), 1)
    for start in range(0, weight.shape[1], step):
        part = slice(start, start + step)
        np.matmul(rows, weight[:, part], out=product[:, part])
    product += bias
    return product.reshape(*values.shape[:-1], -1)


def _layer(values: FloatArray, layer: _Layer) -> FloatArray:
    return linear(values, *layer)


def _normalised(values: FloatArray, norm: _Layer) -> FloatArray:
    return _rectified(values * norm[0] + norm[1])


def _rectified(values: FloatArray) -> FloatArray:
    return np.maximum(values, 0, out=values)
