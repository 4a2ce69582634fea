"""Trains the lifter that ships, ``pose/networks/lifter.py``.

Source: Martinez et al., "A simple yet effective baseline for 3d human pose estimation", ICCV 2017: fully
connected layers in residual blocks. It is told which points are seen, and gives depth only: x and y are
better known from the picture.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_linear_bn_eval

from dance_now.pose.networks.lifter import LIFTED
from dance_now.training import onnx_export as export
from dance_now.training.lifter.lifter_data import TREE, DrawnPeople, draw_people, lifting_poses, split_motions

_CHUNK: Final = 16_384  # people drawn at a time
_SHORTEST: Final = 1e-4
_SURE_ERROR: Final = 0.03  # of the height: below it, errors count by their square
_PARENTS: Final = [parent for parent, _ in TREE]
_CHILDREN: Final = [child for _, child in TREE]


@dataclass(frozen=True, kw_only=True)
class LiftingConfig:
    """How the lifter is trained.

    Attributes:
        width: of the layers.
        blocks: residual blocks, of two layers each.
        dropout: share of the values left out while training.
        poses: of the motions to learn from, each of which is seen many times.
        steps, batch: how often, and how many people at once.
        learning_rate: the highest; it rises at first and then falls to 0 along a cosine.
        seed: of everything left to chance.
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
    """points (B, 29, 3) = x, y in any unit, 1 where seen -> depth (B, 29) in that unit, from the hips on."""

    def __init__(self, config: LiftingConfig) -> None:
        """Makes the layers, with random weights."""
        super().__init__()
        self.first = nn.Linear(3 * len(LIFTED), config.width)
        self.blocks = nn.ModuleList(
            nn.Sequential(*_layer(config), *_layer(config)) for _ in range(config.blocks)
        )
        self.norm = nn.BatchNorm1d(config.width)
        self.last = nn.Linear(config.width, len(LIFTED))

    def forward(self, points: Tensor) -> Tensor:
        """Independent of where and how large the person is drawn."""
        seen = points[..., 2:]
        count = seen.sum(dim=1, keepdim=True).clamp(min=1.0)
        centre = (points[..., :2] * seen).sum(dim=1, keepdim=True) / count
        offset = (points[..., :2] - centre) * seen
        size = ((offset * offset).sum(dim=(1, 2), keepdim=True) / count).sqrt().clamp(min=_SHORTEST)
        values = self.first(torch.cat([offset / size, seen], dim=2).flatten(1))
        for block in self.blocks:
            values = values + block(values)
        depth: Tensor = self.last(torch.relu(self.norm(values))) * size[:, 0]
        return depth


def train_lifter(
    config: LiftingConfig, progress: Callable[[int, float], None] = lambda step, loss: None
) -> LifterNetwork:
    """A lifter trained on the motion bank, but for the motions that are held out.

    Args:
        config: how.
        progress: called every now and then with the step and the mean loss since the last call.
    """
    torch.manual_seed(config.seed)
    generator = np.random.default_rng(config.seed)
    poses = lifting_poses(split_motions()[0], generator, config.poses)
    network = LifterNetwork(config).train()
    optimiser = torch.optim.AdamW(network.parameters(), config.learning_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, config.learning_rate, total_steps=config.steps, pct_start=0.05
    )
    per_chunk, total = _CHUNK // config.batch, 0.0
    for step in range(config.steps):
        if step % per_chunk == 0:
            people = draw_people(poses, generator, _CHUNK)
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


def to_onnx(network: LifterNetwork) -> bytes:
    """The graph as ``pose/networks/lifter.py`` takes it: points (B, 29, 3) -> depth (B, 29)."""
    inputs = {"points": export.batch_of(len(LIFTED), 3)}
    return export.to_onnx(export.rounded(_folded(network)).eval(), inputs, "depth")


def mean_depth_error(network: LifterNetwork, people: DrawnPeople) -> float:
    """Of the points seen, in shares of the standing height."""
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


def _folded(network: LifterNetwork) -> LifterNetwork:
    """A copy in which each layer holds the normalisation that follows it, as it will in the graph.

    The exporter would fold them, too, but after rounding: its weights are no longer ones that half precision
    holds, and stay twice as large.
    """
    network = copy.deepcopy(network).eval()
    for block in cast(Iterable[nn.Sequential], network.blocks):
        for place in range(len(block) - 1):
            layer, norm = block[place], block[place + 1]
            if isinstance(layer, nn.Linear) and isinstance(norm, nn.BatchNorm1d):
                block[place], block[place + 1] = fuse_linear_bn_eval(layer, norm), nn.Identity()
    return network


def _loss(found: Tensor, true: Tensor) -> Tensor:
    """Errors of joints against the hips and of each bone's own depth."""
    joints = nn.functional.huber_loss(found, true, delta=_SURE_ERROR)
    along = [depth[:, _CHILDREN] - depth[:, _PARENTS] for depth in (found, true)]
    return (joints + nn.functional.huber_loss(along[0], along[1], delta=_SURE_ERROR)) / _SURE_ERROR
