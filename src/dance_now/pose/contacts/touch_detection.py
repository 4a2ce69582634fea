"""Touch detection: which part of a person's own body each hand touches, and where.

A touch is kept as a weighted sum of differences between places of the hand and landmarks of the body, which
any other body can reproduce.

Source: Molla, Debarba, Boulic, "Egocentric mapping of body surface constraints", TVCG 24 (7), 2018.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.pose.contacts.body_landmarks import (
    FACE_PLACES,
    LANDMARK_FRAMES,
    LANDMARK_RADII,
    ON_FACE,
    ON_FRONT,
    ON_HAND,
    OWN_ARM,
    BodyLandmarks,
    hand_probes,
    with_face,
)
from dance_now.pose.model.body_scale import SEGMENT_INDEX, SEGMENT_RATIOS
from dance_now.pose.model.vectors import basis, cross, length, normalised

Array = npt.NDArray[np.float64]

_HIPS, _SHOULDERS, _TRUNK, _UPPER, _FORE, _THIGH, _SHIN = (
    float(SEGMENT_RATIOS[SEGMENT_INDEX[name]])
    for name in ("hips", "shoulders", "trunk", "left_upper_arm", "left_forearm", "left_thigh", "left_shin")
)
_NECK_TO_EARS: Final = 0.053  # of the height
_PALM: Final = 0.035  # from the wrist
_TIPS: Final = np.array([0.0, 0.06, 0.05, 0.095, 0.052, 0.1, 0.05])  # of a hand's places, from the wrist
_NEAR: Final = (0.022, 0.05)  # heights beyond a landmark's radius: touching, and not touching
_SHARPNESS: Final = 0.02  # heights over which landmarks share a hand
# Heights: error of a depth that is ignored, and the scale beyond it. Folded arms are often read as stretched
# out towards the viewer.
_AHEAD: Final = (0.07, 0.09)
_BEHIND: Final = (0.05, 0.08)
_CLEARANCE: Final = 0.018  # heights: half of a hand
_THICKEST: Final = 0.03
_SPEED: Final = (0.2, 0.55)  # heights a second: against the landmark, of a touch, and of none
_HANGING: Final = (0.86, 0.95)  # share of an arm's length from shoulder to wrist
_DOWN: Final = (0.8, 0.92)  # cosine of an arm with the trunk
_SEEN: Final = 0.5  # trust
# A hand that lies on a face has its fingers before it as well: its middle counts more than their tips.
_PROBE_SHARES: Final = np.array([1.0, 0.6, 0.3, 0.3, 0.3])
# Hands that meet are mostly ahead of the trunk, which then counts less.
_HAND_SHARES: Final = np.array([4.0, 1.0, 0.2, 0.2, 0.2])


@dataclass(frozen=True, eq=False)
class Touches:
    """Touches of both hands in n frames; see ``Touch``.

    Attributes:
        strength: (n, 2) evidence in [0, 1].
        landmarks, probes, offsets: (n, 2, M), (n, 2, P), (n, 2, M, 3).
        gaps: (n, 2, 2) from the landmarks to the hand in the image, by their weights, pixels.
    """

    strength: Array
    landmarks: Array
    probes: Array
    offsets: Array


def detect_touches(
    points: Array, trust: Array, palms: Array, limbs: Array, level: Array, height: Array
) -> tuple[Touches, Array, Array]:
    """Detects touches by place alone, in n frames.

    Args:
        points, trust, palms: (n, 49, 2), (n, 49), (n, 2, 3) of a ``ContactReading``.
        limbs: (n, 13, 3) directions, see ``MotionState``.
        level: (n, 3, 3) rotations to the view of a level camera.
        height: (n,) pixels, above 0.

    Returns:
        The touches, and in heights of the person the places (n, M, 3) of landmarks and (n, 2, P, 3) of hands.
    """
    unit = height[:, None, None]
    rows = limbs @ level  # row vectors: the inverse rotation
    frames = _frames(rows)
    solid = np.concatenate([points / unit, _depths(rows, palms @ level)[..., None]], axis=-1)
    faced = with_face(solid, frames[:, 0], 1.0)
    unseen = trust[:, FACE_PLACES].min(axis=1) < _SEEN
    solid[:, FACE_PLACES, 2] = faced[:, FACE_PLACES, 2]
    solid[unseen, FACE_PLACES] = faced[unseen, FACE_PLACES]
    landmarks = BodyLandmarks.of_adult()(solid, frames)
    probes = hand_probes(solid)
    probe_trust, missing = _probe_trust(trust)
    probes = np.where(missing[..., None, None], _guessed_palm(solid)[:, :, None], probes)
    gaps = probes[:, :, :, None] - landmarks[:, None, None]  # (n, 2, P, M, 3)
    beyond = np.maximum(np.linalg.norm(gaps[..., :2], axis=-1) - LANDMARK_RADII, 0.0)
    ahead = gaps[..., 2]
    excess = np.maximum((ahead - _AHEAD[0]) / _AHEAD[1], (-ahead - _BEHIND[0]) / _BEHIND[1])
    depth = np.exp(-(np.maximum(excess, 0.0) ** 2))
    allowed = np.where(OWN_ARM, 0.0, 1.0)[None] * (1 - _hanging(solid)[..., None])
    allowed = allowed * _landmark_trust(trust, unseen)[:, None]
    possible = depth * allowed[:, :, None] * probe_trust[..., None]
    evidence = possible * _smooth_step((_NEAR[1] - beyond) / (_NEAR[1] - _NEAR[0]))
    nearness = np.exp(-(((beyond - beyond.min(axis=(2, 3), keepdims=True)) / _SHARPNESS) ** 2))
    weights = possible * (nearness + 1e-9) * np.where(ON_HAND, _HAND_SHARES[:, None], _PROBE_SHARES[:, None])
    weights = weights / np.maximum(weights.sum(axis=(2, 3), keepdims=True), 1e-12)
    front = frames[:, LANDMARK_FRAMES, 2, 2]  # how much a landmark's surface looks at the viewer
    gaps = np.concatenate([gaps[..., :2], _on_surface(gaps[..., 2], front)[..., None]], axis=-1)
    touches = Touches(
        evidence.max(axis=(2, 3)),
        weights.sum(axis=2),
        weights.sum(axis=3),
        (weights[..., None] * gaps).sum(axis=2),
    )
    return touches, landmarks, probes


def slowness(touches: Touches, landmark_speed: Array, probe_speed: Array) -> Array:
    """Share (n, 2) of touches that last, by the speed of the hand against what it touches.

    Args:
        touches: of n frames.
        landmark_speed: (n, M, 2) heights a second in the image.
        probe_speed: (n, 2, P, 2).
    """
    hand = (touches.probes[..., None] * probe_speed).sum(axis=2)
    body = (touches.landmarks[..., None] * landmark_speed[:, None]).sum(axis=2)
    speed = np.linalg.norm(hand - body, axis=-1)
    return _smooth_step((_SPEED[1] - speed) / (_SPEED[1] - _SPEED[0]))


def _frames(rows: Array) -> Array:
    """Rotations (n, 3, 3, 3) of head, chest and hips from directions (n, 13, 3)."""
    head = basis(rows[:, 3], rows[:, 4])
    return np.stack([head, basis(rows[:, 1], rows[:, 2]), basis(rows[:, 0], rows[:, 2])], axis=1)


def _depths(rows: Array, palms: Array) -> Array:
    """Depths (n, 49) of an adult's keypoints towards the viewer, in heights, from directions alone."""
    z = rows[..., 2]
    front = cross(normalised(rows[:, 3]), normalised(rows[:, 4]))[:, 2]
    out = np.zeros((len(rows), 49))
    hips, shoulders, trunk = z[:, 0], z[:, 1], z[:, 2]
    out[:, 1] = _TRUNK * trunk
    ears = out[:, 1] + _NECK_TO_EARS * z[:, 4]
    out[:, 17:19] = ears[:, None] + np.multiply.outer(z[:, 3], [-0.04, 0.04])
    out[:, 0] = ears - 0.017 * z[:, 4] + 0.048 * front
    out[:, 15:17] = (ears + 0.034 * front)[:, None] + np.multiply.outer(z[:, 3], [-0.02, 0.02])
    for side, (shoulder, hip) in enumerate(((5, 12), (2, 9))):
        sign = 0.5 - side
        out[:, shoulder] = out[:, 1] + sign * _SHOULDERS * shoulders
        out[:, shoulder + 1] = out[:, shoulder] + _UPPER * z[:, 5 + 2 * side]
        out[:, shoulder + 2] = out[:, shoulder + 1] + _FORE * z[:, 6 + 2 * side]
        out[:, hip] = sign * _HIPS * hips
        out[:, hip + 1] = out[:, hip] + _THIGH * z[:, 9 + 2 * side]
        out[:, hip + 2] = out[:, hip + 1] + _SHIN * z[:, 10 + 2 * side]
        hand = np.multiply.outer(palms[:, side, 2], _TIPS)
        out[:, 35 + 7 * side : 42 + 7 * side] = out[:, shoulder + 2][:, None] + hand
    return out


