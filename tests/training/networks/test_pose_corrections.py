"""Labels that are off are corrected as training goes."""

import torch
from torch import Tensor

from dance_now.pose.model.keypoints import BODY_INDEX, FACE, LEFT_HAND, POINT_COUNT
from dance_now.training.networks.pose_corrections import PIXELS_A_STEP, PoseCorrections


def blurred_dots(keypoints: Tensor) -> Tensor:
    """(B, 137, 4) -> (B, 25, 64, 64), a soft dot for each joint."""
    steps = torch.arange(64.0)
    across, down = (torch.exp(-(((steps - keypoints[:, :25, axis, None]) / 6) ** 2)) for axis in (0, 1))
    return down[..., None] * across[:, :, None]


def labels(count: int) -> Tensor:
    torch.manual_seed(0)
    return torch.cat([12 + 40 * torch.rand(count, POINT_COUNT, 3), torch.ones(count, POINT_COUNT, 1)], dim=2)


def test_each_picture_gets_its_own_label_back() -> None:
    true = labels(2)
    off = torch.zeros(2, POINT_COUNT, 4)
    off[0, :, 0], off[1, :, 1] = 3.0, -2.0
    corrections = PoseCorrections(2, lambda step: torch.tensor([step % 2]))
    optimiser = torch.optim.Adam(corrections.parameters(), lr=PIXELS_A_STEP, betas=(0.9, 0.99))
    for step in range(120):
        row = step % 2
        drawn = blurred_dots(corrections((true + off)[row : row + 1], step))
        loss = (drawn - blurred_dots(true[row : row + 1])).abs().mean() + corrections.penalty(step)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    for row in range(2):
        found = corrections((true + off)[row : row + 1], row) - true[row : row + 1]
        assert found[0, :25, :2].abs().mean() < 0.5


def test_face_and_hands_move_along_and_missing_points_stay() -> None:
    corrections = PoseCorrections(1, lambda step: torch.tensor([0, 0]))
    with torch.no_grad():
        corrections.shift[0, BODY_INDEX["nose"]] = torch.tensor([1.0, 2.0, 3.0])
        corrections.shift[0, BODY_INDEX["left_wrist"]] = torch.tensor([-1.0, 0.0, 0.0])
    given = labels(2)
    given[1, FACE, 3] = 0
    moved = corrections(given, 0) - given
    assert torch.allclose(moved[0, FACE, :3], torch.tensor([1.0, 2.0, 3.0]), atol=1e-5)
    assert torch.allclose(moved[:, LEFT_HAND, 0], torch.tensor(-1.0), atol=1e-5)
    assert moved[1, FACE].abs().max() == 0
    assert moved[..., 3].abs().max() == 0
