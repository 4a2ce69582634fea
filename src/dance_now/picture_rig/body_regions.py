"""Regions of a silhouette by bone: geodesic distances to the bones, cuts between limbs, skin weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray, Image
from dance_now.picture_rig.figure_joints import LIMBS, SIDES, FigureJoints
from dance_now.picture_rig.outline_paths import OutlineGraph

Points = npt.NDArray[np.float64]

HEIGHT: Final = 220
"""Pixels of the figure's larger side on the raster of regions."""
_SOFT: Final = 0.5  # of a bone's radius: how far weights reach beyond the border between two bones
_NECK_SOFT: Final = 0.35
_NECK_WIDTH: Final = 0.5  # of the head's radius, at most
_NECK_REACH: Final = 1.5  # of the neck's radius
_CROTCH: Final = 0.12  # from hips to ankles
_HEM: Final = (0.08, 1.25)  # from hips to ankles, a hem narrows by such a factor
_HAIR: Final = 2.0  # of the head's radius: how far hair may stand off
_LOOSE: Final = 0.3  # of a limb's radius: how far its sleeve may stand off
_WALL: Final = 0.1  # pixels for one step of CIELAB
_STEEP: Final = 15.0, 6.0  # how fast limbs and the trunk give up what lies farther off


@dataclass(frozen=True, eq=False)
class BodyRegions:
    """Which bone carries which pixel, on a small raster.

    Attributes:
        mask: (h, w) the silhouette, cut apart where limbs only touch in the picture's plane.
        scale: pixels of this raster for one of the figure's.
        names: of the B bones.
        excess: (B, h, w) geodesic distance to each bone beyond its radius, pixels; inf outside.
        radii: (B,) pixels.
        groups: (h, w) which pixels are cut off from which others.
        width: W of the figure, pixels.
    """

    mask: BoolArray
    scale: float
    names: tuple[str, ...]
    excess: Points
    radii: Points
    groups: npt.NDArray[np.int64]
    width: int

    @classmethod
    def of(cls, mask: BoolArray, joints: FigureJoints, rgb: Image | None = None) -> BodyRegions:
        """Regions of a silhouette.

        Args:
            mask: (H, W).
            joints: in its pixels.
            rgb: (H, W, 3) the figure: parts that only touch are told apart by their colours.
        """
        scale = min(1.0, HEIGHT / max(mask.shape))
        size = (max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale)))
        small = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.5
        small_joints = joints.moved(scale, np.zeros(2))
        graph = OutlineGraph.of(small)
        segments = bone_segments(small_joints)
        names = tuple(segments)
        radii = np.array([_radius(graph, segment) for segment in segments.values()])
        neck, head = names.index("neck"), names.index("head")
        radii[neck] = min(radii[neck], _NECK_WIDTH * radii[head])  # collars and shoulders are no neck
        walled = graph if rgb is None else OutlineGraph.of(small, _walls(rgb, size))
        excess = _excess(walled, segments, radii)
        reach = _NECK_REACH * radii[neck]
        owner = np.where(small, np.argmin(excess, axis=0), -1)
        groups = _groups_of(names, owner, small_joints, reach)
        cut = small & ~_cuts(groups)
        severed = OutlineGraph.of(cut).severed(groups, _APART)
        return cls(cut, scale, names, _excess(severed, segments, radii), radii, groups, mask.shape[1])

    def nearest(self) -> npt.NDArray[np.int64]:
        """(h, w) the bone of each pixel; -1 outside."""
        found = np.argmin(self.excess, axis=0)
        return np.where(self.mask, found, -1).astype(np.int64)

    def weights(self) -> Points:
        """(B, h, w) skin weights, which sum to 1; outside those of the nearest pixel within."""
        least = self.excess.min(axis=0)
        with np.errstate(invalid="ignore"):
            beyond = np.where(np.isfinite(least), self.excess - least, np.inf)
        soft = np.array([_NECK_SOFT if name in ("neck", "head") else _SOFT for name in self.names])
        weights = np.exp(-np.square(beyond / (soft * np.maximum(self.radii, 2))[:, None, None]))
        weights /= np.maximum(weights.sum(axis=0), 1e-9)
        return extended(weights, self.mask)

    def weights_of(self, name: str) -> Points:
        """(h, w) skin weights of a bone; 0 where the picture does not show it."""
        if name not in self.names:
            return np.zeros(self.mask.shape)
        return np.asarray(self.weights()[self.names.index(name)])

    def sample(self, fields: Points, points: Points) -> Points:
        """(n, ...) bilinear values of (..., h, w) fields at (n, 2) points in the figure's pixels.

        What lies across a cut does not count.
        """
        height, width = self.mask.shape
        place = np.clip(points * self.scale - 0.5, 0, [width - 1.001, height - 1.001])
        corner = place.astype(int)
        part = place - corner
        columns = corner[:, 0, None] + [0, 1, 0, 1]  # (n, 4)
        rows = corner[:, 1, None] + [0, 0, 1, 1]
        across, down = np.stack([1 - part, part], axis=2).transpose(1, 0, 2)
        shares = np.stack([across[:, i] * down[:, j] for j in (0, 1) for i in (0, 1)], axis=1)
        inside = shares * self.mask[rows, columns]
        own = np.argmax(np.where(inside.sum(axis=1, keepdims=True) > 0, inside, shares), axis=1)[:, None]
        groups = self.groups[rows, columns]
        joined = ~_APART[groups, np.take_along_axis(groups, own, axis=1)]
        shares = np.where(inside.sum(axis=1, keepdims=True) > 0, inside, shares) * joined
        shares /= shares.sum(axis=1, keepdims=True)
        return np.asarray(np.einsum("nk,...nk->n...", shares, fields[..., rows, columns]))


