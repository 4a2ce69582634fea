"""Training of the 2D-to-3D lifter that ships (``pose/networks/lifter.py``).

Source: Martinez et al., "A simple yet effective baseline for 3d human pose estimation", ICCV 2017: fully
connected layers in residual blocks. Its input includes the visibility of points, and its output is depth
only: x and y are known better from the image.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_linear_bn_eval

from dance_now.core.atomic_write import replacing
from dance_now.pose.networks.lifter import LIFTED, SHORTEST
from dance_now.training.lifter.lifter_data import (
    TREE,
    ProjectedPeople,
    project_people,
    sample_poses,
    split_motions,
)

_CHUNK: Final = 16_384  # people drawn at a time
_SURE_ERROR: Final = 0.03  # of the height: threshold of the Huber loss
_PARENTS: Final = [parent for parent, _ in TREE]
_CHILDREN: Final = [child for _, child in TREE]


@dataclass(frozen=True, kw_only=True)
class LiftingConfig:
    """Training configuration of the lifter.

    Attributes:
        width: of the layers.
        blocks: residual blocks, of two layers each.
        dropout: dropout rate.
        poses: number of sampled poses, each of which is seen many times.
        steps, batch: optimiser steps, and people per step.
        learning_rate: peak of the one-cycle schedule (warm-up, then cosine decay).
        seed: of everything random.
    """

    width: int = 512
    blocks: int = 2
    dropout: float = 0.1
    poses: int = 60_000
    steps: int = 14_000
    batch: int = 256
    learning_rate: float = 2e-3
    seed: int = 0


class LifterNetwork(nn.Module):
    """Network: points (B, 29, 3) = x, y in any unit, visibility -> depth (B, 29) in that unit from hips."""

    def __init__(self, config: LiftingConfig) -> None:
        """Builds the layers, with random weights."""
        super().__init__()
        self.first = nn.Linear(3 * len(LIFTED), config.width)
        self.blocks = nn.ModuleList(
            nn.Sequential(*_layer(config), *_layer(config)) for _ in range(config.blocks)
        )
        self.norm = nn.BatchNorm1d(config.width)
        self.last = nn.Linear(config.width, len(LIFTED))

    def forward(self, points: Tensor) -> Tensor:
        """Predicts depth; invariant to position and size of the person."""
        seen = points[..., 2:]
        count = seen.sum(dim=1, keepdim=True).clamp(min=1.0)
        centre = (points[..., :2] * seen).sum(dim=1, keepdim=True) / count
        offset = (points[..., :2] - centre) * seen
        size = ((offset * offset).sum(dim=(1, 2), keepdim=True) / count).sqrt().clamp(min=SHORTEST)
        values = self.first(torch.cat([offset / size, seen], dim=2).flatten(1))
        for block in self.blocks:
            values = values + block(values)
        depth: Tensor = self.last(torch.relu(self.norm(values))) * size[:, 0]
        return depth


def train_lifter(
    config: LiftingConfig, progress: Callable[[int, float], None] = lambda step, loss: None
) -> LifterNetwork:
    """Trains a lifter on the motion library, without the held-out motions.

    Args:
        config: training configuration.
        progress: called periodically with the step and the mean loss since the last call.
    """
    torch.manual_seed(config.seed)
    generator = np.random.default_rng(config.seed)
    poses = sample_poses(split_motions()[0], generator, config.poses)
    network = LifterNetwork(config).train()
    optimiser = torch.optim.AdamW(network.parameters(), config.learning_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.learning_rate, total_steps=config.steps, pct_start=0.05
    )
    per_chunk, total = _CHUNK // config.batch, 0.0
    for step in range(config.steps):
        if step % per_chunk == 0:
            people = project_people(poses, generator, _CHUNK)
        rows = slice((step % per_chunk) * config.batch, (step % per_chunk + 1) * config.batch)
        found = network(torch.from_numpy(people.points[rows]))
        loss = _loss(found, torch.from_numpy(people.depth[rows]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
        total += float(loss.detach())
        if (step + 1) % per_chunk == 0:
            progress(step + 1, total / per_chunk)
            total = 0.0
    return network.eval()


def write_lifter(network: LifterNetwork, path: Path) -> None:
    """Writes the file that ``pose/networks/lifter.py`` loads."""
    with replacing(path) as part, part.open("wb") as stream:
        np.savez(stream, **lifter_arrays(network))


def lifter_arrays(network: LifterNetwork) -> dict[str, Any]:
    """The arrays of ``LiftingNetwork``: weights in half precision, normalisations as factor and shift.

    Each layer holds the normalisation that follows it.
    """
    network = copy.deepcopy(network).eval()
    layers, norms = [], []
    for block in cast(Iterable[nn.Sequential], network.blocks):
        before, _, _, inner, between, _, _, outer = block
        assert isinstance(inner, nn.Linear)
        assert isinstance(between, nn.BatchNorm1d)
        assert isinstance(outer, nn.Linear)
        layers.append((fuse_linear_bn_eval(inner, between), outer))
        norms.append(before)
    scales, shifts = zip(*(_factor_and_shift(norm) for norm in (*norms, network.norm)), strict=True)
    weights = torch.stack([torch.stack([layer.weight for layer in pair]) for pair in layers])
    biases = torch.stack([torch.stack([layer.bias for layer in pair]) for pair in layers])
    arrays = {
        "first_weight": network.first.weight.half(),
        "first_bias": network.first.bias,
        "scales": torch.stack(scales),
        "shifts": torch.stack(shifts),
        "weights": weights.half(),
        "biases": biases,
        "last_weight": network.last.weight.half(),
        "last_bias": network.last.bias,
    }
    return {name: tensor.detach().numpy() for name, tensor in arrays.items()}


def _factor_and_shift(norm: nn.Module) -> tuple[Tensor, Tensor]:
    """A normalisation by stored statistics, as it is computed."""
    assert isinstance(norm, nn.BatchNorm1d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    factor = norm.weight / (norm.running_var + norm.eps).sqrt()
    return factor, norm.bias - norm.running_mean * factor


def mean_depth_error(network: LifterNetwork, people: ProjectedPeople) -> float:
    """Mean absolute depth error of visible points, in standing heights."""
    with torch.no_grad():
        found = network(torch.from_numpy(people.points)).numpy()
    return float(np.abs(found - people.depth)[people.points[..., 2] > 0].mean())


def _layer(config: LiftingConfig) -> list[nn.Module]:
    return [
        nn.BatchNorm1d(config.width),
        nn.ReLU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.width, config.width),
    ]


def _loss(found: Tensor, true: Tensor) -> Tensor:
    """Huber loss of joint depth relative to the hips, and of each bone's own depth."""
    joints = nn.functional.huber_loss(found, true, delta=_SURE_ERROR)
    along = [depth[:, _CHILDREN] - depth[:, _PARENTS] for depth in (found, true)]
    return (joints + nn.functional.huber_loss(along[0], along[1], delta=_SURE_ERROR)) / _SURE_ERROR
