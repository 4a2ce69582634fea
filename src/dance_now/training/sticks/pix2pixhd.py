"""Global generator of pix2pixHD.

Source: Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs", CVPR
2018, appendix: c7s1-64, d128, d256, d512, d1024, nine residual blocks, u512, u256, u128, u64, c7s1-3; each
convolution with instance normalisation (Ulyanov et al. 2016) and ReLU, borders reflected.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dance_now.training.networks.decoder import pixel_shuffle

_EPSILON = 1e-4  # ten times torch's default: a constant channel would amplify rounding errors


class InstanceNorm(nn.Module):
    """Instance normalisation, in operators that character files may contain."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        centred = x - x.mean(dim=(2, 3), keepdim=True)
        return centred * (1 / ((centred * centred).mean(dim=(2, 3), keepdim=True) + _EPSILON).sqrt())


class UpsampleConvolution(nn.Module):
    """Transposed 3x3 convolution of stride 2.

    In evaluation it is computed as the equivalent 2x2 convolution with a pixel shuffle: runtimes are slow
    with transposed convolutions, and character files may not contain them.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.ConvTranspose2d(inputs, outputs, 3, 2, 1, output_padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, 2H, 2W)."""
        if self.training:
            doubled: Tensor = self.convolution(x)
            return doubled
        weight, bias = self.convolution.weight, self.convolution.bias
        assert bias is not None
        # (inputs, outputs, 3, 3); of the taps along an axis the middle one alone makes even pixels, the
        # outer two make odd ones, from the pixel and the next
        none = torch.zeros_like(weight[..., :1])
        columns = [torch.cat([weight[..., 1:2], none], 3), torch.cat([weight[..., 2:], weight[..., :1]], 3)]
        kernels = []
        for row in (0, 1):
            for column in columns:
                nothing = torch.zeros_like(column[:, :, :1])
                taps = (column[:, :, 1:2], nothing) if row == 0 else (column[:, :, 2:], column[:, :, :1])
                kernels.append(torch.cat(taps, dim=2))
        kernel = torch.stack(kernels, dim=2).flatten(1, 2).transpose(0, 1)  # (4 * outputs, inputs, 2, 2)
        four = F.conv2d(F.pad(x, (0, 1, 0, 1)), kernel, bias.repeat_interleave(4))
        return pixel_shuffle(four)


class _Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            InstanceNorm(),
            nn.ReLU(),
            nn.ReflectionPad2d(1),
            nn.Conv2d(channels, channels, 3),
            InstanceNorm(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        result: Tensor = x + self.layers(x)
        return result


class GlobalGenerator(nn.Module):
    """Global generator: images to images of the same size, divisible by 2 to the power of ``levels``.

    Args:
        inputs: channels.
        outputs: channels; not limited to any range.
        width: channels of the first level, doubled at each further one.
        levels: number of downsamplings.
        blocks: residual blocks on the smallest level.
    """

    def __init__(self, inputs: int, outputs: int, width: int = 64, levels: int = 4, blocks: int = 9) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            nn.ReflectionPad2d(3),
            nn.Conv2d(inputs, width, 7),
            InstanceNorm(),
            nn.ReLU(),
        ]
        for level in range(levels):
            channels = width << level
            layers += [nn.Conv2d(channels, 2 * channels, 3, 2, 1), InstanceNorm(), nn.ReLU()]
        layers += [_Block(width << levels) for _ in range(blocks)]
        for level in reversed(range(levels)):
            channels = width << level
            layers += [UpsampleConvolution(2 * channels, channels), InstanceNorm(), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.ReflectionPad2d(3))
        self.last = nn.Conv2d(width, outputs, 7)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        result: Tensor = self.last(self.layers(x))
        return result
