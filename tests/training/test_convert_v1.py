"""Version-1 files become arrays that draw what their graph drew; others are refused with one line."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest
from canvas_poses import canvas_poses

from dance_now.character.canvas_region import BLOCK, CanvasRegion, canvas_region_around
from dance_now.character.character_file import CharacterFile, read_character_file
from dance_now.character.templates.points_arrays import PointsArrays
from dance_now.character.templates.points_drawing import PointsDrawing
from dance_now.core.arrays import FloatArray, Image
from dance_now.core.errors import DanceNowError
from dance_now.training.convert_v1 import convert, read_v1
from dance_now.training.points_export import (
    MEAN_TOLERANCE,
    OUTLIERS,
    arrays_of,
    compare_drawings,
    generator_of,
    premultiplied,
)

_COMMIT = "f3ba8ee"  # the last one whose characters were of version 1
_NAMES = ("godette", "tempo", "uka")
_SLOWEST = 0.55  # of the graph's time


@pytest.fixture(scope="session")
def old_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the characters of version 1, from the repository's history."""
    folder = tmp_path_factory.mktemp("version-1")
    for name in _NAMES:
        place = f"{_COMMIT}:src/dance_now/character/cast/{name}.dance"
        found = subprocess.run(
            ["git", "show", place], capture_output=True, cwd=Path(__file__).parent, check=False
        )
        if found.returncode:
            pytest.skip("the history with version-1 characters is not here")
        (folder / f"{name}.dance").write_bytes(found.stdout)
    return folder


class Graph:
    """The ONNX program of a version-1 file, as it was drawn then."""

    def __init__(self, path: Path) -> None:
        onnxruntime = pytest.importorskip("onnxruntime")
        with zipfile.ZipFile(path) as archive:
            graph = archive.read("generator.onnx")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def draw(self, keypoints: FloatArray, part: CanvasRegion) -> Image:
        """(part.height, part.width, 4) uint8 RGBA."""
        moved = keypoints - np.array([part.left, part.top, 0, 0], np.float32)
        canvas = np.zeros((part.height // BLOCK, part.width // BLOCK), np.float32)
        (drawn,) = self._session.run(None, {"points": moved[None], "canvas": canvas})
        return np.asarray(np.clip(drawn[0].transpose(1, 2, 0), 0, 1) * 255 + 0.5).astype(np.uint8)


def _opened(content: CharacterFile) -> tuple[PointsDrawing, FloatArray, list[CanvasRegion]]:
    skeleton, bounds = content.card.skeleton, content.card.bounds
    assert bounds is not None
    poses = canvas_poses(skeleton)
    parts = [canvas_region_around(*bounds.bounds(each[:, :3], skeleton.scale(each[:, :3]))) for each in poses]
    return PointsDrawing(skeleton, PointsArrays.of(content.arrays)), poses, parts


@pytest.mark.slow
@pytest.mark.parametrize("name", _NAMES)
def test_converted_characters_draw_what_their_graph_drew(old_files: Path, name: str) -> None:
    graph, (drawing, poses, parts) = (
        Graph(old_files / f"{name}.dance"),
        _opened(read_v1(old_files / f"{name}.dance")),
    )
    differences, seconds = [], np.zeros((2, len(poses), 3))
    for number, (keypoints, part) in enumerate(zip(poses, parts, strict=True)):
        for kind, draw in enumerate((graph.draw, drawing.draw)):
            for round_ in range(3):
                start = time.process_time()
                drawn = draw(keypoints, part)
                seconds[kind, number, round_] = time.process_time() - start
            differences.append(premultiplied(drawn).reshape(-1))
    each = [np.abs(a - b) for a, b in zip(differences[::2], differences[1::2], strict=True)]
    together = np.concatenate(each)
    assert together.mean() < MEAN_TOLERANCE
    assert (together > 2e-3 * 255).mean() < OUTLIERS
    ratio = seconds[1].min(axis=1).sum() / seconds[0].min(axis=1).sum()
    assert ratio < _SLOWEST, f"the kernel takes {ratio:.2f} of the graph's time"


@pytest.mark.slow
@pytest.mark.parametrize("name", _NAMES)
def test_the_torch_module_of_a_file_draws_the_same(old_files: Path, name: str) -> None:
    content = read_v1(old_files / f"{name}.dance")
    arrays = PointsArrays.of(content.arrays)
    generator = generator_of(content.card.skeleton, arrays)
    again = arrays_of(generator).to_file()
    assert all(np.array_equal(again[key], array) for key, array in content.arrays.items())
    drawing, poses, _ = _opened(content)
    mean, outliers = compare_drawings(drawing, generator, poses[[1, 6, 9]])
    assert mean < MEAN_TOLERANCE
    assert outliers < OUTLIERS


def test_the_new_file_has_the_old_card(old_files: Path, tmp_path: Path) -> None:
    old, new = old_files / "uka.dance", tmp_path / "uka.dance"
    convert(old, new)
    with zipfile.ZipFile(old) as archive:
        card = json.loads(archive.read("character.json"))
        preview = archive.read("preview.png")
    content = read_character_file(new)
    assert content.preview == preview
    kept = content.card.to_json()
    assert kept["template"] == "points"
    assert {key: kept[key] for key in ("name", "licence", "credits", "provenance")} == {
        key: card[key] for key in ("name", "licence", "credits", "provenance")
    }
    assert kept["bounds"] == card["extent"]
    assert content.arrays["inner"] == np.float32(0.9)
    again = PointsArrays.of(content.arrays)
    again.check()
    with pytest.raises(DanceNowError, match="exists"):
        convert(old, new)


def _rewritten(data: bytes, **members: bytes) -> bytes:
    """A version-1 file with other members; checksums are put right."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        content = {name: archive.read(name) for name in archive.namelist()} | {
            name.replace("_", "."): member for name, member in members.items()
        }
    card = json.loads(content["character.json"])
    card["sha256"] = {name: hashlib.sha256(content[name]).hexdigest() for name in card["sha256"]}
    content["character.json"] = json.dumps(card).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, member in content.items():
            archive.writestr(name, member)
    return out.getvalue()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: b"no zip", "is no character file"),
        (lambda data: data[: len(data) // 2], "is no character file"),
        (lambda data: _rewritten(data, generator_onnx=b"\xff" * 100), "damaged"),
        (lambda data: _rewritten(data, generator_onnx=b""), "only the characters that came with dance-now"),
        (lambda data: _rewritten(data, extra_txt=b""), "no version-1 character file"),
    ],
)
def test_other_files_are_refused_with_one_line(
    old_files: Path, tmp_path: Path, change: object, message: str
) -> None:
    path = tmp_path / "other.dance"
    path.write_bytes(change((old_files / "uka.dance").read_bytes()))  # type: ignore[operator]
    with pytest.raises(DanceNowError, match=message) as refused:
        convert(path, tmp_path / "new.dance")
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "new.dance").exists()


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DanceNowError, match="There is no character file"):
        convert(tmp_path / "none.dance", tmp_path / "new.dance")
