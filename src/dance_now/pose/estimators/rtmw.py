"""RTMW and DWPose estimator: one whole-body network, given by the user as an ONNX file.

Source: Jiang et al., "RTMPose: Real-Time Multi-Person Pose Estimation based on MMPose", 2023; Yang et al.,
"Effective Whole-body Pose Estimation with Two-stages Distillation" (DWPose), 2023; the outputs are SimCC's
(Li et al., ECCV 2022), the points COCO-WholeBody's (Jin et al., ECCV 2020).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.assets import registry as assets
from dance_now.core.arrays import FloatArray, Image
from dance_now.core.errors import DanceNowError, MissingExtraError
from dance_now.pose.estimators.multi_person import MultiPersonTracker
from dance_now.pose.estimators.person_network import PersonLandmarks
from dance_now.pose.model.affine import to_opencv_affine
from dance_now.pose.model.body_layouts import COCO_WHOLEBODY_BODY, COCO_WHOLEBODY_ROWS, with_midpoints
from dance_now.pose.model.detection import Detection, EstimatorOptions, PoseEstimator
from dance_now.pose.model.keypoints import BODY, POINT_COUNT
from dance_now.pose.model.pose import Pose
from dance_now.pose.networks.litert import Region
from dance_now.pose.networks.person_detector import DetectedRegion, PersonDetector
from dance_now.pose.tracking.limb_hull import hull_mask

if TYPE_CHECKING:
    import onnxruntime

POINTS: Final = 133
_MEAN: Final = np.array([123.675, 116.28, 103.53], np.float32)
_DEVIATION: Final = np.array([58.395, 57.12, 57.375], np.float32)
_MARGIN: Final = 1.25
_PRESENT: Final = 0.3  # mean score of the body's points
_FEWEST_INSIDE: Final = 7
_VISIBILITY_PER_SCORE: Final = 1.6
_SEEN: Final = 0.3


def build(options: EstimatorOptions) -> PoseEstimator:
    """Builds an estimator of the user's network and MediaPipe's person detector; without depth.

    Raises:
        DanceNowError: no model was given, it is another network, or onnxruntime is not installed.
    """
    if options.model is None:
        raise DanceNowError("estimator rtmw needs model, the network's ONNX file.")
    return MultiPersonTracker(Rtmw(options.model, options.threads), options.max_people)


class Rtmw:
    """Estimates 133 keypoints of a person; the mask is drawn around the limbs."""

    def __init__(self, model: Path, threads: int = 2) -> None:
        """Loads the network and, when it is first needed, the person detector.

        Args:
            model: ONNX file of RTMW, DWPose or RTMPose with 133 points and SimCC outputs.
            threads: CPU threads.

        Raises:
            DanceNowError: as ``build``.
        """
        self._threads = threads
        self._session = _open_session(model, threads)
        self._input = self._session.get_inputs()[0].name
        shape = self._session.get_inputs()[0].shape
        if len(shape) != 4 or shape[1] != 3 or not all(isinstance(side, int) for side in shape[2:]):
            raise DanceNowError(f"{model} is not an RTMW network: its input has the shape {shape}.")
        self._height, self._width = int(shape[2]), int(shape[3])
        outputs = [output.shape for output in self._session.get_outputs()]
        if len(outputs) != 2 or any(len(each) != 3 or each[1] not in (POINTS, None) for each in outputs):
            raise DanceNowError(f"{model} does not have SimCC outputs of {POINTS} points, but {outputs}.")
        self._detector: PersonDetector | None = None

    def detect(self, image: Image, squares: Sequence[Region]) -> list[DetectedRegion]:
        """Detects people in upright squares of an image, most prominent first."""
        if self._detector is None:
            self._detector = PersonDetector(assets.pose_model("pose_detection.tflite"), self._threads)
        return self._detector(image, squares)

    def read_person(
        self, image: Image, region: Region, mask: FloatArray | None = None
    ) -> PersonLandmarks | None:
        """Estimates the person in the middle of a region; None where there is none.

        The mask is always that of the limbs' hulls.
        """
        if not region.is_usable(image):
            return None
        matrix = self._to_picture(region)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        window = cv2.warpAffine(image, to_opencv_affine(matrix), (self._width, self._height), flags=flags)
        values = ((window.astype(np.float32) - _MEAN) / _DEVIATION).transpose(2, 0, 1)[None]
        x, y = self._session.run(None, {self._input: np.ascontiguousarray(values)})
        points, scores = decode(x, y, self._width, self._height)
        if float(scores[: len(COCO_WHOLEBODY_BODY)].mean()) < _PRESENT:
            return None
        pose = to_pose(points @ matrix[:, :2].T + matrix[:, 2], scores)
        certainty = _certainty(pose, image.shape[1], image.shape[0])
        return PersonLandmarks(Detection(pose, hull_mask(pose)), self._circle(pose), certainty)

    def _to_picture(self, region: Region) -> npt.NDArray[np.float64]:
        """Affine matrix (2, 3) from the network's window, as high as the region, to the image."""
        matrix = region.to_image(self._height)
        matrix[:, 2] += matrix[:, 0] * (self._height - self._width) / 2
        return matrix

    def _circle(self, pose: Pose) -> FloatArray:
        """Circle (2, 2): the middle of the points and a point above, so that the next window holds all."""
        shown = pose.points[:, 2] >= _SEEN
        points = pose.points[shown if shown.any() else pose.visible, :2]
        low, high = points.min(axis=0), points.max(axis=0)
        width, height = high - low
        centre = (low + high) / 2
        # ``region_around`` adds the margin
        radius = max(height, width * self._height / self._width) / 2
        return np.array([centre, centre - [0, max(radius, 8.0)]], np.float32)


