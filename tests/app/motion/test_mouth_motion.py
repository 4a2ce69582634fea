"""Mouths that follow a sound, always or where no face is seen."""

from dataclasses import replace

import numpy as np
import pytest
from fakes import MagentaEstimator, RedCharacter, standing, with_person, write_photo, write_video
from skeletons import chibi_skeleton, posed, posture
from sounds import write_talking_clip

from dance_now.app.dance import dance
from dance_now.app.motion.mouth_motion import MouthMotion, is_face_seen
from dance_now.core.errors import DanceNowError
from dance_now.pose.model.detection import Detection, Person, PersonMask
from dance_now.pose.model.keypoints import FACE
from dance_now.pose.model.pose import Pose
from dance_now.pose.retarget.retargeter import Retargeter

CHIBI = chibi_skeleton()
OPEN = np.array([0.9, 0.0, 0.0, 0.0, 0.0])


def pose(*, face):
    """A person, with or without face points."""
    whole = posed(CHIBI, posture(CHIBI), scale=200, mid_hip=(256, 300))
    points = whole.points.copy()
    if not face:
        points[FACE] = 0
    return Pose(points, whole.depth, whole.has_depth)


def test_a_sound_opens_the_mouth():
    retargeter = Retargeter(CHIBI, smooth=False)
    state = retargeter.read(pose(face=True), 0.0)
    said = MouthMotion(lambda time: OPEN, always=True)(state, pose(face=True), 0.0)
    quiet, open_ = retargeter.build(state), retargeter.build(said)
    assert quiet.expression.vowels is None
    assert open_.expression.vowels == pytest.approx(OPEN)
    assert open_.expression.mouth_open > 0.8
    assert open_.posture.trunk == pytest.approx(quiet.posture.trunk)


@pytest.mark.parametrize("face", [True, False])
def test_by_default_a_face_that_is_seen_counts(face):
    state = Retargeter(CHIBI, smooth=False).read(pose(face=face), 0.0)
    motion = MouthMotion(lambda time: OPEN, always=False)
    assert is_face_seen(state, pose(face=face)) == face
    assert (motion(state, pose(face=face), 0.0).vowels is None) == face
    hidden = replace(state, imputed=np.ones(137, bool))
    assert motion(hidden, pose(face=True), 0.0).vowels is not None


def test_a_source_without_sound_is_one_line(tmp_path):
    silent = write_video(tmp_path / "clip.mp4", [60, 70, 80])
    photo = write_photo(tmp_path / "me.png", with_person(96))
    for source, output in ((silent, "out.mp4"), (photo, "out.png")):
        with pytest.raises(DanceNowError, match="has no sound track, which mouth sound needs"):
            dance(source, RedCharacter(), tmp_path / output, mouth="sound", estimator=MagentaEstimator())
        assert not (tmp_path / output).exists()
    dance(silent, RedCharacter(), tmp_path / "out.mp4", mouth="auto", estimator=MagentaEstimator())


def test_a_clips_own_sound_moves_the_mouth(tmp_path):
    seen = []

    class Everywhere(MagentaEstimator):
        """Somebody who is always there."""

        def __call__(self, image):
            mask = PersonMask(np.ones((4, 4), np.float32), np.eye(2, 3, dtype=np.float32))
            return (Person(1, Detection(standing((48, 32), 40), mask)),)

    clip = write_talking_clip(tmp_path / "clip.mkv")
    build = Retargeter.build

    def noting(self, reading, height_ratio=1.0):
        built = build(self, reading, height_ratio)
        seen.append(0.0 if built.expression.vowels is None else sum(built.expression.vowels))
        return built

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Retargeter, "build", noting)
        dance(
            clip, RedCharacter(), tmp_path / "out.mp4", mouth="sound", scene="green", estimator=Everywhere()
        )
    shown = seen[-10:]  # the clip was built once before, for its contacts
    assert len(shown) == 10
    assert max(shown[:3]) < 0.05
    assert min(shown[5:9]) > 0.8
