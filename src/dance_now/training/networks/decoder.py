"""Decoder: splatted features at half resolution -> RGBA at full resolution (U-Net with pixel shuffle).

A small encoder-decoder with skip connections (Ronneberger et al. 2015, U-Net) that ends in a
pixel shuffle (Shi et al. 2016), so that no convolution runs at full resolution.
"""

from __future__ import annotations

from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Convolution(nn.Module):
    """3x3 convolution with leaky ReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, 3, stride, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H / stride, W / stride)."""
        return F.leaky_relu(self.convolution(x), 0.1)


class Residual(nn.Module):
    """Residual block of two 3x3 convolutions; initialised as the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = Convolution(channels, channels)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        return x + self.second(self.first(x))


def _upsample(x: Tensor) -> Tensor:
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


class UpBlock(nn.Module):
    """Up block: upsamples a map and adds it to the skip connection, after a 1x1 convolution.

    Addition costs a third of a convolution over both (Chaurasia and Culurciello 2017, LinkNet).
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(inputs, outputs, 1)
        self.convolution = Convolution(outputs, outputs)

    def forward(self, x: Tensor, skipped: Tensor) -> Tensor:
        """(B, inputs, H, W) and (B, outputs, 2H, 2W) -> (B, outputs, 2H, 2W)."""
        return self.convolution(_upsample(self.narrow(x)) + skipped)


class Decoder(nn.Module):
    """U-Net: (B, inputs, H, W) -> residual (B, 16, H, W), the unshuffled 2x2 pixels of four channels.

    H and W are divisible by 8.
    """

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(inputs, width, 1)
        self.down0 = Convolution(width, width)
        self.down1 = Convolution(width, 2 * width, 2)
        self.down2 = Convolution(2 * width, 3 * width, 2)
        self.down3 = Convolution(3 * width, 4 * width, 2)
        self.middle = nn.Sequential(Residual(4 * width), Residual(4 * width))
        self.up2 = UpBlock(4 * width, 3 * width)
        self.up1 = UpBlock(3 * width, 2 * width)
        self.up0 = UpBlock(2 * width, width)
        self.out = nn.Conv2d(width, 16, 3, 1, 1)
        for parameter in self.out.parameters():
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, 16, H, W)."""
        half = self.down0(F.leaky_relu(self.narrow(x), 0.1))
        quarter = self.down1(half)
        eighth = self.down2(quarter)
        y = self.middle(self.down3(eighth))
        y = self.up2(y, eighth)
        y = self.up1(y, quarter)
        y = self.up0(y, half)
        return self.out(y)


class BinomialSmoothing(nn.Module):
    """3x3 binomial filter of an image in unshuffled layout (its 2x2 pixels as channels)."""

    kernel: Tensor

    def __init__(self, channels: int, share: float) -> None:
        """``share``: centre tap along each axis; the two neighbours have equal parts of the rest."""
        super().__init__()
        self._channels = channels
        beside = (1 - share) / 2
        self.register_buffer(
            "kernel", self._kernel(share * share, share * beside, beside * beside), persistent=False
        )

    def set_taps(self, own: float, side: float, corner: float) -> None:
        """Sets the weights of a pixel itself, of each of its four sides, and of each of its four corners."""
        self.kernel = self._kernel(own, side, corner)

    def _kernel(self, own: float, side: float, corner: float) -> Tensor:
        taps = ((corner, side, corner), (side, own, side), (corner, side, corner))
        each = torch.zeros(2, 2, 2, 2, 3, 3)  # row and column of the pixel, of its source, and the kernel's
        for row, column, down, right in product(range(2), range(2), range(3), range(3)):
            y, x = row + down - 1, column + right - 1
            each[row, column, y % 2, x % 2, y // 2 + 1, x // 2 + 1] += taps[down][right]
        kernel = torch.zeros(self._channels, 4, self._channels, 4, 3, 3)
        kernel[range(self._channels), :, range(self._channels)] = each.reshape(4, 4, 3, 3)
        return kernel.flatten(2, 3).flatten(0, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 4 * channels, H, W) -> the same shape."""
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode="replicate"), self.kernel)
