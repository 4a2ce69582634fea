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
from dance_now.pose.model.detection import Detection, Person
from dance_now.pose.model.keypoints import BODY_INDEX, FACE, LEFT_HAND, RIGHT_HAND
from dance_now.pose.model.pose import Pose
from dance_now.pose.networks.blazehand import HandLandmarks, HandNetwork
from dance_now.pose.networks.blended_depth import blend_depth
from dance_now.pose.networks.exposure import stretch_dark
from dance_now.pose.networks.facemesh import FaceLandmarks, FaceNetworks, region_from_face, region_from_head
from dance_now.pose.networks.lifter import open_lifter
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
_TURNS_PERIOD: Final = 2  # frames between two updates of the first person's hands and face, in turns
_REFRESH_PERIOD: Final = 4  # frames between two updates of the hands and face of a further person
_LARGE_SEGMENTS: Final = np.arange(1, 11)  # shoulders, trunk, arms and legs
_HEIGHT_QUANTILE: Final = 0.75


class Holistic:
    """Estimates body, hands and face of people, with depth and a mask; the base install's estimator.

    The body is ``BlazePose``'s, its depth blended with the lifting network's. A hand that its network finds
    gets all 21 points, else the four that BlazePose marks; a face that its network finds gets all 70 points,
    else none. Their confidence is the network's presence. Their depth is true to scale within a hand or face,
    and set at the depth of the body's wrist or nose. Of everybody but the first, hands and face are updated
    in one frame of four each, and move along with wrist and nose in between.
    """

    def __init__(
        self,
        threads: int = 2,
        models: Path | None = None,
        *,
        hands: bool = True,
        face: bool = True,
        max_people: int = 1,
        in_turns: bool = False,
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
            in_turns: read the first person's hands in one frame and the face in the next, for live use: a
                sixth less time, and both are half as often new.
            heavy: take the larger body network, where it is at hand.

        Raises:
            DanceNowError: a network cannot be fetched, is damaged, or is another network.
        """

        def path(name: str) -> Path:
            return models / name if models is not None else assets.pose_model(name)

        self._people = MultiPersonTracker(BlazePose(threads, models, heavy=heavy), max_people)
        self._lift = open_lifter()
        self._hands = HandNetwork(path("hand_landmark_full.tflite"), threads) if hands else None
        self._face = (
            FaceNetworks(path("face_landmark.tflite"), path("iris_landmark.tflite"), threads)
            if face
            else None
        )
        self._looks: dict[int, _HandFaceReader] = {}
        self._count = 0
        self._first_period = _TURNS_PERIOD if in_turns else 1

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
        return tuple(
            replace(person, detection=replace(person.detection, pose=blend_depth(pose, self._lift)))
            for person in self._people(image)
            for pose in [person.detection.pose]
        )

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
            Person(
                person.identity,
                looks[person.identity](
                    image,
                    person.detection,
                    self._count + place,
                    _REFRESH_PERIOD if place else self._first_period,
                ),
            )
            for place, person in enumerate(people)
        )


@dataclass(frozen=True, eq=False)
class _PartReading:
    """Landmarks of a hand or face: its rows of a pose, and the body point that anchors it."""

    rows: slice
    anchor: int
    reading: HandLandmarks | FaceLandmarks | None
    anchor_position: FloatArray  # (2,) pixels

    def moved_with(self, body: FloatArray) -> _PartReading:
        """Moves the landmarks with their anchor on a body (137, 3); drops them where it is not visible."""
        position = body[self.anchor, :2]
        if self.reading is None or body[self.anchor, 2] < _SEEN:
            return replace(self, reading=None, anchor_position=position)
        moved = replace(self.reading, points=self.reading.points + (position - self.anchor_position))
        return replace(self, reading=moved, anchor_position=position)


class _HandFaceReader:
    """Tracker of the hands and face of one person."""

    def __init__(self, hands: HandNetwork | None, face: FaceNetworks | None) -> None:
        self._hands = HandTracker(hands) if hands is not None else None
        self._face = _FaceTracker(face) if face is not None else None
        self._found: tuple[list[_PartReading], list[_PartReading]] | None = None

    def __call__(self, image: Image, detection: Detection, turn: int, period: int) -> Detection:
        """Adds hands and face to a body.

        Args:
            image: (H, W, 3) uint8 RGB.
            detection: the body.
            turn: frame counter.
            period: of so many frames, one updates the hands and one the face; the first call updates both.
        """
        body = detection.pose.points
        if self._found is None or period == 1:
            self._found = self._read_hands(image, body), self._read_face(image, body)
        else:
            hands, face = ([each.moved_with(body) for each in part] for part in self._found)
            self._found = (
                self._read_hands(image, body) if turn % period == 0 else hands,
                self._read_face(image, body) if turn % period == period // 2 else face,
            )
        return Detection(_merge_parts(detection.pose, [*self._found[0], *self._found[1]]), detection.mask)

    def _read_hands(self, image: Image, body: FloatArray) -> list[_PartReading]:
        if self._hands is None:
            return []
        hands = self._hands(image, (_arm(body, 0), _arm(body, 1)), _height(body))
        return [
            _PartReading(rows, wrist, hand, body[wrist, :2])
            for rows, wrist, hand in zip(_HANDS, _WRISTS, hands, strict=True)
        ]

    def _read_face(self, image: Image, body: FloatArray) -> list[_PartReading]:
        if self._face is None:
            return []
        return [_PartReading(FACE, _NOSE, self._face(image, body), body[_NOSE, :2])]


class _FaceTracker:
    """Tracker of one person's face."""

    def __init__(self, networks: FaceNetworks) -> None:
        self._networks = networks
        self.reset()

    def reset(self) -> None:
        self._steady = RegionFilter()

    def __call__(self, image: Image, points: FloatArray) -> FaceLandmarks | None:
        """Estimates the face of a body (137, 3); None where it is too small, turned away or hidden."""
        nose = points[_NOSE]
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
                return self._networks.read_landmarks(image, mesh, presence)
        self.reset()
        return None


def _merge_parts(body: Pose, found: list[_PartReading]) -> Pose:
    """Merges the landmarks of hands and face into the body's pose."""
    points, depth, has_depth = body.points.copy(), body.depth.copy(), body.has_depth.copy()
    for each in found:
        if each.reading is not None:
            points[each.rows, :2] = each.reading.points
            points[each.rows, 2] = each.reading.presence
            depth[each.rows] = each.reading.depth + depth[each.anchor]
            has_depth[each.rows] = True
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
    return float(np.quantile(lengths[seen], _HEIGHT_QUANTILE))
