"""Figure bounds: conservative bounding volumes around the keypoints, valid in any pose."""

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
"""Bones with a bounding box, and the keypoints between which each box has its origin."""

_VIEW: Final = np.array([1.0, -1.0, -1.0], np.float32)  # from image coordinates to the view frame, and back
_CORNERS: Final = np.array(list(product((0, 1), repeat=3)))


@dataclass(frozen=True, eq=False)
class FigureBounds:
    """Bounding boxes and spheres that contain a figure.

    Attributes:
        boxes: (3, 2, 3) metres: lowest and highest corner of the geometry on each bone of TRUNK, in the
            bone's own frame.
        reach: (137,) metres: radii of spheres around the keypoints, whose union contains everything else.
    """

    boxes: FloatArray
    reach: FloatArray

    def bounds(self, points: FloatArray, scale: float) -> tuple[FloatArray, FloatArray]:
        """Bounding box of the figure on the image: lowest and highest x and y.

        Args:
            points: (137, 3) x, y and depth of its keypoints in pixels.
            scale: pixels per metre.
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
        """Serialises to plain lists, rounded to a tenth of a millimetre."""
        return {name: np.round(getattr(self, name).astype(float), 4).tolist() for name in ("boxes", "reach")}

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Parses the result of ``to_json``.

        Raises:
            ValueError, TypeError, KeyError: malformed data.
        """
        boxes, reach = np.asarray(data["boxes"], np.float32), np.asarray(data["reach"], np.float32)
        if boxes.shape != (len(TRUNK), 2, 3) or reach.shape != (POINT_COUNT,):
            raise ValueError("bounds: boxes and reach of other shapes")
        if not (np.isfinite(boxes).all() and np.isfinite(reach).all() and (reach >= 0).all()):
            raise ValueError("bounds: lengths should be numbers of metres")
        return cls(boxes, reach)


def in_trunk_frame(bone: str, rest: FloatArray, places: npt.ArrayLike) -> FloatArray:
    """Transforms points (n, 3) to a TRUNK bone's frame; ``rest``: keypoints (137, 3) at rest, metres."""
    origin = rest[list(TRUNK[bone])].mean(axis=0)
    return np.asarray((np.asarray(places) - origin) @ basis(*frame_axes(rest, bone)), np.float32)
