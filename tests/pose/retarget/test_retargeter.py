import dataclasses
import json
from typing import Any

import numpy as np
import pytest
from faces import face_points, face_pose
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skeletons import about_x, adult_skeleton, chibi_skeleton, mirrored, posed, posture, view_points

from dance_now.pose.model.bone_rule import BONE_INDEX, BoneRig
from dance_now.pose.model.keypoints import BODY, FACE, LEFT_HAND, POINT_COUNT, RIGHT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.skeleton import RIGID_SEGMENTS, Skeleton
from dance_now.pose.retarget.face_expression import Expression
from dance_now.pose.retarget.kinematics import CharacterBody
from dance_now.pose.retarget.retargeter import Retargeted, Retargeter

CHIBI = chibi_skeleton()
ADULT = adult_skeleton()
SEGMENTS = (
    *RIGID_SEGMENTS,
    (14, 19),
    (11, 22),
    (17, 18),
    (0, 17),
    (95, 104),
    (104, 105),
    (105, 106),
    (116, 133),
)
MOTIONS: dict[str, dict[str, Any]] = {
    "standing": {},
    "t_pose": {"left_arm": [[1, 0, 0], [1, 0, 0]], "right_arm": [[-1, 0, 0], [-1, 0, 0]]},
    "waving": {"right_arm": [[-1, 0.2, 0.1], [-0.2, 1, 0.1]]},
    "lunge": {
        "left_leg": [[0.8, -0.6, 0.2], [0.1, -1, 0]],
        "right_leg": [[-0.6, -0.8, 0], [-0.6, -0.8, -0.1]],
    },
    "pointing_at_viewer": {"left_arm": [[0.2, 0, 1], [0.1, 0, 1]]},
    "knee_up": {"right_leg": [[-0.1, 0.1, 1], [0, -1, 0]]},
}


def photo(pose: Pose, skeleton: Skeleton = CHIBI, **options: Any) -> Retargeted:
    return Retargeter(skeleton, smooth=False)(pose, 0.0, **options)


def person(**options: Any) -> Pose:
    return posed(ADULT, posture(ADULT, **options))


def assert_possible(result: Retargeted, skeleton: Skeleton = CHIBI) -> None:
    pairs = np.array(SEGMENTS)
    points = view_points(result.pose)
    lengths = np.linalg.norm(points[pairs[:, 0]] - points[pairs[:, 1]], axis=1)
    np.testing.assert_allclose(lengths, skeleton.lengths(SEGMENTS) * result.scale, rtol=0.01)
    assert np.isfinite(result.pose.points).all()
    assert (result.pose.visible == skeleton.known).all()
    assert (result.pose.has_depth == skeleton.known).all()


