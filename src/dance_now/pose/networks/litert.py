"""LiteRT inference, and the rotated square regions of interest that the networks read."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter

from dance_now.core.arrays import FloatArray, Image
from dance_now.core.errors import DanceNowError
from dance_now.pose.model.affine import to_opencv_affine
from dance_now.pose.networks.litert_pruning import without_outputs

Affine = npt.NDArray[np.float64]

_MINIMUM_REGION: Final = 4.0  # pixels
_SURROUNDINGS: Final = 3  # pixels around a square that interpolation may read
_OVERSAMPLING: Final = 1.5  # from this reduction on, a square is sampled twice as finely and then averaged


@dataclass(frozen=True)
class Region:
    """Rotated square region of interest of an image.

    Attributes:
        x: centre in pixels of the image.
        y: centre in pixels of the image.
        size: side in pixels.
        angle: radians, clockwise on the screen; 0 is upright.
    """

    x: float
    y: float
    size: float
    angle: float

    def to_image(self, side: int) -> Affine:
        """Affine matrix (2, 3) from the square resampled to ``side`` pixels to pixels of the image."""
        scale = self.size / side
        cosine, sine = np.cos(self.angle) * scale, np.sin(self.angle) * scale
        half = side / 2
        return np.array(
            [
                [cosine, -sine, self.x - (cosine - sine) * half],
                [sine, cosine, self.y - (sine + cosine) * half],
            ]
        )

    def crop(self, image: Image, side: int, border: int) -> Image:
        """Crops the square to (side, side, 3) uint8; ``border`` is OpenCV's border mode.

        Strong reductions are averaged from twice as many samples: less aliasing, so less jitter of points.
        """
        fine = 2 if self.size > _OVERSAMPLING * side else 1
        matrix = self.to_image(side * fine)
        part, corner = self._surroundings(image)
        matrix[:, 2] -= corner
        # OpenCV warps four channels three times as fast as three.
        square = cv2.warpAffine(
            cv2.cvtColor(part, cv2.COLOR_RGB2RGBA),
            to_opencv_affine(matrix),
            (side * fine, side * fine),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=border,
        )
        if fine > 1:
            square = cv2.resize(square, (side, side), interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.cvtColor(square, cv2.COLOR_RGBA2RGB), np.uint8)

    def _surroundings(self, image: Image) -> tuple[Image, tuple[int, int]]:
        """The part of the image that the square may touch, and its corner x, y; at least one pixel."""
        reach = self.size * (abs(np.cos(self.angle)) + abs(np.sin(self.angle))) / 2 + _SURROUNDINGS
        height, width = image.shape[:2]
        left, top = min(max(int(self.x - reach), 0), width - 1), min(max(int(self.y - reach), 0), height - 1)
        right, bottom = max(int(self.x + reach) + 1, left + 1), max(int(self.y + reach) + 1, top + 1)
        return image[top:bottom, left:right], (left, top)

    def is_usable(self, image: Image) -> bool:
        """Tests whether the square has a valid size and overlaps the image."""
        height, width = image.shape[:2]
        margin = self.size / 2
        inside = -margin < self.x < width + margin and -margin < self.y < height + margin
        return inside and _MINIMUM_REGION < self.size < 16 * max(height, width)


class LiteRTNetwork:
    """LiteRT network with one float input; outputs are identified by their shapes, or by their order.

    Attributes:
        input_shape: batch first.
    """

    def __init__(
        self,
        path: Path,
        threads: int,
        shapes: set[tuple[int, ...]],
        without: frozenset[tuple[int, ...]] = frozenset(),
    ) -> None:
        """Loads the network.

        Args:
            path: the tflite file.
            threads: CPU threads.
            shapes: of the outputs that the caller will read, batch first.
            without: shapes of outputs that are left out, with all layers that nothing else needs.

        Raises:
            DanceNowError: LiteRT cannot run the file, or it lacks these outputs.
        """
        try:
            with _silence_info():
                content = without_outputs(path.read_bytes(), without) if without else None
                place = str(path) if content is None else None
                self._interpreter = Interpreter(place, content, num_threads=threads)
                self._interpreter.allocate_tensors()
        except (ValueError, RuntimeError, OSError) as error:
            raise DanceNowError(
                f"{path} is damaged or not a LiteRT network. Delete it and try again."
            ) from error
        details = self._interpreter.get_input_details()[0]
        self._input = details["index"]
        self.input_shape = tuple(int(side) for side in details["shape"])
        self._order = [
            (tuple(int(side) for side in details["shape"]), details["index"])
            for details in self._interpreter.get_output_details()
        ]
        self._outputs = dict(self._order)
        if not shapes <= self._outputs.keys():
            raise DanceNowError(f"{path} is not the network that its name says; delete it and try again.")

    def __call__(self, values: FloatArray) -> dict[tuple[int, ...], FloatArray]:
        """Runs the network on an input of its own shape; returns the outputs by their shapes."""
        self._interpreter.set_tensor(self._input, values)
        self._interpreter.invoke()
        return {shape: self._interpreter.get_tensor(index) for shape, index in self._outputs.items()}

    @property
    def output_shapes(self) -> list[tuple[int, ...]]:
        """Shapes of all outputs in the file's order."""
        return [shape for shape, _ in self._order]

    def ordered_outputs(self, values: FloatArray) -> list[FloatArray]:
        """Runs the network; returns all outputs in the file's order, for several outputs of one shape."""
        self._interpreter.set_tensor(self._input, values)
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index) for _, index in self._order]


def sigmoid(values: FloatArray) -> FloatArray:
    """Logistic function, element-wise."""
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -60, 60))), np.float32)


@contextlib.contextmanager
def _silence_info() -> Iterator[None]:
    """Suppresses the INFO lines that LiteRT's C++ code writes to standard error, keeps others."""
    try:
        original = os.dup(2)
    except OSError:  # no standard error at all, as under pythonw
        yield
        return
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(original, 2)
            os.close(original)
            caught.seek(0)
            kept = [line for line in caught.readlines() if not line.startswith(b"INFO:")]
            if kept:
                os.write(2, b"".join(kept))
