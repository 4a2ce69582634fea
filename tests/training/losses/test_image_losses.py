"""What the losses reward."""

import pytest
import torch
import torch.nn.functional as F

from dance_now.training.data.dataset_reader import LabelledPictures
from dance_now.training.losses.image_losses import (
    DiscriminatorOutputs,
    MultiScaleDiscriminator,
    adversarial_loss,
    discriminator_loss,
    face_crops,
    face_detail_loss,
    reconstruction_loss,
    structure_loss,
    temporal_loss,
)
from dance_now.training.metrics.image_metrics import structural_similarity


def figure() -> torch.Tensor:
    """A grey square on nothing."""
    picture = torch.zeros(1, 4, 64, 64)
    picture[..., 24:40, 24:40] = 0.5
    return picture


def judged(value: float) -> DiscriminatorOutputs:
    """The same verdict on two scales."""
    return [
        (torch.full((1, 1, size, size), value), [torch.full((1, 2, size, size), value)]) for size in (8, 4)
    ]


def test_equal_pictures_cost_nothing() -> None:
    assert reconstruction_loss(figure(), figure()) == 0


def test_errors_near_the_figure_cost_more() -> None:
    near, far = figure(), figure()
    near[..., 30:34, 30:34] += 0.2
    far[..., 2:6, 2:6] += 0.2
    assert reconstruction_loss(near, figure()) > 1.2 * reconstruction_loss(far, figure())


def test_blur_costs_more_than_brightness() -> None:
    """The same mean error, spread over edges or over surfaces."""
    brighter = figure() + 0.01
    striped = figure() + 0.01 * (2 * (torch.arange(64) % 2) - 1)
    assert reconstruction_loss(striped, figure()) > 1.5 * reconstruction_loss(brighter, figure())


def test_structure_is_that_of_the_score() -> None:
    torch.manual_seed(0)
    true = torch.rand(1, 4, 16, 16).repeat_interleave(4, 2).repeat_interleave(4, 3)
    true[:, 3] = 1
    drawn = (true + 0.1 * torch.randn_like(true)).clamp(0, 1)
    drawn[:, 3] = 1
    halves = [F.avg_pool2d(each, 2)[0, :3].permute(1, 2, 0).contiguous().numpy() for each in (drawn, true)]
    inner = structural_similarity(*halves)[5:-5, 5:-5]  # the score mirrors the picture beyond its edges
    assert structure_loss(drawn, true).item() == pytest.approx(1 - inner.mean(), abs=1e-4)


def test_a_faint_line_is_structure() -> None:
    """Beside which a change of brightness with as much of the other loss costs nothing."""
    lined, brighter = figure(), figure()
    lined[..., :3, 24:40, 31:33] -= 0.1
    brighter[..., :3, 24:40, 24:40] += 0.0125
    assert structure_loss(figure(), figure()).item() == pytest.approx(0, abs=1e-5)
    assert structure_loss(lined, figure()) > 5 * structure_loss(brighter, figure()) > 0


def test_the_structure_of_a_batch_is_the_mean_of_its_pictures() -> None:
    """Of a small figure and one that fills its picture: workers that have one each average them alike."""
    small, large = figure(), torch.full((1, 4, 64, 64), 0.5)
    drawn = torch.rand(2, 4, 64, 64, generator=torch.Generator().manual_seed(0))
    alone = [structure_loss(drawn[:1], small), structure_loss(drawn[1:], large)]
    together = structure_loss(drawn, torch.cat([small, large]))
    assert together.item() == pytest.approx(torch.stack(alone).mean().item(), abs=1e-6)


def test_an_empty_picture_has_no_structure() -> None:
    nothing = torch.zeros(1, 4, 64, 64)
    assert structure_loss(nothing, nothing) == 0


@pytest.mark.parametrize(
    ("real", "fake", "loss"), [(1, -1, 0), (2, -3, 0), (0, 0, 2), (-1, 1, 4), (1, 0, 1), (0, -1, 1)]
)
def test_the_discriminator_is_content_beyond_the_margin(real: float, fake: float, loss: float) -> None:
    assert discriminator_loss(judged(real), judged(fake)).tolist() == pytest.approx([loss])


def test_the_generator_wants_to_be_taken_for_real() -> None:
    taken, _ = adversarial_loss(judged(1), judged(0.8))
    caught, _ = adversarial_loss(judged(1), judged(-0.8))
    assert taken < caught


