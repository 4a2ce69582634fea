"""Image losses on premultiplied RGBA, and multi-scale patch discriminators.

Sources: patch discriminators at several scales with feature matching (Wang et al. 2018, pix2pixHD), hinge
loss (Lim and Ye 2017), a discriminator for the face (Chan et al. 2019, Everybody Dance Now), structural
similarity (Wang et al. 2004) beside L1 (Zhao et al. 2017, Loss functions for image restoration).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from dance_now.pose.model.keypoints import FACE
from dance_now.training.losses.perceptual import colors_over_grey

DiscriminatorOutputs = list[tuple[Tensor, list[Tensor]]]
"""Per scale: patch scores (B, 1, h, w), and the intermediate features."""

FACE_SIDE = 64  # of the face crop, pixels
_SIMILARITY_WINDOW, _SIMILARITY_SPREAD = 11, 1.5  # pixels of the half-size image
_HEAD = [0, 15, 16, 17, 18]  # body points: nose, eyes, ears
_FACE_MARGIN = 1.4  # side of the face crop, in larger sides of its points' bounding box


def reconstruction_loss(drawn: Tensor, true: Tensor) -> Tensor:
    """Reconstruction loss: L1 and gradient L1 of (B, 4, H, W); figure and rim have four times the weight."""
    near = F.avg_pool2d(true[:, 3:].contiguous(), 9, 1, 4) > 0  # a fraction of what max_pool2d takes
    difference = drawn - true
    across = (difference[..., 1:] - difference[..., :-1]).abs().mean()
    down = (difference[..., 1:, :] - difference[..., :-1, :]).abs().mean()
    return (difference.abs() * (1 + 3 * near)).mean() + 2 * (across + down)


def structure_loss(drawn: Tensor, true: Tensor) -> Tensor:
    """SSIM loss: 1 - SSIM of (B, 4, H, W) at half size over mid-grey, around the figure.

    Every image has the same weight, however much of it is figure, so that a batch may be sharded over
    workers. As ``metrics.structural_similarity``, which is sensitive to lines too thin and too faint for L1.
    """
    small = F.avg_pool2d(torch.cat([drawn, true]).contiguous(), 2)
    first, second = colors_over_grey(small).chunk(2)
    # One blur for all statistics, channel by channel.
    seen = torch.cat([first, second, first**2 + second**2, first * second], dim=1)
    mean_first, mean_second, squares, product = _blurred(seen).chunk(4, dim=1)
    means = mean_first * mean_second
    mean_squares = mean_first**2 + mean_second**2
    likeness = (2 * means + 0.01**2) * (2 * (product - means) + 0.03**2)
    likeness = likeness / ((mean_squares + 0.01**2) * (squares - mean_squares + 0.03**2))
    reach, rim = _SIMILARITY_WINDOW, _SIMILARITY_WINDOW // 2
    shown = small.chunk(2)[1][:, 3:].contiguous()
    near = (F.avg_pool2d(shown, reach, 1, rim) > 0)[..., rim:-rim, rim:-rim]
    errors = ((1 - likeness) * near).flatten(1).sum(dim=1)
    return (errors / (near.flatten(1).sum(dim=1) * 3).clamp_min(1)).mean()


def _blurred(x: Tensor) -> Tensor:
    """Gaussian blur without padding: (B, C, H, W) -> (B, C, H - 10, W - 10)."""
    steps = torch.arange(_SIMILARITY_WINDOW, device=x.device) - _SIMILARITY_WINDOW // 2
    taps = torch.exp(-(steps**2) / (2 * _SIMILARITY_SPREAD**2)).to(x.dtype)
    kernel = (taps / taps.sum()).expand(x.shape[1], 1, 1, -1)
    return F.conv2d(
        F.conv2d(x, kernel, groups=x.shape[1]), kernel.transpose(2, 3).contiguous(), groups=x.shape[1]
    )


def temporal_loss(drawn: Tensor, moved: Tensor, shift: tuple[int, int]) -> Tensor:
    """Temporal consistency loss: L1 of two images (B, 4, H, W), the second ``shift`` = (x, y) px away.

    Both are of almost the same pose. A figure that moves by whole pixels must move its texture with it; what
    stays behind would swim or flicker in a video. Pixels that only one of the two shows are ignored.
    """
    x, y = shift
    height, width = drawn.shape[2:]
    first = drawn[..., max(-y, 0) : height - max(y, 0), max(-x, 0) : width - max(x, 0)]
    second = moved[..., max(y, 0) : height - max(-y, 0), max(x, 0) : width - max(-x, 0)]
    return (second - first).abs().mean()


def face_crops(pictures: Tensor, keypoints: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Crops around the faces, resampled to one size.

    Args:
        pictures: (B, C, H, W).
        keypoints: (B, 137, 4) in pixels of the pictures.
        side: of the crops, pixels.

    Returns:
        (B, C, side, side), and (B,) 1 if the centre of the face is inside the image, else 0.
    """
    points = torch.cat([keypoints[:, _HEAD], keypoints[:, FACE]], dim=1)
    known = points[..., 3:] > 0
    low = points[..., :2].masked_fill(~known, torch.inf).amin(dim=1)
    high = points[..., :2].masked_fill(~known, -torch.inf).amax(dim=1)
    size = torch.tensor([pictures.shape[3], pictures.shape[2]], device=pictures.device)
    centre = (low + high) / 2
    shown = ((centre > 0) & (centre < size)).all(dim=1)
    half = (high - low).amax(dim=1, keepdim=True) / 2 * _FACE_MARGIN
    centre, half = (torch.where(shown[:, None], value, 1.0) for value in (centre, half))
    steps = (torch.arange(side, device=pictures.device) + 0.5) / side * 2 - 1
    across = (centre[:, :1] + half * steps) / size[0] * 2 - 1  # (B, side), -1 to 1 over the picture
    down = (centre[:, 1:] + half * steps) / size[1] * 2 - 1
    grid = torch.stack(torch.broadcast_tensors(across[:, None, :], down[:, :, None]), dim=-1)
    return F.grid_sample(pictures, grid, align_corners=False), shown.to(pictures.dtype)


