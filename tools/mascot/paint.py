"""Procedural textures, antialiased by 4x4 supersampling unless all their edges are soft."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import Image
from tools.mascot import materials as tint
from tools.mascot.face_parts import fringe_shadow
from tools.mascot.face_skin import FACE_UV_BOX
from tools.mascot.footwear import SHOE_UV_BOX
from tools.mascot.materials import Color
from tools.mascot.outfit import JACKET_UV_BOX
from tools.mascot.surface import Points, curve, smooth_step

_OVER: Final = 4  # samples along a texel's edge

Canvas = npt.NDArray[np.float32]


def _grid(width: int, height: int, over: int = _OVER) -> tuple[Points, Points]:
    """Texture coordinates u and v of every sample, (height, width) times the supersampling."""
    u = (np.arange(width * over) + 0.5) / (width * over)
    v = (np.arange(height * over) + 0.5) / (height * over)
    across, down = np.meshgrid(u, v)
    return across, down


def _filled(like: Points, color: Color) -> Canvas:
    return np.broadcast_to(np.array(color, np.float32), (*like.shape, 3)).copy()


def _over(canvas: Canvas, color: Color | Canvas, share: Points) -> None:
    """Alpha blending of a color over the canvas; ``share`` is the alpha, 0 to 1."""
    canvas += (np.asarray(color, np.float32) - canvas) * share[..., None].astype(np.float32)


def _reduced(canvas: Canvas, alpha: Points | None = None, over: int = _OVER) -> Image:
    parts = canvas if alpha is None else np.concatenate([canvas, 255 * alpha[..., None]], axis=2)
    size = (canvas.shape[1] // over, canvas.shape[0] // over)
    small = cv2.resize(parts.astype(np.float32), size, interpolation=cv2.INTER_AREA)
    return np.asarray(np.clip(np.round(small), 0, 255), np.uint8)


def _disc(
    u: Points, v: Points, centre: tuple[float, float], size: tuple[float, float], soft: float = 0.02
) -> Points:
    """Ellipse mask: 1 inside, 0 outside, with a soft edge (a share of its radius)."""
    radius = np.hypot((u - centre[0]) / size[0], (v - centre[1]) / size[1])
    return smooth_step(radius, 1 + soft, 1 - soft)


def face() -> Image:
    """Face texture: skin with a hint of the nose and the lower lip, and the shadow of the fringe."""
    u, v = _grid(384, 448, over=1)
    x, y = FACE_UV_BOX[0] + u * FACE_UV_BOX[2], FACE_UV_BOX[1] + (1 - v) * FACE_UV_BOX[3]
    canvas = _filled(u, tint.SKIN)
    nose = np.exp(-(((x - 0.0006) / 0.0032) ** 2 + ((y - 1.1800) / 0.0016) ** 2))
    _over(canvas, tint.SKIN_SHADE, 0.9 * nose)
    lip = np.exp(-((x / 0.0060) ** 2 + ((y - 1.1490) / 0.0016) ** 2))
    _over(canvas, tint.SKIN_SHADE, 0.45 * lip)
    _over(canvas, tint.SKIN_SHADE, 0.75 * fringe_shadow(x, y))
    return _reduced(canvas, over=1)


def blush() -> Image:
    """Blush texture: a soft spot of red."""
    u, v = _grid(64, 40, over=1)
    radius = np.hypot(u - 0.5, v - 0.5) * 2
    return _reduced(
        _filled(u, tint.BLUSH), 0.49 * np.exp(-3.0 * radius**2) * smooth_step(radius, 1.0, 0.8), over=1
    )


def white() -> Image:
    """Eye white texture, in the shadow of the upper lid."""
    u, v = _grid(32, 32)
    canvas = _filled(u, tint.EYE_WHITE)
    _over(canvas, tint.EYE_WHITE_SHADE, smooth_step(v + 0.06 * np.cos((u - 0.5) * 4), 0.50, 0.32))
    return _reduced(canvas)


def iris() -> Image:
    """Iris texture: dark above, glowing below, with a pupil and two lights."""
    u, v = _grid(160, 200)
    x, y = (u - 0.5) / 0.47, (v - 0.5) / 0.47
    radius = np.hypot(x, y)
    canvas = _filled(u, tint.IRIS_RIM)
    body = smooth_step(radius, 0.93, 0.87)
    depth = curve([(-1, 0), (-0.35, 0.12), (0.2, 0.55), (0.75, 1), (1, 1)])(y)[..., None]
    glow = np.array(tint.IRIS_DARK) * (1 - depth) + np.array(tint.IRIS) * depth
    _over(canvas, glow.astype(np.float32), body)
    low = smooth_step(np.hypot(x / 0.72, (y - 0.62) / 0.42), 1.0, 0.45) * body
    _over(canvas, tint.IRIS_LIGHT, 0.9 * low)
    ring = smooth_step(np.abs(np.hypot(x / 0.56, (y - 0.04) / 0.60) - 1), 0.14, 0.04) * smooth_step(
        y, -0.2, 0.5
    )
    _over(canvas, tint.IRIS_LIGHT, 0.55 * ring * body)
    _over(canvas, tint.IRIS_RIM, _disc(x, y, (0, 0.02), (0.34, 0.40), 0.05))
    _over(canvas, tint.IRIS_DARK, 0.8 * _disc(x, y, (0, 0.20), (0.17, 0.14), 0.35))
    _over(canvas, tint.IRIS_RIM, 0.72 * smooth_step(y + 0.12 * x * x, -0.32, -0.62))
    _over(canvas, tint.WHITE, _disc(x, y, (0.34, -0.42), (0.27, 0.25), 0.05))
    _over(canvas, tint.WHITE, _disc(x, y, (-0.36, 0.44), (0.13, 0.12), 0.08))
    _over(canvas, tint.IRIS_GLINT, 0.9 * _disc(x, y, (-0.46, -0.10), (0.07, 0.10), 0.2))
    return _reduced(canvas, smooth_step(radius, 1.0, 0.97))


def mouth() -> Image:
    """Mouth interior texture: dark red, a row of teeth, the tongue."""
    u, v = _grid(96, 72)
    canvas = _filled(u, tint.MOUTH)
    _over(canvas, tint.TONGUE, _disc(u, v, (0.5, 0.86), (0.27, 0.30), 0.04))
    _over(canvas, tint.WHITE, smooth_step(v + 0.25 * (u - 0.5) ** 2, 0.285, 0.27))
    return _reduced(canvas)


def hair() -> Image:
    """Hair texture of a lock: darker at the root, a band of light, glowing tips, and fine strands."""
    u, v = _grid(64, 256)
    canvas = _filled(u, tint.HAIR)
    strand = 0.5 + 0.5 * np.sin(u * 2 * np.pi * 3.0 + 0.6)
    _over(canvas, tint.HAIR_DARK, 0.55 * smooth_step(v, 0.14, 0.0))
    _over(canvas, tint.HAIR_TIP, smooth_step(v + 0.05 * strand, 0.55, 1.0))
    wave = 0.030 * np.abs(np.sin(u * np.pi * 4)) + 0.012 * np.sin(u * np.pi * 9)
    band = smooth_step(v, 0.27 + wave, 0.285 + wave) * smooth_step(v, 0.40 - 1.6 * wave, 0.385 - 1.6 * wave)
    _over(canvas, tint.HAIR_LIGHT, 0.85 * band)
    line = smooth_step(np.abs(((u * 3 + 0.15) % 1.0) - 0.5), 0.05, 0.01) * smooth_step(v, 0.35, 0.75)
    _over(canvas, tint.HAIR_DARK, 0.30 * line)
    return _reduced(canvas)


def jacket() -> Image:
    """Jacket texture: cream with colored sleeves, stripes around the waist, bands below the elbows."""
    u, v = _grid(1024, 512, over=1)
    x = np.abs(JACKET_UV_BOX[0] + u * JACKET_UV_BOX[2])
    y = JACKET_UV_BOX[1] + (1 - v) * JACKET_UV_BOX[3]
    canvas = _filled(u, tint.CREAM)
    seam = 0.104 - 0.50 * (y - 1.0)  # a raglan seam runs from the armpit to the neck
    edge = 0.0008
    _over(canvas, tint.TEAL, smooth_step(x - seam, -edge, edge))
    _over(canvas, tint.NAVY, smooth_step(np.abs(x - seam) - 0.0022, edge, -edge))
    for middle in (0.325, 0.350):
        _over(canvas, tint.CREAM, smooth_step(np.abs(x - middle) - 0.0065, edge, -edge))
    chest = (smooth_step(np.abs(y - 0.865) - 0.016, edge, -edge)) * (x < seam)
    _over(canvas, tint.NAVY, chest)
    _over(canvas, tint.CORAL, smooth_step(np.abs(y - 0.836) - 0.0045, edge, -edge) * (x < seam))
    return _reduced(canvas, over=1)


def skirt() -> Image:
    """Skirt texture: dark cloth with a stripe near the hem."""
    u, v = _grid(32, 128)
    canvas = _filled(u, tint.NAVY)
    _over(canvas, tint.CREAM, smooth_step(np.abs(v - 0.83) - 0.035, 0.004, -0.004))
    fold = smooth_step(u, 0.70, 0.74) * smooth_step(v, 0.10, 0.55)
    _over(canvas, tint.INK_COOL, 0.55 * fold)
    return _reduced(canvas)


def sock() -> Image:
    """Sock texture: dark, with two stripes below the rim."""
    u, v = _grid(16, 256)
    canvas = _filled(u, tint.NAVY)
    for middle in (0.085, 0.135):
        _over(canvas, tint.CREAM, smooth_step(np.abs(v - middle) - 0.014, 0.002, -0.002))
    return _reduced(canvas)


def shoe() -> Image:
    """Sneaker texture from the side: toe cap, stripe, heel."""
    u, v = _grid(160, 128)
    z, y = SHOE_UV_BOX[0] + u * SHOE_UV_BOX[2], SHOE_UV_BOX[1] + (1 - v) * SHOE_UV_BOX[3]
    canvas = _filled(u, tint.CREAM)
    edge = 0.0007
    _over(canvas, tint.CORAL, smooth_step(np.hypot(z - 0.112, y - 0.018) - 0.044, edge, -edge))
    _over(canvas, tint.CORAL, smooth_step(z + 0.030 + 0.2 * y, edge, -edge))
    slope = z - 0.012 + 0.55 * (y - 0.06)
    _over(canvas, tint.TEAL, smooth_step(np.abs(slope) - 0.0065, edge, -edge) * smooth_step(y, 0.104, 0.102))
    return _reduced(canvas)


TEXTURES: Final[dict[str, Callable[[], Image]]] = {
    "face": face,
    "blush": blush,
    "white": white,
    "iris": iris,
    "mouth": mouth,
    "hair": hair,
    "jacket": jacket,
    "skirt": skirt,
    "sock": sock,
    "shoe": shoe,
}
"""Texture name -> painter, for every texture that a material refers to."""
