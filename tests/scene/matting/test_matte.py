import cv2
import numpy as np
import pytest

from dance_now.pose.model.detection import Detection, PersonMask
from dance_now.pose.model.keypoints import BODY_INDEX
from dance_now.pose.model.pose import Pose
from dance_now.pose.tracking.limb_mask import coarse_mask
from dance_now.scene.background.clean_background import (
    BackgroundCollector,
    CleanBackground,
    inpainted_background,
)
from dance_now.scene.filters.guided_filter import refine_mask
from dance_now.scene.filters.region import soft_dilate
from dance_now.scene.matting.matte import PersonMatting

HEIGHT, WIDTH = 200, 320
SKIN, SHOE, BALL = (200, 140, 110), (240, 240, 240), (250, 60, 40)


def disc(radius: float, height: int = 200, width: int = 240) -> np.ndarray:
    y, x = np.indices((height, width), np.float32)
    return np.clip(radius - np.hypot(x - width / 2, y - height / 2) + 0.5, 0, 1).astype(np.float32)


def meadow() -> np.ndarray:
    noise = np.random.default_rng(5).random((20, 32, 3), np.float32)
    return np.asarray(40 + 90 * cv2.resize(noise, (WIDTH, HEIGHT)), np.uint8)


def body(x: int) -> tuple[slice, slice]:
    return slice(40, 160), slice(x, x + 30)


def detection(x: int) -> Detection:
    """Somebody at column ``x`` whose mask ends above the shoes."""
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[body(x)] = 1
    return Detection(Pose.empty(), PersonMask(mask, np.eye(2, 3, dtype=np.float32)))


def frame(x: int, ball: tuple[int, int] | None = None, shadow: bool = False) -> np.ndarray:
    """A person with shoes below the mask, a ball somewhere, a shadow on the ground."""
    image = meadow()
    if shadow:
        image[166:176, x + 30 : x + 70] = image[166:176, x + 30 : x + 70] * 0.8
    image[body(x)] = SKIN
    image[160:172, x : x + 12] = image[160:172, x + 18 : x + 30] = SHOE
    if ball is not None:
        cv2.circle(image, ball, 9, BALL, -1)
    return image


def surveyed() -> CleanBackground:
    samples = BackgroundCollector()
    for x in range(10, 280, 22):
        samples.add(frame(x), [detection(x)])
    return samples.finish()


def left_over(clean: CleanBackground, matte: PersonMatting, image: np.ndarray, x: int) -> np.ndarray:
    """(H, W) how much the image without the person differs from the meadow."""
    result = clean.fill(image, matte(image, [detection(x)]))
    return np.abs(result.astype(int) - meadow()).max(axis=2)


def test_a_rough_mask_is_pulled_onto_the_edge() -> None:
    true = disc(60)
    noise = np.random.default_rng(0).normal(0, 3, (200, 240, 3))
    image = np.clip(true[..., None] * (180, 60, 50) + (1 - true[..., None]) * (70, 120, 160) + noise, 0, 255)
    rough = np.asarray(cv2.GaussianBlur(disc(59), (0, 0), 3), np.float32)
    refined = refine_mask(rough, image.astype(np.uint8))
    assert refined.shape == rough.shape
    assert refined.dtype == np.float32
    assert np.abs(refined - true).mean() < 0.5 * np.abs(rough - true).mean()
    assert refined.min() == 0
    assert refined.max() == 1


def test_a_flat_image_leaves_the_mask_about_as_it_is() -> None:
    rough = disc(50)
    refined = refine_mask(rough, np.full((200, 240, 3), 128, np.uint8))
    assert np.abs(refined - rough).mean() < 0.01


def test_far_from_the_mask_nothing_appears() -> None:
    image = np.random.default_rng(2).integers(0, 255, (200, 240, 3), np.uint8)
    assert not refine_mask(disc(40), image)[disc(50) == 0].any()


def test_nobody_leaves_no_hole() -> None:
    image = meadow()
    for background in (inpainted_background(), surveyed()):
        cutout = PersonMatting(background)(image, [])
        assert not cutout.hole.any()
        assert not cutout.alpha.any()
        np.testing.assert_array_equal(background.fill(image, cutout), image)


@pytest.mark.parametrize("full", [0, 1, 5, 20])
def test_a_margin_is_as_wide_as_said_and_fades(full: int) -> None:
    mask = (disc(40) > 0.5).astype(np.uint8) * 255
    wide = soft_dilate(mask, full, 4)
    assert (wide[mask > 0] == 255).all()
    assert (wide == 255).sum() == pytest.approx(np.pi * (40 + full) ** 2, rel=0.08)
    assert not wide[disc(40 + full + 8) == 0].any()


