"""Joints where BlazePose marks them, of a rendered body's bones.

Hips and shoulders of people are marked elsewhere than a rig's bones turn: the offsets are those that explain
BlazePose's readings of rendered people best (least squares over 7900 frames, all directions of view).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.training.lifter.clip_samples import ClipSamples, unit

Array = npt.NDArray[np.float64]

# Offsets in standing heights: outwards, up and forward in the frames of pelvis and chest.
_HIPS: Final = ((9, 12), (-0.009, 0.0075, 0.0177))
_SHOULDERS: Final = ((2, 5), (-0.012, 0.024, 0.0))
# Joints marked short of a bone's end: joint, its parent, and the offset along the bone.
_ALONG: Final = (
    *((3, 2, -0.011), (6, 5, -0.011)),
    *((10, 9, -0.009), (13, 12, -0.009), (11, 10, -0.013), (14, 13, -0.013)),
)
_FARTHEST: Final = 0.2  # of the height: readings of something else are not learned from
_FEWEST: Final = 0.6  # of the frames with a person


def rendered_samples(arrays: Mapping[str, Array]) -> ClipSamples:
    """Samples of what ``scripts/lifter_people.py`` writes, but for clips in which nobody is found mostly."""
    readings, scale = arrays["readings"], arrays["scale"].astype(np.float64)
    joints = marked_joints(arrays["joints"].astype(np.float64), arrays["tall"].astype(np.float64))
    seen = readings[..., :15, :2] - readings[..., 8:9, :2]
    true = joints[..., :15, :2] * scale[..., None, None] * [1, -1]
    off = np.median(np.linalg.norm(seen - true, axis=-1), axis=-1) / (arrays["tall"][:, None] * scale)
    found = readings[..., 2].max(axis=2) > 0
    samples = ClipSamples.of(readings, joints, arrays["up"], scale, found & (off < _FARTHEST))
    return samples.rows(np.flatnonzero(found.mean(axis=1) > _FEWEST))


def marked_joints(joints: Array, tall: Array) -> Array:
    """Joints (n, T, 29, 3) of bones -> where BlazePose marks them; of bodies (n,) metres tall."""
    marked, height = joints.copy(), tall[:, None, None]
    up = unit(joints[..., 1, :] - joints[..., 8, :])
    for (right, left), offset in (_HIPS, _SHOULDERS):
        across = unit(joints[..., left, :] - joints[..., right, :])
        front = unit(np.cross(across, up))
        frame = np.stack([across, np.cross(front, across), front], axis=-1)
        for row, side in ((right, -1), (left, 1)):
            marked[..., row, :] += height * (frame @ (np.array(offset) * [side, 1, 1]))
    for row, parent, along in _ALONG:
        marked[..., row, :] += height * along * unit(joints[..., row, :] - joints[..., parent, :])
    marked[..., 1, :] = marked[..., [2, 5], :].mean(axis=-2)
    marked[..., 8, :] = marked[..., [9, 12], :].mean(axis=-2)
    return marked
