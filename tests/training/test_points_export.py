"""A network's arrays draw what torch draws, and come back as the same module."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from canvas_poses import canvas_poses
from points_networks import points_arrays
from skeletons import chibi_skeleton

from dance_now.character.character_file import CharacterCard, CharacterFile, write_character_file
from dance_now.character.templates.points_arrays import GRAVITY_BONES, LIMB_PARENTS, LIMBS, PointsArrays
from dance_now.character.templates.points_drawing import PointsDrawing
from dance_now.core.errors import DanceNowError
from dance_now.pose.model.skeleton import Skeleton
from dance_now.synthesis.surface import corrective_shapes, surface_patches
from dance_now.synthesis.surface.surface_points import MeshPoints
from dance_now.training.networks.points_generator import GeneratorConfig, PointsGenerator
from dance_now.training.points_export import (
    MEAN_TOLERANCE,
    OUTLIERS,
    arrays_of,
    compare_drawings,
    export_onnx,
    generator_of,
    points_file,
)


def card(skeleton: Skeleton) -> CharacterCard:
    return CharacterCard("tester", "1", "CC0", "nobody", skeleton, template="points")


def lively(skeleton: Skeleton, mesh: MeshPoints, patches: bool, width: int = 8) -> PointsGenerator:
    """A network whose every part does something."""
    torch.manual_seed(2)
    if not patches:
        mesh = mesh.rows(np.arange(len(mesh)))
        mesh.patches[..., 3] = 0
    generator = PointsGenerator(skeleton, mesh, GeneratorConfig(points=len(mesh), width=width, inner=0.9))
    for name, parameter in generator.decoder.named_parameters():
        if name.endswith(("out.weight", "second.weight")):
            torch.nn.init.normal_(parameter, std=0.05)
    if generator.offset is not None:
        torch.nn.init.normal_(generator.offset, std=0.005)
    return generator.eval()


@pytest.mark.parametrize("patches", [True, False])
def test_the_kernel_draws_what_torch_draws(skeleton: Skeleton, mesh: MeshPoints, patches: bool) -> None:
    arrays = arrays_of(lively(skeleton, mesh, patches))
    arrays.check()
    assert (len(arrays.pyramid) > 0) == patches
    again = generator_of(skeleton, arrays)
    mean, outliers = compare_drawings(
        PointsDrawing(skeleton, arrays), again, canvas_poses(skeleton)[[0, 4, 6, 9]]
    )
    assert mean < MEAN_TOLERANCE
    assert outliers < OUTLIERS


@pytest.mark.parametrize("patches", [True, False])
@pytest.mark.parametrize("width", [4, 16])
def test_made_up_arrays_are_drawn_as_torch_draws_them(patches: bool, width: int) -> None:
    """Holes in patches, two-sided points, shades, shapes and weights of all kinds."""
    skeleton, arrays = chibi_skeleton(), PointsArrays.of(points_arrays(width=width, patches=patches))
    drawing, generator = PointsDrawing(skeleton, arrays), generator_of(skeleton, arrays)
    mean, outliers = compare_drawings(drawing, generator, canvas_poses(skeleton)[[2, 10, 11]])
    assert mean < MEAN_TOLERANCE
    assert outliers < OUTLIERS


@pytest.mark.parametrize("patches", [True, False])
def test_arrays_come_back(patches: bool) -> None:
    arrays = points_arrays(patches=patches)
    again = arrays_of(generator_of(chibi_skeleton(), PointsArrays.of(arrays))).to_file()
    assert again.keys() == arrays.keys()
    for name, array in arrays.items():
        assert again[name].dtype == array.dtype, name
        assert np.array_equal(again[name], array), name


def test_rounding_to_half_precision_does_not_show(skeleton: Skeleton, mesh: MeshPoints) -> None:
    exact = lively(skeleton, mesh, patches=True)
    again = generator_of(skeleton, arrays_of(exact))
    keypoints = torch.from_numpy(canvas_poses(skeleton)[:1])
    with torch.no_grad():
        difference = (exact(keypoints) - again(keypoints)).abs().mean()
    assert difference < 2e-3


def test_a_file_is_made_with_its_preview(skeleton: Skeleton, mesh: MeshPoints) -> None:
    generator = lively(skeleton, mesh, patches=True)
    content = points_file(generator, card(skeleton), canvas_poses(skeleton)[:1])
    assert content.card.template == "points"
    assert content.preview.startswith(b"\x89PNG")


def test_what_cannot_be_stored_is_refused(skeleton: Skeleton, mesh: MeshPoints) -> None:
    generator = lively(skeleton, mesh, patches=True)
    with torch.no_grad():
        generator.features[0, 0] = 1e6  # beyond half precision
    with pytest.raises(DanceNowError, match="features"):
        points_file(generator, card(skeleton), canvas_poses(skeleton)[:1])


def test_constants_are_those_of_the_data_set() -> None:
    """The kernel's package may not import the studio's."""
    assert GRAVITY_BONES == corrective_shapes.GRAVITY_BONES
    assert LIMBS == corrective_shapes.LIMBS
    assert LIMB_PARENTS == corrective_shapes.LIMB_PARENTS
    assert surface_patches.TEXELS == 8
    assert surface_patches.HEIGHT_STEPS == 96


@pytest.mark.slow
@pytest.mark.parametrize("patches", [True, False])
def test_the_exported_graph_draws_the_same(tmp_path: Path, patches: bool) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    skeleton, arrays = chibi_skeleton(), points_arrays(patches=patches)
    source, target = tmp_path / "tester.dance", tmp_path / "tester.onnx"
    preview = b"\x89PNG\r\n\x1a\n"
    write_character_file(source, CharacterFile(card(skeleton), arrays, preview))
    export_onnx(str(source), target)
    session = onnxruntime.InferenceSession(str(target), providers=["CPUExecutionProvider"])
    keypoints = canvas_poses(skeleton)[2]
    rgba = session.run(None, {"points": keypoints[None]})[0][0].transpose(1, 2, 0)
    drawn = PointsDrawing(skeleton, PointsArrays.of(arrays)).draw(keypoints) / np.float32(255)
    difference = np.abs(rgba[..., :3] * rgba[..., 3:] - drawn[..., :3] * drawn[..., 3:])
    assert difference.mean() < 2e-3
    with pytest.raises(DanceNowError, match="exists"):
        export_onnx(str(source), target)


def test_only_points_characters_are_exported(tmp_path: Path) -> None:
    with pytest.raises(DanceNowError, match="no character file"):
        export_onnx(str(tmp_path / "none.dance"), tmp_path / "none.onnx")
    with pytest.raises(DanceNowError, match=r"an \.onnx file"):
        export_onnx("none", tmp_path / "none.txt")
