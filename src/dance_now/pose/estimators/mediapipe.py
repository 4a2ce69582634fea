"""MediaPipe's networks: the estimator of the base install, fetched on first use."""

from __future__ import annotations

from dance_now.core.errors import DanceNowError
from dance_now.pose.estimators.holistic import Holistic
from dance_now.pose.model.detection import EstimatorOptions, PoseEstimator


def build(options: EstimatorOptions) -> PoseEstimator:
    """Body, hands and face with depth and masks.

    Raises:
        DanceNowError: the networks cannot be had, or a model was named.
    """
    if options.model is not None:
        raise DanceNowError("--model goes with another --estimator; this one brings its own networks.")
    return Holistic(threads=options.threads, hands=options.hands, face=options.face, most=options.most)