def _probe_trust(trust: Array) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Trust (n, 2, 5) in the places of the hands, and (n, 2) where only the wrist is known."""
    hands = np.stack([trust[:, 35:42], trust[:, 42:49]], axis=1)
    wrists = trust[:, [7, 4]]
    missing = hands[:, :, 1:].min(axis=2) < _SEEN
    known = np.repeat(np.minimum(hands.min(axis=2), wrists)[..., None], 5, axis=2)
    only_palm = wrists[..., None] * np.array([1.0, 0, 0, 0, 0])
    return np.where(missing[..., None], only_palm, known), missing


def _guessed_palm(solid: Array) -> Array:
    """Palms (n, 2, 3) in line with the forearms."""
    wrists, elbows = solid[:, [7, 4]], solid[:, [6, 3]]
    return wrists + _PALM / _FORE * (wrists - elbows)


def _landmark_trust(trust: Array, faceless: npt.NDArray[np.bool_]) -> Array:
    """Trust (n, M) in the landmarks, by the body points they depend on."""
    base = np.abs(_BODY_OF_LANDMARK)
    # the least trust of the points that count
    result = np.where(base > 0, trust[:, None, :25], 1.0).min(axis=2)
    face = np.where(faceless, trust[:, [17, 18, 0]].min(axis=1), 1.0)
    return np.where(ON_FACE, np.minimum(result, face[:, None]), result)


def _hanging(solid: Array) -> Array:
    """Share (n, 2) of arms that hang beside the trunk: their hands are near a thigh without a touch."""
    arms = solid[:, [7, 4]] - solid[:, [5, 2]]
    trunk = normalised(solid[:, 8] - solid[:, 1])
    straight = length(arms)[..., 0] / (_UPPER + _FORE)
    down = (normalised(arms) * trunk[:, None]).sum(axis=-1)
    return _smooth_step((straight - _HANGING[0]) / (_HANGING[1] - _HANGING[0])) * _smooth_step(
        (down - _DOWN[0]) / (_DOWN[1] - _DOWN[0])
    )


def _on_surface(depth: Array, front: Array) -> Array:
    """Depths (n, 2, P, M) of hands against landmarks, outside of surfaces whose side is known."""
    near = np.clip(depth, -_THICKEST, _THICKEST)
    side = np.where(ON_FRONT, np.clip(front * 3, -1.0, 1.0), 0.0)[:, None, None]  # (n, 1, 1, M)
    outside = np.where(side >= 0, np.maximum(near, _CLEARANCE * side), np.minimum(near, _CLEARANCE * side))
    return np.where(np.abs(side) > 0, outside, near)


def _smooth_step(share: Array) -> Array:
    """Smooth ramp from 0 to 1."""
    share = np.clip(share, 0.0, 1.0)
    return share * share * (3 - 2 * share)


def _body_of_landmark() -> Array:
    base = BodyLandmarks.of_adult()
    unit = np.zeros((25, 49, 3))
    unit[np.arange(25), np.arange(25), 0] = 1.0
    still = base(np.zeros((49, 3)), np.zeros((3, 3, 3)))
    result: Array = (base(unit, np.zeros((25, 3, 3, 3))) - still)[..., 0].T
    return result


_BODY_OF_LANDMARK: Final = _body_of_landmark()
