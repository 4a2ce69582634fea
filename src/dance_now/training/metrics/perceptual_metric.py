"""Perceptual distance of two images, where torch and the network's weights are installed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dance_now.training.metrics.image_metrics import ImageComparison


def open_perceptual_metric() -> Callable[[ImageComparison], float] | None:
    """The metric; None where torch or the network is missing: scoring a surface character needs neither."""
    try:
        import torch
    except ImportError:
        return None
    from dance_now.training.losses.perceptual import PerceptualNetwork, perceptual_distance

    if not PerceptualNetwork.is_installed():
        return None
    network = PerceptualNetwork.load()

    def distance(compared: ImageComparison) -> float:
        drawn, true = (
            torch.from_numpy(np.ascontiguousarray(each[compared.crop][..., :3].transpose(2, 0, 1)))[None]
            for each in (compared.drawn, compared.true)
        )
        with torch.inference_mode():
            return float(perceptual_distance(network, drawn, true))

    return distance
