"""Live stage: characters, sessions and backgrounds of a live performance, kept when the settings change."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from dance_now.app.dancer import Dancer
from dance_now.app.dancer_frames import DetectedFrame, PosedFrame
from dance_now.app.motion.live_session import LiveSession
from dance_now.app.motion.mouth_motion import MouthMotion
from dance_now.app.motion.sessions import CharacterAssignment
from dance_now.character.character import Character
from dance_now.core.arrays import Image
from dance_now.core.errors import DanceNowError
from dance_now.core.profiler import Profiler
from dance_now.live.character_library import CharacterLibrary
from dance_now.live.live_settings import LiveSettings
from dance_now.live.user_config import read_config, write_config
from dance_now.media.image.image_file import image_size, over_white, read_image
from dance_now.pose.estimators.holistic import Holistic
from dance_now.pose.estimators.people_finder import PeopleFinder
from dance_now.pose.model.detection import PoseEstimator
from dance_now.pose.retarget.person_calibration import PersonCalibration
from dance_now.pose.tracking.person_choice import PersonChoice
from dance_now.pose.tracking.tracker import pose_box
from dance_now.scene.background.backdrop import ImageBackdrop
from dance_now.scene.background.live_background import LiveBackground
from dance_now.scene.compositing.composition import EMPTY_LAYER, Layer, Scene

Done = Callable[[str | None], None]

_OF_A_SESSION: Final = ("character", "person", "idle", "mirror")  # settings that need another session
_WORK_SIZE: Final = 320  # pixels: half of a common camera's picture; a quarter of the time
_HEAD: Final = 0.14  # of the height of a person's joints: what the head stands above them
_PLATE_FRAMES: Final = 9  # without people, of which the empty scene is the median
_PLATE_PATIENCE: Final = 60  # frames until they must be there
_SOMEBODY_THERE: Final = "Somebody is still in the picture. Press Step out again and leave it for a moment."
_NO_FACE: Final = "No face was seen. Look at the camera, in good light, and press Calibrate again."
_MAX_PICTURE: Final = 40_000_000  # pixels
_DEFAULT_PICTURE: Final = np.full((9, 16, 3), 96, np.uint8)  # until one is chosen


class LiveStage:
    """Opens dancers for a live engine.

    Attributes:
        library: the characters.
        profiler: the time of each step.
        picture: (H, W, 3) uint8 RGB: the background of the scene ``picture``.
        picture_name: of its file; empty before one is chosen.
    """

    def __init__(
        self,
        library: CharacterLibrary,
        estimator: PoseEstimator | None = None,
        mouth: MouthMotion | None = None,
    ) -> None:
        """Starts with an unknown background.

        Args:
            library: of characters.
            estimator: pose estimator for all settings; by default the base install's, opened when needed.
            mouth: lets mouths follow a sound; they follow the faces without.
        """
        self.library = library
        self._mouth = mouth
        self.profiler = Profiler()
        self.picture: Image = _DEFAULT_PICTURE
        self.picture_name = ""
        self._estimator = estimator
        self._finders: dict[int, PeopleFinder] = {}
        self._background = LiveBackground(_WORK_SIZE)
        self._settings: LiveSettings | None = None
        self._session: LiveSession | None = None
        self._plate: _PlateSamples | None = None
        self._calibration = _stored_calibration()

    def check(self, settings: LiveSettings) -> None:
        """Checks settings against what is there.

        Raises:
            DanceNowError: no such character.
        """
        if settings.character not in self.library:
            raise DanceNowError(
                f"there is no character {settings.character[:40]!r} here.", option="character"
            )

    def open(self, settings: LiveSettings) -> Dancer:
        """Opens a dancer with what is known so far: people keep their IDs, and the background stays.

        Raises:
            DanceNowError: a character or pose network that cannot be loaded.
        """
        before, self._settings = self._settings, settings
        if before is None or before.mirror != settings.mirror:
            self._background.reset()
            for finder in self._finders.values():
                finder.reset()
        character = self.library.load(settings.character)
        changed = before is None or any(
            getattr(before, name) != getattr(settings, name) for name in _OF_A_SESSION
        )
        if changed or self._session is None:
            self._session = self._open_session(settings, character)
        for finder in self._finders.values():
            finder.masks = not settings.is_transparent
        return Dancer(
            character,
            scene=Scene.ALPHA if settings.is_transparent else Scene.REPLACE,
            background=self._background,
            backdrop=ImageBackdrop(self.picture) if settings.scene == "picture" else None,
            session=self._session,
            profiler=self.profiler,
        )

    def _open_session(self, settings: LiveSettings, character: Character) -> LiveSession:
        choice = PersonChoice(str(settings.person))
        return LiveSession(
            self._finder(choice.max_people),
            choice,
            CharacterAssignment([character]),
            smooth=True,
            idle=settings.idle,
            calibration=self._calibration,
            mouth=self._mouth,
        )

    @property
    def has_clean_plate(self) -> bool:
        """Whether the whole empty scene is known."""
        return self._background.is_complete

    @property
    def is_calibrated(self) -> bool:
        """Whether the person's neutral face and proportions are known from a calibration."""
        return self._calibration is not None

    def take_clean_plate(self, done: Done) -> None:
        """Takes the empty scene from the next frames.

        Args:
            done: called with None, or with what went wrong; in the engine's thread.
        """
        self._plate = _PlateSamples(done)

    def calibrate(self, done: Done) -> None:
        """Measures the person's neutral face and proportions; they are used from now on and stored.

        Args:
            done: called with None, or with what went wrong; in the engine's thread.

        Raises:
            DanceNowError: there is no frame yet.
        """
        if self._session is None:
            raise DanceNowError("start the camera first.")

        def store(calibration: PersonCalibration | None) -> None:
            if calibration is None:
                done(_NO_FACE)
                return
            self._calibration = calibration
            try:
                write_config(calibration=calibration.to_json())
            except DanceNowError as error:
                done(str(error))
            else:
                done(None)

        self._session.calibrate(store)

    def forget_calibration(self) -> None:
        """Forgets the person, also for later runs."""
        self._calibration = None
        self._session = None  # the next one learns the person anew
        write_config(calibration=None)

    def prepare(self, image: Image, settings: LiveSettings) -> Image:
        """Camera frame as the dancer gets it: mirrored, if so wished."""
        return np.asarray(cv2.flip(image, 1), np.uint8) if settings.mirror else image

    def render(self, dancer: Dancer, posed: PosedFrame) -> tuple[Layer, Image | None]:
        """Last step: the drawn part of a transparent scene, or an opaque picture."""
        if self._plate is not None:
            self._sample_plate(posed.found)
        if dancer.scene is Scene.ALPHA:
            return dancer.cut_out(posed), None
        return EMPTY_LAYER, dancer.compose(posed).image

    def open_picture(self, name: str, data: bytes) -> None:
        """Takes the content of a picture file as the background of the scene ``picture``.

        Raises:
            DanceNowError: no picture that can be read, or too large.
        """
        self.picture, self.picture_name = read_picture(data), name[:80]

    def boxes(self, found: DetectedFrame) -> dict[int, tuple[float, float, float, float]]:
        """Boxes of the people by ID: left, top, width and height as shares of the frame."""
        height, width = found.frame.image.shape[:2]
        result = {}
        for person in found.people:
            left, top, right, bottom = pose_box(person.detection.pose).tolist()
            top -= _HEAD * (bottom - top)  # the box ends at the joints
            result[person.identity] = (
                left / width,
                top / height,
                (right - left) / width,
                (bottom - top) / height,
            )
        return result

    def _sample_plate(self, found: DetectedFrame) -> None:
        samples = self._plate
        assert samples is not None
        plate = samples(found)
        if plate is not None:
            self._background.take(plate)
        if samples.is_over:
            self._plate = None
            samples.done(None if plate is not None else _SOMEBODY_THERE)

    def _finder(self, max_people: int) -> PeopleFinder:
        if max_people not in self._finders:
            # One thread: find and draw run side by side.
            estimator = self._estimator or Holistic(threads=1, max_people=max_people, turn=2)
            self._finders[max_people] = PeopleFinder(estimator)
        return self._finders[max_people]


