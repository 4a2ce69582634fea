"""The decoder: splatted features at half resolution -> RGBA at full resolution.

A small encoder-decoder with skip connections (Ronneberger et al. 2015, U-Net) that ends in a
pixel shuffle (Shi et al. 2016), so that no convolution runs at full resolution.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Convolution(nn.Module):
    """A 3x3 convolution and a leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, stride, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        return F.leaky_relu(self.convolution(x), 0.1)


class Residual(nn.Module):
    """Two 3x3 convolutions around a skip; starts as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Convolution(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        return x + self.second(self.first(x))


def _double(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


class Decoder(nn.Module):
    """(B, inputs, H, W) -> premultiplied RGBA residual (B, 4, 2H, 2W); H and W divisible by 8."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.down0 = Convolution(inputs, width)
        self.down1 = Convolution(width, 2 * width, 2)
        self.down2 = Convolution(2 * width, 3 * width, 2)
        self.down3 = Convolution(3 * width, 4 * width, 2)
        self.middle = nn.Sequential(Residual(4 * width), Residual(4 * width))
        self.up2 = Convolution(7 * width, 3 * width)
        self.up1 = Convolution(5 * width, 2 * width)
        self.up0 = Convolution(3 * width, 2 * width)
        self.out = nn.Conv2d(2 * width, 16, 3, 1, 1)
        for parameter in self.out.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        half = self.down0(x)
        quarter = self.down1(half)
        eighth = self.down2(quarter)
        y = self.middle(self.down3(eighth))
        y = self.up2(torch.cat([_double(y), eighth], dim=1))
        y = self.up1(torch.cat([_double(y), quarter], dim=1))
        y = self.up0(torch.cat([_double(y), half], dim=1))
        return F.pixel_shuffle(self.out(y), 2)
