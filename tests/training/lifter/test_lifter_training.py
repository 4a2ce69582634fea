import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from dance_now.pose.model.keypoints import BODY_INDEX
from dance_now.pose.networks.lifter import LIFTED, open_lifter
from dance_now.training.lifter.lifter_data import project_people, sample_poses, split_motions
from dance_now.training.lifter.lifter_training import LiftingConfig, mean_depth_error, to_onnx, train_lifter

TINY = LiftingConfig(width=64, blocks=1, poses=600, steps=128, batch=128)
HIP = LIFTED.index(BODY_INDEX["mid_hip"])


@pytest.fixture(scope="module")
def poses():
    return sample_poses(split_motions()[1][:6], np.random.default_rng(0), 400)


@pytest.fixture(scope="module")
def network():
    return train_lifter(TINY)


def test_no_motion_is_both_learned_and_held_out():
    learned, held_out = ({motion.name for motion in part} for part in split_motions())
    assert not learned & held_out
    assert {motion.name for motion in split_motions()[1]} == held_out
    assert 0.1 < len(held_out) / (len(learned) + len(held_out)) < 0.2


def test_people_are_drawn_in_shares_of_their_height_from_the_hips_on(poses):
    people = project_people(poses, np.random.default_rng(1), 200)
    assert people.points.shape == (200, 29, 3)
    np.testing.assert_allclose(people.depth[:, HIP], 0.0, atol=1e-6)
    assert set(np.unique(people.points[..., 2])) == {0.0, 1.0}
    assert not people.points[people.points[..., 2] == 0].any()
    assert np.abs(people.depth).max() < 1.0


def test_training_learns_and_repeats_itself(network, poses):
    people = project_people(poses, np.random.default_rng(2), 1000)
    seen = people.points[..., 2] > 0
    assert mean_depth_error(network, people) < 0.95 * np.abs(people.depth)[seen].mean()
    torch.testing.assert_close(train_lifter(TINY).last.weight, network.last.weight)


def test_the_graph_is_the_network(network, poses):
    people = project_people(poses, np.random.default_rng(3), 50)
    graph = onnxruntime.InferenceSession(to_onnx(network), providers=["CPUExecutionProvider"])
    with torch.no_grad():
        wanted = network(torch.from_numpy(people.points)).numpy()
    np.testing.assert_allclose(graph.run(None, {"points": people.points})[0], wanted, atol=2e-3)


def test_all_layers_of_the_graph_are_stored_in_half_precision(network):
    model = onnx.load_from_string(to_onnx(network))
    large = [tensor for tensor in model.graph.initializer if np.prod(tensor.dims) >= 512]
    assert {tensor.data_type for tensor in large} == {onnx.TensorProto.FLOAT16}


def test_the_network_that_ships_knows_poses_that_it_has_not_seen(poses):
    people = project_people(poses, np.random.default_rng(4), 1000)
    session = open_lifter()._session
    found = session.run(None, {"points": people.points})[0]
    seen = people.points[..., 2] > 0
    assert np.abs(found - people.depth)[seen].mean() < 0.06 < np.abs(people.depth)[seen].mean()
