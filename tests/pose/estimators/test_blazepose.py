"""BlazePose on real frames, and its geometry on made-up numbers."""

from pathlib import Path

import numpy as np
import pytest
from clips import frames
from hypothesis import given
from hypothesis import strategies as st

from dance_now.assets import registry as assets
from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.pose.estimators.blazepose import BlazePose, _Landmarks
from dance_now.pose.estimators.estimator_registry import open_estimator
from dance_now.pose.estimators.multi_person import MultiPersonTracker
from dance_now.pose.model.detection import Detection, Person, PersonMask
from dance_now.pose.model.keypoints import BODY_INDEX, BODY_NAMES
from dance_now.pose.networks.litert import Region
from dance_now.pose.networks.person_detector import region_from_circle, search_regions

REGIONS = st.builds(
    Region, st.floats(-500, 2000), st.floats(-500, 2000), st.floats(5, 2000), st.floats(-np.pi, np.pi)
)
LEFT = [index for index, name in enumerate(BODY_NAMES) if name.startswith("left")]
RIGHT = [BODY_INDEX[BODY_NAMES[index].replace("left", "right")] for index in LEFT]


@pytest.fixture(scope="module")
def loaded() -> MultiPersonTracker:
    try:
        return MultiPersonTracker(BlazePose())
    except DanceNowError as error:
        pytest.skip(str(error))


@pytest.fixture
def estimate(loaded: MultiPersonTracker) -> MultiPersonTracker:
    loaded.reset()
    return loaded


@pytest.fixture(scope="module")
def juggler(data_dir: Path) -> list[Image]:
    """A man who faces the camera: the first frames of the clip."""
    return list(frames(data_dir / "people" / "sam2_juggle.mp4", 0, 12))


@pytest.fixture(scope="module")
def gymnast(data_dir: Path) -> Image:
    """A man on one leg, in a portrait image."""
    return next(frames(data_dir / "people" / "single_cam01.mp4", 42, 1))


def found(people: tuple[Person, ...]) -> Detection:
    (person,) = people
    return person.detection


def point(detection: Detection, name: str) -> np.ndarray:
    return detection.pose.body[BODY_INDEX[name], :2]


def test_points_are_where_the_person_is(estimate: MultiPersonTracker, juggler: list[Image]) -> None:
    person = found(estimate(juggler[0]))
    body = person.pose.body
    present = [index for index, name in enumerate(BODY_NAMES) if "small_toe" not in name]
    assert (body[present, 2] > 0.3).all()
    assert point(person, "nose")[1] < point(person, "neck")[1] < point(person, "mid_hip")[1]
    for side in ("left", "right"):
        heights = [
            point(person, f"{side}_{name}")[1] for name in ("shoulder", "hip", "knee", "ankle", "big_toe")
        ]
        assert heights == sorted(heights)
    # he faces us: his right is on our left
    for name in ("shoulder", "elbow", "hip", "knee", "ankle", "ear"):
        assert point(person, f"right_{name}")[0] < point(person, f"left_{name}")[0]
    inside = person.mask.alpha_in(*juggler[0].shape[:2])[tuple(body[present, 1::-1].astype(int).T)]
    assert (inside > 0.5).mean() > 0.9


def test_hands_hold_wrist_thumb_and_two_knuckles(estimate: MultiPersonTracker, juggler: list[Image]) -> None:
    pose = found(estimate(juggler[0])).pose
    for hand, wrist in ((pose.left_hand, "left_wrist"), (pose.right_hand, "right_wrist")):
        np.testing.assert_array_equal(np.flatnonzero(hand[:, 2]), [0, 2, 5, 17])
        np.testing.assert_array_equal(hand[0], pose.body[BODY_INDEX[wrist]])


