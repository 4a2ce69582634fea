"""The sharp layer: which patches a picture shows, and where."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
import torch.nn.functional as F

from dance_now.synthesis.surface.surface_patches import CHANNELS, TEXELS
from dance_now.training.networks.patch_layer import PatchLayer, closed_coverage
from dance_now.training.networks.patch_table import Patches

SIDE = 32  # pixels of the map
INNER = 0.75
NO_GAPS = torch.tensor([1e6])  # depth behind its neighbours from which a pixel is a gap


def flat(*colors: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    """One whole patch of each color."""
    patches = np.zeros((len(colors), TEXELS, TEXELS, CHANNELS), np.uint8)
    patches[..., :3] = np.array(colors)[:, None, None]
    patches[..., 3:] = (255, 128)
    return patches


def facing(places: list[tuple[float, float, float]], reach: float) -> Patches:
    """Patches that look straight at the viewer."""
    position = torch.tensor(places).t().unsqueeze(0)
    count = len(places)

    def axis(*vector: float) -> torch.Tensor:
        return (reach * torch.tensor(vector))[None, :, None].expand(1, 3, count)

    return Patches(
        position, axis(1, 0, 0), axis(0, 1, 0), axis(0, 0, -1), torch.ones(1, count, dtype=torch.bool)
    )


def shown(surface: PatchLayer, patches: Patches, side: int = SIDE) -> npt.NDArray[np.float32]:
    """(2 * side, 2 * side, 4) premultiplied."""
    picture = F.pixel_shuffle(surface(patches, (side, side), NO_GAPS), 2)[0].numpy().transpose(1, 2, 0)
    return np.asarray(picture, np.float32)


def test_a_patch_is_drawn_where_it_lies() -> None:
    picture = shown(PatchLayer(flat((255, 0, 0)), INNER), facing([(10.0, 20.0, 0.0)], 1.5))
    rows, columns = np.nonzero(picture[..., 3] > 0.5)
    assert (rows.min(), rows.max()) == (38, 41)
    assert (columns.min(), columns.max()) == (18, 21)
    np.testing.assert_allclose(picture[40, 20], [1, 0, 0, 1], atol=1e-6)


@pytest.mark.parametrize("nearer", [0, 1])
def test_the_foremost_patch_hides_the_other(nearer: int) -> None:
    places = [(16.0, 16.0, 5.0), (16.5, 16.0, 5.0)]
    places[nearer] = (*places[nearer][:2], 1.0)
    picture = shown(PatchLayer(flat((255, 0, 0), (0, 255, 0)), INNER), facing(places, 2.0))
    assert picture[32, 32, nearer] == pytest.approx(1)
    assert picture[32, 32, 1 - nearer] == pytest.approx(0)


def test_what_does_not_show_is_not_drawn() -> None:
    patches = facing([(16.0, 16.0, 0.0)], 2.0)
    picture = shown(
        PatchLayer(flat((255, 0, 0)), INNER), patches._replace(shown=torch.zeros(1, 1, dtype=torch.bool))
    )
    assert not picture.any()


def test_a_hole_in_a_patch_shows_what_lies_behind() -> None:
    patches = flat((255, 0, 0), (0, 0, 255))
    patches[0, :, :4, 3] = 0
    places = [(16.0, 16.0, 0.0), (15.5, 16.0, 5.0)]
    picture = shown(PatchLayer(patches, INNER), facing(places, 2.0))
    assert picture[32, 33, 0] == pytest.approx(1)
    assert picture[32, 30, 2] == pytest.approx(1)


def test_a_picture_on_a_patch_is_drawn_in_detail() -> None:
    """Finer than the points lie, at the picture's full size."""
    patches = flat((0, 0, 0))
    patches[0, :, ::2, :3] = 255
    reach = TEXELS / 4  # one texel is one pixel of the picture
    picture = shown(PatchLayer(patches, INNER), facing([(16.0, 16.0, 0.0)], reach))
    row = picture[32, 29:34, 0]
    assert (np.abs(np.diff(row)) > 0.9).all()


def test_what_is_finer_than_pixels_is_averaged() -> None:
    patches = flat((0, 0, 0))
    patches[0, :, ::2, :3] = 255
    picture = shown(PatchLayer(patches, INNER), facing([(16.25, 16.25, 0.0)], TEXELS / 16))
    assert 0.3 < picture[32, 32, 0] < 0.7


