"""Joints of a figure from its outline alone, whatever its proportions.

The neck is where the silhouette is narrowest below the head; hands and feet are the tips that lie farthest
from it within the silhouette; elbows and knees lie where the middle line of a limb bends, else at shares of
its length that hold for anime characters and people alike (medians over four avatars).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import BoolArray
from dance_now.core.errors import DanceNowError
from dance_now.picture_rig.figure_joints import SIDES, FigureJoints
from dance_now.picture_rig.outline_paths import (
    OutlineGraph,
    along,
    central_runs,
    middle_column,
    neck_row,
    run_from_start,
    sharpest_bend,
)

Points = npt.NDArray[np.float64]

_HEIGHT: Final = 200  # pixels of the raster on which paths are searched
_OFF_MIDDLE: Final = 0.025  # of the height: a neck is in the figure's middle, or farther off
_OFF_NECK: Final = 0.3  # of a neck's width: the same, since scarves and hair hang to one side
_TIP: Final = 0.06  # of the height: least prominence of a hand or foot
_ELBOW, _WRIST = 0.37, 0.74  # of the arm from shoulder to fingertips
_KNEE, _ANKLE = 0.45, 0.87  # of the leg from hip to sole
_SIDEWAYS: Final = 2.2  # heights of the ankle: wider feet are drawn from their side
_BEND: Final = 35.0  # degrees from which a bend is an elbow or knee
_HIP_ABOVE_CROTCH: Final = 0.06  # of the height from sole to shoulder
_HIP_RANGE: Final = (0.3, 0.7)  # of the height from sole to shoulder
_SKIRT: Final = 1.3  # a hem is wider than the legs below it by this factor
_HIP_UNDER_SKIRT: Final = 0.66  # of the height from sole to shoulder
_STANCE: Final = 0.33  # of how much farther out legs stand: hips are wider
_SHOULDER_DEPTH: Final = 0.012  # of the height: a shoulder lies so deep in the outline
_ARM_RADIUS: Final = 0.028  # of the height: an arm's bone is so far below its sleeve's upper edge
_SHOULDERS: Final = (0.041, 0.35)  # half their width: of the height, and of the trunk's half width
_HIPS: Final = (0.015, 0.4)  # the same of the hips


def outline_joints(mask: BoolArray) -> FigureJoints:
    """Finds the joints of a standing figure that faces the viewer, arms away from its trunk.

    Args:
        mask: (H, W) the silhouette, in one piece.

    Raises:
        DanceNowError: hands or feet cannot be told from the rest.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    scale = _HEIGHT / (rows[-1] - rows[0] + 1)
    size = (max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale)))
    small = cv2.resize(mask.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0.4
    found = _Search.of(small).joints()
    return found.moved(1 / scale, np.zeros(2))


@dataclass(frozen=True, eq=False)
class _Search:
    """Where trunk, neck and floor are, on the small raster."""

    mask: BoolArray
    body: OutlineGraph
    middle: float
    neck: Points
    neck_width: float
    crown: Points
    floor: float

    @classmethod
    def of(cls, mask: BoolArray) -> _Search:
        rows = np.flatnonzero(mask.any(axis=1))
        top, floor = int(rows[0]), int(rows[-1]) + 1
        middle = middle_column(mask)
        runs = central_runs(mask, middle)
        narrowest = neck_row(runs, top, floor)
        left, right = runs[narrowest]
        headless = mask.copy()
        headless[narrowest, left:right] = False
        # Cut at the neck: raised arms stay with the body, and hair that hangs down stays with the head.
        _, labels = cv2.connectedComponents(headless.astype(np.uint8), connectivity=4)
        body = np.asarray(labels == labels[min(narrowest + 1, len(mask) - 1), (left + right) // 2])
        if not body[floor - 2 :].any():
            body = mask & (np.arange(len(mask)) > narrowest)[:, None]
        column = (left + right) / 2
        if abs(column - middle) < max(_OFF_MIDDLE * _HEIGHT, _OFF_NECK * (right - left)):
            column = middle
        crown_row = int(np.flatnonzero(mask[:, int(column)])[0])
        return cls(
            mask,
            OutlineGraph.of(body),
            middle,
            np.array([column, narrowest + 0.5]),
            float(right - left),
            np.array([column, crown_row]),
            floor,
        )

    def joints(self) -> FigureJoints:
        graph, neck = self.body, self.body.nearest(self.neck)
        field = graph.distances(neck)
        tips = [
            (graph.places[node][::-1] + 0.5, prominence)
            for node, prominence in graph.tips(field, _TIP * _HEIGHT)
        ]
        feet, unsure = self._feet([tip for tip, _ in tips])
        hands = self._hands(tips, feet)
        points: dict[str, Points] = {"neck": self.neck, "crown": self.crown, "chin": self.neck}
        trunk = self._trunk_half_width(hands)
        for side, sign in zip(SIDES, (1, -1), strict=True):
            points |= self._arm(side, sign, hands[side], trunk)
        shoulders = (points["left_shoulder"] + points["right_shoulder"]) / 2
        points["neck"] = np.array([self.neck[0], shoulders[1]])
        hips = self._hips(feet, shoulders[1], trunk)
        for side in SIDES:
            points |= self._leg(side, hips[side], feet[side])
        points["chin"] = np.array([self.neck[0], min(self.neck[1], shoulders[1] - 1)])
        return FigureJoints(points, frozenset(unsure))

    def _feet(self, tips: list[Points]) -> tuple[dict[str, Points], set[str]]:
        low = [tip for tip in tips if tip[1] > self.floor - 0.12 * _HEIGHT]
        left = [tip for tip in low if tip[0] > self.middle]
        right = [tip for tip in low if tip[0] <= self.middle]
        if left and right:
            pair = max(left, key=lambda tip: tip[1]), max(right, key=lambda tip: tip[1])
            return dict(zip(SIDES, pair, strict=True)), set()
        # Feet side by side are one tip: half of what touches the floor is each one's.
        band = self.body.mask[int(self.floor - 0.05 * _HEIGHT) :]
        columns = np.flatnonzero(band.any(axis=0))
        if len(columns) < 4:
            raise DanceNowError("the figure's feet were not found.")
        quarter = np.percentile(columns, (75, 25))
        unsure = {f"{side}_{limb}" for side in SIDES for limb in ("knee", "ankle", "toe")}
        row = self.floor - 0.02 * _HEIGHT
        return {side: np.array([x, row]) for side, x in zip(SIDES, quarter, strict=True)}, unsure

    def _hands(self, tips: list[tuple[Points, float]], feet: dict[str, Points]) -> dict[str, Points]:
        hands = {}
        reach = 0.06 * _HEIGHT
        for side, sign in zip(SIDES, (1, -1), strict=True):
            own = [
                (prominence, tip)
                for tip, prominence in tips
                if (tip[0] - self.middle) * sign > reach
                and min(np.linalg.norm(tip - foot) for foot in feet.values()) > 0.15 * _HEIGHT
                and tip[1] < self.floor - 0.15 * _HEIGHT
            ]
            if not own:
                raise DanceNowError(
                    f"the figure's {side} arm was not found: it has to stand, face the viewer, and hold "
                    "its arms off its body, as in a T or an A."
                )
            hands[side] = max(own, key=lambda item: item[0])[1]
        return hands

    def _trunk_half_width(self, hands: dict[str, Points]) -> float:
        """Half the width of the chest: that of the rows between neck and hips without the arms."""
        length = self.floor - self.neck[1]
        rows = range(int(self.neck[1] + 0.06 * length), int(self.neck[1] + 0.42 * length))
        widths = []
        for row in rows:
            columns = np.flatnonzero(self.body.mask[row])
            left, right = columns[columns <= self.middle], columns[columns > self.middle]
            left, right = run_from_start(left[::-1], -1), run_from_start(right, 1)
            if len(left) and len(right):
                widths.append((right[-1] - left[-1] + 1) / 2)
        return float(np.percentile(widths, 15)) if widths else 0.08 * _HEIGHT

    def _arm(self, side: str, sign: int, tip: Points, trunk: float) -> dict[str, Points]:
        graph = self.body
        path = graph.path(graph.nearest(self.neck), graph.nearest(tip))
        beyond = np.flatnonzero((path[:, 0] - self.middle) * sign > 1.25 * trunk)
        first = int(beyond[0]) if len(beyond) else len(path) // 4
        # The middle line leaves the trunk slanting; the shoulder lies where the free arm's line comes in.
        free = path[first:]
        _, bend = sharpest_bend(free, 0.25, 0.6)
        straight = 0.65 if bend <= _BEND else 0.4
        upper = self._bone_of_sleeve(free[len(free) // 6 : max(4, int(straight * len(free)))])
        middle = upper.mean(axis=0)
        slope = np.linalg.svd(upper - middle)[2][0]
        slope = slope if slope @ (free[-1] - free[0]) > 0 else -slope
        out = _SHOULDERS[0] * _HEIGHT + _SHOULDERS[1] * trunk
        inward = max(float((middle[0] - self.middle) * sign) - out, 0.0)
        most = 1.5 * trunk + float(np.linalg.norm(middle - free[0]))
        shoulder = middle - slope * min(inward / max(abs(slope[0]), 0.35), most)
        shoulder = self._last_inside(middle, shoulder)
        if (shoulder[0] - free[0, 0]) * sign > 0:  # a bent arm's line misses the trunk
            free = path[np.argmax((path[:, 0] - self.middle) * sign > min(out, 0.9 * trunk)) :]
            shoulder = free[0].copy()
        shoulder[0] = self.middle + sign * max(0.7 * out, (shoulder[0] - self.middle) * sign)
        whole = np.concatenate([shoulder[None], free])
        share, bend = sharpest_bend(whole, 0.25, 0.6)
        elbow = share if bend > _BEND else _ELBOW
        if bend <= _BEND:  # the middle of a wide sleeve sags below a straight arm
            whole = np.stack([shoulder, free[-1]])
        wrist = elbow + (1 - elbow) * (_WRIST - _ELBOW) / (1 - _ELBOW)
        return {
            f"{side}_shoulder": shoulder,
            f"{side}_elbow": along(whole, elbow),
            f"{side}_wrist": along(whole, wrist),
            f"{side}_hand": tip,
        }

    def _last_inside(self, start: Points, end: Points) -> Points:
        """The last point on the way from one to another that lies well within the body, below the neck."""
        reached = start
        depth = self.body.depth
        least = min(_SHOULDER_DEPTH * _HEIGHT, 0.5 * float(depth[int(start[1]), int(start[0])]))
        for share in np.linspace(0, 1, 40):
            point = start + share * (end - start)
            row, column = (int(value) for value in point[::-1])
            if point[1] < self.neck[1] or depth[row, column] < least:
                break
            reached = point
        return reached

    def _bone_of_sleeve(self, path: Points) -> Points:
        """A middle line moved to where the bone is: an arm lies in the upper part of a wide sleeve."""
        graph = self.body
        depth = np.array([graph.depth[tuple(graph.places[graph.nearest(point)])] for point in path])
        way = path[-1] - path[0]
        up = np.array([way[1], -way[0]]) / max(float(np.linalg.norm(way)), 1e-9)
        up = up if up[1] < 0 else -up
        loose = np.maximum(depth - _ARM_RADIUS * _HEIGHT, 0.0) * abs(up[1])
        return np.asarray(path + loose[:, None] * up)

    def _hips(self, feet: dict[str, Points], shoulder: float, trunk: float) -> dict[str, Points]:
        length = self.floor - shoulder
        gap = self._crotch()
        height = (self.floor - gap) / length + _HIP_ABOVE_CROTCH
        if self._width(gap - 0.02 * _HEIGHT) > _SKIRT * self._width(gap + 0.05 * _HEIGHT):
            height = max(height, _HIP_UNDER_SKIRT)
        row = self.floor - float(np.clip(height, *_HIP_RANGE)) * length
        out = _HIPS[0] * _HEIGHT + _HIPS[1] * trunk
        hips = {}
        for side, sign in zip(SIDES, (1, -1), strict=True):
            wide = max((self._leg_column(feet[side], gap) - self.middle) * sign - out, 0.0)
            hips[side] = np.array([self.middle + sign * (out + min(_STANCE * wide, 0.5 * out)), row])
        return hips

    def _leg_column(self, foot: Points, gap: float) -> float:
        """The middle of a leg between crotch and foot."""
        row = int(np.clip((gap + foot[1]) / 2, 0, self.floor - 1))
        columns = np.flatnonzero(self.body.mask[row])
        own = columns[(columns > self.middle) == (foot[0] > self.middle)]
        return float(own.mean() + 0.5) if len(own) else float(foot[0])

    def _width(self, row: float) -> float:
        """Pixels of the trunk or legs in a row, without what stands apart as far as arms do."""
        columns = np.flatnonzero(self.body.mask[int(np.clip(row, 0, self.floor - 1))])
        return float((np.abs(columns - self.middle) < 0.25 * _HEIGHT).sum())

    def _crotch(self) -> float:
        """The row from which on, down to the floor, nothing joins the legs near the middle."""
        half = max(1, round(0.01 * _HEIGHT))
        near = slice(max(0, int(self.middle) - 3 * half), int(self.middle) + 3 * half + 1)
        gaps = np.asarray((~self.body.mask[:, near]).any(axis=1))
        row = int(self.floor - 0.04 * _HEIGHT)
        while row > self.neck[1] and gaps[row]:
            row -= 1
        if row > self.floor - 0.1 * _HEIGHT:  # the legs touch
            return float(self.floor - 0.6 * (self.floor - self.neck[1]))
        return float(row)

    def _leg(self, side: str, hip: Points, foot: Points) -> dict[str, Points]:
        graph = self.body
        foot = self._toe(foot, 1 - _ANKLE, hip)
        path = graph.path(graph.nearest(hip), graph.nearest(foot))
        line = np.stack([hip, foot]) if len(path) < 3 else np.concatenate([hip[None], path[1:]])
        share, bend = sharpest_bend(line, 0.3, 0.65)
        knee = share if bend > _BEND else _KNEE
        if bend <= _BEND:  # the middle of a skirt or coat is no leg's
            line = np.stack([hip, foot])
        ankle = knee + (1 - knee) * (_ANKLE - _KNEE) / (1 - _KNEE)
        return {
            f"{side}_hip": hip,
            f"{side}_knee": along(line, knee),
            f"{side}_ankle": along(line, ankle),
            f"{side}_toe": foot,
        }

    def _toe(self, tip: Points, rise: float, hip: Points) -> Points:
        """The end of a foot: its middle, or its tip where it is drawn from its side."""
        low, column = int(tip[1] - 0.025 * _HEIGHT), int(tip[0])
        columns = np.flatnonzero(self.body.mask[low : int(tip[1]) + 1].any(axis=0))
        first = run_from_start(columns[columns <= column][::-1], -1)
        last = run_from_start(columns[columns >= column], 1)
        if not len(first) or not len(last):
            return tip
        if last[-1] + 1 - first[-1] > _SIDEWAYS * rise * (self.floor - hip[1]):
            return tip
        return np.array([(first[-1] + last[-1] + 1) / 2, tip[1]])
