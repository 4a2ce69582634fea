import numpy as np
import pytest
import torch

from dance_now.pose.model.keypoints import BODY_INDEX
from dance_now.pose.networks.lifter import LIFTED, LiftingNetwork, open_lifter
from dance_now.training.lifter.lifter_data import project_people, sample_poses, split_motions
from dance_now.training.lifter.lifter_training import (
    LiftingConfig,
    lifter_arrays,
    mean_depth_error,
    train_lifter,
    write_lifter,
)

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


def test_the_file_is_the_network(network, poses, tmp_path):
    people = project_people(poses, np.random.default_rng(3), 50)
    write_lifter(network, tmp_path / "lifter.npz")
    with torch.no_grad():
        wanted = network(torch.from_numpy(people.points)).numpy()
    found = LiftingNetwork.load(tmp_path / "lifter.npz")(people.points)
    np.testing.assert_allclose(found, wanted, atol=2e-3)


def test_weights_are_stored_in_half_precision(network):
    arrays = lifter_arrays(network)
    assert {name for name, array in arrays.items() if array.dtype == np.float16} == {
        "first_weight",
        "weights",
        "last_weight",
    }


def test_the_network_that_ships_knows_poses_that_it_has_not_seen(poses):
    people = project_people(poses, np.random.default_rng(4), 1000)
    found = open_lifter().network(people.points)
    seen = people.points[..., 2] > 0
    assert np.abs(found - people.depth)[seen].mean() < 0.06 < np.abs(people.depth)[seen].mean()
