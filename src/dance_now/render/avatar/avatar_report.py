"""Report on an avatar: how its skeleton was found, its size, expressions, springs and licence, and a sheet.

What is missing is named together with how to give it, before any rendering or training.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import Image
from dance_now.formats3d.avatar_licence import UNKNOWN
from dance_now.formats3d.humanoid.bone_names import FINGERS, SIDES
from dance_now.render.avatar.avatar import Avatar
from dance_now.render.avatar.avatar_expressions import EYES, MOODS, VOWELS, expression_names
from dance_now.render.avatar.gaze import GAZES
from dance_now.render.camera import Camera
from dance_now.render.face.face_points import FaceLandmarks, face_landmarks
from dance_now.render.renderer import Renderer

_TILE: Final = 384  # pixels
_GROUND: Final = 244
_MARGIN: Final = 1.06
_HEAD: Final = 3.6  # interocular distances in a tile of the face
_TRUSTED: Final = (20, 170, 40)
_DOUBTED: Final = (225, 40, 30)
_INK: Final = (70, 66, 80)


@dataclass(frozen=True)
class AvatarReport:
    """What is known about an avatar.

    Attributes:
        lines: facts, one each.
        advice: what is missing or doubtful and what to do about it, one each.
    """

    lines: tuple[str, ...]
    advice: tuple[str, ...]


def inspect_avatar(avatar: Avatar, hide: tuple[str, ...] = ()) -> tuple[AvatarReport, FaceLandmarks | None]:
    """Reports on an avatar; also returns its face landmarks, which take a moment to find.

    Args:
        avatar: as loaded.
        hide: names of parts that are left out.

    Raises:
        DanceNowError: a name in ``hide`` that it lacks.
    """
    face = face_landmarks(avatar)
    low, high = avatar.bounds(hide)
    shown = [avatar.primitives[index] for index in avatar.shown_primitives(hide)]
    triangles = sum(len(item.triangles) for item in shown)
    springs = 0 if avatar.spring_rig is None else len(avatar.spring_rig.joints)
    found = expression_names(avatar)
    families = (
        f" (morph targets of {', '.join(avatar.expression_families)})" if avatar.expression_families else ""
    )
    facts = [
        f"{avatar.name}: {avatar.version}, {high[1] - low[1]:.2f} m tall, {triangles} triangles,"
        f" {len({item.material.name for item in shown})} materials",
        f"skeleton: {avatar.skeleton}, {len(avatar.bones)} bones",
        *(f"note: {remark}" for remark in avatar.remarks),
        f"expressions: {', '.join(found) or 'none'}{families}",
        f"face: {_face_line(face)}",
        f"springs: {f'{springs} bones' if springs else 'none'}",
        f"licence: {avatar.licence}; by {avatar.credits}; {_allowance(avatar)}",
    ]
    return AvatarReport(tuple(facts), tuple(_advice(avatar, face, found))), face


def _face_line(face: FaceLandmarks | None) -> str:
    if face is None:
        return "not found"
    return f"{int(face.trusted.sum())} of {len(face.trusted)} points found"


def _allowance(avatar: Avatar) -> str:
    if avatar.prohibitions:
        return f"forbids a character of it: {' and '.join(avatar.prohibitions)}"
    return "says nothing of use" if avatar.licence == UNKNOWN else "allows a character of it"


def _advice(avatar: Avatar, face: FaceLandmarks | None, found: tuple[str, ...]) -> list[str]:
    """What is missing, and how to give it."""
    lines = []
    groups: Mapping[str, tuple[str, ...]] = {
        "vowels": VOWELS,
        "blinks": () if "blink" in found else EYES[:2],
        "moods": MOODS,
        "gazes": GAZES,
    }
    missing = {group: [name for name in names if name not in found] for group, names in groups.items()}
    absent = [f"{group} ({', '.join(names)})" for group, names in missing.items() if names]
    if absent:
        lines.append(
            f"no {'; no '.join(absent)}: add morph targets with the names of VRM, VRoid, ARKit, Oculus or MMD"
        )
    if face is None:
        lines.append("the face is found by a blink: without one, no expression of people is followed")
    else:
        lines += [f"face points that are not trusted, {doubt}" for doubt in face.doubts]
    hands = [
        side for side in SIDES if not any(f"{side}{finger}Proximal" in avatar.bones for finger in FINGERS)
    ]
    if hands:
        lines.append(f"no finger bones of the {' and '.join(hands)} hand: its fingers stay as they are")
    if avatar.spring_rig is None:
        lines.append("no springs: train --springs auto gives gentle ones to hair and skirts")
    if avatar.licence == UNKNOWN or avatar.credits == UNKNOWN:
        lines.append("licence or authors unknown: give train --licence TEXT and --credits TEXT")
    if avatar.prohibitions:
        lines.append("if its owner permits a character of it, give --i-have-permission")
    return lines


def avatar_sheet(avatar: Avatar, face: FaceLandmarks | None, hide: tuple[str, ...] = ()) -> Image:
    """Sheet (H, W, 3) of an avatar: front, side and back; its face with points, blinking, and saying "aa".

    Args:
        avatar: as loaded.
        face: its landmarks; green where they are trusted, else red.
        hide: names of parts that are left out.
    """
    renderer = Renderer(avatar, _TILE, supersampling=2, hide=hide)
    low, high = avatar.bounds(hide)
    centre, edge = (low + high) / 2, _MARGIN * float((high - low).max())
    tiles = [
        _tile(renderer, Camera.orbit(yaw, 0, centre, edge), name)
        for name, yaw in (("front", 0.0), ("side", 90.0), ("back", 180.0))
    ]
    camera = _portrait(avatar, face)
    points = None if face is None else face.positions(avatar, avatar.rest_world)
    drawn = _tile(renderer, camera, "face points" if face is not None else "no face found")
    if face is not None and points is not None:
        _mark(drawn, camera.project(points, _TILE), face.trusted)
    blink = {"blink": 1.0} if "blink" in expression_names(avatar) else dict.fromkeys(EYES[:2], 1.0)
    tiles += [drawn, _tile(renderer, camera, "blink", blink), _tile(renderer, camera, "aa", {"aa": 1.0})]
    return np.vstack([np.hstack(tiles[:3]), np.hstack(tiles[3:])])


def _portrait(avatar: Avatar, face: FaceLandmarks | None) -> Camera:
    if face is not None:
        nose, right_eye, left_eye = face.body_points(avatar, avatar.rest_world)[:3]
        return Camera.orbit(0, 0, nose, _HEAD * float(np.linalg.norm(left_eye - right_eye)))
    head = avatar.rest_position("head")
    top = float(avatar.bounds()[1][1])
    size = max(top - float(head[1]), 1e-3)
    return Camera.orbit(0, 0, head + np.array([0, size / 2, 0]), 1.6 * size)


def _tile(
    renderer: Renderer, camera: Camera, name: str, expressions: Mapping[str, float] | None = None
) -> Image:
    rgba = renderer.render(renderer.avatar.rest_world, camera, dict(expressions or {})).astype(np.float32)
    alpha = rgba[..., 3:] / 255
    tile = np.ascontiguousarray(np.round(rgba[..., :3] * alpha + _GROUND * (1 - alpha)).astype(np.uint8))
    cv2.putText(tile, name, (10, 24), cv2.FONT_HERSHEY_SIMPLEX, 0.6, _INK, 1, cv2.LINE_AA)
    return tile


def _mark(tile: Image, places: npt.NDArray[np.floating], trusted: npt.NDArray[np.bool_]) -> None:
    for (x, y), is_trusted in zip(places[:, :2] - 0.5, trusted, strict=True):
        colour = _TRUSTED if is_trusted else _DOUBTED
        cv2.circle(tile, (round(float(x) * 16), round(float(y) * 16)), 36, colour, -1, cv2.LINE_AA, 4)
