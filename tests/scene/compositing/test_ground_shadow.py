import numpy as np
import pytest

from dance_now.scene.compositing.composition import Layer
from dance_now.scene.compositing.ground_shadow import ContactShadow, GroundTracker
from dance_now.scene.filters.region import Box

HEIGHT = 200.0
FLOOR = 260.0


def figure(lift: float = 0.0) -> tuple[Layer, np.ndarray]:
    """A block of a body and its soles, ``lift`` pixels above the floor."""
    bottom = round(FLOOR - lift)
    pixels = np.full((200, 60, 4), 255, np.uint8)
    soles = np.array([[[185, bottom - 3], [188, bottom]], [[165, bottom - 3], [162, bottom]]], np.float64)
    return Layer(Box(bottom - 200, bottom, 145, 205), pixels), soles


def shaded(*lifts: float, level: int = 180) -> np.ndarray:
    """The floor after the last of some frames, a thirtieth of a second apart."""
    shadow = ContactShadow()
    for index, lift in enumerate(lifts):
        picture = np.full((320, 350, 3), level, np.uint8)
        shadow(picture, *figure(lift), HEIGHT, index / 30)
    return picture


def test_the_ground_is_darkest_under_the_soles_and_light_far_away() -> None:
    picture = shaded(0.0)
    row = picture[258, :, 0].astype(int)
    assert min(row[163], row[187]) < 0.72 * 180
    assert picture.min() >= 0.37 * 180
    assert (picture[:, :60] == 180).all()
    assert (picture[:180] == 180).all()
    assert (picture[..., 0] == picture[..., 2]).all()


def test_the_shadow_is_soft() -> None:
    steps = np.abs(np.diff(shaded(0.0)[..., 0].astype(int), axis=0))
    assert steps.max() <= 14


def test_a_jump_leaves_the_shadow_on_the_ground_and_thins_it() -> None:
    standing, jumping = shaded(0.0), shaded(0.0, 15, 30, 45, 55)
    assert jumping[258, 175, 0] > standing[258, 175, 0] + 20
    column = jumping[:, 175, 0].astype(int)
    assert column.min() < 178  # the body still shades it
    assert abs(int(column.argmin()) - FLOOR) <= 8


def test_a_foot_in_the_air_has_let_go_of_its_shadow() -> None:
    layer, soles = figure()
    soles[0, :, 1] -= 50
    picture = np.full((320, 350, 3), 180, np.uint8)
    ContactShadow()(picture, layer, soles, HEIGHT, 0.0)
    assert picture[258, 163, 0] < picture[258, 187, 0] - 25


def test_a_handstand_is_shaded_at_the_hands() -> None:
    layer, soles = figure()
    soles[..., 1] -= 195
    picture = np.full((320, 350, 3), 180, np.uint8)
    ContactShadow()(picture, layer, soles, HEIGHT, 0.0)
    assert picture[100:230].min() >= 178
    assert picture[255:262, 165:185].mean() < 160


@pytest.mark.parametrize("shift", [(-400, 0), (400, 0), (0, -400), (0, 400)])
def test_outside_the_image_nothing_happens(shift: tuple[int, int]) -> None:
    _, soles = figure()
    picture = np.full((320, 350, 3), 180, np.uint8)
    empty = Layer(Box(0, 0, 0, 0), np.zeros((0, 0, 4), np.uint8))
    ContactShadow()(picture, empty, soles + shift, HEIGHT, 0.0)
    assert (picture == 180).all()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (350, 262), (170, 320)])
def test_a_shadow_cut_by_the_image_is_the_same_inside(width: int, height: int) -> None:
    whole = shaded(0.0)
    picture = np.full((height, width, 3), 180, np.uint8)
    layer, soles = figure()
    box = Box(layer.box.top, min(layer.box.bottom, height), layer.box.left, min(layer.box.right, width))
    if box.width > 0 and box.height > 0:
        layer = Layer(box, layer.pixels[: box.height, : box.width])
        ContactShadow()(picture, layer, soles, HEIGHT, 0.0)
        assert np.abs(picture.astype(int) - whole[:height, :width]).max() <= 25


def test_the_ground_waits_for_somebody_who_jumps() -> None:
    ground = GroundTracker()
    flight = [FLOOR - max(0.0, 600 * t - 1500 * t * t) for t in np.arange(0, 0.5, 1 / 30)]
    seen = [ground(row, HEIGHT, index / 30) for index, row in enumerate(flight)]
    assert min(seen) > FLOOR - 0.08 * HEIGHT


def test_the_ground_follows_somebody_who_walks_away_or_climbs() -> None:
    walking, climbing = GroundTracker(), GroundTracker()
    for index in range(60):
        away = FLOOR - index / 30 * 0.25 * HEIGHT
        level = walking(away, HEIGHT, index / 30)
        step = climbing(FLOOR - (0.2 * HEIGHT if index > 5 else 0), HEIGHT, index / 30)
    assert level - away < 0.05 * HEIGHT
    assert step == pytest.approx(FLOOR - 0.2 * HEIGHT, abs=2)


def test_the_ground_is_never_above_the_feet_and_forgets_on_reset() -> None:
    ground = GroundTracker()
    assert ground(200, HEIGHT, 0.0) == 200
    assert ground(230, HEIGHT, 0.1) == 230
    ground.reset()
    assert ground(100, HEIGHT, 0.2) == 100
