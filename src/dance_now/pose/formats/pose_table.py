"""Pose table: CSV export (RFC 4180), a row for each person in each frame."""

from __future__ import annotations

import csv
from typing import Final, TextIO

from dance_now.pose.model.detection import Person
from dance_now.pose.model.keypoints import BODY_NAMES, FACE, FINGERS

_HAND: Final = ("wrist", *(f"{finger.lower()}_{joint}" for finger in FINGERS for joint in range(1, 5)))
POINT_NAMES: Final = (
    *BODY_NAMES,
    *(f"face_{row}" for row in range(FACE.stop - FACE.start)),
    *(f"{side}_hand_{name}" for side in ("left", "right") for name in _HAND),
)
COLUMNS: Final = (
    *("frame", "time", "person_id"),
    *(f"{name}_{value}" for name in POINT_NAMES for value in ("x", "y", "confidence", "depth")),
)


class PoseTable:
    """Writes poses as CSV (RFC 4180): pixels, seconds; missing and unknown values are empty."""

    def __init__(self, file: TextIO) -> None:
        """Writes the header; ``file`` is open for text with ``newline=""``."""
        self._writer = csv.writer(file)
        self._writer.writerow(COLUMNS)

    def write(self, frame: int, time: float, people: tuple[Person, ...]) -> None:
        """Writes a row for each person in a frame."""
        for person in people:
            pose = person.detection.pose
            cells: list[str] = []
            for (x, y, confidence), depth, known in zip(
                pose.points.tolist(), pose.depth.tolist(), pose.has_depth.tolist(), strict=True
            ):
                shown = [f"{x:.2f}", f"{y:.2f}", f"{confidence:.3f}"] if confidence > 0 else [""] * 3
                cells += [*shown, f"{depth:.2f}" if known else ""]
            self._writer.writerow([frame, f"{time:.4f}", person.identity, *cells])