def test_depth_is_known_wherever_a_point_is_and_away_from_the_viewer_positive(
    estimate: MultiPersonTracker, juggler: list[Image], gymnast: Image
) -> None:
    pose = found(estimate(juggler[0])).pose
    np.testing.assert_array_equal(pose.has_depth, pose.visible)
    # the nose is before the ears, the toes before the heels of somebody who faces us
    assert pose.depth[BODY_INDEX["nose"]] < pose.depth[BODY_INDEX["left_ear"]]
    assert pose.depth[BODY_INDEX["left_big_toe"]] < pose.depth[BODY_INDEX["left_heel"]]
    height = np.ptp(pose.body[pose.body[:, 2] > 0, 1])
    assert np.abs(pose.depth).max() < height


def test_mask_is_the_person_and_nothing_else(estimate: MultiPersonTracker, juggler: list[Image]) -> None:
    alpha = found(estimate(juggler[0])).mask.alpha_in(720, 1280)
    assert alpha.dtype == np.float32
    assert alpha.min() >= 0
    assert alpha.max() <= 1
    rows, columns = np.nonzero(alpha > 0.5)
    assert 30 < rows.min() < 70
    assert 640 < rows.max() < 690
    assert 590 < columns.min() < 630
    assert 815 < columns.max() < 850


def test_mirrored_image_swaps_left_and_right(estimate: MultiPersonTracker, juggler: list[Image]) -> None:
    plain = found(estimate(juggler[0]))
    estimate.reset()
    mirrored = found(estimate(juggler[0][:, ::-1]))
    difference = mirrored.pose.body[LEFT, :2] * [-1, 1] + [1280, 0] - plain.pose.body[RIGHT, :2]
    shown = (plain.pose.body[RIGHT, 2] > 0.5) & (mirrored.pose.body[LEFT, 2] > 0.5)
    assert np.median(np.hypot(*difference[shown].T)) < 12


