"""Face landmarks on the layouts that other programs write, against the same face in its own file."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from avatar_layouts import LAYOUTS

from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.avatar.avatar_keypoints import avatar_skeleton
from dance_now.render.avatar.mascot import avatar_file
from dance_now.render.face.face_plausibility import check_landmarks
from dance_now.render.face.face_points import FaceLandmarks, expression_names, face_landmarks

Points = npt.NDArray[np.float64]
PARTS = {
    "jaw": slice(0, 17),
    "brows": slice(17, 27),
    "nose": slice(27, 36),
    "eyes": slice(36, 48),
    "mouth": slice(48, 68),
}


def with_face(path: Path) -> tuple[Avatar, FaceLandmarks]:
    avatar = load_avatar(path)
    found = face_landmarks(avatar)
    assert found is not None
    return avatar, found


@pytest.fixture(scope="module")
def mascot() -> tuple[Avatar, FaceLandmarks]:
    return with_face(avatar_file(Path("mascot")))


@pytest.fixture(scope="module", params=list(LAYOUTS))
def layout(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Avatar, FaceLandmarks]:
    path = tmp_path_factory.mktemp("layouts") / f"{request.param}.glb"
    path.write_bytes(LAYOUTS[request.param]().to_bytes())
    return with_face(path)


@pytest.mark.parametrize("expressions", [{}, {"aa": 1.0}, {"blinkLeft": 1.0}, {"happy": 1.0}], ids=str)
def test_points_lie_where_they_lie_in_the_mascots_own_file(
    layout: tuple[Avatar, FaceLandmarks],
    mascot: tuple[Avatar, FaceLandmarks],
    expressions: dict[str, float],
) -> None:
    (avatar, found), (own, known) = layout, mascot
    scale = np.linalg.norm(known.head_offsets[1] - known.head_offsets[2])
    places = found.positions(avatar, avatar.rest_world, expressions)
    away = np.linalg.norm(places - known.positions(own, own.rest_world, expressions), axis=1) / scale
    for part, rows in PARTS.items():
        assert away[rows].max() < 0.05, part
    np.testing.assert_allclose(
        found.body_points(avatar, avatar.rest_world),
        known.body_points(own, own.rest_world),
        atol=0.05 * float(scale),
    )
    assert found.trusted.all()
    assert found.doubts == ()


def test_every_expression_comes_from_one_family(layout: tuple[Avatar, FaceLandmarks]) -> None:
    avatar, _ = layout
    assert {"blinkLeft", "blinkRight", "aa", "ih", "ou", "ee", "oh", "happy"} <= set(expression_names(avatar))
    for name in ("aa", "blinkLeft", "happy"):
        weights = {}
        for bind in avatar.expressions[name]:
            weights[bind.mesh] = weights.get(bind.mesh, 0.0) + bind.weight
        assert set(weights.values()) == {1.0}, name


def spoilt(points: Points, rows: slice, shift: tuple[float, float, float]) -> Points:
    moved = points.copy()
    moved[rows] += np.array(shift) * np.linalg.norm(points[36:42].mean(axis=0) - points[42:48].mean(axis=0))
    return moved


@pytest.mark.parametrize(
    ("part", "shift", "reason"),
    [
        ("mouth", (0.5, 0, 0), "left and right differ"),
        ("mouth", (0, 1.0, 0), "below the eyes"),
        ("nose", (0, -1.5, 0), "below the"),
        ("jaw", (0, 1.5, 0), "eyes"),
        ("brows", (0, -1, 0), "above the eyes"),
    ],
)
def test_what_no_face_has_is_not_trusted(
    mascot: tuple[Avatar, FaceLandmarks], part: str, shift: tuple[float, float, float], reason: str
) -> None:
    avatar, known = mascot
    points = known.positions(avatar, avatar.rest_world)
    checked = check_landmarks(spoilt(points, PARTS[part], shift))
    assert not checked.trusted[PARTS[part]].any()
    assert any(doubt.startswith(part) and reason in doubt for doubt in checked.doubts)
    assert checked.trusted[36:48].all()


def test_points_that_are_not_trusted_are_unknown_to_the_skeleton(
    mascot: tuple[Avatar, FaceLandmarks], monkeypatch: pytest.MonkeyPatch
) -> None:
    from dance_now.render.face import face_points

    check: Callable[[Points], object] = check_landmarks
    monkeypatch.setattr(
        face_points, "check_landmarks", lambda points: check(spoilt(points, PARTS["mouth"], (0.5, 0, 0)))
    )
    avatar, _ = mascot
    found = face_landmarks(avatar)
    skeleton = avatar_skeleton(avatar, found)
    face = skeleton.known[25:95]
    assert not face[PARTS["mouth"]].any()
    assert face[PARTS["jaw"]].all()
    assert not skeleton.expressions["aa"][PARTS["mouth"]].any()


@pytest.mark.parametrize("file", ["mascot", "godette.vrm", "uka_flat.vrm", "gene.vrm"])
def test_known_faces_keep_their_points(request: pytest.FixtureRequest, file: str) -> None:
    """Within 0.1 mm of where they were looked at and found right."""
    reference = json.loads((Path(__file__).parents[1] / "references" / "face_landmarks.json").read_text())
    expected = np.array(reference["points"][file]).reshape(70, 3) / 1e5
    folder = None if file == "mascot" else request.getfixturevalue("data_dir") / "characters"
    avatar, found = with_face(avatar_file(Path(file)) if folder is None else folder / file)
    np.testing.assert_allclose(found.positions(avatar, avatar.rest_world), expected, atol=1e-4)
    assert found.trusted.all()
