"""Torch, the kernel and the exported graph draw the same, on one pose as in a batch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from canvas_poses import canvas_poses
from points_networks import points_arrays
from skeletons import chibi_skeleton

from dance_now.character.character import builtin_files
from dance_now.character.templates.points_arrays import PointsArrays
from dance_now.character.templates.points_drawing import PointsDrawing
from dance_now.core.arrays import FloatArray
from dance_now.pose.model.skeleton import Skeleton
from dance_now.training.networks.points_generator import ExportedPointsGenerator, PointsGenerator
from dance_now.training.onnx_export import generator_graph
from dance_now.training.points_export import (
    MEAN_TOLERANCE,
    OUTLIERS,
    arrays_of,
    compare_drawings,
    generator_of,
    premultiplied,
    read_generator,
)
from dance_now.training.train_config import PRESETS, TrainingConfig

NETWORKS = [name for name in builtin_files() if name.endswith(":network")]
ALIKE = 2e-3 * 255  # levels


def degenerate(poses: FloatArray) -> FloatArray:
    """Poses that no body takes: folded to a line, edge-on, missing hands and face, far too small."""
    flat, line, lost, tiny = (poses[0].copy() for _ in range(4))
    line[:, 0] = 256
    flat[:, :2] = flat[0, :2] + 0.02 * (flat[:, :2] - flat[0, :2])
    lost[25:, :] = 0
    tiny[:, :3] *= 0.01
    return np.stack([line, flat, lost, tiny])


def check_equal(skeleton: Skeleton, arrays: PointsArrays, threads: int) -> None:
    """Compares all three over whole figures, close-ups, figures cut by the canvas, and degenerate poses."""
    poses = canvas_poses(skeleton)[[0, 3, 6, 8, 10, 11]]
    generator = generator_of(skeleton, arrays)
    mean, outliers = compare_drawings(PointsDrawing(skeleton, arrays), generator, poses)
    assert mean < MEAN_TOLERANCE
    assert outliers < OUTLIERS
    session = opened(generator, threads)
    everything = np.concatenate([poses, degenerate(poses)]).astype(np.float32)
    batch = drawn(session, everything[:3])
    differences = []
    for number, keypoints in enumerate(everything):
        alone = drawn(session, keypoints[None])[0]
        assert np.array_equal(alone, drawn(session, keypoints[None])[0])  # run after run
        if number < 3:
            differences.append(np.abs(batch[number] - alone))
        kernel = premultiplied(PointsDrawing(skeleton, arrays).draw(keypoints))
        differences.append(np.abs(kernel - alone))
    assert np.mean([each.mean() for each in differences]) < MEAN_TOLERANCE
    assert np.mean([(each > ALIKE).mean() for each in differences]) < OUTLIERS


def opened(generator: PointsGenerator, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    graph = generator_graph(ExportedPointsGenerator(generator).eval())
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def drawn(session: Any, poses: FloatArray) -> FloatArray:
    """(n, 512, 512, 4) premultiplied, in whole levels of 255."""
    rgba = session.run(None, {"points": poses})[0].transpose(0, 2, 3, 1)
    levels = (np.clip(rgba, 0, 1) * 255 + 0.5).astype(np.uint8)
    return np.stack([premultiplied(each) for each in levels])


@pytest.mark.slow
@pytest.mark.parametrize("patches", [True, False])
def test_networks_with_and_without_patches(patches: bool) -> None:
    check_equal(chibi_skeleton(), PointsArrays.of(points_arrays(patches=patches)), threads=2)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_built_in_networks(name: str) -> None:
    card, generator = read_generator(name)
    check_equal(card.skeleton, arrays_of(generator), threads=1)


@pytest.mark.slow
def test_a_small_trained_network(dataset: Path, debug: TrainingConfig, tmp_path: Path) -> None:
    from dance_now.training.train_character import train

    assert debug == PRESETS["debug"]
    train(dataset, tmp_path / "tiny.dance", debug, report=lambda *told: None)
    card, generator = read_generator(str(tmp_path / "tiny.dance"))
    check_equal(card.skeleton, arrays_of(generator), threads=2)


@torch.no_grad()
def test_the_picture_is_straight_rgba(generator: PointsGenerator) -> None:
    rgba = ExportedPointsGenerator(generator.eval())(torch.from_numpy(canvas_poses(chibi_skeleton())[:1]))
    assert rgba.shape == (1, 4, 512, 512)
    assert rgba.min() >= 0
    assert rgba.max() <= 1
