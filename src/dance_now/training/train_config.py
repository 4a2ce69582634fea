"""Training configuration: a dataclass and its presets; every run writes its resolved copy as config.json."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal, Self

from dance_now.core.errors import DanceNowError
from dance_now.training.data.pose_noise import PoseNoise
from dance_now.training.networks.generator_config import GeneratorConfig

PresetName = Literal["debug", "quick", "standard", "full"]

# Fields whose names in files that users have differ.
_STORED_NAMES: Final = {"crop": "window", "ema_decay": "average"}
_FIELD_NAMES: Final = {stored: name for name, stored in _STORED_NAMES.items()}


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """Weights of the losses beside the reconstruction loss, whose weight is 1; 0 leaves a loss out.

    Attributes:
        adversarial: hinge loss of the patch discriminators.
        matching: feature matching.
        picture: discriminators of whole crops; a factor on ``adversarial`` and ``matching``.
        face: discriminator of face crops; a factor on the same two.
        face_detail: reconstruction loss of the face crop.
        structure: 1 - SSIM.
        perceptual: distance of an ImageNet classifier's features, see ``perceptual``.
        temporal: L1 between pictures of almost the same pose.
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
    """Configuration of one training run.

    Attributes:
        steps: optimiser steps.
        batch: pictures a step, of all workers together.
        crop: side in pixels of the square crops of the 512 px pictures; they lie on the figure.
        rate: Adam's learning rate for the decoder at its peak (cosine decay to 2 %).
        losses: weights of the losses.
        adversarial_from: fraction of the run after which discriminators join; 1: never, and none are built.
        pose_noise: noise added to the input poses.
        ema_decay: decay of the exponential moving average (EMA) of the weights, which is exported.
        checkpoint_minutes: how often the run is saved.
        preview_minutes: how often the preview sheet is drawn.
        log_every: steps from one line of the log to the next.
        images: pictures rendered when the source is an avatar.
        seed: of everything random.
        generator: sizes of the generator.
    """

    steps: int
    batch: int
    crop: int
    rate: float = 2e-3
    losses: LossWeights = field(default_factory=LossWeights)
    adversarial_from: float = 0.65
    pose_noise: PoseNoise = field(default_factory=PoseNoise)
    ema_decay: float = 0.998
    checkpoint_minutes: float = 2.0
    preview_minutes: float = 5.0
    log_every: int = 25
    images: int
    seed: int = 0
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)

    def without_unused_discriminators(self) -> Self:
        """A copy without discriminators if these would never join."""
        if self.adversarial_from < 1:
            return self
        return replace(self, losses=replace(self.losses, picture=0.0, face=0.0))

    def to_json(self) -> dict[str, Any]:
        """The configuration as plain dictionaries, in the field names of checkpoints and character cards."""
        return {_STORED_NAMES.get(name, name): value for name, value in asdict(self).items()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Reads what ``to_json`` returned.

        Raises:
            DanceNowError: it is that of another version.
        """
        try:
            parts: dict[str, Any] = {
                "losses": LossWeights(**data["losses"]),
                "pose_noise": PoseNoise(**data["pose_noise"]),
                "generator": GeneratorConfig(**data["generator"]),
            }
            fields = {_FIELD_NAMES.get(name, name): value for name, value in data.items()}
            return cls(**{**fields, **parts})
        except (KeyError, TypeError) as error:
            raise DanceNowError(f"The configuration was written by another version ({error}).") from error


# Losses that pay for their time on a CPU, by the ablation in benchmarks/README.md.
_WORTH_IT: Final = LossWeights(face_detail=0.2, structure=1.5)

PRESETS: dict[PresetName, TrainingConfig] = {
    # Smoke test, seconds on a CPU: every stage runs, discriminators too; the result is a blur.
    "debug": TrainingConfig(
        steps=12, batch=2, crop=128, log_every=1, images=24, generator=GeneratorConfig(points=1500, width=8)
    ),
    # About ten minutes on two CPU cores, rendering and evaluation included.
    "quick": TrainingConfig(steps=900, batch=4, crop=256, adversarial_from=1.0, losses=_WORTH_IT, images=700),
    # For a CPU: an hour.
    "standard": TrainingConfig(
        steps=6000, batch=4, crop=256, adversarial_from=1.0, losses=_WORTH_IT, images=4000
    ),
    # For a GPU, with discriminators.
    "full": TrainingConfig(steps=60000, batch=16, crop=384, losses=_WORTH_IT, images=12000),
}
