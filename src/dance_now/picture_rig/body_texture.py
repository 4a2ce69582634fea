"""Texture of a figure: the picture in front, the picture without its face behind, sides in its colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray, FloatArray, Image
from dance_now.picture_rig.body_regions import BodyRegions

Points = npt.NDArray[np.float64]

_BAND: Final = 0.03  # of the figure's larger side: where an inked outline is looked for
_INK: Final = 26.0  # levels: an outline is that much darker than what it surrounds
_INKED: Final = 0.45  # of the outline, at least
_INK_FALL: Final = 0.12  # of it: fewer are dark behind the line
_LINE_END: Final = 0.003  # of the figure's larger side, in which a line ends
_STEEP: Final = 0.035  # of the head's radius: where its sides are so steep that they show in profile only
_INWARDS: Final = 0.35  # of the same: how far in their colours are looked for
_GAMMA: Final = 2.2
_WIDEST: Final = 0.005  # of the figure's larger side: what is thicker is drawn with a pen
_ONE_COLOR: Final = 60.0  # levels of deviation
_LEAST_RIM: Final = 2.0  # pixels that are never pure figure


@dataclass(frozen=True, eq=False)
class Ink:
    """Line drawn around a figure.

    Attributes:
        ratio: how bright it is against what it surrounds, linear light.
        width: pixels.
        color: (3,) sRGB in [0, 1] of a thick line of one colour, as of a pen; else None.
    """

    ratio: float
    width: float
    color: FloatArray | None


@dataclass(frozen=True, eq=False)
class BodyTexture:
    """Texture atlas of a figure: front on the left half, back on the right.

    Attributes:
        pixels: (H, 2 W, 3) uint8.
        ink: the line drawn around the figure; None without one.
    """

    pixels: Image
    ink: Ink | None

    @property
    def half(self) -> int:
        """W, pixels."""
        return int(self.pixels.shape[1] // 2)


def body_texture(
    rgb: Image, alpha: FloatArray, mask: BoolArray, regions: BodyRegions, chin: Points
) -> BodyTexture:
    """Paints front and back.

    Args:
        rgb: (H, W, 3) the picture.
        alpha: (H, W) in [0, 1].
        mask: (H, W) of the figure.
        regions: of the same.
        chin: (2,) x, y.
    """
    ink = _find_ink(rgb, alpha, mask)
    width = 0.0 if ink is None else ink.width + 1
    head = _region_at(regions, "head", mask) & mask
    front = _from_inside(rgb, alpha, mask, max(_LEAST_RIM, width), head)
    back = _without_face(front, mask, regions, chin)
    return BodyTexture(np.concatenate([front, back], axis=1), ink)


def _find_ink(rgb: Image, alpha: FloatArray, mask: BoolArray) -> Ink | None:
    """A line drawn around the figure: dark near the outline, brighter farther in."""
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    band = max(4, round(_BAND * max(mask.shape)))
    inner = cv2.dilate(grey, np.ones((2 * band + 1,) * 2, np.uint8))
    dark = mask & (alpha > 0.9) & (inner - grey > _INK)
    rows = [(depth > low) & (depth <= low + 1) & (alpha > 0.9) for low in range(1, band)]
    shares = np.array([float(dark[row].mean()) if row.any() else 0.0 for row in rows])
    # A line ends at once; where figures are shaded towards their outline, darkness ends little by little.
    step = max(2, round(_LINE_END * max(mask.shape)))
    falls = shares[:-step] - shares[step:]
    end = int(np.argmax(falls))
    if shares[: end + 1].max() < _INKED or falls[end] < _INK_FALL:
        return None
    after = np.flatnonzero(shares[end:] < (shares[end] + shares[end + step]) / 2)
    width = 1.0 + end + int(after[0])
    line = dark & (depth <= width)
    ratio = float(np.median((grey[line] + 1) / (inner[line] + 1)) ** _GAMMA)
    colors = rgb[line].astype(np.float32)
    is_one = width > _WIDEST * max(mask.shape) and float(colors.std(axis=0).mean()) < _ONE_COLOR
    color = np.median(colors, axis=0) / 255 if is_one else None
    return Ink(ratio, width, None if color is None else np.asarray(color, np.float32))


def _from_inside(rgb: Image, alpha: FloatArray, mask: BoolArray, rim: float, head: BoolArray) -> Image:
    """The picture whose rim and surroundings have the colours that prevail farther in.

    The sides of the body show nothing but the rim, stretched: its colour is the median along the way inwards,
    so that neither ink nor a thin band runs all over them. Where a limb is thinner than two rims, its middle
    line stays.
    """
    depth = np.asarray(cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5), np.float32)
    reach = 2 * int(np.ceil(rim)) + 1
    ridge = depth >= cv2.dilate(depth, np.ones((reach, reach), np.uint8)) - 0.5
    steep = np.where(head, _STEEP * float(depth[head].max(initial=0)), 0)
    core = mask & ((depth > np.maximum(rim, steep)) | (ridge & (depth > 0.5)))
    sure = mask & ((depth > rim) | (ridge & (depth > 0.5)))
    _, labels = cv2.distanceTransformWithLabels(
        (~sure).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    colours = np.zeros((int(labels.max()) + 1, 3), np.uint8)
    colours[labels[sure]] = _prevailing(rgb, depth, sure, head)[sure]
    filled = colours[labels]
    blurred = cv2.GaussianBlur(filled, (0, 0), 1.5)
    soft = cv2.GaussianBlur(core.astype(np.float32), (0, 0), 0.7)[..., None] * core[..., None]
    return np.clip(blurred + soft * (rgb.astype(np.float32) - blurred), 0, 255).astype(np.uint8)


def _prevailing(rgb: Image, depth: FloatArray, sure: BoolArray, head: BoolArray) -> Image:
    """(H, W, 3) for each pixel the median colour on the way to the middle of its part."""
    smooth = cv2.GaussianBlur(depth, (0, 0), 2.0)
    across, down = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    size = np.maximum(np.hypot(across, down), 1e-6)
    rows, columns = np.indices(depth.shape).astype(np.float32)
    far = np.where(head, _INWARDS * float(depth[head].max(initial=0)), 6.0).astype(np.float32)
    samples = []
    for share in np.linspace(0, 1, 9):
        x = (columns + share * far * across / size).astype(np.float32)
        y = (rows + share * far * down / size).astype(np.float32)
        inside = cv2.remap(sure.astype(np.uint8), x, y, cv2.INTER_NEAREST) > 0
        found = cv2.remap(rgb, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
        samples.append(np.where(inside[..., None], found, rgb))
    return np.asarray(np.median(np.stack(samples), axis=0), np.uint8)


def _without_face(front: Image, mask: BoolArray, regions: BodyRegions, chin: Points) -> Image:
    """The texture of the back: on the head, the colours of its rim (hair) are continued over the face."""
    head = _region_at(regions, "head", mask) & mask
    if not head.any():
        return front
    rows = np.flatnonzero(head.any(axis=1))
    height = max(chin[1] - rows[0], 1.0)
    row = np.arange(mask.shape[0])[:, None]
    depth = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
    size = float(depth[head].max())
    above = row < rows[0] + 0.30 * height
    rim = (depth < 0.22 * size) & (row < rows[0] + 0.85 * height)
    known = head & (above | rim)
    colour = _most_common(front[head & (row < rows[0] + 0.30 * height) & (depth > 0.05 * size)])
    # The rim of a face without hair beside it is skin; the crown's colour is more likely there behind.
    far = np.linalg.norm(front.astype(np.float32) - colour, axis=2) > 90
    known &= ~far
    hole = head & ~known
    filled = front.astype(np.float32)
    filled[hole] = _pulled(filled, known, colour)[hole]
    soft = cv2.GaussianBlur(hole.astype(np.float32), (0, 0), 2)[..., None]
    inside = np.where(head[..., None], filled, front)
    smooth = cv2.GaussianBlur(inside, (0, 0), 2)
    mixed = np.where(
        head[..., None], inside + np.minimum(soft, 1) * (smooth - inside) * (1 - soft) * 4 * 0.5, front
    )
    return np.clip(mixed, 0, 255).astype(np.uint8)


def _most_common(colours: Image) -> FloatArray:
    """(3,) the mean of the most frequent coarse colour."""
    if not len(colours):
        return np.full(3, 128, np.float32)
    coarse = (colours.astype(np.int64) // 40) @ np.array([49, 7, 1])
    best = np.bincount(coarse).argmax()
    return np.asarray(colours[coarse == best].mean(axis=0), np.float32)


def _pulled(image: FloatArray, known: BoolArray, colour: FloatArray) -> FloatArray:
    """Smooth continuation of the known pixels into the rest, from coarse to fine."""
    levels: list[tuple[FloatArray, FloatArray]] = [(image * known[..., None], known.astype(np.float32))]
    while min(levels[-1][1].shape) > 4:
        values, weights = levels[-1]
        size = (max(1, weights.shape[1] // 2), max(1, weights.shape[0] // 2))
        levels.append(
            (
                np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32),
                np.asarray(cv2.resize(weights, size, interpolation=cv2.INTER_AREA), np.float32),
            )
        )
    result = np.broadcast_to(colour, (*levels[-1][1].shape, 3)).astype(np.float32)
    for values, weights in reversed(levels):
        coarse = np.asarray(
            cv2.resize(result, weights.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32
        )
        share = np.clip(weights * 4, 0, 1)[..., None]
        result = np.asarray(
            coarse + share * (values / np.maximum(weights, 1e-3)[..., None] - coarse), np.float32
        )
    return np.asarray(result, np.float32)


def _region_at(regions: BodyRegions, name: str, mask: BoolArray) -> BoolArray:
    """(H, W) pixels that a bone carries for the most part."""
    share = regions.weights_of(name).astype(np.float32)
    return np.asarray(cv2.resize(share, mask.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0.5)
