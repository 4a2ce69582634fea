"""What the renderer draws is where the camera says, and the same however it is drawn."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from dance_now.core.errors import DanceNowError
from dance_now.render.avatar.avatar import Avatar, load_avatar
from dance_now.render.camera import Camera
from dance_now.render.renderer import Renderer


def _front(avatar: Avatar, yaw: float = 0) -> Camera:
    low, high = avatar.bounds()
    return Camera.orbit(yaw, 0, (low + high) / 2, float((high - low).max()) * 1.1)


@pytest.fixture(scope="module")
def godette(data_dir: Path) -> Avatar:
    return load_avatar(data_dir / "characters" / "godette.vrm")


@pytest.mark.parametrize("kind", ["glb", "vrm0", "vrm1"])
def test_squares_are_drawn_where_the_camera_projects_them(humanoid_file: Any, kind: str) -> None:
    avatar = load_avatar(humanoid_file(kind))
    camera = _front(avatar)
    picture = Renderer(avatar, size=256).render(avatar.pose({}), camera)
    for bone in ("leftHand", "head", "rightFoot"):
        x, y, depth = camera.project(avatar.rest_position(bone)[None], 256)[0]
        assert picture[int(y), int(x)].tolist() == [255, 0, 0, 255]
        assert depth == pytest.approx(0, abs=1e-6)
    left = camera.project(avatar.rest_position("leftHand")[None], 256)[0, 0]
    assert left > 128  # the character's left is at the viewer's right
    assert not picture[0, 0].any()
    back = Renderer(avatar, size=256).render(avatar.pose({}), _front(avatar, 180))
    assert not back.any()  # single-sided squares are not seen from behind


def test_camera_depth_and_turn() -> None:
    camera = Camera.orbit(90, 0, [0, 1, 0], 2.0)
    x, y, depth = camera.project([[0, 1.5, 0.5]], 100)[0]  # above, and in front of the character
    assert (x, y, depth) == pytest.approx((75, 25, 0))
    assert Camera.orbit(0, 0, [0, 1, 0], 2.0).project([[0, 1, 0.5]], 100)[0, 2] == pytest.approx(-25)
    with pytest.raises(ValueError, match="positive"):
        Camera(np.eye(3), np.zeros(3), 0)


def test_threads_do_not_change_the_picture(godette: Avatar) -> None:
    world, camera = godette.pose({}), _front(godette, 35)
    pictures = [Renderer(godette, threads=threads).render(world, camera) for threads in (1, 2, 5)]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    np.testing.assert_array_equal(pictures[0], pictures[2])


def test_godette_looks_like_godette(godette: Avatar) -> None:
    picture = Renderer(godette).render(godette.pose({}), _front(godette))
    x, y, _ = _front(godette).project([[0, 1.38, 0.1]])[0]  # the white lock over her brow
    lock = picture[int(y), int(x) + 3, :3].astype(int)
    assert lock.min() > 150
    assert np.ptp(lock) < 10
    cheek_x, cheek_y, _ = _front(godette).project(
        [godette.rest_position("head") + np.array([0.04, 0.08, 0.2])]
    )[0]
    red, green, blue, _ = (int(value) for value in picture[int(cheek_y), int(cheek_x)])
    assert red > 230
    assert green < red
    assert blue < red
    hair = picture[picture[..., 3] == 255].astype(int)
    assert (hair[:, 2] > hair[:, 0] + 60).mean() > 0.2  # blue hair and dress
    assert 0.1 < (picture[..., 3] > 0).mean() < 0.4


def _changed(first: npt.NDArray[np.uint8], second: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    return np.argwhere((first != second).any(axis=2))


def test_blinking_changes_only_the_face(godette: Avatar) -> None:
    renderer, camera, world = Renderer(godette), _front(godette), godette.pose({})
    changed = _changed(renderer.render(world, camera), renderer.render(world, camera, {"blink": 1.0}))
    neck = camera.project([godette.rest_position("neck")])[0]
    assert len(changed) > 50
    assert changed[:, 0].max() < neck[1]


def test_color_does_not_depend_on_where_the_camera_looks(godette: Avatar) -> None:
    renderer, camera, world = Renderer(godette, size=256), _front(godette), godette.pose({})
    step = camera.height / 256 * 16
    moved = Camera(camera.rotation, camera.centre + np.array([step, 0, 0]), camera.height)
    first, second = renderer.render(world, camera), renderer.render(world, moved)
    difference = np.abs(first[:, 16:].astype(int) - second[:, :-16]).max(axis=2)
    assert (difference > 8).mean() < 0.001


def test_hidden_things_are_not_drawn(godette: Avatar) -> None:
    world, camera = godette.pose({}), _front(godette, 180)
    whole = Renderer(godette).render(world, camera)
    without = Renderer(godette, hide=("Backpack",)).render(world, camera)
    assert len(_changed(whole, without)) > 2000
    with pytest.raises(DanceNowError, match="sword"):
        Renderer(godette, hide=("sword",))


@pytest.mark.parametrize(("size", "samples"), [(0, 2), (4096, 8), (100000, 1)])
def test_refuses_absurd_sizes(godette: Avatar, size: int, samples: int) -> None:
    with pytest.raises(DanceNowError, match="Cannot render"):
        Renderer(godette, size=size, supersampling=samples)


@pytest.mark.parametrize("file", ["uka_flat.vrm", "gene.vrm", "kaykit_rogue.glb"])
def test_other_avatars_are_drawn(data_dir: Path, file: str) -> None:
    avatar = load_avatar(data_dir / "characters" / file)
    picture = Renderer(avatar, size=128).render(avatar.pose({}), _front(avatar))
    opaque = picture[picture[..., 3] == 255]
    assert 0.03 < len(opaque) / 128**2 < 0.5
    assert opaque[:, :3].std() > 20
    assert (picture[picture[..., 3] == 0] == 0).all()


def test_texture_samples_agree_with_the_picture(godette: Avatar) -> None:
    primitive = next(item for item in godette.primitives if item.material.name == "Face")
    colors = primitive.material.sample(primitive.uv)
    assert colors.shape == (len(primitive.uv), 4)
    assert colors.dtype == np.float32
    assert (colors[:, 3] == 1).all()
    assert ((colors >= 0) & (colors <= 1)).all()
    assert colors[:, :3].std() > 0.1
