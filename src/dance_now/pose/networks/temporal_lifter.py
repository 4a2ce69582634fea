"""Temporal 2D-to-3D lifting network: directions of limbs, and the trust in them, from poses over time.

For each frame it sees what an estimator says of up to a second before it, and for files after it: 2D points,
their confidence, and the estimator's own depth where it has one. It returns directions of the trunk and limbs
in three dimensions with a concentration (that of a von Mises-Fisher distribution: the higher, the surer). It
also learned where the sky is and how tall the person is, which helps the directions and is not used itself.

Frames are encoded one by one; a frame's result is computed from its own code and those of the frames nearest
to ``SLOT_SECONDS`` before and after it, so any frame rate will do. It is trained by ``scripts/lifter.py``.

Source: after Martinez et al., "A simple yet effective baseline for 3d human pose estimation", ICCV 2017 (the
residual layers), and Pavllo et al., "3D human pose estimation in video with temporal convolutions and
semi-supervised training", CVPR 2019 (frames at growing distances in time).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.pose import Pose
from dance_now.pose.networks.lifter import LiftingNetwork, linear
from dance_now.pose.networks.lifter_input import (
    LEAST_CONFIDENCE,
    LIFTED_MORE,
    MIRRORED_OUTPUTS,
    MIRRORED_ROWS,
    MIRRORED_SIGNS,
    OUTPUTS,
    USUAL_LOG_CONCENTRATION,
    choose_slots,
    drawn_directions,
    frame_input,
    is_liftable,
    readings_of,
    slot_relations,
    unit,
)

NETWORK: Final = Path(__file__).with_name("temporal_lifter.npz")
_MEMORY_SECONDS: Final = 1.1
_CALM_SECONDS: Final = 0.06  # of the live lifter's directions


@dataclass(frozen=True, eq=False)
class LiftedFrame:
    """What the network makes of one frame: x right, y up, z towards the viewer along the ray to the hips.

    Attributes:
        directions: (19, 3) unit vectors along SEGMENTS.
        concentration: (19,) of each, of a von Mises-Fisher distribution.
        neighbours: how many of the slots had a frame; 0 for a photo.
    """

    directions: FloatArray
    concentration: FloatArray
    neighbours: int


def _mirrored(readings: FloatArray) -> FloatArray:
    """Readings (n, 29, 5) of the mirror images."""
    result: FloatArray = readings[:, MIRRORED_ROWS] * np.array([-1, 1, 1, 1, 1], np.float32)
    return result


@dataclass(frozen=True, eq=False)
class _Codes:
    """Codes of n frames and their mirror images.

    Attributes:
        hidden, code: (n, 2, W) and (n, 2, C).
        drawn: (n, 2, 2, 20, 3), see ``drawn_directions``.
        centre, size: (n, 2, 2) and (n, 2), see ``FrameInput``.
    """

    hidden: FloatArray
    code: FloatArray
    drawn: FloatArray
    centre: FloatArray
    size: FloatArray

    def rows(self, index: npt.NDArray[np.intp] | int | None) -> _Codes:
        return _Codes(
            self.hidden[index], self.code[index], self.drawn[index], self.centre[index], self.size[index]
        )


class TemporalLiftingNetwork:
    """The temporal network in numpy.

    Args:
        prior: depth of single frames, one of the features.
        arrays: weights (out, in) and biases (out,) by name, see ``training/lifter/temporal_network.py``.
    """

    def __init__(self, prior: LiftingNetwork, arrays: Mapping[str, np.ndarray]) -> None:
        single = {name: array.astype(np.float32) for name, array in arrays.items()}
        layers = {name.removesuffix(".weight") for name in single if name.endswith(".weight")}
        self._layers = {
            name: (np.ascontiguousarray(single[f"{name}.weight"].T), single[f"{name}.bias"])
            for name in layers
        }
        self._encoder = sorted({name.rpartition(".")[0] for name in layers if name.startswith("encoder.")})
        self._blocks = sorted({name.rpartition(".")[0] for name in layers if name.startswith("blocks.")})
        self._prior = prior

    def encode(self, readings: FloatArray) -> _Codes:
        """Encodes frames (n, 29, 5) and their mirror images, whose errors differ."""
        both = np.stack([readings, _mirrored(readings)], axis=1)
        frames = frame_input(both)
        seen = (both[..., 2:3] > LEAST_CONFIDENCE).astype(np.float32)
        points = np.concatenate([both[..., :2], seen], axis=-1)
        depth = self._prior(points.reshape(-1, *points.shape[2:])).reshape(seen.shape[:-1])
        depth = np.clip(depth / frames.size[..., None] * seen[..., 0], -5, 5)
        features = np.concatenate([frames.features, depth], axis=-1)
        hidden = self._layer("first", features)
        for block in self._encoder:
            hidden = self._block(block, hidden)
        hidden = np.maximum(hidden, 0)
        drawn = drawn_directions(features)
        return _Codes(hidden, self._layer("code", hidden), drawn, frames.centre, frames.size)

    def combine(
        self, own: _Codes, others: _Codes, near: npt.NDArray[np.bool_], seconds: npt.NDArray[np.float64]
    ) -> list[LiftedFrame]:
        """Results for n frames.

        Args:
            own: n frames.
            others: (n, 8) frames at the slots.
            near: (n, 8) which of them are there.
            seconds: (n, 8) between them and the frames.
        """
        code, centre, size = (
            np.swapaxes(each, 1, 2) for each in (others.code, others.centre, others.size)
        )  # (n, 2, 8, ...)
        flags = np.broadcast_to(near[:, None, :, None], (*code.shape[:3], 1)).astype(np.float32)
        since = np.broadcast_to(seconds[:, None].astype(np.float32), code.shape[:3])
        relations = slot_relations(own.centre[:, :, None], own.size[..., None], centre, size, since)
        slots = np.concatenate([code * flags, relations * flags, flags], axis=-1)
        values = self._layer(
            "join", np.concatenate([own.hidden, slots.reshape(*slots.shape[:2], -1)], axis=-1)
        )
        for block in self._blocks:
            values = self._block(block, values)
        found = self._layer("last", np.maximum(values, 0))
        vectors = found[..., : 4 * OUTPUTS].reshape(*found.shape[:2], OUTPUTS, 4)
        share = np.clip(found[..., 4 * OUTPUTS + 2 :, None] - LIFTED_MORE, -30, 30)
        share = 1 / (1 + np.exp(-share))
        drawn = share * own.drawn[..., 0, :, :] + (1 - share) * own.drawn[..., 1, :, :]
        directions = unit(vectors[..., :3] + drawn)
        directions = unit(directions[:, 0] + directions[:, 1, MIRRORED_OUTPUTS] * MIRRORED_SIGNS)
        surely = (vectors[:, 0, :, 3] + vectors[:, 1, MIRRORED_OUTPUTS, 3]) / 2
        surely = np.exp(np.clip(surely + USUAL_LOG_CONCENTRATION, -3, 7))
        counts = near.sum(axis=1).tolist()
        return [
            LiftedFrame(each[:-1], trust[:-1], count)
            for each, trust, count in zip(directions, surely, counts, strict=True)
        ]

    def _layer(self, name: str, values: FloatArray) -> FloatArray:
        return linear(values, *self._layers[name])

    def _block(self, name: str, values: FloatArray) -> FloatArray:
        inner = np.maximum(self._layer(f"{name}.inner", np.maximum(values, 0)), 0)
        return values + self._layer(f"{name}.outer", inner)


class LiveLifter:
    """Lifts one person's poses as they come."""

    def __init__(self, network: TemporalLiftingNetwork) -> None:
        self._network = network
        self.reset()

    def reset(self) -> None:
        """Forgets all frames."""
        self._times: list[float] = []
        self._codes: list[_Codes] = []
        self._latest: LiftedFrame | None = None

    def __call__(self, pose: Pose, time: float) -> LiftedFrame | None:
        """Lifts the next pose; None where it has too few points. ``time`` in seconds, rising."""
        if self._times and time <= self._times[-1]:
            self.reset()
        readings = readings_of([pose])
        if not is_liftable(readings)[0]:
            return None
        self._times.append(time)
        self._codes.append(self._network.encode(readings).rows(0))
        while time - self._times[0] > _MEMORY_SECONDS:
            del self._times[0], self._codes[0]
        times = np.array(self._times)
        others, near = choose_slots(times, len(times) - 1)
        seconds = times[others] - time
        codes = _stacked([self._codes[index] for index in others])
        (found,) = self._network.combine(
            self._codes[-1].rows(None), codes.rows(None), near[None], seconds[None]
        )
        return self._calmed(found)

    def _calmed(self, found: LiftedFrame) -> LiftedFrame:
        """Averages directions with those before: the drawn ones follow the image, so depth alone lags."""
        if self._latest is not None and len(self._times) > 1:
            keep = np.float32(np.exp((self._times[-2] - self._times[-1]) / _CALM_SECONDS))
            mixed = found.directions + keep * (self._latest.directions - found.directions)
            found = replace(found, directions=unit(mixed))
        self._latest = found
        return found


