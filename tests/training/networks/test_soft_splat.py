"""The splat against plain loops, and the filling of its holes."""

import math

import numpy as np
import pytest
import torch

from dance_now.training.networks.soft_splat import fill_holes, splat, upsample, visibility_weights

Array = np.ndarray
FAINT = 0.02  # what nobody would miss


def slow_splat(
    position: Array, weight: Array, features: Array, softness: float, sparseness: float, size: tuple[int, int]
) -> Array:
    """What ``splat`` computes for one figure, point by point."""
    height, width = size
    front = np.full(size, 1e6)
    places = []
    for (x, y, depth), opacity in zip(position, weight, strict=True):
        column, row = min(max(math.floor(x), 0), width - 1), min(max(math.floor(y), 0), height - 1)
        places.append((row, column))
        if opacity > 0.15:
            front[row, column] = min(front[row, column], depth)
    coarse = np.array([[front[2 * r : 2 * r + 2, 2 * c : 2 * c + 2].min() for c in range(width // 2)]
                       for r in range(height // 2)])  # fmt: skip

    def nearest(map_: Array, row: int, column: int) -> float:
        return float(map_[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2].min())

    canvas = np.zeros((features.shape[1] + 1, *size))
    for (x, y, depth), opacity, values, (row, column) in zip(position, weight, features, places, strict=True):
        fine = max(depth - nearest(front, row, column), 0)
        rough = max(depth - nearest(coarse, row // 2, column // 2), 0)
        hidden = fine + sparseness * (rough - fine)
        strength = opacity * math.exp(-hidden / softness)
        if strength < FAINT:
            continue
        left, top = math.floor(x - 0.5), math.floor(y - 0.5)
        for r in (top, top + 1):
            for c in (left, left + 1):
                if 0 <= r < height and 0 <= c < width:
                    share = (1 - abs(x - 0.5 - c)) * (1 - abs(y - 0.5 - r))
                    canvas[:, r, c] += share * strength * np.array([*values, 1.0])
    return canvas


@pytest.mark.parametrize("sparseness", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("size", [(16, 16), (24, 12)])
def test_splat_is_the_slow_splat(size: tuple[int, int], sparseness: float) -> None:
    chance = np.random.default_rng(11)
    count = 150
    position = chance.uniform(-3, 1.2, (2, count, 3)) * [size[1], size[0], 3] * 0.6 + [size[1], size[0], 0]
    weight, features = chance.random((2, count)), chance.normal(size=(2, count, 3))
    softness = np.array([0.5, 1.5])
    places, opacities, values, softnesses = map(torch.from_numpy, (position, weight, features, softness))
    spread = torch.full((2,), sparseness, dtype=torch.float64)
    weights = visibility_weights(places.mT, opacities, softnesses, spread, size)
    fast = torch.cat(splat(places.mT, weights, values.mT, size), dim=1)
    for figure in range(2):
        slow = slow_splat(
            position[figure], weight[figure], features[figure], softness[figure], sparseness, size
        )
        np.testing.assert_allclose(fast[figure].numpy(), slow, atol=1e-9)


def one_point(x: float, y: float, depth: float = 0.0) -> torch.Tensor:
    """The summed weights of one opaque point on an 8x8 map."""
    position = torch.tensor([[[x], [y], [depth]]])
    _, weights = splat(position, torch.ones(1, 1), torch.ones(1, 1, 1), (8, 8))
    return weights[0, 0]


def test_a_point_in_the_middle_of_a_pixel_stays_there() -> None:
    assert one_point(3.5, 5.5)[5, 3] == 1
    assert one_point(3.5, 5.5).sum() == 1


def test_a_point_between_pixels_is_shared() -> None:
    torch.testing.assert_close(one_point(4, 4)[3:5, 3:5], torch.full((2, 2), 0.25))


@pytest.mark.parametrize(("x", "y"), [(-5, 4), (4, 100), (-1e9, 1e9), (1e30, 0)])
def test_a_point_outside_leaves_no_trace(x: float, y: float) -> None:
    assert one_point(x, y).sum() == 0


@pytest.mark.parametrize(("x", "y"), [(1, 0), (-3, 2), (0, 5)])
def test_whole_pixels_move_the_map(x: int, y: int) -> None:
    chance = torch.Generator().manual_seed(4)
    position = 12 + 8 * torch.rand(1, 3, 60, generator=chance, dtype=torch.float64)
    weight, features = torch.ones(1, 60).double(), torch.rand(1, 3, 60, generator=chance, dtype=torch.float64)
    step = torch.tensor([[x], [y], [0.0]])
    still = splat(position, weight, features, (32, 32))
    shifted = splat(position + step, weight, features, (32, 32))
    for after, before in zip(shifted, still, strict=True):
        torch.testing.assert_close(after, torch.roll(before, (y, x), (2, 3)), atol=1e-9, rtol=0)


def test_what_is_behind_fades() -> None:
    position = torch.tensor([[[4.5, 4.5], [4.5, 4.5], [0.0, 2.0]]])
    features = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    opaque, soft, sparse = torch.ones(1, 2), torch.ones(1), torch.zeros(1)
    sums, weights = splat(
        position, visibility_weights(position, opaque, soft, sparse, (8, 8)), features, (8, 8)
    )
    torch.testing.assert_close(sums[0, :, 4, 4], torch.tensor([1.0, math.exp(-2)]))
    torch.testing.assert_close(weights[0, 0, 4, 4], torch.tensor(1 + math.exp(-2)))
    faint = visibility_weights(position, torch.tensor([[0.1, 1.0]]), soft, sparse, (8, 8))
    assert faint[0, 1] == 1  # a point that is nearly invisible hides nothing


def test_gradients_reach_place_and_features() -> None:
    position = torch.tensor([[[3.2], [4.1], [0.0]]], requires_grad=True)
    features = torch.ones(1, 2, 1, requires_grad=True)
    sums, _ = splat(position, torch.ones(1, 1), features, (8, 8))
    (sums[0, 0] * torch.arange(8.0)).sum().backward()
    assert position.grad is not None
    assert features.grad is not None
    torch.testing.assert_close(position.grad[0, :2, 0], torch.tensor([1.0, 0.0]), atol=1e-5, rtol=0)
    assert features.grad.abs().sum() > 0


def test_filling_leaves_no_holes() -> None:
    """Points on every third pixel of a square: the square is whole and has their color."""
    grid = torch.arange(8, 56, 3) + 0.5
    y, x = torch.meshgrid(grid, grid, indexing="ij")
    position = torch.stack([x.flatten(), y.flatten(), torch.zeros(x.numel())])[None]
    count = position.shape[2]
    sums, weights = splat(position, torch.ones(1, count), torch.full((1, 1, count), 0.7), (64, 64))
    means, covers = fill_holes(sums, weights, torch.tensor([9.0]), torch.ones(1))
    assert means.shape == (1, 1, 64, 64)
    assert covers.shape == (1, 2, 64, 64)
    inside = (slice(None), slice(12, 52), slice(12, 52))
    assert (covers[0, 1][inside[1:]] > 0.5).all()
    assert (covers[0, 0][inside[1:]] < 0.1).any()  # on the finest level there are holes
    torch.testing.assert_close(means[0][inside], torch.full_like(means[0][inside], 0.7), atol=0.02, rtol=0)
    assert (covers[0, 1, :4] < 1e-3).all()


def test_an_empty_map_stays_empty() -> None:
    means, covers = fill_holes(
        torch.zeros(1, 3, 32, 32), torch.zeros(1, 1, 32, 32), torch.ones(1), torch.zeros(1)
    )
    assert means.abs().max() == 0
    assert covers.abs().max() == 0


def test_doubling_keeps_the_mean() -> None:
    x = torch.rand(2, 3, 4, 6)
    assert upsample(x).shape == (2, 3, 8, 12)
    torch.testing.assert_close(upsample(torch.full((1, 1, 4, 4), 0.3)), torch.full((1, 1, 8, 8), 0.3))
