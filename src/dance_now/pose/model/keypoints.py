"""Keypoint layout of a pose: OpenPose's BODY_25, FACE_70 and HAND_21, 137 points in one order.

Source: OpenPose output documentation (keypoint ordering in C++/Python). "Left" and "right" are the
person's own. The face follows iBUG's 68 points (0-16 jaw from the right ear to the left, 17-21 right
brow, 22-26 left brow, 27-35 nose, 36-41 right eye, 42-47 left eye, 48-67 mouth) and two pupils (68
right, 69 left). A hand is the wrist, then thumb, index, middle, ring and little finger with four points
each, from the palm outwards.
"""

from typing import Final

BODY: Final = slice(0, 25)
FACE: Final = slice(25, 95)
LEFT_HAND: Final = slice(95, 116)
RIGHT_HAND: Final = slice(116, 137)
POINT_COUNT: Final = 137

BODY_NAMES: Final = (
    "nose",
    "neck",
    "right_shoulder",
    "right_elbow",
    "right_wrist",
    "left_shoulder",
    "left_elbow",
    "left_wrist",
    "mid_hip",
    "right_hip",
    "right_knee",
    "right_ankle",
    "left_hip",
    "left_knee",
    "left_ankle",
    "right_eye",
    "left_eye",
    "right_ear",
    "left_ear",
    "left_big_toe",
    "left_small_toe",
    "left_heel",
    "right_big_toe",
    "right_small_toe",
    "right_heel",
)
BODY_INDEX: Final = {name: index for index, name in enumerate(BODY_NAMES)}

FINGERS: Final = ("Thumb", "Index", "Middle", "Ring", "Little")

BODY_LIMBS: Final = (
    (1, 8),
    (1, 2),
    (2, 3),
    (3, 4),
    (1, 5),
    (5, 6),
    (6, 7),
    (8, 9),
    (9, 10),
    (10, 11),
    (8, 12),
    (12, 13),
    (13, 14),
    (1, 0),
    (0, 15),
    (15, 17),
    (0, 16),
    (16, 18),
    (14, 19),
    (19, 20),
    (14, 21),
    (11, 22),
    (22, 23),
    (11, 24),
)
HAND_LIMBS: Final = tuple(
    (0 if joint == 0 else 4 * finger + joint, 4 * finger + joint + 1)
    for finger in range(5)
    for joint in range(4)
)


def hand_slice(side: str) -> slice:
    """Rows of one hand; ``side`` is ``"left"`` or ``"right"``."""
    return LEFT_HAND if side == "left" else RIGHT_HAND