def lift_clip(
    network: TemporalLiftingNetwork, poses: Sequence[Pose | None], times: Sequence[float]
) -> list[LiftedFrame | None]:
    """Lifts the poses of a clip, looking both ways; None where there is no pose, or too few points."""
    found = [index for index, pose in enumerate(poses) if pose is not None]
    if not found:
        return [None] * len(poses)
    readings = readings_of([pose for pose in poses if pose is not None])
    use = np.flatnonzero(is_liftable(readings))
    lifted: list[LiftedFrame | None] = [None] * len(poses)
    if len(use):
        clock = np.array([times[found[index]] for index in use], np.float64)
        results = _lifted(network, network.encode(readings[use]), clock, np.arange(len(use)))
        for index, result in zip(use, results, strict=True):
            lifted[found[index]] = result
    return lifted


def _lifted(
    network: TemporalLiftingNetwork,
    codes: _Codes,
    times: npt.NDArray[np.float64],
    wanted: npt.NDArray[np.intp],
) -> list[LiftedFrame]:
    slots = [choose_slots(times, int(index)) for index in wanted]
    others, near = (np.stack(part) for part in zip(*slots, strict=True))
    return network.combine(
        codes.rows(wanted), codes.rows(others), near, times[others] - times[wanted][:, None]
    )


def _stacked(codes: Sequence[_Codes]) -> _Codes:
    names = ("hidden", "code", "drawn", "centre", "size")
    return _Codes(*(np.stack([getattr(each, name) for each in codes]) for name in names))


@cache
def open_temporal_lifter() -> TemporalLiftingNetwork:
    """The network that ships."""
    with np.load(NETWORK, allow_pickle=False) as arrays:
        return TemporalLiftingNetwork(LiftingNetwork.load(), dict(arrays))
