"""Figure and face of the mascot: proportions, symmetry, poses without torn triangles, expressions."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from dance_now.formats3d.humanoid.bone_names import FINGERS, SEGMENTS
from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.avatar.avatar_expressions import MOODS, VOWELS, expression_names
from dance_now.render.avatar.gaze import GAZES
from dance_now.render.avatar.mascot import MASCOT, avatar_file
from dance_now.render.camera import Camera
from dance_now.render.face.face_points import FaceLandmarks, face_landmarks
from dance_now.render.renderer import Renderer
from dance_now.render.springs import Springs
from tools.mascot.skeleton import enlarged
from tools.mascot.skull import CROWN
from tools.mascot.surface import other_side

Array = npt.NDArray[np.float64]
RIGHT_EYE, LEFT_EYE, MOUTH = slice(36, 42), slice(42, 48), slice(48, 68)


@pytest.fixture(scope="module")
def avatar() -> Avatar:
    return load_avatar(avatar_file(Path(MASCOT)))


@pytest.fixture(scope="module")
def face(avatar: Avatar) -> FaceLandmarks:
    found = face_landmarks(avatar)
    assert found is not None
    return found


def turn(axis: int, degrees: float) -> Array:
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    first, second = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[[first, second], [first, second]] = cosine
    matrix[first, second], matrix[second, first] = -sine, sine
    return matrix


def limbs(
    degrees: float, axis: int, *bones: str, sides: tuple[str, ...] = ("left", "right")
) -> dict[str, Array]:
    """The same turn for bones of both sides, mirrored."""
    mirror = -1 if axis else 1
    return {
        side + bone: turn(axis, degrees * (mirror if side == "right" else 1))
        for side in sides
        for bone in bones
    }


POSES = {
    "arms up": limbs(80, 2, "UpperArm", "LowerArm", "Hand"),
    "squat": limbs(-110, 0, "UpperLeg") | limbs(15, 0, "LowerLeg"),
    "kick": limbs(-95, 0, "UpperLeg", "LowerLeg", "Foot", sides=("left",)),
    "split": limbs(80, 2, "UpperLeg", "LowerLeg", "Foot", sides=("left",)),
    "bow": {name: turn(0, 70) for name in ("chest", "upperChest", "neck", "head")} | {"spine": turn(0, 35)},
}


class TestFigure:
    def test_about_five_heads_tall_on_the_floor(self, avatar: Avatar, face: FaceLandmarks) -> None:
        chin = face.positions(avatar, avatar.rest_world)[8, 1]
        crown = enlarged((0.0, CROWN, 0.0))[1]
        assert avatar.bounds()[0][1] == pytest.approx(0, abs=0.002)
        assert 4.2 < crown / (crown - chin) < 5.5

    def test_has_all_fingers_toes_and_eyes(self, avatar: Avatar) -> None:
        wanted = {
            *(side + finger + part for side in ("left", "right") for finger in FINGERS for part in SEGMENTS),
            *(side + part for side in ("left", "right") for part in ("Toes", "Eye", "Shoulder")),
            *("chest", "upperChest", "neck"),
        }
        assert avatar.bones.keys() >= wanted

    def test_stands_the_same_on_both_sides(self, avatar: Avatar) -> None:
        for bone in avatar.bones:
            mirrored = avatar.rest_position(other_side(bone)) * (-1, 1, 1)
            np.testing.assert_allclose(avatar.rest_position(bone), mirrored, atol=1e-5)

    @pytest.mark.parametrize("pose", POSES)
    def test_no_triangle_is_torn_in_a_pose(self, avatar: Avatar, pose: str) -> None:
        rest, posed = avatar.mesh_points(avatar.rest_world), avatar.mesh_points(avatar.pose(POSES[pose]))
        for primitive, (before, _), (after, _) in zip(avatar.primitives, rest, posed, strict=True):
            growth = longest_edges(after, primitive.triangles) - longest_edges(before, primitive.triangles)
            assert growth.max() < 0.06, primitive.material.name

    def test_hair_swings(self, avatar: Avatar) -> None:
        springs = Springs(avatar)
        assert springs.joint_count >= 10
        tilted = avatar.pose({name: turn(2, 60) for name in ("head", "neck", "chest", "upperChest")})
        tail = avatar.node_names.index("leftTail4")
        hung = springs.settle(tilted, 30)
        assert hung[tail, 1, 3] < tilted[tail, 1, 3] - 0.01


def longest_edges(points: npt.NDArray[np.float32], triangles: npt.NDArray[np.int32]) -> Array:
    corners = points[triangles]
    return np.asarray(np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1))


class TestFace:
    def test_every_expression_moves_it(self, avatar: Avatar) -> None:
        assert set(expression_names(avatar)) == {"blinkLeft", "blinkRight", *VOWELS, *MOODS, *GAZES}

    def test_lies_where_it_should(self, avatar: Avatar, face: FaceLandmarks) -> None:
        points = face.positions(avatar, avatar.rest_world)
        high = avatar.bounds()[1]
        eyes = points[RIGHT_EYE].mean(axis=0), points[LEFT_EYE].mean(axis=0)
        chin, share = points[8, 1], (high[1] - points[8, 1])
        assert eyes[0][0] == pytest.approx(-eyes[1][0], abs=0.002)
        assert 0.2 < (eyes[0][1] - chin) / share < 0.5  # low on the face
        assert chin < points[MOUTH, 1].mean() < points[30, 1] < eyes[0][1] < points[17:27, 1].min()

    @pytest.mark.parametrize(
        ("name", "shut", "open_"), [("blinkLeft", LEFT_EYE, RIGHT_EYE), ("blinkRight", RIGHT_EYE, LEFT_EYE)]
    )
    def test_one_eye_shuts(
        self, avatar: Avatar, face: FaceLandmarks, name: str, shut: slice, open_: slice
    ) -> None:
        def gap(expressions: dict[str, float], eye: slice) -> float:
            ring = face.positions(avatar, avatar.rest_world, expressions)[eye]
            return float((ring[[1, 2], 1] - ring[[5, 4], 1]).mean())

        assert gap({name: 1.0}, shut) < 0.05 * gap({}, shut)
        assert gap({name: 1.0}, open_) == pytest.approx(gap({}, open_))

    @pytest.mark.parametrize("name", ["aa", "oh", "ee"])
    def test_mouth_opens(self, avatar: Avatar, face: FaceLandmarks, name: str) -> None:
        def gap(expressions: dict[str, float]) -> float:
            points = face.positions(avatar, avatar.rest_world, expressions)
            return float((points[61:64, 1] - points[[67, 66, 65], 1]).mean())

        assert gap({name: 1.0}) > gap({}) + 0.004

    def test_gaze_moves_the_pupils(self, avatar: Avatar, face: FaceLandmarks) -> None:
        world = avatar.pose({"leftEye": turn(1, 8), "rightEye": turn(1, 8)})
        moved = face.positions(avatar, world) - face.positions(avatar, avatar.rest_world)
        assert (moved[68:70, 0] > 0.008).all()
        np.testing.assert_allclose(moved[:68], 0, atol=1e-9)

    def test_shut_eyes_hide_the_iris(self, avatar: Avatar) -> None:
        renderer = Renderer(avatar, 128)
        camera = Camera(np.eye(3), avatar.rest_position("head") + np.array([0, 0.12, 0]), 0.4)

        def blueness(expressions: dict[str, float]) -> int:
            picture = renderer.render(avatar.rest_world, camera, expressions)[40:100, 40:88].astype(int)
            return int((picture[..., 2] > picture[..., 0] + 20).sum())

        assert blueness({"blink": 1.0}) < 0.02 * blueness({})
