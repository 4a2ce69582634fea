"""Body meshes: neck, hands and legs, and the skin weights of limbs and trunk."""

from __future__ import annotations

from typing import Final

import numpy as np

from tools.mascot.loft import rounded, sweep
from tools.mascot.skeleton import ANKLE, FINGERS, HIP, KNEE, WRIST, Finger
from tools.mascot.surface import Points, Skin, Surface, both_sides, curve, join, smooth_step

leg_radius = curve(
    [
        (0.085, 0.0270),
        (0.14, 0.0285),
        (0.22, 0.0400),
        (0.28, 0.0455),
        (0.33, 0.0430),
        (0.39, 0.0405),
        (0.46, 0.0480),
        (0.56, 0.0570),
        (0.65, 0.0600),
        (0.72, 0.0570),
    ]
)
SOCK_TOP: Final = 0.455
LEG_TOP: Final = 0.70


def leg_line(y: Points) -> Points:
    """Centre line (n, 3) of the left leg at heights y."""
    knots = np.array([ANKLE, KNEE, HIP])
    x = np.interp(y, knots[:, 1], knots[:, 0])
    z = curve([(0.085, -0.014), (0.26, -0.010), (0.385, 0.004), (0.55, 0.006), (0.70, 0.0)])(y)
    return np.stack([x, y, z], axis=1)


def leg_skin(positions: Points) -> Skin:
    """Skin weights of the left leg by height."""
    y = positions[:, 1]
    thigh = smooth_step(y, KNEE[1] - 0.045, KNEE[1] + 0.045)
    foot = smooth_step(y, ANKLE[1] + 0.03, ANKLE[1] - 0.02)
    hips = smooth_step(y, HIP[1] - 0.02, HIP[1] + 0.05)
    return {"hips": hips, "leftUpperLeg": thigh - hips, "leftLowerLeg": 1 - thigh - foot, "leftFoot": foot}


def trunk_skin(y: Points) -> Skin:
    """Skin weights of the trunk by height."""
    spine = smooth_step(y, 0.745, 0.815)
    chest = smooth_step(y, 0.835, 0.905)
    upper = smooth_step(y, 0.920, 0.990)
    neck = smooth_step(y, 1.055, 1.085)
    return {
        "hips": 1 - spine,
        "spine": spine - chest,
        "chest": chest - upper,
        "upperChest": upper - neck,
        "neck": neck,
    }


def tube(low: float, high: float, extra: float, rows: int) -> Surface:
    """Tube along a stretch of the left leg: its skin, or cloth ``extra`` metres off it."""
    y = np.linspace(high, low, rows)
    line = leg_line(y)
    surface = sweep(line, leg_radius(y) + extra, leg_radius(y) * 1.03 + extra, (0, 0, 1), sides=18)
    return surface.with_skin(leg_skin(surface.positions))


def legs() -> Surface:
    """Leg mesh, both sides, from under the skirt into the socks."""
    return both_sides(tube(SOCK_TOP - 0.03, LEG_TOP, 0.0, 18))


def neck() -> Surface:
    """Neck mesh, from inside the collar into the head."""
    y = np.linspace(1.205, 1.02, 9)
    line = np.stack([np.zeros(9), y, np.interp(y, [1.02, 1.165], [-0.012, -0.008])], axis=1)
    surface = sweep(
        line, np.interp(y, [1.02, 1.07, 1.165], [0.042, 0.0285, 0.0275]), 0.029, (0, 0, 1), sides=16
    )
    above = smooth_step(surface.positions[:, 1], 1.090, 1.135)
    low = smooth_step(surface.positions[:, 1], 1.075, 1.040)
    return surface.with_skin({"head": above, "neck": 1 - above - low, "upperChest": low})


def _finger(finger: Finger) -> Surface:
    places = finger.joints
    lengths = np.r_[0, np.cumsum(np.linalg.norm(np.diff(places, axis=0), axis=1))]
    back = 0.009  # the root lies inside the palm
    end = lengths[-1] + 0.35 * finger.radius
    along = np.r_[
        np.linspace(-back, lengths[-1] - 0.6 * finger.radius, 12),
        end - finger.radius * np.array([0.5, 0.2, 0.05, 0.0]),
    ]
    way = (places[-1] - places[0]) / lengths[-1]
    radius = finger.radius * np.interp(along / lengths[-1], [0, 1], [1.0, 0.84])
    radius = radius * np.sqrt(
        np.clip(1 - np.clip((along - end) / (1.2 * finger.radius) + 1, 0, 1) ** 2, 0.0, 1)
    )
    surface = sweep(places[0] + way * along[:, None], radius, radius, (0, 1, 0), sides=9)
    at = (surface.positions - places[0]) @ way
    passed = [smooth_step(at, lengths[k] - 0.006, lengths[k] + 0.006) for k in range(3)]
    first, second, third = finger.bones
    return surface.with_skin(
        {
            "leftHand": 1 - passed[0],
            first: passed[0] - passed[1],
            second: passed[1] - passed[2],
            third: passed[2],
        }
    )


def hands() -> Surface:
    """Hand meshes with fingers, both sides, palms down."""
    reach = np.array([-0.020, -0.005, 0.010, 0.028, 0.045, 0.057, 0.063])
    line = np.array(WRIST) + reach[:, None] * (1.0, 0.0, 0.0) + np.array([[0, 0, 0.001]])
    width = np.array([0.0165, 0.0170, 0.0205, 0.0260, 0.0275, 0.0255, 0.0180])
    thick = np.array([0.0150, 0.0140, 0.0140, 0.0145, 0.0125, 0.0095, 0.0050])
    palm = sweep(line, width, thick, (0, 1, 0), sides=16, section=rounded(2.4))
    hand = smooth_step(palm.positions[:, 0], WRIST[0] - 0.015, WRIST[0] + 0.015)
    palm = palm.with_skin({"leftHand": hand, "leftLowerArm": 1 - hand})
    return both_sides(join([palm, *(_finger(finger) for finger in FINGERS)]))
