"""A scene that was not analyzed before is learned while its frames come."""

import cv2
import numpy as np
import pytest
from fakes import MagentaEstimator, RedCharacter, magenta, with_person

from dance_now.app.dancer import Dancer
from dance_now.media.frame import Frame
from dance_now.pose.model.detection import Detection, PersonMask
from dance_now.pose.model.pose import Pose
from dance_now.scene.background.live_background import LiveBackground
from dance_now.scene.matting.matte import PersonMatting

HEIGHT, WIDTH = 144, 192


def detailed(seed=0):
    """A scene that no smooth continuation would guess."""
    blocks = np.random.default_rng(seed).integers(50, 145, (HEIGHT // 8, WIDTH // 8, 3), np.uint8)
    return np.kron(blocks, np.ones((8, 8, 1), np.uint8))


def somebody(x):
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[30:130, x : x + 24] = 1
    return Detection(Pose.empty(), PersonMask(mask, np.eye(2, 3, dtype=np.float32)))


class Watched:
    """A live background and what it makes of one frame after the other."""

    def __init__(self):
        self.background = LiveBackground()
        self.matte = PersonMatting(self.background)

    def show(self, scene, x=None):
        """The image without the person at column ``x``."""
        people = [] if x is None else [somebody(x)]
        image = scene.copy()
        for person in people:
            image[person.mask.alpha > 0] = (230, 20, 230)
        cutout = self.matte(image, people) if people else None
        result = self.background.fill(image, cutout) if cutout else image
        self.background.learn(image, people, cutout)
        return result


def error(result, scene, x):
    return float(np.abs(result[32:128, x : x + 24].astype(int) - scene[32:128, x : x + 24]).mean())


def test_what_was_hidden_is_known_once_the_person_has_gone_on():
    watched, scene = Watched(), detailed()
    first = error(watched.show(scene, 30), scene, 30)
    for x in range(30, 130, 2):
        watched.show(scene, x)
    assert error(watched.show(scene, 30), scene, 30) < 0.1 * first


def test_a_person_who_steps_out_shows_everything():
    watched, scene = Watched(), detailed()
    for _ in range(40):
        watched.show(scene)
    assert error(watched.show(scene, 80), scene, 80) < 2


def test_somebody_missed_for_a_moment_is_not_taken_for_the_scene():
    watched, scene = Watched(), detailed()
    for x in range(30, 130, 2):
        watched.show(scene, x)
    image = scene.copy()
    image[somebody(60).mask.alpha > 0] = (230, 20, 230)
    for _ in range(6):
        watched.background.learn(image, [], None)
    assert error(watched.show(scene, 60), scene, 60) < 8


def test_what_was_moved_for_good_becomes_the_scene():
    watched, scene = Watched(), detailed()
    for x in range(30, 130, 2):
        watched.show(scene, x)
    changed = scene.copy()
    changed[60:100, 40:54] = (20, 20, 20)
    for _ in range(60):
        watched.show(changed, 140)
    assert np.abs(watched.show(changed, 36)[64:96, 42:52].astype(int) - 20).mean() < 6


def test_another_view_starts_anew():
    watched = Watched()
    for x in range(30, 130, 4):
        watched.show(detailed(), x)
    other = detailed(7)
    for x in range(30, 130, 2):
        watched.show(other, x)
    assert error(watched.show(other, 30), other, 30) < 8


def test_only_the_hole_changes_and_frames_are_not_written_to():
    watched, scene = Watched(), detailed()
    scene.setflags(write=False)
    for x in (30, 60, 90, 120):
        result = watched.show(scene, x)
        np.testing.assert_array_equal(result[:, 170:], scene[:, 170:])


@pytest.mark.parametrize("forget", [False, True])
def test_a_dancer_without_a_survey_learns_until_it_is_reset(forget):
    dancer = Dancer(RedCharacter(visible=False), estimator=MagentaEstimator())
    scene = detailed()
    for index, x in enumerate([*range(40, 150, 3), 150, 150]):
        dancer(Frame(with_person(x, scene), index / 25, index))
    if forget:
        dancer.reset()
    image = with_person(60, scene)
    result = dancer(Frame(image, 2.0, 50)).image
    away = np.abs(result.astype(int) - scene)[magenta(image)].mean()
    assert (away > 15) if forget else (away < 4)


def test_a_scene_that_was_taken_is_known_at_once():
    watched, scene = Watched(), detailed()
    watched.show(scene, 40)
    assert not watched.background.is_complete
    watched.background.take(scene)
    assert watched.background.is_complete
    assert error(watched.show(scene, 80), scene, 80) < 2
    watched.background.reset()
    assert not watched.background.is_complete


def test_a_smaller_work_size_gives_the_same_scene():
    scene = cv2.resize(detailed(), (4 * WIDTH, 4 * HEIGHT), interpolation=cv2.INTER_NEAREST)
    background = LiveBackground(work_size=WIDTH)
    matte = PersonMatting(background)
    for x in range(30, 130, 4):
        mask = np.zeros((4 * HEIGHT, 4 * WIDTH), np.float32)
        mask[120:520, 4 * x : 4 * x + 96] = 1
        person = Detection(Pose.empty(), PersonMask(mask, np.eye(2, 3, dtype=np.float32)))
        image = scene.copy()
        image[mask > 0] = (230, 20, 230)
        cutout = matte(image, [person])
        result = background.fill(image, cutout)
        background.learn(image, [person], cutout)
    assert result.shape == scene.shape
    assert (
        np.abs(result[130:510, 4 * x : 4 * x + 60].astype(int) - scene[130:510, 4 * x : 4 * x + 60]).mean()
        < 6
    )
