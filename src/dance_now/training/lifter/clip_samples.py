"""Training samples of the temporal lifter: what an estimator says of clips, and what is true.

Half are an estimator's own readings of rendered people (``scripts/lifter_people.py``), half are clips of
the motion library before random cameras with an error model of BlazePose: slow and white noise, hidden limbs,
depth of a wrong gain for each limb, flipped limbs, bodies that lean, and left and right exchanged. Both are
varied: mirrored, rolled, of other builds, limbs and points lost, without depth as from 2D estimators.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.body_scale import SEGMENT_RATIOS
from dance_now.pose.networks.lifter_input import (
    LIFTED,
    MIN_POINTS,
    MIRRORED_OUTPUTS,
    MIRRORED_ROWS,
    MIRRORED_SIGNS,
    SEGMENT_ROWS,
)

Array = npt.NDArray[np.float64]

LARGE: Final = slice(2, 11)  # of SEGMENTS: trunk, arms and legs
_SEEN: Final = 0.05
_HANDS: Final = [25, 26, 27, 28]
_FEET: Final = list(range(19, 25))
_HEAD: Final = [0, 15, 16, 17, 18]
_PARENTS: Final = {  # parents first
    **dict.fromkeys((9, 12, 1), 8),
    **dict.fromkeys((2, 5, 0), 1),
    **dict.fromkeys((15, 16, 17, 18), 0),
    3: 2,
    4: 3,
    6: 5,
    7: 6,
    10: 9,
    11: 10,
    13: 12,
    14: 13,
    **dict.fromkeys((19, 20, 21), 14),
    **dict.fromkeys((22, 23, 24), 11),
    **dict.fromkeys((25, 26), 7),
    **dict.fromkeys((27, 28), 4),
}
# Rows whose bone lengths vary together, and the row of SEGMENTS that tells their usual length.
_BUILD_GROUPS: Final = (
    *(([9, 12], 0), ([2, 5], 1), ([1], 2), ([3, 6], 3), ([4, 7], 5), ([10, 13], 7), ([11, 14], 9)),
    *(([0], None), ([15, 16, 17, 18], None), (_FEET, None), (_HANDS, None)),
)
_BUILD: Final = 0.065
_AVERAGE_BUILD: Final = 0.7  # share of clips brought to the average adult's proportions before they vary
_LOST_LIMBS: Final = (
    *([6, 7, 25, 26], [7, 25, 26], [3, 4, 27, 28], [4, 27, 28]),
    *([10, 11, *_FEET[3:]], [11, *_FEET[3:]], [13, 14, *_FEET[:3]], [14, *_FEET[:3]]),
)
_NO_DEPTH: Final = 0.3
_AHEAD: Final = 0.4
_PITCH: Final = (8.0, 11.0)  # degrees: mean and rms
_PITCHES: Final = (-15.0, 50.0)
_ROLL: Final = 4.0
_DISTANCES: Final = (1.3, 9.0)  # of the height
_TALL: Final = 1.75  # metres


@dataclass(frozen=True, eq=False)
class ClipSamples:
    """Readings and truth of n clips of T frames.

    Attributes:
        readings: (n, T, 29, 5), see ``readings_of``.
        directions: (n, T, 20, 3) true directions of SEGMENTS, and of the sky.
        height: (n, T) true standing height by limb lengths, in the unit of the readings.
        usable: (n, T) bool.
        lengths: (n, 19) lengths of SEGMENTS, of the sum of trunk, arms and legs.
    """

    readings: npt.NDArray[np.float32]
    directions: npt.NDArray[np.float32]
    height: npt.NDArray[np.float32]
    usable: npt.NDArray[np.bool_]
    lengths: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.readings)

    @classmethod
    def of(
        cls, readings: Array, joints: Array, up: Array, scale: Array, usable: npt.NDArray[np.bool_]
    ) -> ClipSamples:
        """Samples of true joints (n, T, 29, 3), metres in the view frame, and (n, T) pixels a metre."""
        segments = joints[..., SEGMENT_ROWS[:, 1], :] - joints[..., SEGMENT_ROWS[:, 0], :]
        lengths = np.median(np.linalg.norm(segments, axis=-1), axis=1)
        directions = np.concatenate([unit(segments), up[..., None, :]], axis=-2)
        total = lengths[:, LARGE].sum(axis=1, keepdims=True)
        height = total / SEGMENT_RATIOS[LARGE].sum() * scale
        return cls(
            readings.astype(np.float32),
            directions.astype(np.float32),
            height.astype(np.float32),
            usable,
            (lengths / total).astype(np.float32),
        )

    def rows(self, index: npt.NDArray[np.intp]) -> ClipSamples:
        """Some of the clips."""
        return ClipSamples(*(getattr(self, field.name)[index] for field in fields(self)))

    @classmethod
    def join(cls, parts: list[ClipSamples]) -> ClipSamples:
        """All clips of several."""
        return cls(*(np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(cls)))


def unit(vectors: Array) -> Array:
    """Unit vectors (..., 3)."""
    result: Array = vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9)
    return result


def view_axes(points: Array, distance: Array) -> tuple[Array, Array]:
    """Axes (n, T, 3, 3) of the view along the ray to the hips, and the distances (n, T) of the hips.

    Args:
        points: (n, T, 29, 3) in the frame of cameras at (0, 0, distance).
        distance: (n,) metres.
    """
    rays = points[:, :, 8] - np.array([0.0, 0.0, 1.0]) * distance[:, None, None]
    away = unit(rays)
    across = unit(np.cross(away, [0.0, 1.0, 0.0]))
    return np.stack([across, np.cross(across, away), -away], axis=-2), np.linalg.norm(rays, axis=-1)


def synthetic_samples(bank: Array, generator: np.random.Generator, count: int) -> ClipSamples:
    """Clips (count) of a bank (m, T, 29, 3), metres, of average adults, seen by the error model."""
    joints = bank[generator.integers(len(bank), size=count)].astype(np.float64)
    rotation = _cameras(generator, count)
    centre = joints[:, :, 8].mean(axis=1, keepdims=True) + generator.normal(0, 0.25, (count, 1, 3))
    view = np.einsum("nij,ntkj->ntki", rotation, joints - centre[:, :, None])
    distance = _TALL * np.exp(generator.uniform(np.log(_DISTANCES[0]), np.log(_DISTANCES[1]), count))
    distance = np.maximum(distance, 1.3 * np.abs(view[..., 2]).max(axis=(1, 2)))
    near = distance[:, None, None] / (distance[:, None, None] - view[..., 2])
    flat = view[..., :2] * near[..., None] * [1, -1]
    axes, far = view_axes(view, distance)
    true = np.einsum("ntij,ntkj->ntki", axes, view - view[:, :, 8:9])
    up = np.einsum("ntij,nj->nti", axes, rotation[:, :, 1])
    scale = distance[:, None] / far
    readings = _readings(true, flat, scale, rotation[:, :, 1], generator)
    return ClipSamples.of(readings, true, up, scale, np.ones(scale.shape, bool))


def varied(samples: ClipSamples, generator: np.random.Generator) -> ClipSamples:
    """Clips of other builds, mirrored, rolled, with points lost, and some without depth."""
    readings, height = _rebuilt(samples, generator)
    directions, count = samples.directions.copy(), len(samples)
    mirrored = generator.random(count) < 0.5
    readings[mirrored] = readings[mirrored][:, :, MIRRORED_ROWS] * np.array([-1, 1, 1, 1, 1], np.float32)
    directions[mirrored] = directions[mirrored][:, :, MIRRORED_OUTPUTS] * MIRRORED_SIGNS
    roll = about_z(generator.normal(0, np.radians(_ROLL), count))
    flat = np.einsum("nij,ntkj->ntki", roll[:, :2, :2], readings[..., :2] * [1, -1]) * [1, -1]
    readings[..., :2] = np.where(readings[..., 2:3] > 0, flat, 0)
    directions = np.einsum("nij,ntkj->ntki", roll, directions)
    readings[..., 3] *= np.exp(generator.normal(0, 0.12, (count, 1, 1)))
    _lose(readings, directions, generator)
    enough = (readings[..., 2] > _SEEN).sum(axis=2) >= MIN_POINTS
    return ClipSamples(
        readings.astype(np.float32),
        directions.astype(np.float32),
        height.astype(np.float32),
        samples.usable & enough,
        samples.lengths,
    )


def about_z(angles: Array) -> Array:
    """Rotation matrices (n, 3, 3) about z by radians."""
    cosine, sine, none = np.cos(angles), np.sin(angles), np.zeros_like(angles)
    rows = np.array([[cosine, -sine, none], [sine, cosine, none], [none, none, none + 1]])
    return np.moveaxis(rows, -1, 0)


def _cameras(generator: np.random.Generator, count: int) -> Array:
    """Rotations (count, 3, 3) from the world to a camera's view."""
    ahead = generator.random(count) < _AHEAD
    yaw = np.where(ahead, generator.normal(0, 0.8, count), generator.uniform(-np.pi, np.pi, count))
    pitch = np.radians(np.clip(generator.normal(*_PITCH, count), *_PITCHES))
    # about_z, with the axes in another order: about y, and about x
    turn = about_z(-yaw)[:, [[0], [2], [1]], [0, 2, 1]]
    tilt = about_z(pitch)[:, [[2], [0], [1]], [2, 0, 1]]
    roll = about_z(generator.normal(0, np.radians(_ROLL), count))
    return roll @ tilt @ turn


