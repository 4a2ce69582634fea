"""The whole person: body, hands and face, each by its own networks.

Source: the order of work of MediaPipe Holistic (Grishchenko and Bazarevsky, "MediaPipe Holistic", 2020): the
body says where hands and face are, their own networks look closer. Here for several people at once.
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
from dance_now.pose.model.body_scale import SEGMENTS, SHARES
from dance_now.pose.model.detection import Detection, Person
from dance_now.pose.model.keypoints import BODY_INDEX, FACE, LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.pose.networks.blazehand import HandNetwork, HandReading
from dance_now.pose.networks.facemesh import FaceNetworks, FaceReading, region_from_face, region_from_head
from dance_now.pose.networks.litert import Region
from dance_now.pose.networks.region_filter import SteadyRegion

_HEAD: Final = [BODY_INDEX[name] for name in ("nose", "right_eye", "left_eye", "right_ear", "left_ear")]
_NOSE: Final = _HEAD[0]
_WRISTS: Final = (BODY_INDEX["left_wrist"], BODY_INDEX["right_wrist"])
_HANDS: Final = (LEFT_HAND, RIGHT_HAND)
_SEEN: Final = 0.3  # confidence of a point of the body from which its hand or face is looked for
_FACE_PRESENT: Final = 0.5
_SMALLEST_FACE: Final = 24.0  # pixels
_FIRST_LOOKS: Final = 2
_TURNS: Final = 4  # pictures in which hands and face of a further person are read once
_LARGE_SEGMENTS: Final = np.arange(1, 11)  # shoulders, trunk, arms and legs
_HEIGHT_QUANTILE: Final = 0.75


class Holistic:
    """The pose estimator of the base install: body, hands and face of people, with depth and a mask.

    The body is ``BlazePose``'s. A hand that its network sees gets all 21 points, else the four that BlazePose
    marks; a face that its network sees gets all 70 points, else none. Their confidence is the network's
    presence. Their depth is true to scale within a hand or face, and set at the depth of the body's wrist or
    nose. Of everybody but the first, hands and face are read in one picture of four each, and move along
    with wrist and nose in between.
    """

    def __init__(
        self,
        threads: int = 2,
        models: Path | None = None,
        *,
        hands: bool = True,
        face: bool = True,
        most: int = 1,
    ) -> None:
        """Loads the networks.

        Args:
            threads: CPU threads.
            models: folder with the tflite files; by default ``assets.registry`` finds or fetches
                them.
            hands: read fingers; 4 ms a hand.
            face: read the face; 3 ms.
            most: how many people to follow.

        Raises:
            DanceNowError: a network cannot be had, is damaged, or is another network.
        """

        def path(name: str) -> Path:
            return models / name if models is not None else assets.pose_model(name)

        self._people = MultiPersonTracker(BlazePose(threads, models), most)
        self._hands = HandNetwork(path("hand_landmark_full.tflite"), threads) if hands else None
        self._face = (
            FaceNetworks(path("face_landmark.tflite"), path("iris_landmark.tflite"), threads)
            if face
            else None
        )
        self._looks: dict[int, _CloserLook] = {}
        self._count = 0

    def reset(self) -> None:
        """Forgets everybody."""
        self._people.reset()
        self._looks = {}
        self._count = 0

    def __call__(self, image: Image) -> tuple[Person, ...]:
        """The people in ``image`` in the order of their identities.

        Args:
            image: (H, W, 3) uint8 RGB of any size; it is not written to.

        Raises:
            ValueError: another shape or type.
        """
        return self.closer(image, self.bodies(image))

    def bodies(self, image: Image) -> tuple[Person, ...]:
        """The people without hands and faces."""
        return self._people(image)

    def closer(self, image: Image, people: tuple[Person, ...]) -> tuple[Person, ...]:
        """What ``bodies`` found in ``image`` with hands and faces."""
        image = np.ascontiguousarray(image)
        looks = {
            person.identity: self._looks.get(person.identity) or _CloserLook(self._hands, self._face)
            for person in people
        }
        self._looks = looks
        self._count += 1
        return tuple(
            Person(
                person.identity,
                looks[person.identity](image, person.detection, self._count + place if place else None),
            )
            for place, person in enumerate(people)
        )


@dataclass(frozen=True, eq=False)
class _Found:
    """What was read of a hand or face: its rows of a pose, and the body's point that carries it."""

    rows: slice
    carrier: int
    reading: HandReading | FaceReading | None
    place: FloatArray  # (2,) of the carrier

    def carried(self, body: FloatArray) -> _Found:
        """The same on a body (137, 3) that has moved; nothing where the carrier is not seen."""
        place = body[self.carrier, :2]
        if self.reading is None or body[self.carrier, 2] < _SEEN:
            return replace(self, reading=None, place=place)
        moved = replace(self.reading, points=self.reading.points + (place - self.place))
        return replace(self, reading=moved, place=place)