@pytest.mark.parametrize("reduction", [2, 4])
def test_reduced_image_gives_reduced_pose(
    estimate: MultiPersonTracker, juggler: list[Image], reduction: int
) -> None:
    full = found(estimate(juggler[0])).pose
    estimate.reset()
    height, width = (side // reduction for side in juggler[0].shape[:2])
    means = juggler[0].reshape(height, reduction, width, reduction, 3).mean(axis=(1, 3))
    small = found(estimate(means.astype(np.uint8))).pose
    shown = (full.body[:, 2] > 0.5) & (small.body[:, 2] > 0.5)
    distance = np.hypot(*(small.body[shown, :2] * reduction - full.body[shown, :2]).T)
    assert np.median(distance) < 9  # of a person 620 pixels high
    assert np.ptp(small.depth) * reduction == pytest.approx(np.ptp(full.depth), rel=0.3)


def test_following_agrees_with_finding_afresh(estimate: MultiPersonTracker, juggler: list[Image]) -> None:
    followed = [found(estimate(image)) for image in juggler][-1]
    estimate.reset()
    afresh = found(estimate(juggler[-1]))
    assert np.median(np.abs(followed.pose.body[:, :2] - afresh.pose.body[:, :2])) < 9


def test_reset_makes_the_same_frames_give_the_same_result(
    estimate: MultiPersonTracker, juggler: list[Image]
) -> None:
    runs = []
    for _ in range(2):
        estimate.reset()
        runs.append(np.array([found(estimate(image)).pose.points for image in juggler[:4]]))
    np.testing.assert_array_equal(runs[0], runs[1])


def test_follows_without_the_detector_and_finds_again_on_the_very_frame(
    estimate: MultiPersonTracker, juggler: list[Image], gymnast: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    searches = []
    network = estimate._network
    assert isinstance(network, BlazePose)
    detector = network._detector

    def counted(image: Image, squares: list[Region]) -> list[Region]:
        searches.append(len(squares))
        return detector(image, squares)

    monkeypatch.setattr(network, "_detector", counted)
    for image in juggler:
        found(estimate(image))
    assert len(searches) == 2  # a first look, and another that checks it
    blank = np.full_like(juggler[0], 90)
    assert estimate(blank) == ()
    before = len(searches)
    found(estimate(juggler[5]))
    assert len(searches) == before + 1  # on the very frame
    # from one frame to another the person is elsewhere: found again at once
    person = found(estimate(gymnast))
    assert person.mask.alpha_in(*gymnast.shape[:2]).mean() > 0.02


def test_portrait_image(estimate: MultiPersonTracker, gymnast: Image) -> None:
    person = found(estimate(gymnast))
    # he stands on his left leg and stretches the right one backwards, to our left
    assert point(person, "right_ankle")[0] < point(person, "right_hip")[0] - 100
    assert point(person, "left_ankle")[1] > point(person, "right_ankle")[1]


def test_small_person_and_person_among_others(estimate: MultiPersonTracker, juggler: list[Image]) -> None:
    image = juggler[0]
    wide = np.concatenate([image, image, image], axis=1)
    person = found(estimate(wide))
    assert min(abs(point(person, "mid_hip")[0] - (710 + 1280 * copy)) for copy in range(3)) < 20
    estimate.reset()
    small = np.full((720, 1280, 3), 120, np.uint8)
    small[200:380, 800:1120] = image.reshape(180, 4, 320, 4, 3).mean(axis=(1, 3))
    nose = point(found(estimate(small)), "nose")
    assert abs(nose - [800 + 703 / 4, 200 + 112 / 4]).max() < 8


def test_grey_read_only_and_strided_frames(estimate: MultiPersonTracker, juggler: list[Image]) -> None:
    grey = np.repeat(juggler[0].mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
    grey.setflags(write=False)
    before = grey.copy()
    assert point(found(estimate(grey)), "neck")[1] < 260
    np.testing.assert_array_equal(grey, before)
    estimate.reset()
    assert estimate(juggler[0][::2, ::2])


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (16, 16), (17, 3), (16, 700), (999, 31), (20, 40_000)])
@pytest.mark.parametrize("kind", ["flat", "noise"])
def test_frames_without_people_of_any_size(
    estimate: MultiPersonTracker, shape: tuple[int, int], kind: str
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    image = np.full((*shape, 3), 128, np.uint8) if kind == "flat" else noise
    assert estimate(image) == ()


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((10, 10), np.uint8),
        np.zeros((10, 10, 4), np.uint8),
        np.zeros((10, 10, 3), np.float32),
        np.zeros((0, 10, 3), np.uint8),
    ],
)
def test_what_is_no_image(estimate: MultiPersonTracker, image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8 RGB"):
        estimate(image)


@pytest.mark.parametrize("content", [b"", b"not a network" * 100])
def test_damaged_network(tmp_path: Path, content: bytes) -> None:
    for name in ("pose_detection.tflite", "pose_landmark_full.tflite"):
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DanceNowError, match="damaged or not a LiteRT network"):
        BlazePose(models=tmp_path)


def test_another_network(loaded: MultiPersonTracker, tmp_path: Path) -> None:
    detector = assets.pose_model("pose_detection.tflite").read_bytes()
    for name in ("pose_detection.tflite", "pose_landmark_full.tflite"):
        (tmp_path / name).write_bytes(detector)
    with pytest.raises(DanceNowError, match="pose_landmark_full"):
        BlazePose(models=tmp_path)


def test_loading_says_nothing(loaded: MultiPersonTracker, capfd: pytest.CaptureFixture[str]) -> None:
    open_estimator()
    assert capfd.readouterr() == ("", "")


def test_confidence_is_visibility_and_never_zero() -> None:
    visibility = np.zeros(39, np.float32)
    visibility[[11, 12]] = 0.9, 0.4
    points = np.arange(78, dtype=np.float32).reshape(39, 2)
    answer = _Landmarks(
        region=Region(128, 128, 256, 0),
        presence=1.0,
        points=points,
        depth=np.arange(39, dtype=np.float32),
        visibility=visibility,
        mask=np.zeros((256, 256), np.float32),
    )
    pose = answer.reading(256, 256).detection.pose
    body = pose.body
    assert body[BODY_INDEX["left_shoulder"], 2] == np.float32(0.9)
    assert body[BODY_INDEX["neck"], 2] == np.float32(0.4)
    np.testing.assert_allclose(body[BODY_INDEX["neck"], :2], (points[11] + points[12]) / 2)
    assert body[BODY_INDEX["nose"], 2] == np.float32(1e-3)
    assert pose.has_depth[BODY_INDEX["right_big_toe"]]
    missing = [BODY_INDEX["left_small_toe"], BODY_INDEX["right_small_toe"]]
    np.testing.assert_array_equal(np.flatnonzero(body[:, 2] == 0), missing)
    assert not pose.face.any()