def _readings(true: Array, flat: Array, scale: Array, up: Array, generator: np.random.Generator) -> Array:
    """Readings (n, T, 29, 5) of joints (n, T, 29, 3) seen at ``flat`` (n, T, 29, 2), by the error model."""
    shape = true.shape[:3]
    count = shape[0]
    trunk = flat[:, :, [1, 8]].mean(axis=2, keepdims=True)
    behind = np.linalg.norm(flat - trunk, axis=-1) < 0.3
    behind &= true[..., 2] < true[:, :, [1, 8], 2].mean(axis=2)[..., None] - 0.05
    size = _TALL * np.exp(generator.uniform(np.log(0.3), np.log(1.8), (count, 1, 1, 1)))
    noise = 0.006 * _slow(generator, (*shape, 2), 0.5) + 0.0025 * generator.normal(size=(*shape, 2))
    flat = flat + size * noise * np.where(behind, 2.5, 1.0)[..., None]
    depth = -true[..., 2] * scale[..., None]
    gain = np.exp(generator.normal(-0.05, 0.35, (count, 1, shape[2])))
    error = _TALL * 0.025 * np.exp(generator.normal(0, 0.4, (count, 1, 1))) * _slow(generator, shape, 0.68)
    read = np.zeros(shape)
    for row, parent in _PARENTS.items():
        flipped = _spells(generator, shape[:2], 0.03, 6) if row in (3, 4, 6, 7, 10, 11, 13, 14) else False
        own = 0.4 if row in {*_HANDS, *_FEET, *_HEAD} else 1.0
        along = gain[:, :, row] * (depth[:, :, row] - depth[:, :, parent])
        read[:, :, row] = read[:, :, parent] + np.where(flipped, -along, along) + own * error[:, :, row]
    lean = generator.normal(0.1, 0.2, (count, 1, 1)) * up[:, 2, None, None]
    lean = lean + generator.normal(0, 0.08, (count, 1, 1))
    read += lean * (flat[..., 1] - flat[:, :, 8:9, 1])
    sure = generator.uniform(0.8, 1, (count, 1, shape[2]))
    confidence = np.where(behind, generator.uniform(0.1, 0.9, sure.shape), sure)
    confidence = np.clip(confidence + 0.05 * _slow(generator, shape, 0.5), 0.02, 1)
    parts = (flat, confidence[..., None], read[..., None], np.ones((*shape, 1)))
    readings = np.concatenate(parts, axis=-1)
    exchanged = _spells(generator, shape[:2], 0.02, 7)
    wrong = readings[exchanged][:, MIRRORED_ROWS]
    wrong[..., 3] *= -generator.uniform(0.2, 1)
    readings[exchanged] = wrong
    return readings


