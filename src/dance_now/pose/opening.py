"""Opens the pose estimator of the base install."""

from __future__ import annotations

from dance_now.pose.estimator import PoseEstimator


def open_estimator(threads: int = 2, *, hands: bool = True, face: bool = True) -> PoseEstimator:
    """The estimator that comes with the base install: MediaPipe's networks, fetched on first use.

    Args:
        threads: CPU threads for the networks.
        hands: read fingers, where hands are large enough to be seen.
        face: read the face, where it is large enough to be seen.

    Raises:
        DanceNowError: the networks cannot be had.

    Example:
        >>> estimate = open_estimator()  # doctest: +SKIP
        >>> estimate(image).pose.body.shape  # doctest: +SKIP
        (25, 3)
    """
    from dance_now.pose.holistic import Holistic  # loads LiteRT: only when a pose is to be estimated

    return Holistic(threads=threads, hands=hands, face=face)