def test_features_match_where_pictures_do() -> None:
    assert adversarial_loss(judged(0.3), judged(0.3))[1].tolist() == [0]
    assert adversarial_loss(judged(0.3), judged(0.5))[1].tolist() == pytest.approx([0.2])


def test_the_discriminator_judges_patches_on_two_scales() -> None:
    results = MultiScaleDiscriminator(width=4)(torch.rand(2, 4, 64, 64))
    assert [verdict.shape for verdict, _ in results] == [(2, 1, 16, 16), (2, 1, 8, 8)]
    assert all(len(features) == 3 for _, features in results)


def test_matching_does_not_train_on_the_real_side() -> None:
    real, fake = judged(0.3), judged(0.5)
    for _, features in (*real, *fake):
        features[0].requires_grad_()
    adversarial_loss(real, fake)[1].backward()
    assert real[0][1][0].grad is None
    assert fake[0][1][0].grad is not None


@torch.no_grad()
def test_pictures_of_a_batch_are_judged_alone() -> None:
    discriminators = MultiScaleDiscriminator(width=4)
    pictures = torch.rand(3, 4, 64, 64)
    together = discriminator_loss(discriminators(pictures), discriminators(1 - pictures))
    for row in range(3):
        alone = discriminator_loss(
            discriminators(pictures[row, None]), discriminators(1 - pictures[row, None])
        )
        assert float(alone) == pytest.approx(float(together[row]), abs=1e-5)


@pytest.mark.parametrize("shift", [(1, 0), (-1, 0), (0, 1), (1, -1), (-2, 3)])
def test_a_figure_that_takes_its_picture_along_is_steady(shift: tuple[int, int]) -> None:
    drawn = torch.rand(1, 4, 32, 40)
    x, y = shift
    moved = torch.roll(drawn, (y, x), dims=(2, 3))
    assert temporal_loss(drawn, moved, shift) == 0
    assert temporal_loss(drawn, drawn, shift) > 0.1


def test_faces_are_cut_out(pictures: LabelledPictures) -> None:
    keypoints = torch.from_numpy(pictures.keypoints[:2])
    true = torch.from_numpy(pictures.picture(0)).permute(2, 0, 1)[None].float().expand(2, -1, -1, -1) / 255
    crops, shown = face_crops(true, keypoints, 32)
    assert crops.shape == (2, 4, 32, 32)
    assert shown.tolist() == [1, 1]
    head = keypoints[0, [0, 15, 16, 17, 18], :2].mean(dim=0).round().int()
    middle = true[0, :, head[1], head[0]]
    torch.testing.assert_close(crops[0, :, 16, 16], middle, atol=0.02, rtol=0)


def test_a_crop_is_the_same_size_as_its_square() -> None:
    """One pixel of the crop is one of the picture where the square has as many."""
    keypoints = torch.zeros(1, 137, 4)
    keypoints[0, 0] = torch.tensor([20.0, 30.0, 0, 1])
    keypoints[0, 15] = torch.tensor([30.0, 40.0, 0, 1])
    picture = torch.rand(1, 4, 64, 64)
    crops, shown = face_crops(picture, keypoints, 14)
    assert shown.tolist() == [1]
    torch.testing.assert_close(crops, picture[..., 28:42, 18:32], atol=1e-4, rtol=0)


@pytest.mark.parametrize("place", [(-5.0, 20.0), (20.0, 70.0), None])
def test_faces_out_of_sight_do_not_count(place: tuple[float, float] | None) -> None:
    keypoints = torch.zeros(1, 137, 4)
    if place is not None:
        keypoints[0, 0, :2] = torch.tensor(place)
        keypoints[0, 0, 3] = 1
    crops, shown = face_crops(torch.rand(1, 4, 64, 64), keypoints, 16)
    assert shown.tolist() == [0]
    assert crops.isfinite().all()


def test_the_faces_detail_is_of_the_face_alone(pictures: LabelledPictures) -> None:
    keypoints = torch.from_numpy(pictures.keypoints[:1].copy())
    true = torch.from_numpy(pictures.picture(0)).permute(2, 0, 1)[None].float() / 255
    x, y = keypoints[0, [0, 15, 16, 17, 18], :2].mean(dim=0).round().int().tolist()
    face, foot = true.clone(), true.clone()
    face[..., y - 4 : y + 4, x - 4 : x + 4] = 0
    foot[..., -60:, :] = 0.5
    assert face_detail_loss(face, true, keypoints) > 0.005
    assert face_detail_loss(foot, true, keypoints) == 0
    keypoints[..., 0] -= 1000
    assert face_detail_loss(face, true, keypoints) == 0
