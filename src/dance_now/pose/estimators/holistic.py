"""Holistic pose estimator: body, hands and face, each by its own networks.

Source: the pipeline of MediaPipe Holistic (Grishchenko and Bazarevsky, "MediaPipe Holistic", 2020): the body
network locates hands and face for their own networks. Here for several people at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from dance_now.assets import registry as assets
from dance_now.core.arrays import FloatArray, Image
from dance_now.pose.estimators.blazepose import BlazePose
from dance_now.pose.estimators.hand_tracker import Arm, HandTracker
from dance_now.pose.estimators.multi_person import MultiPersonTracker
from dance_now.pose.model.body_scale import SEGMENT_RATIOS, SEGMENTS
from dance_now.pose.model.detection import Detection, Person, PosePart
from dance_now.pose.model.keypoints import BODY_INDEX, FACE, LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.pose.model.vectors import quantile
from dance_now.pose.networks.blazehand import HandLandmarks, HandNetwork
from dance_now.pose.networks.exposure import stretch_dark
from dance_now.pose.networks.facemesh import FaceLandmarks, FaceNetworks, region_from_face, region_from_head
from dance_now.pose.networks.litert import Region
from dance_now.pose.networks.region_filter import RegionFilter

_HEAD: Final = [BODY_INDEX[name] for name in ("nose", "right_eye", "left_eye", "right_ear", "left_ear")]
_NOSE: Final = _HEAD[0]
_WRISTS: Final = (BODY_INDEX["left_wrist"], BODY_INDEX["right_wrist"])
_HANDS: Final = (LEFT_HAND, RIGHT_HAND)
_SEEN: Final = 0.3  # confidence of a point of the body from which its hand or face is searched
_FACE_PRESENT: Final = 0.5
_SMALLEST_FACE: Final = 24.0  # pixels
_INITIAL_PASSES: Final = 2
_REFRESH_PERIOD: Final = 4  # frames in which a further person's hands and face are read once
_LARGE_SEGMENTS: Final = np.arange(1, 11)  # shoulders, trunk, arms and legs
_HEIGHT_QUANTILE: Final = 0.75


class Holistic:
    """Estimates body, hands and face of people, with depth and a mask; the base install's estimator.

    The body is ``BlazePose``'s. A hand that its network finds gets all 21 points, else the four that
    BlazePose marks; a face that its network finds gets all 70 points, else none. Their confidence is the
    network's presence. Their depth is true to scale within a hand or face, and set at the depth of the body's
    wrist or nose. Of everybody but the first, each hand and the face are read in one frame of four, and move
    along with wrist and nose in between.
    """

    def __init__(
        self,
        threads: int = 2,
        models: Path | None = None,
        *,
        hands: bool = True,
        face: bool = True,
        max_people: int = 1,
        turn: int = 1,
        heavy: bool = False,
    ) -> None:
        """Loads the networks.

        Args:
            threads: CPU threads.
            models: folder with the tflite files; by default ``assets.registry`` finds or fetches
                them.
            hands: read fingers; 4 ms a hand.
            face: read the face; 3 ms.
            max_people: how many people to track.
            turn: frames in which each hand and eye of the first person is read once: 1, 2 (a quarter less
                time) or 4 (then every second frame reads the face). What is not read moves along with wrist
                or nose and is marked in ``Detection.carried``.
            heavy: take the larger body network, where it is at hand.

        Raises:
            DanceNowError: a network cannot be fetched, is damaged, or is another network.
        """

        def path(name: str) -> Path:
            return models / name if models is not None else assets.pose_model(name)

        self._people = MultiPersonTracker(BlazePose(threads, models, heavy=heavy), max_people)
        self._hands = HandNetwork(path("hand_landmark_full.tflite"), threads) if hands else None
        self._face = (
            FaceNetworks(path("face_landmark.tflite"), path("iris_landmark.tflite"), threads)
            if face
            else None
        )
        self._looks: dict[int, _HandFaceReader] = {}
        self._count = 0
        self._turns = _TURNS[turn]

    @property
    def left_out(self) -> int:
        """Most people found in a frame beyond ``max_people``."""
        return self._people.left_out

    def restart(self) -> None:
        """Makes the estimator as if it were new, for another source."""
        self._people.restart()
        self.reset()

    def reset(self) -> None:
        """Drops all tracks."""
        self._people.reset()
        self._looks = {}
        self._count = 0

    def __call__(self, image: Image) -> tuple[Person, ...]:
        """Estimates the people in ``image``, in the order of their identities.

        Args:
            image: (H, W, 3) uint8 RGB of any size; it is not written to.

        Raises:
            ValueError: another shape or type.
        """
        return self.add_hands_and_faces(image, self.detect_bodies(image))

    def detect_bodies(self, image: Image) -> tuple[Person, ...]:
        """Detects and tracks the people, without hands and faces."""
        return self._people(image)

    def detect_bodies_alone(self, image: Image) -> tuple[Person, ...]:
        """Detects and tracks the people; most masks are of an earlier frame and moved along."""
        return self._people(image, masks=False)

    def add_hands_and_faces(self, image: Image, people: tuple[Person, ...]) -> tuple[Person, ...]:
        """Adds hands and faces to the result of ``detect_bodies`` for the same image."""
        image = stretch_dark(np.ascontiguousarray(image))
        looks = {
            person.identity: self._looks.get(person.identity) or _HandFaceReader(self._hands, self._face)
            for person in people
        }
        self._looks = looks
        self._count += 1
        return tuple(
            replace(person, detection=looks[person.identity](image, person.detection, self._turn(place)))
            for place, person in enumerate(people)
        )

    def _turn(self, place: int) -> _Turn:
        """What is read of a person in this frame."""
        if place > 0:
            return _REFRESH_TURNS[(self._count + place) % _REFRESH_PERIOD]
        return self._turns[self._count % len(self._turns)]


@dataclass(frozen=True)
class _Turn:
    """What is read of a person in one frame; the rest is carried along.

    Attributes:
        hands: left and right. One that is hidden leaves its turn to the other one.
        face: whether the face is read.
        eyes: right and left.
    """

    hands: tuple[bool, bool] = (False, False)
    face: bool = False
    eyes: tuple[bool, bool] = (False, False)


_EVERYTHING: Final = _Turn((True, True), True, (True, True))
_TURNS: Final = {
    1: (_EVERYTHING,),
    2: (_Turn((True, False), True, (False, True)), _Turn((False, True), True, (True, False))),
    4: (
        _Turn(hands=(True, False)),
        _Turn(face=True, eyes=(False, True)),
        _Turn(hands=(False, True)),
        _Turn(face=True, eyes=(True, False)),
    ),
}
_REFRESH_TURNS: Final = (
    _Turn(hands=(True, False)),
    _Turn(face=True, eyes=(True, True)),
    _Turn(hands=(False, True)),
    _Turn(),
)


class _HandFaceReader:
    """Tracker of the hands and face of one person."""

    def __init__(self, hands: HandNetwork | None, face: FaceNetworks | None) -> None:
        self._hands = HandTracker(hands) if hands is not None else None
        self._face = _FaceTracker(face) if face is not None else None
        self._is_new = True

    def __call__(self, image: Image, detection: Detection, turn: _Turn) -> Detection:
        """Adds hands and face to a body; the first call reads everything.

        Args:
            image: (H, W, 3) uint8 RGB.
            detection: the body.
            turn: what is read.
        """
        if self._is_new:
            turn, self._is_new = _EVERYTHING, False
        pose = detection.pose
        found: list[tuple[slice, int, HandLandmarks | FaceLandmarks | None]] = []
        carried: frozenset[PosePart] = frozenset()
        if self._hands is not None:
            arms = _arm(pose.points, 0), _arm(pose.points, 1)
            hands = self._hands(image, arms, _height(pose.points), _hands_to_read(turn, arms))
            found += zip(_HANDS, _WRISTS, hands, strict=True)
            carried = self._hands.carried
        if self._face is not None:
            found.append((FACE, _NOSE, self._face(image, pose.points, turn)))
            carried |= frozenset() if turn.face else {"face"}
        return replace(detection, pose=_merge_parts(pose, found), carried=carried)


def _hands_to_read(turn: _Turn, arms: tuple[Arm, Arm]) -> tuple[bool, bool]:
    """Which hands are read: where one of them is to be, but is hidden, the other one is."""
    left, right = (arm.seen for arm in arms)
    return (True, True) if any(turn.hands) and left != right else turn.hands


class _FaceTracker:
    """Tracker of one person's face."""

    def __init__(self, networks: FaceNetworks) -> None:
        self._networks = networks
        self.reset()

    def reset(self) -> None:
        self._steady = RegionFilter()
        self._latest: FaceLandmarks | None = None
        self._nose = np.zeros(2, np.float32)

    def __call__(self, image: Image, points: FloatArray, turn: _Turn) -> FaceLandmarks | None:
        """Estimates the face of a body (137, 3); None where it is too small, turned away or hidden."""
        nose = points[_NOSE]
        if not turn.face:
            if nose[2] < _SEEN:
                self._latest = None
            return None if self._latest is None else self._latest.moved(nose[:2] - self._nose)
        self._latest, self._nose = self._read(image, nose, points, turn.eyes), nose[:2].copy()
        return self._latest

    def _read(
        self, image: Image, nose: FloatArray, points: FloatArray, eyes: tuple[bool, bool]
    ) -> FaceLandmarks | None:
        followed = self._steady.at(nose[:2])
        region = followed
        if region is None and nose[2] >= _SEEN:
            region = region_from_head(points[_HEAD, :2])
        for look in range(1 if followed is not None else _INITIAL_PASSES):
            if region is None or not _near(region, nose):
                break
            found = self._networks.read_mesh(image, region)
            if found is None or found[1] < _FACE_PRESENT:
                break
            mesh, presence = found
            region = region_from_face(mesh)
            if float(np.ptp(mesh[:, :2], axis=0).max()) < _SMALLEST_FACE:
                break
            if followed is not None or look == _INITIAL_PASSES - 1:
                self._steady.update(region, nose[:2])
                known = (None, None) if self._latest is None else self._latest.eyes
                right, left = (None if new else offsets for new, offsets in zip(eyes, known, strict=True))
                return self._networks.read_landmarks(image, mesh, presence, (right, left))
        self.reset()
        return None


