"""From a trained points network to the arrays of its character file, and back to the torch module."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor, nn

from dance_now.character.canvas_region import WHOLE, CanvasRegion
from dance_now.character.character import builtin_files
from dance_now.character.character_file import CharacterCard, CharacterFile, read_character_file
from dance_now.character.safetensors_file import AnyArray
from dance_now.character.templates.points_arrays import DECODER, PATCH_EDGE, PointsArrays
from dance_now.character.templates.points_drawing import PointsDrawing
from dance_now.core.arrays import FloatArray, Image
from dance_now.core.atomic_write import check_target, write_file
from dance_now.core.errors import DanceNowError
from dance_now.media.image.photo_sink import encode_image
from dance_now.pose.model.skeleton import Skeleton
from dance_now.synthesis.surface.surface_patches import CHANNELS
from dance_now.synthesis.surface.surface_points import MeshPoints
from dance_now.training.networks.points_generator import (
    ExportedPointsGenerator,
    GeneratorConfig,
    PointsGenerator,
)
from dance_now.training.onnx_export import generator_graph

logger = logging.getLogger(__name__)

MEAN_TOLERANCE: Final = 0.01
"""Greatest mean difference of kernel and torch, premultiplied, in levels of 255."""
OUTLIERS: Final = 1e-3
"""Part of the values that may differ by more than 2e-3: where two patches lie equally near."""

_ALIKE: Final = 2e-3 * 255  # levels that values may differ by
_INFLUENCES: Final = 8
_PARTS: Final = (WHOLE, CanvasRegion(96, 64, 320, 416))


def points_file(generator: PointsGenerator, card: CharacterCard, samples: FloatArray) -> CharacterFile:
    """The content of a trained network's character file.

    Args:
        generator: trained; large tensors are rounded to half precision, as the file stores them.
        card: what character.json will say.
        samples: (n, 137, 4) labels on which the kernel is compared with torch; the first is the preview.

    Raises:
        DanceNowError: a tensor cannot be stored, or kernel and torch draw different pictures.
    """
    try:
        arrays = arrays_of(generator)
        drawing = PointsDrawing(card.skeleton, arrays)
    except ValueError as error:
        raise DanceNowError(f"The trained network cannot be stored: {error}.") from error
    mean, outliers = compare_drawings(drawing, generator_of(card.skeleton, arrays), samples)
    logger.info("kernel and torch differ by %.1e levels in the mean; outliers %.1e", mean, outliers)
    if mean > MEAN_TOLERANCE or outliers > OUTLIERS:
        raise DanceNowError(
            f"The kernel does not draw what was trained (mean difference {mean:.1e} levels, "
            f"{outliers:.1e} outliers): not exported."
        )
    preview = encode_image(drawing.draw(samples[0]), ".png")
    return CharacterFile(card, arrays.to_file(), preview)


def compare_drawings(
    drawing: PointsDrawing, generator: PointsGenerator, samples: FloatArray
) -> tuple[float, float]:
    """How far the kernel's pictures of samples (n, 137, 4) differ from torch's.

    Returns:
        Mean absolute difference of premultiplied values in levels of 255, and the part of the values that
        differ by more than 2e-3.
    """
    shipped = ExportedPointsGenerator(generator).eval()
    differences = []
    for sample in samples.astype(np.float32):
        for part in _PARTS:
            true = drawn_by_torch(shipped, sample, part)
            difference = np.abs(premultiplied(drawing.draw(sample, part)) - premultiplied(true))
            differences.append(difference.reshape(-1))
    each = np.concatenate(differences)
    return float(each.mean()), float((each > _ALIKE).mean())


@torch.no_grad()
def drawn_by_torch(shipped: ExportedPointsGenerator, keypoints: FloatArray, part: CanvasRegion) -> Image:
    """(part.height, part.width, 4) uint8 RGBA of keypoints (137, 4) of the canvas."""
    moved = keypoints - np.array([part.left, part.top, 0, 0], np.float32)
    drawn = shipped(torch.from_numpy(moved[None]), (part.height, part.width))[0].permute(1, 2, 0).numpy()
    return np.asarray(np.clip(drawn, 0, 1) * 255 + 0.5).astype(np.uint8)


def premultiplied(rgba: Image) -> FloatArray:
    """(H, W, 4) float32 in levels of 255, colors multiplied by alpha."""
    values = rgba.astype(np.float32)
    values[..., :3] *= values[..., 3:] / 255
    return values


def arrays_of(generator: PointsGenerator) -> PointsArrays:
    """What a character file holds of a network."""
    skin = _numpy(generator.skin)
    order = np.argsort(-skin, axis=1, kind="stable")[:, :_INFLUENCES]
    weights = np.take_along_axis(skin, order, 1)
    positions = generator.rest if generator.offset is None else generator.rest + generator.offset
    moving = generator.morphs.shape[1] // 3
    moved = _numpy(generator.morphs).reshape(-1, 3, moving).transpose(0, 2, 1)  # x of all points came first
    turned = _numpy(generator.turns).reshape(-1, 2, 3, moving).transpose(0, 3, 1, 2)
    taps = _numpy(generator.smoothing.kernel).reshape(4, 4, 4, 4, 3, 3)[0, 3, 0]  # of the lower right pixel
    surface, count = generator.surface, len(skin)
    none = np.zeros((0, PATCH_EDGE, PATCH_EDGE), np.uint8)
    decoder: dict[str, AnyArray] = {}
    for layer in DECODER:
        module = generator.decoder.get_submodule(layer.module)
        assert isinstance(module, nn.Conv2d)
        assert module.bias is not None
        weight = _numpy(module.weight)
        decoder[f"{layer.name}.weight"] = weight if layer.name == "narrow" else _half(weight)
        decoder[f"{layer.name}.bias"] = _numpy(module.bias)
    return PointsArrays(
        positions=_numpy(positions),
        tangents=_half(_numpy(generator.frame).transpose(2, 0, 1)),
        bones=np.where(weights > 0, order, 0).astype(np.uint8),
        weights=_half(weights),
        two_sided=_numpy(generator.two_sided).astype(np.uint8),
        colors=_half(_numpy(generator.lit)),
        shades=_half(_numpy(generator.shade)),
        features=_half(_numpy(generator.features)),
        opacities=_half(_numpy(generator.opacity)),
        light=_numpy(generator.tone),
        shapes=_half(np.concatenate([moved[:, :, None], turned], axis=2)),
        face_solve=_half(_numpy(generator.face_solve).T.reshape(-1, 70, 3)),
        pose_basis=_numpy(generator.pose_basis),
        softness=np.array([generator.softness], np.float32),
        inner=np.array([generator.config.inner], np.float32),
        smoothing=np.array([taps[3, 1, 1], taps[2, 1, 1], taps[0, 1, 1]], np.float32),
        pyramid=np.zeros((0, 85, 4), np.uint8) if surface is None else _numpy(surface.pyramid),
        relief=none if surface is None else _numpy(surface.height).reshape(count, *none.shape[1:]),
        decoder=decoder,
    )


def generator_of(skeleton: Skeleton, arrays: PointsArrays) -> PointsGenerator:
    """The torch module of a character file's arrays, which should have been checked; in evaluation mode."""
    generator = PointsGenerator(skeleton, _mesh(arrays), _config(arrays)).eval()
    moving = arrays.shapes.shape[1]
    shapes = arrays.shapes.astype(np.float32)
    buffers: dict[str, AnyArray] = {
        "rest": arrays.positions,
        "frame": arrays.tangents.transpose(1, 2, 0),
        "face_solve": arrays.face_solve.reshape(len(arrays.face_solve), -1).T,
        "pose_basis": arrays.pose_basis,
        "morphs": shapes[:, :, 0].transpose(0, 2, 1).reshape(len(shapes), 3 * moving),
        "turns": shapes[:, :, 1:].transpose(0, 2, 3, 1).reshape(len(shapes), 6 * moving),
    }
    for name, array in buffers.items():
        setattr(generator, name, _tensor(array))
    parameters: dict[str, AnyArray] = {
        "lit": arrays.colors,
        "shade": arrays.shades,
        "tone": arrays.light,
        "features": arrays.features,
        "opacity": arrays.opacities,
    }
    for name, array in parameters.items():
        setattr(generator, name, nn.Parameter(_tensor(array)))
    if generator.surface is not None:
        generator.surface.pyramid = torch.from_numpy(arrays.pyramid.copy())
        generator.surface.height = torch.from_numpy(arrays.relief.reshape(-1, 1).copy())
    generator.smoothing.set_taps(*arrays.smoothing.tolist())
    for layer in DECODER:
        module = generator.decoder.get_submodule(layer.module)
        module.weight = nn.Parameter(_tensor(arrays.decoder[f"{layer.name}.weight"]))
        module.bias = nn.Parameter(_tensor(arrays.decoder[f"{layer.name}.bias"]))
    return generator