@given(REGIONS, st.integers(1, 512))
def test_region_corners_span_its_size(region: Region, side: int) -> None:
    matrix = region.to_image(side)
    corners = np.array([[0, 0], [side, 0], [side, side], [0, side]]) @ matrix[:, :2].T + matrix[:, 2]
    np.testing.assert_allclose(corners.mean(axis=0), [region.x, region.y], atol=1e-6)
    edges = np.hypot(*(corners - np.roll(corners, 1, axis=0)).T)
    np.testing.assert_allclose(edges, region.size, rtol=1e-9)


@given(REGIONS)
def test_region_around_puts_the_head_on_top(region: Region) -> None:
    matrix = region.to_image(256)
    centre, top = np.array([[128, 128], [128, 128 - 128 / 1.25]]) @ matrix[:, :2].T + matrix[:, 2]
    again = region_from_circle(centre, top)
    np.testing.assert_allclose(again.to_image(256), matrix, rtol=1e-6, atol=1e-6)


def test_cut_of_the_whole_image_is_the_image() -> None:
    image = np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(Region(32, 32, 64, 0).crop(image, 64, 0), image)
    quarter_turn = Region(32, 32, 64, np.pi / 2).crop(image, 64, 0)
    np.testing.assert_array_equal(quarter_turn, np.rot90(image))


@given(st.integers(1, 3000), st.integers(1, 3000))
def test_search_squares_cover_the_image_and_are_few(height: int, width: int) -> None:
    whole, *smaller = search_regions(np.broadcast_to(np.uint8(0), (height, width, 3)))
    assert whole.size == max(height, width)
    assert 1 <= len(smaller) <= 9
    for position, length in (("x", width), ("y", height)):
        low = min(getattr(square, position) - square.size / 2 for square in smaller)
        high = max(getattr(square, position) + square.size / 2 for square in smaller)
        assert low <= 1e-3
        assert high >= length - 1e-3


def test_mask_lands_on_its_window() -> None:
    alpha = np.zeros((256, 256), np.float32)
    alpha[64:128, 128:192] = 1
    mask = PersonMask(alpha, np.array([[0.5, 0, 10], [0, 0.5, 20]], np.float32))
    picture = mask.alpha_in(200, 180)
    assert picture.shape == (200, 180)
    expected = np.zeros((200, 180), np.float32)
    expected[20 + 32 : 20 + 64, 10 + 64 : 10 + 96] = 1
    np.testing.assert_allclose(picture, expected, atol=0.01)


def test_a_mask_that_is_given_is_taken_again_and_nothing_else_changes(data_dir: Path) -> None:
    try:
        network = BlazePose(1)
    except DanceNowError as error:
        pytest.skip(str(error))
    (image,) = frames(data_dir / "people" / "sam2_juggle.mp4", 55, 1)
    region = Region(640.0, 360.0, 800.0, 0.0)
    whole = network.read_person(image, region)
    mask = np.full((256, 256), 0.25, np.float32)
    alone = network.read_person(image, region, mask)
    assert whole is not None
    assert alone is not None
    np.testing.assert_array_equal(alone.detection.pose.points, whole.detection.pose.points)
    np.testing.assert_array_equal(alone.circle, whole.circle)
    np.testing.assert_array_equal(alone.detection.mask.alpha, mask)
    assert whole.detection.mask.alpha.max() > 0.9