def _walls(rgb: Image, size: tuple[int, int]) -> Points:
    """(h, w, 3) colours in steps that weigh as much as pixels: a limb is not entered from other clothes."""
    small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return np.asarray(_WALL * cv2.cvtColor(small, cv2.COLOR_RGB2LAB), np.float64)


def extended(fields: Points, mask: BoolArray) -> Points:
    """Fields (..., h, w) continued outside a mask with the values of the nearest pixel within."""
    _, labels = cv2.distanceTransformWithLabels(
        (~mask).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    owner = np.zeros(int(labels.max()) + 1, np.int64)
    owner[labels[mask]] = np.flatnonzero(mask)
    return np.asarray(fields.reshape(*fields.shape[:-2], -1)[..., owner[labels]])


def bone_segments(joints: FigureJoints) -> dict[str, tuple[Points, ...]]:
    """Bone -> the line (points x, y) along which it runs in the picture."""
    neck, hips = joints["neck"], joints.middle("hip")

    def trunk(share: float) -> Points:
        return np.asarray(hips + share * (neck - hips))

    chin, crown = joints["chin"], joints["crown"]
    segments: dict[str, tuple[Points, ...]] = {
        "hips": (trunk(-0.04), trunk(0.2)),
        "spine": (trunk(0.2), trunk(0.45)),
        "chest": (trunk(0.45), trunk(0.97)),
        "neck": (trunk(1.0), chin),
        "head": (chin + 0.12 * (crown - chin), crown),
    }
    for side in SIDES:
        at = {limb: joints[f"{side}_{limb}"] for limb in LIMBS}
        if joints.has(side, "hand"):
            segments |= {
                f"{side}UpperArm": (at["shoulder"], at["elbow"]),
                f"{side}LowerArm": (at["elbow"], at["wrist"]),
                f"{side}Hand": (at["wrist"], at["hand"]),
            }
        if joints.has(side, "toe"):
            segments |= {
                f"{side}UpperLeg": (at["hip"], at["knee"]),
                f"{side}LowerLeg": (at["knee"], at["ankle"]),
                f"{side}Foot": (at["ankle"], at["toe"]),
            }
    return segments


def _radius(graph: OutlineGraph, segment: tuple[Points, ...]) -> float:
    """Half the silhouette's width along a bone: a high quantile of the depth of its inner part."""
    start, end = segment
    shares = np.linspace(0.2, 0.8, 9)[:, None]
    nodes = [graph.nearest(point) for point in start + shares * (end - start)]
    return float(max(2.0, np.quantile(graph.depth[tuple(graph.places[nodes].T)], 0.7)))


def _excess(graph: OutlineGraph, segments: dict[str, tuple[Points, ...]], radii: Points) -> Points:
    fields = []
    for (start, end), radius in zip(segments.values(), radii, strict=True):
        count = max(2, int(np.linalg.norm(end - start)) + 1)
        line = start + np.linspace(0, 1, count)[:, None] * (end - start)
        nodes = sorted({graph.nearest(point) for point in line})
        fields.append(graph.distances(nodes) - radius)
    excess = np.stack(fields)
    # Hair that touches an arm, or a skirt around a thigh, lies beyond what a limb can be.
    limbs = np.array([name.startswith(SIDES) for name in segments])
    heads = np.array(list(segments)) == "head"
    steep = np.where(limbs | heads, *_STEEP)
    slack = (np.where(heads, _HAIR, _LOOSE) * radii)[:, None, None]
    beyond = slack + steep[:, None, None] * (excess - slack)
    return np.where(excess > slack, beyond, excess)


def _cuts(groups: npt.NDArray[np.int64]) -> BoolArray:
    """Pixels along which groups that are apart meet."""
    cut = np.zeros(groups.shape, bool)
    for axis in (0, 1):
        here, there = (groups[:-1], groups[1:]) if axis == 0 else (groups[:, :-1], groups[:, 1:])
        target = cut[:-1] if axis == 0 else cut[:, :-1]
        target |= _APART[here, there]
    return cut


def _groups_of(
    names: tuple[str, ...], owner: npt.NDArray[np.int64], joints: FigureJoints, neck_reach: float
) -> npt.NDArray[np.int64]:
    """(h, w) group of each pixel by its bone; outside it is of the joining group, which is apart from none.

    The head, with its hair, is joined to the rest at the neck alone; thighs are apart below the crotch, or
    below the hem of a skirt.
    """
    group = np.array([_group(name) for name in names] + [_JOINING])[owner]
    rows, columns = np.indices(owner.shape) + 0.5
    chin = joints["chin"]
    near = np.hypot(columns - chin[0], rows - chin[1]) <= neck_reach
    group[near & (group == _GROUPS.index("trunk"))] = _JOINING
    hip, ankle = joints.middle("hip")[1], joints.middle("ankle")[1]
    crotch = max(hip + _CROTCH * (ankle - hip), _hem(group, hip, ankle))
    for side in SIDES:
        low = (group == _GROUPS.index(f"{side}Thigh")) & (rows > crotch)
        group[low] = _GROUPS.index(f"{side}Leg")
    return group


_GROUPS: Final = (
    "trunk",
    "leftArm",
    "rightArm",
    "leftLeg",
    "rightLeg",
    "leftThigh",
    "rightThigh",
    "leftSleeve",
    "rightSleeve",
    "head",
    "joining",
)
_JOINING: Final = _GROUPS.index("joining")


def _hem(groups: npt.NDArray[np.int64], hip: float, ankle: float) -> float:
    """The lowest row between hips and ankles above which clothes are much wider than what is below."""
    lower = [_GROUPS.index(name) for name in ("trunk", "leftThigh", "rightThigh", "leftLeg", "rightLeg")]
    inside = np.isin(groups, lower)
    first, last = np.argmax(inside, axis=1), inside.shape[1] - np.argmax(inside[:, ::-1], axis=1)
    widths = np.where(inside.any(axis=1), last - first, 0)
    step = max(2, round(_HEM[0] * (ankle - hip)))
    rows = np.arange(max(int(hip), 0), min(int(ankle), len(groups)) - step)
    hems = rows[(widths[rows] > _HEM[1] * widths[rows + step]) & (widths[rows + step] > 0)]
    return float(hems[-1] + step) if len(hems) else 0.0


def _group(name: str) -> int:
    """What a bone is cut off with: free parts of limbs, or the trunk with what joins it."""
    side = next((side for side in SIDES if name.startswith(side)), "")
    if name.endswith(("LowerArm", "Hand")):
        return _GROUPS.index(f"{side}Arm")
    if name.endswith(("LowerLeg", "Foot")):
        return _GROUPS.index(f"{side}Leg")
    if name.endswith("UpperArm"):
        return _GROUPS.index(f"{side}Sleeve")
    if name.endswith("UpperLeg"):
        return _GROUPS.index(f"{side}Thigh")
    return _GROUPS.index("head" if name == "head" else "trunk")


def _pairs(*names: tuple[str, str]) -> tuple[tuple[int, int], ...]:
    return tuple((_GROUPS.index(first), _GROUPS.index(second)) for first, second in names)


_SEPARATE: Final = _pairs(
    ("head", "trunk"),
    ("leftLeg", "rightLeg"),
    ("leftLeg", "rightThigh"),
    ("rightLeg", "leftThigh"),
    *((f"{side}Sleeve", "head") for side in SIDES),
    *((f"{side}Arm", other) for side in SIDES for other in ("trunk", "head", "leftLeg", "rightLeg")),
    *((f"{side}Arm", f"{other}Thigh") for side in SIDES for other in SIDES),
)


_APART: Final = np.zeros((len(_GROUPS),) * 2, bool)
for _first, _second in _SEPARATE:
    _APART[_first, _second] = _APART[_second, _first] = True