def export_onnx(character: str, output: Path, *, overwrite: bool = False) -> None:
    """Writes the whole network of a points character as an ONNX graph: keypoints in, 512 px picture out.

    Args:
        character: a built-in name, or the path of a .dance file.
        output: the .onnx file.
        overwrite: replace an existing file.

    Raises:
        DanceNowError: no such character, one of another template, or the file exists.
    """
    if output.suffix.lower() != ".onnx":
        raise DanceNowError(f"export writes an .onnx file, not {output.name}.")
    check_target(output, frozenset({Path(character)}), overwrite)
    _, generator = read_generator(character)
    write_file(output, generator_graph(ExportedPointsGenerator(generator).eval()), overwrite)


def read_generator(character: str) -> tuple[CharacterCard, PointsGenerator]:
    """The card and the torch module of a points character.

    Args:
        character: a built-in name, or the path of a .dance file.

    Raises:
        DanceNowError: no such character, a damaged one, or one of another template.
    """
    content = read_character_file(builtin_files().get(character, Path(character)))
    card = content.card
    if card.template != "points":
        raise DanceNowError(f"{card.name} has no points network: its template is {card.template}.")
    try:
        arrays = PointsArrays.of(content.arrays)
        arrays.check()
    except (ValueError, TypeError) as error:
        raise DanceNowError(f"The character {card.name} is damaged: {error}.") from error
    return card, generator_of(card.skeleton, arrays)


