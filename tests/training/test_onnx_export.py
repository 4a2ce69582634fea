"""The exported graph draws what torch draws, and repeats itself."""

import numpy as np
import onnxruntime
import pytest
import torch
from skeletons import posed, posture

from dance_now.core.arrays import FloatArray
from dance_now.pose.model.skeleton import Skeleton
from dance_now.synthesis.surface.surface_points import MeshPoints
from dance_now.training.networks.points_generator import (
    ExportedPointsGenerator,
    GeneratorConfig,
    PointsGenerator,
)
from dance_now.training.onnx_export import TOLERANCE, compare, generator_graph, rounded_to_half

WHOLE = np.zeros((32, 32), np.float32)  # a canvas of blocks of 16 px


@pytest.fixture
def poses(skeleton: Skeleton) -> FloatArray:
    """(3, 137, 4): small, cut by the picture's edge, and seen from the side."""
    rows = []
    for turn, scale, mid_hip in ((10, 120, (256, 300)), (-20, 250, (256, 560)), (70, 200, (30, 300))):
        pose = posed(skeleton, posture(skeleton, turn=turn), scale=scale, mid_hip=mid_hip)
        rows.append(np.concatenate([pose.points[:, :2], pose.depth[:, None], pose.points[:, 2:]], axis=1))
    return np.stack(rows).astype(np.float32)


@pytest.mark.slow
def test_the_graph_draws_what_torch_draws(skeleton: Skeleton, mesh: MeshPoints, poses: FloatArray) -> None:
    torch.manual_seed(3)
    generator = PointsGenerator(skeleton, mesh, GeneratorConfig(points=len(mesh), width=8)).eval()
    torch.nn.init.normal_(generator.decoder.out.weight, std=0.05)
    shipped = ExportedPointsGenerator(rounded_to_half(generator)).eval()
    graph = generator_graph(shipped)
    difference, _ = compare(shipped, graph, poses)
    assert difference < TOLERANCE
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    first, again = (session.run(None, {"points": poses, "canvas": WHOLE})[0] for _ in range(2))
    assert np.array_equal(first, again)
    (alone,) = session.run(None, {"points": poses[:1], "canvas": WHOLE})
    np.testing.assert_allclose(first[:1], alone, atol=1e-4)