class _CloserLook:
    """Hands and face of one person, followed from frame to frame."""

    def __init__(self, hands: HandNetwork | None, face: FaceNetworks | None) -> None:
        self._hands = HandTracker(hands) if hands is not None else None
        self._face = _Face(face) if face is not None else None
        self._found: tuple[list[_Found], list[_Found]] | None = None

    def __call__(self, image: Image, detection: Detection, turn: int | None) -> Detection:
        """The person with what is seen of hands and face.

        Args:
            image: (H, W, 3) uint8 RGB.
            detection: the body.
            turn: counts up; of four, one is for the hands and one for the face. None for both, which is also
                what a first look takes.
        """
        body = detection.pose.points
        if self._found is None or turn is None:
            self._found = self._read_hands(image, body), self._read_face(image, body)
        else:
            hands, face = ([each.carried(body) for each in part] for part in self._found)
            self._found = (
                self._read_hands(image, body) if turn % _TURNS == 0 else hands,
                self._read_face(image, body) if turn % _TURNS == 2 else face,
            )
        return Detection(_joined(detection.pose, [*self._found[0], *self._found[1]]), detection.mask)

    def _read_hands(self, image: Image, body: FloatArray) -> list[_Found]:
        if self._hands is None:
            return []
        hands = self._hands(image, (_arm(body, 0), _arm(body, 1)), _height(body))
        return [
            _Found(rows, wrist, hand, body[wrist, :2])
            for rows, wrist, hand in zip(_HANDS, _WRISTS, hands, strict=True)
        ]

    def _read_face(self, image: Image, body: FloatArray) -> list[_Found]:
        if self._face is None:
            return []
        return [_Found(FACE, _NOSE, self._face(image, body), body[_NOSE, :2])]


class _Face:
    """One person's face, followed from frame to frame."""

    def __init__(self, networks: FaceNetworks) -> None:
        self._networks = networks
        self.reset()

    def reset(self) -> None:
        self._steady = SteadyRegion()

    def __call__(self, image: Image, points: FloatArray) -> FaceReading | None:
        """The face of a body (137, 3), or None where it is too small, turned away or hidden."""
        nose = points[_NOSE]
        followed = self._steady.at(nose[:2])
        region = followed
        if region is None and nose[2] >= _SEEN:
            region = region_from_head(points[_HEAD, :2])
        for look in range(1 if followed is not None else _FIRST_LOOKS):
            if region is None or not _near(region, nose):
                break
            found = self._networks.find(image, region)
            if found is None or found[1] < _FACE_PRESENT:
                break
            mesh, presence = found
            region = region_from_face(mesh)
            if float(np.ptp(mesh[:, :2], axis=0).max()) < _SMALLEST_FACE:
                break
            if followed is not None or look == _FIRST_LOOKS - 1:
                self._steady.update(region, nose[:2])
                return self._networks.read(image, mesh, presence)
        self.reset()
        return None


def _joined(body: Pose, found: list[_Found]) -> Pose:
    """The body's pose with what was found."""
    points, depth, has_depth = body.points.copy(), body.depth.copy(), body.has_depth.copy()
    for each in found:
        if each.reading is not None:
            points[each.rows, :2] = each.reading.points
            points[each.rows, 2] = each.reading.presence
            depth[each.rows] = each.reading.depth + depth[each.carrier]
            has_depth[each.rows] = True
    return Pose(points, depth, has_depth)


def _near(region: Region, nose: FloatArray) -> bool:
    """Whether a face's square is still on its own head."""
    return float(np.hypot(region.x - nose[0], region.y - nose[1])) < region.size / 2


def _arm(points: FloatArray, side: int) -> Arm:
    start, wrist = _HANDS[side].start, points[_WRISTS[side]]
    return Arm(
        wrist[:2].copy(), points[start + 5, :2].copy(), points[start + 17, :2].copy(), bool(wrist[2] >= _SEEN)
    )


def _height(points: FloatArray) -> float:
    """The standing height in pixels that the longest-looking limbs speak for; 0 where too few are seen."""
    start, end = SEGMENTS[_LARGE_SEGMENTS].T
    seen = np.minimum(points[start, 2], points[end, 2]) >= _SEEN
    if not seen.any():
        return 0.0
    lengths = np.linalg.norm(points[end, :2] - points[start, :2], axis=1) / SHARES[_LARGE_SEGMENTS]
    return float(np.quantile(lengths[seen], _HEIGHT_QUANTILE))
