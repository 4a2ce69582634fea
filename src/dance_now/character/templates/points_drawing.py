"""Draws a points network with the kernel: keypoints of a canvas in, a part of the canvas out."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dance_now.character.canvas_region import WHOLE, CanvasRegion
from dance_now.character.kernel.library import BonePose, ModelData, address
from dance_now.character.kernel.points_library import (
    DECODER_LAYERS,
    MAP_LEAST,
    MAP_STEP,
    DecoderData,
    PictureData,
    PointsModelData,
    points_kernel,
)
from dance_now.character.kernel.skeleton_data import skeleton_data
from dance_now.character.templates.points_arrays import (
    DECODER,
    GRAVITY_BONES,
    LIMB_PARENTS,
    LIMBS,
    SHARP_CHANNELS,
    PointsArrays,
)
from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.model.bone_rule import BoneRig
from dance_now.pose.model.keypoints import POINT_COUNT
from dance_now.pose.model.skeleton import Skeleton

_ALIGNMENT: Final = 64
_CHANNEL_STEP: Final = 16
# The files have red of a map pixel's 2x2 pixels, then green; the kernel has a pixel's RGBA, then the next's.
_BY_PIXEL: Final = np.arange(SHARP_CHANNELS).reshape(4, 4).T.reshape(-1)


class PointsDrawing:
    """A points network, ready to draw; may be called by several threads.

    Args:
        skeleton: the character's body.
        arrays: of its network.
        threads: at most so many work on one picture.
        instructions: 0 baseline, 1 AVX2, 2 AVX-512: set for the decoder; by default the best there is. All
            give the same bits.

    Raises:
        ValueError: the first array that is wrong, by name.
        DanceNowError: the kernel is missing or of another version.
    """

    def __init__(
        self, skeleton: Skeleton, arrays: PointsArrays, threads: int = 1, instructions: int | None = None
    ) -> None:
        arrays.check()
        self._kernel = points_kernel()
        self._kept: dict[str, npt.NDArray[Any]] = {}
        self._height = skeleton.height
        self._skeleton = skeleton_data(skeleton)
        self._model = self._model_data(skeleton, arrays)
        self._decoder = self._decoder_data(arrays, instructions)
        self._face = ModelData()  # of which ``expression_weights`` reads two fields
        self._face.expressions = len(arrays.face_solve)
        self._face.face_solve = self._keep("face_solve", arrays.face_solve, np.float32)
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, "dance-now-points") if threads > 1 else None
        self._rooms: list[_Room] = []

    def draw(self, keypoints: FloatArray, part: CanvasRegion = WHOLE) -> Image:
        """Draws a part of the canvas.

        Args:
            keypoints: (137, 4) finite float32 x, y, depth and confidence in pixels of the canvas.
            part: its sides are multiples of 32 and at least 128.

        Returns:
            (part.height, part.width, 4) uint8 RGBA, straight alpha.

        Raises:
            ValueError: keypoints or sides are not like that.
        """
        moved = np.array(keypoints, np.float32, order="C")
        if moved.shape != (POINT_COUNT, 4) or not np.isfinite(moved).all():
            raise ValueError(f"keypoints: should be finite and of shape ({POINT_COUNT}, 4)")
        moved[:, 0] -= np.float32(part.left)
        moved[:, 1] -= np.float32(part.top)
        if not np.isfinite(moved).all():
            raise ValueError("keypoints: too far away")
        if any(side % (2 * MAP_STEP) or side < 2 * MAP_LEAST for side in (part.width, part.height)):
            raise ValueError(f"cannot draw {part.width}x{part.height} pixels")
        room = self._rooms.pop() if self._rooms else _Room()
        try:
            return self._drawn(moved, part, room)
        finally:
            self._rooms.append(room)

    def _drawn(self, keypoints: FloatArray, part: CanvasRegion, room: _Room) -> Image:
        kernel, model, picture = self._kernel, self._model, room.picture
        size = (part.width // 2, part.height // 2, self._threads)
        needed = kernel.lay_out_points(model, self._decoder, *size, None, picture)
        if needed == 0:
            raise ValueError(f"cannot draw {part.width}x{part.height} pixels")
        kernel.lay_out_points(model, self._decoder, *size, room.memory(needed), picture)
        pose, expressions = BonePose(), np.zeros(max(self._face.expressions, 1), np.float32)
        kernel.bone_rule(self._skeleton, address(keypoints), pose)
        kernel.expression_weights(self._face, self._skeleton, pose, address(keypoints), address(expressions))
        kernel.pose_points(model, self._skeleton, pose, address(keypoints), address(expressions), picture)
        kernel.splat_points(model, picture)
        self._in_parts(partial(kernel.enter_patches, model, picture))
        self._in_parts(partial(kernel.read_patches, model, picture))
        for layer in range(DECODER_LAYERS):
            self._in_parts(partial(kernel.decode, self._decoder, picture, layer))
        rgba = np.zeros((part.height, part.width, 4), np.uint8)
        self._in_parts(
            lambda number: kernel.finish_picture(model, picture, number, address(rgba), rgba.strides[0])
        )
        return rgba

    def _in_parts(self, stage: Callable[[int], None]) -> None:
        """Runs a stage for every part of the rows, and waits for all."""
        if self._pool is None:
            stage(0)
            return
        jobs = [self._pool.submit(stage, number) for number in range(1, self._threads)]
        stage(0)
        for job in jobs:
            job.result()

    def _keep(self, name: str, array: npt.NDArray[Any], dtype: npt.DTypeLike) -> int:
        self._kept[name] = np.ascontiguousarray(array, dtype)
        return address(self._kept[name])

    def _model_data(self, skeleton: Skeleton, arrays: PointsArrays) -> PointsModelData:
        model = PointsModelData()
        model.points, model.features = arrays.features.shape
        model.moving, model.has_patches = arrays.shapes.shape[1], len(arrays.pyramid) > 0
        model.expressions, model.correctives = len(arrays.face_solve), arrays.pose_basis.shape[1]
        model.height, model.softness, model.inner = skeleton.height, arrays.softness[0], arrays.inner[0]
        direction = arrays.light[:3] / np.sqrt(np.square(arrays.light[:3]).sum())
        limb_rest = BoneRig.of(skeleton).rest_directions[list(LIMBS)]
        for name, values in (
            ("gravity_bones", GRAVITY_BONES),
            ("limbs", LIMBS),
            ("limb_parents", LIMB_PARENTS),
            ("limb_rest", limb_rest),
            ("light", direction),
            ("smoothing", arrays.smoothing),
        ):
            np.ctypeslib.as_array(getattr(model, name))[...] = values
        model.threshold = arrays.light[3]
        opacities = np.ascontiguousarray(arrays.opacities, np.float32)
        logistic = np.empty_like(opacities)
        self._kernel.logistic_of(len(opacities), address(opacities), address(logistic))
        for name, array, dtype in (
            ("positions", arrays.positions, np.float32),
            ("tangents", arrays.tangents, np.float32),
            ("weights", arrays.weights, np.float32),
            ("bones", arrays.bones, np.uint8),
            ("two_sided", arrays.two_sided, np.uint8),
            ("colors", arrays.colors, np.float32),
            ("shades", arrays.shades, np.float32),
            ("learned", arrays.features, np.float32),
            ("opacities", logistic, np.float32),
            ("shapes", arrays.shapes, np.float32),
            ("pose_basis", arrays.pose_basis, np.float32),
            ("pyramid", arrays.pyramid, np.uint8),
            ("relief", arrays.relief, np.uint8),
        ):
            setattr(model, name, self._keep(name, array, dtype))
        return model

    def _decoder_data(self, arrays: PointsArrays, instructions: int | None) -> DecoderData:
        best: int = self._kernel.best_instructions()
        decoder = DecoderData()
        decoder.width, decoder.inputs = arrays.width, arrays.decoder_inputs
        decoder.instructions = best if instructions is None else min(instructions, best)
        for number, layer in enumerate(DECODER):
            weight = arrays.decoder[f"{layer.name}.weight"].astype(np.float32)
            bias = arrays.decoder[f"{layer.name}.bias"]
            if layer.inputs == 0:
                given = weight.shape[1] - SHARP_CHANNELS
                weight = np.concatenate([weight[:, :given], weight[:, given + _BY_PIXEL]], axis=1)
            if layer.outputs == 0:
                weight, bias = weight[_BY_PIXEL], bias[_BY_PIXEL]
            weight = np.ascontiguousarray(weight)
            packed = np.empty(self._kernel.packed_floats(decoder, number), np.float32)
            self._kernel.pack_layer(decoder, number, address(weight), address(packed))
            decoder.weights[number] = self._keep(f"{layer.name}.weight", packed, np.float32)
            padded = np.zeros(-(-len(bias) // _CHANNEL_STEP) * _CHANNEL_STEP, np.float32)
            padded[: len(bias)] = bias
            decoder.biases[number] = self._keep(f"{layer.name}.bias", padded, np.float32)
        return decoder


class _Room:
    """Memory for one picture at a time; it grows with the largest."""

    def __init__(self) -> None:
        self.picture = PictureData()
        self._bytes = np.empty(0, np.uint8)

    def memory(self, count: int) -> int:
        """Address of ``count`` bytes."""
        if len(self._bytes) < count + _ALIGNMENT:
            self._bytes = np.zeros(count + _ALIGNMENT, np.uint8)
        return -(-address(self._bytes) // _ALIGNMENT) * _ALIGNMENT