@pytest.mark.parametrize("spacing", [0.7, 2.0, 4.0])
def test_a_plane_of_points_has_no_holes(spacing: float) -> None:
    """However far apart its points lie."""
    steps = np.arange(0, SIDE, spacing) + 0.37
    places = [(float(x), float(y), 0.0) for x in steps for y in steps]
    picture = shown(PatchLayer(flat(*[(255, 255, 255)] * len(places)), INNER), facing(places, 1.4 * spacing))
    inner = picture[12:-12, 12:-12, 3]
    assert inner.mean() > 0.98


def test_a_close_figure_is_whole() -> None:
    """All of its many large patches are entered, the last ones too."""
    lines, columns = np.mgrid[1:32:31j, 0:64:31j]
    places = [(float(x), float(y), 0.0) for y, x in zip(lines.flat, columns.flat, strict=True)]
    picture = shown(PatchLayer(flat(*[(255, 255, 255)] * len(places)), INNER), facing(places, 12.0), side=64)
    assert picture[4:64, :, 3].min() == pytest.approx(1)


def test_figures_of_a_batch_do_not_mix() -> None:
    surface = PatchLayer(flat((255, 0, 0), (0, 255, 0)), INNER)
    first = facing([(8.0, 8.0, 0.0), (20.0, 20.0, 0.0)], 2.0)
    second = facing([(20.0, 8.0, 0.0), (8.0, 20.0, 0.0)], 2.0)
    pairs = zip(first, second, strict=True)
    both = surface(Patches(*map(torch.cat, pairs)), (SIDE, SIDE), NO_GAPS.expand(2))
    for number, alone in enumerate((first, second)):
        torch.testing.assert_close(both[number : number + 1], surface(alone, (SIDE, SIDE), NO_GAPS))


def test_a_gap_between_patches_shows_what_lies_beside_it() -> None:
    """And not the far side of the figure; a wider opening stays one."""
    surface = PatchLayer(flat((255, 0, 0), (255, 0, 0), (0, 0, 255)), INNER)
    for apart, filled in ((4.8, True), (8.8, False)):
        places = [(12.1, 16.5, 0.0), (12.1 + apart, 16.5, 0.0), (14.5, 16.5, 9.0)]
        patches = facing(places, 2.0)
        behind = shown(surface, patches)
        assert behind[33, 29, 2] == pytest.approx(1)
        seen = F.pixel_shuffle(surface(patches, (SIDE, SIDE), torch.tensor([3.0])), 2)[0].numpy()
        assert (seen[0, 33, 29] > 0.9) == filled


@pytest.mark.parametrize("place", [(-1.0, 16.0), (33.0, 16.0), (16.0, -40.0), (1e9, 1e30)])
def test_what_lies_beside_the_map_leaves_no_trace(place: tuple[float, float]) -> None:
    picture = shown(PatchLayer(flat((255, 0, 0)), INNER), facing([(*place, 0.0)], 0.9))
    assert not picture.any()


def test_a_patch_larger_than_any_window_is_cut() -> None:
    picture = shown(PatchLayer(flat((255, 0, 0)), INNER), facing([(16.0, 16.0, 0.0)], 300.0))
    assert picture[32, 32, 3] == pytest.approx(1)


def test_figures_are_solid_where_patches_surround_a_gap() -> None:
    alphas = torch.ones(2, 4, 9, 9)
    alphas[:, 1:, 2, 2] = 0  # three of a pixel's four parts
    alphas[:, :, 6, 6] = 0  # an opening, but on a close figure a gap
    far, close = closed_coverage(alphas, torch.tensor([0.0, 1.0]))[:, 0]
    assert far[2, 2] == close[2, 2] == close[6, 6] == 1
    assert not far[5:8, 5:8].any()
    assert not far[0].any()  # what lies beyond the map is not known


def test_a_close_figure_does_not_grow() -> None:
    alphas = torch.zeros(1, 4, 16, 16)
    alphas[..., 4:12, 4:12] = 1
    assert not (closed_coverage(alphas, torch.ones(1)) * (1 - alphas)).any()
