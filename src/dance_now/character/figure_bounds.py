"""How far a figure reaches around its keypoints, in whatever pose: what of a canvas has to be drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.bone_rule import basis, frame_axes
from dance_now.pose.model.keypoints import POINT_COUNT

TRUNK: Final[Mapping[str, tuple[int, ...]]] = {"hips": (8,), "chest": (1,), "head": (17, 18)}
"""Bones that carry what is wide, and the keypoints between which each of their boxes has its origin."""

_VIEW: Final = np.array([1.0, -1.0, -1.0], np.float32)  # from image coordinates to the view frame, and back
_CORNERS: Final = np.array(list(product((0, 1), repeat=3)))


@dataclass(frozen=True, eq=False)
class FigureBounds:
    """Boxes and balls in which a figure lies.

    Attributes:
        boxes: (3, 2, 3) metres: lowest and highest corner of what hangs on each bone of TRUNK, in the bone's
            own frame.
        reach: (137,) metres around each keypoint within which all else lies, together.
    """

    boxes: FloatArray
    reach: FloatArray

    def bounds(self, points: FloatArray, scale: float) -> tuple[FloatArray, FloatArray]:
        """Lowest and highest x and y of the figure.

        Args:
            points: (137, 3) x, y and depth of its keypoints in pixels.
            scale: pixels that a metre takes.
        """
        near = np.flatnonzero(self.reach)
        far = scale * self.reach[near, None]
        corners = np.concatenate([points[near, :2] - far, points[near, :2] + far])
        for (bone, origin), box in zip(TRUNK.items(), self.boxes, strict=True):
            frame = basis(*frame_axes(points * _VIEW, bone))
            local = box[_CORNERS, np.arange(3)]
            turned = points[list(origin)].mean(axis=0) + scale * (local @ frame.T) * _VIEW
            corners = np.concatenate([corners, turned[:, :2]])
        return corners.min(axis=0), corners.max(axis=0)

    def to_json(self) -> dict[str, Any]:
        """Plain lists, rounded to a tenth of a millimetre."""
        return {name: np.round(getattr(self, name).astype(float), 4).tolist() for name in ("boxes", "reach")}

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Inverse of ``to_json``.

        Raises:
            ValueError, TypeError, KeyError: it is something else.
        """
        boxes, reach = np.asarray(data["boxes"], np.float32), np.asarray(data["reach"], np.float32)
        if boxes.shape != (len(TRUNK), 2, 3) or reach.shape != (POINT_COUNT,):
            raise ValueError("extent: boxes and reach of other shapes")
        if not (np.isfinite(boxes).all() and np.isfinite(reach).all() and (reach >= 0).all()):
            raise ValueError("extent: lengths should be numbers of metres")
        return cls(boxes, reach)


def in_trunk_frame(bone: str, rest: FloatArray, places: npt.ArrayLike) -> FloatArray:
    """Places (n, 3) in the own frame of a bone of TRUNK, at ``rest``: the keypoints (137, 3), metres."""
    origin = rest[list(TRUNK[bone])].mean(axis=0)
    return np.asarray((np.asarray(places) - origin) @ basis(*frame_axes(rest, bone)), np.float32)
