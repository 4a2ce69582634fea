"""Following hands, with a made-up network that sees what the test says, and the squares around hands."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dance_now.core.arrays import Image
from dance_now.pose.estimators.hand_tracker import Arm, HandTracker
from dance_now.pose.networks.blazehand import HandLandmarks, region_from_body, region_from_hand
from dance_now.pose.networks.litert import Region

HEIGHT = 600.0
IMAGE = np.zeros((720, 1280, 3), np.uint8)
LEFT, RIGHT = np.array([700.0, 400.0], np.float32), np.array([500.0, 400.0], np.float32)


def hand(wrist: np.ndarray, size: float = 65.0, angle: float = np.pi) -> np.ndarray:
    """(21, 2) an open hand that hangs down from its wrist, ``size`` pixels long."""
    along = np.array([0.0, 0.25, 0.4, 0.5, 0.6, *np.tile([0.5, 0.7, 0.85, 1.0], 4)])
    across = np.array([0.0, 0.15, 0.22, 0.28, 0.3, *np.repeat([0.15, 0.05, -0.05, -0.15], 4)])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = np.stack([across, -along], axis=1) * size
    return (points @ turn.T + wrist).astype(np.float32)


def moved(place: np.ndarray, x: float, y: float = 0.0) -> np.ndarray:
    return place + np.array([x, y], np.float32)


def arm(wrist: np.ndarray, seen: bool = True) -> Arm:
    points = hand(wrist)
    return Arm(wrist.astype(np.float32), points[5], points[17], seen)


class Network:
    """Sees the hands that it is told of, if they lie in the square; counts its looks."""

    def __init__(self, *hands: tuple[np.ndarray, float, float]) -> None:
        self.hands = list(hands)  # points, presence, right_handedness
        self.looks = 0

    def __call__(self, image: Image, region: Region) -> HandLandmarks | None:
        self.looks += 1

        def away(known: tuple[np.ndarray, float, float]) -> float:
            return float(np.hypot(*(known[0].mean(axis=0) - (region.x, region.y))))

        nearest = min(self.hands, key=away, default=None)
        if nearest is None or away(nearest) >= region.size / 3:
            nearest = (hand(np.array([region.x, region.y])), 0.0, 0.5)
        points, presence, right_handedness = nearest
        return HandLandmarks(points, np.zeros(21, np.float32), presence, right_handedness)


def both(left: np.ndarray = LEFT, right: np.ndarray = RIGHT) -> Network:
    return Network((hand(left), 0.95, 0.05), (hand(right), 0.95, 0.95))


def follow(network: Network) -> Callable[..., list[HandLandmarks | None]]:
    hands = HandTracker(network)  # type: ignore[arg-type]
    return lambda left=LEFT, right=RIGHT, height=HEIGHT, seen=True: hands(
        IMAGE, (arm(left, seen), arm(right, seen)), height
    )


def test_each_side_gets_its_own_hand_at_once() -> None:
    left, right = follow(both())()
    assert left is not None
    assert right is not None
    np.testing.assert_array_equal(left.points, hand(LEFT))
    np.testing.assert_array_equal(right.points, hand(RIGHT))


def test_following_is_one_look_a_hand() -> None:
    network = both()
    see = follow(network)
    see()
    first = network.looks
    for _ in range(5):
        see()
    assert network.looks - first == 10


def test_looking_in_vain_is_one_look_a_hand_and_frame() -> None:
    network = Network()
    see = follow(network)
    for _ in range(6):
        assert see() == [None, None]
    assert network.looks <= 2 * 3 + 5 * 2


def test_a_hand_is_followed_through_fast_motion() -> None:
    network = both()
    see = follow(network)
    for step in range(10):
        place = moved(LEFT, 25.0 * step, -20.0 * step)
        network.hands[0] = (hand(place), 0.95, 0.05)
        left, _ = see(left=place)
        assert left is not None
        np.testing.assert_array_equal(left.points, hand(place))


def test_a_hand_that_goes_and_comes_back() -> None:
    network = both()
    see = follow(network)
    see()
    network.hands[0] = (hand(LEFT), 0.2, 0.05)
    left, right = see()
    assert left is None
    assert right is not None
    network.hands[0] = (hand(LEFT), 0.95, 0.05)
    assert any(see()[0] is not None for _ in range(3))


def test_a_hand_hardly_seen_is_followed_but_not_told() -> None:
    network = both()
    see = follow(network)
    see()
    network.hands[0] = (hand(LEFT), 0.7, 0.05)
    assert see()[0] is None
    network.hands[0] = (hand(LEFT), 0.95, 0.05)
    left, _ = see()  # at once, without a second look
    assert left is not None


def test_hands_that_pass_each_other_keep_their_sides() -> None:
    network = both()
    see = follow(network)
    for step in range(41):
        left, right = moved(LEFT, -5.0 * step), moved(RIGHT, 5.0 * step)
        network.hands = [(hand(left), 0.95, 0.05), (hand(right), 0.95, 0.95)]
        for reading, wrist, other in zip(see(left, right), (left, right), (right, left), strict=True):
            if reading is not None and abs(left[0] - right[0]) > 60:
                assert np.hypot(*(reading.points[0] - wrist)) < np.hypot(*(reading.points[0] - other))
    left_hand, right_hand = see(left, right)
    assert left_hand is not None
    assert right_hand is not None
    assert left_hand.points[0, 0] < right_hand.points[0, 0]


def test_hands_that_touch_and_part_keep_their_sides() -> None:
    network = both()
    see = follow(network)
    apart = [*range(100, 5, -8), *[5] * 20, *range(5, 100, 8)]
    for half in apart:
        left, right = moved((LEFT + RIGHT) / 2, half), moved((LEFT + RIGHT) / 2, -half)
        network.hands = [(hand(left), 0.95, 0.05), (hand(right), 0.95, 0.95)]
        found = see(left, right)
        for reading, wrist in zip(found, (left, right), strict=True):
            assert reading is None or half < 20 or np.hypot(*(reading.points[0] - wrist)) < 1
    assert None not in found


def test_hands_found_by_the_wrong_sides_are_exchanged_at_once() -> None:
    network = both(right=moved(LEFT, -24))
    see = follow(network)
    assert None not in see(LEFT, moved(LEFT, -24))
    # the arms have crossed between two frames
    left, right = moved(LEFT, -24), LEFT
    network.hands = [(hand(left), 0.95, 0.05), (hand(right), 0.95, 0.95)]
    for reading, wrist in zip(see(left, right), (left, right), strict=True):
        assert reading is not None
        np.testing.assert_array_equal(reading.points, hand(wrist))


def test_one_hand_is_not_found_twice() -> None:
    beside = moved(LEFT, 12.0)
    left, right = follow(Network((hand(LEFT), 0.95, 0.3)))(right=beside)
    assert (left is None) != (right is None)


def test_a_hand_of_the_other_side_is_not_taken() -> None:
    left, _ = follow(Network((hand(LEFT), 0.95, 0.98)))()
    assert left is None


@pytest.mark.parametrize("options", [{"height": 100.0}, {"height": 0.0}, {"seen": False}])
def test_tiny_and_hidden_hands_cost_nothing(options: dict[str, float]) -> None:
    network = both()
    assert follow(network)(**options) == [None, None]
    assert network.looks == 0


def test_a_hand_far_from_its_wrist_is_somebody_elses() -> None:
    network = Network((hand(moved(LEFT, 0.0, 55.0)), 0.95, 0.05))
    assert follow(network)()[0] is None


@settings(deadline=None)
@given(st.floats(-np.pi, np.pi), st.floats(20, 300), st.floats(-500, 2000), st.floats(-500, 2000))
def test_squares_hold_the_hand_and_point_along_it(angle: float, size: float, x: float, y: float) -> None:
    points = hand(np.array([x, y]), size, angle)
    for region in (region_from_hand(points), region_from_body(points[0], points[5], points[17], 2.5 * size)):
        matrix = np.vstack([region.to_image(1), [0, 0, 1]])
        inside = (np.column_stack([points, np.ones(21)]) @ np.linalg.inv(matrix).T)[:, :2]
        assert (inside > 0).all()
        assert (inside < 1).all()
        assert inside[12, 1] < inside[0, 1] - 0.2  # fingers up
        assert abs(inside[12, 0] - inside[0, 0]) < 0.2
    assert 1.8 * size < region_from_hand(points).size * 1.8 < 5 * size


def test_a_hand_seen_end_on_still_gets_a_whole_square() -> None:
    wrist = np.array([100.0, 100.0], np.float32)
    assert region_from_body(wrist, wrist, wrist, 150.0).size == pytest.approx(0.65 * 150)


def test_a_hand_that_is_not_read_goes_along_with_its_wrist() -> None:
    network = both()
    hands = HandTracker(network)  # type: ignore[arg-type]
    hands(IMAGE, (arm(LEFT), arm(RIGHT)), HEIGHT)
    looks = network.looks
    left, right = hands(IMAGE, (arm(moved(LEFT, 9)), arm(moved(RIGHT, 20))), HEIGHT, (True, False))
    assert network.looks == looks + 1
    assert hands.carried == {"right_hand"}
    assert left is not None
    assert right is not None
    np.testing.assert_array_equal(left.points, hand(LEFT))  # where the network sees it
    np.testing.assert_array_equal(right.points, moved(hand(RIGHT), 20))


def test_a_hand_that_appears_is_confirmed_out_of_turn() -> None:
    network = Network()
    hands = HandTracker(network)  # type: ignore[arg-type]
    arms = (arm(LEFT), arm(RIGHT))
    for _ in range(4):
        hands(IMAGE, arms, HEIGHT)
    network.hands = both().hands
    for read in ((True, False), (False, True), (True, False), (False, True)):
        left, _ = hands(IMAGE, arms, HEIGHT, read)
        if left is not None:
            break
    assert read == (False, True)


def test_a_hidden_hand_is_not_carried() -> None:
    hands = HandTracker(both())  # type: ignore[arg-type]
    hands(IMAGE, (arm(LEFT), arm(RIGHT)), HEIGHT)
    assert hands(IMAGE, (arm(LEFT), arm(RIGHT, seen=False)), HEIGHT, (True, False))[1] is None
