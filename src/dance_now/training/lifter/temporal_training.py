"""Training of the temporal lifter that ships (``pose/networks/temporal_lifter.py``).

The loss is the angle to the true direction, and the likelihood under a von Mises-Fisher distribution, whose
concentration so becomes the trust. Half of the frames see none that come after them, some see no other at
all: one set of weights serves live use, files, and photos.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from dance_now.core.arrays import FloatArray
from dance_now.core.atomic_write import replacing
from dance_now.pose.networks.lifter import LiftingNetwork
from dance_now.pose.networks.lifter_input import (
    OUTPUTS,
    SLOT_SECONDS,
    drawn_directions,
    frame_input,
    slot_relations,
)
from dance_now.training.lifter.clip_samples import LARGE, ClipSamples, synthetic_samples, varied
from dance_now.training.lifter.motion_clips import CLIP_RATE
from dance_now.training.lifter.temporal_network import NetworkOutput, TemporalNetwork

_SEEN: Final = 0.05
_OFFSETS: Final = np.round(SLOT_SECONDS * CLIP_RATE).astype(int)
_RATES: Final = (0.82, 1.22)  # of the clips' rate: slots are met that much too early or late
_EVERY: Final = ((1, 2, 4), (0.75, 0.15, 0.1))  # frames apart, and how often
_MODES: Final = (0.45, 0.47, 0.08)  # of frames: looking both ways, back, alone
_WEIGHTS: Final = torch.tensor([0.5, 0.5, 1.5, *[1.0] * 8, *[0.5] * 2, *[0.15] * 6, 1.0])


@dataclass(frozen=True, kw_only=True)
class TemporalConfig:
    """Training configuration.

    Attributes:
        steps: optimiser steps.
        rendered, synthetic: clips of either kind per step.
        targets: frames of each clip that are computed.
        learning_rate: peak of the one-cycle schedule.
        residual: of what the network learns to add, the share that is used: what is learned from rendered
            people holds for real ones in part.
        lifted_more: added to the log odds by which the single-frame network's depth counts more than the
            estimator's: that is worse for real people than for rendered ones.
        seed: of everything random.
    """

    steps: int = 3000
    rendered: int = 32
    synthetic: int = 32
    targets: int = 8
    learning_rate: float = 1.5e-3
    residual: float = 0.3
    lifted_more: float = 1.0
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Batch:
    """Inputs and truth of B clips, K frames of each.

    Attributes:
        features: (B, T, 175).
        chosen: (B, K) frames; ``others`` (B, K, 8) those at their slots.
        near: (B, K, 8), relations: (B, K, 8, 4), drawn: (B, K, 2, 20, 3), see ``TemporalNetwork.combine``.
        directions: (B, K, 20, 3), log_height: (B, K), usable: (B, K).
    """

    features: Tensor
    chosen: Tensor
    others: Tensor
    near: Tensor
    relations: Tensor
    drawn: Tensor
    directions: Tensor
    log_height: Tensor
    usable: Tensor


def train_temporal_lifter(
    config: TemporalConfig,
    rendered: ClipSamples,
    bank: npt.NDArray[np.float64],
    progress: Callable[[int, float], None] = lambda step, degrees: None,
) -> TemporalNetwork:
    """Trains the network.

    Args:
        config: training configuration.
        rendered: an estimator's readings of rendered people.
        bank: (n, T, 29, 3) joints of clips, metres, for the error model.
        progress: called every hundred steps with the step and the mean angle of the limbs in degrees.
    """
    torch.manual_seed(config.seed)
    generator = np.random.default_rng(config.seed)
    prior, network = LiftingNetwork.load(), TemporalNetwork().train()
    optimiser = torch.optim.AdamW(network.parameters(), config.learning_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.learning_rate, total_steps=config.steps, pct_start=0.05
    )
    total = 0.0
    for step in range(1, config.steps + 1):
        real = rendered.rows(generator.integers(len(rendered), size=config.rendered))
        made = synthetic_samples(bank, generator, config.synthetic)
        samples = varied(ClipSamples.join([real, made]), generator)
        batch = make_batch(samples, prior, generator, config.targets)
        loss, angles = loss_and_angles(compute(network, batch), batch)
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        total += float(angles.detach())
        if step % 100 == 0:
            progress(step, total / 100)
            total = 0.0
    return network.eval()


def make_batch(
    samples: ClipSamples, prior: LiftingNetwork, generator: np.random.Generator, targets: int
) -> Batch:
    """Inputs of the network for random frames of the clips."""
    count, length = samples.usable.shape
    clip = np.arange(count)[:, None]
    order = np.where(samples.usable, 0, 10) + generator.random((count, length))
    chosen = np.argsort(order, axis=1)[:, :targets]
    others = chosen[..., None] + _OFFSETS
    every = generator.choice(_EVERY[0], count, p=_EVERY[1])[:, None, None]
    near = (others >= 0) & (others < length) & (every * (_OFFSETS // every) == _OFFSETS)
    others = np.clip(others, 0, length - 1)
    mode = generator.choice(3, chosen.shape, p=_MODES)[..., None]
    near &= samples.usable[clip[..., None], others] & (mode < 2) & ((mode == 0) | (_OFFSETS < 0))
    rate = np.exp(generator.uniform(np.log(_RATES[0]), np.log(_RATES[1]), count))[:, None, None]
    seconds = np.broadcast_to(_OFFSETS / CLIP_RATE * rate, others.shape).astype(np.float32)
    frames = frame_input(samples.readings)
    features = _with_prior(samples.readings, frames.features, frames.size, prior)
    relations = slot_relations(
        frames.centre[clip, chosen][:, :, None],
        frames.size[clip, chosen][..., None],
        frames.centre[clip[..., None], others],
        frames.size[clip[..., None], others],
        seconds,
    )
    arrays = (
        *(features, chosen, others, near.astype(np.float32), relations),
        *(drawn_directions(features[clip, chosen]), samples.directions[clip, chosen]),
        np.log(np.maximum(samples.height, 1e-6) / frames.size)[clip, chosen],
        samples.usable[clip, chosen].astype(np.float32),
    )
    return Batch(*(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays))


def compute(network: TemporalNetwork, batch: Batch) -> NetworkOutput:
    """The network's output (B, K, ...)."""
    hidden, codes = network.encode(batch.features)
    clip = torch.arange(len(hidden))[:, None]
    return network.combine(
        hidden[clip, batch.chosen],
        codes[clip[..., None], batch.others],
        batch.relations,
        batch.near,
        batch.drawn,
    )


