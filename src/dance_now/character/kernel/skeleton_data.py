"""The constants of a skeleton's bone rule as the kernel reads them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from dance_now.character.kernel.library import SkeletonData
from dance_now.pose.model.bone_rule import BONE_INDEX, SWING_LEVELS, BoneRig
from dance_now.pose.model.keypoints import FACE
from dance_now.pose.model.skeleton import RIGID_SEGMENTS, Skeleton


def skeleton_data(skeleton: Skeleton) -> SkeletonData:
    """``Skeleton`` of kernel.h for a character's body."""
    rig = BoneRig.of(skeleton)
    data = SkeletonData()

    def put(name: str, values: npt.ArrayLike) -> None:
        target = np.ctypeslib.as_array(getattr(data, name))
        target[...] = np.asarray(values, target.dtype).reshape(target.shape)

    put("rest_frames", rig.rest_frames)
    put("relaxed", rig.relaxed_directions)
    put("to_relaxed", rig.to_relaxed)
    put("pivots", rig.pivots)
    put("spine_offset", rig.pivots[BONE_INDEX["spine"]] - skeleton.rest[8])
    put("neck_offset", rig.pivots[BONE_INDEX["neck"]] - skeleton.rest[1])
    put("face_rest", skeleton.rest[FACE])
    put("rigid_segments", RIGID_SEGMENTS)
    swings = [swing for level in SWING_LEVELS for swing in level]
    put("swings", [(BONE_INDEX[swing.parent], swing.start, swing.end) for swing in swings])
    data.rigid_length = max(float(skeleton.lengths().sum()), 1e-9)
    return data
