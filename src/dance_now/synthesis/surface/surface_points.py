"""Surface points of an avatar: skinned, colored points with texture patches, which the generator splats."""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from dance_now.core.arrays import FloatArray
from dance_now.core.atomic_write import replacing
from dance_now.core.errors import DanceNowError
from dance_now.core.limits import MemoryBudget
from dance_now.pose.model.bone_rule import BONE_NAMES, BoneRig
from dance_now.pose.model.keypoints import FACE
from dance_now.render.avatar.avatar import Avatar
from dance_now.render.face.face_points import FaceLandmarks, expression_basis, expression_names
from dance_now.synthesis.poses.avatar_poser import SolvedPoses
from dance_now.synthesis.surface.corrective_shapes import POSE_FEATURES, fit_correctives
from dance_now.synthesis.surface.point_placement import INFLUENCES, place_points
from dance_now.synthesis.surface.surface_patches import CHANNELS, TEXELS, bake_patches
from dance_now.synthesis.surface.surface_samples import (
    IntArray,
    interpolate,
    morph_differences,
    scatter_samples,
)

_MAXIMUM_POINTS: Final = 1_000_000
_MAXIMUM_BYTES: Final = 2**29  # unpacked
# What numpy, zipfile and the parser of array headers raise over damaged files.
_DAMAGE: Final = (
    *(OSError, ValueError, KeyError, TypeError, EOFError, MemoryError, OverflowError, RuntimeError),
    *(SyntaxError, AttributeError, RecursionError, struct.error, zlib.error),
    *(tokenize.TokenError, zipfile.BadZipFile),
)
_PATCH_SAMPLES: Final = 60  # surface samples per point, from which its patch is baked
_FACE_POINTS: Final = FACE.stop - FACE.start
_SHAPES: Final[dict[str, tuple[int, ...]]] = {
    "position": (3,),
    "normal": (3,),
    "color": (3,),
    "bones": (INFLUENCES,),
    "weights": (INFLUENCES,),
    "reach": (),
    "two_sided": (),
    "patches": (TEXELS, TEXELS, CHANNELS),
}
_MORPHS: Final = ("morphs", "patch_morphs")
_BASES: Final = ("face_basis", "pose_basis")
_KINDS: Final[dict[str, npt.DTypeLike]] = {"bones": np.int64, "two_sided": np.bool_, "patches": np.uint8}


