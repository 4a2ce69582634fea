"""How a training run is set up; every run writes its resolved configuration beside its checkpoint."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal, Self

from dance_now.core.errors import DanceNowError
from dance_now.training.data.pose_noise import PoseNoise
from dance_now.training.networks.points_generator import GeneratorConfig

PresetName = Literal["debug", "quick", "standard", "full"]


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """What is added to the reconstruction loss, whose weight is 1; 0 leaves a loss out.

    Attributes:
        adversarial: hinge loss of the patch discriminators.
        matching: feature matching.
        picture: discriminators of whole windows; a factor on ``adversarial`` and ``matching``.
        face: discriminator of the face alone; the same.
        face_detail: the reconstruction loss of the face's square once more.
        structure: 1 less the structural similarity.
        perceptual: distance of the features of a classifier.
        temporal: difference of pictures of almost the same pose.
    """

    adversarial: float = 0.004
    matching: float = 0.05
    picture: float = 1.0
    face: float = 0.0
    face_detail: float = 0.0
    structure: float = 0.0
    perceptual: float = 0.0
    temporal: float = 0.0


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """One training run.

    Attributes:
        steps: optimiser steps.
        batch: pictures a step, of all workers together.
        window: side in pixels of the square windows cut from the 512 px pictures; they lie on the figure.
        rate: Adam's learning rate for the decoder at its peak (cosine decay to 2 %).
        losses: weights of the losses.
        adversarial_from: part of the run after which the discriminators join; 1: never, and none are built.
        pose_noise: errors of the poses that pictures are drawn from.
        average: decay of the averaged weights that are shipped.
        checkpoint_minutes: how often the run is saved.
        preview_minutes: how often the preview sheet is drawn.
        log_every: steps from one line of the log to the next.
        images: pictures rendered when the source is an avatar.
        seed: of everything random.
        generator: sizes of the generator.
    """

    steps: int
    batch: int
    window: int
    rate: float = 2e-3
    losses: LossWeights = field(default_factory=LossWeights)
    adversarial_from: float = 0.65
    pose_noise: PoseNoise = field(default_factory=PoseNoise)
    average: float = 0.998
    checkpoint_minutes: float = 2.0
    preview_minutes: float = 5.0
    log_every: int = 25
    images: int
    seed: int = 0
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)

    def without_idle_judges(self) -> Self:
        """The same without discriminators where these would never join."""
        if self.adversarial_from < 1:
            return self
        return replace(self, losses=replace(self.losses, picture=0.0, face=0.0))

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The configuration that ``to_json`` was called on.

        Raises:
            DanceNowError: it is that of another version.
        """
        try:
            parts: dict[str, Any] = {
                "losses": LossWeights(**data["losses"]),
                "pose_noise": PoseNoise(**data["pose_noise"]),
                "generator": GeneratorConfig(**data["generator"]),
            }
            return cls(**{**data, **parts})
        except (KeyError, TypeError) as error:
            raise DanceNowError(f"The run's configuration is that of another version ({error}).") from error


# Beside the reconstruction, the losses that are worth their time on a processor (benchmarks/README.md).
_WORTH_IT: Final = LossWeights(face_detail=0.2, structure=1.5)

PRESETS: dict[PresetName, TrainingConfig] = {
    # Seconds on a CPU; proves that every stage runs, discriminators too, draws a blur.
    "debug": TrainingConfig(
        steps=12, batch=2, window=128, log_every=1, images=24, generator=GeneratorConfig(points=1500, width=8)
    ),
    # About ten minutes on two CPU cores, rendering and scoring included.
    "quick": TrainingConfig(
        steps=900, batch=4, window=256, adversarial_from=1.0, losses=_WORTH_IT, images=700
    ),
    # For a CPU: an hour.
    "standard": TrainingConfig(
        steps=6000, batch=4, window=256, adversarial_from=1.0, losses=_WORTH_IT, images=4000
    ),
    # For a GPU, with discriminators.
    "full": TrainingConfig(steps=60000, batch=16, window=384, losses=_WORTH_IT, images=12000),
}
