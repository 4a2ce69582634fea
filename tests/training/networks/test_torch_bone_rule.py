"""The rule in torch is the rule in numpy."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skeletons import adult_skeleton, chibi_skeleton, posed, posture, view_points

from dance_now.pose.model.bone_rule import BONE_NAMES, BoneRig
from dance_now.pose.model.skeleton import Skeleton
from dance_now.training.networks.torch_bone_rule import BoneRule, IndexSelect, basis, cross, swing, unit

SKELETONS = {"chibi": chibi_skeleton(), "adult": adult_skeleton()}
RULES = {name: (BoneRig.of(skeleton), BoneRule(BoneRig.of(skeleton))) for name, skeleton in SKELETONS.items()}
SCALE = 220.0


def noisy(skeleton: Skeleton, seed: int, turn: float, noise: float) -> np.ndarray:
    """(137, 3) of a pose whose points all miss their place by ``noise`` metres or so."""
    points = view_points(posed(skeleton, posture(skeleton, turn=turn), scale=SCALE))
    return (points + np.random.default_rng(seed).normal(size=points.shape) * noise * SCALE).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(
    name=st.sampled_from(sorted(SKELETONS)),
    seed=st.integers(0, 2**31),
    turn=st.floats(-180, 180),
    noise=st.floats(0, 0.02),
)
def test_torch_turns_every_bone_as_numpy_does(name: str, seed: int, turn: float, noise: float) -> None:
    rig, rule = RULES[name]
    points = noisy(SKELETONS[name], seed, turn, noise)
    with torch.no_grad():
        found, anchors, scale = (part.numpy()[0] for part in rule(torch.from_numpy(points[None])))
    exact: npt.NDArray[Any] = points.astype(np.float64)
    rotations = rig.rotations(exact)
    # A bone opposite to where its twist is measured from may turn either way: single precision cannot tell.
    sure = np.abs(rotations.astype(np.float32) - rig.rotations(points)).max(axis=(1, 2)) < 2e-5
    assert sure.mean() > 0.9
    np.testing.assert_allclose(found[sure], rotations[sure], atol=1e-4)
    expected = rig.anchors(exact, rotations, np.asarray(float(scale)))
    np.testing.assert_allclose(anchors / SCALE, expected / SCALE, atol=1e-4)


def test_a_batch_is_its_poses() -> None:
    rig, rule = RULES["chibi"]
    points = np.stack([noisy(rig.skeleton, n, 40 * n, 0.01) for n in range(3)])
    whole = rule(torch.from_numpy(points))
    for row in range(3):
        for part, alone in zip(whole, rule(torch.from_numpy(points[row : row + 1])), strict=True):
            torch.testing.assert_close(part[row], alone[0], atol=1e-4, rtol=1e-5)
    assert whole[0].shape == (3, len(BONE_NAMES), 3, 3)


@pytest.mark.parametrize("scale", [50.0, 300.0])
def test_the_scale_is_that_of_the_drawing(scale: float) -> None:
    skeleton = SKELETONS["adult"]
    points = view_points(posed(skeleton, posture(skeleton, turn=50), scale=scale)).astype(np.float32)
    assert float(RULES["adult"][1](torch.from_numpy(points[None]))[2]) == pytest.approx(scale, rel=1e-4)


def test_points_on_one_spot_give_finite_numbers() -> None:
    for part in RULES["chibi"][1](torch.zeros(1, 137, 3)):
        assert torch.isfinite(part).all()


def test_small_parts() -> None:
    a, b = torch.tensor([[1.0, 2, 3]]), torch.tensor([[-2.0, 0.5, 1]])
    torch.testing.assert_close(cross(a, b), torch.linalg.cross(a, b))
    torch.testing.assert_close(unit(a).norm(dim=-1), torch.ones(1))
    torch.testing.assert_close(
        basis(a, b) @ basis(a, b).transpose(1, 2), torch.eye(3)[None], atol=1e-6, rtol=0
    )
    turned = (swing(unit(a), unit(b)) + torch.eye(3)) @ unit(a).unsqueeze(-1)
    torch.testing.assert_close(turned.squeeze(-1), unit(b), atol=1e-6, rtol=0)
    torch.testing.assert_close(
        IndexSelect([2, 0])(torch.arange(6.0).reshape(1, 3, 2)), torch.tensor([[[4.0, 5], [0, 1]]])
    )