@dataclass(frozen=True, eq=False)
class MeshPoints:
    """Skinned points on a surface at rest.

    Attributes:
        position: (N, 3) float32 metres, character frame.
        normal: (N, 3) float32 unit normals.
        color: (N, 3) float32 sRGB in [0, 1].
        bones: (N, INFLUENCES) int64 rows of BONE_NAMES.
        weights: (N, INFLUENCES) float32, rows sum to 1, strongest first.
        reach: (N,) float32 half the edge of a point's patch, metres.
        two_sided: (N,) whether the surface is visible from behind as well.
        patches: (N, TEXELS, TEXELS, CHANNELS) uint8 texture patches, as ``bake_patches``
            returns them.
        morphs: (N, E + K, 3) float32 displacement of a point, metres, by each of E expressions, then of K
            corrective shapes, at weight 1.
        patch_morphs: (N, 2, E + K, 3) float32 the same of the ends of a patch's two tangents.
        face_basis: (E, 70, 3) float32 displacement of the face landmarks, metres, head at rest.
        pose_basis: (POSE_FEATURES, K) float32 linear map from pose features to corrective weights.
    """

    position: FloatArray
    normal: FloatArray
    color: FloatArray
    bones: IntArray
    weights: FloatArray
    reach: FloatArray
    two_sided: npt.NDArray[np.bool_]
    patches: npt.NDArray[np.uint8]
    morphs: FloatArray
    patch_morphs: FloatArray
    face_basis: FloatArray
    pose_basis: FloatArray

    def __post_init__(self) -> None:
        count, expressions, correctives = len(self.position), len(self.face_basis), len(self.pose_basis.T)
        for name, shape in (
            ("morphs", (count, expressions + correctives, 3)),
            ("patch_morphs", (count, 2, expressions + correctives, 3)),
            ("face_basis", (expressions, _FACE_POINTS, 3)),
            ("pose_basis", (POSE_FEATURES, correctives)),
        ):
            if getattr(self, name).shape != shape or not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"points: {name} should be finite and {shape}")
        for name, each in _SHAPES.items():
            array = getattr(self, name)
            if array.shape != (count, *each) or not np.isfinite(array).all():
                raise ValueError(f"points: {name} should be finite and {(count, *each)}, got {array.shape}")
        if count and not 0 <= self.bones.min() <= self.bones.max() < len(BONE_NAMES):
            raise ValueError("points: a bone index is out of range")
        if count and (self.weights.min() < 0 or np.abs(self.weights.sum(axis=1) - 1).max() > 1e-3):
            raise ValueError("points: weights should be positive and sum to 1")

    def __len__(self) -> int:
        return len(self.position)

    def save(self, path: Path) -> None:
        """Writes a .npz file; bones as uint8."""
        arrays = {name: getattr(self, name) for name in (*_SHAPES, *_MORPHS, *_BASES)}
        arrays["bones"] = self.bones.astype(np.uint8)
        with replacing(path) as part, part.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> MeshPoints:
        """Reads and validates a file of ``save``.

        Raises:
            DanceNowError: absent, damaged or too large.
        """
        try:
            with zipfile.ZipFile(path) as archive:  # members are never read beyond their declared size
                size = sum(member.file_size for member in archive.infolist())
                if size > _MAXIMUM_BYTES:
                    raise ValueError("too large")
            MemoryBudget(path.name, path.stat().st_size).charge(size, "its arrays")
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in (*_SHAPES, *_MORPHS, *_BASES)}
            if max(len(array) for array in arrays.values()) > _MAXIMUM_POINTS:
                raise ValueError("too many points")
            return cls(**{name: array.astype(_KINDS.get(name, np.float32)) for name, array in arrays.items()})
        except _DAMAGE as error:
            raise DanceNowError(f"{path}: not a file of surface points ({error}).") from error

    def subset(self, count: int, seed: int = 0) -> MeshPoints:
        """Random subset of at most ``count`` points; all of them if there are no more."""
        if count >= len(self):
            return self
        return self.rows(np.sort(np.random.default_rng(seed).permutation(len(self))[:count]))

    def moving(self) -> npt.NDArray[np.bool_]:
        """Mask (N,) of points that some shape moves."""
        return np.asarray(self.morphs.any(axis=(1, 2)) | self.patch_morphs.any(axis=(1, 2, 3)))

    def rows(self, rows: IntArray) -> MeshPoints:
        """Selects or reorders points."""
        arrays = {name: getattr(self, name)[rows] for name in (*_SHAPES, *_MORPHS)}
        return MeshPoints(**arrays, face_basis=self.face_basis, pose_basis=self.pose_basis)


def sample_points(
    avatar: Avatar,
    count: int,
    seed: int = 0,
    hide: tuple[str, ...] = (),
    face: FaceLandmarks | None = None,
    posed: tuple[BoneRig, SolvedPoses] | None = None,
) -> MeshPoints:
    """Samples points on an avatar's surface: densest on eyes and mouth, sparsest where it is hidden.

    Points that expressions and corrective shapes move come first.

    Args:
        avatar: at rest.
        count: number of points; none lie where the surface is transparent.
        seed: the same seed gives the same points.
        hide: names of parts to leave out.
        face: its face landmarks; with them the points follow expressions.
        posed: rig of its skeleton, and poses; with them the points get corrective shapes.

    Raises:
        DanceNowError: no opaque surface.
    """
    generator = np.random.default_rng(seed)
    names = expression_names(avatar) if face is not None else ()
    basis = np.zeros((0, _FACE_POINTS, 3), np.float32)
    if face is not None and names:
        basis = expression_basis(avatar, face, names).astype(np.float32)
    placed = place_points(avatar, count, generator, hide, face)
    chosen, pieces = placed.samples, placed.pieces
    patches = bake_patches(chosen, placed.reach, scatter_samples(generator, pieces, _PATCH_SAMPLES * count))
    morphs = interpolate(chosen, [piece.moves for piece in pieces])
    patch_morphs = morph_differences(chosen, pieces, placed.axes)
    pose_basis = np.zeros((POSE_FEATURES, 0), np.float32)
    if posed is not None:
        pose_basis, shapes = fit_correctives(avatar, posed[0], face, placed.surface, posed[1], generator)
        morphs = np.concatenate([morphs, shapes[:, 0]], axis=1)
        patch_morphs = np.concatenate([patch_morphs, shapes[:, 1:]], axis=2)
    found = MeshPoints(
        position=chosen.position,
        normal=chosen.normal,
        color=chosen.color,
        bones=placed.bones,
        weights=placed.weights,
        reach=placed.reach,
        two_sided=np.array([piece.primitive.material.double_sided for piece in pieces])[chosen.layer],
        patches=patches,
        morphs=morphs,
        patch_morphs=patch_morphs,
        face_basis=basis,
        pose_basis=pose_basis,
    )
    return found.rows(np.argsort(~found.moving(), kind="stable"))