def degrees_between(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    cosine = (first * second).sum(-1) / np.linalg.norm(first, axis=-1) / np.linalg.norm(second, axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def limb_directions(pose: Pose) -> np.ndarray:
    points = view_points(pose)
    pairs = np.array([(2, 3), (3, 4), (5, 6), (6, 7), (9, 10), (10, 11), (12, 13), (13, 14)])
    return points[pairs[:, 1]] - points[pairs[:, 0]]


def head_turn_nod(result: Retargeted) -> tuple[float, float]:
    forward = result.posture.head[:, 2]
    return float(np.degrees(np.arctan2(forward[0], forward[2]))), float(np.degrees(np.arcsin(-forward[1])))


coordinates = st.floats(-1e6, 1e6, width=32) | st.floats(-500, 1500, width=32) | st.just(0.0)
garbage = st.builds(
    lambda points, depth, has_depth: Pose(points, depth, has_depth),
    hnp.arrays(np.float32, (POINT_COUNT, 3), elements=coordinates, fill=coordinates),
    hnp.arrays(np.float32, POINT_COUNT, elements=coordinates, fill=coordinates),
    hnp.arrays(np.bool_, POINT_COUNT),
)


@st.composite
def damaged(draw: st.DrawFn) -> Pose:
    """A person's pose with noise, lost points and wrong depth."""
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    whole = person(turn=draw(st.floats(-180, 180)), **draw(st.sampled_from(list(MOTIONS.values()))))
    noise = draw(st.sampled_from([0.0, 3.0, 30.0, 300.0]))
    lost = random.random(POINT_COUNT) < draw(st.sampled_from([0.0, 0.3, 0.9]))
    points = whole.points.copy()
    points[:, :2] += random.normal(0, noise, (POINT_COUNT, 2))
    points[:, 2] = np.where(lost, 0, random.random(POINT_COUNT))
    depth = whole.depth * draw(st.sampled_from([-3, 0, 1, 3, 100])) + random.normal(0, noise, POINT_COUNT)
    return Pose(
        points, depth.astype(np.float32), random.random(POINT_COUNT) < draw(st.sampled_from([0.0, 0.5, 1.0]))
    )


@settings(max_examples=60, deadline=None)
@given(poses=st.lists(garbage | damaged(), min_size=1, max_size=4), smooth=st.booleans())
def test_whatever_comes_in_a_possible_body_goes_out(poses: list[Pose], smooth: bool) -> None:
    retarget = Retargeter(CHIBI, smooth=smooth)
    for frame, pose in enumerate(poses):
        assert_possible(retarget(pose, frame / 30))


@pytest.mark.parametrize("name", MOTIONS)
@pytest.mark.parametrize("turn", [0, 40, -90, 160])
def test_limbs_point_where_the_persons_do(name: str, turn: float) -> None:
    seen = person(turn=turn, **MOTIONS[name])
    off = degrees_between(limb_directions(photo(seen).pose), limb_directions(seen))
    assert off.max() < 25
    assert off.mean() < 10


@pytest.mark.parametrize("name", MOTIONS)
def test_limbs_are_drawn_as_seen_without_depth(name: str) -> None:
    seen = posed(ADULT, posture(ADULT, **MOTIONS[name]), has_depth=False)
    shown, wanted = limb_directions(photo(seen).pose)[:, :2], limb_directions(seen)[:, :2]
    long = np.linalg.norm(wanted, axis=1) > 30
    assert degrees_between(shown[long], wanted[long]).max() < 12


def test_exaggerated_depth_is_scaled_down() -> None:
    true = person(turn=50)
    seen = Pose(true.points, true.depth * 3, true.has_depth)
    assert degrees_between(limb_directions(photo(seen).pose), limb_directions(true)).max() < 25


@pytest.mark.parametrize("turn", [0, 45, 90, -90, 180])
def test_the_body_faces_where_the_person_does(turn: float) -> None:
    chest = photo(person(turn=turn)).posture.chest
    expected = np.array([np.sin(np.radians(turn)), 0, np.cos(np.radians(turn))])
    assert degrees_between(chest[:, 2], expected) < 15


@pytest.mark.parametrize(("turn", "nod"), [(0, 0), (40, 0), (-40, 0), (0, 25), (0, -25), (30, 15)])
@pytest.mark.parametrize("body", [0, 60, 180])
def test_the_head_turns_and_nods_with_the_persons(turn: float, nod: float, body: float) -> None:
    found_turn, found_nod = head_turn_nod(photo(person(turn=body, head_turn=turn, nod=nod)))
    assert abs((found_turn - body - turn + 180) % 360 - 180) < 10
    assert found_nod == pytest.approx(nod, abs=8)


def test_a_head_cannot_turn_to_its_back() -> None:
    seen = person()
    points = seen.points.copy()
    points[[17, 18]], points[[15, 16]] = points[[18, 17]], points[[16, 15]]
    result = photo(Pose(points, seen.depth, seen.has_depth))
    assert abs(head_turn_nod(result)[0]) <= 81


def test_without_a_face_the_head_follows_the_chest() -> None:
    seen = person(turn=50)
    points = seen.points.copy()
    points[[0, 15, 16, 17, 18]] = 0
    result = photo(Pose(points, seen.depth, seen.has_depth))
    assert degrees_between(result.posture.head[:, 2], result.posture.chest[:, 2]) < 1
    assert result.imputed[[0, 17]].all()
    assert result.imputed[FACE].all()


@pytest.mark.parametrize("skeleton", [CHIBI, ADULT], ids=["chibi", "adult"])
@pytest.mark.parametrize("name", ["standing", "waving", "lunge"])
def test_the_character_stands_where_the_person_stands(skeleton: Skeleton, name: str) -> None:
    seen = person(**MOTIONS[name])
    result = photo(seen, skeleton)
    person_floor = seen.points[[19, 22, 21, 24], 1].max()
    floor = result.pose.points[[19, 22, 21, 24], 1].max()
    assert floor == pytest.approx(person_floor, abs=0.03 * result.height)
    feet = [14, 19, 11, 22]
    middle = result.pose.points[feet, 0].mean()
    assert middle == pytest.approx(seen.points[feet, 0].mean(), abs=0.08 * result.height)


@pytest.mark.parametrize("degrees", [-12, 0, 18])
@pytest.mark.parametrize("name", ["standing", "t_pose", "waving"])
def test_limbs_point_as_in_the_image_seen_from_above_and_below(name: str, degrees: float) -> None:
    above = view_points(person(turn=40, **MOTIONS[name])) @ about_x(degrees).T
    rows = np.column_stack([above[:, 0], -above[:, 1], ADULT.known]).astype(np.float32)
    seen = Pose(rows, -above[:, 2].astype(np.float32), ADULT.known)
    pairs = np.array([[2, 3], [3, 4], [5, 6], [6, 7], [9, 10], [10, 11], [12, 13], [13, 14], [2, 5]])
    theirs, ours = (
        pose.points[pairs[:, 1], :2] - pose.points[pairs[:, 0], :2] for pose in (seen, photo(seen).pose)
    )
    for first, second in zip(theirs.tolist(), ours.tolist(), strict=True):
        assert degrees_between(np.array(first), np.array(second)) < 8


def tilt(up: np.ndarray) -> float:
    return float(np.degrees(np.arctan2(up[2], up[1])))


@pytest.mark.parametrize("degrees", [-25, 28])
def test_a_character_that_learned_steep_views_is_seen_by_them(degrees: float) -> None:
    above = view_points(person(**MOTIONS["t_pose"])) @ about_x(degrees).T
    rows = np.column_stack([above[:, 0], -above[:, 1], ADULT.known]).astype(np.float32)
    seen = Pose(rows, -above[:, 2].astype(np.float32), ADULT.known)
    tilts = []
    for pitches in ((-30.0, 30.0), (-15.0, 20.0)):
        result = photo(seen, dataclasses.replace(CHIBI, pitches=pitches))
        tilts.append(tilt(result.posture.hips[:, 1]))
        assert tilt(result.up) == pytest.approx(tilts[-1], abs=3)
    assert tilts[0] == pytest.approx(degrees, abs=6)
    assert tilts[1] == pytest.approx(np.clip(degrees, -15, 20), abs=3)


def test_soles_reach_a_little_below_the_points_marked_on_a_foot() -> None:
    seen = person()
    result = photo(seen)
    sole = result.pose.points[[19, 22], 1].max() + (CHIBI.rest[19, 1] - CHIBI.bounds[0, 1]) * result.scale
    marked = seen.points[[19, 22], 1].max()
    assert 0.005 * result.height < sole - marked < 0.03 * result.height


@pytest.mark.parametrize("ratio", [1.0, 0.7])
def test_the_character_is_as_tall_as_wanted(ratio: float) -> None:
    result = photo(person(), height_ratio=ratio)
    assert result.scale * CHIBI.height == pytest.approx(200 * ADULT.height * ratio, rel=0.08)


def test_a_jump_is_a_jump() -> None:
    retarget = Retargeter(CHIBI)
    frames = []
    for frame in range(40):
        height = 60 * np.sin(np.pi * np.clip((frame - 10) / 20, 0, 1))
        seen = posed(ADULT, posture(ADULT), mid_hip=(320, 240 - height))
        frames.append(retarget(seen, frame / 30).pose.points[[19, 22], 1].mean())
    assert frames[0] - min(frames) == pytest.approx(60, abs=12)
    assert frames[-1] == pytest.approx(frames[0], abs=6)


def test_half_a_body_is_completed_and_hangs_on_the_head() -> None:
    seen = person()
    points = seen.points.copy()
    points[[9, 10, 11, 12, 13, 14, 19, 21, 22, 24, 8]] = 0
    result = photo(Pose(points, seen.depth, seen.has_depth))
    assert_possible(result)
    knees, ankles = result.pose.points[[10, 13], 1], result.pose.points[[11, 14], 1]
    assert (ankles > knees).all()
    assert result.imputed[[10, 11, 13, 14]].all()
    assert not result.imputed[[2, 3, 5, 6]].any()
    crown = result.pose.points[17, 1] - (CHIBI.bounds[1, 1] - CHIBI.rest[17, 1]) * result.scale
    assert crown == pytest.approx(240 - (ADULT.height - ADULT.rest[8, 1]) * 200, abs=0.05 * result.height)


def test_feet_below_the_image_do_not_place_the_character() -> None:
    seen = person()
    inside = photo(seen, size=(640, 480))
    points = seen.points.copy()
    points[[11, 14, 19, 22, 21, 24], 1] += 90  # guessed by the estimator, far below the edge
    outside = photo(Pose(points, seen.depth, seen.has_depth), size=(640, 400))
    assert outside.pose.points[17, 1] == pytest.approx(inside.pose.points[17, 1], abs=0.1 * inside.height)


@pytest.mark.parametrize("has_depth", [True, False])
def test_knees_do_not_bend_forwards(has_depth: bool) -> None:
    place = posture(ADULT, left_leg=[[0.1, -1, -0.3], [0.1, -1, 0.7]], right_leg=[[0, -1, 0.2], [0, -0.6, 1]])
    result = photo(posed(ADULT, place, has_depth=has_depth))
    hips, legs = result.posture.hips, result.posture.limbs[2:]
    back = np.cross(hips[:, 0], legs[:, 0])
    assert ((legs[:, 1] * back).sum(axis=1) > -0.1).all()


def test_hands_stay_near_their_forearms() -> None:
    seen = person()
    points = seen.points.copy()
    wrist = points[95, :2].copy()
    points[95:116, :2] = 2 * wrist - points[95:116, :2]  # a hand that points back up its arm
    result = photo(Pose(points, seen.depth, seen.has_depth))
    shown = view_points(result.pose)
    assert degrees_between(shown[104] - shown[95], shown[7] - shown[6]) < 75


@pytest.mark.parametrize("has_depth", [True, False])
def test_fingers_follow_a_whole_hand(has_depth: bool) -> None:
    place = posture(ADULT)
    straight = CharacterBody(ADULT).rest[LEFT_HAND]
    flat = np.stack([straight[[1, 5, 9, 13, 17]] * 0 + [1, 0, 0]] * 3, axis=1)
    curled = place.fingers.copy()
    curled[0] = flat
    open_hand = photo(posed(ADULT, dataclasses.replace(place, fingers=curled), has_depth=has_depth))
    points = view_points(open_hand.pose)
    assert degrees_between(points[104 + 3] - points[104 + 2], points[104 + 1] - points[104]) < 20
    relaxed = photo(Pose(np.where(np.arange(POINT_COUNT)[:, None] < 25, person().points, 0)))
    points = view_points(relaxed.pose)
    assert 20 < degrees_between(points[104 + 3] - points[104 + 2], points[104 + 1] - points[104]) < 60


@settings(max_examples=25, deadline=None)
@given(turn=st.floats(-80, 80), name=st.sampled_from(list(MOTIONS)), head_turn=st.floats(-40, 40))
def test_a_mirrored_image_gives_the_mirrored_pose(turn: float, name: str, head_turn: float) -> None:
    seen = person(turn=turn, head_turn=head_turn, **MOTIONS[name])
    one = photo(mirrored(seen, 640)).pose
    other = mirrored(photo(seen).pose, 640)
    body = np.r_[BODY, LEFT_HAND, RIGHT_HAND]
    np.testing.assert_allclose(one.points[body], other.points[body], atol=0.5)


@pytest.mark.parametrize("name", ["standing", "waving", "lunge"])
def test_the_bone_rule_finds_the_posture_again(name: str) -> None:
    result = photo(person(turn=20, **MOTIONS[name]))
    rotations = BoneRig.of(CHIBI).rotations(view_points(result.pose).astype(np.float32))
    for bone, wanted in (
        ("hips", result.posture.hips),
        ("chest", result.posture.chest),
        ("head", result.posture.head),
    ):
        assert (
            np.degrees(np.arccos(np.clip((np.trace(wanted.T @ rotations[BONE_INDEX[bone]]) - 1) / 2, -1, 1)))
            < 6
        )
    np.testing.assert_allclose(rotations[BONE_INDEX["leftHand"]], result.posture.hands[0], atol=0.15)


def test_smoothing_calms_noise_and_still_follows() -> None:
    random = np.random.default_rng(0)
    still = person()
    noisy = [
        Pose(still.points + [2, 2, 0] * random.normal(size=(POINT_COUNT, 3)), still.depth, still.has_depth)
        for _ in range(60)
    ]

    def shake(smooth: bool) -> float:
        retarget = Retargeter(CHIBI, smooth=smooth)
        track = np.array([retarget(pose, frame / 30).pose.body[:, :2] for frame, pose in enumerate(noisy)])
        return float(np.abs(np.diff(track[20:], axis=0)).mean())

    assert shake(True) < 0.4 * shake(False)
    retarget = Retargeter(CHIBI)
    for frame in range(30):
        retarget(still, frame / 30)
    for frame in range(30, 45):
        moved = retarget(person(**MOTIONS["waving"]), frame / 30)
    off = degrees_between(limb_directions(moved.pose), limb_directions(person(**MOTIONS["waving"])))
    assert off.max() < 20


def test_a_lost_arm_eases_to_rest() -> None:
    retarget = Retargeter(CHIBI)
    raised = person(**MOTIONS["t_pose"])
    points = raised.points.copy()
    points[[6, 7]], points[LEFT_HAND] = 0, 0
    lost = Pose(points, raised.depth, raised.has_depth)
    heights = [
        retarget(raised if frame < 15 else lost, frame / 30).posture.limbs[0, 0, 1] for frame in range(120)
    ]
    assert abs(heights[14]) < 0.15
    assert abs(heights[16] - heights[14]) < 0.15
    assert heights[-1] < -0.8


def test_a_lost_hand_eases_to_rest() -> None:
    raised = person(**MOTIONS["t_pose"])
    points = raised.points.copy()
    wrist = points[95, :2].copy()
    points[95:116, :2] = wrist + (points[95:116, :2] - wrist) @ [[0.7, -0.7], [0.7, 0.7]]  # bent upwards
    bent = Pose(points, raised.depth, raised.has_depth)
    points = points.copy()
    points[LEFT_HAND] = 0
    lost = Pose(points, raised.depth, raised.has_depth)
    retarget = Retargeter(CHIBI)
    angles = []
    for frame in range(120):
        result = retarget(bent if frame < 30 else lost, frame / 30)
        shown = view_points(result.pose)
        angles.append(float(degrees_between(shown[104] - shown[95], shown[7] - shown[6])))
        assert result.imputed[LEFT_HAND].all() == (frame >= 30)
    assert angles[29] > 30
    assert abs(angles[31] - angles[29]) < 8
    assert angles[-1] < 10
    assert np.abs(np.diff(angles[29:])).max() < 8


def test_a_person_lost_for_a_moment_is_shown_as_before() -> None:
    retarget = Retargeter(CHIBI)
    assert retarget.coast(0.0) is None
    last = [retarget(person(**MOTIONS["waving"]), frame / 30) for frame in range(5)][-1]
    shown = retarget.coast(0.3)
    assert shown is not None
    np.testing.assert_allclose(shown.pose.points, last.pose.points, atol=1.0)
    assert retarget.coast(0.6) is None
    retarget.reset()
    assert retarget.coast(0.3) is None


@pytest.mark.parametrize("rate", [24, 30, 60])
def test_live_a_kick_is_at_most_35_ms_late(rate: int) -> None:
    times = np.arange(0, 2.5, 1 / rate)
    angles = np.radians(70) * np.sin(np.pi * np.clip((times - 1) / 0.5, 0, 1))
    legs = np.stack([-np.sin(angles), -np.cos(angles), 0 * angles], axis=1)
    retarget = Retargeter(CHIBI)
    shown = []
    for time, leg in zip(times.tolist(), legs, strict=True):
        limb = retarget(person(right_leg=[leg, leg]), time).posture.limbs[3, 0]
        shown.append(np.arctan2(-limb[0], -limb[1]))
    delays = np.arange(0, 0.2, 0.001)
    misses = [((np.interp(times - delay, times, angles) - shown) ** 2).sum() for delay in delays]
    assert delays[int(np.argmin(misses))] <= 0.035
    assert max(shown) > 0.93 * angles.max()


def test_reset_forgets() -> None:
    retarget = Retargeter(CHIBI)
    retarget(person(**MOTIONS["waving"]), 5.0)
    retarget.reset()
    again = retarget(person(turn=30), 6.0)
    fresh = Retargeter(CHIBI)(person(turn=30), 6.0)
    np.testing.assert_array_equal(again.pose.points, fresh.pose.points)


def test_a_body_without_face_or_hands_works() -> None:
    known = np.ones(POINT_COUNT, bool)
    known[FACE], known[LEFT_HAND], known[RIGHT_HAND] = False, False, False
    rest = np.where(known[:, None], CHIBI.rest, 0)
    bare = Skeleton(rest, known, CHIBI.pivots, CHIBI.bounds)
    result = photo(person(**MOTIONS["waving"]), bare)
    assert (result.pose.visible == known).all()
    assert (
        degrees_between(limb_directions(result.pose), limb_directions(person(**MOTIONS["waving"]))).max() < 25
    )


@pytest.mark.parametrize(
    ("time", "ratio"), [(float("nan"), 1.0), (0.0, 0.0), (0.0, -1.0), (0.0, float("inf"))]
)
def test_nonsense_arguments_raise(time: float, ratio: float) -> None:
    with pytest.raises(ValueError, match=r"finite time|height ratio"):
        Retargeter(CHIBI)(person(), time, ratio)


def test_a_skeleton_read_from_its_file_gives_the_same_pose() -> None:
    copy = Skeleton.from_json(json.loads(json.dumps(CHIBI.to_json())))
    np.testing.assert_allclose(photo(person(), copy).pose.points, photo(person()).pose.points, atol=0.05)


def with_face(body: Pose, **face: float) -> Pose:
    """The pose with a face of its own before its head."""
    points, depth, has_depth = body.points.copy(), body.depth.copy(), body.has_depth.copy()
    drawn = face_pose(face_points(**face), size=45.0)
    points[FACE], depth[FACE], has_depth[FACE] = drawn.points[FACE], drawn.depth[FACE], True
    return Pose(points, depth, has_depth)


def test_a_face_is_replayed_on_the_characters_own() -> None:
    rest = CHIBI.rest.copy()
    rest[FACE] = face_points() * 0.1 + [0, 0.8, 0.1]
    skeleton = dataclasses.replace(CHIBI, rest=rest)
    neutral = photo(with_face(person()), skeleton)
    shut = photo(with_face(person(), left_open=0.03, right_open=0.03), skeleton)
    assert neutral.expression.left_eye == pytest.approx(0, abs=1e-6)
    assert shut.expression.left_eye > 0.9
    for result, height in ((neutral, 1.0), (shut, 0.1)):
        lids = result.pose.points[FACE][[41, 37], 1]
        own = (rest[FACE][37, 1] - rest[FACE][41, 1]) * result.scale
        assert lids[0] - lids[1] == pytest.approx(height * own, abs=float(0.1 * own))
    np.testing.assert_allclose(shut.pose.body, neutral.pose.body)
    assert photo(person(), skeleton).expression == Expression()


def test_a_precise_hand_is_not_flattened_by_what_the_body_exaggerates() -> None:
    """BlazePose's depth is too large, a hand's own is not: the hand must come out the same."""
    true = person(**MOTIONS["waving"])
    depth = true.depth.copy()
    depth[BODY] *= 3
    for wrist, hand in ((7, LEFT_HAND), (4, RIGHT_HAND)):
        depth[hand] += depth[wrist] - depth[hand.start]
    exaggerated = Pose(true.points, depth, true.has_depth)
    for first, second in zip(photo(true).posture.fingers, photo(exaggerated).posture.fingers, strict=True):
        assert degrees_between(first, second).max() < 12


def test_furniture_cuts_a_figure_as_the_image_edge_does() -> None:
    seen = person()
    row = round(float(seen.body[[10, 13], 1].mean()))
    by_edge = photo(seen, size=(640, row))
    by_table = photo(dataclasses.replace(seen, hidden_below=float(row)), size=(640, 480))
    assert by_table.hidden_below == row
    assert by_edge.hidden_below == np.inf
    assert by_table.scale == pytest.approx(by_edge.scale, rel=0.02)
    np.testing.assert_allclose(by_table.pose.body[0], by_edge.pose.body[0], atol=5)
