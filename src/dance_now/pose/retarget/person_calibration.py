"""Person calibration: somebody's neutral face and proportions, measured once and kept between runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dance_now.pose.model.body_scale import Proportions
from dance_now.pose.model.pose import Pose
from dance_now.pose.retarget.face_expression import clip_neutral, measure_face

Array = npt.NDArray[np.float64]

_SECONDS = 1.2  # of a relaxed face
_FEWEST = 8  # faces
_TRUST = 0.5
_PATIENCE = 6.0  # seconds after which a calibration is given up


@dataclass(frozen=True, eq=False)
class PersonCalibration:
    """What is kept of a person.

    Attributes:
        neutral: (8,) measures of the neutral face, see ``face_expression``.
        proportions: of the body, which tell the standing height where only a part of it is visible.
    """

    neutral: Array
    proportions: Proportions

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "neutral": self.neutral.tolist(),
            "factors": list(self.proportions.factors),
            "head_factor": self.proportions.head_factor,
        }

    @classmethod
    def from_json(cls, content: object) -> PersonCalibration:
        """Reads plain values; they are clipped to what people are like.

        Raises:
            ValueError: malformed.
        """
        if not isinstance(content, dict):
            raise ValueError("a calibration is an object")
        try:
            neutral = np.asarray(content["neutral"], np.float64)
            proportions = Proportions.clipped(content["factors"], content["head_factor"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"a calibration lacks {error}") from error
        return cls(clip_neutral(neutral), proportions)


class NeutralFaceSampler:
    """Collects a relaxed face for a moment."""

    def __init__(self) -> None:
        self._samples: list[Array] = []
        self._start: float | None = None

    def has_failed(self, time: float) -> bool:
        """Whether too little was seen for too long; ``time`` in seconds, from the first frame on."""
        self._start = time if self._start is None else self._start
        return time - self._start > _PATIENCE

    def __call__(self, pose: Pose, time: float) -> Array | None:
        """Adds a frame's face.

        Returns:
            The neutral face (8,) once it is known; median of what was seen.
        """
        self._start = time if self._start is None else self._start
        measures, trust = measure_face(pose)
        if float(trust.max()) >= _TRUST:
            self._samples.append(measures)
        if time - self._start < _SECONDS or len(self._samples) < _FEWEST:
            return None
        return clip_neutral(np.median(self._samples, axis=0))
