"""Eyes and mouth of a drawn or photographed face, by colours and symmetry.

Eyes are a pair of patches that differ from the skin, mirror each other, and have skin below them; the mouth
is what differs from the skin between them and the chin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray, FloatArray, Image
from dance_now.picture_rig.figure_joints import FigureJoints

Points = npt.NDArray[np.float64]

_HEAD: Final = 96  # pixels of a head's height on the raster of the search
_RADII: Final = (0.024, 0.035, 0.05, 0.065, 0.08, 0.10)  # of the head's height
_ROWS: Final = (0.32, 0.86)  # from crown to chin: where eyes are looked for
_APART: Final = (0.10, 0.34)  # of the head's height: half the distance of the eyes
_SURE: Final = 0.12  # least score of a pair
_PLAIN_SIGHT: Final = 0.35  # value of a pair that touches hair
_TRIED: Final = 150  # pairs
_REACHES: Final = ((4.0, 3.2), (3.0, 2.4), (2.0, 1.7))  # of the radius, above and around, tried in turn
_WHITE: Final = (72.0, 16.0)  # of an eye: least lightness, most chroma
_WHITE_SHARE: Final = 0.04  # of each side's third of an eye
_LEAST_HEAD: Final = 24  # pixels from crown to chin
_JAW: Final = 0.6  # of a head's width: where its chin is
_LEAST_EYE: Final = 8  # pixels
_OTHER: Final = 0.28  # colour distance from skin that belongs to a feature


@dataclass(frozen=True, eq=False)
class FaceFeatures:
    """Features of a face in the figure's pixels.

    Attributes:
        eyes: side -> (4,) left, top, right, bottom.
        mouth: (4,) the same, or None.
        skin: (3,) uint8 colour around them.
        has_irises: whether both eyes show an iris and white beside it.
    """

    eyes: dict[str, Points]
    mouth: Points | None
    skin: Image
    has_irises: bool = False


def find_face(rgb: Image, mask: BoolArray, joints: FigureJoints) -> FaceFeatures | None:
    """Finds eyes and mouth.

    Args:
        rgb: (H, W, 3) the figure.
        mask: (H, W).
        joints: of the same; eyes and mouth that they hold are taken over.

    Returns:
        None where no pair of eyes is sure.
    """
    crown, chin = joints["crown"], joints["chin"]
    if chin[1] - crown[1] < _LEAST_HEAD:
        return None
    skull = _skull_of(mask, crown, chin)
    for top, bottom in ((crown, chin), skull):
        face = _face_between(rgb, mask, top, bottom, joints)
        if face is not None:
            return face
    return None


def _skull_of(mask: BoolArray, crown: Points, chin: Points) -> tuple[Points, Points]:
    """Crown and chin of a head by its outline: without a long neck, and where it leans aside."""
    rows = np.arange(max(int(crown[1]), 0), int(chin[1]) + 1)
    found = []
    column = int((crown[0] + chin[0]) / 2)
    for row in rows:
        columns = np.flatnonzero(mask[row])
        parts = np.split(columns, np.flatnonzero(np.diff(columns) > 1) + 1)
        own = [part for part in parts if len(part) and part[0] <= column <= part[-1]]
        found.append((own[0][0], own[0][-1] + 1) if own else (column, column))
    runs = np.array(found, np.float64)
    widths = runs[:, 1] - runs[:, 0]
    wide = np.flatnonzero(widths >= _JAW * np.percentile(widths, 80))
    if not len(wide):
        return crown, chin
    middle = float(np.median(runs[wide].mean(axis=1)))
    return np.array([middle, crown[1]]), np.array(
        [middle, float(max(rows[wide[-1]], crown[1] + _LEAST_HEAD))]
    )


def _face_between(
    rgb: Image, mask: BoolArray, crown: Points, chin: Points, joints: FigureJoints
) -> FaceFeatures | None:
    """Eyes and mouth between crown and chin (2,); None where no pair of eyes is sure."""
    height = float(chin[1] - crown[1])
    middle = float((crown[0] + chin[0]) / 2)
    low = np.array([middle - 0.75 * height, crown[1] - 0.05 * height])
    scale = _HEAD / height
    size = (round(1.5 * _HEAD), round(1.15 * _HEAD))
    matrix = np.array([[scale, 0, -low[0] * scale], [0, scale, -low[1] * scale]])
    step = cv2.GaussianBlur(rgb, (0, 0), max(0.3, 0.4 / scale)) if scale < 1 else rgb
    head: Image = np.asarray(
        cv2.warpAffine(step, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8
    )
    inside = cv2.warpAffine(mask.astype(np.uint8), matrix, size, flags=cv2.INTER_NEAREST) > 0
    skin = _skin_colour(head, inside)
    unlike = _unlike(head, skin)
    found = dict(joints.eyes)
    if len(found) < 2:
        pair = _find_pair(unlike, inside)
        if pair is None:
            return None
        found = {side: _to_figure(box, scale, low) for side, box in pair.items()}
    mouth = joints.mouth
    if mouth is None:
        boxes = {side: (box - np.tile(low, 2)) * scale for side, box in found.items()}
        spot = _find_mouth(unlike, boxes)
        mouth = None if spot is None else _to_figure(spot, scale, low)
    has_irises = all(_has_iris(rgb, box, skin) for box in found.values())
    return FaceFeatures(found, mouth, skin, has_irises)


def _has_iris(rgb: Image, box: Points, skin: Image) -> bool:
    """Tests whether white can be told from an iris: bright, colourless, and beside something that is not."""
    low, high = np.floor(box[:2]).astype(int), np.ceil(box[2:]).astype(int)
    eye = rgb[max(low[1], 0) : high[1], max(low[0], 0) : high[0]].astype(np.float32)
    if min(eye.shape[:2]) < _LEAST_EYE:
        return False
    lab = cv2.cvtColor(eye / 255, cv2.COLOR_RGB2LAB)
    own = cv2.cvtColor(skin.reshape(1, 1, 3).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)[0, 0]
    unlike = np.linalg.norm(lab - own, axis=2)
    white = (lab[..., 0] > _WHITE[0]) & (np.hypot(lab[..., 1], lab[..., 2]) < _WHITE[1]) & (unlike > 6)
    third = max(1, white.shape[1] // 3)
    sides = min(white[:, :third].mean(), white[:, -third:].mean())
    middle = (unlike > 25)[:, third:-third] & ~white[:, third:-third]
    return bool(sides > _WHITE_SHARE and middle.mean() > 0.3)


def _to_figure(box: Points, scale: float, low: Points) -> Points:
    return np.asarray(box / scale + np.tile(low, 2))


def _skin_colour(head: Image, inside: BoolArray) -> Image:
    """(3,) the most frequent colour of the face's lower half."""
    rows, columns = (
        slice(round(0.6 * _HEAD), round(0.95 * _HEAD)),
        slice(round(0.5 * _HEAD), round(1.0 * _HEAD)),
    )
    colours = head[rows, columns][inside[rows, columns]]
    if not len(colours):
        return np.full(3, 128, np.uint8)
    coarse = (colours.astype(np.int64) // 32) @ np.array([64, 8, 1])
    best = np.bincount(coarse).argmax()
    return np.asarray(colours[coarse == best].mean(axis=0), np.uint8)


def _unlike(head: Image, skin: Image) -> FloatArray:
    """(h, w) how far colours are from the skin's, 0 to 1."""
    lab, own = (
        cv2.cvtColor(np.asarray(each, np.float32) / 255, cv2.COLOR_RGB2LAB)
        for each in (head, skin.reshape(1, 1, 3))
    )
    return np.asarray(np.clip(np.linalg.norm(lab - own, axis=2) / 60, 0, 1), np.float32)


def _find_pair(unlike: FloatArray, inside: BoolArray) -> dict[str, Points] | None:
    """Boxes of both eyes on the head's raster: of the best pairs, the first of two islands in the skin."""
    found: list[tuple[float, float, float, float, float]] = []
    for radius in _RADII:
        around = _disc_mean(unlike, radius * _HEAD)
        found += _pairs(around, inside, radius)
    found.sort(reverse=True)
    best: tuple[float, dict[str, Points]] | None = None
    for value, middle, half, row, radius in found[:_TRIED]:
        places = {side: np.array([middle + sign * half, row]) for side, sign in (("left", 1), ("right", -1))}
        grown = {side: _grown(unlike, place, radius) for side, place in places.items()}
        islands = sum(is_island for _, is_island in grown.values())
        if not islands and value < _PLAIN_SIGHT:
            continue
        sizes = [np.prod(box[2:] - box[:2]) for box, _ in grown.values()]
        worth = float(value * (0.5 + 0.25 * islands) * (min(sizes) / max(sizes)) ** 0.5)
        if best is None or worth > best[0]:
            best = worth, {side: box for side, (box, _) in grown.items()}
    return best[1] if best is not None and best[0] > _SURE else None


def _pairs(
    around: FloatArray, inside: BoolArray, radius: float
) -> list[tuple[float, float, float, float, float]]:
    """Candidates: value, middle column, half the distance, row, radius in pixels; the best row of each."""
    height, width = around.shape
    found = []
    reach = round(1.9 * radius * _HEAD)
    deep = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3) > 1.6 * radius * _HEAD
    rows = np.arange(round((0.05 + _ROWS[0]) * _HEAD), min(round((0.05 + _ROWS[1]) * _HEAD), height - reach))
    for middle in np.arange(width / 2 - 0.07 * _HEAD, width / 2 + 0.07 * _HEAD, 1.0):
        for half in np.arange(max(_APART[0], 1.4 * radius) * _HEAD, _APART[1] * _HEAD, 1.5):
            left, right = round(middle + half), round(middle - half)
            if right - reach < 0 or left + reach >= width:
                continue
            eyes = np.minimum(around[rows, left], around[rows, right])
            below = np.maximum(around[rows + reach, left], around[rows + reach, right])
            above = np.maximum(around[rows - reach, left], around[rows - reach, right])
            beside = np.maximum(around[rows, left - reach], around[rows, right + reach])
            there = deep[rows, left] & deep[rows, right]
            unequal = np.abs(around[rows, left] - around[rows, right])
            value = (eyes - 0.8 * below - 0.4 * beside - 0.3 * above - 0.5 * unequal) * there
            row = int(np.argmax(value))
            found.append((float(value[row]), float(middle), float(half), float(rows[row]), radius * _HEAD))
    return found