def loss_and_angles(output: NetworkOutput, batch: Batch) -> tuple[Tensor, Tensor]:
    """The loss, and the mean angle of trunk and limbs in degrees."""
    cosine = (output.directions * batch.directions).sum(-1)
    surely = output.log_concentration.exp()
    unlikely = -(output.log_concentration - torch.log1p(-torch.exp(-2 * surely).clamp(max=1 - 1e-6)))
    unlikely = unlikely - surely * (cosine - 1)
    angle = (2 * (1 - cosine)).clamp(min=1e-6).sqrt()
    weights = _WEIGHTS * batch.usable[..., None]
    directions = ((0.3 * unlikely + 2.5 * angle) * weights).sum() / weights.sum()
    off = (batch.log_height - output.log_height).abs() / output.log_error.exp() + output.log_error
    height = (off * batch.usable).sum() / batch.usable.sum()
    small = (output.residual**2).sum(-1).mean()
    degrees = torch.rad2deg(torch.acos(cosine.clamp(-1, 1)))[..., LARGE].mean()
    return directions + 0.1 * height + 0.02 * small, degrees


def temporal_arrays(network: TemporalNetwork, config: TemporalConfig) -> dict[str, FloatArray]:
    """The arrays of ``TemporalLiftingNetwork``, weights in half precision.

    Args:
        network: as trained.
        config: how much of what was learned is kept.
    """
    state = {name: value.detach().clone() for name, value in network.state_dict().items()}
    kept = torch.ones(5 * OUTPUTS + 2)
    kept[: 4 * (OUTPUTS - 1)] = torch.tensor([config.residual] * 3 + [1.0]).repeat(OUTPUTS - 1)
    kept[4 * OUTPUTS + 2 :] = config.residual
    state["last.weight"] *= kept[:, None]
    state["last.bias"] *= kept
    state["last.bias"][4 * OUTPUTS + 2 : -1] -= config.lifted_more
    return {
        name: (value.half() if name.endswith("weight") else value).numpy() for name, value in state.items()
    }


def write_temporal_lifter(network: TemporalNetwork, config: TemporalConfig, path: Path) -> None:
    """Writes the file that ``pose/networks/temporal_lifter.py`` loads."""
    with replacing(path) as part, part.open("wb") as stream:
        np.savez(stream, **temporal_arrays(network, config))  # type: ignore[arg-type]


def _with_prior(
    readings: FloatArray, features: FloatArray, size: FloatArray, prior: LiftingNetwork
) -> FloatArray:
    """Features (n, T, 175): with the single-frame network's depth."""
    seen = (readings[..., 2:3] > _SEEN).astype(np.float32)
    points = np.concatenate([readings[..., :2], seen], axis=-1)
    depth = prior(points.reshape(-1, *points.shape[2:])).reshape(seen.shape[:-1])
    depth = np.clip(depth / size[..., None] * seen[..., 0], -5, 5)
    return np.concatenate([features, depth], axis=-1).astype(np.float32)
