"""The ``surface`` template: a character as a rigged, textured surface, drawn by the kernel at any size."""

from __future__ import annotations

import copy
import ctypes
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from dance_now.character.kernel.library import (
    BAND_PIXELS,
    BONES,
    SNAPPED_RECORD,
    BonePose,
    SceneData,
    ScratchData,
    WindowData,
    address,
    kernel,
)
from dance_now.character.kernel.skeleton_data import skeleton_data
from dance_now.character.templates.spring_simulation import SETTLING_STEPS, SpringSimulation, SpringTails
from dance_now.character.templates.surface_arrays import SurfaceArrays
from dance_now.character.templates.surface_data import SurfaceData
from dance_now.core.arrays import FloatArray
from dance_now.pose.model.keypoints import POINT_COUNT
from dance_now.pose.model.skeleton import Skeleton

__all__ = ["SurfaceArrays", "SurfaceDrawing", "Window"]

_SMALLEST_SCALE: Final = 1e-6  # pixels per metre
_LARGEST_SIDE: Final = 1 << 15  # of a window, pixels

Picture = npt.NDArray[np.uint8]


class Window(NamedTuple):
    """A rectangle of the picture, in pixels."""

    left: int
    top: int
    width: int
    height: int


class SurfaceDrawing:
    """Draws one surface character. Buffers are kept from picture to picture; one picture is drawn at a time.

    Args:
        skeleton: the character's body.
        arrays: its surface; checked here.

    Attributes:
        vertices: (2 V, 8) float32 of the latest picture: x, y (down), depth (away) in samples, two a pixel,
            of the whole picture; the normal in the view frame; u, v. The surface first, then the hull of the
            outlines.
        bounds: the pixels of the whole picture that the latest figure reaches, whatever was drawn of it; None
            where there is none.
        affines: (47 + J, 3, 4) float64 of the latest picture: rest -> view frame, metres.
        weights: (E,) float32 of the latest picture's expressions.

    Raises:
        ValueError: arrays that cannot be drawn.
        DanceNowError: the kernel is missing or of another version.

    Example:
        >>> drawing = SurfaceDrawing(skeleton, arrays)  # doctest: +SKIP
        >>> picture = drawing.draw(keypoints, (0, 0, 512, 512), screen_height=512)  # doctest: +SKIP
    """

    def __init__(self, skeleton: Skeleton, arrays: SurfaceArrays) -> None:
        arrays.check()
        self._kernel = kernel()
        self._skeleton = skeleton_data(skeleton)
        self._data = SurfaceData(self._kernel, arrays)
        self._model, self._springs = self._data.model, self._data.springs
        self._joints = BONES + len(arrays.spring_parents)
        self._blends = bool((arrays.surface_flags[:, 0] == 2).any())
        self._make_buffers()

    def sibling(self) -> SurfaceDrawing:
        """Another drawing of the same character, for use at the same time; both share its data."""
        twin = copy.copy(self)
        twin._make_buffers()
        return twin

    def spring_simulation(self) -> SpringSimulation | None:
        """A new simulation of the character's spring bones; None if it has none."""
        if self._springs.joints == 0:
            return None
        return SpringSimulation(self._kernel, self._skeleton, self._springs, self._data)

    def _make_buffers(self) -> None:
        """Everything that changes from image to image."""
        model, springs = self._model, self._springs
        self._lock = threading.Lock()
        self._pools: dict[int, ThreadPoolExecutor] = {}
        self._pose = BonePose()
        self.affines = np.zeros((self._joints, 3, 4))
        self.weights = np.zeros(model.expressions, np.float32)
        self.vertices = np.zeros((2 * model.vertices, 8), np.float32)
        self.bounds: Window | None = None
        self._palette = np.zeros((self._joints, 16), np.float32)
        self._shape = np.zeros((2, model.vertices, 3), np.float32)
        self._tails = np.zeros((2, springs.joints, 3))
        self._colliders = np.zeros((springs.colliders, 2, 3))
        self._snapped = np.zeros(2 * model.vertices, SNAPPED_RECORD)
        self._ranges = np.zeros((2 * model.triangles, 2), np.int16)
        self._members = np.zeros(0, np.int32)
        self._scratch: list[_Scratch] = []

    def draw(
        self,
        keypoints: FloatArray,
        window: tuple[int, int, int, int],
        *,
        screen_height: float,
        threads: int = 1,
        up: npt.ArrayLike | None = None,
    ) -> Picture:
        """Draws a pose.

        Args:
            keypoints: (137, 4) of the character's own body: x, y, depth (away from the viewer) in pixels of
                the picture, confidence.
            window: left, top, width and height of the part of the picture that is drawn.
            screen_height: pixels that stand for the picture's height where an outline's width refers to it.
            threads: bands that are drawn at once; the picture does not depend on it.
            up: (3,) where the sky is, in the view frame (x right, y up, z towards the viewer); hair and
                skirts fall the other way.

        Returns:
            (height, width, 4) uint8 sRGB, straight alpha; 0 everywhere where nothing is. A window shows the
            very pixels that the whole picture has there.

        Raises:
            ValueError: keypoints that are not finite or of another shape, an impossible window.
        """
        with self._lock:
            self._place(keypoints, screen_height, up)
            return self._paint(Window(*(int(value) for value in window)), threads)

    def paint_part(self, picture: tuple[int, int], *, threads: int = 1) -> tuple[Window, Picture] | None:
        """Draws what a picture of some width and height shows of the placed figure, in the smallest window.

        Returns:
            The window and its pixels; None where the picture shows nothing.
        """
        with self._lock:
            part = None if self.bounds is None else _common(Window(0, 0, *picture), self.bounds)
            return None if part is None else (part, self._paint(part, threads))

    def place(
        self,
        keypoints: FloatArray,
        *,
        screen_height: float,
        up: npt.ArrayLike | None = None,
        tails: SpringTails | None = None,
    ) -> Window | None:
        """Puts the surface where the keypoints say, without drawing it: ``vertices`` and ``bounds`` change.

        Arguments as for ``draw``, and ``tails``, what a ``SpringSimulation`` returned for this pose; without
        them hair and skirts hang still. Returns ``bounds``.
        """
        with self._lock:
            self._place(keypoints, screen_height, up, tails)
            return self.bounds

    def _place(
        self,
        keypoints: FloatArray,
        screen_height: float,
        up: npt.ArrayLike | None,
        tails: SpringTails | None = None,
    ) -> None:
        points = np.ascontiguousarray(keypoints, np.float32)
        if points.shape != (POINT_COUNT, 4) or not np.isfinite(points).all():
            raise ValueError(f"keypoints: should be finite and of shape ({POINT_COUNT}, 4)")
        sky = np.array((0.0, 1.0, 0.0) if up is None else up, np.float64)
        length = float(np.linalg.norm(sky))
        if sky.shape != (3,) or not 0 < length < math.inf:
            raise ValueError("up: should be a vector of 3 numbers")
        sky /= length
        skeleton, pose, affines = self._skeleton, self._pose, address(self.affines)
        self.bounds = None
        self._kernel.bone_rule(skeleton, address(points), pose)
        if pose.scale < _SMALLEST_SCALE:
            return
        self._kernel.bone_affines(skeleton, pose, affines)
        self._kernel.expression_weights(self._model, skeleton, pose, address(points), address(self.weights))
        if tails is None:
            state, colliders = address(self._tails), address(self._colliders)
            self._kernel.settle_springs(
                self._springs, affines, state, colliders, address(sky), SETTLING_STEPS
            )
        else:
            hips = np.array(pose.anchors[0]) / pose.scale  # the first bone
            self._tails[0] = hips + tails
            self._kernel.follow_springs(self._springs, affines, address(self._tails))
        self._kernel.place_vertices(
            self._model,
            affines,
            len(self.affines),
            address(self.weights),
            2 * pose.scale,
            2 * float(screen_height),
            address(self._palette),
            address(self._shape),
            address(self.vertices),
        )
        box = np.zeros(4, np.int32)
        self._kernel.snap_vertices(
            len(self.vertices), address(self.vertices), address(self._snapped), address(box)
        )
        left, top, right, bottom = (int(value) >> 9 for value in box)  # 512 steps of the grid a pixel
        if left <= right:
            self.bounds = Window(left, top, right - left + 1, bottom - top + 1)

    def _paint(self, window: Window, threads: int) -> Picture:
        if not (0 < window.width <= _LARGEST_SIDE and 0 < window.height <= _LARGEST_SIDE and threads > 0):
            raise ValueError(f"cannot draw {window.width}x{window.height} pixels with {threads} threads")
        picture = np.zeros((window.height, window.width, 4), np.uint8)
        part = None if self.bounds is None else _common(window, self.bounds)
        if part is None:
            return picture
        data = WindowData(*part)
        bands = -(-part.height // BAND_PIXELS)
        starts = np.zeros(bands + 1, np.int32)
        total = self._kernel.count_members(
            self._model, address(self._snapped), data, address(self._ranges), address(starts)
        )
        if total > len(self._members):
            self._members = np.zeros(total + total // 4, np.int32)
        cursor = np.zeros(bands, np.int32)
        self._kernel.list_members(
            self._model,
            address(self._ranges),
            address(starts),
            bands,
            address(cursor),
            address(self._members),
        )
        first = picture[part.top - window.top :, part.left - window.left :]
        scene = SceneData(
            ctypes.pointer(self._model),
            address(self.vertices),
            address(self._snapped),
            address(starts),
            address(self._members),
            data,
            first.ctypes.data,
            picture.strides[0],
        )
        threads = min(threads, bands)
        while len(self._scratch) < threads:
            self._scratch.append(_Scratch(self._blends))
        rooms = [scratch.room(part.width) for scratch in self._scratch[:threads]]
        if threads == 1:
            self._kernel.draw_bands(scene, rooms[0], 0, 1)
        else:
            jobs = [
                self._pool(threads).submit(self._kernel.draw_bands, scene, room, number, threads)
                for number, room in enumerate(rooms)
            ]
            for job in jobs:
                job.result()
        return picture

    def _pool(self, threads: int) -> ThreadPoolExecutor:
        if threads not in self._pools:
            self._pools[threads] = ThreadPoolExecutor(threads, "dance-now-drawing")
        return self._pools[threads]


class _Scratch:
    """A thread's room for the samples of a band; it grows with the widest picture."""

    def __init__(self, blends: bool) -> None:
        self._blends = blends
        self._width = 0
        self._data = ScratchData()

    def room(self, width: int) -> ScratchData:
        """Room for bands of ``width`` pixels."""
        if width > self._width:
            samples = (
                2 * BAND_PIXELS * 2 * width + 4
            )  # the last few are touched, four at a time, but not used
            self._depth = np.empty(samples, np.float32)
            self._visible = np.empty(samples, np.int32)
            self._color = np.empty((samples if self._blends else 0, 4), np.float32)
            self._data = ScratchData(address(self._depth), address(self._visible), address(self._color))
            self._width = width
        return self._data


def _common(first: Window, second: Window) -> Window | None:
    """The pixels that two windows share; None where there are none."""
    left, top = max(first.left, second.left), max(first.top, second.top)
    right = min(first.left + first.width, second.left + second.width)
    bottom = min(first.top + first.height, second.top + second.height)
    return Window(left, top, right - left, bottom - top) if left < right and top < bottom else None
