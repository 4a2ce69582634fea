"""From a figure with joints to a rigged, textured body as VRM."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.interpolate import LinearNDInterpolator

from dance_now.core.arrays import Image
from dance_now.formats3d.srgb import srgb_to_linear
from dance_now.formats3d.vrm_writer import RigBone, RigMesh, ToonPaint, vrm_bytes
from dance_now.picture_rig.body_regions import BodyRegions
from dance_now.picture_rig.body_surface import BodySurface, body_surface, narrowed, with_nose
from dance_now.picture_rig.body_texture import BodyTexture, Ink, body_texture
from dance_now.picture_rig.face_finder import FaceFeatures, find_face
from dance_now.picture_rig.face_patches import Patch, face_patches, mouth_inside, without_features
from dance_now.picture_rig.figure_joints import FigureJoints
from dance_now.picture_rig.figure_picture import FigurePicture
from dance_now.picture_rig.rig_bones import BodyFrame, rig_bones, skin_weights

Points = npt.NDArray[np.float64]

_LINE: Final = 0.6  # of a drawn line's width
_THICKEST: Final = 0.02  # metres of an outline
_SIDES: Final = 4  # strongest bones of a vertex


def rig_figure(figure: FigurePicture, joints: FigureJoints, name: str, licence: str, credits: str) -> bytes:
    """VRM 1.0 file of a figure.

    Args:
        figure: the cut-out picture.
        joints: in its pixels.
        name: the character's.
        licence: of the picture, which becomes the avatar's.
        credits: who drew it.
    """
    mask = figure.mask
    regions = BodyRegions.of(mask, joints, figure.rgb)
    surface = body_surface(mask, regions)
    texture = body_texture(figure.rgb, figure.alpha, mask, regions, joints["chin"])
    face = find_face(figure.rgb, mask, joints)
    middle = None
    if face is not None:
        eyes = [(face.eyes[side][:2] + face.eyes[side][2:]) / 2 for side in ("right", "left")]
        surface = with_nose(surface, *eyes)
        middle = float((eyes[0][0] + eyes[1][0]) / 2)
    frame = BodyFrame.of(mask, joints, regions, middle)
    bones = rig_bones(joints, surface, frame)
    line = 0.0 if texture.ink is None else _line_width(texture.ink, frame) / frame.metres
    drawn_in = narrowed(surface, mask, line) if line else surface
    mesh = _body_mesh(surface, drawn_in, regions, frame, bones, joints)
    pixels = texture.pixels
    if face is not None:
        pixels = _with_face(texture, figure.rgb, face)
        skin = _skin_height(surface)
        patches = face_patches(face, skin, float(max(mask.shape)))
        head = next(number for number, bone in enumerate(bones) if bone.name == "head")
        mesh = _joined(mesh, [_patch_mesh(patch, frame, head, texture, pixels) for patch in patches])
    uv = mesh.uv / np.array(pixels.shape[1::-1])
    mesh = RigMesh(mesh.positions, mesh.normals, uv, mesh.triangles, mesh.joints, mesh.weights, mesh.morphs)
    return vrm_bytes(name, bones, mesh, _paint(texture, pixels, frame), licence, credits)


def _paint(texture: BodyTexture, pixels: Image, frame: BodyFrame) -> ToonPaint:
    """The material; a line around the figure becomes the avatar's outline."""
    ink = texture.ink
    if ink is None:
        return ToonPaint(pixels)
    width = _line_width(ink, frame)
    if ink.color is None:
        return ToonPaint(pixels, outline_width=width, outline_color=(ink.ratio,) * 3)
    color = srgb_to_linear(np.asarray(ink.color, np.float32))
    return ToonPaint(pixels, outline_width=width, outline_color=[float(v) for v in color], outline_mix=0.0)


def _line_width(ink: Ink, frame: BodyFrame) -> float:
    """Metres of an outline."""
    return min(_LINE * ink.width * frame.metres, _THICKEST)