def _rebuilt(samples: ClipSamples, generator: np.random.Generator) -> tuple[Array, Array]:
    """Readings and height of people whose limbs are longer or shorter: directions stay.

    Rendered bodies have longer shins and shorter trunks than people: most are brought to the average first.
    """
    readings, count = samples.readings.astype(np.float64), len(samples)
    longer = np.ones((count, len(LIFTED)))
    average = generator.random(count) < _AVERAGE_BUILD
    usual = SEGMENT_RATIOS / SEGMENT_RATIOS[LARGE].sum()
    for rows, segment in _BUILD_GROUPS:
        spread = _BUILD if segment else 1.5 * _BUILD
        factor = np.exp(generator.normal(0, spread, count))
        if segment is not None:
            factor *= np.where(average, usual[segment] / samples.lengths[:, segment], 1)
        longer[:, rows] = factor[:, None]
    built, columns = readings.copy(), [0, 1, 3]
    for row, parent in _PARENTS.items():
        along = readings[:, :, row][..., columns] - readings[:, :, parent][..., columns]
        for column, move in zip(columns, np.moveaxis(along * longer[:, None, row, None], -1, 0), strict=True):
            built[:, :, row, column] = built[:, :, parent, column] + move
    shares = samples.lengths[:, LARGE]
    taller = (longer[:, SEGMENT_ROWS[LARGE, 1]] * shares).sum(axis=1) / shares.sum(axis=1)
    return built, samples.height * taller[:, None]