def _config(arrays: PointsArrays) -> GeneratorConfig:
    softness, features = float(arrays.softness[0]), arrays.features.shape[1]
    return GeneratorConfig(
        points=len(arrays.positions),
        features=features,
        bare_features=features,
        width=arrays.width,
        softness=softness,
        bare_softness=softness,
        inner=float(arrays.inner[0]),
    )


def _mesh(arrays: PointsArrays) -> MeshPoints:
    """The points, with all that bounds are made of; a generator's other tensors are replaced afterwards."""
    count, shapes = len(arrays.positions), len(arrays.shapes)
    morphs = np.zeros((count, shapes, 3), np.float32)
    morphs[: arrays.shapes.shape[1]] = arrays.shapes[:, :, 0].transpose(1, 0, 2)
    patches = np.zeros((count, PATCH_EDGE, PATCH_EDGE, CHANNELS), np.uint8)
    patches[..., 3] = 255 * (len(arrays.pyramid) > 0)
    return MeshPoints(
        position=arrays.positions.astype(np.float32),
        normal=np.tile(np.array([0, 0, 1], np.float32), (count, 1)),
        color=np.zeros((count, 3), np.float32),
        bones=arrays.bones.astype(np.int64),
        weights=arrays.weights.astype(np.float32),
        reach=np.ones(count, np.float32),
        two_sided=arrays.two_sided.astype(np.bool_),
        patches=patches,
        morphs=morphs,
        patch_morphs=np.zeros((count, 2, shapes, 3), np.float32),
        face_basis=np.zeros((len(arrays.face_solve), 70, 3), np.float32),
        pose_basis=arrays.pose_basis,
    )


def _numpy(tensor: Tensor) -> AnyArray:
    array: AnyArray = tensor.detach().cpu().numpy()
    return np.ascontiguousarray(array)


def _half(array: AnyArray) -> AnyArray:
    with np.errstate(over="ignore"):  # infinite values fail the check
        return np.ascontiguousarray(array, np.float16)


def _tensor(array: AnyArray) -> Tensor:
    return torch.from_numpy(np.array(array, np.float32))
