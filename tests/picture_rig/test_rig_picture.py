"""Avatars from pictures: what a user gets, and what is said where it cannot be."""

import json

import numpy as np
import PIL.Image
import pytest
from drawn_figure import JOINTS, drawn_figure, on_ground
from fakes import BlindEstimator

from dance_now.core.errors import DanceNowError
from dance_now.formats3d.humanoid.bone_names import FINGERS, REQUIRED_BONES
from dance_now.picture_rig.rig_picture import RigOptions, rig_picture
from dance_now.pose.formats.openpose_parser import read_people
from dance_now.pose.model.keypoints import BODY_INDEX
from dance_now.render.avatar.avatar import load_avatar
from dance_now.render.avatar.avatar_expressions import expression_names
from dance_now.render.camera import Camera
from dance_now.render.face.face_points import face_landmarks
from dance_now.render.renderer import Renderer

RIGHTS = {"licence": "CC0", "credits": "somebody"}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A drawn figure's avatar, and the report."""
    folder = tmp_path_factory.mktemp("made")
    PIL.Image.fromarray(drawn_figure()).save(folder / "drawn.png")
    return rig_picture(folder / "drawn.png", folder / "drawn.vrm", **RIGHTS, estimator=BlindEstimator())


def rig(folder, picture, name="made", estimator=None, **options):
    PIL.Image.fromarray(picture).save(folder / "picture.png")
    rights = {key: options.pop(key, value) for key, value in RIGHTS.items()}
    return rig_picture(
        folder / "picture.png",
        folder / f"{name}.vrm",
        **rights,
        options=RigOptions(**options),
        estimator=estimator or BlindEstimator(),
    )


def view(avatar, yaw, size=200, expressions=None):
    """(size, size, 4) the avatar at rest."""
    low, high = avatar.bounds()
    camera = Camera.orbit(yaw, 0, (low + high) / 2, 1.1 * float((high - low).max()))
    return Renderer(avatar, size).render(avatar.rest_world, camera, expressions)


def test_an_avatar_with_all_bones(made):
    avatar = load_avatar(made.avatar)
    assert set(REQUIRED_BONES) <= set(avatar.bones)
    assert len([bone for bone in avatar.bones if any(finger in bone for finger in FINGERS)]) == 30
    assert (avatar.licence, avatar.credits) == ("https://vrm.dev/licenses/1.0/, CC0", "somebody")
    assert not avatar.prohibitions


def test_it_looks_like_the_picture_from_the_front_and_is_as_deep_as_a_body(made):
    avatar = load_avatar(made.avatar)
    front, side = view(avatar, 0), view(avatar, 90)
    assert np.ptp(np.flatnonzero(front[..., 3].any(axis=1))) > 0.8 * 200 * 0.9
    trunk = front[105:125, 95:105, :3].reshape(-1, 3).astype(int)
    assert np.abs(np.median(trunk, axis=0) - (40, 120, 200)).max() < 45
    rows = slice(100, 130)  # of the trunk, without the arms' ends that point at the viewer
    width = np.median((side[rows, :, 3] > 128).sum(axis=1))
    assert 0.4 * 35 < width < 1.2 * 35


def test_the_back_of_the_head_has_no_face(made):
    avatar = load_avatar(made.avatar)
    front, back = view(avatar, 0, 400), view(avatar, 180, 400)

    def skin(picture):
        near = np.abs(picture[..., :3].astype(int) - (250, 215, 190)).max(axis=2) < 30
        return int((near & (picture[..., 3] > 200))[:110].sum())

    assert skin(front) > 1500
    assert skin(back) < 0.2 * skin(front)


def test_eyes_blink_and_the_mouth_opens(made):
    avatar = load_avatar(made.avatar)
    assert {"blinkLeft", "blinkRight", "aa", "ih", "ou"} <= set(expression_names(avatar))
    assert face_landmarks(avatar) is not None
    open_, shut = (view(avatar, 0, 400, weights)[..., :3].astype(int) for weights in ({}, {"blink": 1.0}))
    blue = [int((picture[..., 2] - picture[..., 0] > 60)[:110].sum()) for picture in (open_, shut)]
    assert blue[0] > 60
    assert blue[1] < 0.35 * blue[0]


def test_eyes_look_left_and_right(made):
    avatar = load_avatar(made.avatar)
    assert {"lookLeft", "lookRight"} <= set(expression_names(avatar))
    columns = []
    for weights in ({"lookRight": 1.0}, {}, {"lookLeft": 1.0}):
        picture = view(avatar, 0, 400, weights)[:110].astype(int)
        iris = (picture[..., 2] - picture[..., 0] > 60) & (picture[..., 3] > 128)
        columns.append(np.nonzero(iris)[1].mean())
    assert columns[0] < columns[1] - 0.3 < columns[2] - 0.6


