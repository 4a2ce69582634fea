"""MediaPipe estimator: the default, whose networks are fetched on first use."""

from __future__ import annotations

from dance_now.core.errors import DanceNowError
from dance_now.pose.estimators.holistic import Holistic
from dance_now.pose.model.detection import EstimatorOptions, PoseEstimator


def build(options: EstimatorOptions) -> PoseEstimator:
    """Builds the estimator of body, hands and face with depth and masks.

    Raises:
        DanceNowError: the networks cannot be fetched, or a model was given.
    """
    if options.model is not None:
        raise DanceNowError("model does not apply to estimator mediapipe, which has its own networks.")
    return Holistic(
        threads=options.threads,
        hands=options.hands,
        face=options.face,
        max_people=options.max_people,
        heavy=options.heavy,
        turn=options.turn,
    )