def _with_face(texture: BodyTexture, rgb: Image, face: FaceFeatures) -> Image:
    """The atlas with eyes and mouth painted over; on the right the picture as it is, and a mouth's inside."""
    half = texture.half
    front = without_features(texture.pixels[:, :half], face)
    drawn = texture.pixels[:, :half].copy()
    for box in (*face.eyes.values(), *(() if face.mouth is None else (face.mouth,))):
        low, high = np.floor(box[:2]).astype(int) - 8, np.ceil(box[2:]).astype(int) + 8
        window = np.s_[max(low[1], 0) : high[1], max(low[0], 0) : high[0]]
        drawn[window] = rgb[window]
    inside = mouth_inside()
    drawn[: inside.shape[0], : inside.shape[1]] = inside
    return np.concatenate([front, texture.pixels[:, half:], drawn], axis=1)


def _skin_height(surface: BodySurface):  # type: ignore[no-untyped-def]
    front = ~surface.behind
    return LinearNDInterpolator(surface.places[front], surface.heights[front], fill_value=0.0)


def _body_mesh(
    surface: BodySurface,
    drawn_in: BodySurface,
    regions: BodyRegions,
    frame: BodyFrame,
    bones: list[RigBone],
    joints: FigureJoints,
) -> RigMesh:
    """The body's mesh in metres, where it is ``drawn_in``; texture coordinates in pixels of the atlas."""
    positions = frame.positions(drawn_in, regions)
    numbers, weights = skin_weights(surface, regions, bones, joints)
    uv = surface.places.copy()
    uv[surface.behind, 0] += regions.width
    return RigMesh(positions, smooth_normals(positions, surface), uv, surface.triangles, numbers, weights)


def _patch_mesh(patch: Patch, frame: BodyFrame, head: int, texture: BodyTexture, pixels: Image) -> RigMesh:
    count = len(patch.places)
    x, y = patch.places.T
    positions = frame.metres * np.stack([x - frame.middle, frame.floor - y, patch.heights], axis=1)
    uv = patch.texture + np.array([2 * texture.half, 0])
    joints = np.zeros((count, _SIDES), np.int64)
    joints[:, 0] = head
    weights = np.zeros((count, _SIDES))
    weights[:, 0] = 1
    morphs = {name: frame.metres * moved * [1, -1, 1] for name, moved in patch.morphs.items()}
    normals = np.tile([0.0, 0.0, 1.0], (count, 1))
    return RigMesh(positions, normals, uv, patch.triangles, joints, weights, morphs)


def _joined(body: RigMesh, patches: list[RigMesh]) -> RigMesh:
    meshes = [body, *patches]
    counts = [len(mesh.positions) for mesh in meshes]
    starts = np.cumsum([0, *counts])
    names = dict.fromkeys(name for mesh in meshes for name in mesh.morphs)
    return RigMesh(
        np.concatenate([mesh.positions for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.uv for mesh in meshes]),
        np.concatenate([mesh.triangles + start for mesh, start in zip(meshes, starts, strict=False)]),
        np.concatenate([mesh.joints for mesh in meshes]),
        np.concatenate([mesh.weights for mesh in meshes]),
        {
            name: np.concatenate(
                [
                    mesh.morphs.get(name, np.zeros((count, 3)))
                    for mesh, count in zip(meshes, counts, strict=True)
                ]
            )
            for name in names
        },
    )


def smooth_normals(positions: Points, surface: BodySurface) -> Points:
    """(V, 3) normals; twins on the outline share theirs, so that front and back meet without a crease."""
    corners = positions[surface.triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    group = np.arange(len(positions))
    half = len(positions) // 2
    twins = np.flatnonzero(surface.rim[half:])
    group[half + twins] = twins
    total = np.zeros_like(positions)
    for corner in range(3):
        np.add.at(total, group[surface.triangles[:, corner]], faces)
    normals = total[group]
    return np.asarray(normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12))
