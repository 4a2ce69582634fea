"""Photos, videos and folders through the whole chain, with a fake estimator and a fake character."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import PIL.Image
import pytest
from fakes import (
    HEIGHT,
    WIDTH,
    BlindEstimator,
    MagentaEstimator,
    NoEstimator,
    RedCharacter,
    magenta,
    pictures,
    put,
    red,
    scenery,
    with_person,
    write_photo,
    write_video,
)

from dance_now.app.analysis import analyze
from dance_now.app.dance import dance
from dance_now.app.dancer import Dancer
from dance_now.app.motion.sessions import CharacterAssignment, RecordedSession
from dance_now.core.errors import DanceNowError
from dance_now.media.image.image_file import read_image
from dance_now.media.open_media import open_source
from dance_now.pose.estimators.people_finder import PeopleFinder
from dance_now.pose.tracking.person_choice import PersonChoice
from dance_now.scene.compositing.composition import Scene

MOVING = [40 + 11 * index for index in range(11)]


@pytest.fixture
def photo(tmp_path):
    return write_photo(tmp_path / "me.png", with_person(96))


@pytest.fixture
def video(tmp_path):
    return write_video(tmp_path / "clip.mp4", MOVING)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# Scenes


def test_replace_puts_the_character_in_the_persons_place(photo, tmp_path):
    result = put(photo, tmp_path / "out.png")
    (image,) = pictures(tmp_path / "out.png")
    rows, columns = np.nonzero(red(image))
    assert abs(columns.mean() - 96) < 4
    assert rows.max() == pytest.approx(126, abs=8)  # its feet where the person's were
    assert not magenta(image).any()
    far = np.abs(np.arange(WIDTH) - 96) > 60
    np.testing.assert_array_equal(image[:, far], scenery()[:, far])
    assert (result.output, result.frames, result.missed) == (tmp_path / "out.png", 1, 0)
    assert {"pose", "retarget", "draw", "matte", "background", "compose", "write"} <= result.stages.keys()


@pytest.mark.parametrize(("scene", "color"), [("alone", (255, 255, 255)), ("green", (0, 255, 0))])
def test_plain_scenes_keep_nothing_of_the_picture(photo, tmp_path, scene, color):
    put(photo, tmp_path / "out.png", scene=scene)
    (image,) = pictures(tmp_path / "out.png")
    assert red(image).sum() > 200
    np.testing.assert_array_equal(image[:, :40], np.broadcast_to(color, (HEIGHT, 40, 3)))
    assert not magenta(image).any()


def test_alpha_is_transparent_around_the_character(photo, tmp_path):
    put(photo, tmp_path / "out.png", scene="alpha")
    image = cv2.imread(str(tmp_path / "out.png"), cv2.IMREAD_UNCHANGED)[..., [2, 1, 0, 3]]
    assert image.shape == (HEIGHT, WIDTH, 4)
    assert not image[:, :40].any()
    assert (image[red(image) & (image[..., 3] > 0)][:, 3] == 255).any()
    assert not red(image[image[..., 3] == 0][None]).any()


def test_a_video_with_alpha_becomes_a_mov(video, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert put(video, None, scene="alpha").output == Path("clip_red.mov")


def test_a_still_camera_shows_what_was_behind_the_person(video, tmp_path):
    dance(video, RedCharacter(visible=False), tmp_path / "out.mp4", estimator=MagentaEstimator())
    for image in pictures(tmp_path / "out.mp4"):
        assert not magenta(image).any()
        assert np.abs(image.astype(int) - scenery()).max() < 25


def test_a_survey_without_a_person_is_the_picture_itself(tmp_path):
    with open_source(write_video(tmp_path / "clip.mp4", [None] * 4)) as source:
        analysis = analyze(source, PeopleFinder(BlindEstimator()), lambda *step: None, background=True)
    assert analysis.background.finish().camera == "moving"


# Nobody


@pytest.mark.parametrize("scene", list(Scene))
def test_nobody_in_a_photo_is_an_error_and_writes_nothing(tmp_path, scene):
    photo = write_photo(tmp_path / "me.png", scenery())
    with pytest.raises(DanceNowError, match="No person was found in"):
        put(photo, tmp_path / "out.png", scene=scene)
    assert names(tmp_path) == ["me.png"]


def test_nobody_in_a_video_is_an_error_and_writes_nothing(tmp_path):
    video = write_video(tmp_path / "clip.mp4", [None] * 5)
    with pytest.raises(DanceNowError, match=r"all 5 frames were searched\. Crop .*--estimator"):
        put(video, tmp_path / "out.mp4")
    assert names(tmp_path) == ["clip.mp4"]


def test_another_persons_number_tells_who_is_there(video, tmp_path):
    with pytest.raises(DanceNowError, match=r"Person 9 is not in .* shows 1 person: 1 \(in 11 frames\)"):
        put(video, tmp_path / "out.mp4", person=9)


def test_people_beyond_the_most_are_counted(photo, tmp_path):
    class Crowd(MagentaEstimator):
        left_out = 3

    chosen = {"estimator": Crowd(), "overwrite": True}
    assert put(photo, tmp_path / "out.png", person="all", **chosen).left_out == 3
    assert put(photo, tmp_path / "out.png", **chosen).left_out == 0


def test_frames_without_a_person_stay_as_they_are(tmp_path):
    video = write_video(tmp_path / "clip.mp4", [50, 70, *[None] * 9, 110, 130])
    result = put(video, tmp_path / "out.mp4")
    images = pictures(tmp_path / "out.mp4")
    there = [True] * 2 + [False] * 9 + [True] * 2
    assert (result.frames, result.missed) == (13, 9)
    assert [bool(red(image).any()) for image in images] == there
    assert all(np.abs(images[index].astype(int) - scenery()).max() < 25 for index in range(2, 11))


def test_a_person_missed_for_a_moment_is_bridged(tmp_path):
    video = write_video(tmp_path / "clip.mp4", [50, 60, None, None, 90, 100])
    result = put(video, tmp_path / "out.mp4")
    columns = [np.nonzero(red(image))[1].mean() for image in pictures(tmp_path / "out.mp4")]
    assert result.missed == 0
    assert columns == pytest.approx([50, 60, 70, 80, 90, 100], abs=8)


# Photos that have nothing to do with each other


@pytest.fixture
def shots(tmp_path):
    folder = tmp_path / "shots"
    folder.mkdir()
    write_photo(folder / "park.png", with_person(60))
    write_photo(folder / "gym.jpg", with_person(140)[:141, 20:])
    return folder


def test_a_folder_of_photos_is_danced_picture_by_picture(shots, tmp_path):
    result = put(shots, tmp_path / "out")
    assert (result.frames, result.missed) == (2, 0)
    assert names(tmp_path / "out") == ["gym.png", "park.png"]
    for name in ("gym", "park"):
        (together,) = pictures(tmp_path / "out" / f"{name}.png")
        put(next(shots.glob(f"{name}.*")), tmp_path / f"{name}.png")
        np.testing.assert_array_equal(together, *pictures(tmp_path / f"{name}.png"))


def test_photos_can_be_told_to_be_a_clip(shots, tmp_path):
    put(shots, tmp_path / "out", sequence=True)
    assert names(tmp_path / "out") == ["000000.png", "000001.png"]


def test_photos_are_added_to_what_a_folder_holds(shots, photo, tmp_path):
    kept = tmp_path / "out"
    kept.mkdir()
    for name in ("000000.png", "diary.txt"):
        (kept / name).write_text("mine")
    put(shots, kept)
    put(photo, kept)
    with pytest.raises(DanceNowError, match=r"gym\.png already exists"):
        put(shots, kept)
    with pytest.raises(DanceNowError, match=r"me_red\.png already exists"):
        put(photo, kept)
    put(shots, kept, overwrite=True)
    put(photo, kept, overwrite=True)
    assert names(kept) == ["000000.png", "diary.txt", "gym.png", "me_red.png", "park.png"]
    assert (kept / "000000.png").read_text() == "mine"


def test_a_photo_makes_the_folder_that_it_is_sent_to_or_nothing(photo, tmp_path):
    put(photo, f"{tmp_path}/new/")
    assert names(tmp_path / "new") == ["me_red.png"]
    empty = write_photo(tmp_path / "empty.png", scenery())
    with pytest.raises(DanceNowError, match="No person"):
        put(empty, tmp_path / "other")
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(("name", "reason"), [("out.mp4", "folder of photos"), ("out.png", "has several")])
def test_photos_need_a_folder(shots, tmp_path, name, reason):
    with pytest.raises(DanceNowError, match=reason):
        put(shots, tmp_path / name)


# Transparent pictures


def write_clear(path, image):
    """Writes the picture with nothing behind the person."""
    alpha = np.where(magenta(image), 255, 0).astype(np.uint8)
    PIL.Image.fromarray(np.dstack([image, alpha])).save(path)
    return path


def test_what_was_transparent_stays_transparent(tmp_path):
    photo = write_clear(tmp_path / "me.png", with_person(96))
    for extension in (".png", ".webp"):
        put(photo, tmp_path / f"out{extension}")
        image = read_image(tmp_path / f"out{extension}")
        assert image.shape == (HEIGHT, WIDTH, 4)
        assert (image[red(image), 3] > 250).mean() > 0.9
        assert image[~red(image), 3].mean() < 20
    put(photo, tmp_path / "out.jpg")
    flat = read_image(tmp_path / "out.jpg")
    assert np.abs(flat[:30, :30].astype(int) - 255).max() < 3
    put(photo, tmp_path / "navy.png", background="navy")
    assert read_image(tmp_path / "navy.png").shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize(("output", "is_clear"), [("out", True), ("out.mov", True), ("out.mp4", False)])
def test_transparent_frames_of_a_clip(tmp_path, output, is_clear):
    folder = tmp_path / "cut"
    folder.mkdir()
    for number in range(4):
        write_clear(folder / f"{number}.png", with_person(60 + 20 * number))
    put(folder, tmp_path / output)
    if output == "out":
        image = read_image(tmp_path / "out" / "000002.png")
    else:
        with av.open(str(tmp_path / output)) as container:
            frame = list(container.decode(video=0))[2]
            image = frame.reformat(format="rgba", src_colorspace=frame.colorspace).to_ndarray()
    assert image[10, 10].tolist()[3] == (0 if is_clear else 255)
    assert (image[red(image)][:, 3] > 250).mean() > 0.9
    if not is_clear:
        np.testing.assert_allclose(image[10, 10, :3], 255, atol=3)


# What is kept of a video


def test_an_output_that_cannot_hold_the_frames_is_refused_before_the_analysis(video, tmp_path):
    steps = []
    folder = tmp_path / "mixed"
    folder.mkdir()
    write_photo(folder / "1.png", with_person(60)[:141, :155])
    write_photo(folder / "2.png", with_person(80))
    for source, options, message in (
        (folder, {"sequence": True, "output": "out.mp4"}, "2.png has another size"),
        (video, {"bit_depth": 10, "output": "out.webm"}, "10 bits"),
        (video, {"bit_depth": 10, "output": "frames"}, "bit_depth 10 is for videos"),
        (video, {"scene": "alpha", "output": "out.avi"}, "transparency"),
    ):
        name = options.pop("output")
        with pytest.raises(DanceNowError, match=message):
            put(source, tmp_path / name, progress=lambda *step: steps.append(step), **options)
    assert steps == []


def test_ten_bits(video, tmp_path):
    put(video, tmp_path / "out.mkv", bit_depth=10)
    with av.open(str(tmp_path / "out.mkv")) as container:
        assert next(container.decode(video=0)).format.name == "yuv420p10le"


def test_size_times_and_sound_are_kept(tmp_path):
    times = [0, 0.04, 0.08, 0.2, 0.24, 0.4]
    video = write_video(tmp_path / "clip.mp4", [50, 60, 70, 80, 90, 100], times, sound=True)
    result = put(video, tmp_path / "out.mp4")
    with open_source(tmp_path / "out.mp4") as source:
        frames = list(source.frames())
    assert (source.size, result.frames, source.has_audio) == ((WIDTH, HEIGHT), 6, True)
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-3)
    with av.open(str(tmp_path / "out.mp4")) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert samples / 48000 == pytest.approx(0.44, abs=0.06)


def test_a_cut_takes_only_its_frames(video, tmp_path):
    assert put(video, tmp_path / "out.mp4", start=0.12, end=0.28).frames == 4


def test_odd_sizes_and_pictures_of_different_sizes(tmp_path):
    folder = tmp_path / "shots"
    folder.mkdir()
    write_photo(folder / "1.png", with_person(60)[:141, :155])
    write_photo(folder / "2.png", with_person(80))
    put(folder, tmp_path / "out")
    assert [image.shape[:2] for image in pictures(tmp_path / "out")] == [(141, 155), (HEIGHT, WIDTH)]


def test_progress_tells_the_survey_and_the_frames(video, tmp_path):
    steps = []
    put(video, tmp_path / "out.mp4", progress=lambda *step: steps.append(step))
    assert steps == [(stage, index + 1, 11) for stage in ("analysis", "dance") for index in range(11)]


def test_a_preview_shows_moments_of_the_output(video, tmp_path):
    result = put(video, tmp_path / "out.mp4", scene="green", preview=True)
    assert result.preview == tmp_path / "out_preview.jpg"
    (sheet,) = pictures(result.preview)
    assert red(sheet).any()
    with pytest.raises(DanceNowError, match=r"out_preview\.jpg already exists"):
        put(video, tmp_path / "out.mp4", preview=True)


# Interrupted and refused


@pytest.mark.parametrize("stage", ["analysis", "dance"])
def test_ctrl_c_leaves_nothing(video, tmp_path, stage):
    def interrupt(name, done, total):
        if (name, done) == (stage, 3):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        put(video, tmp_path / "out.mp4", progress=interrupt)
    assert names(tmp_path) == ["clip.mp4"]


def _truncated(folder):
    path = write_video(folder / "bad.mp4", [50, 60, 70])
    path.write_bytes(path.read_bytes()[:700])
    return path


def _written(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda folder: folder / "nowhere.mp4", "does not exist"),
        (lambda folder: _written(folder, "empty.mp4", b""), "is empty"),
        (_truncated, "damaged"),
        (lambda folder: _written(folder, "notes.txt", b"hello there"), "not a photo or video"),
        (lambda folder: _written(folder, "half.png", b"\x89PNG\r\n\x1a\n\0\0"), "damaged or not an image"),
        (lambda folder: folder, "holds no images"),
    ],
)
def test_an_unusable_source_is_one_line_and_writes_nothing(tmp_path, make, message):
    source = make(tmp_path)
    before = names(tmp_path)
    with pytest.raises(DanceNowError, match=message):
        put(source, tmp_path / "out.mp4")
    assert names(tmp_path) == before


@pytest.mark.parametrize(
    ("character", "message"), [("nemo", "There is no character 'nemo'"), ("no.dance", "no character file")]
)
def test_an_unknown_character_is_named(photo, tmp_path, character, message):
    with pytest.raises(DanceNowError, match=message):
        dance(photo, character, tmp_path / "out.png", estimator=NoEstimator())
    assert names(tmp_path) == ["me.png"]


def test_an_existing_output_is_kept_unless_told_otherwise(photo, tmp_path):
    output = _written(tmp_path, "out.png", b"mine")
    with pytest.raises(DanceNowError, match="Set overwrite to replace it"):
        put(photo, output)
    assert output.read_bytes() == b"mine"
    put(photo, output, overwrite=True)
    assert red(pictures(output)[0]).any()


def test_the_input_is_never_the_output(photo):
    before = photo.read_bytes()
    with pytest.raises(DanceNowError, match="the input itself"):
        put(photo, photo, overwrite=True)
    assert photo.read_bytes() == before


# One after the other or side by side


def test_the_pipeline_gives_what_its_steps_give_one_after_the_other(tmp_path):
    folder = tmp_path / "shots"
    folder.mkdir()
    for index, place in enumerate(MOVING[:6]):
        write_photo(folder / f"{index}.png", with_person(place))
    put(folder, tmp_path / "out", frame_rate=25)
    choice, assignment = PersonChoice(), CharacterAssignment([RedCharacter()])
    with open_source(folder, frame_rate=Fraction(25)) as source:
        analysis = analyze(source, PeopleFinder(MagentaEstimator()), lambda *step: None, background=True)
        session = RecordedSession(analysis, choice, assignment, source.size)
        background = analysis.background.finish()
        dancer = Dancer(RedCharacter(), background=background, session=session)
        expected = [dancer(frame).image for frame in source.frames()]
    np.testing.assert_array_equal(pictures(tmp_path / "out"), expected)


def test_an_unknown_scene_is_told_with_the_known_ones(photo, tmp_path):
    with pytest.raises(DanceNowError, match="replace, alone, green, alpha or side-by-side"):
        dance(photo, RedCharacter(), tmp_path / "out.png", scene="blue", estimator=MagentaEstimator())
