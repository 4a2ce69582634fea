"""Network cache: characters and pose estimators that stay loaded from one file to the next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dance_now.app.character_loading import CharacterLike, load_characters
from dance_now.character.character import Character, Device
from dance_now.pose.estimators.estimator_registry import open_estimator
from dance_now.pose.model.detection import EstimatorOptions, PoseEstimator


class NetworkCache:
    """Loads characters and pose estimators once, and hands the same ones out again.

    One run at a time may use a cache: estimators keep state between frames.

    Example:
        >>> networks = NetworkCache()
        >>> networks.characters(["tempo"]) == networks.characters(["tempo"])
        True
    """

    def __init__(self) -> None:
        self._characters: dict[tuple[str | Path, Device, int], Character] = {}
        self._estimators: dict[tuple[str, EstimatorOptions], PoseEstimator] = {}

    def characters(
        self, requested: Sequence[CharacterLike], device: Device = "auto", threads: int = 0
    ) -> tuple[Character, ...]:
        """Loads characters; arguments and errors as for ``load_characters``."""
        loaded = []
        for each in requested:
            if not isinstance(each, str | Path):
                loaded.append(each)
                continue
            key = (each, device, threads)
            if key not in self._characters:
                (self._characters[key],) = load_characters([each], device, threads)
            loaded.append(self._characters[key])
        return tuple(loaded)

    def estimator(self, options: EstimatorOptions, name: str = "mediapipe") -> PoseEstimator:
        """Opens an estimator without tracks; names and errors as for ``open_estimator``."""
        key = (name, options)
        if key not in self._estimators:
            self._estimators[key] = open_estimator(name=name, **vars(options))
            return self._estimators[key]
        estimator = self._estimators[key]
        getattr(estimator, "restart", estimator.reset)()
        return estimator
