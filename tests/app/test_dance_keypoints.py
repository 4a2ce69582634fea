"""Dancing to OpenPose JSON, alone or with the picture it belongs to."""

import json
from pathlib import Path

import numpy as np
import pytest
from fakes import (
    HEIGHT,
    HIP,
    TALL,
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
    standing,
    with_person,
    write_photo,
    write_video,
)

from dance_now.app.dance import dance
from dance_now.app.dance_options import DanceOptions
from dance_now.app.dance_source import open_dance_source
from dance_now.app.dancer import Dancer
from dance_now.app.pose_export import write_poses
from dance_now.core.errors import DanceNowError
from dance_now.media.frame import Frame
from dance_now.media.open_media import open_source
from dance_now.pose.formats.openpose_files import OpenPoseFiles


def keypoints(*poses):
    """The text of a file with these people."""
    return json.dumps({"version": 1.3, "people": [pose.to_openpose() for pose in poses]})


def write_clip(folder, places, first=0):
    """One file a frame with somebody who stands at column ``x``; None leaves the file out."""
    folder.mkdir(exist_ok=True)
    for number, x in enumerate(places, first):
        if x is not None:
            path = folder / f"clip_{number:012d}_keypoints.json"
            path.write_text(keypoints(standing((x, HIP), TALL)))
    return folder


def write_file(path, x=96, y=HIP, height=TALL):
    path.write_text(keypoints(standing((x, y), height)))
    return path


def middle(image):
    """The character's column."""
    return float(np.nonzero(red(image))[1].mean())


# Keypoints alone


def test_a_file_becomes_a_picture(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = put(write_file(tmp_path / "me_keypoints.json", 400, 300, 500), None, estimator=NoEstimator())
    assert (result.output, result.frames) == (Path("me_red.png"), 1)
    (image,) = pictures(result.output)
    assert image.shape == (720, 1280, 3)
    assert middle(image) == pytest.approx(400, abs=12)
    assert (image[:, :100] == 255).all()


def test_a_folder_becomes_a_video(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = write_clip(tmp_path / "walk", [40, 60, None, 100], first=7)
    result = put(folder, None, size=(WIDTH, HEIGHT), frame_rate=20, estimator=NoEstimator())
    assert (result.output, result.frames, result.missed) == (Path("walk_red.mp4"), 4, 1)
    with open_source(result.output) as source:
        frames = list(source.frames())
    assert source.size == (WIDTH, HEIGHT)
    assert [frame.time for frame in frames] == pytest.approx([0, 0.05, 0.1, 0.15])
    assert [bool(red(frame.image).any()) for frame in frames] == [True, True, False, True]
    assert middle(frames[3].image) == pytest.approx(100, abs=6)


def test_thirty_frames_a_second_unless_told(tmp_path):
    with open_dance_source(write_clip(tmp_path / "walk", [40, 60]), DanceOptions()) as source:
        pictures = source.pictures
        assert (pictures.frame_rate, pictures.size, pictures.frame_count) == (30, (1280, 720), 2)


@pytest.mark.parametrize(("scene", "corner"), [("green", (0, 255, 0)), ("alpha", (0, 0, 0, 0))])
def test_other_scenes_without_a_picture(tmp_path, scene, corner):
    import cv2

    put(write_file(tmp_path / "me.json"), tmp_path / "out.png", scene=scene, size=(WIDTH, HEIGHT))
    image = cv2.imread(str(tmp_path / "out.png"), cv2.IMREAD_UNCHANGED)
    assert image.shape == (HEIGHT, WIDTH, len(corner))
    assert tuple(image[0, 0].tolist()) == corner


def test_coordinates_that_look_like_others_can_be_told(tmp_path):
    lower_right = standing((WIDTH / 2, HEIGHT / 2), TALL)
    points = lower_right.points.copy()
    points[:, :2] = points[:, :2] / (WIDTH, HEIGHT) * 0.5
    people = [{"pose_keypoints_2d": points[:25].ravel().tolist()}]
    (tmp_path / "me.json").write_text(json.dumps({"people": people}))
    for scale, column in ((None, WIDTH / 4), ("signed", WIDTH * 5 / 8)):
        output = tmp_path / f"{scale}.png"
        put(tmp_path / "me.json", output, size=(WIDTH, HEIGHT), keypoint_scale=scale)
        assert middle(pictures(output)[0]) == pytest.approx(column, abs=10)


def test_a_cut_of_a_folder_takes_its_files(tmp_path):
    folder = write_clip(tmp_path / "walk", [40, 60, 80, 100, 120])
    result = put(folder, tmp_path / "out.mp4", size=(WIDTH, HEIGHT), frame_rate=10, start=0.2, end=0.4)
    assert result.frames == 2
    assert middle(pictures(tmp_path / "out.mp4")[0]) == pytest.approx(80, abs=6)


def test_shares_of_the_picture_fill_the_given_size(tmp_path):
    people = json.loads(write_file(tmp_path / "me.json", 96).read_text())
    values = np.array(people["people"][0]["pose_keypoints_2d"]).reshape(-1, 3)
    values[:, :2] /= (WIDTH, HEIGHT)
    path = tmp_path / "shares.json"
    path.write_text(json.dumps({"people": [{"pose_keypoints_2d": values.ravel().tolist()}]}))
    put(path, tmp_path / "out.png", size=(2 * WIDTH, 2 * HEIGHT))
    assert middle(pictures(tmp_path / "out.png")[0]) == pytest.approx(192, abs=8)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scene": "replace"}, "the keypoints as poses"),
        ({"poses": "other.json"}, "holds keypoints itself"),
        ({"size": (0, 720)}, "size must be at least 1x1"),
        ({"size": (100_000, 100_000)}, "size must be at least 1x1"),
        ({"frame_rate": 0}, "frame_rate must be between"),
        ({"start": 9.0}, "leave none"),
    ],
)
def test_what_keypoints_alone_cannot_do(tmp_path, options, message):
    folder = write_clip(tmp_path / "walk", [40, 60])
    with pytest.raises(DanceNowError, match=message):
        put(folder, tmp_path / "out.mp4", **options)
    assert [path.name for path in tmp_path.iterdir()] == ["walk"]


