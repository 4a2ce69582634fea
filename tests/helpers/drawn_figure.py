"""A figure drawn for tests: a head with eyes and a mouth, a trunk, arms held out, legs."""

import cv2
import numpy as np

SKIN, HAIR, SHIRT, TROUSERS = (250, 215, 190), (150, 60, 40), (40, 120, 200), (60, 60, 70)
JOINTS = {
    "left_shoulder": (232, 150),
    "left_wrist": (340, 150),
    "right_shoulder": (168, 150),
    "left_hip": (216, 248),
    "left_knee": (222, 322),
    "left_ankle": (222, 388),
}


def drawn_figure(size=(420, 400), arms=True):
    """(H, W, 4) RGBA; its joints are about those of JOINTS."""
    height, width = size
    picture = np.zeros((height, width, 4), np.uint8)

    def shape(color, call, *arguments):
        call(picture, *arguments, (*color, 255), -1)

    shape(SKIN, cv2.rectangle, (190, 110), (210, 145))
    shape(SHIRT, cv2.rectangle, (165, 135), (235, 262))
    if arms:
        shape(SHIRT, cv2.rectangle, (60, 138), (340, 164))
        shape(SKIN, cv2.ellipse, (55, 151), (16, 11), 0, 0, 360)
        shape(SKIN, cv2.ellipse, (345, 151), (16, 11), 0, 0, 360)
    for x in (178, 222):
        shape(TROUSERS, cv2.rectangle, (x - 15, 255), (x + 14, 392))
        shape(HAIR, cv2.ellipse, (x, 396), (16, 12), 0, 0, 360)
    shape(HAIR, cv2.ellipse, (200, 68), (52, 52), 0, 0, 360)
    shape(SKIN, cv2.ellipse, (200, 80), (40, 40), 0, 0, 360)
    for x in (183, 217):
        shape((250, 250, 250), cv2.ellipse, (x, 78), (8, 11), 0, 0, 360)
        shape((30, 90, 160), cv2.ellipse, (x, 79), (6, 9), 0, 0, 360)
    shape((170, 60, 70), cv2.ellipse, (200, 104), (8, 3), 0, 0, 360)
    return picture


def on_ground(rgba, color=(255, 255, 255)):
    """The figure on a plain ground, (H, W, 3)."""
    alpha = rgba[..., 3:] / 255
    return np.round(rgba[..., :3] * alpha + np.array(color) * (1 - alpha)).astype(np.uint8)
