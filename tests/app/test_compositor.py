"""What becomes of a picture."""

import numpy as np
import pytest
from fakes import HEIGHT, HIP, TALL, WIDTH, magenta, red, scenery, standing, with_person, write_photo

from dance_now.app.compositor import Compositor, Figure
from dance_now.media.frame import Frame
from dance_now.pose.model.detection import Detection
from dance_now.pose.tracking.limb_hull import hull_mask
from dance_now.scene.background.backdrop import open_backdrop
from dance_now.scene.background.clean_background import inpainted_background
from dance_now.scene.compositing.composition import Scene
from dance_now.scene.compositing.figure_lighting import PlacedCanvas, PlacedFigure


def figure(identity, left, color=(250, 10, 10)):
    """A block of 64 x 64 pixels in the middle of a canvas of 128 that begins at a column."""
    canvas = np.zeros((512, 512, 4), np.uint8)
    canvas[128:384, 128:384] = (*color, 255)
    soles = np.full((2, 2, 2), (left + 64, 96), np.float64)
    return Figure(identity, PlacedFigure((PlacedCanvas(canvas, (left, 0), (128, 128)),), soles, 64.0))


def person(x):
    pose = standing((x, HIP), TALL)
    return Detection(pose, hull_mask(pose))


def staged(scene, image, leaving=(), staying=(), figures=(), **options):
    stage = Compositor(scene, inpainted_background(), **options)
    return stage(Frame(image, 0.0, 0), leaving, staying, lambda: figures)


@pytest.mark.parametrize("scene", [Scene.REPLACE, Scene.SIDE_BY_SIDE])
def test_nobody_leaves_the_picture_as_it_is(scene):
    image = scenery()
    picture = staged(scene, image)
    np.testing.assert_array_equal(picture[:, -WIDTH:], image)
    assert not np.shares_memory(picture, image)


def test_side_by_side_has_the_source_on_the_left():
    image = with_person(96)
    picture = staged(Scene.SIDE_BY_SIDE, image, [person(96)], figures=[figure(1, 32)])
    assert picture.shape == (HEIGHT, 2 * WIDTH, 3)
    np.testing.assert_array_equal(picture[:, :WIDTH], image)
    assert not magenta(picture[:, WIDTH:]).any()
    assert red(picture[:, WIDTH:]).any()


@pytest.mark.parametrize("scene", list(Scene))
def test_the_last_figure_is_in_front(scene):
    figures = [figure(1, 20), figure(2, 50, (10, 10, 250))]
    picture = staged(scene, scenery(), figures=figures, match=0.0)[:, -WIDTH:]
    assert picture[64, 60, 0] > 150 > picture[64, 60, 2]
    assert picture[64, 100, 2] > 150 > picture[64, 100, 0]
    assert picture[64, 84, 2] > 150 > picture[64, 84, 0]


def clear_left(image):
    """The image over white, transparent in its left half, and that alpha."""
    alpha = np.full((HEIGHT, WIDTH), 255, np.uint8)
    alpha[:, : WIDTH // 2] = 0
    return np.where(alpha[..., None] == 0, np.uint8(255), image), alpha


def test_transparency_of_the_source_is_kept_around_and_behind_a_person():
    image, alpha = clear_left(with_person(96))
    alpha[magenta(with_person(96))] = 255
    image[magenta(with_person(96))] = with_person(96)[magenta(with_person(96))]
    stage = Compositor(Scene.REPLACE, inpainted_background())
    picture = stage(Frame(image, 0.0, 0, alpha=alpha), [person(96)], [], lambda: [figure(1, 32)])
    assert picture.shape == (HEIGHT, WIDTH, 4)
    assert not magenta(picture[..., :3])[picture[..., 3] > 0].any()
    figures = red(picture[..., :3])
    assert figures.any()
    assert (picture[figures, 3] == 255).all()
    assert (picture[:, :20, 3] == 0).all()
    np.testing.assert_array_equal(picture[:, -40:, :3], image[:, -40:])
    gone = magenta(with_person(96)) & ~figures
    left, right = gone[:, : WIDTH // 2 - 8], gone[:, WIDTH // 2 + 8 :]
    assert picture[:, : WIDTH // 2 - 8][left][:, 3].mean() < 60
    assert picture[:, WIDTH // 2 + 8 :][right][:, 3].mean() > 195


def test_where_nobody_is_a_transparent_picture_stays_as_it_is():
    image, alpha = clear_left(scenery())
    stage = Compositor(Scene.REPLACE, inpainted_background())
    picture = stage(Frame(image, 0.0, 0, alpha=alpha), [], [], list)
    np.testing.assert_array_equal(picture[..., 3], alpha)
    np.testing.assert_array_equal(picture[alpha > 0, :3], image[alpha > 0])


def test_a_new_background_is_opaque():
    image, alpha = clear_left(scenery())
    stage = Compositor(Scene.REPLACE, inpainted_background(), open_backdrop("navy"))
    assert stage(Frame(image, 0.0, 0, alpha=alpha), [], [], list).shape == (HEIGHT, WIDTH, 3)
    stage = Compositor(Scene.SIDE_BY_SIDE, inpainted_background())
    assert stage(Frame(image, 0.0, 0, alpha=alpha), [], [], list).shape == (HEIGHT, 2 * WIDTH, 3)


def test_who_stays_is_left_alone():
    image = np.where(magenta(with_person(150))[..., None], with_person(150), with_person(40))
    picture = staged(Scene.REPLACE, image, [person(40)], [person(150)])
    np.testing.assert_array_equal(picture[:, 110:], image[:, 110:])
    assert not magenta(picture[:, :80]).any()


def test_a_color_is_all_there_is_behind():
    picture = staged(
        Scene.REPLACE, with_person(96), [person(96)], figures=[figure(1, 32)], backdrop=open_backdrop("navy")
    )
    assert {tuple(color) for color in picture.reshape(-1, 3).tolist()} >= {(0, 0, 128), (250, 10, 10)}
    assert (picture[:, :40] == (0, 0, 128)).all()


def test_a_file_is_shown_instead_of_the_scene(tmp_path):
    other = np.broadcast_to(np.uint8([10, 200, 90]), (HEIGHT, WIDTH, 3))
    backdrop = open_backdrop(str(write_photo(tmp_path / "other.png", other)))
    picture = staged(Scene.REPLACE, with_person(96), [person(96)], figures=[figure(1, 32)], backdrop=backdrop)
    backdrop.close()
    np.testing.assert_array_equal(picture[:, :20], other[:, :20])
    assert red(picture).any()


def test_blur_keeps_the_scene_and_not_the_person():
    picture = staged(Scene.REPLACE, with_person(96), [person(96)], backdrop=open_backdrop("blur"))
    assert not magenta(picture).any()
    assert np.abs(picture.astype(int) - scenery()).mean() < 6


def test_the_source_is_not_written_to():
    image = with_person(96)
    image.setflags(write=False)
    for scene in Scene:
        for backdrop in (None, open_backdrop("red"), open_backdrop("blur")):
            staged(scene, image, [person(96)], figures=[figure(1, 32)], backdrop=backdrop)
