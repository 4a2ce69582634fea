"""The generator: how it moves, what it reads off the face, what trains how fast."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skeletons import about_x, about_y, posed, posture

from dance_now.pose.model.bone_rule import BONE_INDEX, BoneRig
from dance_now.pose.model.keypoints import FACE
from dance_now.pose.model.skeleton import Skeleton
from dance_now.synthesis.surface.corrective_shapes import pose_features
from dance_now.synthesis.surface.surface_points import MeshPoints
from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.networks.generator_config import GeneratorConfig
from dance_now.training.networks.points_generator import (
    ExportedPointsGenerator,
    PointsGenerator,
)


@pytest.fixture
def keypoints(pictures: LabelledPictures) -> torch.Tensor:
    """(1, 137, 4) of one pose."""
    return torch.from_numpy(pictures.keypoints[:1])


@pytest.fixture
def lively(generator: PointsGenerator) -> PointsGenerator:
    """A generator whose decoder does something."""
    torch.manual_seed(1)
    for name, parameter in generator.decoder.named_parameters():
        if name.endswith(("out.weight", "second.weight")):
            torch.nn.init.normal_(parameter, std=0.05)
    return generator


def moved(keypoints: torch.Tensor, x: float, y: float) -> torch.Tensor:
    """The figure elsewhere on the canvas."""
    return keypoints + torch.tensor([x, y, 0.0, 0.0])


@torch.no_grad()
def test_the_picture_shows_the_figure(generator: PointsGenerator, pictures: LabelledPictures) -> None:
    """Fresh from its points, before any training."""
    drawn = generator(torch.from_numpy(pictures.keypoints[:2]))
    assert drawn.shape == (2, 4, 512, 512)
    for number in range(2):
        true = pictures.picture(number)[..., 3] > 128
        found = drawn[number, 3].numpy() > 0.5
        assert (true & found).sum() / (true | found).sum() > 0.4
        assert found[:20].sum() == 0


@torch.no_grad()
@pytest.mark.parametrize("step", [(16, 0), (0, -32), (-48, 16)])
def test_a_moved_figure_is_the_same_picture_moved(
    lively: PointsGenerator, keypoints: torch.Tensor, step: tuple[int, int]
) -> None:
    still, shifted = lively(keypoints), lively(moved(keypoints, *step))
    expected = torch.roll(still, (step[1], step[0]), (2, 3))
    inner = (..., slice(64, -64), slice(64, -64))
    torch.testing.assert_close(shifted[inner], expected[inner], atol=2e-3, rtol=0)


@torch.no_grad()
@pytest.mark.parametrize("step", [(2, 0), (0, 2), (-6, 4)])
def test_small_steps_move_the_figure_as_far(
    generator: PointsGenerator, keypoints: torch.Tensor, step: tuple[int, int]
) -> None:
    """Coarse levels have a grid of 16 pixels; the middle of the figure moves with it all the same."""

    def middle(picture: torch.Tensor) -> np.ndarray:
        alpha = picture[0, 3].clamp(0, 1).numpy().astype(np.float64)
        return np.array([(alpha.sum(axis) * np.arange(512)).sum() / alpha.sum() for axis in (0, 1)])

    shift = middle(generator(moved(keypoints, *step))) - middle(generator(keypoints))
    np.testing.assert_allclose(shift, step, atol=0.6)


@torch.no_grad()
def test_a_window_is_part_of_the_picture(lively: PointsGenerator, keypoints: torch.Tensor) -> None:
    whole = lively(keypoints)
    window = lively(moved(keypoints, -128, -160), (256, 256))
    assert window.shape == (1, 4, 256, 256)
    inner = window[..., 64:-64, 64:-64]
    torch.testing.assert_close(
        inner, whole[..., 160 + 64 : 160 + 192, 128 + 64 : 128 + 192], atol=2e-3, rtol=0
    )


@torch.no_grad()
def test_poses_of_a_batch_do_not_mix(lively: PointsGenerator, pictures: LabelledPictures) -> None:
    keypoints = torch.from_numpy(pictures.keypoints[:2])
    together = lively(keypoints)
    for number in range(2):
        torch.testing.assert_close(
            together[number], lively(keypoints[number : number + 1])[0], atol=1e-4, rtol=0
        )


@settings(max_examples=15, deadline=None)
@given(
    weights=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    turn=st.floats(-180, 180),
    nod=st.floats(-60, 60),
    scale=st.floats(60, 400),
)
def test_expressions_are_read_off_the_face(
    skeleton: Skeleton, mesh: MeshPoints, weights: tuple[float, float], turn: float, nod: float, scale: float
) -> None:
    """Face points moved by known weights, on a head turned anyhow, give the weights back."""
    torch.manual_seed(0)
    generator = PointsGenerator(skeleton, mesh, GeneratorConfig(points=len(mesh), width=8))
    rest = skeleton.rest.astype(np.float64).copy()
    rest[FACE] += np.einsum("e,eij->ij", weights, mesh.face_basis)
    view = rest @ (about_y(turn) @ about_x(nod)).T * scale + [256, -300, 10]
    points = torch.from_numpy(view[None].astype(np.float32))
    rotations, anchors, found_scale = generator.rule(points)
    seen = torch.ones(1, 137)
    found = generator._expression(points, seen, rotations, anchors, found_scale)
    np.testing.assert_allclose(found[0].detach(), weights, atol=0.02)
    seen[:, FACE] = 0
    hidden = generator._expression(points, seen, rotations, anchors, found_scale)
    assert hidden.abs().max() == 0


@pytest.mark.parametrize("shapes", [0, 3])
def test_a_figure_without_expressions(
    skeleton: Skeleton, mesh: MeshPoints, keypoints: torch.Tensor, shapes: int
) -> None:
    plain = dataclasses.replace(
        mesh,
        morphs=mesh.morphs[:, :shapes],
        patch_morphs=mesh.patch_morphs[:, :, :shapes],
        face_basis=mesh.face_basis[:0],
        pose_basis=mesh.pose_basis[:, :shapes],
    )
    generator = PointsGenerator(skeleton, plain, GeneratorConfig(points=len(mesh), width=8)).eval()
    assert torch.isfinite(generator(keypoints, (128, 128))).all()


def test_every_parameter_learns_at_one_rate(generator: PointsGenerator) -> None:
    groups = generator.parameter_groups(1e-3)
    grouped = [id(parameter) for group in groups for parameter in group["params"]]  # type: ignore[attr-defined]
    assert sorted(grouped) == sorted(map(id, generator.parameters()))
    for group in groups:
        assert group["lr"] == pytest.approx(1e-3 * group["scale"])  # type: ignore[operator]


def test_every_parameter_is_reached(lively: PointsGenerator, skeleton: Skeleton) -> None:
    """Nothing is learned that the picture does not depend on."""
    pose = posed(skeleton, posture(skeleton, turn=30), scale=300, mid_hip=(256, 350))
    rows = np.concatenate([pose.points[:, :2], pose.depth[:, None], pose.points[:, 2:]], axis=1)
    rows[FACE, :2] += np.random.default_rng(3).normal(size=(70, 2)) * 4
    picture = lively(torch.from_numpy(rows[None].astype(np.float32)))
    picture.square().sum().backward()
    for name, parameter in lively.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name
        assert parameter.grad.abs().sum() > 0, name


def test_the_default_generator_names_its_bones() -> None:
    assert {"head", "chest", "hips", "leftUpperArm", "rightUpperLeg"} <= BONE_INDEX.keys()


@torch.no_grad()
def test_corrective_shapes_have_the_weights_they_were_fitted_with(
    lively: PointsGenerator, skeleton: Skeleton, mesh: MeshPoints, pictures: LabelledPictures
) -> None:
    rig = BoneRig.of(skeleton)
    up = np.array([1, -1, -1], np.float32)
    rotations = rig.rotations(pictures.keypoints[:3, :, :3] * up).astype(np.float32)
    found = lively._correctives(torch.from_numpy(rotations))
    np.testing.assert_allclose(found, pose_features(rig, rotations) @ mesh.pose_basis, atol=1e-4)


@torch.no_grad()
def test_what_is_shipped_is_straight_alpha(lively: PointsGenerator, keypoints: torch.Tensor) -> None:
    premultiplied, exported = lively(keypoints), ExportedPointsGenerator(lively)(keypoints)
    assert exported.min() >= 0
    assert exported.max() <= 1
    color, alpha = premultiplied[:, :3].clamp(0, 1), premultiplied[:, 3:].clamp(0, 1)
    solid = (alpha > 0.01) & (color <= alpha)
    torch.testing.assert_close((exported[:, :3] * alpha)[solid], color[solid], atol=1e-5, rtol=0)
    torch.testing.assert_close(exported[:, 3:], alpha, atol=0.05, rtol=0)


@torch.no_grad()
def test_faint_noise_is_not_shipped(lively: PointsGenerator, keypoints: torch.Tensor) -> None:
    """Beside the figure the picture is clear, though the decoder says a little there."""
    bias = lively.decoder.out.bias
    assert bias is not None
    bias.fill_(0.02)
    drawn = lively(keypoints)[:, 3]
    faint = (drawn > 0) & (drawn < 0.03)
    assert faint.float().mean() > 0.02
    assert ExportedPointsGenerator(lively)(keypoints)[:, 3][faint].max() == 0


@torch.no_grad()
def test_nothing_is_drawn_far_from_the_figure(lively: PointsGenerator, keypoints: torch.Tensor) -> None:
    """A decoder that has seen little may see ghosts."""
    bias = lively.decoder.out.bias
    assert bias is not None
    bias.fill_(1.0)
    places = lively._pose(keypoints, (256, 256)).position[0, :2].numpy() * 2
    rows, columns = np.indices((512, 512)) + 0.5
    away = np.hypot(columns[..., None] - places[0, ::5], rows[..., None] - places[1, ::5]).min(axis=2)
    drawn = lively(keypoints)[0, 3].numpy()
    assert drawn[away < 8].min() > 0.5
    assert np.abs(drawn[away > 60]).max() == 0


@torch.no_grad()
def test_a_part_of_the_canvas_is_that_part(lively: PointsGenerator, keypoints: torch.Tensor) -> None:
    """But for the pixels along its edge, beyond which a convolution sees nothing."""
    exported = ExportedPointsGenerator(lively)
    left, top, height, width = 96, 64, 384, 320
    moved = keypoints - torch.tensor([left, top, 0, 0])
    part = exported(moved, (height, width))
    whole = exported(keypoints)[..., top : top + height, left : left + width]
    inner = (..., slice(64, -64), slice(64, -64))
    difference = (part * part[:, 3:] - whole * whole[:, 3:])[inner].abs()
    assert difference.mean() < 2e-3


@torch.no_grad()
@pytest.mark.parametrize("turn", [0, 60, 150])
def test_the_extent_holds_the_figure(lively: PointsGenerator, skeleton: Skeleton, turn: float) -> None:
    pose = posed(skeleton, posture(skeleton, turn=turn), scale=150, mid_hip=(256, 300))
    rows = np.concatenate([pose.points[:, :2], pose.depth[:, None], pose.points[:, 2:]], axis=1)
    figure = lively._pose(torch.from_numpy(rows[None].astype(np.float32)), (256, 256))
    places = figure.position[0, :2].numpy() * 2
    lowest, highest = lively.bounds().bounds(rows[:, :3], skeleton.scale(rows[:, :3]))
    assert (places >= lowest[:, None] - 1).all()
    assert (places <= highest[:, None] + 1).all()


def test_the_extent_holds_points_where_they_have_learned_to_be(
    skeleton: Skeleton, mesh: MeshPoints, keypoints: torch.Tensor
) -> None:
    bare = dataclasses.replace(mesh, patches=np.zeros_like(mesh.patches))
    generator = PointsGenerator(skeleton, bare, GeneratorConfig(points=300))
    points = keypoints[0, :, :3].numpy()
    scale = skeleton.scale(points)
    before = generator.bounds().bounds(points, scale)
    assert generator.offset is not None
    generator.offset.data += 0.5
    lowest, highest = generator.bounds().bounds(points, scale)
    assert (lowest < before[0]).any()
    assert (highest > before[1]).any()