def _lose(readings: Array, directions: Array, generator: np.random.Generator) -> None:
    """Takes points, limbs and depth from readings, in place."""
    count = len(readings)
    readings[generator.random(readings.shape[:3]) < 0.01] = 0
    for rows in _LOST_LIMBS:
        lost = _spells(generator, readings.shape[:2], 0.01, 10)
        for row in rows:
            readings[:, :, row][lost] = 0
    below_knees, below_hips = [10, 11, 13, 14, *_FEET], [8, 9, 12, 10, 11, 13, 14, *_FEET]
    for rows, share in ((_HANDS, 0.2), (_FEET, 0.15), (below_knees, 0.036), (below_hips, 0.024)):
        lost = generator.random(count) < share
        gone = np.broadcast_to(
            lost[:, None, None] & np.isin(np.arange(len(LIFTED)), rows), readings.shape[:3]
        )
        readings[gone] = 0
    flat = generator.random(count) < _NO_DEPTH
    readings[flat, ..., 3:] = 0
    # other estimators' confidence says less, and some leave out what the head hides
    plain = (flat & (generator.random(count) < 0.5))[:, None, None] & (readings[..., 2] > _SEEN)
    readings[..., 2] = np.where(plain, np.clip(0.2 * readings[..., 2] + 0.75, 0, 1), readings[..., 2])
    hides = (flat & (generator.random(count) < 0.4))[:, None] & (directions[:, :, 1, 0] < -0.1)
    for row in (0, 15, 16):
        readings[:, :, row][hides] = 0


def _spells(
    generator: np.random.Generator, shape: tuple[int, ...], rate: float, longest: int
) -> npt.NDArray[np.bool_]:
    """Mask (n, T) of spells of up to ``longest`` frames, of which ``rate`` begin in a frame."""
    inside = np.zeros(shape, bool)
    for clip, start in zip(*np.nonzero(generator.random(shape) < rate), strict=True):
        inside[clip, start : start + int(generator.integers(1, longest))] = True
    return inside


def _slow(generator: np.random.Generator, shape: tuple[int, ...], keep: float) -> Array:
    """First-order autoregression of rms 1 along the second axis."""
    values = generator.normal(size=shape)
    for frame in range(1, shape[1]):
        values[:, frame] = keep * values[:, frame - 1] + np.sqrt(1 - keep**2) * values[:, frame]
    return values
