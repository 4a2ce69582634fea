"""Joints of people in pictures: who is refused, and that each picture is looked at for itself."""

import numpy as np
import pytest
from fakes import BlindEstimator

from dance_now.core.errors import DanceNowError
from dance_now.picture_rig.figure_picture import FigurePicture
from dance_now.picture_rig.find_joints import find_joints
from dance_now.pose.model.detection import Detection, Person, PersonMask
from dance_now.pose.model.keypoints import BODY_INDEX
from dance_now.pose.model.pose import Pose

FACING = {
    "nose": (0, 90),
    "shoulder": (60, 160),
    "elbow": (75, 240),
    "wrist": (80, 310),
    "hip": (40, 330),
    "knee": (45, 450),
    "ankle": (45, 570),
}


class Seer(BlindEstimator):
    """Sees one person in a picture that is padded around its middle."""

    def __init__(self, places):
        super().__init__()
        self.places = places
        self.resets = 0

    def __call__(self, image):
        points = np.zeros((137, 3), np.float32)
        middle, top = image.shape[1] / 2, (image.shape[0] - 600) / 2
        for name, (aside, row) in self.places.items():
            for side, sign in (("left_", 1), ("right_", -1)) if name != "nose" else (("", 0),):
                points[BODY_INDEX[side + name]] = (middle + sign * aside, top + row, 0.95)
        mask = PersonMask(np.ones(image.shape[:2], np.float32), np.eye(2, 3, dtype=np.float32))
        return (Person(1, Detection(Pose(points), mask)),)

    def reset(self):
        self.resets += 1


def slab():
    """A figure without features, 600 pixels tall."""
    alpha = np.zeros((700, 400), np.float32)
    alpha[50:650, 80:320] = 1
    return FigurePicture.of(np.full((700, 400, 3), 128, np.uint8), alpha)


def test_a_person_is_found_and_earlier_pictures_are_forgotten():
    seer = Seer(FACING)
    joints = find_joints(slab(), None, seer)
    assert seer.resets == 1
    assert joints["left_knee"][0] > joints["right_knee"][0]
    assert not joints.absent
    assert joints["crown"][1] < joints["chin"][1] < joints["neck"][1]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"shoulder": (8, 160), "hip": (5, 330), "knee": (8, 450)}, "seen from the side"),
        ({"knee": (60, 350), "ankle": (60, 470)}, "sits or lifts a leg"),
    ],
)
def test_who_is_refused(changed, message):
    with pytest.raises(DanceNowError, match=message):
        find_joints(slab(), None, Seer(FACING | changed))


def test_a_bust_of_a_person_keeps_the_arms_that_are_seen():
    rows, columns = np.indices((650, 400)) + 0.5
    head = np.hypot(rows - 150, columns - 200) < 95
    neck = (rows > 200) & (abs(columns - 200) < 40)
    chest = (rows > 280) & (abs(columns - 200) < 150)
    alpha = (head | neck | chest).astype(np.float32)
    figure = FigurePicture.of(np.full((650, 400, 3), 128, np.uint8), alpha)
    seen = {"nose": (0, 130), "shoulder": (100, 290), "elbow": (115, 420), "wrist": (110, 540)}
    joints = find_joints(figure, None, Seer(seen))
    assert joints.absent == {"legs"}
    assert joints["left_ankle"][1] > len(figure.alpha)