@pytest.mark.parametrize("part", ["left_big_toe", "left_heel"])
def test_the_pose_completes_feet_that_the_mask_lacks(part: str) -> None:
    points = np.zeros((137, 3), np.float32)
    for name, x, y in (
        ("neck", 100, 30),
        ("mid_hip", 100, 90),
        ("left_knee", 100, 130),
        ("left_ankle", 100, 170),
        ("left_heel", 95, 180),
        ("left_big_toe", 130, 180),
    ):
        points[BODY_INDEX[name]] = x, y, 1
    empty = PersonMask(np.zeros((8, 8), np.float32), np.eye(2, 3, dtype=np.float32))
    mask = coarse_mask([Detection(Pose(points), empty)], HEIGHT, WIDTH)
    x, y = points[BODY_INDEX[part], :2].astype(int)
    assert mask[y, x] > 0.3
    assert mask[100, 100] == 0  # the trunk is the mask's business


def test_shoes_that_the_mask_lacks_go_where_the_scene_is_known() -> None:
    clean = surveyed()
    assert left_over(clean, PersonMatting(clean), frame(120), 120).max() < 12


def test_the_shadow_at_the_feet_goes() -> None:
    clean = surveyed()
    image = frame(120, shadow=True)
    points = np.zeros((137, 3), np.float32)
    for side, x in (("left", 124), ("right", 144)):
        points[BODY_INDEX[f"{side}_heel"]] = points[BODY_INDEX[f"{side}_big_toe"]] = x, 170, 1
    person = Detection(Pose(points), detection(120).mask)
    result = clean.fill(image, PersonMatting(clean)(image, [person]))
    shade = slice(168, 174), slice(158, 182)
    before = np.abs(image[shade].astype(int) - meadow()[shade]).mean()
    assert np.abs(result[shade].astype(int) - meadow()[shade]).mean() < 0.3 * before


def test_a_thing_that_was_never_touched_stays_whole() -> None:
    clean = surveyed()
    image = frame(120, ball=(182, 80))
    result = clean.fill(image, PersonMatting(clean)(image, [detection(120)]))
    ball = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(ball, (182, 80), 9, 1, -1)
    np.testing.assert_array_equal(result[ball > 0], image[ball > 0])


def test_a_thing_that_is_held_goes_whole_and_stays_away_when_thrown() -> None:
    clean = surveyed()
    matte = PersonMatting(clean)
    for ball in ((150, 80), (157, 78), (164, 76), (171, 74), (178, 72), (185, 70)):
        assert left_over(clean, matte, frame(120, ball=ball), 120).max() < 12
    matte.reset()
    image = frame(120, ball=(185, 70))
    assert left_over(clean, matte, image, 120)[70, 185] > 50


def test_a_thing_that_is_held_may_stay() -> None:
    clean = surveyed()
    image = frame(120, ball=(164, 80))
    points = np.zeros((137, 3), np.float32)
    for name, x, y in (
        ("neck", 135, 45),
        ("mid_hip", 135, 100),
        ("left_elbow", 130, 78),
        ("left_wrist", 146, 79),
    ):
        points[BODY_INDEX[name]] = x, y, 1
    person = Detection(Pose(points), detection(120).mask)
    result = clean.fill(image, PersonMatting(clean, keep_objects=True)(image, [person]))
    ball = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(ball, (164, 80), 8, 1, -1)
    ball[:, :162] = 0  # the hand itself goes
    np.testing.assert_array_equal(result[ball > 0], image[ball > 0])
    away = np.abs(result.astype(int) - meadow()).max(axis=2)
    assert away[body(120)].max() < 12
    assert away[162:170, 120:150].max() < 12  # shoes are worn, not held


def test_people_who_stay_are_left_whole() -> None:
    clean = surveyed()
    image = frame(120)
    image[body(156)] = (60, 60, 200)
    result = clean.fill(image, PersonMatting(clean)(image, [detection(120)], [detection(156)]))
    np.testing.assert_array_equal(result[42:158, 158:184], image[42:158, 158:184])
    assert np.abs(result[body(120)].astype(int) - meadow()[body(120)]).max() < 12


def test_a_still_person_has_a_still_matte() -> None:
    generator = np.random.default_rng(3)
    matte, alone = PersonMatting(inpainted_background("moving")), []
    steady = []
    for _ in range(8):
        noisy = np.clip(frame(120) + generator.normal(0, 2, (HEIGHT, WIDTH, 3)), 0, 255).astype(np.uint8)
        mask = np.asarray(
            cv2.GaussianBlur(detection(120).mask.alpha, (0, 0), generator.uniform(1, 4)), np.float32
        )
        person = Detection(Pose.empty(), PersonMask(mask, np.eye(2, 3, dtype=np.float32)))
        steady.append(matte(noisy, [person]).alpha)
        alone.append(PersonMatting(inpainted_background("moving"))(noisy, [person]).alpha)
    assert np.std(steady[2:], axis=0).mean() < 0.7 * np.std(alone[2:], axis=0).mean()


def test_a_person_who_has_moved_leaves_no_ghost() -> None:
    matte = PersonMatting(inpainted_background("moving"))
    matte(frame(60), [detection(60)])
    cutout = matte(frame(200), [detection(200)])
    assert not cutout.alpha[body(60)].any()
    assert not cutout.hole[body(60)].any()