def _disc_mean(values: FloatArray, radius: float) -> FloatArray:
    size = 2 * max(1, round(radius)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)).astype(np.float32)
    return np.asarray(cv2.filter2D(values, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE))


def _grown(unlike: FloatArray, centre: Points, radius: float) -> tuple[Points, bool]:
    """(4,) the box of what differs from skin around a point, and whether it is an island in the skin."""
    x, y = (round(value) for value in centre)
    for above, around in _REACHES:
        up, aside = max(3, round(above * radius)), max(3, round(around * radius))
        top, left = max(0, y - up), max(0, x - aside)
        window = (unlike[top : y + aside + 1, left : x + aside + 1] > _OTHER).astype(np.uint8)
        _, labels = cv2.connectedComponents(window)
        core = labels[max(0, y - top - 1) : y - top + 2, max(0, x - left - 1) : x - left + 2]
        own = np.unique(core[core > 0])
        if not len(own):
            break
        rows, columns = np.nonzero(np.isin(labels, own))
        is_island = rows.min() > 0 and columns.min() > 0 and columns.max() < window.shape[1] - 1
        if is_island or (above, around) == _REACHES[-1]:
            low, high = (
                (columns.min() + left, rows.min() + top),
                (columns.max() + left + 1, rows.max() + top + 1),
            )
            return np.array([*low, *high], np.float64), bool(is_island)
    return np.array([x - radius, y - radius, x + radius, y + radius], np.float64), False


