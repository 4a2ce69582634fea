"""Face points and expressions of avatars: a made one, and Godette."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dance_now.formats3d.humanoid.morph_expressions import MorphBind
from dance_now.formats3d.materials import Material
from dance_now.formats3d.meshes import MorphTarget, Primitive
from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.avatar.gaze import GAZES
from dance_now.render.face.face_points import (
    FaceLandmarks,
    expression_basis,
    expression_names,
    face_landmarks,
    sample_expression,
    with_observable_expressions,
)
from dance_now.render.face.face_regions import FrontView, anchor_position, boundary_loops, contour_at, weld

Array = npt.NDArray[np.float64]
RIGHT_BROW, LEFT_BROW, NOSE = slice(17, 22), slice(22, 27), slice(27, 36)
OPPOSITES = ("lookLeft", "lookRight"), ("lookUp", "lookDown")
RIGHT_EYE, LEFT_EYE, MOUTH = slice(36, 42), slice(42, 48), slice(48, 68)
TURN = np.array([[0.6, 0.0, 0.8], [0.0, 1.0, 0.0], [-0.8, 0.0, 0.6]])


def eye_height(points: Array, eye: slice) -> float:
    ring = points[eye]
    return float((ring[[1, 2], 1] - ring[[5, 4], 1]).mean())


def mouth_height(points: Array) -> float:
    return float((points[61:64, 1] - points[[67, 66, 65], 1]).mean())


def surface(x: Array, y: Array) -> Array:
    """Depth of the made face: a bulge with a nose at (0, 1.49)."""
    nose = 0.012 * np.exp(-(x**2 + (y - 1.49) ** 2) / 0.00005)
    return np.asarray(0.08 - 6 * x**2 - 4 * (y - 1.5) ** 2 + nose)


class MadeFace:
    """A round mask with two eye holes, a slit for a mouth and two brows, on a 4 mm grid."""

    def __init__(self) -> None:
        self.points: list[tuple[float, float, float]] = []
        self.triangles: list[tuple[int, int, int]] = []
        self.blink: dict[int, float] = {}
        self.speech: dict[int, float] = {}
        self._grid()
        for side in (-1, 1):
            self._brow(side)

    def _grid(self) -> None:
        xs, ys = np.arange(-25, 26) * 0.004, 1.4 + np.arange(51) * 0.004
        index = {}
        for row, y in enumerate(ys):
            for column, x in enumerate(xs):
                index[row, column] = self._add(x, y, float(surface(x, y)))
                if row == 32 and 6 < abs(column - 25) < 14:  # upper lid: 1.528 -> 1.512
                    self.blink[index[row, column]] = -0.016
        below = dict(index)  # the lower lip has its own vertices along the slit
        for column in range(21, 30):
            below[15, column] = self._add(xs[column], ys[15], float(surface(xs[column], ys[15])))
            self.speech[below[15, column]] = -0.015
            self.speech |= {index[row, column]: -0.015 * (row - 5) / 10 for row in range(6, 15)}
        for row in range(50):
            for column in range(50):
                eye_hole = 28 <= row < 32 and 6 <= abs(column + 0.5 - 25) - 0.5 < 14
                if eye_hole or np.hypot(column - 24.5, row - 24.5) > 24:
                    continue
                lower, upper = index, below if row == 14 else index
                a, b = lower[row, column], lower[row, column + 1]
                c, d = upper[row + 1, column + 1], upper[row + 1, column]
                self.triangles += [(a, b, c), (a, c, d)]

    def _brow(self, side: int) -> None:
        corners = [
            self._add(side * x, y, float(surface(np.array(side * x), np.array(y))) + 0.002)
            for x, y in ((0.026, 1.55), (0.054, 1.55), (0.054, 1.556), (0.026, 1.556))
        ]
        if side < 0:
            corners.reverse()
        self.triangles += [(corners[0], corners[1], corners[2]), (corners[0], corners[2], corners[3])]

    def _add(self, x: float, y: float, z: float) -> int:
        self.points.append((x, y, z))
        return len(self.points) - 1


def lowering(moves: dict[int, float]) -> MorphTarget:
    offsets = np.zeros((len(moves), 3), np.float32)
    offsets[:, 1] = list(moves.values())
    return MorphTarget(np.array(list(moves), np.int32), offsets, np.zeros_like(offsets))


def made_avatar(with_targets: bool = True) -> Avatar:
    face = MadeFace()
    count = len(face.points)
    head = np.eye(4)
    head[1, 3] = 1.4
    weights = np.zeros((count, 4), np.float32)
    weights[:, 0] = 1
    primitive = Primitive(
        name="face",
        mesh_name="face",
        mesh=0,
        positions=np.array(face.points, np.float32),
        normals=np.tile(np.array([0, 0, 1], np.float32), (count, 1)),
        uv=np.zeros((count, 2), np.float32),
        joints=np.zeros((count, 4), np.int32),
        slots=np.zeros((count, 4), np.int32),
        weights=weights,
        triangles=np.array(face.triangles, np.int32),
        material=Material("skin", np.ones(4, np.float32)),
        targets=(lowering(face.blink), lowering(face.speech), None) if with_targets else (),
    )
    return Avatar(
        name="made",
        version="GLB",
        licence="",
        credits="",
        prohibitions=(),
        bones={"head": 0},
        expressions={
            "blink": (MorphBind(0, 0, 1.0),),
            "aa": (MorphBind(0, 1, 1.0),),
            "happy": (MorphBind(0, 2, 1.0),),
            "LookUp": (),
        },
        primitives=(primitive,),
        node_names=("head",),
        parents=np.array([-1]),
        rest_world=head[None],
        palette_nodes=np.array([0]),
        palette_inverse_bind=np.linalg.inv(head)[None].astype(np.float64),
    )


@pytest.fixture(scope="module")
def made() -> tuple[Avatar, FaceLandmarks]:
    avatar = made_avatar()
    landmarks = face_landmarks(avatar)
    assert landmarks is not None
    return avatar, landmarks


@pytest.fixture(scope="module")
def godette(data_dir: Path) -> tuple[Avatar, FaceLandmarks]:
    avatar = load_avatar(data_dir / "characters" / "godette.vrm")
    landmarks = face_landmarks(avatar)
    assert landmarks is not None
    return avatar, landmarks


@pytest.fixture(scope="module", params=["made", "godette"])
def any_face(request: pytest.FixtureRequest) -> tuple[Avatar, FaceLandmarks]:
    found: tuple[Avatar, FaceLandmarks] = request.getfixturevalue(request.param)
    return found


def test_points_lie_where_the_made_face_has_its_features(made: tuple[Avatar, FaceLandmarks]) -> None:
    avatar, landmarks = made
    points = landmarks.positions(avatar, avatar.rest_world)
    np.testing.assert_allclose(points[[42, 45], 0], [0.024, 0.056], atol=0.005)
    np.testing.assert_allclose(points[[43, 44], 1], 1.528, atol=0.001)
    np.testing.assert_allclose(points[[46, 47], 1], 1.512, atol=0.001)
    np.testing.assert_allclose(points[60, :2], [-0.02, 1.46], atol=0.005)
    np.testing.assert_allclose(points[64, :2], [0.02, 1.46], atol=0.005)
    np.testing.assert_allclose(points[30, :2], [0.0, 1.49], atol=0.003)
    np.testing.assert_allclose(points[LEFT_BROW, 1], 1.553, atol=0.001)
    np.testing.assert_allclose(points[:, 2], surface(points[:, 0], points[:, 1]), atol=0.004)


def test_the_avatar_without_expressions_has_no_face() -> None:
    assert face_landmarks(made_avatar(with_targets=False)) is None


def test_left_and_right_are_the_characters_own(any_face: tuple[Avatar, FaceLandmarks]) -> None:
    avatar, landmarks = any_face
    points = landmarks.positions(avatar, avatar.rest_world)
    assert (points[[*range(17, 22), *range(36, 42), 68, *range(8)], 0] < 0).all()
    assert (points[[*range(22, 27), *range(42, 48), 69, *range(9, 17)], 0] > 0).all()
    for row in (slice(1, 16), slice(17, 27), slice(31, 36), slice(60, 65)):
        assert (np.diff(points[row, 0]) > -1e-4).all()
    np.testing.assert_allclose(points[[27, 28, 29, 30, 33, 62, 66], 0], 0, atol=0.003)


def test_features_are_in_the_order_of_a_face_from_top_to_bottom(
    any_face: tuple[Avatar, FaceLandmarks],
) -> None:
    avatar, landmarks = any_face
    points = landmarks.positions(avatar, avatar.rest_world)
    heights = [points[part, 1].mean() for part in (LEFT_BROW, LEFT_EYE, NOSE, MOUTH)]
    assert (np.diff(heights) < 0).all()
    assert points[8, 1] < points[MOUTH, 1].min()
    assert points[RIGHT_BROW, 1].mean() == pytest.approx(heights[0], abs=0.003)
    assert (points[0, 1], points[16, 1]) == pytest.approx((points[RIGHT_EYE, 1].mean(),) * 2, abs=0.02)
    mouth_width = np.ptp(points[60:68, 0])
    assert np.ptp(points[48:60, 0]) > mouth_width > 0


def test_all_points_are_on_the_front_of_the_head(any_face: tuple[Avatar, FaceLandmarks]) -> None:
    avatar, landmarks = any_face
    assert (landmarks.positions(avatar, avatar.rest_world)[:, 2] > avatar.rest_position("head")[2]).all()


@pytest.mark.parametrize("eye", [RIGHT_EYE, LEFT_EYE])
def test_a_blink_closes_the_eyes(any_face: tuple[Avatar, FaceLandmarks], eye: slice) -> None:
    avatar, landmarks = any_face
    rest = landmarks.positions(avatar, avatar.rest_world)
    shut = landmarks.positions(avatar, avatar.rest_world, {"blink": 1.0})
    assert eye_height(shut, eye) < 0.5 * eye_height(rest, eye)
    np.testing.assert_allclose(shut[MOUTH], rest[MOUTH], atol=0.005)


def test_speaking_opens_the_mouth(any_face: tuple[Avatar, FaceLandmarks]) -> None:
    avatar, landmarks = any_face
    rest = landmarks.positions(avatar, avatar.rest_world)
    spoken = landmarks.positions(avatar, avatar.rest_world, {"aa": 1.0})
    assert mouth_height(spoken) > mouth_height(rest) + 0.008
    assert (spoken[[50, 51, 52], 1] > spoken[[61, 62, 63], 1]).all()
    assert (spoken[[56, 57, 58], 1] < spoken[[65, 66, 67], 1]).all()
    np.testing.assert_allclose(spoken[36:48], rest[36:48], atol=0.005)


def test_points_turn_with_the_head(any_face: tuple[Avatar, FaceLandmarks]) -> None:
    avatar, landmarks = any_face
    head = avatar.rest_position("head")
    offset = np.array([0.1, 0.2, -0.3])
    bones = {"hips": offset} if "hips" in avatar.bones else {}
    world = avatar.pose({"head": TURN})
    rest = landmarks.positions(avatar, avatar.rest_world, {"aa": 0.5})
    turned = landmarks.positions(avatar, world, {"aa": 0.5})
    inner = slice(17, 70)  # the jaw may hang partly on the neck
    np.testing.assert_allclose(turned[inner], (rest[inner] - head) @ TURN.T + head, atol=0.004)
    np.testing.assert_allclose(
        landmarks.body_points(avatar, world),
        (landmarks.body_points(avatar, avatar.rest_world) - head) @ TURN.T + head,
        atol=1e-9,
    )
    if bones:
        moved = landmarks.positions(avatar, avatar.pose({}, root_offset=offset))
        still = landmarks.positions(avatar, avatar.rest_world)
        np.testing.assert_allclose(moved, still + offset, atol=1e-6)


def test_points_agree_with_the_skinned_mesh(any_face: tuple[Avatar, FaceLandmarks]) -> None:
    avatar, landmarks = any_face
    world, weights = avatar.pose({"head": TURN}), {"aa": 0.7, "blink": 0.4}
    meshes = avatar.mesh_points(world, weights)
    used = np.stack(
        [meshes[part][0][vertex] for part, vertex in zip(landmarks.parts, landmarks.vertices, strict=True)]
    )
    np.testing.assert_allclose(
        landmarks.positions(avatar, world, weights), landmarks.mixing @ used, atol=1e-5
    )


def test_body_points_of_the_head(any_face: tuple[Avatar, FaceLandmarks]) -> None:
    avatar, landmarks = any_face
    points = landmarks.positions(avatar, avatar.rest_world)
    nose, right_eye, left_eye, right_ear, left_ear = landmarks.body_points(avatar, avatar.rest_world)
    np.testing.assert_allclose(nose, points[30], atol=1e-9)
    np.testing.assert_allclose(right_eye, points[RIGHT_EYE].mean(axis=0), atol=1e-9)
    assert right_ear[0] < right_eye[0] < 0 < left_eye[0] < left_ear[0]
    assert max(right_ear[2], left_ear[2]) < min(right_eye[2], left_eye[2]) < nose[2]


def test_the_basis_adds_up_to_the_positions_and_weights_can_be_recovered(
    any_face: tuple[Avatar, FaceLandmarks],
) -> None:
    avatar, landmarks = any_face
    names = expression_names(avatar)
    basis = expression_basis(avatar, landmarks, names)
    assert basis.shape == (len(names), 70, 3)
    weights = {names[0]: 0.3, "aa": 0.6}
    rest = landmarks.positions(avatar, avatar.rest_world)
    moved = landmarks.positions(avatar, avatar.rest_world, weights) - rest
    np.testing.assert_allclose(
        sum(weight * basis[names.index(name)] for name, weight in weights.items()), moved, atol=1e-9
    )
    pair = basis[[names.index(name) for name in weights]].reshape(2, -1)
    found = np.linalg.lstsq(pair.T, moved.ravel(), rcond=None)[0]
    np.testing.assert_allclose(found, list(weights.values()), atol=1e-6)


def test_expression_names_leave_out_what_moves_nothing(
    made: tuple[Avatar, FaceLandmarks], godette: tuple[Avatar, FaceLandmarks]
) -> None:
    assert expression_names(made[0]) == ("blink", "aa")
    names = expression_names(godette[0])
    assert "blink" not in names
    assert {"blinkLeft", "blinkRight", "aa", "happy"} <= set(names)
    assert len(names) == 15


def test_one_wink_closes_one_eye(godette: tuple[Avatar, FaceLandmarks]) -> None:
    avatar, landmarks = godette
    rest = landmarks.positions(avatar, avatar.rest_world)
    wink = landmarks.positions(avatar, avatar.rest_world, {"blinkLeft": 1.0})
    assert eye_height(wink, LEFT_EYE) < 0.5 * eye_height(rest, LEFT_EYE)
    np.testing.assert_allclose(wink[RIGHT_EYE], rest[RIGHT_EYE], atol=1e-6)


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_a_sampled_expression_never_overshoots(seed: int) -> None:
    avatar = made_avatar()
    weights = sample_expression(np.random.default_rng(seed), avatar)
    assert set(weights) <= {"blink", "aa"}
    assert all(0 < weight <= 1 for weight in weights.values())
    assert weights == sample_expression(np.random.default_rng(seed), avatar)


def test_sampled_expressions_are_varied(godette: tuple[Avatar, FaceLandmarks]) -> None:
    generator = np.random.default_rng(3)
    drawn = [sample_expression(generator, godette[0]) for _ in range(600)]
    still = np.mean([not weights.keys() - set(GAZES) for weights in drawn])
    assert 0.15 < still < 0.25
    assert 0.4 < np.mean([bool(weights.keys() & set(GAZES)) for weights in drawn]) < 0.55
    assert np.mean([weights.get("aa", 0) > 0.5 for weights in drawn]) > 0.06
    assert {name for weights in drawn for name in weights} == set(expression_names(godette[0]))
    for weights in drawn:
        mood = sum(weights.get(name, 0) for name in ("happy", "angry", "sad", "relaxed", "surprised"))
        assert mood + sum(weights.get(name, 0) for name in ("aa", "ih", "ou", "ee", "oh")) < 1.001
        lids = max(weights.get("blinkLeft", 0), weights.get("blinkRight", 0))
        assert mood + lids < 1.001
        aside, up = (max(weights.get(name, 0) for name in pair) for pair in OPPOSITES)
        assert np.hypot(aside, up) + lids < 1.001


def test_a_mood_that_face_points_cannot_tell_is_left_out(godette: tuple[Avatar, FaceLandmarks]) -> None:
    kept = expression_names(with_observable_expressions(*godette))
    assert set(expression_names(godette[0])) - set(kept) == {
        "happy",
        "relaxed",
        "sad",
    }  # a mouth, a look, tears
    assert expression_names(with_observable_expressions(godette[0], None)) == ()


def test_what_moves_no_face_point_is_left_out(made: tuple[Avatar, FaceLandmarks]) -> None:
    blush = replace(made[0], expressions=made[0].expressions | {"happy": (MorphBind(0, 2, 1.0),)})
    cheek = lowering({0: -0.01})  # a corner of the mask
    painted = replace(blush.primitives[0], targets=(*blush.primitives[0].targets[:2], cheek))
    blush = replace(blush, primitives=(painted,))
    assert expression_names(blush) == ("blink", "aa", "happy")
    assert expression_names(with_observable_expressions(blush, face_landmarks(blush))) == ("blink", "aa")


def grid(rows: int, columns: int) -> tuple[Array, npt.NDArray[np.int64]]:
    y, x = np.mgrid[0:rows, 0:columns]
    points = np.stack([x.ravel(), y.ravel(), np.zeros(rows * columns)], axis=1).astype(np.float64)
    corner = (y[:-1, :-1] * columns + x[:-1, :-1]).ravel()
    lower = np.stack([corner, corner + 1, corner + columns + 1], axis=1)
    upper = np.stack([corner, corner + columns + 1, corner + columns], axis=1)
    return points, np.concatenate([lower, upper]).astype(np.int64)


def test_a_sheet_with_a_hole_has_two_loops() -> None:
    points, triangles = grid(6, 6)
    middle = points[triangles][:, :, :2].mean(axis=1)
    holed = triangles[~((np.abs(middle - 2.5) < 0.5).all(axis=1))]
    loops = sorted(boundary_loops(holed), key=len)
    assert [len(loop) for loop in loops] == [4, 20]
    pair = contour_at(loops[0], points, 2.5)
    assert pair is not None
    np.testing.assert_allclose(anchor_position(pair[0], points), [2.5, 3, 0])
    np.testing.assert_allclose(anchor_position(pair[1], points), [2.5, 2, 0])
    assert contour_at(loops[0], points, 9.0) is None


def test_a_closed_surface_has_no_loops() -> None:
    tetrahedron = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]])
    assert boundary_loops(tetrahedron) == []


def test_welding_joins_what_is_in_one_place() -> None:
    points = np.array([[0.0, 0, 0], [1, 0, 0], [0, 0, 1e-7], [1, 0, 0.1]])
    np.testing.assert_array_equal(weld(points), [0, 1, 0, 3])


@given(x=st.floats(0.2, 3.8), y=st.floats(0.2, 3.8))
@settings(max_examples=40, deadline=None)
def test_the_point_seen_at_a_place_is_at_that_place(x: float, y: float) -> None:
    points, triangles = grid(5, 5)
    points[:, 2] = 0.3 * points[:, 0]
    behind = points - np.array([0, 0, 5])
    stacked = np.concatenate([behind, points])
    both = np.concatenate([triangles, triangles + len(points)])
    view = FrontView.of(stacked, both, (2.0, 2.0), (4.0, 4.0), 0.01)
    anchor = view.anchor(x, y)
    assert anchor is not None
    assert sum(anchor.values()) == pytest.approx(1)
    np.testing.assert_allclose(anchor_position(anchor, stacked), [x, y, 0.3 * x], atol=0.02)


def test_nothing_is_seen_beside_the_surface_but_its_edge_is_near() -> None:
    points, triangles = grid(3, 3)
    view = FrontView.of(points, triangles, (1.0, 1.0), (8.0, 8.0), 0.05)
    assert view.anchor(4.5, 1.0) is None
    np.testing.assert_allclose(anchor_position(view.nearest_anchor(4.5, 1.0), points), [2, 1, 0], atol=0.1)
