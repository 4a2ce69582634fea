"""Global generator of pix2pixHD.

Source: Wang et al., "High-Resolution Image Synthesis and Semantic Manipulation with Conditional GANs", CVPR
2018, appendix: c7s1-64, d128, d256, d512, d1024, nine residual blocks, u512, u256, u128, u64, c7s1-3; each
convolution with instance normalisation (Ulyanov et al. 2016) and ReLU, borders reflected.
"""

from __future__ import annotations

from torch import Tensor, nn

_EPSILON = 1e-4  # ten times torch's default: a constant channel would amplify rounding errors


class InstanceNorm(nn.Module):
    """Instance normalisation."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> the same shape."""
        centred = x - x.mean(dim=(2, 3), keepdim=True)
        return centred * (1 / ((centred * centred).mean(dim=(2, 3), keepdim=True) + _EPSILON).sqrt())


class ResidualBlock(nn.Module):
    """Two convolutions whose result is added to their input."""

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

    def kernels(self) -> tuple[Tensor, ...]:
        """Weights of both convolutions."""
        return tuple(layer.weight for layer in self.layers if isinstance(layer, nn.Conv2d))


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
        layers += [ResidualBlock(width << levels) for _ in range(blocks)]
        for level in reversed(range(levels)):
            channels = width << level
            doubled = nn.ConvTranspose2d(2 * channels, channels, 3, 2, 1, output_padding=1)
            layers += [doubled, InstanceNorm(), nn.ReLU()]
        self.layers = nn.Sequential(*layers, nn.ReflectionPad2d(3))
        self.last = nn.Conv2d(width, outputs, 7)

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, H, W) -> (B, outputs, H, W)."""
        result: Tensor = self.last(self.layers(x))
        return result