def test_a_folder_without_anybody_is_an_error(tmp_path):
    folder = tmp_path / "walk"
    folder.mkdir()
    (folder / "a_0_keypoints.json").write_text(keypoints())
    with pytest.raises(DanceNowError, match="No person was found"):
        put(folder, tmp_path / "out.mp4")


# With the picture


def test_the_person_is_where_the_keypoints_say(tmp_path):
    photo = write_photo(tmp_path / "me.png", with_person(96))
    put(photo, tmp_path / "out.png", poses=write_file(tmp_path / "me.json", 60), scene="alone")
    assert middle(pictures(tmp_path / "out.png")[0]) == pytest.approx(60, abs=6)


def test_the_estimators_mask_is_used_where_it_finds_the_same_person(tmp_path):
    photo = write_photo(tmp_path / "me.png", with_person(96))
    dancer = Dancer(
        RedCharacter(), estimator=MagentaEstimator(), poses=OpenPoseFiles(write_file(tmp_path / "me.json"))
    )
    (part,) = dancer(Frame(pictures(photo)[0], 0.0, 0)).parts
    np.testing.assert_array_equal(part.person.detection.mask.alpha > 0.5, magenta(with_person(96)))


@pytest.mark.parametrize("estimator", [BlindEstimator, MagentaEstimator])
def test_somebody_whom_the_estimator_does_not_see_is_cut_out_by_the_keypoints(tmp_path, estimator):
    blue = np.where(magenta(with_person(50))[..., None], (20, 40, 200), with_person(50)).astype(np.uint8)
    scene = with_person(150 if estimator is MagentaEstimator else None, blue)
    photo = write_photo(tmp_path / "me.png", scene)
    poses = write_file(tmp_path / "me.json", 50)
    dance(photo, RedCharacter(visible=False), tmp_path / "out.png", estimator=estimator(), poses=poses)
    (image,) = pictures(tmp_path / "out.png")
    assert (image[:, 30:70, 2] > 180).mean() < 0.05
    np.testing.assert_array_equal(image[:, 120:], scene[:, 120:])  # the other one is left alone


def test_frame_i_takes_file_i(tmp_path):
    video = write_video(tmp_path / "clip.mp4", [60, 70, 80, 90])
    folder = write_clip(tmp_path / "poses", [60, 70, None])
    result = put(video, tmp_path / "out.mp4", poses=folder)
    images = pictures(tmp_path / "out.mp4")
    assert result.missed == 2
    assert [bool(red(image).any()) for image in images] == [True, True, False, False]


def test_a_cut_of_the_video_cuts_the_files_too(tmp_path):
    video = write_video(tmp_path / "clip.mp4", [40, 60, 80, 100])
    folder = write_clip(tmp_path / "poses", [40, 60, 80, 100])
    put(video, tmp_path / "out.mp4", poses=folder, start=0.08)
    assert middle(pictures(tmp_path / "out.mp4")[0]) == pytest.approx(80, abs=6)


