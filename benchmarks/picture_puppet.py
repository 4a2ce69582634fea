"""The baseline of characters from one picture: a flat puppet, as AnimatedDrawings moves it.

Source: Smith et al., "A Method for Animating Children's Drawings of the Human Figure", 2023: the figure's
triangulated silhouette is deformed as rigidly as possible (Igarashi et al. 2005; here by alternating
rotations and positions as Sorkine and Alexa 2007) with its joints as handles. Limbs take the directions that
the motion's limbs have in the picture's plane and keep the lengths that they have in the drawing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

import cv2
import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_matrix, csc_matrix
from scipy.sparse.linalg import splu
from scipy.spatial import cKDTree

from dance_now.core.arrays import Image
from dance_now.picture_rig.body_surface import triangulated
from dance_now.picture_rig.figure_joints import SIDES, FigureJoints
from dance_now.picture_rig.figure_picture import FigurePicture

Points = npt.NDArray[np.float64]

_SPACING: Final = 1 / 40  # of the figure's larger side
_ROUNDS: Final = 8
_HOLD: Final = 1000.0  # how much dearer a handle is than an edge
# Child -> parent, parents first; the root is the middle of the hips.
_TREE: Final = {
    "neck": "root",
    "chin": "neck",
    "crown": "chin",
    **{
        f"{side}_{limb}": parent if parent in ("neck", "root") else f"{side}_{parent}"
        for side in SIDES
        for limb, parent in (
            ("shoulder", "neck"),
            ("elbow", "shoulder"),
            ("wrist", "elbow"),
            ("hand", "wrist"),
            ("hip", "root"),
            ("knee", "hip"),
            ("ankle", "knee"),
        )
    },
}


@dataclass(frozen=True, eq=False)
class Puppet:
    """A flat puppet.

    Attributes:
        rgba: (H, W, 4) the figure.
        places: (n, 2) vertices, pixels.
        triangles: (t, 3).
        handles: joint -> vertex.
        joints: joint -> place in the drawing, with ``root``.
        nearest: (n,) the handle that is nearest to each vertex.
    """

    rgba: Image
    places: Points
    triangles: npt.NDArray[np.int64]
    handles: dict[str, int]
    joints: dict[str, Points]
    nearest: npt.NDArray[np.int64]

    @classmethod
    def of(cls, figure: FigurePicture, joints: FigureJoints) -> Self:
        """The puppet of a figure."""
        mask = figure.mask
        places, _, triangles = triangulated(mask, _SPACING * max(mask.shape))
        at = {name: joints[name] for name in _TREE} | {"root": joints.middle("hip")}
        tree = cKDTree(places)
        handles = {name: int(tree.query(place)[1]) for name, place in at.items()}
        owners = np.stack([places[vertex] for vertex in handles.values()])
        alpha = np.round(255 * figure.alpha).astype(np.uint8)
        rgba = np.concatenate([figure.rgb, alpha[..., None]], axis=2)
        return cls(rgba, places, triangles, handles, at, cKDTree(owners).query(places)[1])

    def targets(self, seen: Mapping[str, Points], scale: float, foreshortened: bool) -> dict[str, Points]:
        """Where the joints go.

        Args:
            seen: joint -> (2,) place in the wanted picture.
            scale: pixels of that picture for one of the drawing.
            foreshortened: limbs reach as far as they seem to, instead of keeping the drawing's lengths.
        """
        if foreshortened:
            return dict(seen)
        placed = {"root": seen["root"]}
        for child, parent in _TREE.items():
            way = seen[child] - seen[parent]
            length = scale * np.linalg.norm(self.joints[child] - self.joints[parent])
            placed[child] = placed[parent] + way / max(float(np.linalg.norm(way)), 1e-9) * length
        return placed

    def deformed(self, targets: Mapping[str, Points], scale: float) -> Points:
        """(n, 2) vertices with the joints at their targets, as rigid as possible."""
        rest = self.places * scale
        edges = np.concatenate([self.triangles[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
        both = np.concatenate([edges, edges[:, ::-1]])
        count = len(rest)
        weights = np.ones(len(both))
        degree = np.bincount(both[:, 0], weights, count)
        rows = np.array(list(self.handles.values()))
        wanted = np.stack([targets[name] for name in self.handles])
        held = np.bincount(rows, np.full(len(rows), _HOLD), count)
        laplace = coo_matrix((-weights, (both[:, 0], both[:, 1])), (count, count))
        solver = splu(
            csc_matrix(laplace + coo_matrix((degree + held + 1e-6, (np.arange(count),) * 2), (count, count)))
        )
        pull = np.zeros((count, 2))
        np.add.at(pull, rows, _HOLD * wanted)
        ways = rest[both[:, 0]] - rest[both[:, 1]]
        turns = np.tile(np.eye(2), (count, 1, 1))
        moved = solver.solve(pull + self._forces(ways, both, turns, count))
        for _ in range(_ROUNDS):
            turns = self._turns(ways, moved[both[:, 0]] - moved[both[:, 1]], both[:, 0], count)
            moved = solver.solve(pull + self._forces(ways, both, turns, count))
        return np.asarray(moved)

    @staticmethod
    def _forces(ways: Points, both: npt.NDArray[np.int64], turns: Points, count: int) -> Points:
        mean = (turns[both[:, 0]] + turns[both[:, 1]]) / 2
        forces = np.zeros((count, 2))
        np.add.at(forces, both[:, 0], np.einsum("eij,ej->ei", mean, ways))
        return forces

    @staticmethod
    def _turns(before: Points, after: Points, owner: npt.NDArray[np.int64], count: int) -> Points:
        """(n, 2, 2) rotation of each vertex's surroundings."""
        along = np.bincount(owner, (before * after).sum(axis=1), count)
        across = np.bincount(owner, before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0], count)
        size = np.maximum(np.hypot(along, across), 1e-12)
        cos, sin = along / size, across / size
        return np.stack([np.stack([cos, -sin], axis=1), np.stack([sin, cos], axis=1)], axis=1)

    def draw(self, moved: Points, depths: Mapping[str, float], size: int) -> Image:
        """(size, size, 4) the deformed figure; what is nearer to the viewer hides what is behind.

        Args:
            moved: (n, 2) vertices.
            depths: joint -> distance from the viewer.
            size: edge of the picture, pixels.
        """
        far = np.array([depths[name] for name in self.handles])[self.nearest]
        order = np.argsort(-far[self.triangles].mean(axis=1), kind="stable")
        canvas = np.zeros((size, size, 4), np.float32)
        source = np.asarray(cv2.cvtColor(self.rgba, cv2.COLOR_RGBA2mRGBA), np.uint8)
        for triangle in self.triangles[order]:
            _paste(
                canvas, source, self.places[triangle].astype(np.float32), moved[triangle].astype(np.float32)
            )
        levels = np.clip(canvas, 0, 255).round().astype(np.uint8)
        return np.asarray(cv2.cvtColor(levels, cv2.COLOR_mRGBA2RGBA), np.uint8)


def _paste(
    canvas: npt.NDArray[np.float32],
    source: Image,
    start: npt.NDArray[np.float32],
    end: npt.NDArray[np.float32],
) -> None:
    """Draws one triangle of a premultiplied picture over the canvas."""
    low = np.maximum(np.floor(end.min(axis=0)).astype(int) - 1, 0)
    high = np.minimum(np.ceil(end.max(axis=0)).astype(int) + 2, canvas.shape[0])
    if (high <= low).any():
        return
    matrix = cv2.getAffineTransform(start - 0.5, end - low.astype(np.float32) - 0.5)
    width, height = (int(value) for value in high - low)
    piece = cv2.warpAffine(source, matrix, (width, height), flags=cv2.INTER_LINEAR).astype(np.float32)
    cover = np.zeros((height, width), np.uint8)
    fine = np.round((end - low - 0.5) * 16).astype(np.int32)
    cv2.fillConvexPoly(cover, fine, 1, shift=4)
    target = canvas[low[1] : high[1], low[0] : high[0]]
    over = piece + target * (1 - piece[..., 3:] / 255)
    np.copyto(target, over, where=(cover > 0)[..., None])
