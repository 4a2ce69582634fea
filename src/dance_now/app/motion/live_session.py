"""Live session: assigns characters to people frame by frame; while nobody is there, a character idles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from dance_now.app.motion.mouth_motion import MouthMotion
from dance_now.app.motion.sessions import CharacterAssignment, Replacement
from dance_now.character.character import Character
from dance_now.media.frame import Frame
from dance_now.pose.estimators.people_finder import PeopleFinder
from dance_now.pose.model.detection import Detection, Person, PersonMask
from dance_now.pose.model.pose import Pose
from dance_now.pose.retarget.idle_motion import IdleMotion, standing_place
from dance_now.pose.retarget.motion_state import MotionState
from dance_now.pose.retarget.person_calibration import NeutralFaceSampler, PersonCalibration
from dance_now.pose.retarget.retargeter import Retargeter
from dance_now.pose.smoothing.motion_transition import MotionTransition
from dance_now.pose.tracking.person_choice import PersonChoice

_LEAVE_SECONDS: Final = 0.9  # from the last pose to idling
_RETURN_SECONDS: Final = 0.45  # and from there to a person's pose
_REMEMBERED: Final = 16  # people who have left and may come back
_MARGIN: Final = 0.22  # of the width: so far from the frame's sides a character idles
_NOBODY: Final = Person(
    -1, Detection(Pose.empty(), PersonMask(np.zeros((1, 1), np.float32), np.eye(2, 3, dtype=np.float32)))
)


class LiveSession:
    """Live session: causal, motion is smoothed with earlier frames only.

    Where a person is missing for a few frames only, the character stays, and the mask as it was. Where nobody
    is in view for longer, a character idles, if asked to; between the two, and back to a person, its motion
    is cross-faded.
    """

    def __init__(
        self,
        finder: PeopleFinder,
        choice: PersonChoice,
        assignment: CharacterAssignment,
        smooth: bool,
        *,
        idle: bool = False,
        calibration: PersonCalibration | None = None,
        mouth: MouthMotion | None = None,
    ) -> None:
        """Takes what finds people and chooses who is replaced by whom.

        Args:
            finder: finds people.
            choice: who of them is replaced.
            assignment: their characters.
            smooth: whether to filter over time; off for photos, which stand alone.
            idle: whether a character idles while nobody is in view; needs ``smooth``.
            calibration: what is known of the person from before.
            mouth: lets mouths follow a sound; they follow the faces without.
        """
        self._finder = finder
        self._choice = choice
        self._assignment = assignment
        self._smooth = smooth
        self._idle = idle and smooth
        self._calibration = calibration
        self._mouth = mouth
        self._sampler: NeutralFaceSampler | None = None
        self._calibrated: Callable[[PersonCalibration | None], None] = lambda calibration: None
        self._performers: dict[int, _Performer] = {}
        self._latest: dict[int, Person] = {}
        self._recent: _Performer | None = None
        self._idler: _Performer | None = None

    def find(self, frame: Frame) -> tuple[Person, ...]:
        """Runs the estimator's first stage."""
        return self._finder.detect_bodies(frame.image, frame.index)

    def refine(self, frame: Frame, people: tuple[Person, ...]) -> tuple[Person, ...]:
        """Runs the estimator's second stage."""
        return self._finder.add_hands_and_faces(frame.image, people)

    def parts(self, frame: Frame, people: tuple[Person, ...]) -> list[Replacement]:
        """Retargets the people chosen."""
        there = {person.identity for person in people}
        parts = [self._part(frame, person) for person in self._choice(people)]
        if self._smooth:
            missing = [person for identity, person in self._latest.items() if identity not in there]
            parts += [part for part in (self._coasting(frame, person) for person in missing) if part]
        self._latest = {part.person.identity: part.person for part in parts}
        if self._sampler is not None and self._sampler.has_failed(frame.time):
            self._sampler = None
            self._calibrated(None)
        if parts:
            self._idler = None
        elif self._idle:
            return [self._idling(frame)]
        return parts

    def calibrate(self, done: Callable[[PersonCalibration | None], None]) -> None:
        """Measures the neutral face and the proportions of the next person for a moment, then uses them.

        Args:
            done: called with them, or with None if no face was seen; in the thread of ``parts``.
        """
        self._calibrated, self._sampler = done, NeutralFaceSampler()

    def reset(self) -> None:
        """Forgets the people and their motion."""
        self._finder.reset()
        self._choice.reset()
        self._assignment.reset()
        self._performers.clear()
        self._latest.clear()
        self._recent = self._idler = None

    def _part(self, frame: Frame, person: Person) -> Replacement:
        identity = person.identity
        if identity not in self._performers:
            for old in [each for each in self._performers if each not in self._latest][:-_REMEMBERED]:
                del self._performers[old]
            self._performers[identity] = self._new_performer(
                self._assignment(identity), self._assignment.height_ratio(identity)
            )
        performer = self._performers[identity]
        idler = self._idler
        if idler is not None and idler.shown is not None and idler.character is performer.character:
            performer.fade.start(idler.shown, frame.time, _RETURN_SECONDS)
        height, width = frame.image.shape[:2]
        state = performer.retargeter.track(person.detection.pose, frame.time, size=(width, height))
        self._sample(performer, person, frame.time)
        return self._shown(person, performer, state)

    def _sample(self, performer: _Performer, person: Person, time: float) -> None:
        """Goes on with a calibration, if one is under way."""
        sampler = self._sampler
        neutral = None if sampler is None else sampler(person.detection.pose, time)
        if neutral is not None:
            self._sampler = None
            self._calibration = PersonCalibration(neutral, performer.retargeter.proportions)
            performer.retargeter.calibrate(self._calibration)
            self._calibrated(self._calibration)

    def _coasting(self, frame: Frame, person: Person) -> Replacement | None:
        performer = self._performers[person.identity]
        state = performer.retargeter.hold(frame.time)
        return None if state is None else self._shown(person, performer, state)

    def _idling(self, frame: Frame) -> Replacement:
        """The character of whoever left last, or of the first to come, waiting."""
        size = (frame.image.shape[1], frame.image.shape[0])
        if self._idler is None:
            self._idler = performer = self._recent or self._new_performer(*self._assignment.first)
            if performer.shown is not None:
                performer.fade.start(performer.shown, frame.time, _LEAVE_SECONDS)
            self._idle_place = _moved_inside(performer.shown or standing_place(frame.time, size), size)
        performer = self._idler
        return self._shown(_NOBODY, performer, performer.idle(frame.time, self._idle_place))

    def _shown(self, person: Person, performer: _Performer, state: MotionState) -> Replacement:
        if self._mouth is not None:
            state = self._mouth(state, person.detection.pose, state.time)
        performer.shown = performer.fade(state)
        self._recent = performer
        retargeted = performer.retargeter.build(performer.shown, performer.height_ratio)
        return Replacement(person, performer.character, retargeted, present=person is not _NOBODY)

    def _new_performer(self, character: Character, height_ratio: float) -> _Performer:
        retargeter = Retargeter(character.skeleton, self._smooth, character.body_surface)
        retargeter.calibrate(self._calibration)
        return _Performer(character, height_ratio, retargeter, IdleMotion(retargeter.body))


@dataclass(eq=False)
class _Performer:
    """A character that somebody moves, or that idles.

    Attributes:
        character: what is drawn.
        height_ratio: its height over the person's.
        retargeter: of the person.
        idle: the character's motion while nobody is there.
        fade: between the two.
        shown: what was shown last.
    """

    character: Character
    height_ratio: float
    retargeter: Retargeter
    idle: IdleMotion
    fade: MotionTransition = field(default_factory=MotionTransition)
    shown: MotionState | None = None


def _moved_inside(place: MotionState, size: tuple[int, int]) -> MotionState:
    """Moves a place sideways into a frame of (width, height): whoever left was last seen at its edge."""
    known = place.point_trust > 0
    if not known.any():
        return standing_place(place.time, size)
    middle = float(np.median(place.points[known, 0]))
    shift = float(np.clip(middle, _MARGIN * size[0], (1 - _MARGIN) * size[0])) - middle
    return replace(place, points=place.points + np.array([shift, 0.0]))