def face_detail_loss(drawn: Tensor, true: Tensor, keypoints: Tensor) -> Tensor:
    """Reconstruction loss of the face crops of (B, 4, H, W): few pixels, but the ones people look at."""
    crops, shown = face_crops(torch.cat([drawn, true], dim=1), keypoints, FACE_SIDE)
    crops = crops * shown[:, None, None, None]
    return reconstruction_loss(crops[:, :4], crops[:, 4:])


class PatchDiscriminator(nn.Module):
    """Patch discriminator (pix2pixHD): scores of image patches, and the intermediate features."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [
                nn.Conv2d(inputs, width, 4, 2, 1),
                nn.Conv2d(width, 2 * width, 4, 2, 1),
                nn.Conv2d(2 * width, 4 * width, 3, 1, 1),
            ]
        )
        self.verdict = nn.Conv2d(4 * width, 1, 3, 1, 1)

    def forward(self, picture: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(B, inputs, H, W) -> patch scores (B, 1, H/4, W/4) and three feature maps."""
        features = []
        for layer in self.layers:
            picture = F.leaky_relu(layer(picture), 0.2)
            features.append(picture)
        return self.verdict(picture), features


class MultiScaleDiscriminator(nn.Module):
    """Multi-scale discriminator: patch discriminators at full and half size, with separate weights."""

    def __init__(self, inputs: int = 4, width: int = 24, scales: int = 2) -> None:
        super().__init__()
        self.scales = nn.ModuleList([PatchDiscriminator(inputs, width) for _ in range(scales)])

    def forward(self, picture: Tensor) -> DiscriminatorOutputs:
        """Returns (scores, features) for each scale."""
        results = []
        for discriminator in self.scales:
            results.append(discriminator(picture))
            picture = F.avg_pool2d(picture, 2)
        return results


def discriminator_loss(real: DiscriminatorOutputs, fake: DiscriminatorOutputs) -> Tensor:
    """Hinge loss (B,) of the discriminator."""
    losses = [
        _per_sample(F.relu(1 - r.float())) + _per_sample(F.relu(1 + f.float()))
        for (r, _), (f, _) in zip(real, fake, strict=True)
    ]
    return torch.stack(losses).mean(dim=0)


def adversarial_loss(real: DiscriminatorOutputs, fake: DiscriminatorOutputs) -> tuple[Tensor, Tensor]:
    """Generator losses: hinge loss (B,), and feature-matching distance (B,)."""
    deceive = torch.stack([_per_sample(-verdict.float()) for verdict, _ in fake]).mean(dim=0)
    distances = [
        _per_sample((f.float() - r.detach().float()).abs())
        for (_, reals), (_, fakes) in zip(real, fake, strict=True)
        for r, f in zip(reals, fakes, strict=True)
    ]
    return deceive, torch.stack(distances).mean(dim=0)


def _per_sample(values: Tensor) -> Tensor:
    """Means per sample: (B, ...) -> (B,)."""
    return values.flatten(1).mean(dim=1)
