"""Frame pipeline of ``dance``: pose estimation, analysis pass, retargeting, drawing and compositing."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from dance_now.app.analysis import Progress, analyze
from dance_now.app.character_loading import CharacterLike, requested_characters
from dance_now.app.compositor import IN_PLACE
from dance_now.app.dance_options import DanceOptions
from dance_now.app.dance_source import DanceSource
from dance_now.app.dancer import Dancer
from dance_now.app.dancer_frames import ComposedFrame
from dance_now.app.keypoint_matching import match_to_pictures
from dance_now.app.motion.live_session import LiveSession
from dance_now.app.motion.mouth_motion import MouthMotion
from dance_now.app.motion.sessions import CharacterAssignment, RecordedSession, Session, person_choice
from dance_now.app.network_cache import NetworkCache
from dance_now.core.errors import DanceNowError
from dance_now.core.pipeline import ParallelStage, run_pipeline
from dance_now.core.processor_cores import available_cores
from dance_now.core.profiler import Profiler
from dance_now.media.source import Source
from dance_now.media.video.audio_samples import clip_samples
from dance_now.pose.estimators.people_finder import PeopleFinder
from dance_now.pose.formats.openpose_files import OpenPoseFiles
from dance_now.pose.model.detection import EstimatorOptions, PoseEstimator
from dance_now.pose.speech.formants import SAMPLE_RATE
from dance_now.pose.speech.lip_sync import SpeechTrack
from dance_now.pose.tracking.tracker import MAX_PEOPLE
from dance_now.scene.background.backdrop import Backdrop, open_backdrop
from dance_now.scene.background.clean_background import CleanBackground

_HIGH_RATE: Final = 48  # frames a second from which every fourth shows a hand often enough
_FRAMES_DRAWN_AT_ONCE: Final = 2  # their networks get one thread each where there are two cores


class DancePipeline:
    """Everything between a source and a sink; use it as a context manager.

    Attributes:
        characters: the loaded characters; each person gets one in turn.
        profiler: the time of each stage.
    """

    def __init__(
        self,
        source: DanceSource,
        character: CharacterLike | Sequence[CharacterLike],
        options: DanceOptions,
        networks: NetworkCache | None = None,
    ) -> None:
        """Loads the networks of estimator and characters, side by side.

        Args:
            source: what is danced.
            character: one or several.
            options: all other options.
            networks: those that are loaded already; others are added.

        Raises:
            DanceNowError: an unusable character, estimator or background.
        """
        self.profiler = Profiler()
        self._source = source
        self._options = options
        self._networks = networks or NetworkCache()
        requested = requested_characters(character)
        self._choice = person_choice(options.person, len(requested))
        self._keypoints = self._matched_keypoints()
        self._finder = self._open_finder()
        is_photo = source.pictures.kind == "photo"
        threads = drawing_threads(is_photo)
        with ThreadPoolExecutor(1) as executor:
            opening = executor.submit(self._finder.open)
            self.characters = self._networks.characters(requested, options.device, threads)
            opening.result()
        self._assignment = CharacterAssignment(self.characters, options.height)
        self._resources = ExitStack()

    @property
    def character_names(self) -> str:
        """The characters' names, for the name of the output."""
        return "_".join(dict.fromkeys(character.name for character in self.characters))

    @property
    def left_out(self) -> int:
        """People beyond the most that are replaced at once, if all are to be."""
        return self._finder.left_out if self._choice.takes_all else 0

    def nobody_found(self, frames: int) -> str:
        """Explains why nobody was replaced in any of so many frames, and what helps."""
        source = self._source.given
        missing = self._choice.missing(source)
        if missing is not None:
            return f"{missing} Show their IDs by: dance-now pose {source} --overlay"
        if not self._finder.estimates:
            return f"No person was found in {source}: its keypoint files hold none."
        looked = "1 frame was" if frames == 1 else f"all {frames} frames were"
        return (
            f"No person was found in {source}; {looked} searched. Crop it around the person, make it "
            "brighter, or use another estimator (--estimator rtmw --model FILE)."
        )

    def frames(self, progress: Progress) -> Generator[ComposedFrame]:
        """Composes every frame, in order; use it with ``contextlib.closing``.

        Clips are analyzed first, as a whole. The stages of several frames run side by side.

        Args:
            progress: called by the analysis pass.

        Raises:
            DanceNowError: unreadable frames, keypoints or background.
        """
        pictures = self._source.pictures
        backdrop = self._open_backdrop()
        session, background = self._open_session(progress)
        dancer = Dancer(
            self.characters,
            scene=self._source.scene,
            background=background,
            backdrop=backdrop,
            match=self._options.match,
            best=self._options.quality == "best",
            keep_objects=self._options.keep_objects,
            smooth=pictures.is_clip,
            session=session,
            springs=self._options.springs,
            profiler=self.profiler,
        )
        read = self.profiler.iterate("read", pictures.frames())
        if not pictures.is_clip:
            for photo in read:
                dancer.reset()
                yield dancer(photo)
            return
        drawing = ParallelStage(dancer.pose, _FRAMES_DRAWN_AT_ONCE)
        with closing(run_pipeline(read, dancer.find, drawing, dancer.compose)) as composed:
            yield from composed

    def _open_session(self, progress: Progress) -> tuple[Session, CleanBackground | None]:
        """People and their motion, and a clip's background: by an analysis pass, or live for photos."""
        pictures = self._source.pictures
        if self._options.mouth == "sound" and not pictures.has_audio:
            raise DanceNowError(
                f"{self._source.given} has no sound track, which mouth sound needs.", option="mouth"
            )
        if not pictures.is_clip:
            return LiveSession(self._finder, self._choice, self._assignment, smooth=False), None
        in_place = self._source.scene in IN_PLACE
        analysis = analyze(pictures, self._finder, progress, background=in_place, profiler=self.profiler)
        with ThreadPoolExecutor(1) as executor:
            samples = analysis.background
            background = None if samples is None else executor.submit(samples.finish)
            with self.profiler.stage("retarget"):
                mouth = self._mouth_motion(pictures)
                session = RecordedSession(analysis, self._choice, self._assignment, pictures.size, mouth)
            with self.profiler.stage("analysis"):
                return session, None if background is None else background.result()

    def _mouth_motion(self, pictures: Source) -> MouthMotion | None:
        """What lets mouths follow the clip's sound, where that is asked for."""
        wanted = self._options.mouth
        if wanted == "face" or (wanted == "auto" and not pictures.has_audio):
            return None
        track = SpeechTrack(clip_samples(pictures, SAMPLE_RATE))
        return MouthMotion(track.at, always=wanted == "sound")

    def _matched_keypoints(self) -> OpenPoseFiles | None:
        """The keypoints, scaled where they were made for another size of the pictures."""
        keypoints, options = self._source.keypoints, self._options
        if keypoints is None or options.poses is None:
            return keypoints
        in_place = self._source.scene in IN_PLACE
        return match_to_pictures(keypoints, self._source.pictures, in_place, self._open_body_estimator)

    def _open_body_estimator(self) -> PoseEstimator:
        """Finds the bodies of all people."""
        if not isinstance(self._options.estimator, str):
            return self._options.estimator
        return self._networks.estimator(EstimatorOptions(max_people=MAX_PEOPLE, hands=False, face=False))

    def _open_finder(self) -> PeopleFinder:
        """Finds people; the default estimator is opened only when it is needed."""
        options, is_photo = self._options, self._source.pictures.kind == "photo"
        # of a clip, two steps work at the same time
        wanted = EstimatorOptions(
            threads=min(2, available_cores() if is_photo else _half_the_cores()),
            max_people=self._choice.max_people,
            model=None if options.model is None else Path(options.model),
            heavy=options.quality == "best",
            turn=1 if options.quality == "best" else _turn(self._source.pictures.frame_rate),
        )
        estimator: PoseEstimator | None = None
        if not isinstance(options.estimator, str):
            estimator = options.estimator
        elif (options.estimator, options.model) != ("mediapipe", None):
            estimator = self._networks.estimator(wanted, options.estimator)
        masks = self._source.scene in IN_PLACE
        finder = PeopleFinder(estimator, self._keypoints, masks, wanted, self._networks.estimator)
        finder.reset()
        return finder

    def _open_backdrop(self) -> Backdrop | None:
        if self._options.background is None:
            return None
        return self._resources.enter_context(closing(open_backdrop(str(self._options.background))))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()


def _turn(frame_rate: Fraction) -> int:
    """Frames in which each hand is read once: at least twelve times a second in usual clips."""
    return 4 if frame_rate >= _HIGH_RATE else 2


def drawing_threads(is_photo: bool) -> int:
    """Threads for one picture of a character, 0 for one a core. Of clips, two are drawn at once."""
    return 0 if is_photo else _half_the_cores()


def _half_the_cores() -> int:
    return max(1, available_cores() // 2)
