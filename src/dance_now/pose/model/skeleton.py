"""Skeleton of a character: rest positions of its keypoints, and the pivots of its trunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray, FloatArray
from dance_now.pose.model.keypoints import FACE, POINT_COUNT

TRUNK_PIVOTS: Final = ("spine", "chest", "neck", "head")
_MAX_EXPRESSIONS: Final = 64
USUAL_PITCHES: Final = (-15.0, 20.0)  # degrees; of characters whose file does not say
_STEEPEST: Final = 60.0  # degrees

# Pairs of keypoints whose distance no pose changes: they give the scale of a pose.
RIGID_SEGMENTS: Final = (
    (9, 12),
    (2, 5),
    (2, 3),
    (3, 4),
    (5, 6),
    (6, 7),
    (9, 10),
    (10, 11),
    (12, 13),
    (13, 14),
)
LENGTH_TOLERANCE: Final = 0.1  # misfit from which a pose is that of another body


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Rest pose of a character, in its own frame (x to its left, y up, z to the front; metres).

    Attributes:
        rest: (137, 3) float32 rest positions of the keypoints, 0 where unknown.
        known: (137,) bool: which of them the character has.
        pivots: (4, 3) float32: the points about which spine, chest, neck and head turn.
        bounds: (2, 3) float32: lowest and highest corner of the whole rest figure, hair included.
        expressions: VRM's name of each expression that the face has -> (70, 3) float32 metres by which it
            moves the face points at full weight, head at rest; empty where that is not known.
        pitches: degrees by which the cameras of the character's training images looked up (lowest,
            negative) and down (highest); it is not to be drawn as seen by steeper ones.
    """

    rest: FloatArray
    known: BoolArray
    pivots: FloatArray
    bounds: FloatArray
    expressions: Mapping[str, FloatArray] = field(default_factory=dict)
    pitches: tuple[float, float] = USUAL_PITCHES

    def __post_init__(self) -> None:
        shapes = {
            "rest": (POINT_COUNT, 3),
            "known": (POINT_COUNT,),
            "pivots": (len(TRUNK_PIVOTS), 3),
            "bounds": (2, 3),
        }
        for name, shape in shapes.items():
            dtype = np.bool_ if name == "known" else np.float32
            array: npt.NDArray[Any] = np.array(getattr(self, name), dtype)
            if array.shape != shape or not np.isfinite(array).all():
                raise ValueError(f"skeleton: {name} should be finite and of shape {shape}, got {array.shape}")
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        object.__setattr__(self, "expressions", _checked_expressions(self.expressions))
        lowest, highest = (float(value) for value in self.pitches)
        if not -_STEEPEST < lowest <= 0 <= highest < _STEEPEST:
            raise ValueError(f"skeleton: pitches should be around 0 degrees, got {self.pitches}")
        object.__setattr__(self, "pitches", (lowest, highest))

    @property
    def height(self) -> float:
        """Height in metres, from the lowest to the highest point of the rest figure."""
        return float(self.bounds[1, 1] - self.bounds[0, 1])

    def lengths(self, segments: npt.ArrayLike = RIGID_SEGMENTS) -> FloatArray:
        """Rest lengths (n,) in metres of pairs of keypoints (n, 2)."""
        pairs = np.asarray(segments)
        return np.linalg.norm(self.rest[pairs[:, 0]] - self.rest[pairs[:, 1]], axis=1)

    def scale(self, points: FloatArray) -> float:
        """Scale of ``points`` (137, 3), keypoints with depth: their units per metre of the character."""
        return float(_lengths(points).sum() / self.lengths().sum())

    def misfit(self, points: FloatArray) -> float:
        """Maximum relative error of the rigid segments' lengths; infinite for a degenerate pose.

        Args:
            points: (137, 3) keypoints with depth, in any one unit.
        """
        scale = self.scale(points)
        if scale <= 0:
            return float("inf")
        return float(np.abs(_lengths(points) / np.maximum(self.lengths() * scale, 1e-6) - 1).max())

    def to_json(self) -> dict[str, Any]:
        """Serialises to plain lists, rounded to a hundredth of a millimetre."""
        data: dict[str, Any] = {
            "rest": np.round(self.rest.astype(float), 5).tolist(),
            "known": self.known.astype(int).tolist(),
            "pivots": np.round(self.pivots.astype(float), 5).tolist(),
            "bounds": np.round(self.bounds.astype(float), 5).tolist(),
            "pitches": list(self.pitches),
        }
        if self.expressions:
            data["expressions"] = {
                name: (np.round(move.astype(float), 5) + 0.0).tolist()
                for name, move in self.expressions.items()
            }
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Skeleton:
        """Parses the result of ``to_json``.

        Raises:
            ValueError: missing entries, wrong shapes or numbers that are not finite.
        """
        try:
            arrays = {key: np.asarray(data[key], np.float32) for key in ("rest", "known", "pivots", "bounds")}
            moves = {
                str(name): np.asarray(move, np.float32)
                for name, move in dict(data.get("expressions", {})).items()
            }
            lowest, highest = data.get("pitches", USUAL_PITCHES)
            pitches = (float(lowest), float(highest))
        except (KeyError, TypeError) as error:
            raise ValueError(f"skeleton: {error} is missing or malformed") from error
        return cls(arrays["rest"], arrays["known"] > 0, arrays["pivots"], arrays["bounds"], moves, pitches)


def _checked_expressions(moves: Mapping[str, npt.NDArray[Any]]) -> dict[str, FloatArray]:
    checked = {}
    for name, move in moves.items():
        array = np.array(move, np.float32)
        if array.shape != (FACE.stop - FACE.start, 3) or not np.isfinite(array).all():
            raise ValueError(f"skeleton: expression {name!r} should be finite and of shape (70, 3)")
        array.setflags(write=False)
        checked[name] = array
    if len(checked) > _MAX_EXPRESSIONS:
        raise ValueError(f"skeleton: more than {_MAX_EXPRESSIONS} expressions")
    return checked


def _lengths(points: FloatArray) -> FloatArray:
    """Lengths of RIGID_SEGMENTS between points (137, 3)."""
    pairs = np.asarray(RIGID_SEGMENTS)
    return np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