def _merge_parts(body: Pose, found: list[tuple[slice, int, HandLandmarks | FaceLandmarks | None]]) -> Pose:
    """Merges hands and face into the body's pose.

    Args:
        body: the pose.
        found: rows of the pose, the body's point that anchors them in depth, and the landmarks.
    """
    points, depth, has_depth = body.points.copy(), body.depth.copy(), body.has_depth.copy()
    for rows, anchor, part in found:
        if part is not None:
            points[rows, :2] = part.points
            points[rows, 2] = part.presence
            depth[rows] = part.depth + depth[anchor]
            has_depth[rows] = True
    return Pose(points, depth, has_depth, body.hidden_below)


def _near(region: Region, nose: FloatArray) -> bool:
    """Tests whether a face's square is still on its own head."""
    return float(np.hypot(region.x - nose[0], region.y - nose[1])) < region.size / 2


def _arm(points: FloatArray, side: int) -> Arm:
    start, wrist = _HANDS[side].start, points[_WRISTS[side]]
    return Arm(
        wrist[:2].copy(), points[start + 5, :2].copy(), points[start + 17, :2].copy(), bool(wrist[2] >= _SEEN)
    )


def _height(points: FloatArray) -> float:
    """Standing height in pixels from the least foreshortened limbs; 0 where too few are visible."""
    start, end = SEGMENTS[_LARGE_SEGMENTS].T
    seen = np.minimum(points[start, 2], points[end, 2]) >= _SEEN
    if not seen.any():
        return 0.0
    lengths = np.linalg.norm(points[end, :2] - points[start, :2], axis=1) / SEGMENT_RATIOS[_LARGE_SEGMENTS]
    return quantile(lengths[seen], _HEIGHT_QUANTILE)