def _certainty(pose: Pose, width: int, height: int) -> float:
    """Mean score of the body's points inside an image; 0 if few are."""
    body = pose.body
    inside = ((body[:, :2] >= 0) & (body[:, :2] <= (width, height))).all(axis=1) & (body[:, 2] > 0)
    if inside.sum() < _FEWEST_INSIDE:
        return 0.0
    # a score of 0.5 is as good as a visibility of 0.8
    return float(min(body[inside, 2].mean() * _VISIBILITY_PER_SCORE, 1.0))


def decode(x: FloatArray, y: FloatArray, width: int, height: int) -> tuple[FloatArray, FloatArray]:
    """Decodes points and scores from SimCC's two outputs, each a row of bins for every point.

    Args:
        x: (1, 133, bins) scores of the columns.
        y: (1, 133, bins) scores of the rows.
        width, height: of the network's window, over which the bins are spread.

    Returns:
        (133, 2) pixels of the window, and (133,) scores in [0, 1], the lesser of the two.
    """
    places = [
        (scores[0].argmax(axis=1) + 0.5) * (side / scores.shape[2])
        for scores, side in ((x, width), (y, height))
    ]
    best = np.minimum(x[0].max(axis=1), y[0].max(axis=1))
    best = np.where(np.isfinite(best), np.clip(best, 0, 1), 0)
    return np.stack(places, axis=1).astype(np.float32), best.astype(np.float32)


def to_pose(points: npt.NDArray[np.floating], scores: FloatArray) -> Pose:
    """Converts COCO-WholeBody points (133, 2) with scores (133,) to a pose."""
    rows = np.zeros((POINT_COUNT, 3), np.float32)
    rows[COCO_WHOLEBODY_ROWS] = np.column_stack([points, scores])
    rows[BODY] = with_midpoints(rows[BODY])
    return Pose(rows)


def _open_session(model: Path, threads: int) -> onnxruntime.InferenceSession:
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("onnxruntime", "onnx") from error
    onnxruntime.disable_telemetry_events()  # which its builds for Windows send
    if not model.is_file():
        raise DanceNowError(f"model {model} does not exist. Choose the network's ONNX file.")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # what fails is raised as well
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exception types share no public base class
        raise DanceNowError(f"{model} is damaged or not an ONNX network.") from error