def _find_mouth(unlike: FloatArray, eyes: dict[str, Points]) -> Points | None:
    """(4,) the box of the mouth: the widest thing unlike skin below the eyes, near the middle."""
    centres = [(box[:2] + box[2:]) / 2 for box in eyes.values()]
    middle = np.mean(centres, axis=0)
    apart = float(np.linalg.norm(centres[0] - centres[1]))
    lowest = max(box[3] for box in eyes.values())
    top, bottom = round(lowest + 0.12 * apart), round(min(middle[1] + 1.35 * apart, 1.03 * _HEAD))
    left, right = round(middle[0] - 0.5 * apart), round(middle[0] + 0.5 * apart)
    window = unlike[max(top, 0) : bottom, max(left, 0) : right]
    if window.shape[0] < 3 or window.shape[1] < 3:
        return None
    base = float(np.median(window))
    strong = (window > max(0.1, base + 0.08)).astype(np.uint8)
    count, labels, statistics, centroids = cv2.connectedComponentsWithStats(strong)
    best, chosen = 0.0, None
    for number in range(1, count):
        x, y, wide, high, area = statistics[number]
        touches = x == 0 or x + wide == window.shape[1] or y + high == window.shape[0]
        offset = abs(centroids[number, 0] - window.shape[1] / 2) / apart
        if touches or offset > 0.18 or wide < 0.06 * apart or area < 3:
            continue
        value = (
            wide
            * (1 - 2 * offset)
            * float(window[labels == number].mean())
            * (0.2 + y / window.shape[0]) ** 2
        )
        if value > best:
            best, chosen = value, (x, y, x + wide, y + high)
    if chosen is None:
        return None
    return np.array(chosen, np.float64) + np.array([left, top, left, top])
