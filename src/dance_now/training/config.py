"""How a training run is set up; every run writes its resolved configuration beside its checkpoint."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from dance_now.training.generator import GeneratorConfig

PresetName = Literal["debug", "quick", "full"]


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """One training run.

    Attributes:
        steps: optimiser steps.
        batch: pictures a step.
        window: side in pixels of the square windows cut from the 512 px pictures; they lie on the figure.
        rate: Adam's learning rate for the decoder at its peak (cosine decay to 2 %).
        adversarial_from: part of the run after which the discriminator joins.
        adversarial_weight: weight of the hinge loss.
        matching_weight: weight of feature matching.
        average: decay of the averaged weights that are shipped.
        checkpoint_minutes: how often the run is saved.
        images: pictures rendered when the source is an avatar.
        seed: of everything random.
        generator: sizes of the generator.
    """

    steps: int
    batch: int
    window: int
    rate: float = 2e-3
    adversarial_from: float = 0.65
    adversarial_weight: float = 0.004
    matching_weight: float = 0.05
    average: float = 0.998
    checkpoint_minutes: float = 3.0
    images: int
    seed: int = 0
    generator: GeneratorConfig = field(default_factory=GeneratorConfig)

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries."""
        return asdict(self)


PRESETS: dict[PresetName, TrainingConfig] = {
    # Seconds on a CPU; proves that every stage runs, draws a blur.
    "debug": TrainingConfig(
        steps=12, batch=2, window=128, images=24, generator=GeneratorConfig(points=1500, width=8)
    ),
    # For a CPU: hours, not days.
    "quick": TrainingConfig(steps=12000, batch=4, window=256, images=6000),
    # For a GPU.
    "full": TrainingConfig(steps=60000, batch=16, window=384, images=12000),
}