class _PlateSamples:
    """Frames of the empty scene, until there are enough for a median."""

    def __init__(self, done: Done) -> None:
        self.done = done
        self.is_over = False
        self._images: list[Image] = []
        self._seen = 0

    def __call__(self, found: DetectedFrame) -> Image | None:
        """Takes a frame without people; returns the plate once there are enough."""
        self._seen += 1
        if not found.people:
            self._images = [each for each in self._images if each.shape == found.frame.image.shape]
            self._images.append(found.frame.image)
        if len(self._images) == _PLATE_FRAMES:
            self.is_over = True
            return np.median(np.stack(self._images), axis=0).astype(np.uint8)
        self.is_over = self._seen >= _PLATE_PATIENCE
        return None


def _stored_calibration() -> PersonCalibration | None:
    """The calibration of an earlier run, or None."""
    try:
        return PersonCalibration.from_json(read_config()["calibration"])
    except (KeyError, ValueError):
        return None


def read_picture(data: bytes) -> Image:
    """Decodes a picture file from a stranger: (H, W, 3) uint8 RGB.

    Raises:
        DanceNowError: no picture that can be read, damaged, or too large.
    """
    handle, name = tempfile.mkstemp()
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        width, height = image_size(path)
        if width * height > _MAX_PICTURE:
            raise DanceNowError(f"the picture has {width}x{height} pixels. Choose a smaller one.")
        return over_white(read_image(path))
    except DanceNowError as error:
        raise DanceNowError(str(error).replace(str(path), "the picture")) from error
    finally:
        path.unlink(missing_ok=True)
