"""Temporal lifting network in PyTorch, as ``pose/networks/temporal_lifter.py`` computes it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from dance_now.pose.networks.lifter_input import (
    LIFTED,
    LIFTED_MORE,
    OUTPUTS,
    SLOT_SECONDS,
    USUAL_LOG_CONCENTRATION,
    USUAL_LOG_HEIGHT,
)

FEATURES = 6 * len(LIFTED) + 1
_RELATIONS = 4
_WIDTH, _CODE, _DROPOUT = 208, 48, 0.05


@dataclass(frozen=True, eq=False)
class NetworkOutput:
    """What the network says.

    Attributes:
        residual: (..., 20, 3) what is added to the directions as drawn.
        directions: (..., 20, 3) unit vectors.
        log_concentration: (..., 20) of each.
        log_height: (...,) of the standing height, in spreads of the points; ``log_error`` of its error.
    """

    residual: Tensor
    directions: Tensor
    log_concentration: Tensor
    log_height: Tensor
    log_error: Tensor


class Block(nn.Module):
    """Residual block of two layers; it starts as the identity."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.outer = nn.Linear(_WIDTH, _WIDTH), nn.Linear(_WIDTH, _WIDTH)
        self.dropout = nn.Dropout(_DROPOUT)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, values: Tensor) -> Tensor:
        """Values (..., W) -> (..., W)."""
        result: Tensor = values + self.outer(self.dropout(torch.relu(self.inner(torch.relu(values)))))
        return result


class TemporalNetwork(nn.Module):
    """Frames are encoded one by one, then combined with those around them.

    It starts as a blend of the directions that the estimator's and the single-frame network's depths draw.
    """

    def __init__(self) -> None:
        super().__init__()
        slots = len(SLOT_SECONDS)
        self.first = nn.Linear(FEATURES, _WIDTH)
        self.encoder = nn.ModuleList([Block()])
        self.code = nn.Linear(_WIDTH, _CODE)
        self.join = nn.Linear(_WIDTH + slots * (_CODE + _RELATIONS + 1), _WIDTH)
        self.blocks = nn.ModuleList([Block()])
        self.last = nn.Linear(_WIDTH, 5 * OUTPUTS + 2)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def encode(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features (..., 175) -> hidden values (..., W) and codes (..., C)."""
        hidden = self.first(features)
        for block in self.encoder:
            hidden = block(hidden)
        hidden = torch.relu(hidden)
        return hidden, self.code(hidden)

    def combine(
        self, hidden: Tensor, codes: Tensor, relations: Tensor, near: Tensor, drawn: Tensor
    ) -> NetworkOutput:
        """Combines frames with those at the slots.

        Args:
            hidden: (..., W) of the frames.
            codes: (..., 8, C) of the slots' frames.
            relations: (..., 8, 4), see ``slot_relations``.
            near: (..., 8) 1 where there is a frame, else 0.
            drawn: (..., 2, 20, 3), see ``drawn_directions``.
        """
        flags = near[..., None]
        slots = torch.cat([codes * flags, relations * flags, flags], dim=-1)
        values = self.join(torch.cat([hidden, slots.flatten(-2)], dim=-1))
        for block in self.blocks:
            values = block(values)
        vectors, height, error, share = torch.split(
            self.last(torch.relu(values)), [4 * OUTPUTS, 1, 1, OUTPUTS], dim=-1
        )
        vectors = vectors.unflatten(-1, (OUTPUTS, 4))
        share = torch.sigmoid(share - float(LIFTED_MORE))[..., None]
        blended = share * drawn[..., 0, :, :] + (1 - share) * drawn[..., 1, :, :]
        return NetworkOutput(
            vectors[..., :3],
            nn.functional.normalize(vectors[..., :3] + blended, dim=-1, eps=1e-6),
            (vectors[..., 3] + USUAL_LOG_CONCENTRATION).clamp(-3, 7),
            height[..., 0] + USUAL_LOG_HEIGHT,
            error[..., 0].clamp(-5, 1),
        )