def test_a_broken_picture_of_a_folder_does_not_shift_the_files(tmp_path):
    folder = tmp_path / "shots"
    folder.mkdir()
    for number, x in enumerate([40, 60, 140]):
        write_photo(folder / f"{number}.png", with_person(x))
    (folder / "1.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    poses = write_clip(tmp_path / "poses", [40, 60, 140])
    put(folder, tmp_path / "out", poses=poses, scene="alone")
    assert middle(pictures(tmp_path / "out")[1]) > 100


def test_written_poses_dance_as_estimated_ones(tmp_path):
    folder = tmp_path / "shots"
    folder.mkdir()
    for number, x in enumerate([50, 70, 90, 110]):
        write_photo(folder / f"{number}.png", with_person(x))
    poses = write_poses(folder, tmp_path / "poses", estimator=MagentaEstimator()).folder
    put(folder, tmp_path / "estimated")
    put(folder, tmp_path / "given", poses=poses)
    both = zip(pictures(tmp_path / "estimated"), pictures(tmp_path / "given"), strict=True)
    assert max(np.abs(one.astype(int) - other).mean() for one, other in both) < 0.5


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("clip.mp4", {"poses": "me.json"}, "poses must be a folder with one file per frame"),
        ("clip.mp4", {"poses": "nowhere"}, "does not exist"),
        ("clip.mp4", {"poses": "bad.json"}, 'no "people"'),
        ("clip.mp4", {"size": (640, 480)}, "size is for keypoints"),
        ("clip.mp4", {"frame_rate": 24}, "frame_rate is for folders"),
        ("me.png", {"frame_rate": 24}, "frame_rate is for folders"),
        ("me.png", {"keypoint_scale": "unit"}, "keypoint_scale is for keypoints"),
        ("me.json", {"keypoint_scale": "metres"}, "keypoint_scale must be pixels, unit or signed"),
    ],
)
def test_what_does_not_belong_together(tmp_path, source, options, message):
    write_video(tmp_path / "clip.mp4", [60, 70])
    write_photo(tmp_path / "me.png", scenery())
    write_file(tmp_path / "me.json")
    (tmp_path / "bad.json").write_text("{}")
    before = sorted(tmp_path.iterdir())
    if "poses" in options:
        options = {"poses": tmp_path / options["poses"]}
    with pytest.raises(DanceNowError, match=message):
        put(tmp_path / source, tmp_path / "out.mp4", **options)
    assert sorted(tmp_path.iterdir()) == before


# Made for another size of the picture


def write_scaled(path, x, scale, shift=0.0):
    """The person's keypoints as a program would write them that has seen the picture at another size."""
    pose = standing((x, HIP), TALL, has_depth=False).transformed(scale, (shift, 0.0))
    path.write_text(json.dumps({"people": [pose.to_openpose()]}))
    return path


@pytest.mark.parametrize("scale", [0.5, 0.52, 2.0, 3.0])
def test_keypoints_of_a_scaled_picture_are_scaled_back(tmp_path, scale):
    photo = write_photo(tmp_path / "me.png", with_person(96))
    put(photo, tmp_path / "right.png", poses=write_scaled(tmp_path / "right.json", 96, 1))
    put(photo, tmp_path / "out.png", poses=write_scaled(tmp_path / "me.json", 96, scale))
    (right,), (image,) = pictures(tmp_path / "right.png"), pictures(tmp_path / "out.png")
    assert np.abs(image.astype(int) - right).mean() < (0.1 if scale != 0.52 else 4)
    assert not magenta(image).any()


def test_keypoints_of_a_scaled_clip_are_scaled_back(tmp_path):
    video = write_video(tmp_path / "clip.mp4", [60, 70, 80, 90])
    folder = tmp_path / "poses"
    folder.mkdir()
    for place, x in enumerate([60, 70, 80, 90]):
        write_scaled(folder / f"clip_{place}_keypoints.json", x, 0.5)
    put(video, tmp_path / "out.mp4", poses=folder, start=0.04)
    images = pictures(tmp_path / "out.mp4")
    assert [middle(image) for image in images] == pytest.approx([70, 80, 90], abs=6)


@pytest.mark.parametrize("scene", ["replace", "alone"])
def test_keypoints_that_lie_outside_and_fit_nobody_are_refused_with_both_sizes(tmp_path, scene):
    photo = write_photo(tmp_path / "me.png", with_person(96))
    far = write_scaled(tmp_path / "me.json", 96, 3, shift=900)
    with pytest.raises(DanceNowError, match=rf"poses .*me\.json reach \d+x\d+ .*{WIDTH}x{HEIGHT}") as caught:
        put(photo, tmp_path / "out.png", poses=far, scene=scene)
    assert caught.value.option == "poses"


def test_a_canvas_is_scaled_without_looking(tmp_path):
    photo = write_photo(tmp_path / "me.png", with_person(96))
    pose = standing((96, HIP), TALL, has_depth=False).transformed(0.5, (0.0, 0.0))
    content = {"people": [pose.to_openpose()], "canvas_width": WIDTH / 2, "canvas_height": HEIGHT / 2}
    (tmp_path / "me.json").write_text(json.dumps([content]))
    put(photo, tmp_path / "out.png", poses=tmp_path / "me.json", scene="alone", estimator=NoEstimator())
    assert middle(pictures(tmp_path / "out.png")[0]) == pytest.approx(96, abs=6)


def test_a_file_of_several_frames_becomes_a_video(tmp_path):
    frames = [
        {"people": [standing((x, HIP), TALL).to_openpose()], "canvas_width": WIDTH, "canvas_height": HEIGHT}
        for x in (40, 60, 80)
    ]
    (tmp_path / "walk.json").write_text(json.dumps(frames))
    result = put(tmp_path / "walk.json", tmp_path / "out.mp4", start=0.03)
    images = pictures(tmp_path / "out.mp4")
    assert result.frames == 2
    assert images[0].shape == (HEIGHT, WIDTH, 3)
    assert middle(images[0]) == pytest.approx(60, abs=6)
