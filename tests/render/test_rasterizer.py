"""The rasteriser's laws: exact cover, depth, masks, blending."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dance_now.formats3d.srgb import DECODE_TABLE, linear_to_srgb, srgb_to_linear
from dance_now.render.mipmaps import reduced_levels
from dance_now.render.rasterizer import draw_strip
from dance_now.render.texture_sampling import SURFACE_DTYPE, texture_detail
from dance_now.render.vertex_placement import bin_triangles

SIZE = 16
Corners = list[tuple[float, float, float]]


def _surface(color: tuple[float, ...] = (1, 0, 0, 1), **values: float) -> npt.NDArray[np.void]:
    record = np.zeros(1, SURFACE_DTYPE)
    record["base"] = color
    record["unlit"] = record["writes_depth"] = record["double_sided"] = 1
    record["base_level"] = record["shade_level"] = -1
    for name, value in values.items():
        record[name] = value
    return record


def _draw(triangles: list[tuple[Corners, npt.NDArray[np.void]]], samples: int = 1) -> npt.NDArray[np.uint8]:
    vertices = np.zeros((3 * len(triangles), 8), np.float32)
    for number, (corners, _) in enumerate(triangles):
        vertices[3 * number : 3 * number + 3, :3] = np.array(corners) * (samples, samples, 1)
    vertices[:, 5] = 1
    indices = np.arange(3 * len(triangles), dtype=np.int32).reshape(-1, 3)
    kinds = np.stack([np.arange(len(triangles)), np.zeros(len(triangles))], axis=1).astype(np.int32)
    surfaces = np.concatenate([surface for _, surface in triangles])
    starts, members = bin_triangles(vertices, indices, kinds, surfaces, SIZE * samples, 4 * samples)
    picture = np.zeros((SIZE, SIZE, 4), np.uint8)
    depth = np.full((SIZE * samples, SIZE * samples), np.inf, np.float32)
    texels, levels = np.zeros((1, 4), np.uint8), np.zeros((1, 3), np.int64)
    for strip in range(SIZE // 4):
        chosen = members[starts[strip] : starts[strip + 1]]
        rows = picture[4 * strip : 4 * strip + 4]
        first = 4 * samples * strip
        near = depth[first : first + 4 * samples]
        draw_strip(vertices, indices, kinds, chosen, surfaces, texels, levels, first, samples, near, rows)
    return picture


def _square(x0: float, y0: float, x1: float, y1: float, z: float) -> list[Corners]:
    return [[(x0, y0, z), (x0, y1, z), (x1, y1, z)], [(x0, y0, z), (x1, y1, z), (x1, y0, z)]]


def test_a_square_covers_exactly_its_pixels() -> None:
    picture = _draw([(half, _surface()) for half in _square(2, 3, 9, 12, 0)])
    expected = np.zeros((SIZE, SIZE), np.uint8)
    expected[3:12, 2:9] = 255
    np.testing.assert_array_equal(picture[..., 3], expected)
    assert picture[5, 5].tolist() == [255, 0, 0, 255]
    assert not picture[expected == 0].any()


@given(x=st.floats(2, 14), y=st.floats(2, 14))
@settings(max_examples=60, deadline=None)
def test_a_fan_of_blended_triangles_has_no_seams(x: float, y: float) -> None:
    rim = [(0.0, 0.0), (0.0, 16.0), (16.0, 16.0), (16.0, 0.0)]
    glass = _surface((1, 1, 1, 0.5), alpha_mode=2, writes_depth=0)
    fan = [([(x, y, 0.0), (*rim[i], 0.0), (*rim[(i + 1) % 4], 0.0)], glass) for i in range(4)]
    assert set(np.unique(_draw(fan)[..., 3])) == {128}  # twice would be 191, a gap 0


def test_the_nearer_surface_wins_whatever_the_order() -> None:
    near = [(half, _surface((0, 1, 0, 1))) for half in _square(0, 0, 16, 16, -1)]
    far = [(half, _surface((1, 0, 0, 1))) for half in _square(0, 0, 16, 16, 1)]
    for order in (near + far, far + near):
        assert (_draw(order)[..., :3] == (0, 255, 0)).all()


def test_back_faces_are_left_out_of_single_sided_surfaces() -> None:
    half = _square(0, 0, 16, 16, 0)[0]
    single = _surface(double_sided=0)
    assert _draw([(half, single)]).any() != _draw([(half[::-1], single)]).any()


def test_masks_cut_and_blends_mix_in_linear_light() -> None:
    whole = _square(0, 0, 16, 16, 0)
    assert not _draw([(half, _surface((1, 0, 0, 0.4), alpha_mode=1, cutoff=0.5)) for half in whole]).any()
    white = [(half, _surface((1, 1, 1, 1))) for half in _square(0, 0, 16, 16, 1)]
    veil = [(half, _surface((0, 0, 0, 0.5), alpha_mode=2, writes_depth=0)) for half in whole]
    assert _draw(white + veil)[8, 8].tolist() == [188, 188, 188, 255]


def test_supersampling_gives_partial_alpha_without_dark_edges() -> None:
    picture = _draw([(half, _surface()) for half in _square(2, 2, 8.5, 8, 0)], samples=2)
    assert picture[4, 8].tolist() == [255, 0, 0, 128]


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1e9])
def test_vertices_gone_astray_are_not_drawn(bad: float) -> None:
    assert not _draw([([(bad, 0, 0), (16, 0, 0), (0, 16, 0)], _surface())]).any()


def test_srgb_is_exact_both_ways() -> None:
    codes = np.arange(256)
    np.testing.assert_array_equal(np.round(linear_to_srgb(srgb_to_linear(codes / 255)) * 255), codes)
    assert DECODE_TABLE[188] == pytest.approx(0.5029, abs=1e-4)


def test_reduced_levels_average_light_and_ignore_clear_texels() -> None:
    pixels = np.zeros((2, 2, 4), np.uint8)
    pixels[0] = 255  # white above; clear black below
    small = reduced_levels(pixels)[1]
    assert small.shape == (1, 1, 4)
    assert small[0, 0].tolist() == [255, 255, 255, 128]


@pytest.mark.parametrize("coordinate", [1e23, -3e38, np.nan])
def test_absurd_texture_coordinates_stay_inside_the_texture(coordinate: float) -> None:
    """Their number of texels a sample has no logarithm that is a mipmap level."""
    corners = np.zeros((3, 8), np.float32)
    corners[:, :2] = [[0, 0], [8, 0], [0, 8]]
    corners[:, 6:] = [[0, 0], [coordinate, 0], [0, coordinate]]
    assert texture_detail(corners, (0, 1, 2), 64, 64, 7) in (0, 6)
