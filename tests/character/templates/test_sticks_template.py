"""The ``sticks`` template: what it accepts, what it draws, and the graph that it runs."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from skeletons import chibi_skeleton, posed, posture
from stick_files import sticks_arrays

from dance_now.character.character import Character
from dance_now.character.character_file import CharacterCard, CharacterFile
from dance_now.character.templates.stick_channels import BODY_CHANNELS, draw_sticks
from dance_now.character.templates.sticks_arrays import SticksArrays, SticksSize
from dance_now.character.templates.sticks_graph import DOMAIN, LAYERS, network_graph
from dance_now.character.templates.sticks_template import add_square, cut_square
from dance_now.core.errors import DanceNowError, MissingExtraError
from dance_now.pose.model.pose import Pose

Arrays = dict[str, np.ndarray[Any, Any]]
SKELETON = chibi_skeleton()
POSE = posed(SKELETON, posture(SKELETON), scale=300.0, mid_hip=(256, 350))
CARD = CharacterCard("tester", "1", "CC0", "nobody", SKELETON, template="sticks")


def character(arrays: Arrays | None = None, device: Any = "cpu") -> Character:
    """A made-up one."""
    return Character(CharacterFile(CARD, arrays or sticks_arrays(), b""), device, 1)


@pytest.fixture(scope="module")
def opened() -> Character:
    """A made-up one, loaded."""
    pytest.importorskip("onnxruntime")
    return character()


def test_it_draws_the_same_each_time(opened: Character) -> None:
    picture = opened.draw(POSE)
    assert picture.shape == (512, 512, 4)
    assert picture.dtype == np.uint8
    assert np.ptp(picture[..., 3]) > 0
    np.testing.assert_array_equal(picture, opened.draw(POSE))


@pytest.mark.parametrize("size", [(512, 300), (200, 256), (900, 700)])
def test_other_sizes_show_the_same(opened: Character, size: tuple[int, int]) -> None:
    scale = max(size) / 512
    picture = opened.draw(POSE.transformed(scale, (0, 0)), size)
    assert picture.shape == (size[1], size[0], 4)
    small = np.round(np.arange(8, 500 * size[1] // max(size), 7) * scale).astype(int)
    whole = opened.draw(POSE)[np.round(small / scale).astype(int)]
    shown = picture[small][:, : size[0]]
    assert abs(shown[..., 3].mean() - whole[:, : round(size[0] / scale), 3].mean()) < 4


def test_a_figure_is_drawn_where_the_picture_shows_it(opened: Character) -> None:
    near = POSE.transformed(4, (-500, -300))
    whole, head = opened.draw_figure(near, 1200, (1600, 1600), detail=True)
    assert whole.pixels.shape == head.pixels.shape == (512, 512, 4)
    assert head.width < whole.width
    ears = near.points[17:19, :2].mean(axis=0)
    assert (ears > [head.left, head.top]).all()
    assert (ears < [head.left + head.width, head.top + head.height]).all()
    assert opened.draw_figure(Pose.empty(), 1200, (1600, 1600), detail=True) == ()


@pytest.mark.parametrize("place", [1e6, 3e38, -3e38])
def test_absurd_places_and_weights_make_a_picture(place: float) -> None:
    pytest.importorskip("onnxruntime")
    arrays = sticks_arrays()
    arrays["body.last"][:] = 60_000
    drawn = character(arrays).draw_unchecked(Pose(POSE.points * np.float32([place / 500, 1, 1]), POSE.depth))
    assert drawn.shape == (512, 512, 4)


WRONG: dict[str, Callable[[Arrays], object]] = {
    "one is missing": lambda a: a.pop("body.up.1"),
    "one too many": lambda a: a.update(extra=np.zeros(1, np.float32)),
    "a level between is missing": lambda a: a.update({"body.down.7": a.pop("body.down.1")}),
    "another dtype": lambda a: a.update({"body.first": a["body.first"].astype(np.float32)}),
    "another shape": lambda a: a.update({"head.last": a["head.last"][:3]}),
    "no kernels": lambda a: a.update({"head.first": np.zeros((), np.float16)}),
    "not finite": lambda a: a["body.blocks"].__setitem__(0, np.inf),
    "a large bias": lambda a: a["head.last_bias"].fill(1e9),
    "an odd side": lambda a: a.update(head_side=np.array(30, np.uint32)),
    "a large side": lambda a: a.update(head_side=np.array(1024, np.uint32)),
    "a side of another type": lambda a: a.update(head_side=np.array(32, np.int32)),
    "many channels": lambda a: a.update({"body.first": np.zeros((33, 35, 7, 7), np.float16)}),
    "many blocks": lambda a: a.update({"body.blocks": np.zeros((10, 2, 8, 8, 3, 3), np.float16)}),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG.keys())
def test_wrong_arrays_are_refused(change: Callable[[Arrays], object]) -> None:
    arrays = sticks_arrays()
    change(arrays)
    with pytest.raises(ValueError):
        SticksArrays.of(arrays)
    with pytest.raises(DanceNowError, match="damaged"):
        character(arrays)


def test_the_number_of_weights_is_limited() -> None:
    sizes = {"levels": 4, "blocks": 9, "head_width": 18, "head_blocks": 4}
    SticksSize.of(width=18, **sizes).shapes()
    with pytest.raises(ValueError, match="weights"):
        SticksSize.of(width=24, **sizes).shapes()


def test_a_missing_onnxruntime_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"dance-now\[onnx\]"):
        character()


def test_a_device_that_is_not_here_is_named() -> None:
    runtime = pytest.importorskip("onnxruntime")
    if "CUDAExecutionProvider" in runtime.get_available_providers():
        pytest.skip("cuda is here")
    with pytest.raises(DanceNowError, match="has no cuda here"):
        character(device="cuda")


def test_the_graph_holds_the_arrays() -> None:
    onnx = pytest.importorskip("onnx")
    arrays = SticksArrays.of(sticks_arrays(blocks=2)).body
    graph = onnx.load_from_string(network_graph(arrays, LAYERS.read_bytes())).graph
    kinds = ["First", "Down", "Down", "Block", "Block", "Up", "Up", "Last"]
    assert [node.op_type for node in graph.node] == kinds
    assert {node.domain for node in graph.node} == {DOMAIN}
    stored = [onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer]
    blocks = [kernel for block in arrays["blocks"] for kernel in block]
    wanted = [arrays["first"], arrays["down.0"], arrays["down.1"], *blocks]
    wanted += [arrays["up.1"], arrays["up.0"], arrays["last"], arrays["last_bias"]]
    for found, array in zip(stored, wanted, strict=True):
        np.testing.assert_array_equal(found, array.astype(np.float32))


def test_the_layers_that_ship_are_what_the_script_writes() -> None:
    onnx = pytest.importorskip("onnx")
    made = script().layers()
    assert made == script().layers()
    shipped = onnx.load(LAYERS)
    assert shipped == onnx.load_from_string(made)
    assert not shipped.graph.node
    assert not shipped.graph.initializer
    assert LAYERS.stat().st_size < 4000


def script() -> ModuleType:
    """scripts/sticks_graph.py."""
    path = Path(__file__).parents[3] / "scripts" / "sticks_graph.py"
    spec = importlib.util.spec_from_file_location("sticks_graph_script", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_lines_to_missing_points_are_not_drawn() -> None:
    points = np.zeros((137, 4), np.float32)
    points[1], points[8], points[2, :2] = (10, 32, 0, 1), (50, 32, 0, 1), (10, 10)
    drawn = draw_sticks(points, BODY_CHANNELS, 64)
    limb = BODY_CHANNELS.index(((1, 8),))
    assert drawn[limb, 31:33, 14:46].min() == 1
    assert drawn[limb, :26].max() == drawn[limb, 38:].max() == 0
    assert np.delete(drawn[:-1], limb, axis=0).max() == 0
    np.testing.assert_array_equal(drawn[-1], 1 - drawn[limb])


@pytest.mark.parametrize("corner", [(3, 5), (-4, 30), (37, -7), (-500, 2), (900, 900)])
def test_a_square_comes_from_where_it_goes_back_to(corner: tuple[int, int]) -> None:
    padded = np.zeros((2, 2000, 2000), np.float32)
    picture = padded[:, 600:640, 600:640]
    picture[:] = np.random.default_rng(0).random((2, 40, 40))
    left, top = corner[0] + 600, corner[1] + 600
    square = cut_square(picture, corner, 16)
    np.testing.assert_array_equal(square, padded[:, top : top + 16, left : left + 16])
    before = padded.copy()
    add_square(picture, np.ones((2, 16, 16), np.float32), corner)
    before[:, top : top + 16, left : left + 16] += 1
    np.testing.assert_array_equal(picture, before[:, 600:640, 600:640])
