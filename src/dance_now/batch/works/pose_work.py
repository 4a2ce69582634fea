"""Pose estimation as a work of a batch: a folder of keypoint files for each source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from dance_now.app.pose_export import write_poses
from dance_now.batch.batch_task import Outcome
from dance_now.batch.runners.runner import JobReporter
from dance_now.batch.sidecar import file_hash
from dance_now.pose.estimators.estimator_registry import open_estimator
from dance_now.pose.formats.keypoint_writers import PoseFormat
from dance_now.pose.model.detection import PoseEstimator
from dance_now.pose.tracking.tracker import MAX_PEOPLE


@dataclass(frozen=True, kw_only=True)
class PoseWork:
    """Estimates poses and writes them; the fields are those of ``write_poses``, and the estimator's name."""

    format: PoseFormat = "openpose"
    overlay: bool = False
    csv: bool = False
    bvh: bool = False
    start: float | None = None
    end: float | None = None
    sequence: bool | None = None
    estimator: str = "mediapipe"
    model: Path | None = None

    def identity(self) -> Mapping[str, Any]:
        """Options and the hash of the model.

        Raises:
            DanceNowError: the model cannot be read.
        """
        model = None if self.model is None else file_hash(self.model)
        return {"work": "pose", "options": {**asdict(self), "model": model}}

    def output_name(self, source: str, name: str) -> str:
        """``NAME_pose``, a folder."""
        return f"{Path(name.partition('?')[0]).stem}_pose"

    def open(self) -> PoseProcess:
        """Loads the networks."""
        return PoseProcess(self)


class PoseProcess:
    """Estimates the poses of one source after the other with the same networks."""

    def __init__(self, work: PoseWork) -> None:
        self._work = work
        self._estimator = open_estimator(max_people=MAX_PEOPLE, name=work.estimator, model=work.model)

    def __call__(self, source: str, output: Path, overwrite: bool, report: JobReporter) -> Outcome:
        """Writes the folder of one source."""
        _restart(self._estimator)
        work = self._work
        result = write_poses(
            source,
            output,
            format=work.format,
            overlay=work.overlay,
            csv=work.csv,
            bvh=work.bvh,
            start=work.start,
            end=work.end,
            sequence=work.sequence,
            overwrite=overwrite,
            estimator=self._estimator,
            progress=report.progress,
        )
        return Outcome(result.frames, result.missed, result.skipped)


def _restart(estimator: PoseEstimator) -> None:
    """Makes an estimator as if it were new."""
    getattr(estimator, "restart", estimator.reset)()
