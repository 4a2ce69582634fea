"""Registry of pose estimators by name."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Final

from dance_now.core.errors import DanceNowError
from dance_now.pose.model.detection import EstimatorOptions, PoseEstimator

ESTIMATORS: Final = ("mediapipe", "rtmw")
"""Names that users give; each is a module beside this one with a function ``build``."""


def open_estimator(
    threads: int = 2,
    *,
    hands: bool = True,
    face: bool = True,
    max_people: int = 1,
    name: str = "mediapipe",
    model: Path | None = None,
) -> PoseEstimator:
    """Creates a pose estimator, by default MediaPipe's networks, which the base install uses.

    Args:
        threads: CPU threads for the networks.
        hands: read fingers, where hands are large enough to be seen.
        face: read the face, where it is large enough to be seen.
        max_people: how many people to track: with 1 the most prominent one.
        name: one of ``ESTIMATORS``.
        model: the network's file, for estimators that do not come with one.

    Raises:
        DanceNowError: there is no such estimator, or its networks cannot be fetched.

    Example:
        >>> estimate = open_estimator()  # doctest: +SKIP
        >>> [person.identity for person in estimate(image)]  # doctest: +SKIP
        [1]
    """
    if name not in ESTIMATORS:
        raise DanceNowError(f"There is no estimator {name!r}; known: {', '.join(ESTIMATORS)}.")
    # only when a pose is to be estimated: this loads the runtimes
    module = import_module(f"dance_now.pose.estimators.{name}")
    options = EstimatorOptions(threads=threads, hands=hands, face=face, max_people=max_people, model=model)
    found: PoseEstimator = module.build(options)
    return found