def test_joints_are_where_they_were_drawn_and_can_be_given_back(made, tmp_path):
    pose = read_people(made.joints)[0].pose
    for name, place in JOINTS.items():
        assert np.linalg.norm(pose.points[BODY_INDEX[name], :2] - place) < 22, name
    again = rig(tmp_path, drawn_figure(), joints=made.joints)
    first, second = (load_avatar(each).rest_position("leftLowerArm") for each in (made.avatar, again.avatar))
    assert np.linalg.norm(first - second) < 0.03


def test_the_same_picture_gives_the_same_file(made, tmp_path):
    assert rig(tmp_path, drawn_figure(), name="drawn").avatar.read_bytes() == made.avatar.read_bytes()


def test_plain_ground_and_mask(tmp_path):
    picture = drawn_figure()
    assert rig(tmp_path, on_ground(picture, (200, 220, 200))).avatar.exists()
    PIL.Image.fromarray(picture[..., 3]).save(tmp_path / "mask.png")
    busy = np.random.default_rng(0).integers(0, 255, (*picture.shape[:2], 3)).astype(np.uint8)
    mixed = np.where(picture[..., 3:] > 0, picture[..., :3], busy)
    assert rig(tmp_path, mixed, name="masked", mask=tmp_path / "mask.png").avatar.exists()
    with pytest.raises(DanceNowError, match="no person was found on the picture's busy ground"):
        rig(tmp_path, mixed, name="busy")
    assert not (tmp_path / "busy.vrm").exists()


def test_two_figures(tmp_path):
    figure = drawn_figure()
    half = np.array(PIL.Image.fromarray(figure).resize((300, 315)))
    pair = np.zeros((420, 760, 4), np.uint8)
    pair[:, :400] = figure
    pair[50:365, 440:740] = half
    report = rig(tmp_path, pair)
    assert any("2 figures" in note for note in report.notes)


@pytest.mark.parametrize(
    ("picture", "message"),
    [
        (np.zeros((200, 200, 4), np.uint8), "no figure was found"),
        (drawn_figure()[::12, ::12].copy(), "at least 64 are needed"),
        (drawn_figure(arms=False), "arm was not found"),
    ],
)
def test_one_line_where_it_cannot_be(tmp_path, picture, message):
    with pytest.raises(DanceNowError, match=message):
        rig(tmp_path, picture)
    assert not (tmp_path / "made.vrm").exists()


def test_where_it_cannot_be_joints_to_move_are_written(tmp_path):
    with pytest.raises(DanceNowError, match=r"move the joints in made_joints\.json"):
        rig(tmp_path, drawn_figure(arms=False))
    assert (tmp_path / "made_joints.png").exists()
    points = read_people(tmp_path / "made_joints.json")[0].pose.points
    limbs = ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")
    assert (points[[BODY_INDEX[f"left_{limb}"] for limb in limbs], 2] > 0).all()


@pytest.mark.parametrize("has_arms", [True, False])
def test_a_bust_is_rigged_without_legs(tmp_path, has_arms):
    picture = drawn_figure(arms=has_arms)[:240].copy()
    report = rig(tmp_path, picture)
    note = next(note for note in report.notes if "the upper body is rigged" in note)
    assert ("nor arms" in note) != has_arms
    avatar = load_avatar(report.avatar)
    assert set(REQUIRED_BONES) <= set(avatar.bones)
    low, high = avatar.bounds()
    assert low[1] > 0.2 * high[1]  # nothing is drawn where legs would be
    again = rig(tmp_path, picture, name="again", joints=report.joints)
    assert any("the upper body is rigged" in note for note in again.notes)


@pytest.mark.parametrize("right", ["licence", "credits"])
def test_licence_and_credits_are_needed(tmp_path, right):
    with pytest.raises(DanceNowError, match=f"{right} is needed"):
        rig(tmp_path, drawn_figure(), **{right: None})


def test_joints_outside_the_figure(made, tmp_path):
    document = json.loads(made.joints.read_text())
    values = np.array(document["people"][0]["pose_keypoints_2d"]).reshape(-1, 3)
    values[:, :2] += 1000
    document["people"][0]["pose_keypoints_2d"] = values.ravel().tolist()
    (tmp_path / "wrong.json").write_text(json.dumps(document))
    with pytest.raises(DanceNowError, match="outside the figure"):
        rig(tmp_path, drawn_figure(), joints=tmp_path / "wrong.json")


def test_an_existing_avatar_is_kept(tmp_path):
    (tmp_path / "made.vrm").write_bytes(b"mine")
    with pytest.raises(DanceNowError, match="exists"):
        rig(tmp_path, drawn_figure())
    assert (tmp_path / "made.vrm").read_bytes() == b"mine"
